//! What a twin lets be seen: events and counters.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use parking_lot::Mutex;
use serde::Serialize;

use crate::service::Service;

/// Something that happened in a twin, in the order it happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum TwinEvent {
    /// A client wrote an object.
    ObjectPut {
        /// OSS or OBS.
        service: Service,
        /// Bucket written to.
        bucket: String,
        /// Key written.
        key: String,
    },
    /// A client deleted an object that was there.
    ObjectDeleted {
        /// OSS or OBS.
        service: Service,
        /// Bucket deleted from.
        bucket: String,
        /// Key deleted.
        key: String,
    },
    /// A function reported success for a bucket event.
    EventDelivered {
        /// Bucket of the event.
        bucket: String,
        /// Key of the event.
        key: String,
        /// Invocations it took, at least 1.
        attempts: u32,
    },
    /// A function failed for a bucket event in every try; it is now in the failure destination.
    EventFailed {
        /// Bucket of the event.
        bucket: String,
        /// Key of the event.
        key: String,
        /// Invocations made.
        attempts: u32,
        /// How the last one failed.
        reason: String,
    },
    /// OSS made a callback, or lost it by order. One for each URL tried.
    CalledBack {
        /// Bucket uploaded to.
        bucket: String,
        /// Key uploaded.
        key: String,
        /// URL called.
        url: String,
        /// Status of the answer; absent when none came.
        status: Option<u16>,
        /// Why the callback counts as failed; absent when it succeeded.
        failure: Option<String>,
    },
    /// OMS took a batch.
    OmsAccepted {
        /// Task it was posted to.
        sync_task_id: String,
        /// Keys, decoded.
        keys: Vec<String>,
    },
    /// OMS refused a request for events.
    OmsRefused {
        /// HTTP status of the answer; 0 when the connection was reset.
        status: u16,
        /// Keys of the batch, decoded where they can be.
        keys: Vec<String>,
    },
    /// OMS copied an object.
    ObjectCopied {
        /// Destination bucket.
        bucket: String,
        /// Key copied.
        key: String,
    },
    /// OMS left an object out because the destination holds a newer one of the same size.
    CopySkipped {
        /// Destination bucket.
        bucket: String,
        /// Key skipped.
        key: String,
    },
    /// OMS could not copy an object.
    CopyFailed {
        /// Destination bucket.
        bucket: String,
        /// Key not copied.
        key: String,
        /// Why.
        reason: String,
    },
}

/// Requests of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestCount {
    /// Service that answered.
    pub service: Service,
    /// API operation, as the vendor calls it; `Unknown` for any other request.
    pub operation: &'static str,
    /// HTTP status; 0 when the connection was reset.
    pub status: u16,
    /// How many.
    pub count: u64,
}

/// Callbacks of OSS, one for each URL tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallbackCount {
    /// Answered as they must be.
    pub succeeded: u64,
    /// Not answered, or not as they must be.
    pub failed: u64,
    /// Never made, by order; not among the failed ones.
    pub lost: u64,
}

/// Counters since the start.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Stats {
    /// Requests by service, operation and status.
    pub requests: Vec<RequestCount>,
    /// Connections accepted by service.
    pub connections: BTreeMap<Service, u64>,
    /// Requests with a wrong signature or unknown credentials by service.
    pub bad_signatures: BTreeMap<Service, u64>,
    /// Callbacks of OSS that ended.
    pub callbacks: CallbackCount,
    /// Uploads whose callback is under way.
    pub callbacks_pending: usize,
    /// Bucket events not yet delivered or given up.
    pub deliveries_pending: usize,
    /// Keys accepted by OMS and not yet copied, skipped or failed.
    pub copies_pending: usize,
}

impl Stats {
    /// Requests for `operation` at `service`, with any answer.
    pub fn requests(&self, service: Service, operation: &str) -> u64 {
        self.sum(|count| count.service == service && count.operation == operation)
    }

    /// Requests at `service` answered with `status`.
    pub fn answered(&self, service: Service, status: u16) -> u64 {
        self.sum(|count| count.service == service && count.status == status)
    }

    fn sum(&self, wanted: impl Fn(&RequestCount) -> bool) -> u64 {
        self.requests.iter().filter(|count| wanted(count)).map(|count| count.count).sum()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: Mutex<HashMap<(Service, &'static str, u16), u64>>,
    connections: PerService,
    bad_signatures: PerService,
}

#[derive(Debug, Default)]
struct PerService([AtomicU64; 3]);

impl PerService {
    fn add(&self, service: Service) {
        self.0[service as usize].fetch_add(1, Ordering::Relaxed);
    }

    fn snapshot(&self) -> BTreeMap<Service, u64> {
        Service::ALL
            .into_iter()
            .map(|service| (service, self.0[service as usize].load(Ordering::Relaxed)))
            .collect()
    }
}

impl Counters {
    pub(crate) fn request(&self, service: Service, operation: &'static str, status: Option<StatusCode>) {
        let status = status.map_or(0, |status| status.as_u16());
        *self.requests.lock().entry((service, operation, status)).or_default() += 1;
    }

    pub(crate) fn connection(&self, service: Service) {
        self.connections.add(service);
    }

    pub(crate) fn bad_signature(&self, service: Service) {
        self.bad_signatures.add(service);
    }

    pub(crate) fn snapshot(&self) -> Stats {
        let mut requests: Vec<_> = self
            .requests
            .lock()
            .iter()
            .map(|(&(service, operation, status), &count)| RequestCount { service, operation, status, count })
            .collect();
        requests.sort_by_key(|count| (count.service, count.operation, count.status));
        Stats {
            requests,
            connections: self.connections.snapshot(),
            bad_signatures: self.bad_signatures.snapshot(),
            ..Stats::default()
        }
    }
}
