//! Counts over the stream of settled changes.

use super::settle::{Disposition, NotRecorded, Settled};
use crate::engine::CommonCause;
use crate::policy::Skip;
use object_copy::outcome::Attempt;
use object_copy::transfer::Concern;

/// The result of one call in numbers: a fold over the stream of
/// [`Pipeline::settle`](super::Pipeline::settle).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Keys the engine accepted.
    pub accepted: usize,
    /// Keys that failed, recorded or not.
    pub failed: usize,
    /// Changes that the policy left out.
    pub skipped: usize,
    /// The same by reason.
    pub skipped_for: SkipCounts,
    /// Failed keys that are not in the journal: the host must not report success.
    pub unrecorded: usize,
    /// Accepted keys without a success record. No loss: the object is on its way.
    pub success_records_missing: usize,
    /// The first failure that could not be recorded: key and reason.
    pub first_unrecorded: Option<String>,
    /// Why the first record was not written of those that are missing, of whichever outcome.
    pub not_recorded: Option<NotRecorded>,
    /// Failed keys whose credentials were refused.
    pub refused_credentials: usize,
    /// What failures have in common that are no matter of single keys.
    pub cause: CommonCause,
    /// Failed keys whose copy ended early, at a part, because the program was told to stop.
    pub unfinished: usize,
    /// Keys that were not begun, because the program was told to stop. They are neither sent nor recorded, so
    /// the host must not report success.
    pub not_begun: usize,
}

/// How many changes were skipped for which reason. What an event does not leave behind is not counted here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SkipCounts {
    /// `EXCLUDE` matches the key, or `INCLUDE` does not.
    pub filtered: usize,
    /// Another change of the same object was forwarded.
    pub duplicates: usize,
    /// The object lies where copies are written to.
    pub own_copies: usize,
}

impl SkipCounts {
    fn count(&mut self, why: Skip) {
        match why {
            Skip::Filtered => self.filtered += 1,
            Skip::Duplicate { .. } => self.duplicates += 1,
            Skip::OwnCopy => self.own_copies += 1,
            Skip::Effect(_) => {}
        }
    }

    fn add(&mut self, other: Self) {
        self.filtered += other.filtered;
        self.duplicates += other.duplicates;
        self.own_copies += other.own_copies;
    }
}

impl Report {
    /// Adds one change.
    pub fn count(&mut self, settled: &Settled) {
        let why_lost = settled.why_lost();
        let lost = why_lost.is_some();
        if self.not_recorded.is_none() && settled.is_begun() {
            self.not_recorded = why_lost.cloned();
        }
        match &settled.outcome {
            Disposition::Skipped(why) => {
                self.skipped += 1;
                self.skipped_for.count(*why);
            }
            Disposition::Accepted(_) => {
                self.accepted += 1;
                self.success_records_missing += usize::from(lost);
            }
            Disposition::Failed(failure) if failure.attempt == Attempt::NotBegun => {
                self.not_begun += 1;
                self.first_unrecorded = self.first_unrecorded.take().or_else(|| settled.loss());
            }
            Disposition::Failed(failure) => {
                self.failed += 1;
                self.unfinished += usize::from(failure.attempt == Attempt::CutShort);
                self.refused_credentials += usize::from(failure.concern == Concern::Credentials);
                self.cause.count(failure);
                self.unrecorded += usize::from(lost);
                if lost && self.first_unrecorded.is_none() {
                    self.first_unrecorded = settled.loss();
                }
            }
        }
    }

    /// Adds up two reports.
    pub fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.skipped_for.add(other.skipped_for);
        self.unrecorded += other.unrecorded;
        self.success_records_missing += other.success_records_missing;
        self.unfinished += other.unfinished;
        self.not_begun += other.not_begun;
        self.refused_credentials += other.refused_credentials;
        self.first_unrecorded = self.first_unrecorded.take().or(other.first_unrecorded);
        self.not_recorded = self.not_recorded.take().or(other.not_recorded);
        self.cause.add(other.cause);
    }
}
