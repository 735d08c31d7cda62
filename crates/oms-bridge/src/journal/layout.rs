//! Where in the log bucket a record lies.
//!
//! ```text
//! oms_source_record/<sync_task_id>/success_object/<key>
//! oms_source_record/<sync_task_id>/failed_object/<key>
//! ```
//!
//! This is the layout of the vendor's published function. A key for which the whole name would be too long for OSS goes
//! under its hash, and its record carries the key.

use sha2::{Digest, Sha256};

/// Longest object name OSS takes, in bytes.
const MAX_NAME: usize = 1023;

/// Which kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Keys that were accepted.
    Success,
    /// Keys that failed and wait for a replay.
    Failed,
}

/// Names of the records of one sync task.
#[derive(Clone, Debug)]
pub struct Layout {
    root: String,
}

impl Layout {
    /// The layout of the sync task `task`.
    pub fn new(task: &str) -> Self {
        Self { root: format!("oms_source_record/{task}/") }
    }

    /// Name of the record of `key`.
    pub fn name(&self, shelf: Shelf, key: &str) -> String {
        let shelf = match shelf {
            Shelf::Success => "success_object",
            Shelf::Failed => "failed_object",
        };
        if self.root.len() + shelf.len() + 1 + key.len() <= MAX_NAME {
            return [&self.root, shelf, "/", key].concat();
        }
        [&self.root, shelf, "_long/", &hex::encode(Sha256::digest(key))].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_ends_in_the_key_byte_for_byte() {
        let layout = Layout::new("t1");
        assert_eq!(layout.name(Shelf::Failed, "a//b /é"), "oms_source_record/t1/failed_object/a//b /é");
        assert_eq!(layout.name(Shelf::Success, "/x"), "oms_source_record/t1/success_object//x");
    }

    #[test]
    fn a_name_too_long_for_oss_becomes_a_hash() {
        let layout = Layout::new("t1");
        let room = MAX_NAME - "oms_source_record/t1/failed_object/".len();
        assert_eq!(layout.name(Shelf::Failed, &"k".repeat(room)).len(), MAX_NAME);
        assert_eq!(
            layout.name(Shelf::Failed, &"k".repeat(1023)),
            format!(
                "oms_source_record/t1/failed_object_long/{}",
                hex::encode(Sha256::digest("k".repeat(1023)))
            )
        );
        assert!(layout.name(Shelf::Failed, &"k".repeat(room + 1)).contains("failed_object_long/"));
        assert!(layout.name(Shelf::Success, &"k".repeat(1023)).contains("success_object_long/"));
    }
}
