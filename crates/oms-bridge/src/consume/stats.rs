//! What a worker did and does, in numbers.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::error::QueueError;
use super::queue_health::QueueHealth;
use bridge_core::pipeline::Report;

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
    trouble: QueueHealth,
}

/// A number that grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a worker did, as `--json` prints it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Messages received, those included that came again.
    pub received: u64,
    /// Messages deleted: everything they told of is settled.
    pub deleted: u64,
    /// Messages that are settled, but that the queue did not delete: they come again, which does no harm.
    pub not_deleted: u64,
    /// Receipts of messages that cannot be understood, or come from the log bucket: left to the queue.
    pub poison: u64,
    /// Messages given back, since some key of theirs is not settled.
    pub released: u64,
    /// Keys accepted by the engine.
    pub accepted: u64,
    /// Keys that failed.
    pub failed: u64,
    /// Of those, keys that are not in the journal either.
    pub unrecorded: u64,
    /// Changes that were not to be forwarded.
    pub skipped: u64,
}

/// What only the worker's other parts know.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Now {
    /// Messages in hand.
    pub(super) in_flight: usize,
    /// Requests made to OMS, and objects that the copy engine looked at.
    pub(super) requests: u64,
}

impl Stats {
    pub(super) fn add(&self, report: &Report) {
        self.accepted.add(report.accepted);
        self.failed.add(report.failed);
        self.skipped.add(report.skipped);
        self.unrecorded.add(report.unrecorded);
    }

    /// A poll of one of so many pollers was answered.
    pub(super) fn queue_answered(&self, pollers: usize) {
        self.trouble.poll_answered(pollers);
    }

    /// A poll failed.
    pub(super) fn poll_failed(&self, error: &QueueError) {
        self.queue_errors.add(1);
        self.trouble.poll_failed(error);
    }

    /// Another request to the queue failed, and what comes of that.
    pub(super) fn queue_failed(&self, error: &QueueError, messages: usize, consequence: &str) {
        self.queue_errors.add(1);
        self.trouble.failed(error, messages, consequence);
    }

    /// What makes the worker unhealthy, if anything does.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.unhealthy()
    }

    /// What was done so far.
    pub(super) fn totals(&self) -> Totals {
        Totals {
            received: self.received.get(),
            deleted: self.deleted.get(),
            not_deleted: self.not_deleted.get(),
            poison: self.poison.get(),
            released: self.released.get(),
            accepted: self.accepted.get(),
            failed: self.failed.get(),
            unrecorded: self.unrecorded.get(),
            skipped: self.skipped.get(),
        }
    }

    /// The same in the text format of Prometheus,
    /// <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
    pub(super) fn exposition(&self, now: Now) -> String {
        let totals = self.totals();
        let counters = [
            ("messages_received_total", "Messages received.", totals.received),
            ("messages_deleted_total", "Messages deleted, all they told of being settled.", totals.deleted),
            (
                "messages_not_deleted_total",
                "Settled messages that the queue did not delete.",
                totals.not_deleted,
            ),
            ("messages_poison_total", "Receipts of messages that cannot be understood.", totals.poison),
            ("messages_released_total", "Messages given back for another try.", totals.released),
            ("messages_again_total", "Messages that came again while they were worked on.", self.again.get()),
            ("queue_errors_total", "Requests to the queue that failed.", self.queue_errors.get()),
            ("keys_accepted_total", "Keys accepted by the engine.", totals.accepted),
            ("keys_failed_total", "Keys that failed.", totals.failed),
            ("keys_unrecorded_total", "Failed keys that are not in the journal.", totals.unrecorded),
            ("changes_skipped_total", "Changes that were not to be forwarded.", totals.skipped),
            ("engine_requests_total", "Requests to OMS, and objects looked at for copies.", now.requests),
        ];
        let mut text = String::new();
        for (name, help, value) in counters {
            metric(&mut text, name, help, "counter", value);
        }
        metric(&mut text, "messages_in_flight", "Messages in hand.", "gauge", now.in_flight as u64);
        text
    }
}

fn metric(text: &mut String, name: &str, help: &str, kind: &str, value: u64) {
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "# HELP oms_bridge_{name} {help}\n# TYPE oms_bridge_{name} {kind}\noms_bridge_{name} {value}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exposed_with_help_and_type() {
        let stats = Stats::default();
        stats.received.add(10);
        stats.add(&Report { accepted: 9, failed: 1, ..Report::default() });
        let text = stats.exposition(Now { in_flight: 3, requests: 7 });
        for line in [
            "oms_bridge_messages_received_total 10",
            "oms_bridge_keys_accepted_total 9",
            "oms_bridge_keys_failed_total 1",
            "# TYPE oms_bridge_messages_in_flight gauge",
            "oms_bridge_messages_in_flight 3",
            "oms_bridge_engine_requests_total 7",
        ] {
            assert!(text.lines().any(|own| own == line), "{line} is not in\n{text}");
        }
    }
}
