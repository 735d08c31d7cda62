//! A worker, from its first poll to its last message.

use std::sync::Arc;

use bridge_core::credentials::SourceCredentials;
use bridge_core::engine::CommonCause;
use bridge_core::pipeline::Pipeline;
use metrics::{Exposition, names};
use object_events::KeyEncoding;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::backoff::ReceiveBackoff;
use super::delete::Deleter;
use super::error::QueueError;
use super::health::Observed;
use super::in_flight::InFlight;
use super::options::Options;
use super::queue::Queue;
use super::receive;
use super::shared::Shared;
use super::stats::{Stats, Totals};

/// A worker. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Worker(Arc<Shared>);

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
        Self(Arc::new(Shared {
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

    /// Runs until `stop`, or until the queue is drained if [`Until::Drained`](crate::Until::Drained). Then
    /// finishes the messages in flight.
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
                    tracing::info!(in_flight, "stopping: receiving no more messages, finishing those in flight; a second signal ends this process now");
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
                    Some(Err(error)) => tracing::error!(%error, "a poller failed"),
                }
            }
        }
        let all = u32::try_from(self.0.options.concurrency).unwrap_or(u32::MAX);
        // All slots are free once each message is acked, nacked or left.
        drop(self.0.slots.acquire_many(all).await);
        let refused = refusal.borrow().clone();
        ended.and(refused.map_or(Ok(()), Err))
    }

    /// The totals so far.
    pub fn totals(&self) -> Totals {
        self.0.stats.totals()
    }

    /// What the keys that failed so far have in common.
    pub fn cause(&self) -> CommonCause {
        self.0.stats.cause()
    }

    /// Its pipeline.
    pub fn pipeline(&self) -> &Pipeline {
        &self.0.pipeline
    }
}

impl Observed for Worker {
    fn trouble(&self) -> Option<String> {
        self.0.stats.trouble()
    }

    fn metrics(&self) -> String {
        let mut metrics = Exposition::default();
        metrics.add_of(&names::BUILD_INFO, [env!("CARGO_PKG_VERSION")], 1_u64);
        self.0.stats.expose(self.0.in_flight.len(), &mut metrics);
        self.0.pipeline.expose(&mut metrics);
        metrics.into_text()
    }
}
