//! The stream of settled changes: a change is settled when its outcome is known and its record is written, or
//! lost.

use std::fmt;
use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::engine::copy::CopyContext;
use crate::engine::{Acceptance, Engine, EngineName, Failure, Job, Outcome, Outcomes};
use crate::journal::{StoreError, WriteError};
use crate::policy::Skip;
use crate::progress::{Observer, ProgressEvent};
use object_copy::outcome::{Attempt, EngineError, FailureClass};
use object_copy::transfer::Concern;
use object_events::change::ObjectChange;

/// How many records are written at once for one call.
const WRITES: usize = 64;

/// A change with its outcome and the state of its record, which is of the type `R`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled<R = Recorded> {
    /// Its index among the changes of the call.
    pub index: usize,
    /// The change.
    pub change: Arc<ObjectChange>,
    /// Whether it was forwarded.
    pub outcome: Disposition,
    /// Whether the outcome is recorded.
    pub recorded: R,
}

/// The outcome of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The policy left it out.
    Skipped(Skip),
    /// The engine accepted it.
    Accepted(Acceptance),
    /// It failed.
    Failed(Failure),
}

/// The state of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is durable.
    Durable,
    /// There is nothing to record.
    NotNeeded,
    /// It is not known to be durable, for this reason.
    Lost(NotRecorded),
}

/// Why a record is not known to be durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRecorded {
    message: String,
    error: Option<StoreError>,
}

impl NotRecorded {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), error: None }
    }

    /// The error of the log bucket, where it did not accept the record.
    pub fn store_error(&self) -> Option<&oss_lite::Error> {
        self.error.as_deref()
    }
}

impl From<WriteError> for NotRecorded {
    fn from(error: WriteError) -> Self {
        let message = error.to_string();
        match error {
            WriteError::Store(error) => Self { message, error: Some(StoreError::new(error)) },
            WriteError::Unproved { .. } => Self::new(message),
        }
    }
}

impl fmt::Display for NotRecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Settled {
    pub(super) fn skipped((index, change, why): (usize, Arc<ObjectChange>, Skip)) -> Self {
        Self { index, change, outcome: Disposition::Skipped(why), recorded: Recorded::NotNeeded }
    }

    /// The message for a change that is lost: it failed, and the journal does not have it. The host must not
    /// report success.
    pub fn loss(&self) -> Option<String> {
        match (&self.outcome, &self.recorded) {
            (Disposition::Failed(failure), Recorded::Lost(why)) => Some(format!(
                "key {:?} failed ({}) and could not be recorded: {why}",
                self.change.key, failure.error
            )),
            _ => None,
        }
    }

    /// Why its record is not known to be durable, where it is not.
    pub(super) fn why_lost(&self) -> Option<&NotRecorded> {
        match &self.recorded {
            Recorded::Lost(why) => Some(why),
            Recorded::Durable | Recorded::NotNeeded => None,
        }
    }

    /// Whether it was begun: what was not has no record to lose.
    pub(super) fn is_begun(&self) -> bool {
        !matches!(&self.outcome, Disposition::Failed(Failure { attempt: Attempt::NotBegun, .. }))
    }

    /// Reports it to an observer.
    pub fn report_to(&self, observer: &dyn Observer) {
        let change = &*self.change;
        match &self.outcome {
            Disposition::Skipped(why) => observer.observe(&ProgressEvent::Skipped { change, why: *why }),
            Disposition::Accepted(acceptance) => {
                observer.observe(&ProgressEvent::Accepted { change, acceptance });
            }
            Disposition::Failed(Failure { attempt: Attempt::NotBegun, .. }) => return,
            Disposition::Failed(failure) => observer.observe(&ProgressEvent::Failed { change, failure }),
        }
        if let Recorded::Lost(error) = &self.recorded {
            let accepted = matches!(self.outcome, Disposition::Accepted(_));
            observer.observe(&ProgressEvent::RecordLost { change, accepted, error: &error.message });
        }
    }
}

impl From<Outcome> for Disposition {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted(acceptance) => Self::Accepted(acceptance),
            Outcome::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// The input of [`settle`].
pub(crate) struct Work<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) jobs: Vec<Job>,
    /// Context of the engine ([`Engine::context`]).
    pub(crate) context: Option<CopyContext>,
    /// Jobs without an outcome by then have failed.
    pub(crate) deadline: Instant,
}

/// Forwards jobs and records each outcome by `record`. Every job comes out once, as soon as its record is
/// written.
pub(crate) fn settle<R, F, Fut>(
    work: Work<'_>,
    record: F,
) -> impl Stream<Item = Settled<R>> + Send + use<R, F, Fut>
where
    R: Send,
    F: Fn(usize, Job, Outcome) -> Fut + Send,
    Fut: Future<Output = Settled<R>> + Send,
{
    let Work { engine, jobs, context, deadline } = work;
    let outcomes = engine.submit(jobs.iter().cloned(), context.as_ref(), deadline);
    let left = jobs.len();
    let settling = Settling {
        outcomes,
        deadline,
        last: engine.last(),
        open: jobs.into_iter().map(Some).collect(),
        left,
        record,
        records: FuturesUnordered::new(),
    };
    stream::unfold(settling, |mut settling| async move { Some((settling.next().await?, settling)) })
}

struct Settling<F, Fut> {
    outcomes: Outcomes,
    deadline: Instant,
    last: EngineName,
    /// Jobs without an outcome yet.
    open: Vec<Option<Job>>,
    left: usize,
    record: F,
    records: FuturesUnordered<Fut>,
}

impl<R, F, Fut> Settling<F, Fut>
where
    F: Fn(usize, Job, Outcome) -> Fut,
    Fut: Future<Output = Settled<R>>,
{
    async fn next(&mut self) -> Option<Settled<R>> {
        loop {
            // Two reasons not to take outcomes. After the last job, `outcomes.next()` would return `None` at
            // once and `give_up` would find nothing, forever. And while `WRITES` records are being written,
            // outcomes stay in the channel, so that no more than those records are held in memory, whatever
            // the size of the call. Neither can deadlock: as long as this does not take outcomes, there are
            // records to wait for, or everything is done.
            let listens = self.left > 0 && self.records.len() < WRITES;
            if !listens && self.records.is_empty() {
                return None;
            }
            tokio::select! {
                outcome = timeout_at(self.deadline, self.outcomes.next()), if listens => match outcome {
                    Ok(Some((index, outcome))) => self.begin(index, outcome),
                    Ok(None) => self.give_up(ENGINE_STOPPED),
                    Err(_) => self.give_up(TIME_IS_UP),
                },
                Some(settled) = self.records.next() => return Some(settled),
            }
        }
    }

    fn begin(&mut self, index: usize, outcome: Outcome) {
        // An engine reports each job once.
        let Some(job) = self.open.get_mut(index).and_then(Option::take) else { return };
        self.left -= 1;
        self.records.push((self.record)(index, job, outcome));
    }

    /// Jobs that the engine reported no outcome for have failed.
    fn give_up(&mut self, why: &str) {
        for index in 0..self.open.len() {
            let Some(Some(Job { open, .. })) = self.open.get(index) else { continue };
            let failure = Failure {
                engine: self.last,
                class: FailureClass::Transient,
                error: EngineError::local(why),
                request_id: None,
                attempt: Attempt::NotMade,
                // The upload that an earlier attempt left open is still open.
                open: open.clone(),
                concern: Concern::Object,
                request: None,
                unreached: None,
            };
            self.begin(index, Outcome::Failed(failure));
        }
    }
}

const TIME_IS_UP: &str = "not settled before the time budget of the invocation ended";
const ENGINE_STOPPED: &str = "the engine stopped before the key was settled";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test(start_paused = true)]
    async fn a_job_whose_engine_hangs_fails_at_the_deadline_and_is_recorded() {
        let (_hangs, outcomes) = mpsc::unbounded_channel();
        let deadline = Instant::now() + Duration::from_secs(3);
        let mut settling = Settling {
            outcomes: Outcomes::new(outcomes),
            deadline,
            last: EngineName::Oms,
            open: vec![Some(Job::new(Arc::new(ObjectChange::of_key("a"))))],
            left: 1,
            record: |index, job: Job, outcome: Outcome| async move {
                Settled { index, change: job.change, outcome: outcome.into(), recorded: Instant::now() }
            },
            records: FuturesUnordered::new(),
        };
        let settled = settling.next().await.unwrap();
        let Disposition::Failed(failure) = &settled.outcome else { panic!("{settled:?}") };
        assert_eq!((failure.class, failure.attempt), (FailureClass::Transient, Attempt::NotMade));
        // The clock of the test has steps of a millisecond.
        assert!(settled.recorded - deadline <= Duration::from_millis(1), "{settled:?}");
        assert!(settled.recorded >= deadline && settling.next().await.is_none());
    }
}
