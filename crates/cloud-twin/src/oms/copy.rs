//! The copying itself: what OMS took goes from the OSS store to the OBS store.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::sleep_until;

use crate::cloud::{Cloud, done};
use crate::dialect::Dialect;
use crate::handle::Objects;
use crate::object::StoredObject;
use crate::observe::TwinEvent;
use crate::store::Overwrite;
use crate::sync_tasks::{CopyJob, CopyResult};

/// Works until the future is dropped. All jobs wait equally long, so the first in the queue is the first due.
pub(crate) async fn copy_all(cloud: Arc<Cloud>, mut queue: mpsc::UnboundedReceiver<CopyJob>) {
    while let Some(job) = queue.recv().await {
        if !cloud.config.copy_delay.is_zero() {
            sleep_until(job.due).await;
        }
        for key in &job.keys {
            let outcome = copy(&cloud, &job, key);
            finish(&cloud, &job, key, outcome);
            done(&cloud, &cloud.sync_tasks.copies_pending);
        }
    }
}

#[derive(Clone, Copy)]
enum CopyOutcome {
    Copied(u64),
    Skipped,
    Failed(&'static str),
}

fn copy(cloud: &Cloud, job: &CopyJob, key: &str) -> CopyOutcome {
    let Some(source) = cloud.oss.bucket(&job.source) else {
        return CopyOutcome::Failed("no such source bucket");
    };
    let Some(destination) = cloud.obs.bucket(&job.destination) else {
        return CopyOutcome::Failed("no such destination bucket");
    };
    let Some(object) = source.get(key) else {
        return CopyOutcome::Failed("no such source object");
    };
    // The default check of a task, by size and time of modification.
    let newer = |copy: &StoredObject| {
        copy.body.len() == object.body.len() && copy.last_modified > object.last_modified
    };
    if destination.get(key).is_some_and(|copy| newer(&copy)) {
        return CopyOutcome::Skipped;
    }
    let copy = Objects { cloud, dialect: Dialect::Obs }.object(object.body.clone(), object.headers.clone());
    match destination.put(key, Arc::new(copy), Overwrite::Allowed) {
        Ok(_) => CopyOutcome::Copied(object.body.len()),
        Err(_) => CopyOutcome::Failed("the destination object exists"),
    }
}

fn finish(cloud: &Cloud, job: &CopyJob, key: &str, outcome: CopyOutcome) {
    let (bucket, key) = (job.destination.clone(), key.to_owned());
    let (result, event) = match outcome {
        CopyOutcome::Copied(size) => (CopyResult::Success(size), TwinEvent::ObjectCopied { bucket, key }),
        CopyOutcome::Skipped => (CopyResult::Skip, TwinEvent::CopySkipped { bucket, key }),
        CopyOutcome::Failed(reason) => {
            (CopyResult::Failure, TwinEvent::CopyFailed { bucket, key, reason: reason.to_owned() })
        }
    };
    if let Some(task) = cloud.sync_tasks.tasks.lock().get_mut(&job.sync_task_id) {
        task.statistics.finished(cloud.now(), result);
    }
    cloud.watchers.emit(|| event);
}
