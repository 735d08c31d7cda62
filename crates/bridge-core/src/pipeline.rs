//! From changes to outcomes to records: the part that every host calls.
//!
//! ```text
//! Vec<ObjectChange> ──policy──▶ settle(engine, journal) ──▶ stream of Settled { change, outcome, recorded } ──▶ host
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `settle` | the stream: each change once, with its outcome and the state of its record |
//! | `report` | the counts over the stream |
//! | `messages` | the stream, grouped by messages of a queue |
//! | `observed` | what a pipeline counts by itself, for metrics |
//!
//! The rule: before a host reports success, every change is either accepted by the engine or durably in the
//! journal. All hosts learn that from the same stream ([`Pipeline::settle`]): the function counts
//! ([`Pipeline::run`]), queues need it for each message ([`Pipeline::run_messages`]), ingest and the desk for
//! each change. Replays use the same stream with another way of writing records.

mod messages;
mod observed;
mod report;
mod settle;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _, stream};
use oss_lite::Credentials;
use tokio::time::Instant;

pub use self::messages::{Handled, Nack, NackReason};
use self::observed::Observed;
pub use self::report::{Report, SkipCounts};
pub use self::settle::{Disposition, NotRecorded, Recorded, Settled};
pub(crate) use self::settle::{Work, settle};
use crate::credentials::NoCredentials;
use crate::engine::{Engine, Failure, Job, Outcome};
use crate::journal::{Journal, OpenJournal};
use crate::policy::{KeyFilter, Policy, Refused, Skip, Sorted};
use crate::progress::Observer;
use metrics::Exposition;
use object_copy::outcome::Attempt;
use object_events::change::{ObjectChange, Provider};
use signature_breaker::Breakers;

/// Policy, engine and journal combined. Hosts share one.
#[derive(Debug)]
pub struct Pipeline {
    policy: Policy,
    engine: Engine,
    journal: Journal,
    observed: Arc<Observed>,
    breakers: Option<Breakers>,
}

/// The time that one call may take, by stage.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Keys without an outcome by then count as failed.
    pub engine: Instant,
    /// Records not written by then count as lost.
    pub journal: Instant,
}

impl Budget {
    /// Splits the time to `deadline`: a quarter, at most ten seconds, is reserved for writing records, and a
    /// little of that for the reply.
    ///
    /// Every key may fail at the end of the engine's time, and each needs a record before the host may
    /// answer: ten seconds are enough for hundreds of records, with a retry of each. When the budget is
    /// short, a fixed reserve would leave nothing for the engine, so it is a share. The reply needs next to
    /// nothing: 100 ms, or an eighth of what is left, so that records still get half of their quarter when
    /// time is short.
    pub fn until(deadline: Instant, now: Instant) -> Self {
        const REPLY: Duration = Duration::from_millis(100);
        let left = deadline.saturating_duration_since(now);
        let records = (left / 4).min(Duration::from_secs(10));
        Self { engine: deadline - records, journal: deadline - REPLY.min(left / 8) }
    }
}

impl Pipeline {
    /// Puts the parts together.
    pub fn new(policy: Policy, engine: Engine, journal: Journal) -> Self {
        Self { policy, engine, journal, observed: Arc::default(), breakers: None }
    }

    /// The same with the breakers of its credentials, for its metrics.
    #[must_use]
    pub fn with_breakers(self, breakers: Breakers) -> Self {
        Self { breakers: Some(breakers), ..self }
    }

    /// Adds what it has counted since the start to `metrics`. Keys are counted by hosts.
    pub fn expose(&self, metrics: &mut Exposition) {
        let breakers = self.breakers.as_ref().map(Breakers::open);
        self.observed.expose(self.engine.requests(), self.journal.writes(), breakers, metrics);
    }

    /// The engine, for what hosts report about it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The one bucket that changes are taken from, if there is one.
    pub fn source(&self) -> Option<(Provider, String)> {
        self.policy.source().cloned()
    }

    /// Which keys are forwarded.
    pub fn keys(&self) -> &KeyFilter {
        self.policy.keys()
    }

    /// Why a change would not be forwarded, if it would not.
    pub fn skips(&self, change: &ObjectChange) -> Option<Skip> {
        self.policy.skips(change)
    }

    /// The journal, for replays.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Forwards changes and records their outcomes. Each of `changes` comes out of the stream once.
    ///
    /// `credentials` open the source and the log bucket. Without any, keys are still sent to OMS, but a key
    /// that fails cannot be recorded.
    ///
    /// # Errors
    ///
    /// [`Refused`], and then nothing was sent.
    pub fn settle(
        &self,
        changes: Vec<ObjectChange>,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
    ) -> Result<impl Stream<Item = Settled> + Send, Refused> {
        let sorted = self.policy.sort(changes)?;
        Ok(self.forward(sorted, credentials, budget))
    }

    /// Forwards changes, records their outcomes, and counts. Each is reported to `observer`.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::settle`].
    pub async fn run(
        &self,
        changes: Vec<ObjectChange>,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
        observer: &dyn Observer,
    ) -> Result<Report, Refused> {
        let mut settled = std::pin::pin!(self.settle(changes, credentials, budget)?);
        let mut report = Report::default();
        while let Some(settled) = settled.next().await {
            settled.report_to(observer);
            report.count(&settled);
        }
        Ok(report)
    }

    /// Forwards changes that the policy has sorted.
    fn forward(
        &self,
        sorted: Sorted,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
    ) -> impl Stream<Item = Settled> + Send {
        let Sorted { forward, skipped } = sorted;
        let context = self.engine.context(credentials.as_ref().ok());
        let journal = credentials.map(|credentials| self.journal.open(credentials, budget.journal));
        // A failure that is recorded after this moment may be about a change that this attempt does not see.
        let began = self.journal.bucket_time();
        let recorder = Arc::new(Recorder { journal, began, observed: Arc::clone(&self.observed) });
        let (indices, jobs): (Vec<usize>, Vec<Job>) =
            forward.into_iter().map(|(index, change)| (index, Job::new(change))).unzip();
        let skipped = skipped.into_iter().map(Settled::skipped);
        let work = Work { engine: &self.engine, jobs, context, deadline: budget.engine };
        let settled = settle(work, move |place, job, outcome| {
            Arc::clone(&recorder).record(indices[place], job, outcome)
        });
        stream::iter(skipped).chain(settled)
    }
}

/// Records the outcomes of one call.
struct Recorder {
    journal: Result<OpenJournal, NoCredentials>,
    /// When the call began, by the log bucket's clock.
    began: Option<DateTime<Utc>>,
    observed: Arc<Observed>,
}

impl Recorder {
    async fn record(self: Arc<Self>, index: usize, job: Job, outcome: Outcome) -> Settled {
        let change = job.change;
        if let Outcome::Failed(Failure { attempt: Attempt::NotBegun, error, .. }) = &outcome {
            // Nothing happened to it that a record could be about: it stays where it came from.
            let recorded = Recorded::Lost(NotRecorded::new(&*error.message));
            return Settled { index, change, outcome: outcome.into(), recorded };
        }
        let written = match &self.journal {
            Ok(journal) => {
                self.observed.settled(&change, &outcome, journal.now());
                journal.record(&change, &outcome, self.began).await.map_err(NotRecorded::from)
            }
            Err(error) => Err(NotRecorded::new(error.to_string())),
        };
        let recorded = written.map_or_else(Recorded::Lost, |()| Recorded::Durable);
        Settled { index, change, outcome: outcome.into(), recorded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_and_the_reply_have_a_share_of_any_time() {
        let now = Instant::now();
        let shares = |left| {
            let Budget { engine, journal } = Budget::until(now + left, now);
            [engine - now, journal - engine, now + left - journal].map(|share| share.as_millis())
        };
        assert_eq!(shares(Duration::from_millis(400)), [300, 50, 50]);
        assert_eq!(shares(Duration::from_secs(3)), [2250, 650, 100]);
        assert_eq!(shares(Duration::from_mins(10)), [590_000, 9900, 100]);
    }
}
