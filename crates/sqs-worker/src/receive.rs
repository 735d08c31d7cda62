//! Pollers: long polls for as many messages as there are free slots.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::backoff::{Permission, Trial};
use super::error::{QueueError, QueueErrorKind};
use super::load;
use super::options::Until;
use super::queue::{BATCH, Received};
use super::shared::Shared;
use bridge_core::journal::ProbeStep;
use object_copy::clock;
use oss_lite::Backoff;

/// Most pollers: near the queue, one receives thousands of messages per second.
const POLLERS: usize = 8;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) };

/// Time budget for a probe of the log bucket.
const LOOK: Duration = Duration::from_secs(30);

/// Consecutive errors after which a worker that drains its queue ends. Any other keeps trying.
const ERRORS_IN_A_ROW: u32 = 10;

/// The same of errors where no queue answered: its address is probably wrong.
const UNANSWERED_IN_A_ROW: u32 = 4;

/// Number of pollers that keep `concurrency` slots busy.
pub(super) fn pollers(concurrency: usize) -> usize {
    concurrency.div_ceil(BATCH).clamp(1, POLLERS)
}

/// Receives messages and starts work on them, until it is halted, the queue is drained, or the queue refuses.
pub(super) async fn poll(worker: Arc<Shared>, mut halted: watch::Receiver<bool>) -> Result<(), QueueError> {
    let options = worker.options;
    let drains = options.until == Until::Drained;
    let mut errors = 0;
    loop {
        let (trial, slots) = tokio::select! {
            biased;
            _ = halted.wait_for(|halted| *halted) => return Ok(()),
            room = worker.room(pause_after(errors), drains) => match room {
                Some(room) => room,
                None => return Ok(()),
            },
        };
        // Never cancelled: messages already on their way would stay invisible until their timeout.
        let received = worker.queue.receive(slots.num_permits(), options.wait, options.visibility).await;
        let messages = match received {
            Ok(messages) => {
                worker.stats.queue_answered(pollers(options.concurrency));
                messages
            }
            Err(error) => {
                errors += 1;
                let most = if error.is_of_address() { UNANSWERED_IN_A_ROW } else { ERRORS_IN_A_ROW };
                let patient = !drains || errors < most;
                if error.kind() != QueueErrorKind::Transient || !patient {
                    // Logged by the caller, which ends with it.
                    return Err(error);
                }
                worker.stats.poll_failed(&error);
                continue;
            }
        };
        errors = 0;
        if *halted.borrow() {
            worker.release(&messages).await;
            return Ok(());
        }
        if messages.is_empty() && drains {
            // The other pollers wait for this trial, and would find the queue empty too.
            if let Some(_trial) = trial {
                worker.receive_backoff.give_up();
            }
            return Ok(());
        }
        worker.start(messages, slots, trial);
    }
}

fn pause_after(errors: u32) -> Duration {
    errors.checked_sub(1).map_or(Duration::ZERO, |errors| BACKOFF.delay(errors, fastrand::f64))
}

impl Shared {
    /// Waits for `pause`, then for room: one slot for a trial, otherwise all free slots up to what one
    /// request can fill. `None` when the worker ends instead.
    async fn room(&self, pause: Duration, drains: bool) -> Option<(Option<Trial>, OwnedSemaphorePermit)> {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        loop {
            let trial =
                match self.receive_backoff.permit(drains, fastrand::f64, || self.journal_is_writable()).await
                {
                    Permission::Over => return None,
                    Permission::Trial(trial) => Some(trial),
                    Permission::Free => None,
                };
            let mut slots = Arc::clone(&self.slots).acquire_owned().await.ok()?;
            if trial.is_some() {
                return Some((trial, slots));
            }
            // A run that held the slot may have closed it in the meantime.
            if self.receive_backoff.is_closed() {
                continue;
            }
            while slots.num_permits() < BATCH
                && let Ok(more) = Arc::clone(&self.slots).try_acquire_owned()
            {
                slots.merge(more);
            }
            return Some((None, slots));
        }
    }

    /// Whether the log bucket accepts a record now. Writes and removes one object, under the same name each
    /// time.
    async fn journal_is_writable(&self) -> bool {
        let Ok(credentials) = self.credentials.current(clock::system()).await else { return false };
        let journal = self.pipeline.journal().open(credentials, Instant::now() + LOOK);
        journal.probe("consume").await.iter().all(|(step, _)| *step != ProbeStep::Write)
    }

    /// Starts work on messages; unused slots become free.
    fn start(
        self: &Arc<Self>,
        messages: Vec<Received>,
        mut slots: OwnedSemaphorePermit,
        mut trial: Option<Trial>,
    ) {
        let count = messages.len();
        self.stats.received.add(count);
        let (mut messages, mut lease) = self.in_flight.take(messages);
        self.stats.again.add(count - messages.len());
        while !messages.is_empty() {
            let rest = messages.split_off(self.share().min(messages.len()));
            let Some(taken) = slots.split(messages.len()) else { return };
            let ids: Vec<_> = messages.iter().map(|message| message.id.clone()).collect();
            // A trial has one message, so the first task takes it.
            tokio::spawn(load::process(Arc::clone(self), messages, lease.split(&ids), taken, trial.take()));
            messages = rest;
        }
    }

    /// Messages per run. Keys for OMS share requests; a copy can take long, and no other message should wait
    /// for it.
    fn share(&self) -> usize {
        if self.pipeline.engine().may_copy() { 1 } else { BATCH }
    }

    /// Makes messages visible to other workers at once.
    async fn release(&self, messages: &[Received]) {
        if messages.is_empty() {
            return;
        }
        self.stats.received.add(messages.len());
        self.stats.released.add(messages.len());
        let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
        if let Err(error) = self.queue.change_visibility(&receipts, Duration::ZERO).await {
            let consequence = "messages could not be released; they become visible again by themselves";
            self.stats.queue_failed(&error, receipts.len(), consequence);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_pollers_than_slots_to_fill() {
        assert_eq!([1, 10, 11, 100, 1000].map(pollers), [1, 1, 2, 8, 8]);
    }
}
