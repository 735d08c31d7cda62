//! Sends again what failed.
//!
//! ```text
//! failures ──filter──▶ fold ──▶ already done? ──▶ chunks ──settle──▶ success record, then the failures deleted
//!                                                              └──▶ failed again: a newer record, then they are deleted
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `filter` | which failures are selected |
//! | `source` | failures in chunks, without those that were resolved since |
//! | `fold` | several failures of one object, sent once |
//! | `chunk` | one chunk to its end |
//!
//! A kill at any moment loses nothing: failures are deleted, by exactly their names, only after a record that
//! replaces them is durable: the success record, or a newer failure record with their attempts and the time
//! of the first failure. The next run continues with the rest. Failures that are written meanwhile have other
//! names, so a run cannot touch them. Two replays at once send keys twice, which does no harm, and each skips
//! failures that the other has resolved. Objects that are no records are skipped, and stay. Memory holds a
//! few chunks, whatever the number of failures.

mod chunk;
mod filter;
mod fold;
mod source;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use oss_lite::{Error, ErrorKind};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub use self::filter::FailureFilter;
use self::fold::Failed;
use self::source::{Chunk, FailureSource};
use crate::engine::copy::CopyContext;
use crate::engine::{CommonCause, Engine, EngineName, Failure};
use crate::journal::{ChangeKind, OpenJournal, Origin, RecordStatus, StoreError, origin, refuses};
use crate::progress::{Observer, ProgressEvent};
use object_copy::outcome::FailureClass;
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::Concern;
use object_events::change::Provider;
use oss_lite::Random;

/// Chunks under way at once: one is sent while another is recorded and a third is listed.
const CHUNKS: usize = 3;

/// Keys in a row that failed, with no answer about the key itself among them, that end the run: the service
/// is down, and every further key would only have its record rewritten. A key that is refused for good shows
/// that the service answers.
const FAILURES_IN_A_ROW: usize = 500;

/// Keys in a row that were refused for want of permission, and none that was accepted, end the run. One alone
/// may be the object's own matter, and so may thousands: those behind them are still to be tried.
const REFUSALS_IN_A_ROW: usize = 5000;

/// Of copies, how many such keys and no accepted one mean that it is no matter of objects. OMS reads them all
/// with one permission.
const REFUSED_COPIES: usize = 20;

/// Permanent failures after which a key becomes a dead letter, by default. Outages do not count.
pub const MAX_ATTEMPTS: u32 = 50;

/// Which failures to replay, and how.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Which failures.
    pub filter: FailureFilter,
    /// Keys sent at most.
    pub limit: Option<usize>,
    /// Failures, or dead letters.
    pub status: RecordStatus,
    /// Permanent failures after which a key becomes a dead letter.
    pub max_attempts: u32,
    /// Send, or only say what would be sent.
    pub mode: ReplayMode,
    /// Randomness: which keys of a chunk go first. What holds up the first request of a run is another key
    /// the next time.
    pub random: Random,
    /// The one bucket that changes are taken from, if there is one: failures of another are not for OMS,
    /// which would read this one.
    pub source: Option<(Provider, String)>,
    /// Nothing is sent after this moment.
    pub deadline: Instant,
}

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplayMode {
    /// Keys are sent.
    Send,
    /// Keys are only counted and shown.
    DryRun,
}

impl ReplayOptions {
    /// Everything that failed, until `deadline`.
    pub fn until(deadline: Instant) -> Self {
        Self {
            filter: FailureFilter::default(),
            limit: None,
            status: RecordStatus::Failed,
            max_attempts: MAX_ATTEMPTS,
            mode: ReplayMode::Send,
            random: fastrand::f64,
            source: None,
            deadline,
        }
    }
}

/// The result of a replay.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ReplaySummary {
    /// Failures seen.
    pub listed: usize,
    /// Keys the engine accepted.
    pub accepted: usize,
    /// Keys that were forwarded since by an attempt that began after they had failed: not sent again.
    pub already_done: usize,
    /// Keys that failed again.
    pub failed: usize,
    /// Keys whose copy ended early, at a part, because the run was told to stop.
    #[serde(skip_serializing_if = "is_zero")]
    pub unfinished: usize,
    /// Keys that were listed, and not begun because the run was told to stop.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_begun: usize,
    /// Failures that the filters left out, that the engine cannot forward, or that are none.
    pub skipped: usize,
    /// Requests made to OMS, and objects that the copy engine looked at.
    pub requests: u64,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Failed keys that became dead letters after too many attempts.
    #[serde(skip)]
    pub set_aside: usize,
    /// Failures, of those that may go, which are still there: the next run removes or sends them.
    #[serde(skip)]
    pub markers_left: usize,
    /// Of the skipped failures, those that the log bucket does not give to read.
    #[serde(skip)]
    pub unreadable: usize,
    /// Of the skipped failures, those that the filters leave out.
    #[serde(skip)]
    pub left_out: usize,
    /// Of the skipped failures, objects that are no records of failures.
    #[serde(skip)]
    pub no_records: usize,
    /// Of the skipped failures, those that another run resolved before they were read.
    #[serde(skip)]
    pub resolved: usize,
    /// Of the skipped failures, those that only the copy engine can forward.
    #[serde(skip)]
    pub for_copies: usize,
    /// The last key that was listed, if the run ended before all were.
    #[serde(skip)]
    pub listed_to: Option<String>,
    /// Why the end was not reached.
    #[serde(skip)]
    pub stopped: Option<Stopped>,
    /// Why every key failed, where settings or a service out of reach are the reason for all of them.
    #[serde(skip)]
    pub cause: Option<Failure>,
    /// The refusal that ended the run, where the engine was refused.
    #[serde(skip)]
    pub refusal: Option<Failure>,
}

/// What only a run that was told to stop has is not shown otherwise.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Why a replay ended before the last failure. The rest waits for the next run.
#[derive(Clone, Debug, PartialEq)]
pub enum Stopped {
    /// By the user. What was sent was finished.
    Interrupted,
    /// By the user, without finishing what was sent.
    Aborted,
    /// The time budget ended.
    OutOfTime,
    /// The engine was refused the credentials.
    CredentialsRefused(EngineName),
    /// The engine was refused every key for want of permission.
    PermissionsRefused(EngineName),
    /// Nothing is accepted any more.
    Unavailable,
    /// The log bucket refused the credentials, or they lack a right.
    JournalRefused(StoreError),
    /// The log bucket cannot be read.
    Journal(StoreError),
    /// A defect of this program.
    Internal(String),
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::Aborted => f.write_str("interrupted, without waiting for what was sent"),
            Self::OutOfTime => f.write_str("the time budget ended"),
            Self::CredentialsRefused(EngineName::Oms) => {
                f.write_str("OMS refuses the credentials: check HW_AK and HW_SK")
            }
            Self::CredentialsRefused(EngineName::Copy) => f.write_str(
                "source or destination refuse the credentials: oms-bridge doctor says which and what to do",
            ),
            Self::PermissionsRefused(EngineName::Oms) => {
                f.write_str("OMS refuses every key: a right is missing, allow oms:synctask:createEvent in IAM")
            }
            Self::PermissionsRefused(EngineName::Copy) => f.write_str(
                "a right is missing at source or destination, which refuse every key: oms-bridge doctor names it",
            ),
            Self::Unavailable => {
                write!(f, "the last {FAILURES_IN_A_ROW} keys all failed: the service seems to be down")
            }
            Self::JournalRefused(error) if error.kind() == ErrorKind::AccessDenied => {
                write!(f, "the credentials lack a right on the log bucket: {}", **error)
            }
            Self::JournalRefused(error) => write!(f, "the log bucket refuses the credentials: {}", **error),
            Self::Journal(error) => write!(f, "the log bucket cannot be read: {}", **error),
            Self::Internal(error) => write!(f, "internal error: {error}"),
        }
    }
}

/// One run, shared by its chunks.
pub(crate) struct Run {
    engine: Engine,
    context: Option<CopyContext>,
    journal: OpenJournal,
    options: ReplayOptions,
    observer: Arc<dyn Observer>,
    stop: watch::Sender<Option<Stopped>>,
    summary: Mutex<ReplaySummary>,
    /// Keys that were sent, and have no outcome yet.
    under_way: AtomicUsize,
    failures_in_a_row: AtomicUsize,
    refusals_in_a_row: AtomicUsize,
    cause: Mutex<CommonCause>,
    for_copies: AtomicUsize,
    unreadable: AtomicUsize,
    left_out: AtomicUsize,
    no_records: AtomicUsize,
    resolved: AtomicUsize,
    /// Origins that stand for the one bucket that changes are taken from; none where any will do.
    own: Vec<Origin>,
    /// The origin of what names no bucket, and the one that is meant by it, if that is known.
    nowhere: Origin,
    named: Option<Origin>,
}

impl Run {
    /// Changes the summary.
    fn count(&self, change: impl FnOnce(&mut ReplaySummary)) {
        change(&mut self.summary.lock());
    }

    /// Ends the run once the chunks in flight are finished. The first reason counts.
    fn stop(&self, why: Stopped) {
        self.stop.send_if_modified(|stopped| {
            let first = stopped.is_none();
            if first {
                *stopped = Some(why);
            }
            first
        });
    }

    fn note_acceptance(&self) {
        self.failures_in_a_row.store(0, Ordering::Relaxed);
        self.refusals_in_a_row.store(0, Ordering::Relaxed);
    }

    /// Refused credentials end the run: more tries would get the access key locked. A missing permission may
    /// concern one object only.
    fn note_refusal(&self, failure: &Failure) {
        if failure.class != FailureClass::Auth {
            return;
        }
        let refusals = self.refusals_in_a_row.fetch_add(1, Ordering::Relaxed) + 1;
        if failure.concern == Concern::Credentials {
            self.stop(Stopped::CredentialsRefused(failure.engine));
        } else if refusals >= REFUSALS_IN_A_ROW {
            self.stop(Stopped::PermissionsRefused(failure.engine));
        }
    }

    /// Whether nothing was accepted for want of permission.
    fn refuses_all(&self, summary: &ReplaySummary) -> Option<Stopped> {
        let refusals = self.refusals_in_a_row.load(Ordering::Relaxed);
        let engine = self.engine.last();
        let enough = if engine == EngineName::Oms { 1 } else { REFUSED_COPIES };
        (summary.accepted == 0 && refusals >= enough).then_some(Stopped::PermissionsRefused(engine))
    }

    /// The refusal behind the end of the run, if it was one.
    fn refusal(&self, stopped: &Stopped) -> Option<Failure> {
        let is_refused = matches!(stopped, Stopped::CredentialsRefused(_) | Stopped::PermissionsRefused(_));
        is_refused.then(|| self.cause.lock().first().cloned()).flatten()
    }

    /// Whether OMS cannot forward the change: what happened, or where, is nothing that its task reads.
    fn is_beyond_oms(&self, failed: &Failed) -> bool {
        let elsewhere = |origin| !self.own.is_empty() && !self.own.contains(&origin);
        failed.kind() != ChangeKind::Change || failed.origin().is_some_and(elsewhere)
    }

    /// Notes a failure that OMS cannot forward: it stays where it is.
    fn leave_for_copies(&self, failed: &Failed) {
        tracing::debug!(key = failed.key(), kind = ?failed.kind(), "left: OMS cannot forward it");
        self.for_copies.fetch_add(1, Ordering::Relaxed);
    }

    fn note_failure(&self, failure: &Failure) {
        self.cause.lock().count(failure);
        if failure.is_about_the_key() {
            self.failures_in_a_row.store(0, Ordering::Relaxed);
        } else if failure.class != FailureClass::Auth
            && self.failures_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES_IN_A_ROW
        {
            self.stop(Stopped::Unavailable);
        }
    }

    fn stop_for_journal(&self, error: Error) {
        let refuses = refuses(&error);
        let error = StoreError::new(error);
        self.stop(if refuses { Stopped::JournalRefused(error) } else { Stopped::Journal(error) });
    }

    /// Resolves when no more chunks may begin.
    async fn stopped(&self, asked: &Stop) {
        let mut stop = self.stop.subscribe();
        tokio::select! {
            () = asked.reached(StopLevel::BeginNothing) => self.stop(Stopped::Interrupted),
            () = tokio::time::sleep_until(self.options.deadline) => self.stop(Stopped::OutOfTime),
            _ = stop.wait_for(Option::is_some) => {}
        }
    }
}

/// Replays the failures that `options` select. `context` is that of the engine ([`Engine::context`]).
/// `stop` ends the run early: keys that were sent are finished first. Whoever raises it raises that of the
/// engine ([`Engine::stop`]), too.
pub async fn replay(
    engine: &Engine,
    context: Option<CopyContext>,
    journal: &OpenJournal,
    options: ReplayOptions,
    observer: Arc<dyn Observer>,
    stop: &Stop,
) -> ReplaySummary {
    let started = Instant::now();
    let requests = engine.requests();
    let own = options.source.as_ref().map_or_else(Vec::new, |(provider, bucket)| {
        // Keys that were handed over, and those of `send`, name no bucket.
        let nowhere = [Provider::Configured, *provider].map(|provider| origin(provider, None, None));
        nowhere.into_iter().chain([origin(*provider, Some(bucket), None)]).collect()
    });
    let configured = engine.source_bucket();
    let configured = configured.map(|bucket| origin(Provider::Configured, Some(&bucket), None));
    let run = Arc::new(Run {
        nowhere: origin(Provider::Configured, None, None),
        named: configured.or(own.last().copied()),
        engine: engine.clone(),
        context,
        journal: journal.clone(),
        options,
        observer,
        stop: watch::Sender::new(None),
        summary: Mutex::default(),
        under_way: AtomicUsize::new(0),
        failures_in_a_row: AtomicUsize::new(0),
        refusals_in_a_row: AtomicUsize::new(0),
        cause: Mutex::default(),
        for_copies: AtomicUsize::new(0),
        unreadable: AtomicUsize::new(0),
        left_out: AtomicUsize::new(0),
        no_records: AtomicUsize::new(0),
        resolved: AtomicUsize::new(0),
        own,
    });
    let (listing, chunks_of_it) = FailureSource::spawn(&run);
    let mut source = Some(chunks_of_it);
    let mut chunks = JoinSet::new();
    let mut stopped = std::pin::pin!(run.stopped(stop));
    let mut interrupted = std::pin::pin!(stop.reached(StopLevel::BeginNothing));
    let mut aborted = std::pin::pin!(stop.reached(StopLevel::Now));
    let (mut told, mut last, mut listed_to) = (false, None, None);
    while source.is_some() || !chunks.is_empty() {
        tokio::select! {
            // A chunk that ended because of the stop would else be the last, and the run pass for whole.
            biased;
            () = &mut aborted => {
                run.stop.send_replace(Some(Stopped::Aborted));
                chunks.abort_all();
                listing.abort();
                break;
            }
            () = &mut interrupted, if !told => {
                told = true;
                // Also where all is listed: what waits to be sent is not.
                run.stop(Stopped::Interrupted);
                run.observer.observe(&ProgressEvent::Stopping { keys: run.engine.under_way() });
            }
            () = &mut stopped, if source.is_some() => {
                source = None;
                listed_to = last.take();
            }
            Some(done) = chunks.join_next() => if let Err(error) = done {
                run.stop(Stopped::Internal(error.to_string()));
            },
            chunk = next(source.as_mut()), if source.is_some() && chunks.len() < CHUNKS => match chunk {
                Some(chunk) => {
                    last = chunk.last_key().or(last);
                    chunks.spawn(chunk::run(Arc::clone(&run), chunk));
                }
                None => source = None,
            },
        }
    }
    drop(source);
    if let Err(error) = listing.await
        && error.is_panic()
    {
        run.stop(Stopped::Internal(error.to_string()));
    }
    let (stopped, mut summary) = (run.stop.borrow().clone(), run.summary.lock().clone());
    if stopped == Some(Stopped::Aborted) {
        let (open, sent) = (run.under_way.load(Ordering::Relaxed), run.engine.under_way());
        summary.unfinished += sent.min(open);
        summary.not_begun += open.saturating_sub(sent);
    }
    summary.listed_to = listed_to;
    summary.stopped = stopped.or_else(|| run.refuses_all(&summary));
    summary.refusal = summary.stopped.as_ref().and_then(|stopped| run.refusal(stopped));
    // A right may be missing for single objects: see `refuses_all`.
    let cause = run.cause.lock().of_all(summary.failed).cloned();
    summary.cause = cause.filter(|cause| summary.accepted == 0 && cause.concern != Concern::Permission);
    summary.for_copies = run.for_copies.load(Ordering::Relaxed);
    summary.unreadable = run.unreadable.load(Ordering::Relaxed);
    summary.left_out = run.left_out.load(Ordering::Relaxed);
    summary.no_records = run.no_records.load(Ordering::Relaxed);
    summary.resolved = run.resolved.load(Ordering::Relaxed);
    if summary.for_copies > 0 {
        tracing::warn!(
            failures = summary.for_copies,
            "left as they are: removals and objects at URLs, of another service or another bucket, which OMS cannot forward; \
             replay them with --engine copy"
        );
    }
    summary.requests = engine.requests() - requests;
    summary.elapsed_s = (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
    summary
}

async fn next(source: Option<&mut mpsc::Receiver<Chunk>>) -> Option<Chunk> {
    source?.recv().await
}
