//! A twin as a test or a demo holds it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

use crate::callback::{self, CallbackAttempt};
use crate::cloud::{Addresses, Cloud};
use crate::config::{Account, TwinConfig};
use crate::dialect::Dialect;
use crate::faults::Faults;
use crate::handle::Objects;
use crate::migration_tasks::MigrationTaskView;
use crate::notify::{FailedDelivery, InvalidFunctionUrl, Notification};
use crate::observe::{Stats, TwinEvent};
use crate::policy::Denied;
use crate::server::{self, Front};
use crate::service::Service;
use crate::sync_tasks::{OmsBatch, SyncTaskHandle, SyncTaskStatus};
use crate::{callback_sender, delivery, oms};

/// A running twin. Everything stops when it is dropped.
pub struct Twin {
    cloud: Arc<Cloud>,
    tasks: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Twin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Twin").field("addresses", &self.cloud.addresses).finish_non_exhaustive()
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl TwinConfig {
    /// Starts a twin with these settings; the same as [`Twin::start`].
    pub async fn start(self) -> io::Result<Twin> {
        Twin::start(self).await
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
            let listener = server::bind(address, service.in_capitals()).await?;
            services.insert(service, listener.local_addr()?);
            listeners.push((listener, Front::Service(service)));
        }
        let listener = server::bind(config.admin_addr, "the admin routes").await?;
        let admin = listener.local_addr()?;
        listeners.push((listener, Front::Admin));
        let (cloud, queues) = Cloud::new(config, Addresses { services, admin });
        let cloud = Arc::new(cloud);
        let mut tasks: Vec<_> = listeners
            .into_iter()
            .map(|(listener, front)| tokio::spawn(server::serve(Arc::clone(&cloud), listener, front)))
            .collect();
        tasks.push(tokio::spawn(delivery::deliver_all(Arc::clone(&cloud), queues.deliveries)));
        tasks.push(tokio::spawn(callback_sender::call_all(Arc::clone(&cloud), queues.callbacks)));
        tasks.push(tokio::spawn(oms::copy_all(Arc::clone(&cloud), queues.copies)));
        tasks.push(tokio::spawn(oms::migrate_all(Arc::clone(&cloud), queues.migrations)));
        Ok(Self { cloud, tasks })
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
        self.cloud.addresses.url(Service::Oss)
    }

    /// Endpoint of OBS, `http://127.0.0.1:port`. Path style; names that resolve here work as virtual hosts.
    pub fn obs_url(&self) -> String {
        self.cloud.addresses.url(Service::Obs)
    }

    /// Endpoint of OMS, `http://127.0.0.1:port`.
    pub fn oms_url(&self) -> String {
        self.cloud.addresses.url(Service::Oms)
    }

    /// Where the admin API listens, `http://127.0.0.1:port`.
    pub fn admin_url(&self) -> String {
        self.cloud.addresses.admin_url()
    }

    /// Region that V4 signatures for OSS must name.
    pub fn region(&self) -> &str {
        &self.cloud.config.region
    }

    /// The first OSS account.
    pub fn oss_account(&self) -> &Account {
        first(&self.cloud.config.oss_accounts)
    }

    /// The OSS account that functions receive: the first temporary one, else the first.
    pub fn function_account(&self) -> &Account {
        let accounts = &self.cloud.config.oss_accounts;
        accounts.iter().find(|account| account.security_token.is_some()).unwrap_or_else(|| first(accounts))
    }

    /// The first Huawei account, valid at OBS and OMS.
    pub fn huawei_account(&self) -> &Account {
        first(&self.cloud.config.huawei_accounts)
    }

    /// Creates an OSS bucket unless it is there.
    pub fn create_oss_bucket(&self, name: &str) {
        self.cloud.oss.create(name, self.cloud.now());
    }

    /// Creates an OBS bucket unless it is there.
    pub fn create_obs_bucket(&self, name: &str) {
        self.cloud.obs.create(name, self.cloud.now());
    }

    /// Creates a sync task that copies from an OSS bucket to an OBS bucket. It takes events at once.
    pub fn create_sync_task(&self, source_bucket: &str, destination_bucket: &str) -> SyncTaskHandle {
        self.cloud.sync_tasks.create_task(source_bucket, destination_bucket, self.cloud.now())
    }

    /// Starts or stops a sync task; `false` when there is none with that name.
    pub fn set_sync_task_status(&self, task: &SyncTaskHandle, status: SyncTaskStatus) -> bool {
        self.cloud.sync_tasks.set_status(&task.sync_task_id, status, self.cloud.now())
    }

    /// The address that takes the events of a sync task, as `SYNC_URL` wants it.
    pub fn sync_url(&self, task: &SyncTaskHandle) -> String {
        self.cloud.addresses.sync_url(task)
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
        self.cloud.notifications.add(notification)
    }

    /// The objects of OSS, past all signatures and faults.
    pub fn oss(&self) -> Objects<'_> {
        Objects { cloud: &self.cloud, dialect: Dialect::Oss }
    }

    /// The objects of OBS, past all signatures and faults.
    pub fn obs(&self) -> Objects<'_> {
        Objects { cloud: &self.cloud, dialect: Dialect::Obs }
    }

    /// The faults in force.
    pub fn faults(&self) -> &Faults {
        &self.cloud.faults
    }

    /// How often OMS accepted each key.
    pub fn accepted(&self) -> BTreeMap<String, u64> {
        self.cloud.sync_tasks.accepted.lock().iter().map(|(key, &count)| (key.clone(), count)).collect()
    }

    /// How often OMS accepted `key`.
    pub fn accepted_count(&self, key: &str) -> u64 {
        self.cloud.sync_tasks.accepted.lock().get(key).copied().unwrap_or_default()
    }

    /// The authenticated requests for events in the order they came, whether taken or refused.
    pub fn oms_batches(&self) -> Vec<OmsBatch> {
        self.cloud.sync_tasks.batches.lock().clone()
    }

    /// The migration tasks that were created, in order.
    pub fn migration_tasks(&self) -> Vec<MigrationTaskView> {
        self.cloud.migration_tasks.views()
    }

    /// Where callbacks say that their public key is:
    /// `http://gosspublic.alicdn.com/callback_pub_key_twin.pem`.
    ///
    /// [`Twin::oss_url`] serves it to clients that use that address as HTTP proxy (`HTTP_PROXY`).
    pub fn callback_key_url(&self) -> &'static str {
        callback::KEY_URL
    }

    /// The public key that verifies callbacks, in PEM. The private one is public knowledge too: it is in this
    /// crate, so that a signature made with it proves nothing to anybody but a test.
    pub fn callback_public_key_pem(&self) -> &'static str {
        callback::PUBLIC_KEY_PEM
    }

    /// The headers that authenticate a callback, as OSS would make them for this target and body:
    /// `authorization`, `x-oss-pub-key-url`, `content-md5` and the fixed ones. `path_and_query` is that of
    /// the request line, encoded.
    ///
    /// For tests that forge or replay callbacks.
    pub fn sign_callback(&self, path_and_query: &str, body: impl AsRef<[u8]>) -> HeaderMap {
        callback::sign(path_and_query, body.as_ref())
    }

    /// The callbacks made or lost so far, one for each URL tried, in the order in which they ended.
    pub fn callbacks(&self) -> Vec<CallbackAttempt> {
        self.cloud.callbacks.attempts.lock().clone()
    }

    /// Counters since the start.
    pub fn stats(&self) -> Stats {
        self.cloud.stats()
    }

    /// The requests that no policy allowed, in the order they came.
    pub fn denied(&self) -> Vec<Denied> {
        self.cloud.permissions.denied()
    }

    /// Bucket events whose function failed in every try.
    pub fn failure_destination(&self) -> Vec<FailedDelivery> {
        self.cloud.notifications.failed.lock().clone()
    }

    /// Whether no bucket event waits for delivery, no accepted key for its copy, no migration task for its
    /// end, and no callback is under way.
    pub fn is_idle(&self) -> bool {
        self.cloud.is_idle()
    }

    /// Everything that happens from now on. A subscriber more than 65 536 events behind loses the oldest.
    pub fn subscribe(&self) -> broadcast::Receiver<TwinEvent> {
        self.cloud.watchers.subscribe()
    }

    /// Returns once `condition` holds. It is asked now and after every change, never on a timer.
    pub async fn wait_until(&self, mut condition: impl FnMut(&Self) -> bool) {
        self.cloud.watchers.wait_until(|| condition(self)).await;
    }

    /// URLs, accounts and tasks as JSON: what the `cloud-twin` binary prints when it is ready.
    pub fn describe(&self) -> serde_json::Value {
        self.cloud.describe()
    }
}

/// The configuration always has an account; an empty list yields one that no request can use.
fn first(accounts: &[Account]) -> &Account {
    static NOBODY: Account =
        Account { access_key: String::new(), secret_key: String::new(), security_token: None };
    accounts.first().unwrap_or(&NOBODY)
}
