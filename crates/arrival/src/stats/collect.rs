//! The listings of accepted keys and their markers, added up.

use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oss_lite::Error;

use super::{Arrivals, ByProof, OldestUnconfirmed};
use crate::watch::Watch;
use bridge_core::journal::{
    AcceptedEntry, AcceptedKey, MarkerRef, OpenJournal, Proof, Reach, ReadError, Stage,
};
use settings::text;

/// Records read at once.
const READS: usize = 64;

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Accepted keys that are counted. A thousand take two requests.
    pub list: usize,
    /// Records of unconfirmed keys that are read for their size. Each takes a request.
    pub read: usize,
}

/// Adds up what listings of the log bucket show. `now` is the log bucket's time.
///
/// # Errors
///
/// When the log bucket cannot be listed.
pub async fn collect(
    journal: &OpenJournal,
    watch: Watch,
    limits: Limits,
    now: DateTime<Utc>,
) -> Result<Arrivals, Error> {
    let mut tally = Tally::new(watch, now);
    let mut pending = Vec::new();
    let mut entries = pin!(journal.accepted(Reach::All, "", None));
    let mut listed = 0;
    while let Some(entry) = entries.try_next().await? {
        // Of a confirmed key there is one marker that says so, beside the steps on its way.
        listed += usize::from(match &entry {
            AcceptedEntry::Key(_) => true,
            AcceptedEntry::Orphan(marker) => marker.marker.stage.is_final(),
        });
        if listed > limits.list {
            tally.arrivals.complete = false;
            break;
        }
        match entry {
            AcceptedEntry::Key(key) if tally.add(&key) => {
                if pending.len() < limits.read {
                    pending.push(key);
                } else {
                    tally.wait(&key);
                    tally.all_read = false;
                }
            }
            AcceptedEntry::Key(_) => {}
            AcceptedEntry::Orphan(marker) => tally.mark(&marker),
        }
    }
    if tally.all_read && tally.arrivals.complete {
        // Made beforehand: as a closure of the stream they would not be known to be `Send`.
        let reads: Vec<_> = pending.iter().map(|key| look(journal, key)).collect();
        let looked: Vec<Pending> = stream::iter(reads).buffered(READS).collect().await;
        let mut bytes = Some(0);
        for (key, pending) in pending.iter().zip(looked) {
            match pending {
                Pending::Waits(size) => {
                    tally.wait(key);
                    bytes = bytes.zip(size).map(|(bytes, size)| bytes + size);
                }
                Pending::Gone => tally.wait(key),
                Pending::NotOurs => {}
            }
        }
        tally.arrivals.bytes_pending_replication = bytes;
    } else {
        for key in &pending {
            tally.wait(key);
        }
    }
    Ok(tally.finish())
}

/// What the record of a pending key says.
enum Pending {
    /// The size, as the event said.
    Waits(Option<u64>),
    /// It is not pending any more.
    Gone,
    /// It is about another source or destination.
    NotOurs,
}

async fn look(journal: &OpenJournal, key: &AcceptedKey) -> Pending {
    match journal.accepted_record(key).await {
        Ok(Some(record)) if !journal.pair().has(&record) => Pending::NotOurs,
        Ok(Some(record)) => Pending::Waits(record.size),
        Ok(None) => Pending::Gone,
        Err(ReadError::Vanished | ReadError::TooLarge | ReadError::Malformed(_) | ReadError::Store(_)) => {
            Pending::Waits(None)
        }
    }
}

struct Tally {
    watch: Watch,
    now: DateTime<Utc>,
    arrivals: Arrivals,
    /// Whether the records of all pending keys are read.
    all_read: bool,
    oldest: Option<(DateTime<Utc>, String)>,
}

impl Tally {
    fn new(watch: Watch, now: DateTime<Utc>) -> Self {
        let arrivals = Arrivals { complete: true, threshold: watch.arrive_within, ..Arrivals::default() };
        Self { watch, now, arrivals, all_read: true, oldest: None }
    }

    /// Counts what is said of a key; whether it is pending.
    fn add(&mut self, key: &AcceptedKey) -> bool {
        key.markers().iter().for_each(|marker| self.mark(marker));
        if key.marker().is_some_and(|marker| marker.marker.stage.is_final()) {
            return false;
        }
        let Some(written) = key.written() else { return false };
        if !self.watch.looks_at(written, self.now) {
            self.arrivals.not_watched += 1;
            return false;
        }
        true
    }

    /// Counts a pending key.
    fn wait(&mut self, key: &AcceptedKey) {
        let Some(written) = key.written() else { return };
        self.arrivals.operations_pending_replication += 1;
        self.arrivals.operations_missed_threshold += u64::from(self.watch.is_late(written, self.now));
        if self.oldest.as_ref().is_none_or(|(oldest, _)| written < *oldest) {
            self.oldest = Some((written, key.key_or_hash().to_owned()));
        }
    }

    /// Counts a marker, also one of a record that was replaced since: what it says has happened.
    fn mark(&mut self, marker: &MarkerRef) {
        let marked = marker.marker;
        let arrivals = &mut self.arrivals;
        let hour = marker.written.and_then(|time| time.duration_trunc(TimeDelta::hours(1)).ok());
        let hour = arrivals.hours.entry(hour.unwrap_or_default()).or_default();
        match marked.stage {
            Stage::Arrived(proof) => {
                arrivals.confirmed += 1;
                hour.confirmed += 1;
                arrivals.confirmed_by.add(proof);
                let times = [
                    (&mut arrivals.event_to_accepted, marked.wait),
                    (&mut arrivals.accepted_to_arrived, marked.lag),
                ];
                for (histogram, time) in times {
                    if let Some(time) = time {
                        histogram.record(time);
                    }
                }
                // Of a key whose times are not all known it is only known whether it is late for sure.
                let (total, is_whole) = match (marked.wait, marked.lag) {
                    (Some(wait), Some(lag)) => (wait + lag, true),
                    (None, Some(time)) | (Some(time), None) => (time, false),
                    (None, None) => (Duration::ZERO, false),
                };
                if is_whole {
                    arrivals.replication_latency.record(total);
                    hour.latency.record(total);
                }
                hour.slowest = hour.slowest.max(total);
                if total > self.watch.arrive_within {
                    hour.late += 1;
                    arrivals.operations_replicated_after_threshold += 1;
                } else if is_whole {
                    arrivals.arrived_within_threshold += 1;
                } else {
                    arrivals.arrived_at_unknown_time += 1;
                }
            }
            Stage::Resent => {
                arrivals.resent += 1;
                hour.resent += 1;
            }
            Stage::Copied => {
                arrivals.copied += 1;
                hour.copied += 1;
            }
            Stage::Failed => arrivals.copies_failed += 1,
            Stage::Removed => {
                arrivals.removed += 1;
                hour.removed += 1;
            }
            Stage::Dead => {
                arrivals.dead += 1;
                hour.dead += 1;
            }
        }
    }

    fn finish(mut self) -> Arrivals {
        let arrivals = &mut self.arrivals;
        arrivals.operations_failed_replication = arrivals.dead;
        let missed = arrivals.operations_replicated_after_threshold
            + arrivals.operations_missed_threshold
            + arrivals.dead;
        let all = arrivals.arrived_within_threshold + missed;
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 keys")]
        let share = arrivals.arrived_within_threshold as f64 / all as f64;
        arrivals.share_within_threshold = (all > 0).then_some(share);
        let now = self.now;
        arrivals.oldest_unconfirmed = self.oldest.map(|(since, key)| OldestUnconfirmed {
            key,
            since: text::time(since),
            age_s: (now - since).num_seconds(),
        });
        self.arrivals
    }
}

impl ByProof {
    /// Counts one.
    pub fn add(&mut self, proof: Proof) {
        *match proof {
            Proof::Crc64 => &mut self.crc64,
            Proof::Md5 => &mut self.md5,
            Proof::SourceEtag => &mut self.source_etag,
            Proof::Size => &mut self.size,
            Proof::Presence => &mut self.presence,
            Proof::Absence => &mut self.absence,
        } += 1;
    }
}
