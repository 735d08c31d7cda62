//! What a replay costs at least: the same requests to the same services, by the same libraries, and nothing decided.
//!
//! Settings come from the environment, as those of the product do. Lists the failed markers, and for each thousand posts
//! their keys ten at a time, puts as many success records and removes the markers, with the product's concurrency.

use std::env;
use std::error::Error;
use std::sync::Arc;

use apig_signer::{Payload, SigningParams};
use bytes::Bytes;
use chrono::Utc;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Uri};
use http_client::Proxies;
use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect, ListOptions, PutOptions};
use reqwest::{Request, Url};

const CHUNKS: usize = 3;
const REQUESTS: usize = 16;
const WRITES: usize = 64;
const RECORD: &str = r#"{"v":1,"key":"k0000000","engine":"oms","outcome":"accepted","attempts":1,"accepted_at":"2026-01-05T10:00:00.000Z","request_id":"00000000000000000000000000000001"}"#;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Floor {
    http: reqwest::Client,
    url: Url,
    uri: Uri,
    huawei: apig_signer::Credentials,
    bucket: Bucket,
    folder: String,
    success: String,
}

#[tokio::main]
async fn main() -> Result<()> {
    let floor = Arc::new(Floor::from_environment()?);
    let options = ListOptions { prefix: Some(floor.folder.clone()), ..ListOptions::default() };
    let chunks = floor.bucket.list(options).map_err(Into::into).map_ok(|page| {
        let floor = Arc::clone(&floor);
        let names: Vec<String> = page.objects.into_iter().map(|object| object.key).collect();
        async move { tokio::spawn(async move { floor.chunk(names).await }).await? }
    });
    chunks.try_buffer_unordered(CHUNKS).try_collect().await
}

impl Floor {
    fn from_environment() -> Result<Self> {
        let url = env::var("SYNC_URL")?;
        let task = url.rsplit('/').nth(1).unwrap_or_default().to_owned();
        let http = http_client::build(Proxies::None)?;
        let config = ClientConfig::new(env::var("OSS_ENDPOINT")?.parse()?, Dialect::Oss);
        let client = Client::new(http.clone(), config.with_region(env::var("OSS_REGION")?))?;
        let credentials =
            Credentials::new(env::var("OSS_ACCESS_KEY_ID")?, env::var("OSS_ACCESS_KEY_SECRET")?);
        Ok(Self {
            http,
            uri: url.parse()?,
            url: url.parse()?,
            huawei: apig_signer::Credentials::new(env::var("HW_AK")?, env::var("HW_SK")?),
            bucket: client.bucket(&env::var("LOG_BUCKET")?.parse()?, Arc::new(credentials)),
            folder: format!("oms_source_record/{task}/failed_object/"),
            success: format!("oms_source_record/{task}/success_object/"),
        })
    }

    async fn chunk(self: Arc<Self>, names: Vec<String>) -> Result<()> {
        let keys: Vec<String> = names.iter().map(|name| name[self.folder.len()..].to_owned()).collect();
        let posts: Vec<_> = keys.chunks(10).map(|keys| self.post(keys)).collect();
        stream::iter(posts).buffer_unordered(REQUESTS).try_collect::<()>().await?;
        let puts: Vec<_> = keys.iter().map(|key| self.put(key)).collect();
        stream::iter(puts).buffer_unordered(WRITES).try_collect::<()>().await?;
        self.bucket.delete_multiple(&names).await?;
        Ok(())
    }

    async fn post(&self, keys: &[String]) -> Result<()> {
        let body = Bytes::from(format!(r#"{{"object_keys":["{}"]}}"#, keys.join("\",\"")));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let params = SigningParams::new(&self.huawei, Utc::now());
        apig_signer::sign(&Method::POST, &self.uri, &mut headers, Payload::Bytes(&body), &params)?;
        let mut request = Request::new(Method::POST, self.url.clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        self.http.execute(request).await?.error_for_status()?.bytes().await?;
        Ok(())
    }

    async fn put(&self, key: &str) -> Result<()> {
        let name = [&self.success, key].concat();
        let options = PutOptions { content_type: Some("application/json".into()), ..PutOptions::default() };
        self.bucket.put(&name, Bytes::from_static(RECORD.as_bytes()), options).await?;
        Ok(())
    }
}
