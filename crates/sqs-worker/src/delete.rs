//! Acks messages: deletes them, up to ten per request, also across runs that end at the same moment.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use super::error::{QueueError, QueueErrorKind};
use super::queue::{BATCH, Queue};
use super::stats::Stats;
use oss_lite::Backoff;

/// Requests under way at once.
const IN_FLIGHT: usize = 8;

/// Tries for one message. A message that is not deleted is delivered again.
const TRIES: u32 = 4;

const BACKOFF: Backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(5) };

/// Hands messages to the task that deletes them. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Deleter {
    entries: mpsc::UnboundedSender<DeleteRequest>,
    refusal: watch::Receiver<Option<QueueError>>,
}

#[derive(Debug)]
struct DeleteRequest {
    receipt: String,
    done: oneshot::Sender<()>,
}

impl Deleter {
    /// Starts the task; it ends with the last clone.
    pub(super) fn start(queue: Queue, stats: Arc<Stats>) -> Self {
        let (sender, mut entries) = mpsc::unbounded_channel();
        let (refused, refusal) = watch::channel(None);
        let refused = Arc::new(refused);
        tokio::spawn(async move {
            let slots = Arc::new(Semaphore::new(IN_FLIGHT));
            while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
                let mut batch = Vec::with_capacity(BATCH);
                if entries.recv_many(&mut batch, BATCH).await == 0 {
                    break;
                }
                let (queue, stats, refused) = (queue.clone(), Arc::clone(&stats), Arc::clone(&refused));
                tokio::spawn(async move {
                    if let Err(error) = delete(&queue, batch, &stats).await {
                        refused.send_replace(Some(error));
                    }
                    drop(slot);
                });
            }
        });
        Self { entries: sender, refusal }
    }

    /// The error with which the queue refuses this worker's deletions, if it does. Without deletions every
    /// message is redelivered again and again.
    pub(super) fn refusal(&self) -> watch::Receiver<Option<QueueError>> {
        self.refusal.clone()
    }

    /// Deletes messages by their receipts. Returns when that is done, or has failed for good.
    pub(super) async fn delete(&self, receipts: Vec<String>) {
        let send = |receipt| {
            let (done, waiting) = oneshot::channel();
            // The task ends only after the last clone of this sender.
            let _ = self.entries.send(DeleteRequest { receipt, done });
            waiting
        };
        let waiting: Vec<_> = receipts.into_iter().map(send).collect();
        for done in waiting {
            let _ = done.await;
        }
    }
}

async fn delete(queue: &Queue, mut batch: Vec<DeleteRequest>, stats: &Stats) -> Result<(), QueueError> {
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(BACKOFF.delay(attempt, fastrand::f64)).await;
        }
        let receipts: Vec<_> = batch.iter().map(|entry| entry.receipt.clone()).collect();
        let refused = match queue.delete(&receipts).await {
            Ok(refused) => refused,
            Err(error) => {
                stats.queue_failed(&error, batch.len(), "processed messages could not be deleted");
                if error.kind() == QueueErrorKind::Transient {
                    continue;
                }
                stats.not_deleted.add(batch.len());
                return Err(error);
            }
        };
        let before = batch.len();
        let mut again = Vec::new();
        for (index, entry) in batch.into_iter().enumerate() {
            match refused.iter().find(|refused| refused.index == index) {
                None => {
                    stats.deleted.add(1);
                    let _ = entry.done.send(());
                }
                Some(refused) if refused.error.kind() == QueueErrorKind::Transient => again.push(entry),
                Some(refused) => {
                    stats.not_deleted.add(1);
                    tracing::warn!(error = %refused.error, "a processed message could not be deleted");
                }
            }
        }
        batch = again;
        if batch.is_empty() {
            return Ok(());
        }
        tracing::debug!(messages = batch.len(), of = before, "deleting again");
    }
    stats.not_deleted.add(batch.len());
    Ok(())
}
