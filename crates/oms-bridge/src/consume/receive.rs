//! Pollers: long polls for as many messages as there are free slots.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::backoff::{Pass, Trial};
use super::error::{QueueError, QueueErrorKind};
use super::queue::{BATCH, Received};
use super::{Inner, Until, load};
use bridge_core::journal::ProbeStep;
use object_copy::backoff::Backoff;
use object_copy::clock;

/// Pollers at most: one gets thousands of messages a second next to the queue.
const POLLERS: usize = 8;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) };

/// Time for a look at the log bucket.
const LOOK: Duration = Duration::from_secs(30);

/// So many errors in a row end a worker that is to drain its queue and end. Any other goes on trying.
const ERRORS_IN_A_ROW: u32 = 10;

/// How many pollers keep so many slots busy.
pub(super) fn pollers(concurrency: usize) -> usize {
    concurrency.div_ceil(BATCH).clamp(1, POLLERS)
}

/// Receives messages and hands them on, until it is halted, the queue is drained, or refuses.
pub(super) async fn poll(worker: Arc<Inner>, mut halted: watch::Receiver<bool>) -> Result<(), QueueError> {
    let options = worker.options;
    let drains = options.until == Until::Drained;
    let mut errors = 0;
    loop {
        let (pass, slots) = tokio::select! {
            biased;
            _ = halted.wait_for(|halted| *halted) => return Ok(()),
            room = worker.room(pause_after(errors), drains) => match room {
                Some(room) => room,
                None => return Ok(()),
            },
        };
        // Not to be cut off: messages that are on their way already would be out of everybody's sight for a while.
        let received = worker.queue.receive(slots.num_permits(), options.wait, options.visibility).await;
        let messages = match received {
            Ok(messages) => {
                worker.stats.queue_answered(pollers(options.concurrency));
                messages
            }
            Err(error) => {
                errors += 1;
                let patient = !drains || errors < ERRORS_IN_A_ROW;
                if error.kind() != QueueErrorKind::Transient || !patient {
                    // Whoever ends of it says so.
                    return Err(error);
                }
                worker.stats.poll_failed(&error);
                continue;
            }
        };
        errors = 0;
        if *halted.borrow() {
            worker.give_back(&messages).await;
            return Ok(());
        }
        if messages.is_empty() && drains {
            // The others wait for this trial, and would only find the same.
            if let Some(_trial) = pass {
                worker.brake.give_up();
            }
            return Ok(());
        }
        worker.hand_on(messages, slots, pass);
    }
}

fn pause_after(errors: u32) -> Duration {
    errors.checked_sub(1).map_or(Duration::ZERO, |errors| BACKOFF.delay(errors, fastrand::f64))
}

impl Inner {
    /// Room for messages, after a pause: one slot, and as many more as there are, up to what a request can fill. One alone for a
    /// trial. None when there is nothing to wait for.
    async fn room(&self, pause: Duration, drains: bool) -> Option<(Option<Trial>, OwnedSemaphorePermit)> {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        loop {
            let trial = match self.brake.pass(drains, fastrand::f64, || self.journal_takes()).await {
                Pass::Over => return None,
                Pass::Trial(trial) => Some(trial),
                Pass::Free => None,
            };
            let mut slots = Arc::clone(&self.slots).acquire_owned().await.ok()?;
            if trial.is_some() {
                return Some((trial, slots));
            }
            // What held the slots may have found out meanwhile that nothing can be settled.
            if self.brake.is_closed() {
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

    /// Whether the log bucket takes a record now. Of each worker one object with the same name is written, and removed.
    async fn journal_takes(&self) -> bool {
        let Ok(credentials) = self.credentials.current(clock::system()).await else { return false };
        let journal = self.pipeline.journal().open(credentials, Instant::now() + LOOK);
        journal.probe("consume").await.iter().all(|(step, _)| *step != ProbeStep::Write)
    }

    /// Starts work on messages; slots that they leave over are free again.
    fn hand_on(
        self: &Arc<Self>,
        messages: Vec<Received>,
        mut slots: OwnedSemaphorePermit,
        mut trial: Option<Trial>,
    ) {
        let count = messages.len();
        self.stats.received.add(count);
        let (mut messages, mut hand) = self.held.take(messages);
        self.stats.again.add(count - messages.len());
        while !messages.is_empty() {
            let rest = messages.split_off(self.share().min(messages.len()));
            let Some(taken) = slots.split(messages.len()) else { return };
            let ids: Vec<_> = messages.iter().map(|message| message.id.clone()).collect();
            // A trial is of one message.
            tokio::spawn(load::settle(Arc::clone(self), messages, hand.split(&ids), taken, trial.take()));
            messages = rest;
        }
    }

    /// How many messages share a run. Keys for OMS share requests; a copy can take long, and nobody should wait for it.
    fn share(&self) -> usize {
        if self.pipeline.engine().may_copy() { 1 } else { BATCH }
    }

    /// Shows messages to the other workers again, at once.
    async fn give_back(&self, messages: &[Received]) {
        if messages.is_empty() {
            return;
        }
        self.stats.received.add(messages.len());
        self.stats.released.add(messages.len());
        let receipts: Vec<_> = messages.iter().map(|message| message.receipt.clone()).collect();
        if let Err(error) = self.queue.hide(&receipts, Duration::ZERO).await {
            let consequence = "messages could not be given back; they come into sight again by themselves";
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
