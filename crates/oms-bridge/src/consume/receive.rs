//! Pollers: long polls for as many messages as there are free slots.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};

use super::queue::{BATCH, QueueError, QueueErrorKind, Received};
use super::{Inner, Until, load};
use crate::engine::backoff::Backoff;

/// Pollers at most: one gets thousands of messages a second next to the queue.
const POLLERS: usize = 8;

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) };

/// So many errors in a row end a worker that is to drain its queue and end. Any other goes on trying.
const ERRORS_IN_A_ROW: u32 = 10;

/// How many pollers keep so many slots busy.
pub(super) fn pollers(concurrency: usize) -> usize {
    concurrency.div_ceil(BATCH).clamp(1, POLLERS)
}

/// Receives messages and hands them on, until it is halted, the queue is drained, or refuses.
pub(super) async fn poll(worker: Arc<Inner>, mut halted: watch::Receiver<bool>) -> Result<(), QueueError> {
    let options = worker.options;
    let mut errors = 0;
    loop {
        let pause = worker.brake.pause(fastrand::f64) + pause_after(errors);
        let slots = tokio::select! {
            biased;
            _ = halted.wait_for(|halted| *halted) => return Ok(()),
            slots = worker.slots(pause) => slots,
        };
        let Some(slots) = slots else { return Ok(()) };
        // Not to be cut off: messages that are on their way already would be out of everybody's sight for a while.
        let received = worker.queue.receive(slots.num_permits(), options.wait, options.visibility).await;
        worker.stats.queue_answered(received.as_ref().err().map(ToString::to_string));
        let messages = match received {
            Ok(messages) => messages,
            Err(error) => {
                worker.stats.queue_errors.add(1);
                errors += 1;
                let patient = options.until == Until::Stopped || errors < ERRORS_IN_A_ROW;
                if error.kind() != QueueErrorKind::Transient || !patient {
                    return Err(error);
                }
                tracing::warn!(%error, errors, "the queue gives no messages");
                continue;
            }
        };
        errors = 0;
        if *halted.borrow() {
            worker.give_back(&messages).await;
            return Ok(());
        }
        if messages.is_empty() && options.until == Until::Drained {
            return Ok(());
        }
        worker.hand_on(messages, slots);
    }
}

fn pause_after(errors: u32) -> Duration {
    errors.checked_sub(1).map_or(Duration::ZERO, |errors| BACKOFF.delay(errors, fastrand::f64))
}

impl Inner {
    /// Free slots, after a pause: one, and as many more as there are, up to what a request can fill.
    async fn slots(&self, pause: Duration) -> Option<OwnedSemaphorePermit> {
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let mut slots = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        while slots.num_permits() < BATCH
            && let Ok(more) = Arc::clone(&self.slots).try_acquire_owned()
        {
            slots.merge(more);
        }
        Some(slots)
    }

    /// Starts work on messages; slots that they leave over are free again.
    fn hand_on(self: &Arc<Self>, messages: Vec<Received>, mut slots: OwnedSemaphorePermit) {
        let count = messages.len();
        self.stats.received.add(count);
        let (mut messages, mut hand) = self.held.take(messages);
        self.stats.again.add(count - messages.len());
        while !messages.is_empty() {
            let rest = messages.split_off(self.share().min(messages.len()));
            let Some(taken) = slots.split(messages.len()) else { return };
            let ids: Vec<_> = messages.iter().map(|message| message.id.clone()).collect();
            tokio::spawn(load::settle(Arc::clone(self), messages, hand.split(&ids), taken));
            messages = rest;
        }
    }

    /// How many messages share a run. Keys for OMS share requests; a copy can take long, and nobody should wait for it.
    fn share(&self) -> usize {
        if self.pipeline.engine().copier().is_some() { 1 } else { BATCH }
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
            tracing::warn!(%error, messages = receipts.len(), "messages could not be given back; they come into sight again by themselves");
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
