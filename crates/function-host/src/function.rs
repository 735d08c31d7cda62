//! The event function, for any host that uses the types of `lambda_runtime`.

use std::sync::Arc;
use std::time::Duration;

use fc_adapter::{FcContext, FcCredentials, RawEvent};
use lambda_runtime::{Diagnostic, LambdaEvent};
use oss_lite::Credentials;
use serde::Serialize;
use tokio::time::Instant;

use arrival::confirm::{ConfirmOptions, Confirmer, Stopped as Unconfirmed, Unwatched, confirm};
use arrival::rounds::{Reconciler, SliceOptions, SliceStopped, reconcile_slice};
use bridge_core::credentials::{InvocationCredentials, NoCredentials, SourceCredentials};
use bridge_core::pipeline::{Budget, Nack, Pipeline, Report};
use bridge_core::progress::Log;
use bridge_core::replay::{ReplayOptions, ReplaySummary, Stopped, replay};
use bridge_core::warm::reach;
use metrics::{Counter, Exposition, names};
use object_copy::stop::{Stop, StopLevel};
use object_events::change::ObjectChange;
use object_events::{Event, KeyEncoding, Task};
use web_ingest::{Host, Invocation};

/// The function. Cheap to clone; clones share connections and credentials.
#[derive(Clone, Debug)]
pub struct Function(Arc<FunctionInner>);

#[derive(Debug)]
struct FunctionInner {
    pipeline: Arc<Pipeline>,
    arrivals: Arrivals,
    credentials: SourceCredentials,
    keys: KeyEncoding,
    counters: Counters,
}

/// What sees to it that objects arrive, when a timer asks for it.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// Confirms arrivals; else which settings are missing for that.
    pub confirmer: Result<Confirmer, Unset>,
    /// Compares source and destination; else which settings are missing for that.
    pub reconciler: Result<Reconciler, Unset>,
}

/// Settings without which a timer has nothing to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unset(pub String);

impl Unset {
    /// The answer of a timer that has nothing to do, which is logged. Templates have the timers in any case:
    /// an invocation that failed would be repeated, and would be an alarm.
    fn answer(&self, what: &str) -> bool {
        tracing::warn!("{what}: {self}");
        true
    }
}

#[derive(Debug, Default)]
struct Counters {
    invocations: Counter,
    failed_invocations: Counter,
    accepted: Counter,
    failed: Counter,
    skipped: Counter,
    unrecorded: Counter,
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Events handled.
    pub invocations: u64,
    /// Events that ended in an error, for the platform to try again.
    pub failed_invocations: u64,
    /// Keys accepted by the engine.
    pub accepted: u64,
    /// Keys that failed.
    pub failed: u64,
    /// Changes that were skipped.
    pub skipped: u64,
    /// Requests made to OMS, and objects that the copy engine looked at.
    pub requests: u64,
}

impl Function {
    /// A function that forwards through `pipeline`.
    pub fn new(
        pipeline: Pipeline,
        arrivals: Arrivals,
        credentials: SourceCredentials,
        keys: KeyEncoding,
    ) -> Self {
        let (pipeline, counters) = (Arc::new(pipeline), Counters::default());
        Self(Arc::new(FunctionInner { pipeline, arrivals, credentials, keys, counters }))
    }

    /// Handles one event: `true` when every key was accepted or there was nothing to do, `false` when some
    /// key failed and every failure is in the journal.
    ///
    /// # Errors
    ///
    /// When the event cannot be understood, comes from the wrong bucket, or some failure could not be
    /// recorded: the platform must keep the event and try again.
    pub async fn invoke(&self, event: LambdaEvent<RawEvent>) -> Result<bool, Diagnostic> {
        let handled = self.handle(event).await;
        // The host logs the error itself.
        self.0.counters.invoked(handled.is_err());
        handled
    }

    async fn handle(&self, event: LambdaEvent<RawEvent>) -> Result<bool, Diagnostic> {
        let Invocation { credentials, deadline } = self.invocation(FcContext::current().as_deref());
        let budget = Budget::until(deadline, Instant::now());
        let event = self.parse(event.payload)?;
        match event {
            Event::Changes(changes) => self.forward(changes, credentials, budget).await,
            Event::Messages(messages) => {
                // There is only one response for all of them here, so one bad message keeps them all in the
                // queue.
                let changes: Result<Vec<_>, _> = messages.into_iter().map(|message| message.event).collect();
                let changes = changes.map_err(|error| failure("MalformedEvent", &error))?;
                self.forward(changes.into_iter().flatten().collect(), credentials, budget).await
            }
            Event::Timer(task) => self.run_task(task, credentials, budget).await,
        }
    }

    /// Handles one event, with a result for each message if it comes from a queue; other events as
    /// [`Function::invoke`] does, with the credentials of the environment.
    ///
    /// # Errors
    ///
    /// As [`Function::invoke`]; messages of a queue fail together only if their ids are unknown.
    pub async fn invoke_by_message(
        &self,
        event: RawEvent,
        deadline: Instant,
    ) -> Result<EventAnswer, Diagnostic> {
        let handled = self.handle_by_message(event, deadline).await;
        self.0.counters.invoked(handled.is_err());
        handled
    }

    async fn handle_by_message(&self, event: RawEvent, deadline: Instant) -> Result<EventAnswer, Diagnostic> {
        let budget = Budget::until(deadline, Instant::now());
        let credentials = self.0.credentials.from_environment();
        match self.parse(event)? {
            Event::Changes(changes) => {
                self.forward(changes, credentials, budget).await.map(EventAnswer::Whole)
            }
            Event::Messages(messages) => {
                let handled = self.0.pipeline.run_messages(messages, credentials, budget, &Log).await;
                self.0.counters.add(&handled.report);
                for Nack { id, reason } in &handled.nacks {
                    tracing::error!(message_id = id, why = %reason, "the message goes back to its queue");
                }
                Ok(EventAnswer::Messages(handled.nacks))
            }
            Event::Timer(task) => self.run_task(task, credentials, budget).await.map(EventAnswer::Whole),
        }
    }

    async fn run_task(
        &self,
        task: Task,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
    ) -> Result<bool, Diagnostic> {
        match task {
            Task::Replay => self.replay(credentials, budget).await,
            Task::Confirm { max_rps } => Box::pin(self.confirm(credentials, budget, max_rps)).await,
            Task::Reconcile { max_rps, keys } => {
                let options = SliceOptions { keys, max_rps, budget };
                Box::pin(self.reconcile(credentials, options)).await
            }
        }
    }

    /// Parses the event, and releases its bytes and the memory reserved for them.
    fn parse(&self, event: RawEvent) -> Result<Event, Diagnostic> {
        let RawEvent(body) = event;
        let parsed =
            object_events::parse(&body, self.0.keys).map_err(|error| failure("MalformedEvent", &error))?;
        drop(body);
        fc_adapter::keep_memory(parsed.weight());
        Ok(parsed)
    }

    async fn forward(
        &self,
        changes: Vec<ObjectChange>,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
    ) -> Result<bool, Diagnostic> {
        let report = self
            .0
            .pipeline
            .run(changes, credentials, budget, &Log)
            .await
            .map_err(|refused| failure(refused.kind(), &refused))?;
        tracing::debug!(?report, "invocation settled");
        self.0.counters.add(&report);
        match report.first_unrecorded {
            None => Ok(report.failed == 0),
            Some(first) => Err(failure(
                "JournalUnavailable",
                &format!(
                    "{} of {} failed keys are not in the journal: {first}",
                    report.unrecorded, report.failed
                ),
            )),
        }
    }

    /// Replays failures until the deadline; the next tick continues. Overlapping ticks may send a key twice,
    /// which is harmless.
    async fn replay(
        &self,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
    ) -> Result<bool, Diagnostic> {
        let credentials = credentials.map_err(|error| failure("JournalUnavailable", &error))?;
        let pipeline = &self.0.pipeline;
        let context = pipeline.engine().context(Some(&credentials));
        let journal = pipeline.journal().open(credentials, budget.journal);
        let options = ReplayOptions { source: pipeline.source(), ..ReplayOptions::until(budget.engine) };
        let summary =
            replay(pipeline.engine(), context, &journal, options, Arc::new(Log), &Stop::default()).await;
        self.0.counters.replayed(&summary);
        let (accepted, failed) = (summary.accepted, summary.failed);
        let stopped = summary.stopped.as_ref().map(tracing::field::display);
        tracing::info!(
            listed = summary.listed,
            accepted,
            failed,
            set_aside = summary.set_aside,
            stopped,
            "replayed"
        );
        match summary.stopped {
            Some(stopped @ (Stopped::Journal(_) | Stopped::JournalRefused(_) | Stopped::Internal(_))) => {
                Err(failure("JournalUnavailable", &stopped))
            }
            Some(Stopped::CredentialsRefused(_) | Stopped::PermissionsRefused(_) | Stopped::Unavailable) => {
                Ok(false)
            }
            Some(Stopped::OutOfTime | Stopped::Interrupted | Stopped::Aborted) | None => Ok(failed == 0),
        }
    }

    /// Confirms arrivals until the deadline; the next tick goes on where this one ends. While one works, the
    /// others do nothing.
    async fn confirm(
        &self,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
        max_rps: Option<f64>,
    ) -> Result<bool, Diagnostic> {
        let credentials = credentials.map_err(|error| failure("JournalUnavailable", &error))?;
        let confirmer = match &self.0.arrivals.confirmer {
            Ok(confirmer) => confirmer,
            Err(unset) => return Ok(unset.answer("nothing is confirmed")),
        };
        let journal = self.0.pipeline.journal().open(Arc::clone(&credentials), budget.journal);
        let options = ConfirmOptions { max_rps, ..ConfirmOptions::until(budget.engine) };
        let (watcher, stop) = (Unwatched, Stop::default());
        let summary = confirm(confirmer, &journal, &credentials, options, &watcher, &stop).await;
        tracing::info!(
            looked_at = summary.looked_at,
            confirmed = summary.confirmed,
            pending = summary.pending,
            resent = summary.resent,
            copied = summary.copied,
            dead = summary.dead,
            removed = summary.removed,
            failed = summary.failed,
            unknown = summary.unknown,
            forgotten = summary.forgotten,
            stopped = summary.stopped.as_ref().map(tracing::field::display),
            "confirmed"
        );
        match summary.stopped {
            Some(stopped @ (Unconfirmed::Journal(_) | Unconfirmed::NotRecorded(_))) => {
                Err(failure("JournalUnavailable", &stopped))
            }
            Some(stopped) if !stopped.is_regular() => Ok(false),
            _ => Ok(summary.is_good()),
        }
    }

    /// Compares source and destination until the deadline, and sends what is missing; the next tick goes on
    /// where this one ends. While one works, the others do nothing.
    async fn reconcile(
        &self,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        options: SliceOptions,
    ) -> Result<bool, Diagnostic> {
        let credentials = credentials.map_err(|error| failure("JournalUnavailable", &error))?;
        let reconciler = match &self.0.arrivals.reconciler {
            Ok(reconciler) => reconciler,
            Err(unset) => return Ok(unset.answer("nothing is compared")),
        };
        let pipeline = &self.0.pipeline;
        let journal = pipeline.journal().open(Arc::clone(&credentials), options.budget.journal);
        let slice = reconcile_slice(reconciler, pipeline, &journal, &credentials, options).await;
        self.0.counters.add(&slice.report);
        let counts = &slice.counts;
        tracing::info!(
            compared = counts.compared,
            equal = counts.equal,
            undecided = counts.undecided,
            missing = counts.missing,
            different = counts.different,
            extra = counts.extra,
            sent = counts.sent,
            failed = counts.failed,
            young = counts.young,
            watched = counts.watched,
            waiting = counts.waiting,
            given_up = counts.given_up,
            unknown = counts.unknown,
            requests = slice.requests,
            round_ended = slice.round_ended,
            stopped = slice.stopped.as_ref().map(tracing::field::display),
            "compared"
        );
        match &slice.stopped {
            Some(stopped @ (SliceStopped::Journal(_) | SliceStopped::NotRecorded(_))) => {
                Err(failure("JournalUnavailable", stopped))
            }
            _ => Ok(slice.is_good()),
        }
    }

    /// The context for an interface that is served beside the function.
    pub fn host(&self) -> Host {
        let own = self.clone();
        let count = Arc::new(move |report: &Report| own.0.counters.add(report));
        Host { pipeline: Arc::clone(&self.0.pipeline), count }
    }

    /// The credentials and the deadline of an invocation, from the context that its host passes.
    pub fn invocation(&self, context: Option<&FcContext>) -> Invocation {
        let offered = context.and_then(|context| context.credentials.as_ref()).map(offered);
        let credentials = self.0.credentials.for_invocation(offered);
        let deadline = context.map_or_else(|| Instant::now() + DEFAULT_TIMEOUT, |context| context.deadline);
        Invocation { credentials, deadline }
    }

    /// Ends multipart copies after the parts that are being sent. They are recorded, and a replay resumes
    /// them.
    pub fn end_at_parts(&self) {
        self.0.pipeline.engine().stop(StopLevel::EndAtParts);
    }

    /// The totals so far.
    pub fn totals(&self) -> Totals {
        let counters = &self.0.counters;
        Totals {
            invocations: counters.invocations.value(),
            failed_invocations: counters.failed_invocations.value(),
            accepted: counters.accepted.value(),
            failed: counters.failed.value(),
            skipped: counters.skipped.value(),
            requests: self.0.pipeline.engine().requests(),
        }
    }

    /// The same and what the pipeline counts, in the text format of Prometheus.
    pub(crate) fn metrics(&self) -> String {
        let totals = self.totals();
        let mut metrics = Exposition::default();
        metrics.add_of(&names::BUILD_INFO, [env!("CARGO_PKG_VERSION")], 1_u64);
        metrics.add(&names::INVOCATIONS, totals.invocations);
        metrics.add(&names::INVOCATIONS_FAILED, totals.failed_invocations);
        metrics.add(&names::KEYS_ACCEPTED, totals.accepted);
        metrics.add(&names::KEYS_FAILED, totals.failed);
        metrics.add(&names::KEYS_UNRECORDED, self.0.counters.unrecorded.value());
        metrics.add(&names::CHANGES_SKIPPED, totals.skipped);
        self.0.pipeline.expose(&mut metrics);
        metrics.into_text()
    }

    /// Opens the connections, as far as possible by `deadline`. A service that cannot be reached is
    /// logged: see [`warm`](bridge_core::warm) for why it is no failure.
    pub async fn warm(&self, deadline: Instant) {
        let pipeline = &self.0.pipeline;
        let (engine, journal) = tokio::join!(
            pipeline.engine().warm(deadline),
            reach("the log bucket", deadline, pipeline.journal().warm()),
        );
        for error in engine.into_iter().chain(journal) {
            tracing::warn!(error, "not all connections are open yet");
        }
    }
}

impl Counters {
    fn invoked(&self, failed: bool) {
        self.invocations.increment();
        self.failed_invocations.add(usize::from(failed));
    }

    fn add(&self, report: &Report) {
        self.accepted.add(report.accepted);
        self.failed.add(report.failed);
        self.skipped.add(report.skipped);
        self.unrecorded.add(report.unrecorded);
    }

    fn replayed(&self, summary: &ReplaySummary) {
        self.accepted.add(summary.accepted);
        self.failed.add(summary.failed);
    }
}

/// Result of an event, with one for each message if it comes from a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventAnswer {
    /// Whether every key was accepted; if not, every failure is in the journal.
    Whole(bool),
    /// The messages that go back to their queue.
    Messages(Vec<Nack>),
}

/// Time limit of an invocation if the host sets none.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

fn offered(credentials: &FcCredentials) -> InvocationCredentials<'_> {
    InvocationCredentials {
        id: &credentials.access_key_id,
        secret: &credentials.access_key_secret,
        token: credentials.security_token.as_ref(),
    }
}

fn failure(error_type: &str, error: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic { error_type: error_type.to_owned(), error_message: error.to_string() }
}
