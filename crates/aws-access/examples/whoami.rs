//! Finds region and credentials as the AWS tools do, and says which access key they have:
//! `AWS_REGION=eu-west-1 AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… cargo run -p aws-access --example
//! whoami`.

use std::error::Error;

use aws_access::ProvideCredentials as _;
use http_client::Proxies;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let http = http_client::build(Proxies::FromEnvironment)?;
    let config = aws_access::config(&http, None).await;
    match config.sdk.region() {
        Some(region) => println!("region: {region}"),
        None => println!("region: none found"),
    }
    // Nothing was looked for until here.
    match config.credentials.provide_credentials().await {
        Ok(found) => println!("access key: {}", found.access_key_id()),
        Err(error) => println!("access key: none found ({error})"),
    }
    Ok(())
}
