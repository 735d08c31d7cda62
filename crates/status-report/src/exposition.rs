//! The records as metrics.

use arrival::rounds::Round;
use arrival::stats::{Arrivals, Histogram};
use metrics::{Buckets, Exposition, names};

use super::records::RecordCounts;
use super::status::Status;

impl Status {
    /// Adds what the journal holds to `metrics`. Of more keys than were counted only those are known.
    pub fn expose(&self, metrics: &mut Exposition) {
        failures(&self.task, &self.records, metrics);
        arrivals(&self.task, &self.arrivals, metrics);
        if let Some(last) = self.reconcile.as_ref().and_then(|state| state.last.as_ref()) {
            round(&self.task, last, metrics);
        }
    }
}

fn failures(task: &str, records: &RecordCounts, metrics: &mut Exposition) {
    metrics.add_of(&names::KEYS_WAITING, [task], records.failed);
    let classes = &records.by_class;
    for (class, keys) in [
        ("transient", classes.transient),
        ("throttled", classes.throttled),
        ("auth", classes.auth),
        ("permanent", classes.permanent),
        ("unknown", classes.unknown),
    ] {
        metrics.add_of(&names::KEYS_WAITING_BY_CLASS, [task, class], keys);
    }
    metrics.add_of(&names::KEYS_DEAD, [task], records.dead);
    metrics.add_of(&names::OLDEST_WAITING, [task], age(records.oldest.as_ref().map(|oldest| oldest.age_s)));
}

fn arrivals(task: &str, arrivals: &Arrivals, metrics: &mut Exposition) {
    for (metric, times) in [
        (&names::REPLICATION_LATENCY, &arrivals.replication_latency),
        (&names::RECORDED_EVENT_TO_ACCEPTED, &arrivals.event_to_accepted),
        (&names::RECORDED_ACCEPTED_TO_ARRIVED, &arrivals.accepted_to_arrived),
    ] {
        metrics.histogram_of(metric, [task], &buckets(times));
    }
    for (metric, count) in [
        (&names::OPERATIONS_PENDING, arrivals.operations_pending_replication),
        (&names::OPERATIONS_FAILED, arrivals.operations_failed_replication),
        (&names::OPERATIONS_MISSED, arrivals.operations_missed_threshold),
        (&names::OPERATIONS_AFTER_THRESHOLD, arrivals.operations_replicated_after_threshold),
        (&names::KEYS_CONFIRMED, arrivals.confirmed),
    ] {
        metrics.add_of(metric, [task], count);
    }
    for (to, keys) in [("resent", arrivals.resent), ("copied", arrivals.copied), ("dead", arrivals.dead)] {
        metrics.add_of(&names::OPERATIONS_ESCALATED, [task, to], keys);
    }
    if let Some(bytes) = arrivals.bytes_pending_replication {
        metrics.add_of(&names::BYTES_PENDING, [task], bytes);
    }
    if let Some(share) = arrivals.share_within_threshold {
        metrics.add_of(&names::WITHIN_THRESHOLD, [task], share);
    }
    let oldest = age(arrivals.oldest_unconfirmed.as_ref().map(|oldest| oldest.age_s));
    metrics.add_of(&names::OLDEST_UNCONFIRMED, [task], oldest);
}

fn round(task: &str, round: &Round, metrics: &mut Exposition) {
    let counts = &round.counts;
    for (result, keys) in [
        ("equal", counts.equal),
        ("undecided", counts.undecided),
        ("missing", counts.missing),
        ("different", counts.different),
        ("extra", counts.extra),
        ("young", counts.young),
        ("watched", counts.watched),
        ("waiting", counts.waiting),
        ("given_up", counts.given_up),
        ("unknown", counts.unknown),
    ] {
        metrics.add_of(&names::RECONCILE_KEYS, [task, result], keys);
    }
    metrics.add_of(&names::RECONCILE_SENT, [task], counts.sent);
    if let Some(ended) = round.ended {
        metrics.add_of(&names::RECONCILE_ENDED, [task], u64::try_from(ended.timestamp()).unwrap_or_default());
    }
    if let Some(took) = round.began.zip(round.ended).map(|(began, ended)| ended - began) {
        let took = took.to_std().unwrap_or_default();
        metrics.add_of(&names::RECONCILE_DURATION, [task], took.as_secs());
    }
}

/// Seconds since then: none if nothing waits, or a clock was set back.
fn age(seconds: Option<i64>) -> u64 {
    seconds.map_or(0, |seconds| u64::try_from(seconds).unwrap_or_default())
}

fn buckets(times: &Histogram) -> Buckets {
    let (mut bounds, mut counts, mut below) = (Vec::new(), Vec::new(), 0);
    for (bound, within) in times.buckets() {
        bounds.push(bound.as_secs_f64());
        counts.push(within - below);
        below = within;
    }
    counts.push(times.count() - below);
    Buckets { bounds, counts, sum: times.sum().as_secs_f64() }
}
