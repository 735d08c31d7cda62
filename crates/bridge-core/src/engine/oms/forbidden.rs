//! Batches that are refused with 403 although the credentials are good.
//!
//! Either some key of the batch is at fault (a firewall before the gateway dislikes its text), or a
//! permission is missing and every key is refused. Halving shows which: it continues until the keys at fault
//! are alone. If every key is refused, that would cost two requests a key, for each batch again. Therefore:
//!
//! - One batch is halved at a time; others that are refused meanwhile wait for the result.
//! - If [`ALONE`] keys are refused alone, or all keys of the batch, and none is accepted, then everything is
//!   refused. The rest of the batch fails unsent, and for [`WINDOW`] no batch is halved for a 403, unless a
//!   request is accepted before.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use object_copy::clock::{Clock, Moment};
use signature_breaker::WINDOW;

/// Keys refused alone, with none accepted, after which everything counts as refused.
const ALONE: usize = 8;

#[derive(Debug)]
pub(super) struct Forbidden {
    clock: Clock,
    /// When everything was last found to be refused.
    everything: Mutex<Option<Moment>>,
    turn: Arc<Semaphore>,
}

/// The halving of one batch.
#[derive(Debug)]
pub(super) struct Search {
    _turn: Option<OwnedSemaphorePermit>,
    alone: usize,
    accepted: bool,
}

impl Forbidden {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, everything: Mutex::default(), turn: Arc::new(Semaphore::new(1)) }
    }

    /// Begins to halve a batch; `None` if everything is refused anyway, or time is up.
    pub(super) async fn search(&self, deadline: Instant) -> Option<Search> {
        if self.is_everything() {
            return None;
        }
        let turn = timeout_at(deadline, Arc::clone(&self.turn).acquire_owned()).await.ok()?.ok();
        // The search before may have found out.
        (!self.is_everything()).then_some(Search { _turn: turn, alone: 0, accepted: false })
    }

    /// Notes that a request was accepted.
    pub(super) fn note_accepted(&self, search: Option<&mut Search>) {
        *self.everything() = None;
        if let Some(search) = search {
            search.accepted = true;
        }
    }

    /// Notes that a key was refused alone while `left` keys of the batch wait. Returns whether to give those
    /// up.
    pub(super) fn note_refused_alone(&self, search: &mut Search, left: usize) -> bool {
        search.alone += 1;
        let all = search.alone > 1 && left == 0;
        let everything = !search.accepted && (search.alone >= ALONE || all);
        if everything {
            tracing::warn!("OMS refuses every key with 403; batches are not halved for it for a while");
            *self.everything() = Some(Moment::now(self.clock));
        }
        everything
    }

    fn is_everything(&self) -> bool {
        let now = Moment::now(self.clock);
        self.everything().is_some_and(|found| found.age(&now) < WINDOW)
    }

    fn everything(&self) -> MutexGuard<'_, Option<Moment>> {
        self.everything.lock()
    }
}
