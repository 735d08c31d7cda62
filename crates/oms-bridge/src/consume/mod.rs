//! A worker on a queue of Amazon SQS: messages in, the same pipeline as everywhere, settled messages deleted.
//!
//! ```text
//! receive ──▶ parse ──▶ pipeline ──▶ accepted, or in the journal ──▶ delete
//!                │          │
//!                │          └─ neither ──▶ give back, later each time
//!                └─ nobody understands it ──▶ left alone, for the queue's redrive policy
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `address` | what the URL of a queue says of where it is |
//! | `queue` | what is asked of SQS |
//! | `error` | why that fails |
//! | `receive` | pollers: long polls, for free slots only |
//! | `load` | messages from their receipt to their deletion; their visibility meanwhile |
//! | `in_flight` | messages in hand, and the latest receipt of each |
//! | `delete` | deletions, ten to a request |
//! | `backoff` | no receipts while nothing can be settled |
//! | `queue_health` | what is said of trouble with the queue |
//! | `stats`, `health` | numbers; `/healthz` and `/metrics` |
//!
//! # Rules
//!
//! - A message is deleted once every key it tells of is accepted by the engine or in the journal, never before. A worker that is
//!   killed loses nothing: what it held comes into sight again and is done by another one. What was done by then is done
//!   twice, which does no harm.
//! - While messages are worked on, they are kept out of sight: their visibility timeout is set anew whenever half of it is
//!   over.
//! - Any number of workers may share a queue, on any number of machines; they need not know of each other.
//! - A receipt is worth something: a queue sets aside what was received too often. What cannot be settled is hidden longer each time,
//!   and while nothing can be settled no messages are received.
//! - Credentials that end are renewed; those that the queue refuses are looked for again before the worker ends of that.
//! - Trouble with the queue is said once, not by each poller and each poll.
//! - A long poll is never cut off. What its answer brings while the worker stops is given back at once.

mod address;
mod backoff;
mod delete;
mod error;
mod health;
mod in_flight;
mod load;
mod queue;
mod receive;
mod stats;
mod queue_health;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use self::address::Address;
use self::backoff::Brake;
use self::delete::Deleter;
pub use self::error::{QueueError, QueueErrorKind};
pub use self::health::{Health, Observed};
use self::in_flight::Held;
pub use self::queue::{About, BATCH, LONGEST_POLL, LONGEST_VISIBILITY, Queue, Redrive};
pub use self::stats::Totals;
use self::stats::{Now, Stats};
use bridge_core::credentials::SourceCredentials;
use bridge_core::pipeline::Pipeline;
use object_events::KeyEncoding;

/// Messages in hand at once, unless told otherwise.
pub const CONCURRENCY: usize = 100;

/// How long received messages are hidden, unless told otherwise.
pub const VISIBILITY: Duration = Duration::from_mins(2);

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Messages in hand at once, at least 1.
    pub concurrency: usize,
    /// How long a message is hidden by its receipt, and by each extension.
    pub visibility: Duration,
    /// How long a poll waits for messages, [`LONGEST_POLL`] at most.
    pub wait: Duration,
    /// When to end.
    pub until: Until,
}

/// When a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When it is told to.
    Stopped,
    /// When a whole poll brings no message, or it is told to.
    Drained,
}

/// A worker. Cheap to clone; clones are one worker.
#[derive(Clone, Debug)]
pub struct Worker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    queue: Queue,
    pipeline: Pipeline,
    credentials: SourceCredentials,
    keys: KeyEncoding,
    options: Options,
    slots: Arc<Semaphore>,
    held: Held,
    deleter: Deleter,
    brake: Brake,
    stats: Arc<Stats>,
}

impl Worker {
    /// A worker that forwards the messages of `queue` through `pipeline`. Needs a runtime, as it starts a task.
    pub fn new(
        queue: Queue,
        pipeline: Pipeline,
        credentials: SourceCredentials,
        keys: KeyEncoding,
        options: Options,
    ) -> Self {
        let options = Options { concurrency: options.concurrency.max(1), ..options };
        let stats = Arc::new(Stats::default());
        Self(Arc::new(Inner {
            deleter: Deleter::start(queue.clone(), Arc::clone(&stats)),
            slots: Arc::new(Semaphore::new(options.concurrency)),
            held: Held::default(),
            brake: Brake::default(),
            queue,
            pipeline,
            credentials,
            keys,
            options,
            stats,
        }))
    }

    /// Works until `stop`, or until the queue is drained if that is wanted. Then what is in hand is finished.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when the queue refuses this worker. What is in hand is finished then, too.
    pub async fn run(&self, stop: impl Future<Output = ()>) -> Result<(), QueueError> {
        let (halt, halted) = watch::channel(false);
        let mut pollers = JoinSet::new();
        for _ in 0..receive::pollers(self.0.options.concurrency) {
            pollers.spawn(receive::poll(Arc::clone(&self.0), halted.clone()));
        }
        let mut refusal = self.0.deleter.refusal();
        let mut ended = Ok(());
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop, if !*halt.borrow() => {
                    halt.send_replace(true);
                    let in_flight = self.0.held.len();
                    tracing::info!(in_flight, "stopping: no more receipts, finishing what is in hand");
                }
                _ = refusal.wait_for(Option::is_some), if !*halt.borrow() => {
                    halt.send_replace(true);
                }
                poller = pollers.join_next() => match poller {
                    None => break,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(error))) => {
                        halt.send_replace(true);
                        ended = ended.and(Err(error));
                    }
                    Some(Err(error)) => tracing::error!(%error, "a poller broke down"),
                }
            }
        }
        let all = u32::try_from(self.0.options.concurrency).unwrap_or(u32::MAX);
        // They are back once every message is settled, given back or left.
        drop(self.0.slots.acquire_many(all).await);
        let refused = refusal.borrow().clone();
        ended.and(refused.map_or(Ok(()), Err))
    }

    /// What was done so far.
    pub fn totals(&self) -> Totals {
        self.0.stats.totals()
    }

    /// The pipeline that it works with.
    pub fn pipeline(&self) -> &Pipeline {
        &self.0.pipeline
    }
}

impl Observed for Worker {
    fn trouble(&self) -> Option<String> {
        self.0.stats.trouble()
    }

    fn metrics(&self) -> String {
        let requests = self.0.pipeline.engine().requests();
        self.0.stats.exposition(Now { in_flight: self.0.held.len(), requests })
    }
}
