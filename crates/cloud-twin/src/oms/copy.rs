//! The copying itself: what OMS took goes from the OSS store to the OBS store.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::statistics::Settled;
use crate::TwinEvent;
use crate::handle::Objects;
use crate::objects::Dialect;
use crate::state::{Inner, done};
use crate::store::Overwrite;
use crate::sync::lock;

/// A batch that was accepted.
#[derive(Debug)]
pub(crate) struct CopyJob {
    pub(crate) sync_task_id: String,
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) keys: Vec<String>,
    pub(crate) due: Instant,
}

/// Works until the future is dropped. All jobs wait equally long, so the first in the queue is the first due.
pub(crate) async fn copy_all(inner: Arc<Inner>, mut queue: mpsc::UnboundedReceiver<CopyJob>) {
    while let Some(job) = queue.recv().await {
        if !inner.config.copy_delay.is_zero() {
            sleep_until(job.due).await;
        }
        for key in &job.keys {
            let outcome = copy(&inner, &job, key);
            settle(&inner, &job, key, outcome);
            done(&inner, &inner.oms.copies_pending);
        }
    }
}

#[derive(Clone, Copy)]
enum Outcome {
    Copied(u64),
    Skipped,
    Failed(&'static str),
}

fn copy(inner: &Inner, job: &CopyJob, key: &str) -> Outcome {
    let Some(source) = inner.oss.bucket(&job.source) else {
        return Outcome::Failed("no such source bucket");
    };
    let Some(destination) = inner.obs.bucket(&job.destination) else {
        return Outcome::Failed("no such destination bucket");
    };
    let Some(object) = source.get(key) else {
        return Outcome::Failed("no such source object");
    };
    // The default check of a task, by size and time of modification.
    let newer = |copy: &crate::StoredObject| {
        copy.body.len() == object.body.len() && copy.last_modified > object.last_modified
    };
    if destination.get(key).is_some_and(|copy| newer(&copy)) {
        return Outcome::Skipped;
    }
    let copy = Objects { inner, dialect: Dialect::Obs }.object(object.body.clone(), object.headers.clone());
    match destination.put(key, Arc::new(copy), Overwrite::Allowed) {
        Ok(_) => Outcome::Copied(object.body.len()),
        Err(_) => Outcome::Failed("the destination object exists"),
    }
}

fn settle(inner: &Inner, job: &CopyJob, key: &str, outcome: Outcome) {
    let (bucket, key) = (job.destination.clone(), key.to_owned());
    let (result, event) = match outcome {
        Outcome::Copied(size) => (Settled::Success(size), TwinEvent::ObjectCopied { bucket, key }),
        Outcome::Skipped => (Settled::Skip, TwinEvent::CopySkipped { bucket, key }),
        Outcome::Failed(reason) => {
            (Settled::Failure, TwinEvent::CopyFailed { bucket, key, reason: reason.to_owned() })
        }
    };
    if let Some(task) = lock(&inner.oms.tasks).get_mut(&job.sync_task_id) {
        task.statistics.settled(inner.now(), result);
    }
    inner.emit(|| event);
}
