//! Deletes what only the destination has.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, stream};
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::{Extent, ObjectFacts, Side as End, Source, TransferError};
use oss_lite::Bucket;
use reconcile::judge::Verdict;
use reconcile::{Finding, Side, Totals};

use crate::listed::{facts, is_as_listed};
use crate::sides::{Unsuitable, check_overlap};

/// Keys of OMS and of this program, which are never deleted, whatever the destination is called.
const NEVER: [&str; 2] = ["oms/", "oms_source_record/"];

/// Refusals in a row after which the others are not tried: a right is missing.
const MOST_REFUSALS: usize = 3;

/// Why nothing at all is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// More keys are extra than may be deleted.
    TooMany {
        /// How many are extra.
        extra: u64,
        /// How many may be deleted.
        most: usize,
    },
    /// The source has nothing that was compared, and the destination has.
    EmptySource,
    /// Some keys could not be looked at, so the comparison is not whole.
    NotAllLookedAt {
        /// How many.
        failed: u64,
    },
    /// Both sides do not agree on everything else: what the source has under a new key may be at the
    /// destination under the old one alone.
    NotFixed {
        /// Keys that are still missing, different or undecided, or were not accepted.
        open: u64,
    },
}

/// What became of an extra key.
#[derive(Debug)]
pub enum Deletion {
    /// It is deleted.
    Deleted,
    /// It is kept.
    Kept(Kept),
    /// It could not be looked at, or not be deleted.
    Failed(TransferError),
    /// It was not begun: the run was interrupted, or what came before was refused.
    NotBegun,
}

/// Why an extra key is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The source has it by now.
    AtSource,
    /// The destination has another object under the key, or none.
    Changed,
    /// It belongs to OMS or to this program.
    Own,
}

/// An extra key, as it was listed.
#[derive(Clone, Debug)]
struct Extra {
    key: String,
    listed: ObjectFacts,
}

/// Remembers what is extra, up to a number, and deletes it at the end.
#[derive(Debug)]
pub struct Extras {
    source: Source,
    source_prefix: String,
    objects: Source,
    bucket: Bucket,
    prefix: String,
    most: usize,
    found: Vec<Extra>,
    count: u64,
}

impl Extras {
    /// At most `most` keys may be deleted.
    ///
    /// # Errors
    ///
    /// [`Unsuitable`], if nothing can be deleted safely between these sides.
    pub fn new(source: &Side, destination: &Side, most: usize) -> Result<Self, Unsuitable> {
        check_overlap(source, destination)?;
        let Some(objects @ Source::Store(bucket)) = &destination.objects else {
            return Err(Unsuitable::NoBucket);
        };
        if destination.listing.complete_to().is_some() {
            return Err(Unsuitable::Inventory);
        }
        Ok(Self {
            source: source.objects.clone().ok_or(Unsuitable::CannotAsk)?,
            source_prefix: source.prefix.clone(),
            objects: objects.clone(),
            bucket: bucket.clone(),
            prefix: destination.prefix.clone(),
            most,
            found: Vec::new(),
            count: 0,
        })
    }

    /// Remembers what is extra among findings.
    pub fn take(&mut self, findings: &[Finding]) {
        for finding in findings {
            let (Verdict::Extra, Some(listed)) = (&finding.verdict, &finding.destination) else { continue };
            self.count += 1;
            if self.found.len() < self.most {
                self.found.push(Extra { key: listed.key.clone(), listed: facts(listed) });
            }
        }
    }

    /// Whether anything may be deleted after a comparison that came to its end.
    ///
    /// # Errors
    ///
    /// [`Refusal`], if nothing may.
    pub fn check(&self, totals: &Totals, may_source_be_empty: bool) -> Result<(), Refusal> {
        if self.count > self.most as u64 {
            return Err(Refusal::TooMany { extra: self.count, most: self.most });
        }
        if totals.failed > 0 && self.count > 0 {
            return Err(Refusal::NotAllLookedAt { failed: totals.failed });
        }
        let Totals { equal, different, missing, undecided, older_at_source, .. } = totals;
        let is_empty = equal + different + missing + undecided + older_at_source == 0;
        if is_empty && self.count > 0 && !may_source_be_empty {
            return Err(Refusal::EmptySource);
        }
        Ok(())
    }

    /// Whether anything may be deleted after what was missing or different was brought over: `totals` are those
    /// of the comparison after that, and `not_accepted` keys were not taken.
    ///
    /// # Errors
    ///
    /// [`Refusal`], if nothing may.
    pub fn check_fixed(&self, totals: &Totals, not_accepted: u64) -> Result<(), Refusal> {
        if self.count == 0 {
            return Ok(());
        }
        if totals.failed > 0 {
            return Err(Refusal::NotAllLookedAt { failed: totals.failed });
        }
        let open = (totals.missing + totals.different + totals.undecided).max(not_accepted);
        if open > 0 { Err(Refusal::NotFixed { open }) } else { Ok(()) }
    }

    /// The keys that [`Extras::delete`] would try to delete.
    pub fn keys(&self) -> impl Iterator<Item = String> + '_ {
        self.found.iter().map(|extra| self.whole(extra)).filter(|key| !is_own(key))
    }

    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        self.keys().next().is_none()
    }

    /// The bucket that they are in.
    pub fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    fn whole(&self, extra: &Extra) -> String {
        [&self.prefix, extra.key.as_str()].concat()
    }

    /// Deletes what is extra, `at_once` keys at a time. For each key it is asked first whether the
    /// destination still has what was listed, and then whether the source has it. Call [`Extras::check`]
    /// before.
    pub async fn delete(self, at_once: usize, stop: &Stop, mut done: impl FnMut(&str, Deletion)) {
        let is_refused = AtomicBool::new(false);
        let deleted = |extra: &Extra| {
            let (key, extra) = (self.whole(extra), extra.clone());
            let begins = !is_refused.load(Ordering::Relaxed) && !stop.is(StopLevel::BeginNothing);
            let this = &self;
            async move {
                let deletion = if begins { this.delete_one(&extra, &key).await } else { Deletion::NotBegun };
                (key, deletion)
            }
        };
        let mut deletions = stream::iter(&self.found).map(deleted).buffer_unordered(at_once.max(1));
        let mut in_a_row = 0;
        while let Some((key, deletion)) = deletions.next().await {
            match &deletion {
                Deletion::Failed(failed) => {
                    in_a_row += 1;
                    let concerns_all = match failed.extent() {
                        Extent::One => false,
                        Extent::PerhapsAll => in_a_row >= MOST_REFUSALS,
                        Extent::AllForNow | Extent::AllUntilOneIsDone | Extent::All => true,
                    };
                    if concerns_all {
                        is_refused.store(true, Ordering::Relaxed);
                    }
                }
                Deletion::Deleted => in_a_row = 0,
                Deletion::Kept(_) | Deletion::NotBegun => {}
            }
            done(&key, deletion);
        }
    }

    async fn delete_one(&self, extra: &Extra, key: &str) -> Deletion {
        if is_own(key) {
            return Deletion::Kept(Kept::Own);
        }
        let now = self.objects.facts(key).await.map_err(|failed| failed.at(End::Destination));
        match now {
            Ok(Some(now)) if is_as_listed(&extra.listed, &now) => {}
            Ok(_) => return Deletion::Kept(Kept::Changed),
            Err(failed) => return Deletion::Failed(failed),
        }
        // Last, so that little time is left for an upload in between.
        let at_source = [&self.source_prefix, extra.key.as_str()].concat();
        match self.source.facts(&at_source).await.map_err(|failed| failed.at(End::Source)) {
            Ok(None) => {}
            Ok(Some(_)) => return Deletion::Kept(Kept::AtSource),
            Err(failed) => return Deletion::Failed(failed),
        }
        match self.bucket.delete(key).await {
            Ok(()) => Deletion::Deleted,
            Err(error) => Deletion::Failed(TransferError::from(error).at(End::Destination)),
        }
    }
}

fn is_own(key: &str) -> bool {
    NEVER.iter().any(|never| key.starts_with(never))
}
