//! Very many objects at once: lists of keys, and migration tasks of OMS that copy what is on them.
//!
//! | module | concern |
//! |---|---|
//! | `position` | what a run leaves for the next one: the list and the task that are under way |
//! | `error` | why tasks come to no good end |
//! | `turn` | the lease of a pair of buckets, and the position in it |
//! | `options` | the options that decide which keys are on a list |
//! | `still` | whether a key is still to be copied when it goes on a list |
//! | `lists` | lists of what a comparison finds, written to the destination bucket |
//! | `work` | a run over the lists and tasks of a pair |
//! | `first` | the first key of a list, which the source must have |
//! | `begin` | one task for a list, and no second one |
//! | `follow` | a task to its end, and what it could not copy |
//! | `order` | what an earlier run left, then what this one found |
//!
//! # Rules
//!
//! - **One run works on a pair of buckets** (`turn`), whatever their folders: from before it compares until
//!   its tasks are over. A run that loses the lease ends at once and changes nothing any more.
//! - **A task is created only if OMS has none of its description**, and none of this pair that is not over.
//!   The position names the list and the time before the task is created, and its id after. So whatever
//!   moment a process dies at, the next run finds the task and creates no second one.
//! - **Absence is believed late.** Until ten minutes after a request for a task that may have been received
//!   no other one is created, and its list is not dropped: OMS may list the task later than it creates it.
//! - **A list that no task was created for is dropped**, and the sides are compared anew: its keys may be
//!   other ones by now.
//! - **A task is looked for where it was created**: a run whose settings lead to another project of OMS, or
//!   another endpoint, ends.
//! - **A task of a run with other options is not followed**, for it copies what those options chose. Only
//!   once it is over the next run begins.
//! - **A task is gone** if OMS denies it by a code of its own, no task has its description, and it was not
//!   created just before. Any other answer leaves the position.

mod begin;
mod error;
mod first;
mod follow;
mod lists;
mod options;
mod order;
mod position;
mod still;
#[cfg(test)]
mod tests;
mod turn;
mod work;

use std::sync::Arc;

use bridge_core::journal::Journal;
use bridge_core::oms::migration::{MigrationApi, MigrationOrder};
use oss_lite::Credentials;

pub use self::error::{OtherOptions, TaskError};
pub use self::follow::{TaskEvent, TaskObserver, TaskTotals};
pub(crate) use self::lists::ObjectLists;
pub use self::lists::{ListLimits, TaskCount};
pub use self::options::{is_cut, recorded};
pub(crate) use self::work::{Work, bucket_of};

/// Where lists lie. OMS reads lists in a bucket of OBS in the region of the destination, so it is that of the
/// destination; comparisons leave the folder of records out.
const FOLDER: &str = "oms_source_record/object_lists/";

/// What lists and migration tasks are made with.
#[derive(Debug)]
pub struct TaskForwarder {
    /// Creates tasks and looks at them.
    pub api: MigrationApi,
    /// What they are like; list and description are set for each.
    pub order: MigrationOrder,
    /// Has the lease, and the position.
    pub journal: Journal,
    /// What opens it.
    pub credentials: Arc<Credentials>,
    /// Names the lists of this run. No other run has it.
    pub run: String,
    /// What other runs are told of this one.
    pub by: String,
    /// What decides which keys are on a list, in words of the command line, each [`recorded`].
    pub options: Vec<String>,
    /// When a list is full.
    pub limits: ListLimits,
}
