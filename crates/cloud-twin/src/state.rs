//! What every listener and worker of a twin shares.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use chrono::{DateTime, Utc};
use http::HeaderValue;
use serde_json::{Value, json};
use tokio::sync::{Notify, broadcast, mpsc};

use crate::auth::{FailureLock, KeyCache};
use crate::callback::{self, CallbackJob, Callbacks};
use crate::config::{Account, TwinConfig};
use crate::faults::{FaultAction, FaultId, Faults, Probe};
use crate::notify::{Delivery, Notifications};
use crate::objects::Dialect;
use crate::objects::get::http_date;
use crate::observe::{Counters, Service, Stats, TwinEvent};
use crate::oms::{CopyJob, Oms, SyncTaskHandle};
use crate::policy::Denied;
use crate::store::Store;
use crate::sync::lock;

/// Events a slow subscriber may lag behind before it misses some.
const EVENT_BACKLOG: usize = 1 << 16;

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: TwinConfig,
    pub(crate) oss: Store,
    pub(crate) obs: Store,
    pub(crate) oms: Oms,
    pub(crate) notifications: Notifications,
    pub(crate) callbacks: Callbacks,
    pub(crate) faults: Faults,
    pub(crate) counters: Counters,
    pub(crate) signing_keys: KeyCache,
    pub(crate) failures: FailureLock,
    pub(crate) events: broadcast::Sender<TwinEvent>,
    pub(crate) change: Notify,
    pub(crate) denied: Mutex<Vec<Denied>>,
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
    pub(crate) callbacks: mpsc::UnboundedReceiver<CallbackJob>,
}

impl Inner {
    pub(crate) fn new(config: TwinConfig, addresses: Addresses) -> (Self, Queues) {
        let (delivery_sender, deliveries) = mpsc::unbounded_channel();
        let (copy_sender, copies) = mpsc::unbounded_channel();
        let (callback_sender, callbacks) = mpsc::unbounded_channel();
        let inner = Self {
            oss: Store::new(Dialect::Oss),
            obs: Store::new(Dialect::Obs),
            oms: Oms::new(copy_sender),
            notifications: Notifications::new(delivery_sender),
            callbacks: Callbacks::new(callback_sender),
            faults: Faults::new(config.seed),
            counters: Counters::default(),
            signing_keys: KeyCache::default(),
            failures: FailureLock::default(),
            events: broadcast::channel(EVENT_BACKLOG).0,
            change: Notify::new(),
            denied: Mutex::default(),
            next_request: AtomicU64::new(1),
            date: Mutex::new((i64::MIN, HeaderValue::from_static(""))),
            config,
            addresses,
        };
        (inner, Queues { deliveries, copies, callbacks })
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
        let mut cached = lock(&self.date);
        if cached.0 != now.timestamp()
            && let Ok(value) = HeaderValue::from_str(&http_date(now))
        {
            *cached = (now.timestamp(), value);
        }
        cached.1.clone()
    }

    pub(crate) fn emit(&self, event: impl FnOnce() -> TwinEvent) {
        if self.events.receiver_count() > 0 {
            // The last subscriber may have left just now.
            let _ = self.events.send(event());
        }
        self.changed();
    }

    /// The fault that a request meets. Waiters are told at once, as the request may never end.
    pub(crate) fn pick_fault(&self, probe: &Probe<'_>) -> Option<(FaultId, FaultAction)> {
        let picked = self.faults.pick(probe);
        if picked.is_some() {
            self.changed();
        }
        picked
    }

    /// Wakes everybody who waits for a state.
    pub(crate) fn changed(&self) {
        self.change.notify_waiters();
    }

    /// Returns once `condition` holds; it is asked now and after every change.
    pub(crate) async fn wait_until(&self, mut condition: impl FnMut() -> bool) {
        loop {
            // Registered before the condition is asked, so that no change in between is missed.
            let mut changed = pin!(self.change.notified());
            changed.as_mut().enable();
            if condition() {
                return;
            }
            changed.await;
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.notifications.pending.load(Ordering::SeqCst) == 0
            && self.oms.copies_pending.load(Ordering::SeqCst) == 0
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
            "sync_tasks": self.oms.handles().iter().map(|task| self.describe_task(task)).collect::<Vec<_>>(),
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
            copies_pending: self.oms.copies_pending.load(Ordering::SeqCst),
            ..self.counters.snapshot()
        }
    }
}

/// Counts one piece of work as done, and wakes the waiters.
pub(crate) fn done(inner: &Inner, pending: &AtomicUsize) {
    pending.fetch_sub(1, Ordering::SeqCst);
    inner.changed();
}
