//! Confirms that accepted keys arrived, and sees to those that did not.
//!
//! ```text
//! unconfirmed keys ──▶ look ──▶ there: confirmed, and moved out of the way
//!  (two listings)         ├────▶ gone from the source: likewise
//!                         ├────▶ time left: nothing
//!                         └────▶ late: sent again ──▶ late: copied ──▶ late: given up
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `options` | what a run needs, and what it is to do |
//! | `look` | one key: whether it arrived |
//! | `lists` | what OMS says it failed to copy |
//! | `sweep` | records that are kept long enough: deleted |
//! | `tally` | what became of the keys that were looked at |
//! | `send` | what is late: sent again, copied, given up |
//! | `summary` | the result |
//!
//! # Rules
//!
//! - **Nothing that events write is written here.** Each step that was taken is a marker of its own, which
//!   names the success record that it is about. If an event writes a newer one in the meantime, the key is
//!   unconfirmed again, by itself.
//! - A step is marked once it is taken. A kill between the two repeats it: the key is sent twice, which is
//!   harmless, or set aside twice under one name.
//! - A key that cannot be sent stays as it is, and the next run tries again. Only a key that is refused for
//!   its own sake goes on to the next step at once.
//! - What the source holds now counts, not what it held when the key was accepted.
//! - Whether a key is late is decided by the log bucket's clock alone, which has written the success record
//!   and the markers.
//! - One run works at a time (`bridge_core::journal::Lease`). Two at once do the work twice and leave the
//!   same markers. A run whose place another one has taken ends, and sends nothing more.

mod lists;
mod look;
mod options;
mod send;
mod summary;
mod sweep;
mod tally;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oss_lite::{Credentials, ListedObject};
use tokio::time::Instant;

use self::lists::FailedLists;
use self::look::{Eyes, Progress, look};
pub use self::options::{ConfirmMode, ConfirmOptions, Confirmer, Step, Unwatched, Walk, Watcher};
pub use self::summary::{ConfirmSummary, Stopped};
use self::tally::{Failures, LookTally, ended};
use crate::ends::Ends;
use crate::pace::Pace;
use crate::tenure::Tenure;
use crate::watch::Watch;
use bridge_core::engine::Engine;
use bridge_core::engine::copy::CopyContext;
use bridge_core::journal::{
    AcceptedEntry, AcceptedKey, ConfirmState, OpenJournal, Position, Reach, Record, RunKind, Turn,
};
use object_copy::stop::{Stop, StopLevel};

/// Keys that are looked at before what is late of them is sent.
const CHUNK: usize = 500;

/// Keys looked at at once.
const LOOKS: usize = 32;

/// Names in one deletion.
const DELETIONS: usize = 1000;

/// Confirms keys until all were seen, or the run is stopped. `credentials` open the source and the log
/// bucket.
pub async fn confirm(
    confirmer: &Confirmer,
    journal: &OpenJournal,
    credentials: &Arc<Credentials>,
    options: ConfirmOptions,
    watcher: &dyn Watcher,
    stop: &Stop,
) -> ConfirmSummary {
    let started = Instant::now();
    let pace = Arc::new(Pace::new(options.max_rps));
    let Confirmer { engine, copies, destination, source, task, watch } = confirmer;
    let sent = || engine.requests() + copies.as_ref().map_or(0, Engine::requests);
    let before = sent();
    let mut run = Run {
        journal,
        ends: Ends::new(destination, source, credentials, options.deadline, Arc::clone(&pace)),
        engine,
        context: engine.context(Some(credentials)),
        copies: copies.as_ref().map(|copies| (copies, copies.context(Some(credentials)))),
        failed: FailedLists::new(task.as_deref(), *watch),
        watch: *watch,
        options,
        watcher,
        stop,
        now: DateTime::UNIX_EPOCH,
        tenure: None,
        state: ConfirmState::default(),
        moved: Vec::new(),
        lists: true,
        done: None,
        failures: Failures::default(),
        summary: ConfirmSummary::default(),
    };
    if let Err(stopped) = run.run().await {
        run.summary.stopped = Some(stopped);
    }
    let mut summary = run.summary;
    summary.complete = summary.stopped.is_none();
    summary.requests = pace.requests() + sent() - before;
    summary.elapsed_s = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    summary
}

struct Run<'r> {
    journal: &'r OpenJournal,
    ends: Ends,
    engine: &'r Engine,
    context: Option<CopyContext>,
    copies: Option<(&'r Engine, Option<CopyContext>)>,
    failed: FailedLists<'r>,
    watch: Watch,
    options: ConfirmOptions,
    watcher: &'r dyn Watcher,
    stop: &'r Stop,
    /// The log bucket's time at the start: what is accepted later has time left.
    now: DateTime<Utc>,
    tenure: Option<Arc<Tenure<ConfirmState>>>,
    /// As the run before left it, but for the position.
    state: ConfirmState,
    /// Confirmed keys whose success records are to be deleted.
    moved: Vec<AcceptedKey>,
    /// Whether the destination lets itself be listed, as far as it is known.
    lists: bool,
    /// All keys up to here are done.
    done: Option<Position>,
    failures: Failures,
    summary: ConfirmSummary,
}

/// Records that may be deleted.
#[derive(Default)]
struct Garbage {
    keys: Vec<AcceptedKey>,
    markers: Vec<String>,
}

impl Run<'_> {
    async fn run(&mut self) -> Result<(), Stopped> {
        self.now = self.journal.time_in_bucket().await.map_err(Stopped::journal)?;
        if !self.acts() {
            return self.walk().await;
        }
        let turn = self.journal.take_lease::<ConfirmState>(RunKind::Confirm, "", self.now);
        let (lease, state) = match turn.await.map_err(Stopped::journal)? {
            Turn::Ours(lease, state) => (lease, state),
            Turn::Others { active, .. } => return Err(Stopped::Others(active)),
        };
        let tenure = Arc::new(Tenure::new(self.journal.clone(), lease, state.clone()));
        self.tenure = Some(Arc::clone(&tenure));
        let before = state.position();
        self.state = state;
        if self.options.walk == Walk::Continue {
            self.done.clone_from(&before);
        }
        let ended = tokio::select! {
            ended = Box::pin(self.walk_and_sweep()) => ended,
            // What is under way is given up: the other run finds it.
            lost = tenure.lost() => Err(lost.into()),
        };
        let position = match (&ended, self.options.walk) {
            (Ok(()), _) => None,
            (Err(Stopped::Superseded(_)), _) => return ended,
            (Err(_), Walk::Continue) => self.done.take(),
            // A run over some keys does not move the timer.
            (Err(_), Walk::Start) => before,
        };
        match tenure.end(&self.state.at(position.as_ref())).await {
            Ok(held) => ended.and(held.map_err(Stopped::from)),
            Err(error) => ended.and(Err(Stopped::NotRecorded(error.to_string()))),
        }
    }

    async fn walk_and_sweep(&mut self) -> Result<(), Stopped> {
        self.walk().await?;
        self.sweep().await
    }

    fn acts(&self) -> bool {
        self.options.mode == ConfirmMode::Act
    }

    async fn walk(&mut self) -> Result<(), Stopped> {
        let mut entries = pin!(self.journal.accepted(Reach::Open, &self.options.prefix, self.done.as_ref()));
        let mut garbage = Garbage::default();
        let (mut chunk, mut last) = (Vec::new(), None);
        let mut listed: usize = 0;
        loop {
            let entry = entries.try_next().await.map_err(Stopped::journal)?;
            listed += 1;
            let ended = entry.is_none();
            match entry {
                Some(AcceptedEntry::Key(key)) => {
                    last = Some(key.position());
                    match self.sort(key, &mut garbage) {
                        Some(next) => chunk.push(next),
                        // What waits in the chunk is not done yet.
                        None if chunk.is_empty() => self.done.clone_from(&last),
                        None => {}
                    }
                }
                Some(AcceptedEntry::Orphan(marker)) => {
                    let kept = TimeDelta::from_std(self.watch.keep_records).unwrap_or(TimeDelta::MAX);
                    if !kept.is_zero() && marker.is_stale(self.now, kept) {
                        garbage.markers.push(marker.name().to_owned());
                    }
                }
                None => {}
            }
            let limit = self.options.limit.map(|limit| limit - self.looked_at());
            let limited = limit.is_some_and(|limit| chunk.len() >= limit);
            if chunk.len() >= CHUNK || limited || ended {
                self.run_chunk(std::mem::take(&mut chunk)).await?;
                self.done.clone_from(&last);
            }
            if garbage.keys.len() + garbage.markers.len() >= DELETIONS || ended {
                self.delete(std::mem::take(&mut garbage)).await?;
            }
            if ended {
                return self.failures.of_all();
            }
            if limited {
                return Err(Stopped::Limit);
            }
            if listed.is_multiple_of(DELETIONS) || chunk.is_empty() {
                self.check_time()?;
            }
        }
    }

    fn looked_at(&self) -> usize {
        usize::try_from(self.summary.looked_at).unwrap_or(usize::MAX)
    }

    fn check_time(&self) -> Result<(), Stopped> {
        if self.stop.is(StopLevel::BeginNothing) {
            return Err(Stopped::Interrupted);
        }
        if Instant::now() >= self.options.deadline {
            return Err(Stopped::OutOfTime);
        }
        if let Some(tenure) = &self.tenure
            && self.options.walk == Walk::Continue
        {
            // A run over some keys does not move the timer.
            tenure.note(self.state.at(self.done.as_ref()));
        }
        Ok(())
    }

    /// A key that has to be looked at; any other one is kept, or can be deleted.
    fn sort(&mut self, key: AcceptedKey, garbage: &mut Garbage) -> Option<(AcceptedKey, Progress)> {
        let over =
            |written: Option<DateTime<Utc>>| written.is_some_and(|time| self.watch.is_over(time, self.now));
        if key.marker().is_some_and(|marker| marker.marker.stage.is_final() && over(marker.written)) {
            garbage.keys.push(key);
            return None;
        }
        // Those of success records that were replaced since.
        let record = key.record_id();
        let stale =
            key.markers().iter().filter(|marker| marker.marker.record != record && over(marker.written));
        garbage.markers.extend(stale.map(|marker| marker.name().to_owned()));
        let progress = Progress::of(&key, self.copies.is_some())?;
        if !key.written().is_some_and(|written| self.watch.looks_at(written, self.now)) {
            self.summary.not_watched += 1;
            return None;
        }
        Some((key, progress))
    }

    async fn delete(&mut self, garbage: Garbage) -> Result<(), Stopped> {
        if !self.acts() {
            return Ok(());
        }
        let Garbage { keys, markers } = garbage;
        if !keys.is_empty() {
            let left = self.journal.forget(&keys).await.map_err(Stopped::journal)?;
            self.summary.forgotten += (keys.len() - left.min(keys.len())) as u64;
        }
        if !markers.is_empty() {
            self.journal.delete(markers.iter().map(String::as_str).collect()).await;
        }
        Ok(())
    }

    async fn run_chunk(&mut self, chunk: Vec<(AcceptedKey, Progress)>) -> Result<(), Stopped> {
        let late = self.look_at(chunk).await;
        let moved = std::mem::take(&mut self.moved);
        if !moved.is_empty() {
            // What is left is looked at once more by the next run.
            self.journal.forget(&moved).await.map_err(Stopped::journal)?;
        }
        let late = late?;
        if late.is_empty() {
            return Ok(());
        }
        if !self.acts() {
            for late in late {
                self.watcher.planned(&late.key, late.progress.next);
                *match late.progress.next {
                    Step::Resend => &mut self.summary.resent,
                    Step::Copy => &mut self.summary.copied,
                    Step::GiveUp => &mut self.summary.dead,
                } += 1;
            }
            return Ok(());
        }
        if let Some(tenure) = &self.tenure {
            tenure.check().await.map_err(Stopped::journal)??;
        }
        self.send_all(late).await
    }

    /// What listings of the destination show of keys: many with one request, where they lie close together.
    async fn listed(&mut self, chunk: &[(AcceptedKey, Progress)]) -> HashMap<String, ListedObject> {
        if !self.lists {
            return HashMap::new();
        }
        let keys: Vec<&str> = chunk.iter().filter_map(|(key, _)| key.key()).collect();
        self.ends.listed(&keys).await.unwrap_or_else(|error| {
            // The right may be missing: the keys are asked for one by one.
            tracing::debug!(%error, "the destination cannot be listed");
            self.lists = false;
            HashMap::new()
        })
    }

    /// Looks at keys, marks those whose matter has ended, and returns the late ones.
    async fn look_at(&mut self, chunk: Vec<(AcceptedKey, Progress)>) -> Result<Vec<Late>, Stopped> {
        let listed = self.listed(&chunk).await;
        let (journal, ends, failed, acts) = (self.journal, &self.ends, &self.failed, self.acts());
        let eyes = Eyes { journal, ends, failed, listed, watch: self.watch, now: self.now };
        let eyes = &eyes;
        // Made beforehand: as a closure of the stream they would not be known to be `Send`.
        let looks: Vec<_> = chunk
            .into_iter()
            .map(|(key, progress)| async move {
                let looked = look(eyes, progress, key).await;
                let marked = match ended(&looked, progress) {
                    Some((marker, record)) if acts => {
                        let written = journal.write_confirmed(&looked.accepted, &looked.key, record, marker);
                        written.await.map(|()| Some(looked.accepted.clone()))
                    }
                    _ => Ok(None),
                };
                (looked, progress, marked)
            })
            .collect();
        let all = looks.len();
        // What is under way is finished at the first request to stop, and given up at the second.
        let begun = stream::iter(looks).take_until(Box::pin(self.stop.reached(StopLevel::BeginNothing)));
        let begun = begun.buffer_unordered(LOOKS);
        let mut looks = begun.take_until(Box::pin(self.stop.reached(StopLevel::Now)));
        let mut seen = 0;
        let mut late = Vec::new();
        let mut tally = LookTally { summary: &mut self.summary, failures: &mut self.failures };
        while let Some((looked, progress, marked)) = looks.next().await {
            self.watcher.looked_at();
            let marked = marked.map(|moved| self.moved.extend(moved));
            late.extend(tally.count(looked, progress, marked)?);
            seen += 1;
        }
        // What is late among these is found again: nothing was done for it.
        if seen < all { Err(Stopped::Interrupted) } else { Ok(late) }
    }
}

/// A late key.
#[derive(Debug)]
struct Late {
    accepted: AcceptedKey,
    key: String,
    record: Box<Record>,
    progress: Progress,
}
