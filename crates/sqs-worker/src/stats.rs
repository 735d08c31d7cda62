//! Metrics of a worker.

use serde::Serialize;

use super::error::QueueError;
use super::queue_health::QueueHealth;
use bridge_core::engine::CommonCause;
use bridge_core::pipeline::Report;
use metrics::{Counter, Exposition, names};
use parking_lot::Mutex;

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) received: Counter,
    pub(super) deleted: Counter,
    pub(super) not_deleted: Counter,
    pub(super) poison: Counter,
    pub(super) released: Counter,
    pub(super) again: Counter,
    queue_errors: Counter,
    accepted: Counter,
    failed: Counter,
    skipped: Counter,
    unrecorded: Counter,
    cause: Mutex<CommonCause>,
    trouble: QueueHealth,
}

/// Totals, as `--json` prints them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Messages received, including redelivered ones.
    pub received: u64,
    /// Messages deleted: all their changes are done.
    pub deleted: u64,
    /// Processed messages that the queue did not delete: they are redelivered, which is harmless.
    pub not_deleted: u64,
    /// Receipts of messages that cannot be parsed, or come from the log bucket: left to the queue.
    pub poison: u64,
    /// Messages released because a key in them was not settled.
    pub released: u64,
    /// Keys accepted by the engine.
    pub accepted: u64,
    /// Keys that failed.
    pub failed: u64,
    /// Of those, keys that are not in the journal either.
    pub unrecorded: u64,
    /// Changes that were skipped.
    pub skipped: u64,
}

impl Stats {
    pub(super) fn add(&self, report: &Report) {
        self.accepted.add(report.accepted);
        self.failed.add(report.failed);
        self.skipped.add(report.skipped);
        self.unrecorded.add(report.unrecorded);
        if report.failed > 0 {
            self.cause.lock().add(report.cause.clone());
        }
    }

    /// What the failures so far have in common.
    pub(super) fn cause(&self) -> CommonCause {
        self.cause.lock().clone()
    }

    /// A poll of one of `pollers` was answered.
    pub(super) fn queue_answered(&self, pollers: usize) {
        self.trouble.poll_answered(pollers);
    }

    /// A poll failed.
    pub(super) fn poll_failed(&self, error: &QueueError) {
        self.queue_errors.add(1);
        self.trouble.poll_failed(error);
    }

    /// Another request to the queue failed, with this `consequence`.
    pub(super) fn queue_failed(&self, error: &QueueError, messages: usize, consequence: &str) {
        self.queue_errors.add(1);
        self.trouble.failed(error, messages, consequence);
    }

    /// Why the worker is unhealthy, if it is.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.unhealthy()
    }

    /// The totals so far.
    pub(super) fn totals(&self) -> Totals {
        Totals {
            received: self.received.value(),
            deleted: self.deleted.value(),
            not_deleted: self.not_deleted.value(),
            poison: self.poison.value(),
            released: self.released.value(),
            accepted: self.accepted.value(),
            failed: self.failed.value(),
            unrecorded: self.unrecorded.value(),
            skipped: self.skipped.value(),
        }
    }

    /// Adds the same to `metrics`, with the number of messages that are `in_flight`.
    pub(super) fn expose(&self, in_flight: usize, metrics: &mut Exposition) {
        let totals = self.totals();
        metrics.add(&names::MESSAGES_RECEIVED, totals.received);
        metrics.add(&names::MESSAGES_DELETED, totals.deleted);
        metrics.add(&names::MESSAGES_NOT_DELETED, totals.not_deleted);
        metrics.add(&names::MESSAGES_POISON, totals.poison);
        metrics.add(&names::MESSAGES_RELEASED, totals.released);
        metrics.add(&names::MESSAGES_AGAIN, self.again.value());
        metrics.add(&names::MESSAGES_IN_FLIGHT, in_flight);
        metrics.add(&names::QUEUE_ERRORS, self.queue_errors.value());
        metrics.add(&names::QUEUE_HEALTHY, self.trouble().is_none());
        metrics.add(&names::KEYS_ACCEPTED, totals.accepted);
        metrics.add(&names::KEYS_FAILED, totals.failed);
        metrics.add(&names::KEYS_UNRECORDED, totals.unrecorded);
        metrics.add(&names::CHANGES_SKIPPED, totals.skipped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exposed_with_help_and_type() {
        let stats = Stats::default();
        stats.received.add(10);
        stats.add(&Report { accepted: 9, failed: 1, ..Report::default() });
        let mut metrics = Exposition::default();
        stats.expose(3, &mut metrics);
        let text = metrics.into_text();
        for line in [
            "oms_bridge_messages_received_total 10",
            "oms_bridge_messages_not_deleted_total 0",
            "oms_bridge_keys_accepted_total 9",
            "oms_bridge_keys_failed_total 1",
            "# TYPE oms_bridge_messages_in_flight gauge",
            "oms_bridge_messages_in_flight 3",
            "oms_bridge_queue_healthy 1",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
        }
    }
}
