//! Finds region and credentials as the AWS tools do, and prints the access key id:
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
    // Credentials are resolved only here.
    match config.credentials.provide_credentials().await {
        Ok(found) => println!("access key: {}", found.access_key_id()),
        Err(error) => println!("access key: none found ({error})"),
    }
    Ok(())
}
