//! Keys that are looked at together, and then sent.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesOrdered;
use tokio::time::timeout_at;

use super::decide::{Standby, left_to};
use super::look::{self, Look};
use super::state::Counts;
use super::unanswered::NotLookedAt;
use super::{LOOKS, REFUSED_IN_A_ROW, Slice, SliceStopped};
use bridge_core::progress::Log;
use object_events::change::ObjectChange;
use reconcile::Finding;
use reconcile::judge::Verdict;
use reconcile::listing::Listed;

/// Keys that are done together.
#[derive(Default)]
pub(super) struct Chunk {
    pub(super) candidates: Vec<Candidate>,
    pub(super) counts: Counts,
    /// The last one.
    pub(super) up_to: Option<String>,
}

/// A key that seems to be missing or different.
#[derive(Debug)]
pub(super) struct Candidate {
    /// The whole key at the source.
    pub(super) key: String,
    pub(super) listed: Listed,
    /// What was counted of the chunk up to this key.
    counts: Counts,
}

/// What is wrong with a key at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Difference {
    /// It is not there.
    Missing,
    /// Another object is.
    Different,
}

impl Difference {
    fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Different => "different",
        }
    }
}

/// What became of a candidate.
enum Seen {
    LeftTo(Standby),
    Looked(Result<Look, NotLookedAt>),
}

/// What is known of candidates, in their order.
#[derive(Default)]
struct Found {
    counts: Counts,
    /// What is to be sent.
    changes: Vec<ObjectChange>,
    /// The last candidate of which it is known, and what was counted of the chunk up to it.
    up_to: Option<(String, Counts)>,
}

impl Slice<'_> {
    /// Counts a key that needs no look; any other one is a candidate.
    pub(super) fn sort(&mut self, finding: Finding, key: &str, chunk: &mut Chunk) {
        let counts = &mut chunk.counts;
        counts.compared += 1;
        let Finding { verdict, source, destination } = finding;
        let listed = match (verdict, source) {
            (Verdict::Equal(_), _) => {
                counts.equal += 1;
                if self.probe.is_none() {
                    self.probe = Some(key.to_owned());
                }
                return;
            }
            (Verdict::Extra, _) => {
                counts.extra += 1;
                return;
            }
            (Verdict::Failed(error), _) => {
                tracing::warn!(key, %error, "cannot be compared");
                counts.unknown += 1;
                return;
            }
            (Verdict::Undecided(_), Some(source)) => {
                if destination.is_some_and(|copy| look::is_not_older(copy.modified, source.modified)) {
                    counts.undecided += 1;
                    return;
                }
                source
            }
            (Verdict::Missing | Verdict::Different(_), Some(source)) => source,
            // It is at the source, as far as these verdicts go.
            (Verdict::Missing | Verdict::Different(_) | Verdict::Undecided(_), None) => return,
        };
        if self.is_young(listed.modified) {
            counts.young += 1;
            return;
        }
        let counts = *counts;
        chunk.candidates.push(Candidate { key: key.to_owned(), listed, counts });
    }

    /// Whether its event may still be on its way, or what it brought.
    fn is_young(&self, modified: Option<DateTime<Utc>>) -> bool {
        modified.is_none_or(|modified| !self.reconciler.watch.is_late(modified, self.time()))
    }

    /// Looks at what seems to be missing or different, sends what is, and moves on.
    pub(super) async fn run_chunk(&mut self, chunk: Chunk) -> Result<(), SliceStopped> {
        let Chunk { candidates, counts, up_to } = chunk;
        if self.unanswered.is_none() {
            self.before_doubt = Some(self.state.clone());
        }
        let mut found = Found::default();
        let looked = self.look_at(candidates, &mut found).await;
        self.resolve_doubt().await;
        let (up_to, mut counts) = match (&looked, found.up_to) {
            (Ok(()), _) => (up_to, counts),
            (Err(_), Some((key, counts))) => (Some(key), counts),
            (Err(_), None) => (None, Counts::default()),
        };
        counts.add(&found.counts);
        let has_changes = !found.changes.is_empty();
        match self.send(found.changes, &mut counts).await {
            Ok(()) => {
                self.count(counts);
                self.state.after_key = up_to.or(self.state.after_key.take());
            }
            // They are compared once more, and those that failed wait for the replay then.
            Err(stopped) if counts.sent == 0 => {
                self.summary.counts.add(&counts);
                return Err(stopped);
            }
            Err(stopped) => {
                let Counts { missing, different, sent, failed, looked_at, .. } = counts;
                self.count(Counts { missing, different, sent, failed, looked_at, ..Counts::default() });
                return Err(stopped);
            }
        }
        let Some(tenure) = &self.tenure else { return looked };
        tenure.note(self.state.clone());
        if has_changes && looked.is_ok() {
            // So that a kill does not lose what was counted.
            tenure.renew().await?;
        }
        looked
    }

    /// Looks at candidates until the deadline.
    async fn look_at(&mut self, candidates: Vec<Candidate>, found: &mut Found) -> Result<(), SliceStopped> {
        let (now, watch, deadline) = (self.time(), self.reconciler.watch, self.deadline);
        let keys: Vec<&str> = candidates.iter().map(|candidate| &*candidate.key).collect();
        let standings = timeout_at(deadline, self.standings.of(&keys)).await;
        let standings = standings.map_err(|_| SliceStopped::OutOfTime)?.map_err(SliceStopped::journal)?;
        let mut candidates = candidates.into_iter().zip(standings);
        let mut looks = FuturesOrdered::new();
        // What was known before the keys in a row that could not be looked at.
        let mut before = None;
        loop {
            while looks.len() < LOOKS
                && let Some((candidate, standing)) = candidates.next()
            {
                let (journal, sides) = (self.journal, &self.sides);
                looks.push_back(async move {
                    let modified = candidate.listed.modified;
                    let seen = match left_to(journal, &standing, modified, watch, now).await {
                        Ok(Some(standby)) => Ok(Seen::LeftTo(standby)),
                        Ok(None) => Ok(Seen::Looked(sides.look(&candidate.key, &candidate.listed).await)),
                        Err(error) => Err(error),
                    };
                    (candidate, seen)
                });
            }
            let next = timeout_at(deadline, looks.next()).await.map_err(|_| SliceStopped::OutOfTime)?;
            let Some((candidate, seen)) = next else { return Ok(()) };
            let seen = seen.map_err(SliceStopped::journal)?;
            let Candidate { key, listed, counts } = candidate;
            match seen {
                Seen::LeftTo(Standby::Confirmations) => found.counts.watched += 1,
                Seen::LeftTo(Standby::Replay) => found.counts.waiting += 1,
                Seen::LeftTo(Standby::Person) => found.counts.given_up += 1,
                Seen::Looked(Err(failed)) => {
                    tracing::warn!(key, error = %failed.error, "cannot be looked at");
                    if self.unanswered.is_none() {
                        before = Some((found.counts, found.up_to.clone()));
                    }
                    if self.unanswered.ends_with(&failed) {
                        if let Some(before) = before {
                            (found.counts, found.up_to) = before;
                        }
                        return Err(SliceStopped::Side(failed.end, failed.error));
                    }
                    found.counts.looked_at += 1;
                    found.counts.unknown += 1;
                }
                Seen::Looked(Ok(look)) => {
                    self.unanswered.answered();
                    found.counts.looked_at += 1;
                    self.judge(look, &key, &listed, found);
                }
            }
            found.up_to = Some((key, counts));
        }
    }

    /// Counts what was found of a key, and notes what is to be sent.
    fn judge(&self, look: Look, key: &str, listed: &Listed, found: &mut Found) {
        let Found { counts, changes, .. } = found;
        let (facts, difference) = match look {
            Look::Equal => return counts.equal += 1,
            Look::Undecided => return counts.undecided += 1,
            Look::Gone => return counts.gone += 1,
            Look::Missing(facts) => (facts, Difference::Missing),
            Look::Different(facts) => (facts, Difference::Different),
        };
        if self.is_young(facts.last_modified.or(listed.modified)) {
            counts.young += 1;
            return;
        }
        match difference {
            Difference::Missing => counts.missing += 1,
            Difference::Different => counts.different += 1,
        }
        tracing::warn!(
            key,
            found = difference.as_str(),
            "no event has brought it to the destination: it is sent now"
        );
        changes.push(self.sides.change(key.to_owned(), &facts));
    }

    /// Where many keys in a row could not be looked at, another one shows whether that concerns all of them.
    async fn resolve_doubt(&mut self) {
        let Some((end, _)) = self.unanswered.doubt() else { return };
        let Some(probe) = &self.probe else { return };
        if matches!(timeout_at(self.deadline, self.sides.answers(end, probe)).await, Ok(true)) {
            self.unanswered.answered();
        }
    }

    /// Sends what is missing or different.
    async fn send(&mut self, changes: Vec<ObjectChange>, counts: &mut Counts) -> Result<(), SliceStopped> {
        if changes.is_empty() {
            return Ok(());
        }
        if let Some(tenure) = &self.tenure {
            tenure.check().await.map_err(SliceStopped::journal)??;
        }
        let sent = self.pipeline.run(changes, Ok(Arc::clone(self.credentials)), self.options.budget, &Log);
        let report = Box::pin(sent).await.map_err(|refused| SliceStopped::Refused(refused.to_string()))?;
        counts.sent += report.accepted as u64;
        counts.failed += report.failed as u64;
        self.summary.add(&report);
        self.refused = if report.accepted == 0 { self.refused + report.failed } else { 0 };
        if let Some(first) = report.first_unrecorded {
            return Err(SliceStopped::NotRecorded(first));
        }
        if self.refused >= REFUSED_IN_A_ROW {
            // The next slice finds them among the failures. While all of them fail, no more are tried.
            return Err(SliceStopped::NoneAccepted(self.refused));
        }
        Ok(())
    }
}
