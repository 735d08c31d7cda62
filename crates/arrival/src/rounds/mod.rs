//! Compares source and destination in slices, round after round, and sends what no event brought there.
//!
//! ```text
//! both listings ──▶ equal, or nothing says otherwise: counted
//!  (merged)     ├─▶ only at the destination: counted, never removed
//!               └─▶ missing or different ──▶ young, or known to the journal: left to the others
//!                                       └──▶ HEAD of both: still so ──▶ sent as if its event had come
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `options` | what a slice needs, and what it is to do |
//! | `state` | how far the round is, and what the last one found |
//! | `decide` | whether a key is left to confirmations, to a replay or to a person |
//! | `look` | one key that differs, as both sides have it now |
//! | `paced` | listings that keep to a rate |
//! | `summary` | the result of a slice |
//!
//! # Rules
//!
//! - What is sent goes through the pipeline, as events do: the same filter, the same engine, the same
//!   records. Confirmations then watch it.
//! - An object younger than the time that it has to arrive is left alone: its event may be on its way.
//! - A key with an unconfirmed success record is left to confirmations, one that failed to the replay, one
//!   that was given up to a person, until the object is written again.
//! - A listing that fails or contradicts itself ends the slice, and the position stays.
//! - The position moves on once everything before it was counted and sent. A kill repeats at most what a
//!   minute did; keys that were sent have a success record by then, and are not sent twice.
//! - Nothing is removed at the destination.
//! - All times are the log bucket's.

mod decide;
mod look;
mod options;
mod paced;
mod state;
mod summary;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, stream};
use object_copy::transfer::Flow;
use oss_lite::Credentials;
use tokio::time::{Instant, sleep};

use self::decide::{Standby, left_to};
use self::look::{Look, Sides};
pub use self::options::{Reconciler, SliceOptions, SourceBucket};
pub use self::state::{Counts, Round, RoundState, Scope};
pub use self::summary::{SliceStopped, SliceSummary};
use crate::pace::Pace;
use bridge_core::journal::{Lease, OpenJournal, RunKind, Standings, Turn};
use bridge_core::pipeline::Pipeline;
use bridge_core::progress::Log;
use object_copy::transfer::{Extent, Side as End, TransferError};
use reconcile::judge::Verdict;
use reconcile::listing::Listed;
use reconcile::{Check, Comparison, Filter, Finding, Walk};

/// Keys that differ which are looked at, and then sent, together.
const CHUNK: usize = 200;

/// Keys looked at at once.
const LOOKS: usize = 16;

/// Keys that are looked at in a slice at most: the rest is for the next one.
const MOST_LOOKS: u64 = 20_000;

/// Keys in a row that could not be looked at end the slice: the service is down, or refuses.
const FAILURES_IN_A_ROW: u32 = 20;

/// How often the log bucket is told that the slice is active; [`Lease`] lasts a few times as long.
const RENEWAL: Duration = Duration::from_mins(1);

/// Compares keys from where the last slice ended, until all were compared or the time is up. `credentials`
/// open the source and the log bucket.
pub async fn reconcile_slice(
    reconciler: &Reconciler,
    pipeline: &Arc<Pipeline>,
    journal: &OpenJournal,
    credentials: &Arc<Credentials>,
    options: SliceOptions,
) -> SliceSummary {
    let started = Instant::now();
    let pace = Arc::new(Pace::new(options.max_rps));
    let sides = Sides::new(reconciler, credentials, &options, Arc::clone(&pace));
    // What is begun has the rest of the time to be sent.
    let deadline = started + options.budget.engine.saturating_duration_since(started) / 4 * 3;
    let mut slice = Slice {
        reconciler,
        pipeline,
        journal,
        credentials,
        standings: journal.standings(),
        sides,
        options,
        started,
        deadline,
        now: DateTime::UNIX_EPOCH,
        lease: None,
        renewed: started,
        state: RoundState::default(),
        unanswered: Unanswered::default(),
        summary: SliceSummary::default(),
    };
    let sent_before = pipeline.engine().requests();
    let stopped = slice.run().await.err();
    let mut summary = slice.summary;
    summary.round_ended = stopped.is_none();
    summary.stopped = stopped;
    summary.requests = pace.requests() + pipeline.engine().requests() - sent_before;
    summary.elapsed_s = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    summary
}

struct Slice<'s> {
    reconciler: &'s Reconciler,
    pipeline: &'s Arc<Pipeline>,
    journal: &'s OpenJournal,
    credentials: &'s Arc<Credentials>,
    standings: Standings,
    sides: Sides,
    options: SliceOptions,
    started: Instant,
    /// Nothing is begun after this moment.
    deadline: Instant,
    /// The log bucket's time at the start.
    now: DateTime<Utc>,
    lease: Option<Lease>,
    renewed: Instant,
    state: RoundState,
    unanswered: Unanswered,
    summary: SliceSummary,
}

/// A key that seems to be missing or different.
#[derive(Debug)]
struct Candidate {
    /// The whole key at the source.
    key: String,
    listed: Listed,
}

impl Slice<'_> {
    async fn run(&mut self) -> Result<(), SliceStopped> {
        self.now = self.journal.time_in_bucket().await.map_err(SliceStopped::journal)?;
        let turn = self.journal.take_lease::<RoundState>(RunKind::Reconcile, self.now).await;
        let lease = match turn.map_err(SliceStopped::journal)? {
            Turn::Ours(lease, state) => {
                self.state = state;
                lease
            }
            Turn::Others(active) => return Err(SliceStopped::Others(active)),
        };
        self.lease = Some(lease.clone());
        let round = Round::begun(self.sides.scope(), self.now);
        self.state.begin_slice(round);
        let compared = self.compare().await;
        if compared.is_ok() {
            self.state.end_round(self.time());
        }
        match self.journal.end_lease(&lease, &self.state).await {
            Ok(()) => compared,
            Err(error) => compared.and(Err(SliceStopped::NotRecorded(error.to_string()))),
        }
    }

    /// The log bucket's time.
    fn time(&self) -> DateTime<Utc> {
        self.now + TimeDelta::from_std(self.started.elapsed()).unwrap_or_default()
    }

    async fn compare(&mut self) -> Result<(), SliceStopped> {
        let prefix = self.options.keys.prefix.clone();
        let after = self.state.after_key.as_deref().and_then(|key| key.strip_prefix(&*prefix));
        let mut walk = Walk::new(self.comparison(), after.map(str::to_owned));
        loop {
            self.check_time().await?;
            let Some(step) = walk.next().await.map_err(|error| self.broken(error))? else { return Ok(()) };
            self.count(Counts {
                left_out: step.totals.left_out,
                filtered: step.totals.filtered,
                ..Counts::default()
            });
            let mut chunk = Chunk::default();
            for finding in step.findings {
                let key = [&prefix, finding.key()].concat();
                self.sort(finding, &key, &mut chunk);
                chunk.up_to = Some(key);
                if chunk.candidates.len() >= CHUNK {
                    self.run_chunk(std::mem::take(&mut chunk)).await?;
                    self.check_time().await?;
                }
            }
            // Keys that are not compared come behind the last finding.
            chunk.up_to = step.up_to.map(|up_to| [&*prefix, &up_to].concat());
            self.run_chunk(chunk).await?;
        }
    }

    fn comparison(&self) -> Comparison {
        let (source, destination) = self.sides.compared();
        let pipeline = Arc::clone(self.pipeline);
        let (keys, change) = (self.options.keys.clone(), self.sides.change_of(""));
        let filter = move |key: &str| {
            let mut change = change.clone();
            change.key = [&keys.prefix, key].concat();
            key.ends_with(&keys.suffix) && pipeline.skips(&change).is_none()
        };
        Comparison {
            source,
            destination,
            check: Check::Listing,
            filter: Some(Filter::new(filter)),
            since: None,
            // What is young is left alone, and what differs is looked at here.
            started: DateTime::<Utc>::MAX_UTC,
            requests: 2,
            // So that they are counted up to where the slice ends.
            wants_equal: true,
            flow: Flow::default(),
        }
    }

    /// Why a comparison ended.
    fn broken(&self, error: reconcile::CompareError) -> SliceStopped {
        if Instant::now() >= self.options.budget.engine {
            return SliceStopped::OutOfTime;
        }
        SliceStopped::of_comparison(error)
    }

    async fn check_time(&mut self) -> Result<(), SliceStopped> {
        if Instant::now() >= self.deadline {
            return Err(SliceStopped::OutOfTime);
        }
        if self.summary.counts.looked_at >= MOST_LOOKS {
            return Err(SliceStopped::Limit);
        }
        if self.renewed.elapsed() >= RENEWAL {
            self.renewed = Instant::now();
            keep(self.journal, self.lease.as_ref(), &self.state).await;
        }
        Ok(())
    }

    fn count(&mut self, counts: Counts) {
        self.summary.counts.add(&counts);
        self.state.count(&counts);
    }

    /// Counts a key that needs no look; any other one is a candidate.
    fn sort(&self, finding: Finding, key: &str, chunk: &mut Chunk) {
        let counts = &mut chunk.counts;
        counts.compared += 1;
        let Finding { verdict, source, destination } = finding;
        let candidate = match (verdict, source) {
            (Verdict::Equal(_), _) => {
                counts.equal += 1;
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
        if self.is_young(candidate.modified) {
            counts.young += 1;
            return;
        }
        chunk.candidates.push(Candidate { key: key.to_owned(), listed: candidate });
    }

    /// Whether its event may still be on its way, or what it brought.
    fn is_young(&self, modified: Option<DateTime<Utc>>) -> bool {
        modified.is_none_or(|modified| !self.reconciler.watch.is_late(modified, self.time()))
    }

    /// Looks at what seems to be missing or different, sends what is, and moves on.
    async fn run_chunk(&mut self, chunk: Chunk) -> Result<(), SliceStopped> {
        let Chunk { candidates, mut counts, up_to } = chunk;
        let sent = self.see_to(candidates, &mut counts).await;
        if sent.is_ok() {
            self.count(counts);
            self.state.after_key = up_to.or(self.state.after_key.take());
        } else {
            // What was sent was sent; the rest is counted when it is compared once more.
            let Counts { sent, failed, looked_at, .. } = counts;
            self.count(Counts { sent, failed, looked_at, ..Counts::default() });
        }
        sent
    }

    async fn see_to(&mut self, candidates: Vec<Candidate>, counts: &mut Counts) -> Result<(), SliceStopped> {
        if candidates.is_empty() {
            return Ok(());
        }
        let mut open = Vec::new();
        for candidate in candidates {
            let standing = self.standings.of(&candidate.key).await.map_err(SliceStopped::journal)?;
            match left_to(&standing, candidate.listed.modified, self.reconciler.watch, self.time()) {
                Some(Standby::Confirmations) => counts.watched += 1,
                Some(Standby::Replay) => counts.waiting += 1,
                Some(Standby::Person) => counts.given_up += 1,
                None => open.push(candidate),
            }
        }
        let mut changes = Vec::new();
        let sides = &self.sides;
        // Made beforehand: as a closure of the stream they would not be known to be `Send`.
        let looks: Vec<_> = open
            .into_iter()
            .map(|candidate| async move { (sides.look(&candidate).await, candidate) })
            .collect();
        let mut looks = stream::iter(looks).buffered(LOOKS);
        while let Some((look, Candidate { key, listed })) = looks.next().await {
            counts.looked_at += 1;
            let (facts, found) = match look {
                Err((end, error)) => {
                    counts.unknown += 1;
                    tracing::warn!(key, %error, "cannot be looked at");
                    if Instant::now() >= self.options.budget.engine {
                        return Err(SliceStopped::OutOfTime);
                    }
                    self.unanswered.add(end, error)?;
                    continue;
                }
                Ok(Look::Equal) => {
                    counts.equal += 1;
                    self.unanswered.answered();
                    continue;
                }
                Ok(Look::Undecided) => {
                    counts.undecided += 1;
                    self.unanswered.answered();
                    continue;
                }
                Ok(Look::Gone) => {
                    counts.gone += 1;
                    self.unanswered.answered();
                    continue;
                }
                Ok(Look::Missing(facts)) => (facts, "missing"),
                Ok(Look::Different(facts)) => (facts, "different"),
            };
            self.unanswered.answered();
            if self.is_young(facts.last_modified.or(listed.modified)) {
                counts.young += 1;
                continue;
            }
            *if found == "missing" { &mut counts.missing } else { &mut counts.different } += 1;
            tracing::warn!(key, found, "no event has brought it to the destination: it is sent now");
            changes.push(self.sides.change(key, &facts));
        }
        drop(looks);
        if changes.is_empty() {
            return Ok(());
        }
        // Copies can take longer than the lease.
        let (journal, lease, state) = (self.journal, self.lease.as_ref(), &self.state);
        let active = async {
            loop {
                sleep(RENEWAL).await;
                keep(journal, lease, state).await;
            }
        };
        let sent = self.pipeline.run(changes, Ok(Arc::clone(self.credentials)), self.options.budget, &Log);
        let report = tokio::select! {
            report = Box::pin(sent) => report.map_err(|refused| SliceStopped::Refused(refused.to_string()))?,
            never = active => match never {},
        };
        counts.sent += report.accepted as u64;
        counts.failed += report.failed as u64;
        self.summary.add(&report);
        if let Some(first) = report.first_unrecorded {
            return Err(SliceStopped::NotRecorded(first));
        }
        if report.accepted == 0 && report.failed > 0 {
            // The next slice finds them among the failures. While all of them fail, no more are tried.
            return Err(SliceStopped::NoneAccepted(report.failed));
        }
        Ok(())
    }
}

/// Keys that are done together.
#[derive(Default)]
struct Chunk {
    candidates: Vec<Candidate>,
    counts: Counts,
    /// The last one.
    up_to: Option<String>,
}

/// Records in the log bucket that the slice is active. If that fails, another one may begin, and do the same.
async fn keep(journal: &OpenJournal, lease: Option<&Lease>, state: &RoundState) {
    if let Some(lease) = lease
        && let Err(error) = journal.keep_lease(lease, state).await
    {
        tracing::warn!(%error, "cannot record that the comparison is active");
    }
}

/// Keys in a row that could not be looked at.
#[derive(Debug, Default)]
struct Unanswered(u32);

impl Unanswered {
    fn answered(&mut self) {
        self.0 = 0;
    }

    /// Some keys alone may be refused; a service that refuses all of them ends the slice.
    fn add(&mut self, end: End, error: TransferError) -> Result<(), SliceStopped> {
        self.0 += 1;
        if error.extent() == Extent::All || self.0 >= FAILURES_IN_A_ROW {
            return Err(SliceStopped::Side(end, error));
        }
        Ok(())
    }
}
