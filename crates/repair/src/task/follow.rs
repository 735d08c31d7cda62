//! A migration task for each list, one after the other, each to its end.
//!
//! The position is written before a task is created and again once its id is known, and a task is only
//! created if none has its description. So a run that goes on after another one was killed finds that task
//! and creates no second one.

use std::time::Duration;

use bridge_core::oms::migration::failures::{self, FailedObject};
use bridge_core::oms::migration::{
    ApiError, ApiErrorKind, ListFile, MigrationApi, MigrationOrder, MigrationTask, TaskState,
};
use futures_util::StreamExt as _;
use object_copy::clock::Clock;
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::Source;
use oss_lite::{Bucket, Error};
use reconcile::Side;
use serde::Serialize;
use tokio::time::sleep;

use super::lists::logged;
use super::position::{Position, PositionObject};

/// First and longest wait between two looks at a task.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Looks at a task, and tries to create one, that may fail in a row for reasons that pass.
const TRIES: u32 = 10;

/// Longest line of a list of failed objects that is read: a key has 1,024 bytes, and is there twice.
const LONGEST_LINE: usize = 64 << 10;

/// Why a task was not followed to a good end.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// OMS does not answer.
    #[error("{0}")]
    Api(ApiError),
    /// The destination bucket does not answer.
    #[error(transparent)]
    Store(#[from] Error),
    /// The task failed as a whole: its name, code and text.
    #[error("task {name} failed: {code} {message}")]
    Failed {
        /// Its name.
        name: String,
        /// Such as `TRF.0051`.
        code: String,
        /// In the words of OMS.
        message: String,
    },
    /// Somebody stopped the task, and can start it again.
    #[error("task {0} was stopped")]
    Stopped(String),
    /// By the user. The task goes on.
    #[error("interrupted")]
    Interrupted,
}

/// Is given how far tasks are.
pub trait TaskObserver: Send {
    /// A task looks like this now.
    fn looked_at(&mut self, task: &MigrationTask);

    /// OMS could not copy an object.
    fn failed(&mut self, object: &FailedObject);
}

/// What tasks did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskTotals {
    /// Tasks that came to their end.
    pub tasks: u64,
    /// Objects on their lists.
    pub objects: u64,
    /// Objects copied.
    pub succeeded: u64,
    /// Objects that could not be copied.
    pub failed: u64,
    /// Objects that OMS left out.
    pub skipped: u64,
}

/// The tasks of a pair of sides.
#[derive(Debug)]
pub struct Tasks {
    api: MigrationApi,
    bucket: Bucket,
    order: MigrationOrder,
    position: PositionObject,
    clock: Clock,
}

impl Tasks {
    /// Tasks as `order` says, with another list and description for each. `None` where the destination is no
    /// bucket of OSS or OBS.
    pub fn of(
        api: &MigrationApi,
        order: &MigrationOrder,
        source: &Side,
        destination: &Side,
        clock: Clock,
    ) -> Option<Self> {
        let Some(Source::Store(bucket)) = &destination.objects else { return None };
        let position = PositionObject::new(bucket.clone(), &source.name, &destination.name);
        Some(Self { api: api.clone(), bucket: bucket.clone(), order: order.clone(), position, clock })
    }

    /// What an earlier run left undone.
    ///
    /// # Errors
    ///
    /// When the destination bucket does not answer.
    pub async fn left_over(&self) -> Result<Option<Position>, TaskError> {
        let position = self.position.load().await?;
        Ok(position.filter(|position| position.list().is_some()))
    }

    /// Works through the lists.
    ///
    /// # Errors
    ///
    /// [`TaskError`]. The same position goes on later, but for a task that failed as a whole.
    pub async fn run(
        &self,
        mut position: Position,
        observer: &mut impl TaskObserver,
        stop: &Stop,
    ) -> Result<TaskTotals, TaskError> {
        let mut totals = TaskTotals::default();
        while let Some(list) = position.list().map(str::to_owned) {
            let id = self.begun(&mut position, &list, stop).await?;
            let ended = match self.ended(id, observer, stop).await {
                Ok(task) if task.state() == TaskState::Stopped => return Err(TaskError::Stopped(task.name)),
                Ok(task) => self.count(&task, &mut totals, observer).await,
                // It was removed there: what it has not copied is found by the next comparison.
                Err(TaskError::Api(error)) if error.kind() == ApiErrorKind::NoSuchTask => {
                    tracing::warn!(id, %error, "the task is not there any more");
                    Ok(())
                }
                Err(error) => return Err(error),
            };
            position.advance();
            logged(&list, self.bucket.delete(&list).await);
            match &ended {
                // What is on the other lists would fail as well.
                Err(TaskError::Failed { .. }) => {
                    for list in &position.lists[position.done..] {
                        logged(list, self.bucket.delete(list).await);
                    }
                    self.position.remove().await?;
                }
                _ if position.list().is_none() => self.position.remove().await?,
                _ => self.position.save(&position).await?,
            }
            ended?;
        }
        Ok(totals)
    }

    /// The id of the task of a list, which is created unless it was before.
    async fn begun(&self, position: &mut Position, list: &str, stop: &Stop) -> Result<u64, TaskError> {
        if let Some(id) = position.task {
            return Ok(id);
        }
        if position.description.is_empty() {
            let name = list.rsplit('/').next().unwrap_or(list);
            position.description = format!("oms-bridge {}", name.trim_end_matches(".txt"));
        }
        let mut tries = 0;
        let id = loop {
            tries += 1;
            // What was created and not answered may be there.
            if let Some(task) = self.found(&position.description, stop).await? {
                break task.id;
            }
            self.position.save(position).await?;
            let list = ListFile { bucket: self.bucket.name().to_string(), key: list.to_owned() };
            let order =
                MigrationOrder { list, description: position.description.clone(), ..self.order.clone() };
            match self.api.create(&order, (self.clock)()).await {
                Ok(created) => break created.id,
                Err(error) if error.may_have_been_received() && tries < TRIES => pause(tries, stop).await?,
                Err(error) => return Err(TaskError::Api(error)),
            }
        };
        position.task = Some(id);
        self.position.save(position).await?;
        Ok(id)
    }

    async fn found(&self, description: &str, stop: &Stop) -> Result<Option<MigrationTask>, TaskError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.api.find(description, (self.clock)()).await {
                Ok(found) => return Ok(found),
                Err(error) if error.may_pass() && tries < TRIES => pause(tries, stop).await?,
                Err(error) => return Err(TaskError::Api(error)),
            }
        }
    }

    /// The task once nothing more happens to it.
    async fn ended(
        &self,
        id: u64,
        observer: &mut impl TaskObserver,
        stop: &Stop,
    ) -> Result<MigrationTask, TaskError> {
        let (mut looks, mut failures) = (0, 0);
        loop {
            match self.api.show(id, (self.clock)()).await {
                Ok(task) => {
                    failures = 0;
                    observer.looked_at(&task);
                    if task.state().is_over() {
                        return Ok(task);
                    }
                }
                Err(error) if error.may_pass() && failures < TRIES => failures += 1,
                Err(error) => return Err(TaskError::Api(error)),
            }
            looks += 1;
            pause(looks, stop).await?;
        }
    }

    /// Counts a task that is over, and reads what it could not copy.
    async fn count(
        &self,
        task: &MigrationTask,
        totals: &mut TaskTotals,
        observer: &mut impl TaskObserver,
    ) -> Result<(), TaskError> {
        totals.tasks += 1;
        totals.objects += task.total_num;
        totals.succeeded += task.successful_num;
        totals.failed += task.failed_num;
        totals.skipped += task.skipped_num;
        if task.state() == TaskState::Failed && task.failed_num == 0 {
            let failure = task.failure().cloned().unwrap_or_default();
            let (code, message) = (failure.error_code, failure.error_msg);
            return Err(TaskError::Failed { name: task.name.clone(), code, message });
        }
        match task.failed_list() {
            Some(list) => {
                let read = self.read_failures(list, observer).await;
                if let Err(error) = read {
                    tracing::warn!(key = list, %error, "the list of failed objects cannot be read");
                }
            }
            None if task.failed_num > 0 => {
                let code = task.list_failure();
                tracing::warn!(task = task.name, code, "there is no list of failed objects");
            }
            None => {}
        }
        Ok(())
    }

    async fn read_failures(&self, list: &str, observer: &mut impl TaskObserver) -> Result<(), Error> {
        let mut body = self.bucket.get(list).await?.body;
        let (mut line, mut unreadable) = (Vec::new(), 0_u64);
        let mut take = |line: &mut Vec<u8>| {
            match failures::parse(&String::from_utf8_lossy(line)) {
                Some(object) => observer.failed(&object),
                None => unreadable += u64::from(!line.is_empty()),
            }
            line.clear();
        };
        while let Some(chunk) = body.next().await {
            for byte in chunk? {
                match byte {
                    b'\n' => take(&mut line),
                    byte if line.len() < LONGEST_LINE => line.push(byte),
                    _ => {}
                }
            }
        }
        take(&mut line);
        if unreadable > 0 {
            tracing::warn!(key = list, lines = unreadable, "lines of the list of failed objects name no key");
        }
        Ok(())
    }
}

/// Waits, longer each time.
async fn pause(times: u32, stop: &Stop) -> Result<(), TaskError> {
    let wait = FIRST_WAIT.saturating_mul(1_u32.checked_shl(times.min(8) - 1).unwrap_or(1)).min(LONGEST_WAIT);
    tokio::select! {
        () = sleep(wait) => Ok(()),
        () = stop.reached(StopLevel::BeginNothing) => Err(TaskError::Interrupted),
    }
}
