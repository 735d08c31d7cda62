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
//! | `chunk` | keys that are looked at together, and then sent |
//! | `unanswered` | keys that could not be looked at, and whether that concerns all of them |
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
//!   that was given up to a person, until the object is written again. Records of another source or another
//!   destination do not count.
//! - A round asks one question: with another `INCLUDE`, `EXCLUDE` or endpoint another one begins.
//! - A listing that fails or contradicts itself ends the slice, and the position stays.
//! - A key that cannot be looked at is unknown, and the slice goes on. It ends, and the position stays, if
//!   that concerns all keys.
//! - Once the time is up, no key is looked at any more. What was found by then is sent, and the position
//!   moves up to the last key in order that was looked at.
//! - The position moves on once everything before it was counted and sent. A kill repeats at most what a
//!   minute did; keys that were sent have a success record by then, and are not sent twice.
//! - Nothing is removed at the destination.
//! - A slice whose place another one has taken ends, whatever it waits for, and sends nothing more.
//! - All times are the log bucket's.

mod chunk;
mod decide;
mod look;
mod options;
mod paced;
mod state;
mod summary;
mod unanswered;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use object_copy::transfer::Flow;
use oss_lite::Credentials;
use tokio::time::{Instant, timeout_at};

use self::chunk::Chunk;
use self::look::Sides;
pub use self::options::{Reconciler, SliceOptions, SourceBucket};
use self::state::Begun;
pub use self::state::{Counts, Round, RoundState, Scope};
pub use self::summary::{SliceStopped, SliceSummary};
use self::unanswered::Unanswered;
use crate::pace::Pace;
use crate::tenure::Tenure;
use bridge_core::journal::{OpenJournal, RunKind, Standings, Turn};
use bridge_core::pipeline::Pipeline;
use reconcile::{Check, Comparison, Filter, Walk};

/// Keys that differ which are looked at, and then sent, together.
const CHUNK: usize = 200;

/// Keys looked at at once.
const LOOKS: usize = 16;

/// Keys that are looked at in a slice at most: the rest is for the next one.
const MOST_LOOKS: u64 = 20_000;

/// Keys in a row that are not accepted end the slice: the engine is down, or refuses all of them.
const REFUSED_IN_A_ROW: usize = CHUNK;

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
    // What is begun has the rest of the time to be sent.
    let deadline = started + options.budget.engine.saturating_duration_since(started) / 4 * 3;
    let sides = Sides::new(reconciler, credentials, &options, pipeline.keys(), Arc::clone(&pace), deadline);
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
        tenure: None,
        state: RoundState::default(),
        unanswered: Unanswered::default(),
        before_doubt: None,
        probe: None,
        refused: 0,
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
    tenure: Option<Arc<Tenure<RoundState>>>,
    state: RoundState,
    unanswered: Unanswered,
    /// As it was before the first of the keys in a row that could not be looked at.
    before_doubt: Option<RoundState>,
    /// A key that is no candidate: whether it can be looked at shows whether a refusal concerns all keys.
    probe: Option<String>,
    /// Keys in a row that were not accepted.
    refused: usize,
    summary: SliceSummary,
}

impl Slice<'_> {
    async fn run(&mut self) -> Result<(), SliceStopped> {
        self.now = self.journal.time_in_bucket().await.map_err(SliceStopped::journal)?;
        let turn = self.journal.take_lease::<RoundState>(RunKind::Reconcile, "", self.now).await;
        let lease = match turn.map_err(SliceStopped::journal)? {
            Turn::Ours(lease, state) => {
                self.state = state;
                lease
            }
            Turn::Others { active, .. } => return Err(SliceStopped::Others(active)),
        };
        let round = Round::begun(self.sides.scope(), self.now);
        if let Begun::InsteadOf(scope) = self.state.begin_slice(round) {
            let Scope { include, exclude, source_endpoint, destination_endpoint, .. } = scope;
            tracing::info!(
                ?include,
                ?exclude,
                source_endpoint,
                destination_endpoint,
                "INCLUDE, EXCLUDE or an endpoint is another than in the round that was under way, whose are \
                 named here: a new round begins at the first key"
            );
        }
        let tenure = Arc::new(Tenure::new(self.journal.clone(), lease, self.state.clone()));
        self.tenure = Some(Arc::clone(&tenure));
        tenure.renew().await?;
        let begun_at = self.state.after_key.clone();
        self.probe.clone_from(&begun_at);
        let mut compared = tokio::select! {
            compared = Box::pin(self.compare()) => compared,
            // What is under way is given up: the other slice finds it.
            lost = tenure.lost() => Err(lost.into()),
        };
        if matches!(compared, Err(SliceStopped::Superseded(_))) {
            return compared;
        }
        if let Some((end, error)) = self.unanswered.doubt() {
            self.state = self.before_doubt.take().unwrap_or_default();
            compared = Err(SliceStopped::Side(end, error));
        }
        let has_moved = self.state.after_key != begun_at || self.summary.counts.sent > 0;
        if matches!(compared, Err(SliceStopped::OutOfTime)) && !has_moved {
            compared = Err(SliceStopped::NoProgress);
        }
        if compared.is_ok() {
            self.state.end_round(self.time());
        }
        match tenure.end(&self.state).await {
            Ok(held) => compared.and(held.map_err(SliceStopped::from)),
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
            self.check_time()?;
            // Not all listings keep to the deadline by themselves.
            let step = timeout_at(self.deadline, walk.next()).await.map_err(|_| SliceStopped::OutOfTime)?;
            let Some(step) = step.map_err(|error| self.broken(error))? else { return Ok(()) };
            let mut chunk = Chunk::default();
            for finding in step.findings {
                let key = [&prefix, finding.key()].concat();
                self.sort(finding, &key, &mut chunk);
                chunk.up_to = Some(key);
                if chunk.candidates.len() >= REFUSED_IN_A_ROW - self.refused {
                    self.run_chunk(std::mem::take(&mut chunk)).await?;
                    self.check_time()?;
                }
            }
            // Counted once: with the last keys of the step.
            chunk.counts.left_out += step.totals.left_out;
            chunk.counts.filtered += step.totals.filtered;
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

    fn check_time(&self) -> Result<(), SliceStopped> {
        if Instant::now() >= self.deadline {
            return Err(SliceStopped::OutOfTime);
        }
        if self.summary.counts.looked_at >= MOST_LOOKS {
            return Err(SliceStopped::Limit);
        }
        Ok(())
    }

    fn count(&mut self, counts: Counts) {
        self.summary.counts.add(&counts);
        self.state.count(&counts);
    }
}
