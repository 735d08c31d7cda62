//! Changes to outcomes to records: what every host calls.
//!
//! ```text
//! Vec<ObjectChange> ──policy──▶ jobs ──engine──▶ outcomes ──journal──▶ Report
//! ```
//!
//! The rule: before a host reports success, every key is either accepted by the engine or durably in the journal. Messages of a
//! queue come back one by one where it does not hold ([`Pipeline::run_messages`]).

mod messages;

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use oss_lite::Credentials;
use tokio::time::{Instant, timeout_at};

pub use self::messages::{Handled, Unsettled, Why};
use crate::change::ObjectChange;
use crate::credentials::NoCredentials;
use crate::engine::copy::CopyContext;
use crate::engine::{Attempt, Engine, EngineError, EngineName, Failure, FailureClass, Job, Outcome};
use crate::journal::{Journal, OpenJournal};
use crate::policy::{LoopDetected, Policy, Sorted};
use crate::progress::{Event, Observer};

/// How many records are written at once for one invocation.
const WRITES: usize = 64;

/// Policy, engine and journal, put together. Hosts share one.
#[derive(Debug)]
pub struct Pipeline {
    policy: Policy,
    engine: Engine,
    journal: Journal,
}

/// Until when things must be done.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Keys not settled by then count as failed.
    pub engine: Instant,
    /// Records not written by then count as lost.
    pub journal: Instant,
}

impl Budget {
    /// Splits the time to `deadline`: a quarter, at most ten seconds, is kept for writing down what failed, and a little
    /// for the reply.
    pub fn until(deadline: Instant, now: Instant) -> Self {
        const REPLY: Duration = Duration::from_millis(100);
        let left = deadline.saturating_duration_since(now);
        let records = (left / 4).min(Duration::from_secs(10));
        Self { engine: deadline - records, journal: deadline - REPLY.min(left / 8) }
    }
}

/// What became of the changes of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Keys the engine accepted.
    pub accepted: usize,
    /// Keys that failed, recorded or not.
    pub failed: usize,
    /// Changes that were not to be forwarded.
    pub skipped: usize,
    /// Failed keys that are not in the journal: the host must not report success.
    pub unrecorded: usize,
    /// Accepted keys without a success record. No loss: the object is on its way.
    pub success_records_missing: usize,
    /// The first failure that could not be recorded: key, and why not.
    pub first_unrecorded: Option<String>,
    /// Failed keys whose credentials were refused.
    pub refused_credentials: usize,
}

impl Report {
    /// Adds up two reports.
    pub fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.unrecorded += other.unrecorded;
        self.success_records_missing += other.success_records_missing;
        self.refused_credentials += other.refused_credentials;
        self.first_unrecorded = self.first_unrecorded.take().or(other.first_unrecorded);
    }
}

impl Pipeline {
    /// Puts the parts together.
    pub fn new(policy: Policy, engine: Engine, journal: Journal) -> Self {
        Self { policy, engine, journal }
    }

    /// The engine, for what hosts report about it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The journal, for replays.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Opens the connections, so that the first event does not wait for them.
    ///
    /// # Errors
    ///
    /// Which service cannot be reached, and why.
    pub async fn warm(&self, deadline: Instant) -> Result<(), String> {
        let journal = async { timeout_at(deadline, self.journal.warm()).await };
        let (engine, journal) = tokio::join!(self.engine.warm(deadline), journal);
        engine?;
        match journal {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(format!("the log bucket cannot be reached: {error}")),
            Err(_) => Err("the log bucket cannot be reached: no reply in time".to_owned()),
        }
    }

    /// Forwards changes and writes down what became of them.
    ///
    /// `credentials` open the source and the log bucket; without any, keys are still sent to OMS, and a key that fails
    /// cannot be recorded.
    ///
    /// # Errors
    ///
    /// [`LoopDetected`], and then nothing was sent.
    pub async fn run(
        &self,
        changes: Vec<ObjectChange>,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
        observer: &dyn Observer,
    ) -> Result<Report, LoopDetected> {
        let sorted = self.policy.sort(changes)?;
        let (report, _) = self.forward(sorted, credentials, budget, observer).await;
        Ok(report)
    }

    /// What became of sorted changes, and the keys that are neither accepted nor in the journal.
    async fn forward(
        &self,
        sorted: Sorted,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
        observer: &dyn Observer,
    ) -> (Report, Vec<String>) {
        for (change, why) in &sorted.skipped {
            observer.observe(&Event::Skipped { change, why: *why });
        }
        let mut report = Report { skipped: sorted.skipped.len(), ..Report::default() };
        let mut lost = Vec::new();
        if !sorted.forward.is_empty() {
            let context = self.engine.context(credentials.as_ref().ok());
            let journal = credentials.map(|credentials| self.journal.open(credentials, budget.journal));
            Run {
                pipeline: self,
                changes: &sorted.forward,
                context,
                journal: journal.as_ref(),
                observer,
                budget,
            }
            .run(&mut report, &mut lost)
            .await;
        }
        (report, lost)
    }
}

/// One call of [`Pipeline::run`] past the policy.
struct Run<'r> {
    pipeline: &'r Pipeline,
    changes: &'r [ObjectChange],
    context: Option<CopyContext>,
    journal: Result<&'r OpenJournal, &'r NoCredentials>,
    observer: &'r dyn Observer,
    budget: Budget,
}

/// A key and what its record came to.
struct Written {
    index: usize,
    outcome: Outcome,
    error: Option<String>,
}

impl Run<'_> {
    async fn run(&self, report: &mut Report, lost: &mut Vec<String>) {
        let engine = &self.pipeline.engine;
        let jobs = self.changes.iter().map(job);
        let mut outcomes = engine.submit(jobs, self.context.as_ref(), self.budget.engine);
        let mut open = vec![true; self.changes.len()];
        let mut left = self.changes.len();
        let mut records = FuturesUnordered::new();
        while left > 0 || !records.is_empty() {
            tokio::select! {
                settled = timeout_at(self.budget.engine, outcomes.next()), if left > 0 && records.len() < WRITES => {
                    if let Ok(Some((index, outcome))) = settled {
                        open[index] = false;
                        left -= 1;
                        records.push(self.record(index, outcome));
                        continue;
                    }
                    let why = if settled.is_err() { TIME_IS_UP } else { ENGINE_STOPPED };
                    left = 0;
                    for index in (0..open.len()).filter(|index| open[*index]) {
                        records.push(self.record(index, unsettled(engine.last(), why)));
                    }
                }
                Some(written) = records.next() => self.tally(&written, report, lost),
            }
        }
    }

    async fn record(&self, index: usize, outcome: Outcome) -> Written {
        let change = &self.changes[index];
        let error = match self.journal {
            Ok(journal) => journal.record(change, &outcome).await.err().map(|error| error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        Written { index, outcome, error }
    }

    fn tally(&self, written: &Written, report: &mut Report, lost: &mut Vec<String>) {
        let change = &self.changes[written.index];
        match &written.outcome {
            Outcome::Accepted(acceptance) => {
                report.accepted += 1;
                report.success_records_missing += usize::from(written.error.is_some());
                self.observer.observe(&Event::Accepted { change, acceptance });
            }
            Outcome::Failed(failure) => {
                report.failed += 1;
                report.refused_credentials += usize::from(failure.class == FailureClass::Auth);
                self.observer.observe(&Event::Failed { change, failure });
                if let Some(error) = &written.error {
                    report.unrecorded += 1;
                    lost.push(change.key.clone());
                    report.first_unrecorded.get_or_insert_with(|| {
                        format!(
                            "key {:?} failed ({}) and could not be recorded: {error}",
                            change.key, failure.error
                        )
                    });
                }
            }
        }
        if let Some(error) = &written.error {
            self.observer.observe(&Event::RecordLost { change, outcome: &written.outcome, error });
        }
    }
}

const TIME_IS_UP: &str = "not settled before the time budget of the invocation ended";
const ENGINE_STOPPED: &str = "the engine stopped before the key was settled";

fn job(change: &ObjectChange) -> Job<'_> {
    let ObjectChange { key, provider, bucket, url, event, .. } = change;
    Job {
        key,
        provider: *provider,
        bucket: bucket.as_deref(),
        url: url.as_deref(),
        effect: event.effect(),
        open: None,
    }
}

fn unsettled(engine: EngineName, why: &str) -> Outcome {
    Outcome::Failed(Failure {
        engine,
        class: FailureClass::Transient,
        error: EngineError::local(why),
        request_id: None,
        attempt: Attempt::NotMade,
        open: None,
    })
}
