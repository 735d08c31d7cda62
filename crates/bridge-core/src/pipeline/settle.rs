//! One stream of settled changes.

use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use crate::engine::copy::CopyContext;
use crate::engine::{Acceptance, Engine, EngineName, Failure, Job, Outcome, Outcomes};
use crate::policy::Skip;
use crate::progress::{Event, Observer};
use object_copy::outcome::{Attempt, EngineError, FailureClass};
use object_events::change::ObjectChange;

/// How many records are written at once for one call.
const WRITES: usize = 64;

/// A change, and everything that became of it. `R` is what became of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled<R = Recorded> {
    /// Its place among the changes that were handed over.
    pub index: usize,
    /// The change.
    pub change: Arc<ObjectChange>,
    /// Whether it was forwarded.
    pub outcome: Disposition,
    /// Whether that is written down.
    pub recorded: R,
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It is not to be forwarded.
    Skipped(Skip),
    /// The engine accepted it.
    Accepted(Acceptance),
    /// It failed.
    Failed(Failure),
}

/// What became of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is durable.
    Durable,
    /// There is nothing to write down.
    NotNeeded,
    /// It is not known to be durable, and why.
    Lost(String),
}

impl Settled {
    pub(super) fn skipped((index, change, why): (usize, Arc<ObjectChange>, Skip)) -> Self {
        Self { index, change, outcome: Disposition::Skipped(why), recorded: Recorded::NotNeeded }
    }

    /// Why it is lost, if it is: it failed, and the journal does not have it. Somebody else must keep it.
    pub fn lost(&self) -> Option<String> {
        match (&self.outcome, &self.recorded) {
            (Disposition::Failed(failure), Recorded::Lost(why)) => Some(format!(
                "key {:?} failed ({}) and could not be recorded: {why}",
                self.change.key, failure.error
            )),
            _ => None,
        }
    }

    /// Tells an observer.
    pub fn tell(&self, observer: &dyn Observer) {
        let change = &*self.change;
        match &self.outcome {
            Disposition::Skipped(why) => observer.observe(&Event::Skipped { change, why: *why }),
            Disposition::Accepted(acceptance) => observer.observe(&Event::Accepted { change, acceptance }),
            Disposition::Failed(failure) => observer.observe(&Event::Failed { change, failure }),
        }
        if let Recorded::Lost(error) = &self.recorded {
            let accepted = matches!(self.outcome, Disposition::Accepted(_));
            observer.observe(&Event::RecordLost { change, accepted, error });
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

/// What is to be settled.
pub(crate) struct Work<'e> {
    pub(crate) engine: &'e Engine,
    pub(crate) jobs: Vec<Job>,
    /// That of the engine ([`Engine::context`]).
    pub(crate) context: Option<CopyContext>,
    /// Jobs that are not settled by then have failed.
    pub(crate) deadline: Instant,
}

/// Forwards jobs and has `record` write down what became of each. Every job comes out once, as soon as its record is written.
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
    /// Jobs of which nothing was heard yet.
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
            // While so many records are on their way, outcomes wait: memory stays bounded.
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
        // An engine settles each job once.
        let Some(job) = self.open.get_mut(index).and_then(Option::take) else { return };
        self.left -= 1;
        self.records.push((self.record)(index, job, outcome));
    }

    /// What the engine has not settled has failed.
    fn give_up(&mut self, why: &str) {
        for index in 0..self.open.len() {
            let Some(Some(Job { open, .. })) = self.open.get(index) else { continue };
            let failure = Failure {
                engine: self.last,
                class: FailureClass::Transient,
                error: EngineError::local(why),
                request_id: None,
                attempt: Attempt::NotMade,
                // What an earlier attempt left open is still open.
                open: open.clone(),
            };
            self.begin(index, Outcome::Failed(failure));
        }
    }
}

const TIME_IS_UP: &str = "not settled before the time budget of the invocation ended";
const ENGINE_STOPPED: &str = "the engine stopped before the key was settled";
