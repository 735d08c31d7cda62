//! A task to its end, and what it could not copy.

use bridge_core::oms::migration::failures::{self, FailedObject};
use bridge_core::oms::migration::{MigrationTask, TaskFailure, TaskState};
use chrono::TimeDelta;
use futures_util::StreamExt as _;
use object_copy::stop::Stop;
use oss_lite::Error;
use serde::Serialize;

use super::error::TaskError;
use super::position::OpenList;
use super::work::{Work, pause};

/// Looks at a task that may fail in a row for reasons that pass.
const TRIES: u32 = 10;

/// How long a task may be in a state that is not documented before it is not followed any more. By the clock
/// of the log bucket.
const MAY_BE_UNKNOWN: TimeDelta = TimeDelta::minutes(10);

/// Longest line of a list of failed objects that is read: a key has 1,024 bytes, and is there twice.
const LONGEST_LINE: usize = 64 << 10;

/// What happens to tasks.
#[derive(Debug)]
pub enum TaskEvent<'e> {
    /// A task that an earlier run began is followed.
    Follows(&'e str),
    /// A task of an earlier run with other options is over.
    OtherIsOver(&'e str),
    /// OMS has no task for the list of an earlier run, which is dropped.
    ListDropped,
    /// A task looks like this now.
    LookedAt(&'e MigrationTask),
    /// OMS could not copy an object.
    NotCopied(&'e FailedObject),
    /// A task that was being followed is not there any more.
    Gone(&'e str),
}

/// Is given what happens to tasks.
pub trait TaskObserver: Send {
    /// Something happened.
    fn task(&mut self, event: TaskEvent<'_>);
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

impl TaskTotals {
    /// Adds those of other tasks.
    pub fn add(&mut self, other: Self) {
        self.tasks += other.tasks;
        self.objects += other.objects;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl Work<'_> {
    /// The task of an open list as it is now; `None` if OMS has none. That is believed only if OMS denies it
    /// by a code of its own, and no task has its description either.
    pub(super) async fn seen(
        &self,
        open: &OpenList,
        stop: &Stop,
    ) -> Result<Option<MigrationTask>, TaskError> {
        if let Some(id) = open.task {
            match self.shown(id, stop).await {
                Ok(task) => return Ok(Some(task)),
                Err(TaskError::Api(error)) if error.denies_task() => {}
                Err(error) => return Err(error),
            }
        }
        self.look_for(Some(&open.description), stop).await
    }

    async fn shown(&self, id: u64, stop: &Stop) -> Result<MigrationTask, TaskError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.forwarder.api.show(id, (self.clock)()).await {
                Ok(task) => return Ok(task),
                Err(error) if error.may_pass() && tries < TRIES => pause(tries, stop).await?,
                Err(error) => return Err(TaskError::Api(error)),
            }
        }
    }

    /// Follows the task of an open list to its end. The position stays where that is not reached.
    pub(super) async fn followed(
        &self,
        open: &OpenList,
        observer: &mut impl TaskObserver,
        stop: &Stop,
    ) -> Result<TaskTotals, TaskError> {
        let (mut looks, mut name, mut unknown_since) = (0, None, None);
        let ended = loop {
            let task = match self.seen(open, stop).await {
                Ok(task) => task,
                Err(TaskError::Interrupted(_)) => return Err(TaskError::Interrupted(name)),
                Err(error) => return Err(error),
            };
            match task {
                // It was created a moment ago, and may not be shown yet.
                None if self.unsettled_until(open).await?.is_some() => {}
                None => break None,
                Some(task) => {
                    observer.task(TaskEvent::LookedAt(&task));
                    let state = task.state();
                    if let TaskState::Unknown(state) = state {
                        let now = self.turn.now().await?;
                        if now >= *unknown_since.get_or_insert(now) + MAY_BE_UNKNOWN {
                            return Err(TaskError::UnknownState { name: task.name, state });
                        }
                    } else {
                        unknown_since = None;
                    }
                    match state {
                        TaskState::Stopped => return Err(TaskError::Stopped(task.name)),
                        state if state.is_final() => break Some(task),
                        _ => name = Some(task.name),
                    }
                }
            }
            looks += 1;
            if pause(looks, stop).await.is_err() {
                return Err(TaskError::Interrupted(name));
            }
        };
        let Some(task) = ended else {
            observer.task(TaskEvent::Gone(&open.description));
            self.close(open).await?;
            return Ok(TaskTotals::default());
        };
        let failures = self.name_failures(&task, observer).await;
        self.close(open).await?;
        failures?;
        Ok(TaskTotals {
            tasks: 1,
            objects: task.total_num,
            succeeded: task.successful_num,
            failed: task.failed_num,
            skipped: task.skipped_num,
        })
    }

    /// Names what a task that is over could not copy.
    ///
    /// # Errors
    ///
    /// If it failed as a whole.
    async fn name_failures(
        &self,
        task: &MigrationTask,
        observer: &mut impl TaskObserver,
    ) -> Result<(), TaskError> {
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
        // The tasks of other lists would fail likewise.
        task.failed_as_a_whole().map_or(Ok(()), |TaskFailure { error_code: code, error_msg: message }| {
            Err(TaskError::Failed { name: task.name.clone(), code, message })
        })
    }

    async fn read_failures(&self, list: &str, observer: &mut impl TaskObserver) -> Result<(), Error> {
        let mut body = self.bucket.get(list).await?.body;
        let (mut line, mut unreadable) = (Vec::new(), 0_u64);
        let mut take = |line: &mut Vec<u8>| {
            match failures::parse(&String::from_utf8_lossy(line)) {
                Some(object) => observer.task(TaskEvent::NotCopied(&object)),
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
