//! Stores an object and lists the bucket:
//! `cargo run -p oss-lite --example put_and_list -- ENDPOINT BUCKET ACCESS_KEY SECRET_KEY`.

use std::env;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use oss_lite::{Client, ClientConfig, Credentials, Dialect, ListOptions, PutOptions};
use rustls::RootCertStore;
use rustls::crypto::ring;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [endpoint, bucket, access_key, secret_key] = &arguments[..] else {
        return Err("usage: put_and_list ENDPOINT BUCKET ACCESS_KEY SECRET_KEY".into());
    };
    let config = ClientConfig::new(endpoint.parse()?, Dialect::Oss).with_region("cn-hangzhou");
    let credentials = Arc::new(Credentials::new(access_key.clone(), secret_key.clone()));
    let bucket = Client::new(http()?, config)?.bucket(&bucket.parse()?, credentials);

    bucket.put("dir/hello.txt", "hello".into(), PutOptions::default()).await?;
    let mut pages = pin!(bucket.list(ListOptions::default()));
    while let Some(page) = pages.try_next().await? {
        for object in page.objects {
            println!("{:>10}  {}", object.size, object.key);
        }
    }
    Ok(())
}

/// An HTTP client as the crate needs it. It trusts no certificate authority, since this is for plain HTTP on
/// loopback.
fn http() -> Result<reqwest::Client, Box<dyn Error>> {
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let redirect = reqwest::redirect::Policy::none();
    Ok(reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(redirect).no_proxy().build()?)
}
