//! Very many objects at once: lists of keys, and migration tasks of OMS that copy what is on them.
//!
//! | module | concern |
//! |---|---|
//! | `lists` | lists of what a comparison finds, written to the destination bucket |
//! | `position` | which lists there are and which task is under way, in that bucket too |
//! | `follow` | a task for each list, one after the other, each to its end |

mod follow;
mod lists;
mod position;

pub use self::follow::{TaskError, TaskObserver, TaskTotals, Tasks};
pub use self::lists::{ListError, ObjectLists};
pub use self::position::Position;

/// Where lists and positions lie. OMS reads lists in a bucket of OBS in the region of the destination, so it
/// is that of the destination; comparisons leave the folder of records out.
const FOLDER: &str = "oms_source_record/object_lists/";
