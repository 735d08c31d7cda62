//! The listings of accepted keys and their markers, added up.

use std::pin::pin;
use std::time::Duration;

use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oss_lite::Error;

use super::{Arrivals, ByProof, OldestUnconfirmed};
use crate::watch::Watch;
use bridge_core::journal::{AcceptedEntry, AcceptedKey, MarkerRef, OpenJournal, Proof, ReadError, Stage};
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
    let mut entries = pin!(journal.accepted("", None));
    let mut listed = 0;
    while let Some(entry) = entries.try_next().await? {
        match entry {
            AcceptedEntry::Key(_) if listed == limits.list => {
                tally.arrivals.complete = false;
                break;
            }
            AcceptedEntry::Key(key) => {
                listed += 1;
                if tally.add(&key) && pending.len() < limits.read {
                    pending.push(key);
                }
            }
            AcceptedEntry::Orphan(marker) => tally.mark(&marker),
        }
    }
    let whole =
        tally.arrivals.complete && pending.len() as u64 == tally.arrivals.operations_pending_replication;
    if whole {
        // Made beforehand: as a closure of the stream they would not be known to be `Send`.
        let reads: Vec<_> = pending.iter().map(|key| size(journal, key)).collect();
        let sizes: Vec<Option<u64>> = stream::iter(reads).buffer_unordered(READS).collect().await;
        tally.arrivals.bytes_pending_replication = sizes.into_iter().sum();
    }
    Ok(tally.finish())
}

/// The size of a pending key, as its event said; 0 if it is not pending any more.
async fn size(journal: &OpenJournal, key: &AcceptedKey) -> Option<u64> {
    match journal.accepted_record(key).await {
        Ok(Some(record)) => record.size,
        Ok(None) => Some(0),
        Err(ReadError::Vanished | ReadError::TooLarge | ReadError::Malformed(_) | ReadError::Store(_)) => {
            None
        }
    }
}

struct Tally {
    watch: Watch,
    now: DateTime<Utc>,
    arrivals: Arrivals,
    oldest: Option<(DateTime<Utc>, String)>,
}

impl Tally {
    fn new(watch: Watch, now: DateTime<Utc>) -> Self {
        let arrivals = Arrivals { complete: true, threshold: watch.arrive_within, ..Arrivals::default() };
        Self { watch, now, arrivals, oldest: None }
    }

    /// Counts a key; whether it is pending.
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
        self.arrivals.operations_pending_replication += 1;
        self.arrivals.operations_missed_threshold += u64::from(self.watch.is_late(written, self.now));
        if self.oldest.as_ref().is_none_or(|(oldest, _)| written < *oldest) {
            self.oldest = Some((written, key.key_or_hash().to_owned()));
        }
        true
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
                // What is not known of a key's times says nothing about it: it counts as in time.
                let total = match (marked.wait, marked.lag) {
                    (Some(wait), Some(lag)) => wait + lag,
                    (None, Some(time)) | (Some(time), None) => time,
                    (None, None) => Duration::ZERO,
                };
                if marked.lag.is_some() {
                    arrivals.replication_latency.record(total);
                    hour.latency.record(total);
                }
                hour.slowest = hour.slowest.max(total);
                let late = total > self.watch.arrive_within;
                hour.late += u64::from(late);
                arrivals.operations_replicated_after_threshold += u64::from(late);
                arrivals.arrived_within_threshold += u64::from(!late);
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
