//! A worker on an Amazon SQS queue: receives messages, runs them through the usual pipeline, and deletes
//! (acks) what is done.
//!
//! ```text
//! receive ──▶ parse ──▶ pipeline ──▶ accepted, or in the journal ──▶ delete
//!                │          │
//!                │          └─ neither ──▶ nack: visible again, after a longer delay each time
//!                └─ unreadable ──▶ left alone, for the queue's redrive policy to dead-letter
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `address` | region and endpoint from the URL of a queue |
//! | `queue` | requests to SQS |
//! | `error` | why they fail |
//! | `receive` | pollers: long polls, for free slots only |
//! | `load` | messages from receipt to ack or nack; extends their visibility meanwhile |
//! | `in_flight` | messages in flight, and the latest receipt of each |
//! | `delete` | deletions, ten to a request |
//! | `backoff` | stops receiving while nothing can be acked |
//! | `queue_health` | logs trouble with the queue once; whether the worker is healthy |
//! | `stats`, `health` | metrics; `/healthz` and `/metrics` |
//!
//! # Rules
//!
//! - A message is acked (deleted) once each of its keys is accepted by the engine or in the journal, never
//!   before. A killed worker loses nothing: its messages become visible again and another worker processes
//!   them. Keys that were done by then are done twice, which does no harm.
//! - While messages are processed they stay invisible: their visibility timeout is extended whenever half of
//!   it is over.
//! - Any number of workers may share a queue, on any number of machines, without coordination.
//! - Receives are limited: a queue dead-letters a message that was received too often. So a nacked message
//!   stays invisible longer each time, and while nothing can be acked no messages are received.
//! - Expired credentials are renewed; if the queue refuses credentials, others are looked for once before the
//!   worker ends.
//! - Trouble with the queue is logged once, not by each poller and each poll.
//! - A long poll is never cut off. Messages that it returns while the worker stops are released at once.

mod address;
mod backoff;
mod delete;
mod error;
mod health;
mod in_flight;
mod load;
mod queue;
mod queue_health;
mod receive;
mod stats;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

pub use self::address::Address;
use self::backoff::ReceiveBackoff;
use self::delete::Deleter;
pub use self::error::{QueueError, QueueErrorKind};
pub use self::health::{Health, Observed};
use self::in_flight::InFlight;
pub use self::queue::{About, BATCH, LONGEST_POLL, LONGEST_VISIBILITY, Queue, Redrive};
pub use self::stats::Totals;
use self::stats::{Now, Stats};
use bridge_core::credentials::SourceCredentials;
use bridge_core::pipeline::Pipeline;
use object_events::KeyEncoding;

/// Messages in flight at once by default.
pub const CONCURRENCY: usize = 100;

/// Visibility timeout of received messages by default.
pub const VISIBILITY: Duration = Duration::from_mins(2);

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Messages in flight at once, at least 1.
    pub concurrency: usize,
    /// Visibility timeout, set when a message is received and with each extension.
    pub visibility: Duration,
    /// How long a poll waits for messages, [`LONGEST_POLL`] at most.
    pub wait: Duration,
    /// When to end.
    pub until: Until,
}

/// When a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When it is stopped.
    Stopped,
    /// When a whole poll brings no message, or it is stopped.
    Drained,
}

/// A worker. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Worker(Arc<WorkerInner>);

#[derive(Debug)]
struct WorkerInner {
    queue: Queue,
    pipeline: Pipeline,
    credentials: SourceCredentials,
    keys: KeyEncoding,
    options: Options,
    slots: Arc<Semaphore>,
    in_flight: InFlight,
    deleter: Deleter,
    receive_backoff: ReceiveBackoff,
    stats: Arc<Stats>,
}

impl Worker {
    /// A worker that forwards the messages of `queue` through `pipeline`. Needs a runtime, as it starts a
    /// task.
    pub fn new(
        queue: Queue,
        pipeline: Pipeline,
        credentials: SourceCredentials,
        keys: KeyEncoding,
        options: Options,
    ) -> Self {
        let options = Options { concurrency: options.concurrency.max(1), ..options };
        let stats = Arc::new(Stats::default());
        Self(Arc::new(WorkerInner {
            deleter: Deleter::start(queue.clone(), Arc::clone(&stats)),
            slots: Arc::new(Semaphore::new(options.concurrency)),
            in_flight: InFlight::default(),
            receive_backoff: ReceiveBackoff::default(),
            queue,
            pipeline,
            credentials,
            keys,
            options,
            stats,
        }))
    }

    /// Works until `stop`, or until the queue is drained if [`Until::Drained`]. Then finishes the messages in
    /// flight.
    ///
    /// # Errors
    ///
    /// [`QueueError`] when the queue refuses this worker. Messages in flight are finished then, too.
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
                    let in_flight = self.0.in_flight.len();
                    tracing::info!(in_flight, "stopping: receiving no more messages, finishing those in flight");
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
        // All slots are free once each message is acked, nacked or left.
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
        self.0.stats.exposition(Now { in_flight: self.0.in_flight.len(), requests })
    }
}
