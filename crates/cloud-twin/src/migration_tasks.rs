//! The migration tasks of OMS that copy the objects of a list: what they are and how far they are.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::dialect::Dialect;

/// How far a migration task is; the numbers are those of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "u8")]
pub enum MigrationStatus {
    /// Created, not begun.
    Waiting,
    /// Copying.
    Running,
    /// Over, with an error or with objects that failed.
    Failed,
    /// Over; every object was copied or skipped.
    Succeeded,
}

impl From<MigrationStatus> for u8 {
    fn from(status: MigrationStatus) -> Self {
        match status {
            MigrationStatus::Waiting => 1,
            MigrationStatus::Running => 2,
            MigrationStatus::Failed => 4,
            MigrationStatus::Succeeded => 5,
        }
    }
}

/// When an object that the destination has already is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ObjectOverwrite {
    Never,
    BySizeAndTime,
    ByCrc64,
    Always,
}

/// Keys as a request carried them, to be compared with the accounts when the task begins.
#[derive(Clone)]
pub(crate) struct KeyPair {
    pub(crate) access_key: String,
    pub(crate) secret_key: String,
    pub(crate) security_token: Option<String>,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// What a task was asked to do.
#[derive(Clone, Debug)]
pub(crate) struct MigrationOrder {
    pub(crate) cloud_type: String,
    pub(crate) source: Dialect,
    pub(crate) source_region: String,
    pub(crate) source_bucket: String,
    pub(crate) source_keys: KeyPair,
    pub(crate) list_bucket: String,
    pub(crate) list_key: String,
    pub(crate) destination_region: String,
    pub(crate) destination_bucket: String,
    pub(crate) destination_keys: KeyPair,
    pub(crate) save_prefix: String,
    pub(crate) description: String,
    pub(crate) overwrite: ObjectOverwrite,
    pub(crate) records_failures: bool,
}

/// What has become of the objects of a task.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MigrationCounts {
    pub(crate) total: u64,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    pub(crate) bytes: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct MigrationTask {
    pub(crate) name: String,
    pub(crate) order: MigrationOrder,
    pub(crate) status: MigrationStatus,
    pub(crate) counts: MigrationCounts,
    /// Code and text.
    pub(crate) error: Option<(&'static str, &'static str)>,
    /// Key of the list of failed objects.
    pub(crate) failed_list: Option<String>,
    pub(crate) created: DateTime<Utc>,
}

/// A migration task, as a test looks at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MigrationTaskView {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub status: MigrationStatus,
    /// Bucket and key of the list of objects.
    pub list: (String, String),
    /// Objects of the list.
    pub total: u64,
    /// Objects copied.
    pub succeeded: u64,
    /// Objects that could not be copied.
    pub failed: u64,
}

/// All migration tasks of a twin.
#[derive(Debug)]
pub(crate) struct MigrationTasks {
    tasks: Mutex<BTreeMap<u64, MigrationTask>>,
    queue: mpsc::UnboundedSender<(u64, Instant)>,
    pub(crate) pending: AtomicUsize,
}

/// Ids of real tasks have 15 digits.
const FIRST_ID: u64 = 100_000_000_000_001;

impl MigrationTasks {
    pub(crate) fn new(queue: mpsc::UnboundedSender<(u64, Instant)>) -> Self {
        Self { tasks: Mutex::default(), queue, pending: AtomicUsize::new(0) }
    }

    /// Adds a task, without queueing it; its id and name.
    pub(crate) fn add(&self, order: MigrationOrder, now: DateTime<Utc>) -> (u64, String) {
        let mut tasks = self.tasks.lock();
        let id = FIRST_ID + tasks.len() as u64;
        let MigrationOrder { source_bucket, destination_bucket, .. } = &order;
        let time = now.format("%Y%m%d%H%M%S%3f");
        let name = format!("{source_bucket}-{destination_bucket}-{time}_{:03}", tasks.len() + 1);
        let task = MigrationTask {
            name: name.clone(),
            order,
            status: MigrationStatus::Waiting,
            counts: MigrationCounts::default(),
            error: None,
            failed_list: None,
            created: now,
        };
        tasks.insert(id, task);
        (id, name)
    }

    /// Has a task begun once `due` has come; `false` when the twin is shutting down.
    pub(crate) fn queue(&self, id: u64, due: Instant) -> bool {
        self.queue.send((id, due)).is_ok()
    }

    pub(crate) fn get(&self, id: u64) -> Option<MigrationTask> {
        self.tasks.lock().get(&id).cloned()
    }

    pub(crate) fn update(&self, id: u64, change: impl FnOnce(&mut MigrationTask)) {
        self.tasks.lock().get_mut(&id).map(change);
    }

    /// All tasks, the newest first.
    pub(crate) fn all(&self) -> Vec<(u64, MigrationTask)> {
        self.tasks.lock().iter().rev().map(|(&id, task)| (id, task.clone())).collect()
    }

    pub(crate) fn views(&self) -> Vec<MigrationTaskView> {
        let view = |(&id, task): (&u64, &MigrationTask)| MigrationTaskView {
            id,
            name: task.name.clone(),
            status: task.status,
            list: (task.order.list_bucket.clone(), task.order.list_key.clone()),
            total: task.counts.total,
            succeeded: task.counts.succeeded,
            failed: task.counts.failed,
        };
        self.tasks.lock().iter().map(view).collect()
    }
}
