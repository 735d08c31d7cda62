//! Local Alibaba OSS, Huawei OBS and Huawei OMS for demos, development, tests and benchmarks.
//!
//! A [`Twin`] plays the three services on loopback listeners of their own. It verifies every signature from the wire
//! bytes with its own code (so that a mistake of the client under test cannot confirm itself), enforces the documented
//! limits, answers with the vendors' error bodies, raises bucket events, copies what OMS accepts, and fails on order.
//! Objects may have gigabytes: runs of zeros in their [`Content`] take no memory, whoever put them there.
//!
//! # Map
//!
//! | module | job |
//! |---|---|
//! | `server` | listeners, connections, breaking connections on order |
//! | `body` | bodies of requests and replies, streamed |
//! | `wire` | percent-encoding, query text, addressing (virtual host, path style, custom domain) |
//! | `auth` | OSS V4 and V1, OBS, AWS V2 and V4 at OBS, APIG, the lock after repeated failures |
//! | `policy` | policies of RAM and IAM, and which permission an operation needs |
//! | `objects` | the object services, one implementation in two dialects |
//! | `object`, `content`, `digest` | objects, what they hold (runs of zeros cost nothing), checksums |
//! | `oms` | sync tasks, events, statistics, the copying |
//! | `callback` | upload callbacks: arguments, variables, signature, delivery |
//! | `image` | size and format of pictures, as far as callbacks tell them |
//! | `notify`, `delivery` | bucket events and their asynchronous delivery to a function, with retries |
//! | `faults`, `faulted` | faults to order |
//! | `observe` | events, counters |
//! | `admin` | all of it over HTTP, for other processes |
//!
//! # Forms and callbacks
//!
//! OSS here takes `PostObject` with a policy signed by V4 or V1, and calls back after `PutObject`, `PostObject` and
//! `CompleteMultipartUpload`: servers on loopback only, with a signature by the key at [`Twin::callback_key_url`], which the OSS
//! listener serves to those who use it as HTTP proxy. [`FaultAction::LoseCallback`] and its like break callbacks on
//! order. The `ETag` of a form upload is the MD5 of its file here; OSS promises that for `PutObject` only, so rely
//! on it for neither. `x-oss-process` scales nothing: a picture is served as it is stored, and a frame of a video is a
//! small grey picture.
//!
//! # Archived objects
//!
//! The content of an object of an archive class is refused until `RestoreObject` was asked for and
//! [`TwinConfig::restore_time`] has passed; `POST /restores/finish` of the admin API ends what is under way at once. By the names
//! of S3 (`AWS …` and `AWS4-HMAC-SHA256` signatures) OBS takes and shows `STANDARD_IA` for `WARM` and `GLACIER` for `COLD`.
//!
//! # How one upload flows
//!
//! A signed `PUT` reaches `server`, meets the faults in force, is verified by `auth` and stored by `objects`, which
//! answers. In the background `delivery` posts the event to `<function>/invoke`. The function posts the key to OMS,
//! which counts it and copies the object from the OSS bucket of the task to its OBS bucket. Each step is a
//! [`TwinEvent`], and [`Twin::wait_until`] awaits any state without polling.
//!
//! # Example
//!
//! ```
//! # async fn example() -> std::io::Result<()> {
//! use cloud_twin::{Fault, FaultResponse, Service, Twin};
//!
//! let twin = Twin::builder().seed(7).start().await?;
//! twin.create_oss_bucket("photos");
//! twin.create_obs_bucket("photos-copy");
//! let task = twin.create_sync_task("photos", "photos-copy");
//! println!("post keys to {}", twin.sync_url(&task));
//!
//! twin.oss().put("photos", "a.jpg", "pixels");
//! twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()).times(2));
//! // A client posts the key to OMS here, is refused twice and tries again.
//! twin.wait_until(|twin| twin.obs().get("photos-copy", "a.jpg").is_some()).await;
//! twin.shutdown().await;
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

mod admin;
mod auth;
mod body;
mod callback;
mod clock;
mod config;
mod content;
mod crc64;
mod delivery;
mod digest;
mod error;
mod faulted;
mod faults;
mod handle;
mod image;
mod notify;
mod object;
mod objects;
mod observe;
mod oms;
mod policy;
mod server;
mod state;
mod store;
mod sync;
mod wire;
mod xml;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

pub use http_listener::Limits;

pub use crate::callback::CallbackAttempt;
pub use crate::clock::{Clock, ManualClock, SystemClock};
pub use crate::config::{
    Account, CredentialHeaders, FunctionSettings, ObsCrc64, ObsEncryption, SignatureV1, TwinConfig,
};
pub use crate::content::Content;
pub use crate::faults::{Fault, FaultAction, FaultId, FaultResponse, Faults};
pub use crate::handle::Objects;
pub use crate::notify::{FailedDelivery, InvalidFunctionUrl, Notification};
pub use crate::object::{ObjectHeaders, ObjectKind, StoredObject};
pub use crate::observe::{CallbackCount, RequestCount, Service, Stats, TwinEvent};
pub use crate::oms::{OmsBatch, SyncTaskHandle, SyncTaskStatus};
pub use crate::policy::{AccessPolicy, Denied, PolicyError};

use crate::objects::Dialect;
use crate::server::Front;
use crate::state::{Addresses, Inner};
use crate::sync::lock;

/// A running twin. Everything stops when it is dropped.
pub struct Twin {
    inner: Arc<Inner>,
    tasks: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twin").field("addresses", &self.inner.addresses).finish_non_exhaustive()
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Twin {
    /// Settings to change before [`TwinConfig::start`].
    pub fn builder() -> TwinConfig {
        TwinConfig::default()
    }

    /// Binds the listeners and starts to serve, on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When an address cannot be bound or is not of the loopback interface.
    pub async fn start(config: TwinConfig) -> io::Result<Self> {
        let mut services = BTreeMap::new();
        let mut listeners = Vec::new();
        for (&service, &address) in &config.addresses {
            let listener = server::bind(address).await?;
            services.insert(service, listener.local_addr()?);
            listeners.push((listener, Front::Service(service)));
        }
        let listener = server::bind(config.admin_addr).await?;
        let admin = listener.local_addr()?;
        listeners.push((listener, Front::Admin));
        let (inner, queues) = Inner::new(config, Addresses { services, admin });
        let inner = Arc::new(inner);
        let mut tasks: Vec<_> = listeners
            .into_iter()
            .map(|(listener, front)| tokio::spawn(server::serve(Arc::clone(&inner), listener, front)))
            .collect();
        tasks.push(tokio::spawn(delivery::deliver_all(Arc::clone(&inner), queues.deliveries)));
        tasks.push(tokio::spawn(callback::run_all(Arc::clone(&inner), queues.callbacks)));
        tasks.push(tokio::spawn(oms::copy::copy_all(Arc::clone(&inner), queues.copies)));
        Ok(Self { inner, tasks })
    }

    /// Stops serving, drops every connection, and returns once all is stopped.
    pub async fn shutdown(mut self) {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // The error says that the task was aborted.
            let _ = task.await;
        }
    }

    /// Endpoint of OSS, `http://127.0.0.1:port`. Path style; names that resolve here work as virtual hosts.
    pub fn oss_url(&self) -> String {
        self.inner.addresses.url(Service::Oss)
    }

    /// Endpoint of OBS, `http://127.0.0.1:port`. Path style; names that resolve here work as virtual hosts.
    pub fn obs_url(&self) -> String {
        self.inner.addresses.url(Service::Obs)
    }

    /// Endpoint of OMS, `http://127.0.0.1:port`.
    pub fn oms_url(&self) -> String {
        self.inner.addresses.url(Service::Oms)
    }

    /// Where the admin API listens, `http://127.0.0.1:port`.
    pub fn admin_url(&self) -> String {
        self.inner.addresses.admin_url()
    }

    /// Region that V4 signatures for OSS must name.
    pub fn region(&self) -> &str {
        &self.inner.config.region
    }

    /// The first OSS account.
    pub fn oss_account(&self) -> &Account {
        first(&self.inner.config.oss_accounts)
    }

    /// The OSS account that functions receive: the first temporary one, else the first.
    pub fn function_account(&self) -> &Account {
        let accounts = &self.inner.config.oss_accounts;
        accounts.iter().find(|account| account.security_token.is_some()).unwrap_or_else(|| first(accounts))
    }

    /// The first Huawei account, valid at OBS and OMS.
    pub fn huawei_account(&self) -> &Account {
        first(&self.inner.config.huawei_accounts)
    }

    /// Creates an OSS bucket unless it is there.
    pub fn create_oss_bucket(&self, name: &str) {
        self.inner.oss.create(name, self.inner.now());
    }

    /// Creates an OBS bucket unless it is there.
    pub fn create_obs_bucket(&self, name: &str) {
        self.inner.obs.create(name, self.inner.now());
    }

    /// Creates a sync task that copies from an OSS bucket to an OBS bucket. It takes events at once.
    pub fn create_sync_task(&self, source_bucket: &str, destination_bucket: &str) -> SyncTaskHandle {
        self.inner.oms.create_task(source_bucket, destination_bucket, self.inner.now())
    }

    /// Starts or stops a sync task; `false` when there is none of that name.
    pub fn set_sync_task_status(&self, task: &SyncTaskHandle, status: SyncTaskStatus) -> bool {
        self.inner.oms.set_status(&task.sync_task_id, status, self.inner.now())
    }

    /// The address that takes the events of a sync task, as `SYNC_URL` wants it.
    pub fn sync_url(&self, task: &SyncTaskHandle) -> String {
        self.inner.addresses.sync_url(task)
    }

    /// Invokes the function at `function_url` for every object created in an OSS bucket.
    ///
    /// # Errors
    ///
    /// When the URL is not one of plain HTTP.
    pub fn notify(&self, bucket: &str, function_url: &str) -> Result<(), InvalidFunctionUrl> {
        self.notify_with(Notification::new(bucket, function_url))
    }

    /// As [`Twin::notify`], with a choice of events and keys.
    ///
    /// # Errors
    ///
    /// When the URL is not one of plain HTTP.
    pub fn notify_with(&self, notification: Notification) -> Result<(), InvalidFunctionUrl> {
        self.inner.notifications.add(notification)
    }

    /// The objects of OSS, past all signatures and faults.
    pub fn oss(&self) -> Objects<'_> {
        Objects { inner: &self.inner, dialect: Dialect::Oss }
    }

    /// The objects of OBS, past all signatures and faults.
    pub fn obs(&self) -> Objects<'_> {
        Objects { inner: &self.inner, dialect: Dialect::Obs }
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// How often OMS accepted each key.
    pub fn accepted(&self) -> BTreeMap<String, u64> {
        lock(&self.inner.oms.accepted).iter().map(|(key, &count)| (key.clone(), count)).collect()
    }

    /// How often OMS accepted `key`.
    pub fn accepted_count(&self, key: &str) -> u64 {
        lock(&self.inner.oms.accepted).get(key).copied().unwrap_or_default()
    }

    /// The authenticated requests for events in the order they came, whether taken or refused.
    pub fn oms_batches(&self) -> Vec<OmsBatch> {
        lock(&self.inner.oms.batches).clone()
    }

    /// Where callbacks say that their public key is: `http://gosspublic.alicdn.com/callback_pub_key_twin.pem`.
    ///
    /// [`Twin::oss_url`] serves it to whoever uses that address as HTTP proxy (`HTTP_PROXY`).
    pub fn callback_key_url(&self) -> &'static str {
        callback::KEY_URL
    }

    /// The public key that verifies callbacks, in PEM. The private one is public knowledge too: it is in this crate, so
    /// that a signature made with it proves nothing to anybody but a test.
    pub fn callback_public_key_pem(&self) -> &'static str {
        callback::PUBLIC_KEY_PEM
    }

    /// The headers that vouch for a callback, as OSS would make them for this target and body: `authorization`,
    /// `x-oss-pub-key-url`, `content-md5` and the fixed ones. `path_and_query` is that of the request line, encoded.
    ///
    /// For tests that forge or replay callbacks.
    pub fn sign_callback(&self, path_and_query: &str, body: impl AsRef<[u8]>) -> HeaderMap {
        callback::sign(path_and_query, body.as_ref())
    }

    /// The callbacks made or lost so far, one for each URL tried, in the order in which they ended.
    pub fn callbacks(&self) -> Vec<CallbackAttempt> {
        lock(&self.inner.callbacks.attempts).clone()
    }

    /// Counters since the start.
    pub fn stats(&self) -> Stats {
        self.inner.stats()
    }

    /// The requests that no policy allowed, in the order they came.
    pub fn denied(&self) -> Vec<Denied> {
        lock(&self.inner.denied).clone()
    }

    /// Bucket events whose function failed in every try.
    pub fn failure_destination(&self) -> Vec<FailedDelivery> {
        lock(&self.inner.notifications.failed).clone()
    }

    /// Whether no bucket event waits for delivery, no accepted key for its copy, and no callback is under way.
    pub fn is_idle(&self) -> bool {
        self.inner.is_idle()
    }

    /// Everything that happens from now on. A subscriber more than 65 536 events behind loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<TwinEvent> {
        self.inner.events.subscribe()
    }

    /// Returns once `condition` holds. It is asked now and after every change, never on a timer.
    pub async fn wait_until(&self, mut condition: impl FnMut(&Self) -> bool) {
        self.inner.wait_until(|| condition(self)).await;
    }

    /// URLs, accounts and tasks as JSON: what the `cloud-twin` binary prints when it is ready.
    pub fn describe(&self) -> serde_json::Value {
        self.inner.describe()
    }
}

/// The configuration always holds one: an empty list stands for accounts nobody can use.
fn first(accounts: &[Account]) -> &Account {
    static NOBODY: Account =
        Account { access_key: String::new(), secret_key: String::new(), security_token: None };
    accounts.first().unwrap_or(&NOBODY)
}
