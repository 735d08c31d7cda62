//! Answers of OMS about migration tasks.

use serde::Deserialize;

/// A task that was just created.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CreatedTask {
    /// Its id.
    pub id: u64,
    /// Its name, which is also that of the folder of its lists.
    #[serde(default)]
    pub task_name: String,
}

/// A page of tasks.
#[derive(Debug, Deserialize)]
pub(super) struct TaskPage {
    pub(super) tasks: Vec<MigrationTask>,
    /// How many there are on all pages.
    pub(super) count: usize,
}

/// How far a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// It has not begun.
    Waiting,
    /// It copies, or tries again.
    Running,
    /// It was stopped, or is being stopped, and goes on when someone starts it.
    Stopped,
    /// It is over, with an error or with objects that failed.
    Failed,
    /// It is over; every object was copied or skipped.
    Succeeded,
    /// A number that the documentation does not have.
    Unknown(i64),
}

impl TaskState {
    /// Whether it has come to its end, well or not.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Failed | Self::Succeeded)
    }

    /// Whether nothing more happens by itself.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Stopped | Self::Failed | Self::Succeeded)
    }
}

/// Why a task failed as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TaskFailure {
    /// Such as `TRF.0051`.
    pub error_code: String,
    /// In words.
    pub error_msg: String,
}

/// The code of a task that failed because objects did.
const OBJECTS_FAILED: &str = "TRF.0004";

/// Where the list of failed objects is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct FailedObjectRecord {
    /// Whether it was written.
    pub result: bool,
    /// Its key in the destination bucket.
    pub list_file_key: String,
    /// Why it was not written.
    pub error_code: String,
}

/// A migration task. What the service leaves out is empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct MigrationTask {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// What it was created with.
    pub description: String,
    status: i64,
    /// Share of the objects that are done, 0 to 1.
    pub progress: f64,
    /// Objects of the list.
    pub total_num: u64,
    /// Objects copied.
    pub successful_num: u64,
    /// Objects that could not be copied.
    pub failed_num: u64,
    /// Objects left out.
    pub skipped_num: u64,
    /// Bytes copied.
    pub complete_size: u64,
    /// Milliseconds that OMS thinks it will still take.
    pub left_time: i64,
    error_reason: Option<TaskFailure>,
    failed_object_record: Option<FailedObjectRecord>,
}

impl MigrationTask {
    /// How far it is.
    pub fn state(&self) -> TaskState {
        match self.status {
            1 => TaskState::Waiting,
            2 | 6 => TaskState::Running,
            3 | 7 => TaskState::Stopped,
            4 => TaskState::Failed,
            5 => TaskState::Succeeded,
            other => TaskState::Unknown(other),
        }
    }

    /// Why it failed as a whole, if OMS says so.
    pub fn failure(&self) -> Option<&TaskFailure> {
        self.error_reason.as_ref().filter(|reason| !reason.error_code.is_empty())
    }

    /// Why it failed as a whole, where it came to its end without having handled every object: then it is not
    /// the objects that are at fault. What OMS leaves out is empty. Single objects that failed make it fail
    /// with `TRF.0004`, after all were handled.
    pub fn failed_as_a_whole(&self) -> Option<TaskFailure> {
        let failure = self.failure().cloned().unwrap_or_default();
        let handled = self.successful_num.saturating_add(self.failed_num).saturating_add(self.skipped_num);
        let of_objects = matches!(&*failure.error_code, "" | OBJECTS_FAILED) && self.failed_num > 0;
        let whole = self.state() == TaskState::Failed && !(of_objects && handled >= self.total_num);
        whole.then_some(failure)
    }

    /// Where the list of failed objects is, if there is one.
    pub fn failed_list(&self) -> Option<&str> {
        let record = self.failed_object_record.as_ref()?;
        Some(&*record.list_file_key).filter(|key| record.result && !key.is_empty())
    }

    /// Why there is no list of failed objects though some failed.
    pub fn list_failure(&self) -> Option<&str> {
        let record = self.failed_object_record.as_ref()?;
        Some(&*record.error_code).filter(|code| !record.result && !code.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(body: &str) -> MigrationTask {
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn states_are_those_of_the_documentation() {
        let state = |number: i64| task(&format!(r#"{{"status":{number}}}"#)).state();
        assert_eq!(state(1), TaskState::Waiting);
        assert_eq!((state(2), state(6)), (TaskState::Running, TaskState::Running));
        assert_eq!((state(3), state(7)), (TaskState::Stopped, TaskState::Stopped));
        assert_eq!((state(4), state(5)), (TaskState::Failed, TaskState::Succeeded));
        assert_eq!(state(9), TaskState::Unknown(9));
        let over: Vec<_> = (1..=9).filter(|&number| state(number).is_over()).collect();
        assert_eq!(over, [3, 4, 5, 7]);
    }

    #[test]
    fn what_is_missing_is_empty() {
        let task = task(r#"{"id":7,"status":4,"new":1}"#);
        assert_eq!((task.failed_list(), task.failure(), &*task.description), (None, None, ""));
    }

    #[test]
    fn a_task_failed_as_a_whole_unless_it_handled_every_object() {
        let code = |status, code: &str, [total, copied, failed]: [u64; 3]| {
            let body = format!(
                r#"{{"status":{status},"total_num":{total},"successful_num":{copied},"failed_num":{failed},
                     "skipped_num":1,"error_reason":{{"error_code":"{code}","error_msg":"no"}}}}"#
            );
            task(&body).failed_as_a_whole().map(|failure| failure.error_code)
        };
        assert_eq!((code(4, "TRF.0004", [9, 5, 3]), code(4, "", [9, 5, 3])), (None, None));
        for (reason, numbers) in [
            ("TRF.0057", [9, 5, 3]),
            ("TRF.0057", [1000, 10, 3]),
            ("TRF.0004", [1000, 10, 3]),
            ("", [1000, 10, 3]),
            ("TRF.0013", [0, 0, 0]),
        ] {
            assert_eq!(code(4, reason, numbers).as_deref(), Some(reason), "{numbers:?}");
            assert_eq!(code(5, reason, numbers), None, "{numbers:?}");
        }
    }

    #[test]
    fn the_failed_list_is_named_if_it_was_written() {
        let of = |record: &str| task(&format!(r#"{{"failed_object_record":{record}}}"#));
        let written = of(r#"{"result":true,"list_file_key":"oms/task/t/x.txt"}"#);
        assert_eq!((written.failed_list(), written.list_failure()), (Some("oms/task/t/x.txt"), None));
        let lost = of(r#"{"result":false,"list_file_key":"","error_code":"S3M.0307"}"#);
        assert_eq!((lost.failed_list(), lost.list_failure()), (None, Some("S3M.0307")));
    }
}
