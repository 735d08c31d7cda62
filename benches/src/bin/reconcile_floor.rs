//! Lists two buckets at the same time, page after page, and does nothing else.
//!
//! Arguments, for each bucket: `oss` or `obs`, endpoint, region, bucket, access key, secret key.

use std::env;
use std::pin::pin;
use std::sync::Arc;

use bench::Result;
use futures_util::{TryStreamExt as _, future};
use http_client::Proxies;
use oss_lite::{Client, ClientConfig, Credentials, Dialect, ListOptions};

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let http = http_client::build(Proxies::None)?;
    let listings = arguments.chunks(6).map(|side| tokio::spawn(list(http.clone(), side.to_vec())));
    for keys in future::join_all(listings).await {
        println!("{}", keys??);
    }
    Ok(())
}

async fn list(http: reqwest::Client, side: Vec<String>) -> Result<usize> {
    let [dialect, url, region, bucket, access_key, secret_key] = side.as_slice() else {
        return Err("six arguments for each bucket".into());
    };
    let dialect = if dialect == "oss" { Dialect::Oss } else { Dialect::Obs };
    let config = ClientConfig::new(url.parse()?, dialect).with_region(region.clone());
    let credentials = Credentials::new(access_key.clone(), secret_key.clone());
    let bucket = Client::new(http, config)?.bucket(&bucket.parse()?, Arc::new(credentials));
    let mut keys = 0;
    let mut pages = pin!(bucket.list(ListOptions::default()));
    while let Some(page) = pages.try_next().await? {
        keys += page.objects.len();
    }
    Ok(keys)
}
