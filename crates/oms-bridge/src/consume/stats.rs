//! What a worker did and does, in numbers.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::pipeline::Report;

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Stats {
    pub(super) received: Counter,
    pub(super) deleted: Counter,
    pub(super) not_deleted: Counter,
    pub(super) poison: Counter,
    pub(super) released: Counter,
    pub(super) again: Counter,
    pub(super) queue_errors: Counter,
    accepted: Counter,
    failed: Counter,
    skipped: Counter,
    unrecorded: Counter,
    /// Since when the queue does not answer, and why.
    trouble: Mutex<Option<(Instant, String)>>,
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

/// Trouble of this length makes a worker unhealthy.
const UNHEALTHY_AFTER: Duration = Duration::from_mins(1);

impl Stats {
    pub(super) fn add(&self, report: &Report) {
        self.accepted.add(report.accepted);
        self.failed.add(report.failed);
        self.skipped.add(report.skipped);
        self.unrecorded.add(report.unrecorded);
    }

    /// The queue answered, or did not.
    pub(super) fn queue_answered(&self, error: Option<String>) {
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match (&mut *trouble, error) {
            (trouble, None) => *trouble = None,
            (Some((_, last)), Some(error)) => *last = error,
            (trouble, Some(error)) => *trouble = Some((Instant::now(), error)),
        }
    }

    /// What makes the worker unhealthy, if anything does: the queue has not answered for a minute.
    pub(super) fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, error) = trouble.as_ref()?;
        (since.elapsed() >= UNHEALTHY_AFTER)
            .then(|| format!("the queue has not answered for {} s: {error}", since.elapsed().as_secs()))
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

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_stays_silent_makes_the_worker_unhealthy_until_it_answers() {
        let stats = Stats::default();
        stats.queue_answered(Some("first".into()));
        tokio::time::advance(UNHEALTHY_AFTER / 2).await;
        stats.queue_answered(Some("second".into()));
        assert_eq!(stats.trouble(), None);
        tokio::time::advance(UNHEALTHY_AFTER / 2).await;
        assert_eq!(stats.trouble().as_deref(), Some("the queue has not answered for 60 s: second"));
        stats.queue_answered(None);
        assert_eq!(stats.trouble(), None);
    }
}
