//! The sync tasks of OMS: what they are, how they stand, what was posted to them.

mod statistics;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicUsize;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::Instant;

pub(crate) use self::statistics::{CopyResult, Series, Statistics};

/// The one project of a twin.
pub(crate) const PROJECT_ID: &str = "f697f813554a4f05bac882a183b20878";

/// Whether a sync task takes events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SyncTaskStatus {
    /// Takes and copies keys.
    Synchronizing,
    /// Refuses events.
    Stopped,
}

#[derive(Debug)]
pub(crate) struct SyncTask {
    pub(crate) source_bucket: String,
    pub(crate) destination_bucket: String,
    pub(crate) status: SyncTaskStatus,
    pub(crate) statistics: Statistics,
    pub(crate) created: DateTime<Utc>,
    pub(crate) started: DateTime<Utc>,
}

/// Names a sync task in URLs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SyncTaskHandle {
    /// Project the task belongs to.
    pub project_id: String,
    /// The task.
    pub sync_task_id: String,
}

/// A request for events that OMS authenticated, whether taken or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OmsBatch {
    /// When it came.
    pub time: DateTime<Utc>,
    /// Task it was posted to.
    pub sync_task_id: String,
    /// Keys, decoded; those that cannot be decoded as they came.
    pub keys: Vec<String>,
    /// HTTP status of the answer.
    pub status: u16,
}

/// A batch that was accepted.
#[derive(Debug)]
pub(crate) struct CopyJob {
    pub(crate) sync_task_id: String,
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) keys: Vec<String>,
    pub(crate) due: Instant,
}

/// All sync tasks of a twin.
#[derive(Debug)]
pub(crate) struct SyncTasks {
    pub(crate) tasks: Mutex<BTreeMap<String, SyncTask>>,
    pub(crate) accepted: Mutex<HashMap<String, u64>>,
    pub(crate) batches: Mutex<Vec<OmsBatch>>,
    pub(crate) queue: mpsc::UnboundedSender<CopyJob>,
    pub(crate) copies_pending: AtomicUsize,
}

impl SyncTasks {
    pub(crate) fn new(queue: mpsc::UnboundedSender<CopyJob>) -> Self {
        Self {
            tasks: Mutex::default(),
            accepted: Mutex::default(),
            batches: Mutex::default(),
            queue,
            copies_pending: AtomicUsize::new(0),
        }
    }

    pub(crate) fn create_task(&self, source: &str, destination: &str, now: DateTime<Utc>) -> SyncTaskHandle {
        let mut tasks = self.tasks.lock();
        let id = format!("31e9b7e6-6ffb-452f-9842-{:012x}", tasks.len() + 1);
        let task = SyncTask {
            source_bucket: source.to_owned(),
            destination_bucket: destination.to_owned(),
            status: SyncTaskStatus::Synchronizing,
            statistics: Statistics::default(),
            created: now,
            started: now,
        };
        tasks.insert(id.clone(), task);
        SyncTaskHandle { project_id: PROJECT_ID.to_owned(), sync_task_id: id }
    }

    pub(crate) fn handles(&self) -> Vec<SyncTaskHandle> {
        let tasks = self.tasks.lock();
        let handle =
            |id: &String| SyncTaskHandle { project_id: PROJECT_ID.to_owned(), sync_task_id: id.clone() };
        tasks.keys().map(handle).collect()
    }

    /// `false` when there is no such task.
    pub(crate) fn set_status(&self, id: &str, status: SyncTaskStatus, now: DateTime<Utc>) -> bool {
        let mut tasks = self.tasks.lock();
        let Some(task) = tasks.get_mut(id) else {
            return false;
        };
        if status == SyncTaskStatus::Synchronizing {
            task.started = now;
        }
        task.status = status;
        true
    }
}
