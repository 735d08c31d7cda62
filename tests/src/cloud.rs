//! A local cloud, laid out the way the product is used.

use std::sync::Arc;

use bytes::Bytes;
use cloud_twin::{Account, ObjectHeaders, Service, StoredObject, SyncTaskHandle, Twin, TwinConfig};
use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect, PutOptions};
use reqwest::redirect;
use serde_json::Value;
use tokio::time::timeout;

use crate::process::{PATIENCE, Settings};
use crate::records::{Records, Shelf};

/// Bucket of OSS whose objects are forwarded.
pub const SOURCE: &str = "source";
/// Bucket of OBS that OMS copies to.
pub const MIRROR: &str = "mirror";
/// Log bucket on OSS.
pub const LOGS: &str = "logs";

/// A twin with [`SOURCE`], [`MIRROR`], [`LOGS`] and a sync task from the first to the second.
#[derive(Debug)]
pub struct Cloud {
    /// The twin itself.
    pub twin: Twin,
    /// The sync task.
    pub task: SyncTaskHandle,
}

impl Cloud {
    /// Starts one with default settings.
    pub async fn start() -> Self {
        Self::with(Twin::builder()).await
    }

    /// Starts one with the given settings.
    pub async fn with(config: TwinConfig) -> Self {
        let twin = config.start().await.expect("the twin starts on loopback");
        twin.create_oss_bucket(SOURCE);
        twin.create_obs_bucket(MIRROR);
        twin.create_oss_bucket(LOGS);
        let task = twin.create_sync_task(SOURCE, MIRROR);
        Self { twin, task }
    }

    /// Settings with which the product works here, credentials for OSS in the environment.
    pub fn settings(&self) -> Settings {
        let huawei = self.twin.huawei_account();
        let settings = Settings::default()
            .set("SYNC_URL", self.twin.sync_url(&self.task))
            .set("HW_AK", &huawei.access_key)
            .set("HW_SK", &huawei.secret_key)
            .set("LOG_BUCKET", LOGS)
            .set("OSS_ENDPOINT", self.twin.oss_url())
            .set("OSS_REGION", self.twin.region());
        let settings = match &huawei.security_token {
            Some(token) => settings.set("HW_SECURITY_TOKEN", token),
            None => settings,
        };
        settings.credentials(self.twin.function_account())
    }

    /// Settings with which the product copies to [`MIRROR`] itself, without OMS (`FORWARD_MODE=copy`).
    pub fn copy_settings(&self) -> Settings {
        self.with_mirror("copy").unset("SYNC_URL")
    }

    /// Settings with which the product copies to [`MIRROR`] itself where OMS does not serve.
    pub fn oms_then_copy_settings(&self) -> Settings {
        self.with_mirror("oms-then-copy")
    }

    fn with_mirror(&self, mode: &str) -> Settings {
        let settings = self.settings().set("FORWARD_MODE", mode);
        settings.set("DEST", format!("obs://{MIRROR}")).set("DEST_ENDPOINT", self.twin.obs_url())
    }

    /// Writes an object to the source bucket over HTTP, so that the bucket raises its event.
    pub async fn upload(&self, key: &str, body: impl Into<Bytes>) {
        let written = self.source().put(key, body.into(), PutOptions::default()).await;
        written.unwrap_or_else(|error| panic!("{key:?}: {error}"));
    }

    /// Puts a copy of the object `key` of [`SOURCE`] to [`MIRROR`] as the product leaves one there.
    pub fn put_copy(&self, to: &str, key: &str, body: &'static str) {
        let headers = ObjectHeaders::default().user("src-origin", &format!("oss://{SOURCE}/{key}"));
        self.twin.obs().put_with(MIRROR, to, body, headers);
    }

    /// Removes an object from the source bucket over HTTP, so that the bucket raises its event.
    pub async fn remove(&self, key: &str) {
        self.source().delete(key).await.unwrap_or_else(|error| panic!("{key:?}: {error}"));
    }

    fn source(&self) -> Bucket {
        let twin = &self.twin;
        oss_bucket(&twin.oss_url(), twin.region(), SOURCE, twin.oss_account())
    }

    /// Returns once `condition` holds; fails when it does not come to hold.
    pub async fn until(&self, condition: impl Fn(&Twin) -> bool) {
        let held = timeout(PATIENCE, self.twin.wait_until(condition)).await;
        held.unwrap_or_else(|_| panic!("waited in vain: {:?}", self.twin.stats()));
    }

    /// The records of the sync task.
    pub fn records(&self) -> Records<'_> {
        Records { twin: &self.twin, task: &self.task.sync_task_id }
    }

    /// The records of copies where there is no sync task.
    pub fn copy_records(&self) -> Records<'_> {
        Records { twin: &self.twin, task: "direct-copy" }
    }

    /// The records of any sync task, there or not.
    pub fn records_of<'c>(&'c self, task: &'c str) -> Records<'c> {
        Records { twin: &self.twin, task }
    }

    /// Name of the success record of `key`, or of a marker as the vendor's function writes it, where it is
    /// not too long.
    pub fn record_name(&self, shelf: Shelf, key: &str) -> String {
        self.records().name(shelf, key)
    }

    /// The record of `key`, if there is one.
    pub fn record(&self, shelf: Shelf, key: &str) -> Option<Value> {
        self.records().get(shelf, key)
    }

    /// The keys that have a record under their own name, in byte order.
    pub fn recorded(&self, shelf: Shelf) -> Vec<String> {
        self.records().keys(shelf)
    }

    /// The object of that key in [`MIRROR`].
    pub fn mirrored(&self, key: &str) -> Option<StoredObject> {
        self.twin.obs().get(MIRROR, key)
    }

    /// Requests for `operation` at `service` that were answered with success.
    pub fn done(&self, service: Service, operation: &str) -> u64 {
        let counts = self.twin.stats().requests.into_iter();
        let wanted = counts.filter(|count| count.service == service && count.operation == operation);
        wanted.filter(|count| (200..300).contains(&count.status)).map(|count| count.count).sum()
    }

    /// How often `key` was sent to OMS in authenticated requests, accepted or not.
    pub fn sent(&self, key: &str) -> usize {
        self.twin.oms_batches().iter().flat_map(|batch| &batch.keys).filter(|sent| *sent == key).count()
    }

    /// Requests for events that OMS received, authenticated or not.
    pub fn oms_requests(&self) -> u64 {
        self.twin.stats().requests(Service::Oms, "CreateSyncEvents")
    }

    /// Connections that `service` accepted so far.
    pub fn connections(&self, service: Service) -> u64 {
        self.twin.stats().connections.get(&service).copied().unwrap_or_default()
    }
}

/// A bucket of OSS at `endpoint`, over HTTP.
pub fn oss_bucket(endpoint: &str, region: &str, name: &str, account: &Account) -> Bucket {
    let config = ClientConfig::new(endpoint.parse().unwrap(), Dialect::Oss).with_region(region);
    let client = Client::new(http_client(), config).unwrap();
    let credentials = Credentials::new(&*account.access_key, &*account.secret_key);
    client.bucket(&name.parse().unwrap(), Arc::new(credentials))
}

/// A client for plain HTTP on this machine: no proxies, no redirects.
pub fn http_client() -> reqwest::Client {
    // Never used, but without any configuration reqwest looks for the certificates of the system.
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(redirect::Policy::none());
    // A connection that is kept may be closed for its idleness at the moment of the next request.
    client.pool_max_idle_per_host(0).no_proxy().build().unwrap()
}
