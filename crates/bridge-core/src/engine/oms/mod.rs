//! The OMS engine: keys in, signed requests out, one outcome per key.
//!
//! A key waits in a queue for a moment, so that changes which arrive together share a request
//! ([`OmsEngine::submit`]); up to [`IN_FLIGHT`] requests run at once, each in a task of its own that outlives the
//! caller. A request is tried until it is settled: the [breaker](crate::breaker) gives leave, the pace gives a slot, `reply` says
//! what the answer means. A batch that is refused for some key of it (400, 413) is halved until that key stands alone; `forbidden`
//! says when a 403 counts as such.
//!
//! API: `CreateSyncEvents`, <https://support.huaweicloud.com/intl/en-us/api-oms/CreateSyncEvents.html>.

mod forbidden;
mod pace;
mod preview;
mod queue;
pub(crate) mod reply;
pub(crate) mod request;
mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apig_signer::Credentials;
use oss_lite::SignatureVerdict;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use self::forbidden::{Forbidden, Search};
use self::pace::Pace;
use self::queue::{Queue, Waiting};
use self::reply::{Verdict, classify};
use self::request::Refusal;
use super::{Acceptance, EngineName, Failure, Job, Outcome, Outcomes};
use crate::breaker::{Breaker, NoPermit};
use crate::warm::reach;
use object_copy::backoff::{Backoff, Random};
use object_copy::clock::{Clock, Offset};
use object_copy::outcome::{Attempt, EngineError, FailureClass};
use object_events::change::ObjectChange;

pub use self::preview::{Preview, preview};
pub use self::target::{BadSyncUrl, SyncUrl};

/// How many requests one process has under way at once, unless it is told otherwise.
pub const IN_FLIGHT: usize = 16;

/// How often one request is sent before its keys go to the journal. Waits that a 429 states are not counted.
const TRIES: u32 = 6;

const BACKOFF: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(10) };

/// Longest encoded key that OMS takes.
const MAX_ENCODED_KEY: usize = 16_384;

/// Forwards keys to one OMS sync task. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct OmsEngine(Arc<Shared>);

/// What an [`OmsEngine`] is made of.
#[derive(Debug)]
pub struct OmsConfig {
    /// Where to send.
    pub target: SyncUrl,
    /// What to sign with.
    pub credentials: Credentials,
    /// Theirs.
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
struct Shared {
    config: OmsConfig,
    http: reqwest::Client,
    queue: Queue,
    pace: Pace,
    forbidden: Forbidden,
    in_flight: Arc<Semaphore>,
    clock_offset: Offset,
    requests: AtomicU64,
}

enum Settled {
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
        Self(Arc::new(Shared {
            queue: Queue::default(),
            pace: Pace::new(config.max_rps),
            in_flight: Arc::new(Semaphore::new(config.in_flight)),
            forbidden: Forbidden::new(config.clock),
            clock_offset: Offset::default(),
            requests: AtomicU64::new(0),
            http,
            config,
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
        outcomes: &mpsc::UnboundedSender<(usize, Outcome)>,
    ) {
        let waiting = jobs.into_iter().filter_map(|(index, job)| {
            let waiting = Waiting::new(index, job.key(), deadline, outcomes);
            if waiting.encoded.len() <= MAX_ENCODED_KEY {
                return Some(waiting);
            }
            let why = format!("the encoded key is longer than {MAX_ENCODED_KEY} characters");
            waiting.settle(Outcome::Failed(failure(FailureClass::Permanent, Attempt::Made, why)));
            None
        });
        if self.0.queue.add(waiting) {
            tokio::spawn(Arc::clone(&self.0).flush());
        }
    }

    /// Opens the connection to OMS, so that the first event does not wait for it. Says if OMS cannot be reached by `deadline`,
    /// and why; any reply counts as reached.
    pub async fn warm(&self, deadline: Instant) -> Option<String> {
        reach("OMS", deadline, self.0.warm()).await
    }

    /// Requests sent so far.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Ordering::Relaxed)
    }

    /// Keys per request.
    pub fn batch(&self) -> usize {
        self.0.config.batch
    }

    /// The sync task's id.
    pub fn task(&self) -> &str {
        self.0.config.target.task()
    }
}

impl Shared {
    /// Sends what is queued, then ends.
    async fn flush(self: Arc<Self>) {
        // Lets every invocation that is ready to run queue its keys first: they share requests, at no waiting time.
        tokio::task::yield_now().await;
        loop {
            // The permit comes first: while all requests are under way the queue fills up, and the next batch is fuller.
            let permit = Arc::clone(&self.in_flight).acquire_owned().await.ok();
            let Some((batch, more)) = self.queue.take(self.config.batch) else {
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

    /// Settles every key of a batch. A batch with a bad key is halved until the key stands alone.
    async fn deliver(&self, batch: Vec<Waiting>) {
        let mut batches = vec![batch];
        let mut search = None;
        while let Some(mut batch) = batches.pop() {
            let outcome = match self.settle(&batch).await {
                Settled::Accepted(acceptance) => {
                    self.forbidden.accepted(search.as_mut());
                    Outcome::Accepted(acceptance)
                }
                Settled::Failed(failure) => Outcome::Failed(failure),
                Settled::Split => {
                    halve(batch, &mut batches);
                    continue;
                }
                Settled::Forbidden(failure) => {
                    if batch.len() > 1 && self.searches(&mut search, &batch).await {
                        halve(batch, &mut batches);
                        continue;
                    }
                    let left = batches.iter().map(Vec::len).sum();
                    if let (Some(search), 1) = (&mut search, batch.len())
                        && self.forbidden.refused_alone(search, left)
                    {
                        batch.extend(batches.drain(..).flatten());
                    }
                    Outcome::Failed(failure)
                }
            };
            for waiting in batch {
                waiting.settle(outcome.clone());
            }
        }
    }

    /// Whether a batch that is forbidden is to be halved.
    async fn searches(&self, search: &mut Option<Search>, batch: &[Waiting]) -> bool {
        if search.is_none() {
            *search = self.forbidden.search(latest(batch)).await;
        }
        search.is_some()
    }

    /// Tries one request until it is accepted or given up.
    async fn settle(&self, batch: &[Waiting]) -> Settled {
        let body = request::body(batch.iter().map(|waiting| waiting.encoded.as_str()));
        let deadline = latest(batch);
        let mut last: Option<Refusal> = None;
        let (mut tries, mut clock_corrected) = (0, false);
        loop {
            let permit = match self.config.breaker.permit(Some(deadline)).await {
                Ok(permit) => permit,
                Err(why) => return Settled::Failed(not_permitted(&why, last)),
            };
            if let Err(late) = self.pace.slot(deadline).await {
                return Settled::Failed(throttled(late.wait, last));
            }
            self.requests.fetch_add(1, Ordering::Relaxed);
            let signed = self.clock_offset.apply((self.config.clock)());
            let refusal = match self.post(body.clone(), deadline).await {
                Ok(acceptance) => {
                    permit.answered(SignatureVerdict::Accepted);
                    return Settled::Accepted(acceptance);
                }
                Err(refusal) => refusal,
            };
            let verdict = classify(&refusal.error);
            let learns = |theirs| self.clock_offset.learn(theirs, signed, (self.config.clock)());
            let by_clock = verdict == Verdict::Unauthorized && refusal.date.is_some_and(learns);
            // Requests that were under way with a wrong time when it was learnt say nothing of the secret.
            permit.answered(if by_clock {
                SignatureVerdict::Unknown
            } else {
                reply::of_signature(&refusal.error)
            });
            tracing::debug!(error = %refusal.error, ?verdict, keys = batch.len(), "OMS did not accept a request");
            match verdict {
                Verdict::Fail(class) => return Settled::Failed(refusal.into_failure(class)),
                Verdict::Split if batch.len() > 1 => return Settled::Split,
                Verdict::Split => return Settled::Failed(refusal.into_failure(FailureClass::Permanent)),
                Verdict::Forbidden if self.config.breaker.is_proven() => {
                    return Settled::Forbidden(refusal.into_failure(FailureClass::Auth));
                }
                Verdict::Forbidden | Verdict::Locked => {
                    return Settled::Failed(refusal.into_failure(FailureClass::Auth));
                }
                // Once more with the right time. Without one, the same signature would only be refused again.
                Verdict::Unauthorized if by_clock && !clock_corrected => clock_corrected = true,
                Verdict::Unauthorized => return Settled::Failed(refusal.into_failure(FailureClass::Auth)),
                Verdict::Throttled(Some(stated)) => self.pace.throttled(Some(stated), Duration::ZERO),
                Verdict::Throttled(None) | Verdict::Retry => {
                    let delay = BACKOFF.delay(tries, self.config.random);
                    tries += 1;
                    let class = verdict.class();
                    if tries >= TRIES || Instant::now() + delay >= deadline {
                        return Settled::Failed(refusal.into_failure(class));
                    }
                    if class == FailureClass::Throttled {
                        self.pace.throttled(None, delay);
                    } else {
                        tokio::time::sleep(delay).await;
                    }
                }
            }
            last = Some(refusal);
        }
    }
}

/// The halves of `batch`, the first one on top.
fn halve(mut batch: Vec<Waiting>, batches: &mut Vec<Vec<Waiting>>) {
    let rest = batch.split_off(batch.len() / 2);
    batches.extend([rest, batch]);
}

/// When the last of a batch must be settled.
fn latest(batch: &[Waiting]) -> Instant {
    batch.iter().map(|waiting| waiting.deadline).max().unwrap_or_else(Instant::now)
}

fn not_permitted(why: &NoPermit, last: Option<Refusal>) -> Failure {
    match (last, why) {
        (Some(refusal), _) => {
            let class = classify(&refusal.error).class();
            refusal.into_failure(class)
        }
        (None, NoPermit::Shut(shut)) => failure(FailureClass::Auth, Attempt::NotMade, shut.to_string()),
        (None, NoPermit::TimeUp) => {
            let why = "not sent: time was up before it was known whether the access key is good";
            failure(FailureClass::Transient, Attempt::NotMade, why.to_owned())
        }
    }
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
        |refusal| refusal.into_failure(FailureClass::Throttled),
    )
}

/// A failure that no reply stands behind.
fn failure(class: FailureClass, attempt: Attempt, why: String) -> Failure {
    let error = EngineError::local(why);
    Failure { engine: EngineName::Oms, class, error, request_id: None, attempt, open: None }
}

#[cfg(test)]
mod tests;
