//! Pairs the objects of two ordered listings.

use std::cmp::Ordering;
use std::vec::IntoIter;

use chrono::{DateTime, Utc};

use crate::judge::{self, Basis, Verdict};
use crate::listing::Listed;
use crate::side::{Check, Comparison};
use crate::totals::Totals;

/// A key, what became of it, and what the listings say. The keys in there are those behind the prefixes.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What became of it.
    pub verdict: Verdict,
    /// The object at the source, as it was listed.
    pub source: Option<Listed>,
    /// The object at the destination, likewise.
    pub destination: Option<Listed>,
}

impl Finding {
    /// The key, behind the prefix of each side.
    pub fn key(&self) -> &str {
        self.source.as_ref().or(self.destination.as_ref()).map_or("", |listed| &listed.key)
    }

    /// The size at the source, else 0.
    pub(crate) fn bytes(&self) -> u64 {
        self.source.as_ref().map_or(0, |listed| listed.size)
    }
}

/// What is still to be asked about a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// What a HEAD of both says.
    Facts,
    /// The bytes of both.
    Content,
}

/// A key, as far as listings say something about it.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) finding: Finding,
    pub(crate) question: Option<Question>,
}

/// The objects of one side of a range that were read and not paired yet.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    objects: IntoIter<Listed>,
    is_over: bool,
}

impl Buffer {
    /// Adds the next page; the ones before are used up.
    pub(crate) fn fill(&mut self, objects: Vec<Listed>) {
        self.objects = objects.into_iter();
    }

    /// There are no more.
    pub(crate) fn end(&mut self) {
        self.is_over = true;
    }

    /// Whether nothing is left.
    pub(crate) fn is_over_and_empty(&self) -> bool {
        self.is_over && self.objects.as_slice().is_empty()
    }

    pub(crate) fn wants_more(&self) -> bool {
        !self.is_over && self.objects.as_slice().is_empty()
    }

    /// Drops what lies beyond the end of the range; there is nothing more then.
    pub(crate) fn cut(&mut self, until: &str) {
        let kept = self.objects.as_slice().partition_point(|object| object.key.as_str() <= until);
        if kept < self.objects.len() {
            let objects: Vec<_> = self.objects.by_ref().take(kept).collect();
            self.objects = objects.into_iter();
            self.is_over = true;
        }
    }

    fn key(&self) -> Option<&str> {
        Some(&self.objects.as_slice().first()?.key)
    }
}

/// What decides about the keys of two listings.
#[derive(Debug)]
pub(crate) struct Rules<'c> {
    comparison: &'c Comparison,
    complete_to: DateTime<Utc>,
    /// Whether every difference is looked at: a listing of an earlier time shows what may be removed or
    /// mended by now.
    looks_again: bool,
}

impl<'c> Rules<'c> {
    pub(crate) fn new(comparison: &'c Comparison) -> Self {
        let Comparison { source, destination, check, .. } = comparison;
        let sides = [source, destination];
        let is_of_earlier = sides.iter().any(|side| side.listing.complete_to().is_some());
        let can_ask = sides.iter().all(|side| side.objects.is_some());
        let looks_again = *check != Check::Listing && is_of_earlier && can_ask;
        Self { comparison, complete_to: comparison.complete_to(), looks_again }
    }

    /// Pairs what is in both buffers, as far as that is certain: until one of them is empty, and not over.
    /// Counts what is settled and not wanted. Gives the last key.
    pub(crate) fn pair(
        &self,
        source: &mut Buffer,
        destination: &mut Buffer,
        totals: &mut Totals,
        found: &mut Vec<Candidate>,
    ) -> Option<String> {
        let mut last = None;
        while !source.wants_more() && !destination.wants_more() {
            let order = match (source.key(), destination.key()) {
                (Some(ours), Some(theirs)) => ours.cmp(theirs),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => break,
            };
            let ours = if order.is_le() { source.objects.next() } else { None };
            let theirs = if order.is_ge() { destination.objects.next() } else { None };
            totals.source += u64::from(ours.is_some());
            totals.destination += u64::from(theirs.is_some());
            let candidate = self.candidate(ours, theirs, totals);
            match candidate {
                Ok(candidate) => {
                    let is_settled = candidate.question.is_none();
                    let is_equal = matches!(candidate.finding.verdict, Verdict::Equal(_));
                    if is_settled && is_equal && !self.comparison.wants_equal {
                        totals.count(&candidate.finding.verdict, candidate.finding.bytes());
                        last = key_of(candidate.finding);
                    } else {
                        last = None;
                        found.push(candidate);
                    }
                }
                Err(key) => last = Some(key),
            }
        }
        last.or_else(|| found.last().map(|candidate| candidate.finding.key().to_owned()))
    }

    /// What the listings say of a key; the key alone if it is not compared.
    fn candidate(
        &self,
        source: Option<Listed>,
        destination: Option<Listed>,
        totals: &mut Totals,
    ) -> Result<Candidate, String> {
        let Comparison { check, filter, since, .. } = self.comparison;
        let (verdict, listed) = match (&source, &destination) {
            (Some(source), Some(destination)) => (judge::by_listing(source, destination), source),
            (Some(source), None) => (Verdict::Missing, source),
            (None, Some(destination)) => (Verdict::Extra, destination),
            (None, None) => return Err(String::new()),
        };
        let left_out = match verdict {
            Verdict::Missing => self.comparison.source.is_own(&listed.key),
            Verdict::Extra => self.comparison.destination.is_own(&listed.key),
            _ => false,
        };
        let counted = if left_out {
            Some(&mut totals.left_out)
        } else if filter.as_ref().is_some_and(|filter| !filter.admits(&listed.key)) {
            Some(&mut totals.filtered)
        } else if since.zip(listed.modified).is_some_and(|(since, modified)| modified < since) {
            Some(&mut totals.older)
        } else {
            None
        };
        if let Some(counted) = counted {
            *counted += 1;
            return Err(source.or(destination).map_or_else(String::new, |listed| listed.key));
        }
        let is_newer = |listed: &Option<Listed>| {
            listed.as_ref().and_then(|listed| listed.modified).is_some_and(|at| at >= self.complete_to)
        };
        let is_newer = is_newer(&source) || is_newer(&destination);
        let asks = is_newer || self.looks_again;
        let is_folder = listed.key.ends_with('/');
        let (ours, theirs) = (&self.comparison.source, &self.comparison.destination);
        let question = match (&verdict, check) {
            // A folder of this machine is not listed, but can be asked for.
            (Verdict::Missing, _) if is_folder && theirs.is_local() => Some(Question::Facts),
            (Verdict::Extra, _) if is_folder && ours.is_local() => Some(Question::Facts),
            (Verdict::Missing | Verdict::Extra | Verdict::Different(Basis::Size), _) => {
                asks.then_some(Question::Facts)
            }
            (_, Check::Content) => Some(Question::Content),
            (Verdict::Undecided(_) | Verdict::Different(Basis::Etag), Check::Full) => Some(Question::Facts),
            (Verdict::Undecided(_) | Verdict::Different(_), _) => asks.then_some(Question::Facts),
            (Verdict::Equal(_) | Verdict::Failed(_), _) => None,
        };
        Ok(Candidate { finding: Finding { verdict, source, destination }, question })
    }
}

fn key_of(finding: Finding) -> Option<String> {
    finding.source.or(finding.destination).map(|listed| listed.key)
}
