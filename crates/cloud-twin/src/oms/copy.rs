//! The copying itself: what OMS took goes from the store of the source to the OBS store.

use std::sync::Arc;

use http::HeaderMap;
use tokio::sync::mpsc;
use tokio::time::sleep_until;

use crate::cloud::{Cloud, done};
use crate::dialect::Dialect;
use crate::faults::{FaultAction, Probe, Stage};
use crate::handle::Objects;
use crate::migration_tasks::ObjectOverwrite;
use crate::object::StoredObject;
use crate::observe::TwinEvent;
use crate::service::Service;
use crate::store::Overwrite;
use crate::sync_tasks::{CopyJob, CopyResult};

/// Works until the future is dropped. All jobs wait equally long, so the first in the queue is the first due.
pub(crate) async fn copy_all(cloud: Arc<Cloud>, mut queue: mpsc::UnboundedReceiver<CopyJob>) {
    while let Some(job) = queue.recv().await {
        if !cloud.config.copy_delay.is_zero() {
            sleep_until(job.due).await;
        }
        for key in &job.keys {
            let copy = ObjectCopy {
                source: Dialect::Oss,
                source_bucket: &job.source,
                source_key: key,
                destination_bucket: &job.destination,
                destination_key: key,
                // The default check of a task.
                overwrite: ObjectOverwrite::BySizeAndTime,
            };
            let outcome = copy.make(&cloud);
            copy.announce(&cloud, &outcome);
            finish(&cloud, &job.sync_task_id, &outcome);
            done(&cloud, &cloud.sync_tasks.copies_pending);
        }
    }
}

#[derive(Clone)]
pub(super) enum CopyOutcome {
    Copied(u64),
    Skipped(u64),
    Failed(String),
}

/// One object to copy.
pub(super) struct ObjectCopy<'a> {
    pub(super) source: Dialect,
    pub(super) source_bucket: &'a str,
    pub(super) source_key: &'a str,
    pub(super) destination_bucket: &'a str,
    pub(super) destination_key: &'a str,
    pub(super) overwrite: ObjectOverwrite,
}

impl ObjectCopy<'_> {
    pub(super) fn make(&self, cloud: &Cloud) -> CopyOutcome {
        let failed = |reason: &str| CopyOutcome::Failed(reason.to_owned());
        if let Some(reason) = self.fault(cloud) {
            return CopyOutcome::Failed(reason);
        }
        let Some(source) = cloud.store(self.source).bucket(self.source_bucket) else {
            return failed("no such source bucket");
        };
        let Some(destination) = cloud.obs.bucket(self.destination_bucket) else {
            return failed("no such destination bucket");
        };
        let Some(object) = source.get(self.source_key) else {
            return failed("no such source object");
        };
        if destination.get(self.destination_key).is_some_and(|copy| self.keeps(&object, &copy)) {
            return CopyOutcome::Skipped(object.body.len());
        }
        let copy =
            Objects { cloud, dialect: Dialect::Obs }.object(object.body.clone(), object.headers.clone());
        match destination.put(self.destination_key, Arc::new(copy), Overwrite::Allowed) {
            Ok(_) => CopyOutcome::Copied(object.body.len()),
            Err(_) => failed("the destination object exists"),
        }
    }

    /// Whether an object that is there already stays as it is.
    fn keeps(&self, object: &StoredObject, copy: &StoredObject) -> bool {
        match self.overwrite {
            ObjectOverwrite::Never => true,
            ObjectOverwrite::Always => false,
            ObjectOverwrite::ByCrc64 if object.crc64.is_some() && copy.crc64.is_some() => {
                copy.crc64 == object.crc64
            }
            ObjectOverwrite::ByCrc64 | ObjectOverwrite::BySizeAndTime => {
                copy.body.len() == object.body.len() && copy.last_modified > object.last_modified
            }
        }
    }

    /// The reason for which it fails on order.
    fn fault(&self, cloud: &Cloud) -> Option<String> {
        let probe = Probe {
            stage: Stage::Copy,
            service: Service::Oms,
            method: "",
            path: "",
            keys: &[self.source_key.to_owned()],
            headers: &HeaderMap::new(),
        };
        match cloud.pick_fault(&probe) {
            Some((_, FaultAction::FailCopy { reason })) => Some(reason),
            _ => None,
        }
    }

    pub(super) fn announce(&self, cloud: &Cloud, outcome: &CopyOutcome) {
        let (bucket, key) = (self.destination_bucket.to_owned(), self.destination_key.to_owned());
        cloud.watchers.emit(|| match outcome {
            CopyOutcome::Copied(_) => TwinEvent::ObjectCopied { bucket, key },
            CopyOutcome::Skipped(_) => TwinEvent::CopySkipped { bucket, key },
            CopyOutcome::Failed(reason) => TwinEvent::CopyFailed { bucket, key, reason: reason.clone() },
        });
    }
}

fn finish(cloud: &Cloud, sync_task_id: &str, outcome: &CopyOutcome) {
    let result = match outcome {
        CopyOutcome::Copied(size) => CopyResult::Success(*size),
        CopyOutcome::Skipped(_) => CopyResult::Skip,
        CopyOutcome::Failed(_) => CopyResult::Failure,
    };
    if let Some(task) = cloud.sync_tasks.tasks.lock().get_mut(sync_task_id) {
        task.statistics.finished(cloud.now(), result);
    }
}
