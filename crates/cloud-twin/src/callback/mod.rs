//! Upload callbacks: OSS posts what the uploader asked for to an application server, and gives its answer to
//! the uploader.
//!
//! See <https://www.alibabacloud.com/help/en/oss/developer-reference/callback>. Servers on loopback are
//! called, others cannot be reached from here.

mod key;
mod order;
mod variables;

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

pub(crate) use self::key::{KEY_HOST, KEY_URL, PUBLIC_KEY_PEM, sign};
pub(crate) use self::order::{BodyType, Order};
pub(crate) use self::variables::Variables;
use crate::faults::FaultAction;
use crate::observe::CallbackCount;

/// A callback to one URL, made or lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallbackAttempt {
    /// Bucket uploaded to.
    pub bucket: String,
    /// Key uploaded.
    pub key: String,
    /// URL called.
    pub url: String,
    /// Body sent, all variables substituted.
    pub body: String,
    /// Status of the answer; absent when none came.
    pub status: Option<u16>,
    /// Why the callback counts as failed; absent when it succeeded.
    pub failure: Option<String>,
}

/// How a callback ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Succeeded,
    Failed,
    Lost,
}

/// A callback that is due: its upload is stored.
#[derive(Debug)]
pub(crate) struct DueCallback {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) request_id: String,
    pub(crate) order: Order,
    pub(crate) body: String,
    pub(crate) fault: Option<FaultAction>,
}

/// A due callback, and where its outcome goes: the body for the uploader, or the reason of the failure.
#[derive(Debug)]
pub(crate) struct CallbackJob {
    pub(crate) due: DueCallback,
    pub(crate) reply: oneshot::Sender<Result<Bytes, String>>,
}

#[derive(Debug)]
pub(crate) struct Callbacks {
    queue: mpsc::UnboundedSender<CallbackJob>,
    pub(crate) pending: AtomicUsize,
    pub(crate) attempts: Mutex<Vec<CallbackAttempt>>,
    count: Mutex<CallbackCount>,
}

impl Callbacks {
    pub(crate) fn new(queue: mpsc::UnboundedSender<CallbackJob>) -> Self {
        Self { queue, pending: AtomicUsize::new(0), attempts: Mutex::default(), count: Mutex::default() }
    }

    pub(crate) fn count(&self) -> CallbackCount {
        *self.count.lock()
    }

    /// Counts and keeps a callback that ended.
    pub(crate) fn record(&self, attempt: CallbackAttempt, ending: Ending) {
        {
            let mut count = self.count.lock();
            match ending {
                Ending::Succeeded => count.succeeded += 1,
                Ending::Failed => count.failed += 1,
                Ending::Lost => count.lost += 1,
            }
        }
        self.attempts.lock().push(attempt);
    }

    /// Has the callback made, be the uploader still there or not.
    pub(crate) async fn make(&self, due: DueCallback) -> Result<Bytes, String> {
        let (reply, answer) = oneshot::channel();
        self.pending.fetch_add(1, Ordering::SeqCst);
        if self.queue.send(CallbackJob { due, reply }).is_err() {
            self.pending.fetch_sub(1, Ordering::SeqCst);
        }
        answer.await.unwrap_or_else(|_| Err("The twin is shutting down.".to_owned()))
    }
}
