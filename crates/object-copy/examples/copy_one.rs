//! Copies one object from OSS to OBS and proves that it arrived. With the local cloud:
//!
//! ```sh
//! cargo run -p cloud-twin -- --oss-bucket photos --obs-bucket mirror     # prints URLs and keys
//! export OSS_ACCESS_KEY_ID=… OSS_ACCESS_KEY_SECRET=… HW_AK=… HW_SK=…
//! cargo run -p object-copy --example copy_one -- http://127.0.0.1:… photos a.jpg http://127.0.0.1:… mirror
//! ```

use std::env;
use std::error::Error;
use std::sync::Arc;

use http_client::Proxies;
use object_copy::transfer::{CopyOutcome, Destination, DestinationHint, Item, Options, Source, Transfer};
use oss_lite::{Bucket, BucketName, Client, ClientConfig, Credentials, Dialect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [oss, from, key, obs, to] = arguments.as_slice() else {
        return Err("usage: copy_one OSS_ENDPOINT BUCKET KEY OBS_ENDPOINT BUCKET".into());
    };
    let http = http_client::build(Proxies::FromEnvironment)?;
    let from = bucket(&http, oss, from, Dialect::Oss, ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET"])?;
    let to = bucket(&http, obs, to, Dialect::Obs, ["HW_AK", "HW_SK"])?;

    // One transfer copies any number of objects, several at once.
    let transfer = Transfer::new(Source::Store(from), Destination::store(to), Options::default());
    let item =
        Item { key: key.clone(), to: key.clone(), size: None, hint: DestinationHint::Unknown, open: None };
    match transfer.copy(&item, None).await {
        Ok(CopyOutcome::Copied { bytes }) => println!("copied {bytes} bytes; the checksums agree"),
        Ok(other) => println!("{other:?}"),
        Err(error) => return Err(error.to_string().into()),
    }
    Ok(())
}

fn bucket(
    http: &reqwest::Client,
    endpoint: &str,
    name: &str,
    dialect: Dialect,
    [id, secret]: [&str; 2],
) -> Result<Bucket, Box<dyn Error + Send + Sync>> {
    let config = ClientConfig::new(endpoint.parse()?, dialect).with_region("cn-hangzhou");
    let credentials = Credentials::new(env::var(id)?, env::var(secret)?);
    let name = BucketName::parse(name, dialect)?;
    Ok(Client::new(http.clone(), config)?.bucket(&name, Arc::new(credentials)))
}
