//! The OMS engine: keys in, signed requests out, one outcome per key.
//!
//! A key waits in a queue for a moment, so that changes which arrive together share a request
//! ([`OmsEngine::submit`]); up to [`IN_FLIGHT`] requests run at once, each in a task of its own that outlives the
//! caller. A request is tried until it is settled: the breaker gives leave, the pace gives a slot, `reply` says
//! what the answer means.
//!
//! API: `CreateSyncEvents`, <https://support.huaweicloud.com/intl/en-us/api-oms/CreateSyncEvents.html>.

mod breaker;
mod pace;
mod preview;
mod queue;
pub(crate) mod reply;
pub(crate) mod request;
mod target;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use apig_signer::Credentials;
use chrono::{SecondsFormat, TimeDelta};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use self::breaker::Breaker;
use self::pace::Pace;
use self::queue::{Queue, Waiting};
use self::reply::{Verdict, classify};
use self::request::Refusal;
use super::backoff::{Backoff, Random};
use super::{Acceptance, Attempt, EngineError, EngineName, Failure, FailureClass, Job, Outcome, Outcomes};
use crate::change::ObjectChange;
use crate::clock::Clock;
use crate::warm::reach;

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
    breaker: Breaker,
    pace: Pace,
    in_flight: Arc<Semaphore>,
    /// Seconds that the service's clock is ahead of ours, once it mattered.
    clock_offset: AtomicI64,
    requests: AtomicU64,
}

enum Settled {
    Accepted(Acceptance),
    Failed(Failure),
    Split,
}

impl OmsEngine {
    /// An engine that sends through `http`, which must not follow redirects.
    pub fn new(http: reqwest::Client, config: OmsConfig) -> Self {
        Self(Arc::new(Shared {
            queue: Queue::default(),
            breaker: Breaker::new(),
            pace: Pace::new(config.max_rps),
            in_flight: Arc::new(Semaphore::new(config.in_flight)),
            clock_offset: AtomicI64::new(0),
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

    /// Settles every key of a batch. A batch that OMS calls bad is halved until the bad key stands alone.
    async fn deliver(&self, batch: Vec<Waiting>) {
        let mut batches = vec![batch];
        while let Some(mut batch) = batches.pop() {
            let outcome = match self.settle(&batch).await {
                Settled::Split => {
                    let rest = batch.split_off(batch.len() / 2);
                    batches.extend([rest, batch]);
                    continue;
                }
                Settled::Accepted(acceptance) => Outcome::Accepted(acceptance),
                Settled::Failed(failure) => Outcome::Failed(failure),
            };
            for waiting in batch {
                waiting.settle(outcome.clone());
            }
        }
    }

    /// Tries one request until it is accepted or given up.
    async fn settle(&self, batch: &[Waiting]) -> Settled {
        let body = request::body(batch.iter().map(|waiting| waiting.encoded.as_str()));
        let Some(deadline) = batch.iter().map(|waiting| waiting.deadline).max() else {
            return Settled::Accepted(Acceptance::default());
        };
        let mut last: Option<Refusal> = None;
        let mut tries = 0;
        loop {
            let leave = match self.breaker.leave().await {
                Ok(leave) => leave,
                Err(refused) => return Settled::Failed(self.not_sent(refused.until, last)),
            };
            if let Err(late) = self.pace.slot(deadline).await {
                return Settled::Failed(throttled(late.wait, last));
            }
            self.requests.fetch_add(1, Ordering::Relaxed);
            let refusal = match self.post(body.clone(), deadline).await {
                Ok(acceptance) => {
                    self.breaker.proved();
                    return Settled::Accepted(acceptance);
                }
                Err(refusal) => refusal,
            };
            let verdict = classify(&refusal.error);
            if !matches!(verdict, Verdict::Unauthorized | Verdict::Locked) && refusal.error.status.is_some() {
                self.breaker.proved();
            }
            tracing::debug!(error = %refusal.error, ?verdict, keys = batch.len(), "OMS did not accept a request");
            match verdict {
                Verdict::Fail(class) => return Settled::Failed(refusal.into_failure(class)),
                Verdict::Split if batch.len() > 1 => return Settled::Split,
                Verdict::Split => return Settled::Failed(refusal.into_failure(FailureClass::Permanent)),
                Verdict::Unauthorized => {
                    self.correct_clock(&refusal);
                    if !self.breaker.refused() {
                        return Settled::Failed(refusal.into_failure(FailureClass::Auth));
                    }
                }
                Verdict::Locked => {
                    self.breaker.locked();
                    return Settled::Failed(refusal.into_failure(FailureClass::Auth));
                }
                Verdict::Throttled(Some(stated)) => self.pace.throttled(Some(stated), Duration::ZERO),
                Verdict::Throttled(None) | Verdict::Retry => {
                    let delay = BACKOFF.delay(tries, self.config.random);
                    tries += 1;
                    let class = match verdict {
                        Verdict::Retry => FailureClass::Transient,
                        _ => FailureClass::Throttled,
                    };
                    if tries >= TRIES || Instant::now() + delay >= deadline {
                        return Settled::Failed(refusal.into_failure(class));
                    }
                    drop(leave);
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

    /// Takes over the service's clock when ours is so far off that signatures are refused for it.
    fn correct_clock(&self, refusal: &Refusal) {
        const TOLERATED: TimeDelta = TimeDelta::minutes(5);
        let Some(date) = refusal.date else { return };
        let offset = date - (self.config.clock)();
        if offset.abs() > TOLERATED {
            tracing::warn!(
                seconds = offset.num_seconds(),
                "this machine's clock is off; signing with the service's time"
            );
            self.clock_offset.store(offset.num_seconds(), Ordering::Relaxed);
        }
    }

    fn not_sent(&self, until: Instant, last: Option<Refusal>) -> Failure {
        last.map_or_else(
            || {
                let resumes = (self.config.clock)()
                    + TimeDelta::from_std(until.saturating_duration_since(Instant::now()))
                        .unwrap_or_default();
                let why = format!(
                    "not sent: Huawei refused HW_AK/HW_SK a moment ago; sending resumes at {}",
                    resumes.to_rfc3339_opts(SecondsFormat::Secs, true)
                );
                failure(FailureClass::Auth, Attempt::NotMade, why)
            },
            |refusal| refusal.into_failure(FailureClass::Auth),
        )
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
