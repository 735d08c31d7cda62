//! The OMS engine: takes keys, sends requests to OMS, reports one outcome per key.
//!
//! | module | concern |
//! |---|---|
//! | `queue` | keys that wait to be sent |
//! | `rate` | when the next request may be sent |
//! | `step` | what to do after a refusal |
//! | `forbidden` | when a 403 counts against single keys |
//!
//! A key waits in a queue for a moment, so that changes which arrive together share a request
//! ([`OmsEngine::submit`]). Up to [`IN_FLIGHT`] requests run at once, each in a task of its own that outlives
//! the caller. Each try passes three gates, in this order: the [breaker](signature_breaker) of the access
//! key, the rate limiter, and then the network. A batch that is refused because of some key in it (400, 413)
//! is halved until that key is alone. The requests themselves are made by the [client](crate::oms).

mod forbidden;
mod queue;
mod rate;
mod step;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apig_signer::Credentials;
use oss_lite::SignatureVerdict;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use self::forbidden::{Forbidden, Search};
use self::queue::{PendingKey, Queue};
use self::rate::RateLimiter;
use self::step::{Situation, Step};
use super::{Acceptance, EngineName, Failure, Job, Outcome, OutcomeSender, Outcomes, is_of_task};
use crate::oms::{Client, Refusal, SyncUrl, is_of_another_server, request_body};
use crate::warm::reach;
use metrics::Gauge;
use object_copy::clock::Clock;
use object_copy::outcome::{Attempt, EngineError, FailureClass};
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::Concern;
use object_events::change::ObjectChange;
use oss_lite::{Backoff, Random};
use signature_breaker::{Breaker, NoPermit};

/// How many requests one process has in flight by default.
pub const IN_FLIGHT: usize = 16;

const BACKOFF: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(10) };

/// Longest encoded key that OMS accepts.
const MAX_ENCODED_KEY: usize = 16_384;

/// Forwards keys to one OMS sync task. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct OmsEngine(Arc<OmsShared>);

/// The parts and settings of an [`OmsEngine`].
#[derive(Debug)]
pub struct OmsConfig {
    /// Where to send.
    pub target: SyncUrl,
    /// Credentials to sign with.
    pub credentials: Credentials,
    /// The breaker of these credentials.
    pub breaker: Breaker,
    /// Keys per request, at least 1.
    pub batch: usize,
    /// Own ceiling in requests per second.
    pub max_rps: Option<f64>,
    /// Requests under way at once, at least 1.
    pub in_flight: usize,
    /// Time for signatures.
    pub clock: Clock,
    /// Randomness of the backoff.
    pub random: Random,
}

#[derive(Debug)]
struct OmsShared {
    client: Client,
    breaker: Breaker,
    batch: usize,
    random: Random,
    queue: Queue,
    rate: RateLimiter,
    forbidden: Forbidden,
    in_flight: Arc<Semaphore>,
    requests: AtomicU64,
    /// Keys in requests that wait for their reply.
    under_way: Gauge,
    stop: Stop,
}

/// Why a request is not sent.
enum Delayed {
    NotPermitted(NoPermit),
    Throttled(Duration),
    /// The program was told to stop.
    Stopped,
}

/// How one request ended.
enum Sent {
    Accepted(Acceptance),
    Failed(Failure),
    /// Some key of the batch is at fault.
    Split,
    /// 403 although the credentials are good.
    Forbidden(Failure),
}

impl OmsEngine {
    /// An engine that sends through `http`, which must not follow redirects.
    pub fn new(http: reqwest::Client, config: OmsConfig) -> Self {
        let OmsConfig { target, credentials, breaker, batch, max_rps, in_flight, clock, random } = config;
        Self(Arc::new(OmsShared {
            client: Client::new(http, target, credentials, clock),
            breaker,
            batch,
            random,
            queue: Queue::default(),
            rate: RateLimiter::new(max_rps),
            forbidden: Forbidden::new(clock),
            in_flight: Arc::new(Semaphore::new(in_flight)),
            requests: AtomicU64::new(0),
            under_way: Gauge::default(),
            stop: Stop::default(),
        }))
    }

    /// Hands over keys. Requests are made in the background until `deadline`.
    pub fn submit<'k>(&self, keys: impl IntoIterator<Item = &'k str>, deadline: Instant) -> Outcomes {
        let (sender, receiver) = mpsc::unbounded_channel();
        let jobs = keys.into_iter().map(|key| Job::new(Arc::new(ObjectChange::of_key(key))));
        self.submit_to(jobs.enumerate(), deadline, &sender);
        Outcomes::new(receiver)
    }

    /// The same for jobs that have an index already, reported through `outcomes`.
    pub(super) fn submit_to(
        &self,
        jobs: impl IntoIterator<Item = (usize, Job)>,
        deadline: Instant,
        outcomes: &OutcomeSender,
    ) {
        let pending = jobs.into_iter().filter_map(|(index, job)| {
            let key = PendingKey::new(index, job.key(), deadline, outcomes);
            if key.encoded.len() <= MAX_ENCODED_KEY {
                return Some(key);
            }
            let why = format!("the encoded key is longer than {MAX_ENCODED_KEY} characters");
            key.finish(Outcome::Failed(failure(FailureClass::Permanent, Attempt::Made, why)));
            None
        });
        if self.0.queue.add(pending) {
            tokio::spawn(Arc::clone(&self.0).flush());
        }
    }

    /// Opens the connection to OMS, so that the first event does not wait for it. Returns the reason if OMS
    /// cannot be reached by `deadline`; any reply counts as reached.
    pub async fn warm(&self, deadline: Instant) -> Option<String> {
        reach("OMS", deadline, self.0.client.warm()).await
    }

    /// Asks for no more requests than those that are under way ([`StopLevel::BeginNothing`]).
    pub(super) fn stop(&self, level: StopLevel) {
        self.0.stop.raise(level);
    }

    /// Keys in requests that wait for their reply.
    pub(super) fn under_way(&self) -> usize {
        self.0.under_way.value()
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Keys per request.
    pub fn batch(&self) -> usize {
        self.0.batch
    }

    /// The sync task's id.
    pub fn task(&self) -> &str {
        self.0.client.task()
    }
}

impl OmsShared {
    /// Sends what is queued, then ends.
    async fn flush(self: Arc<Self>) {
        // Lets every invocation that is ready to run queue its keys first: they share requests, at no waiting
        // time.
        tokio::task::yield_now().await;
        loop {
            // The permit comes first: while all requests are under way the queue fills up, and the next batch
            // is fuller.
            let permit = Arc::clone(&self.in_flight).acquire_owned().await.ok();
            let Some((batch, more)) = self.queue.take(self.batch) else {
                return;
            };
            if !more {
                return self.deliver(batch).await;
            }
            let shared = Arc::clone(&self);
            tokio::spawn(async move {
                shared.deliver(batch).await;
                drop(permit);
            });
        }
    }

    /// Reports an outcome for every key of a batch. A batch with a bad key is halved until that key is alone.
    async fn deliver(&self, batch: Vec<PendingKey>) {
        let mut batches = vec![batch];
        let mut search = None;
        while let Some(mut batch) = batches.pop() {
            let outcome = match self.send(&batch).await {
                Sent::Accepted(acceptance) => {
                    self.forbidden.note_accepted(search.as_mut());
                    Outcome::Accepted(acceptance)
                }
                Sent::Failed(failure) => Outcome::Failed(failure),
                Sent::Split => {
                    halve(batch, &mut batches);
                    continue;
                }
                Sent::Forbidden(failure) => {
                    if batch.len() > 1 && self.searches(&mut search, &batch).await {
                        halve(batch, &mut batches);
                        continue;
                    }
                    let left = batches.iter().map(Vec::len).sum();
                    if let (Some(search), 1) = (&mut search, batch.len())
                        && self.forbidden.note_refused_alone(search, left)
                    {
                        batch.extend(batches.drain(..).flatten());
                    }
                    Outcome::Failed(failure)
                }
            };
            for key in batch {
                key.finish(outcome.clone());
            }
        }
    }

    /// Whether a batch that is forbidden is to be halved.
    async fn searches(&self, search: &mut Option<Search>, batch: &[PendingKey]) -> bool {
        if search.is_none() {
            *search = self.forbidden.search(latest(batch)).await;
        }
        search.is_some()
    }

    /// Tries one request until it is accepted or given up.
    async fn send(&self, batch: &[PendingKey]) -> Sent {
        let body = request_body(batch.iter().map(|key| key.encoded.as_str()));
        let deadline = latest(batch);
        let mut last: Option<Refusal> = None;
        let (mut tries, mut clock_corrected) = (0, false);
        loop {
            // The order matters. The breaker comes first: while the access key is unproven it lets one
            // request through at a time, and the others must not hold slots of the rate limiter while they
            // wait for its result. The slot comes last before sending, so that requests really go out as far
            // apart as their slots. The permit is held until the reply is classified, since the next request
            // may depend on what it says of the key.
            let ready = async {
                let permit = self.breaker.permit(Some(deadline)).await.map_err(Delayed::NotPermitted)?;
                self.rate.slot(deadline).await.map_err(|late| Delayed::Throttled(late.wait))?;
                Ok(permit)
            };
            let ready = tokio::select! {
                biased;
                () = self.stop.reached(StopLevel::BeginNothing) => Err(Delayed::Stopped),
                ready = ready => ready,
            };
            let permit = match ready {
                Ok(permit) => permit,
                Err(Delayed::NotPermitted(why)) => return Sent::Failed(not_permitted(&why, last)),
                Err(Delayed::Throttled(wait)) => return Sent::Failed(throttled(wait, last)),
                Err(Delayed::Stopped) => return Sent::Failed(stopped(last)),
            };
            self.requests.fetch_add(1, Ordering::Relaxed);
            let under_way = self.under_way.add(batch.len());
            let refusal = match self.client.post(body.clone(), deadline).await {
                Ok(request_id) => {
                    permit.answered(SignatureVerdict::Accepted);
                    return Sent::Accepted(Acceptance { request_id, ..Acceptance::default() });
                }
                Err(refusal) => refusal,
            };
            drop(under_way);
            permit.answered(refusal.signature());
            let Refusal { error, verdict, clock_was_wrong, .. } = &refusal;
            tracing::debug!(%error, ?verdict, keys = batch.len(), "OMS did not accept a request");
            let situation = Situation {
                verdict: *verdict,
                clock_was_wrong: *clock_was_wrong,
                clock_corrected,
                key_is_proven: self.breaker.is_proven(),
                keys: batch.len(),
                tries: tries + 1,
                delay: BACKOFF.delay(tries, self.random),
                left: deadline.saturating_duration_since(Instant::now()),
            };
            match situation.next_step() {
                Step::Fail(class) => return Sent::Failed(refused(refusal, class)),
                Step::Split => return Sent::Split,
                Step::Forbidden => return Sent::Forbidden(refused(refusal, FailureClass::Auth)),
                Step::CorrectClock => clock_corrected = true,
                Step::PauseFor(limit) => self.rate.hold_back(Some(limit), Duration::ZERO),
                Step::Pause(delay) => {
                    tries += 1;
                    self.rate.hold_back(None, delay);
                }
                Step::Sleep(delay) => {
                    tries += 1;
                    tokio::select! {
                        () = tokio::time::sleep(delay) => {}
                        () = self.stop.reached(StopLevel::BeginNothing) => {}
                    }
                }
            }
            last = Some(refusal);
        }
    }
}

/// The halves of `batch`, the first one on top.
fn halve(mut batch: Vec<PendingKey>, batches: &mut Vec<Vec<PendingKey>>) {
    let rest = batch.split_off(batch.len() / 2);
    batches.extend([rest, batch]);
}

/// The latest deadline in a batch.
fn latest(batch: &[PendingKey]) -> Instant {
    batch.iter().map(|key| key.deadline).max().unwrap_or_else(Instant::now)
}

fn not_permitted(why: &NoPermit, last: Option<Refusal>) -> Failure {
    match (last, why) {
        (Some(refusal), _) => {
            let class = refusal.verdict.class();
            refused(refusal, class)
        }
        (None, NoPermit::Shut(shut)) => failure(FailureClass::Auth, Attempt::NotMade, shut.to_string()),
        (None, NoPermit::TimeUp) => {
            let why = "not sent: time was up before the access key was proved";
            failure(FailureClass::Transient, Attempt::NotMade, why.to_owned())
        }
    }
}

/// A refusal that was to be tried again stands.
fn stopped(last: Option<Refusal>) -> Failure {
    if let Some(refusal) = last {
        let class = refusal.verdict.class();
        return refused(refusal, class);
    }
    let why = "not sent: the program was told to stop".to_owned();
    failure(FailureClass::Transient, Attempt::NotBegun, why)
}

fn throttled(wait: Duration, last: Option<Refusal>) -> Failure {
    last.map_or_else(
        || {
            let why = format!(
                "not sent: the next request may go in {} ms, after the time budget ends",
                wait.as_millis()
            );
            failure(FailureClass::Throttled, Attempt::NotMade, why)
        },
        |refusal| refused(refusal, FailureClass::Throttled),
    )
}

fn refused(refusal: Refusal, class: FailureClass) -> Failure {
    let Refusal { error, request_id, unreached, .. } = refusal;
    // OMS answers 401 to credentials that it does not know or has locked, 403 to those that lack a right.
    let concern = match class {
        _ if unreached.is_some() => Concern::Network,
        FailureClass::Auth if error.status == Some(401) => Concern::Credentials,
        _ if is_of_another_server(&error) => Concern::OtherServer,
        FailureClass::Auth => Concern::Permission,
        FailureClass::Permanent if is_of_task(&error) => Concern::Settings,
        _ => Concern::Object,
    };
    let (attempt, engine, open, request) = (Attempt::Made, EngineName::Oms, None, None);
    Failure { engine, class, error, request_id, attempt, open, concern, request, unreached }
}

/// A failure without a reply of the service.
fn failure(class: FailureClass, attempt: Attempt, why: String) -> Failure {
    let error = EngineError::local(why);
    let concern = if class == FailureClass::Auth { Concern::Credentials } else { Concern::Object };
    let (engine, request_id, open, request, unreached) = (EngineName::Oms, None, None, None, None);
    Failure { engine, class, error, request_id, attempt, open, concern, request, unreached }
}

#[cfg(test)]
mod tests;
