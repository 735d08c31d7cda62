//! What every listener and worker of a twin shares.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::HeaderValue;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::auth::{FailureLock, KeyCache};
use crate::callback::{self, CallbackJob, Callbacks};
use crate::config::{Account, TwinConfig};
use crate::dialect::Dialect;
use crate::faults::{FaultAction, FaultId, Faults, Probe};
use crate::migration_tasks::MigrationTasks;
use crate::notify::{BucketEvent, Change, Delivery, Notifications};
use crate::object::StoredObject;
use crate::observe::{Counters, Stats};
use crate::policy::{Need, Permissions, Refusal};
use crate::service::Service;
use crate::store::Store;
use crate::sync_tasks::{CopyJob, SyncTaskHandle, SyncTasks};
use crate::time::http_date;
use crate::watchers::Watchers;

#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) config: TwinConfig,
    pub(crate) oss: Store,
    pub(crate) obs: Store,
    pub(crate) sync_tasks: SyncTasks,
    pub(crate) migration_tasks: MigrationTasks,
    pub(crate) notifications: Notifications,
    pub(crate) callbacks: Callbacks,
    pub(crate) faults: Faults,
    pub(crate) counters: Counters,
    pub(crate) signing_keys: KeyCache,
    pub(crate) failures: FailureLock,
    pub(crate) watchers: Watchers,
    pub(crate) permissions: Permissions,
    next_request: AtomicU64,
    date: Mutex<(i64, HeaderValue)>,
    pub(crate) addresses: Addresses,
}

/// Where everything listens.
#[derive(Debug)]
pub(crate) struct Addresses {
    pub(crate) services: BTreeMap<Service, SocketAddr>,
    pub(crate) admin: SocketAddr,
}

impl Addresses {
    pub(crate) fn url(&self, service: Service) -> String {
        self.services.get(&service).map(|address| format!("http://{address}")).unwrap_or_default()
    }

    pub(crate) fn admin_url(&self) -> String {
        format!("http://{}", self.admin)
    }

    pub(crate) fn sync_url(&self, task: &SyncTaskHandle) -> String {
        let SyncTaskHandle { project_id, sync_task_id } = task;
        format!("{}/v2/{project_id}/sync-tasks/{sync_task_id}/events", self.url(Service::Oms))
    }
}

/// The receiving ends of the work queues.
pub(crate) struct Queues {
    pub(crate) deliveries: mpsc::UnboundedReceiver<Delivery>,
    pub(crate) copies: mpsc::UnboundedReceiver<CopyJob>,
    pub(crate) migrations: mpsc::UnboundedReceiver<(u64, Instant)>,
    pub(crate) callbacks: mpsc::UnboundedReceiver<CallbackJob>,
}

impl Cloud {
    pub(crate) fn new(config: TwinConfig, addresses: Addresses) -> (Self, Queues) {
        let (delivery_sender, deliveries) = mpsc::unbounded_channel();
        let (copy_sender, copies) = mpsc::unbounded_channel();
        let (migration_sender, migrations) = mpsc::unbounded_channel();
        let (callback_sender, callbacks) = mpsc::unbounded_channel();
        let cloud = Self {
            oss: Store::new(Dialect::Oss),
            obs: Store::new(Dialect::Obs),
            sync_tasks: SyncTasks::new(copy_sender),
            migration_tasks: MigrationTasks::new(migration_sender),
            notifications: Notifications::new(delivery_sender),
            callbacks: Callbacks::new(callback_sender),
            faults: Faults::new(config.seed),
            counters: Counters::default(),
            signing_keys: KeyCache::default(),
            failures: FailureLock::default(),
            watchers: Watchers::default(),
            permissions: Permissions::new(config.policies.clone()),
            next_request: AtomicU64::new(1),
            date: Mutex::new((i64::MIN, HeaderValue::from_static(""))),
            config,
            addresses,
        };
        (cloud, Queues { deliveries, copies, migrations, callbacks })
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.config.clock.now()
    }

    pub(crate) fn store(&self, dialect: Dialect) -> &Store {
        match dialect {
            Dialect::Oss => &self.oss,
            Dialect::Obs => &self.obs,
        }
    }

    /// An id of the shape the service uses.
    pub(crate) fn request_id(&self, service: Service) -> String {
        let number = self.next_request.fetch_add(1, Ordering::Relaxed);
        let twin = self.config.seed & 0xffff_ffff;
        match service {
            Service::Oss => format!("{twin:08X}{number:016X}"),
            Service::Obs => format!("{twin:016X}{number:016X}"),
            Service::Oms => format!("{twin:016x}{number:016x}"),
        }
    }

    /// The `Date` header of now, by the twin's clock.
    pub(crate) fn http_date(&self) -> HeaderValue {
        let now = self.now();
        let mut cached = self.date.lock();
        if cached.0 != now.timestamp()
            && let Ok(value) = HeaderValue::from_str(&http_date(now))
        {
            *cached = (now.timestamp(), value);
        }
        cached.1.clone()
    }

    /// The fault that a request meets. Wakes the waiters at once, since the request may never end.
    pub(crate) fn pick_fault(&self, probe: &Probe<'_>) -> Option<(FaultId, FaultAction)> {
        let picked = self.faults.pick(probe);
        if picked.is_some() {
            self.watchers.changed();
        }
        picked
    }

    /// Whether the policies of an access key allow what a request needs. A refusal is recorded.
    pub(crate) fn permit(&self, service: Service, access_key: &str, needs: &[Need]) -> Result<(), Refusal> {
        let permitted = self.permissions.check(service, access_key, needs);
        if permitted.is_err() {
            self.watchers.changed();
        }
        permitted
    }

    /// Queues the event of a change for every function that watches the bucket.
    pub(crate) fn raise(
        &self,
        change: Change,
        bucket: &str,
        key: &str,
        object: &StoredObject,
        replaced: Option<u64>,
        request_id: &str,
    ) {
        let functions = self.notifications.functions(change, bucket, key);
        if functions.is_empty() {
            return;
        }
        let (time, region) = (self.now(), &self.config.region);
        let account = &self.config.function.account_id;
        let event = BucketEvent { change, time, region, account, bucket, key, object, replaced, request_id };
        let payload = Bytes::from(event.to_json().to_string());
        for function in functions {
            self.notifications.queue(Delivery {
                function,
                bucket: bucket.to_owned(),
                key: key.to_owned(),
                request_id: format!("fc-{}", self.request_id(Service::Oms)),
                payload: payload.clone(),
            });
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.notifications.pending.load(Ordering::SeqCst) == 0
            && self.sync_tasks.copies_pending.load(Ordering::SeqCst) == 0
            && self.migration_tasks.pending.load(Ordering::SeqCst) == 0
            && self.callbacks.pending.load(Ordering::SeqCst) == 0
    }

    pub(crate) fn describe(&self) -> Value {
        let account = |account: &Account| {
            json!({
                "access_key": account.access_key,
                "secret_key": account.secret_key,
                "security_token": account.security_token,
            })
        };
        let config = &self.config;
        json!({
            "oss_url": self.addresses.url(Service::Oss),
            "obs_url": self.addresses.url(Service::Obs),
            "oms_url": self.addresses.url(Service::Oms),
            "admin_url": self.addresses.admin_url(),
            "region": config.region,
            "callback_key_url": callback::KEY_URL,
            "callback_public_key": callback::PUBLIC_KEY_PEM,
            "oss_accounts": config.oss_accounts.iter().map(account).collect::<Vec<_>>(),
            "huawei_accounts": config.huawei_accounts.iter().map(account).collect::<Vec<_>>(),
            "sync_tasks": self.sync_tasks.handles().iter().map(|task| self.describe_task(task)).collect::<Vec<_>>(),
        })
    }

    pub(crate) fn describe_task(&self, task: &SyncTaskHandle) -> Value {
        json!({
            "project_id": task.project_id,
            "sync_task_id": task.sync_task_id,
            "sync_url": self.addresses.sync_url(task),
        })
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            callbacks: self.callbacks.count(),
            callbacks_pending: self.callbacks.pending.load(Ordering::SeqCst),
            deliveries_pending: self.notifications.pending.load(Ordering::SeqCst),
            copies_pending: self.sync_tasks.copies_pending.load(Ordering::SeqCst),
            ..self.counters.snapshot()
        }
    }
}

/// Counts one piece of work as done, and wakes the waiters.
pub(crate) fn done(cloud: &Cloud, pending: &AtomicUsize) {
    pending.fetch_sub(1, Ordering::SeqCst);
    cloud.watchers.changed();
}
