//! Why tasks come to no good end.

use bridge_core::oms::migration::ApiError;
use chrono::{DateTime, Utc};
use object_copy::transfer::TransferError;
use oss_lite::Error;

/// Why a task was not followed to a good end, or none was created.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// Another run works on these sides: who it is, and until when it has the right to.
    #[error("another run works on these sides with a task of OMS")]
    Busy {
        /// In its own words; empty if it does not say.
        by: String,
        /// When its lease is over, unless it renews it. Without it the run has just begun.
        until: Option<DateTime<Utc>>,
    },
    /// Another run has taken over: this one did not say in time that it works.
    #[error("another run has taken over these sides, since this one could not renew its lease in time")]
    Lost,
    /// The log bucket, which has the lease, does not answer.
    #[error(transparent)]
    Journal(Error),
    /// The log bucket did not take the position.
    #[error("{0}")]
    NotRecorded(String),
    /// A task of a run with other options is not over.
    #[error("a run with other options began task {}, which is not over", .0.task)]
    OtherOptions(OtherOptions),
    /// OMS has a task between these sides that no position names.
    #[error(
        "OMS has task {0} between these sides, which is not over, and the log bucket does not know of it"
    )]
    Unknown(String),
    /// OMS did not answer the request for a task, and does not show whether it has created it.
    #[error("it is not known yet whether OMS has created the task: {error}")]
    Unanswered {
        /// Of the request.
        error: ApiError,
        /// When it is known, by the clock of the log bucket.
        until: DateTime<Utc>,
    },
    /// The same, of the request that an earlier run made: when it is known, by the clock of the log bucket.
    #[error("it is not known yet whether OMS has created the task that an earlier run asked for")]
    Unsettled(DateTime<Utc>),
    /// The task of an earlier run is in another project of OMS, or at another endpoint: its address.
    #[error("an earlier run began a task of OMS at {0}, which is not where the setting leads")]
    OtherProject(String),
    /// OMS does not answer about a task.
    #[error("{0}")]
    Api(ApiError),
    /// OMS does not create a task.
    #[error("OMS does not create the task: {0}")]
    Create(ApiError),
    /// Source or destination refuse to be asked for a key, or the destination refuses a list.
    #[error("{0}")]
    Side(TransferError),
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
    /// A task has been in a state for ten minutes that the documentation does not have.
    #[error("OMS reports state {state} of task {name}, which its documentation does not have")]
    UnknownState {
        /// Its name.
        name: String,
        /// The number.
        state: i64,
    },
    /// By the user. The task that was being followed, if there was one, goes on.
    #[error("interrupted")]
    Interrupted(Option<String>),
}

/// A task that was begun with other options than those of this run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherOptions {
    /// Its name.
    pub task: String,
    /// The options it was begun with.
    pub options: Vec<String>,
}
