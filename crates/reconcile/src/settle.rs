//! Asks for what listings do not say.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_copy::outcome::FailureClass;
use object_copy::transfer::{Algorithms, Extent, ObjectFacts, Side as End, Source, TransferError};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::judge::{self, Doubt, Verdict};
use crate::merge::{Candidate, Finding, Question};
use crate::side::{Comparison, Side};
use crate::totals::Totals;

/// Tries where an object changes while it is read.
const TRIES: u32 = 3;

/// Refusals of one reason in a row that end a run in which no object could be looked at.
const MOST_REFUSALS: usize = 20;

/// Refusals that may be those of all objects: a missing right, a file that may not be read. Shared by all
/// ranges of a run.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Mutex<Row>);

#[derive(Debug, Default)]
struct Row {
    /// The reason of the last ones, and how many there were.
    last: Option<(TransferError, usize)>,
    /// Whether an object was looked at: then the refusals are not those of all.
    is_any_done: bool,
}

impl Refusals {
    /// An object was looked at.
    fn looked_at(&self) {
        *self.0.lock() = Row { last: None, is_any_done: true };
    }

    /// A failure of one object came between.
    fn interrupted(&self) {
        self.0.lock().last = None;
    }

    /// Whether the run ends with this one.
    fn is_of_all(&self, failed: &TransferError) -> bool {
        let mut row = self.0.lock();
        let before = row.last.take().filter(|(last, _)| last.is_like(failed)).map_or(0, |(_, count)| count);
        row.last = Some((failed.clone(), before + 1));
        !row.is_any_done && before + 1 >= MOST_REFUSALS
    }
}

/// Settles candidates, in their order. What is at neither side any more is counted and dropped.
///
/// # Errors
///
/// A failure that is not of one object alone, or seems not to be.
pub(crate) async fn settle(
    comparison: &Comparison,
    requests: &Semaphore,
    refusals: &Refusals,
    candidates: Vec<Candidate>,
    totals: &mut Totals,
) -> Result<Vec<Finding>, TransferError> {
    let settled = |candidate: Candidate| async move {
        let Candidate { mut finding, question } = candidate;
        let Some(question) = question else { return Ok::<_, TransferError>((Some(finding), 0)) };
        let (verdict, looks) = answer(comparison, requests, refusals, &finding, question).await?;
        Ok(match verdict {
            Some(verdict) => {
                finding.verdict = verdict;
                (Some(finding), looks)
            }
            None => (None, looks),
        })
    };
    let mut settled = stream::iter(candidates).map(settled).buffered(comparison.requests);
    let mut found = Vec::new();
    while let Some((finding, looks)) = settled.try_next().await? {
        totals.looks += looks;
        match finding {
            Some(finding) => {
                totals.count(&finding.verdict, finding.bytes());
                found.push(finding);
            }
            None => totals.vanished += 1,
        }
    }
    Ok(found)
}

/// The verdict, and how many times an object was looked at; no verdict if it is at neither side any more.
async fn answer(
    comparison: &Comparison,
    requests: &Semaphore,
    refusals: &Refusals,
    finding: &Finding,
    question: Question,
) -> Result<(Option<Verdict>, u64), TransferError> {
    let (ours, theirs) = (&comparison.source, &comparison.destination);
    let (Some(source), Some(destination)) = (&ours.objects, &theirs.objects) else {
        return Ok((Some(without_objects(finding)), 0));
    };
    let pair = Pair { comparison, requests, source, destination, key: finding.key() };
    let answered = match question {
        Question::Facts => pair.by_facts().await,
        Question::Content => pair.by_content().await,
    };
    let failed = match answered {
        Ok(verdict) => {
            refusals.looked_at();
            return Ok((verdict, 2));
        }
        Err(failed) => failed,
    };
    match failed.extent() {
        Extent::One => refusals.interrupted(),
        Extent::PerhapsAll if !refusals.is_of_all(&failed) => {}
        _ => return Err(failed),
    }
    Ok((Some(Verdict::Failed(failed)), 2))
}

/// A side that is a list only: what it says is of an earlier time.
fn without_objects(finding: &Finding) -> Verdict {
    match &finding.verdict {
        Verdict::Undecided(doubt) => Verdict::Undecided(*doubt),
        Verdict::Equal(basis) => Verdict::Equal(*basis),
        _ => Verdict::Undecided(Doubt::Newer),
    }
}

/// A key at both sides.
struct Pair<'p> {
    comparison: &'p Comparison,
    requests: &'p Semaphore,
    source: &'p Source,
    destination: &'p Source,
    key: &'p str,
}

impl Pair<'_> {
    async fn by_facts(&self) -> Result<Option<Verdict>, TransferError> {
        let Comparison { source: ours, destination: theirs, .. } = self.comparison;
        let (source, destination) = tokio::try_join!(
            self.facts(ours, self.source, End::Source),
            self.facts(theirs, self.destination, End::Destination)
        )?;
        let (mut source, mut destination) = match (source, destination) {
            (Some(source), Some(destination)) => (source, destination),
            (Some(_), None) => return Ok(Some(Verdict::Missing)),
            (None, Some(_)) => return Ok(Some(Verdict::Extra)),
            (None, None) => return Ok(None),
        };
        let verdict = judge::by_facts(&source, &destination);
        if !matches!(verdict, Verdict::Undecided(_)) || !(ours.is_local() || theirs.is_local()) {
            return Ok(Some(verdict));
        }
        // Files of this machine are read: that costs no request.
        if ours.is_local() {
            self.read_file(ours, self.source, &mut source).await?;
        }
        if theirs.is_local() {
            self.read_file(theirs, self.destination, &mut destination).await?;
        }
        Ok(Some(judge::by_facts(&source, &destination)))
    }

    async fn facts(
        &self,
        side: &Side,
        objects: &Source,
        end: End,
    ) -> Result<Option<ObjectFacts>, TransferError> {
        let _permit = self.requests.acquire().await;
        objects.facts(&[&side.prefix, self.key].concat()).await.map_err(|failed| failed.at(end))
    }

    async fn read_file(
        &self,
        side: &Side,
        file: &Source,
        facts: &mut ObjectFacts,
    ) -> Result<(), TransferError> {
        let key = [&side.prefix, self.key].concat();
        let read = file.digest(&key, &self.comparison.flow, Algorithms::CrcAndMd5).await?;
        if let Some(read) = read {
            (facts.size, facts.crc64, facts.md5) = (Some(read.size), Some(read.crc64), read.md5);
        }
        Ok(())
    }

    /// Reads both. An object that changes meanwhile is read again.
    async fn by_content(&self) -> Result<Option<Verdict>, TransferError> {
        let Comparison { source: ours, destination: theirs, .. } = self.comparison;
        let mut tries = 0;
        loop {
            tries += 1;
            let read = tokio::try_join!(
                self.digest(ours, self.source, End::Source),
                self.digest(theirs, self.destination, End::Destination)
            );
            let verdict = match read {
                Ok((Some(source), Some(destination))) => judge::by_content(source, destination),
                Ok((Some(_), None)) => Verdict::Missing,
                Ok((None, Some(_))) => Verdict::Extra,
                Ok((None, None)) => return Ok(None),
                Err(failed)
                    if tries < TRIES
                        && failed.extent() == Extent::One
                        && failed.class == FailureClass::Transient =>
                {
                    continue;
                }
                Err(failed) => return Err(failed),
            };
            if matches!(verdict, Verdict::Different(_)) && tries < TRIES && self.has_changed().await? {
                continue;
            }
            return Ok(Some(verdict));
        }
    }

    async fn digest(
        &self,
        side: &Side,
        objects: &Source,
        end: End,
    ) -> Result<Option<object_copy::transfer::ReadDigest>, TransferError> {
        let _permit = self.requests.acquire().await;
        let key = [&side.prefix, self.key].concat();
        let read = objects.digest(&key, &self.comparison.flow, Algorithms::Crc).await;
        read.map_err(|failed| failed.at(end))
    }

    /// Whether one of both may have been written after the comparison began.
    async fn has_changed(&self) -> Result<bool, TransferError> {
        let Comparison { source: ours, destination: theirs, .. } = self.comparison;
        let (source, destination) = tokio::try_join!(
            self.facts(ours, self.source, End::Source),
            self.facts(theirs, self.destination, End::Destination)
        )?;
        let began = self.comparison.began();
        let modified = [source, destination].map(|facts| facts.and_then(|facts| facts.last_modified));
        Ok(modified.into_iter().flatten().any(|at| at >= began))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> TransferError {
        TransferError::permanent("refused")
    }

    #[test]
    fn refusals_in_a_row_are_those_of_all_unless_an_object_could_be_looked_at() {
        let rows = |refusals: &Refusals| (0..50).position(|_| refusals.is_of_all(&refused()));
        let refusals = Refusals::default();
        assert_eq!(rows(&refusals), Some(MOST_REFUSALS - 1));
        let refusals = Refusals::default();
        for failed in [refused(), TransferError::transient("not now")] {
            assert!(!refusals.is_of_all(&failed));
        }
        assert_eq!(rows(&refusals), Some(MOST_REFUSALS - 1), "another reason came between");
        refusals.interrupted();
        assert_eq!(rows(&refusals), Some(MOST_REFUSALS - 1));
        refusals.looked_at();
        assert_eq!(rows(&refusals), None);
    }
}
