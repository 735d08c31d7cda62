//! Pairs the objects of two ordered listings.

use std::cmp::Ordering;
use std::vec::IntoIter;

use chrono::{DateTime, Utc};
use object_copy::transfer::TransferError;

use crate::judge::{self, Basis, Verdict};
use crate::listing::{Flaw, Listed};
use crate::side::{Check, Comparison, Side};
use crate::totals::Totals;

/// Keys to ask for after which the range is recorded.
const SLICE: usize = 64;

/// Bytes to read after which it is.
const SLICE_BYTES: u64 = 1 << 30;

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

    /// Whether the key has a place in the order.
    fn has_key(&self) -> bool {
        self.source.as_ref().or(self.destination.as_ref()).is_none_or(Listed::has_key)
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

/// What is asked for before the range is recorded up to there.
#[derive(Debug)]
struct Slice {
    questions: usize,
    bytes: u64,
    /// This many are asked for whatever their size, so that all requests that are allowed are made.
    least: usize,
}

impl Slice {
    fn new(comparison: &Comparison) -> Self {
        Self { questions: 0, bytes: 0, least: comparison.requests / 2 }
    }

    fn add(&mut self, candidate: &Candidate) {
        let Some(question) = candidate.question else { return };
        self.questions += 1;
        if question == Question::Content {
            self.bytes = self.bytes.saturating_add(candidate.finding.bytes());
        }
    }

    fn is_full(&self) -> bool {
        self.questions >= SLICE || (self.bytes >= SLICE_BYTES && self.questions >= self.least)
    }
}

/// The objects of one side of a range that were read and not paired yet.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    objects: IntoIter<Listed>,
    is_over: bool,
}

impl Buffer {
    /// Adds the next page; the keys before are used up.
    pub(crate) fn fill(&mut self, objects: Vec<Listed>) {
        let mut nameless: Vec<_> = self.objects.by_ref().collect();
        self.objects = if nameless.is_empty() {
            objects.into_iter()
        } else {
            nameless.extend(objects);
            nameless.into_iter()
        };
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
        !self.is_over && self.key().is_none()
    }

    /// Drops what lies beyond the end of the range; there is nothing more then.
    pub(crate) fn cut(&mut self, until: &str) {
        let is_beyond = |object: &Listed| object.has_key() && object.key.as_str() > until;
        if let Some(kept) = self.objects.as_slice().iter().position(is_beyond) {
            let objects: Vec<_> = self.objects.by_ref().take(kept).collect();
            self.objects = objects.into_iter();
            self.is_over = true;
        }
    }

    /// The next key.
    fn key(&self) -> Option<&str> {
        Some(&self.objects.as_slice().iter().find(|object| object.has_key())?.key)
    }

    /// The object of the next key. The names before it that are no keys go to `nameless`.
    fn next(&mut self, nameless: &mut Vec<Listed>) -> Option<Listed> {
        for object in self.objects.by_ref() {
            if object.has_key() {
                return Some(object);
            }
            nameless.push(object);
        }
        None
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

    /// Pairs what is in both buffers, as far as that is certain: until one of them is empty, and not over, or
    /// until there is enough to ask for. Counts what is settled and not wanted. Gives the last key.
    pub(crate) fn pair(
        &self,
        source: &mut Buffer,
        destination: &mut Buffer,
        totals: &mut Totals,
        found: &mut Vec<Candidate>,
    ) -> Option<String> {
        let mut last = None;
        let mut slice = Slice::new(self.comparison);
        while !slice.is_full() && !source.wants_more() && !destination.wants_more() {
            let order = match (source.key(), destination.key()) {
                (Some(ours), Some(theirs)) => ours.cmp(theirs),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                // Only names that are no keys are left.
                (None, None) => Ordering::Equal,
            };
            let mut nameless = [Vec::new(), Vec::new()];
            let ours = if order.is_le() { source.next(&mut nameless[0]) } else { None };
            let theirs = if order.is_ge() { destination.next(&mut nameless[1]) } else { None };
            let [our_nameless, their_nameless] = nameless;
            let our_nameless = our_nameless.into_iter().map(|name| (Some(name), None));
            let their_nameless = their_nameless.into_iter().map(|name| (None, Some(name)));
            for (ours, theirs) in our_nameless.chain(their_nameless) {
                found.extend(self.candidate(ours, theirs, totals).ok());
            }
            if ours.is_none() && theirs.is_none() {
                break;
            }
            let is_object = |listed: &Option<Listed>| listed.as_ref().is_some_and(|it| it.flaw.is_none());
            totals.source += u64::from(is_object(&ours));
            totals.destination += u64::from(is_object(&theirs));
            let candidate = self.candidate(ours, theirs, totals);
            match candidate {
                Ok(candidate) => {
                    slice.add(&candidate);
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
        let has_key = |candidate: &&Candidate| candidate.finding.has_key();
        last.or_else(|| found.iter().rfind(has_key).map(|candidate| candidate.finding.key().to_owned()))
    }

    /// What the listings say of a key; the key alone if it is not compared.
    fn candidate(
        &self,
        source: Option<Listed>,
        destination: Option<Listed>,
        totals: &mut Totals,
    ) -> Result<Candidate, String> {
        let Comparison { check, filter, since, .. } = self.comparison;
        let sides = || [&source, &destination].into_iter().flatten();
        if sides().all(Listed::is_left_out) {
            totals.left_out += sides().count() as u64;
            return Err(source.or(destination).map_or_else(String::new, |listed| listed.key));
        }
        let (verdict, listed) = match (&source, &destination) {
            (Some(source), Some(destination)) => (judge::by_listing(source, destination), source),
            (Some(source), None) => (Verdict::Missing, source),
            (None, Some(destination)) => (Verdict::Extra, destination),
            (None, None) => return Err(String::new()),
        };
        let (ours, theirs) = (&self.comparison.source, &self.comparison.destination);
        // The object of a folder itself: a folder of this machine is there, and has none.
        // A whole bucket has no such key either: no object has an empty name.
        let is_of_folder = |other: &Side| {
            listed.key.is_empty() && (other.is_local() || other.prefix.is_empty()) && listed.size == 0
        };
        let left_out = match verdict {
            Verdict::Missing => ours.is_own(&listed.key) || is_of_folder(theirs),
            Verdict::Extra => theirs.is_own(&listed.key) || is_of_folder(ours),
            _ => false,
        };
        let is_older = |since: DateTime<Utc>| {
            let mut sides = [&source, &destination].into_iter().flatten();
            sides.all(|listed| listed.modified.is_some_and(|modified| modified < since))
        };
        let counted = if left_out {
            Some(&mut totals.left_out)
        } else if filter.as_ref().is_some_and(|filter| !filter.admits(&listed.key)) {
            Some(&mut totals.filtered)
        } else if since.is_some_and(is_older) {
            totals.older_at_source += u64::from(source.is_some());
            Some(&mut totals.older)
        } else {
            None
        };
        if let Some(counted) = counted {
            *counted += 1;
            return Err(source.or(destination).map_or_else(String::new, |listed| listed.key));
        }
        let failed = [&source, &destination].into_iter().flatten().find_map(|listed| {
            match listed.flaw.as_deref()? {
                Flaw::Failed(failed) | Flaw::NoKey(failed) => Some(failed.clone()),
                // What the other side has under this name was compared with nothing.
                Flaw::LeftOut(why) => Some(TransferError::permanent(format!("{:?} is {why}", listed.key))),
            }
        });
        if let Some(failed) = failed {
            let finding = Finding { verdict: Verdict::Failed(failed), source, destination };
            return Ok(Candidate { finding, question: None });
        }
        let is_newer = |listed: &Option<Listed>| {
            listed.as_ref().and_then(|listed| listed.modified).is_some_and(|at| at >= self.complete_to)
        };
        let is_newer = is_newer(&source) || is_newer(&destination);
        let asks = is_newer || self.looks_again;
        let is_folder = listed.key.ends_with('/');
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
