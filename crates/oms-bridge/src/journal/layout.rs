//! Where in the log bucket a record lies.
//!
//! ```text
//! oms_source_record/<sync_task_id>/success_object/<key>
//! oms_source_record/<sync_task_id>/failed_object/<key>
//! oms_source_record/<sync_task_id>/dead_object/<key>
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
    /// Keys that failed too often and wait for somebody to look.
    Dead,
}

/// How names are made from keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// The name ends in the key.
    Key,
    /// The name ends in the SHA-256 of a key that is too long for that.
    Hash,
}

impl Shelf {
    fn folder(self) -> &'static str {
        match self {
            Self::Success => "success_object",
            Self::Failed => "failed_object",
            Self::Dead => "dead_object",
        }
    }
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

    /// What all names of the journal begin with.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Name of an object that tries out the log bucket.
    pub(super) fn probe(&self, id: &str) -> String {
        [&self.root, "doctor_probe/", id].concat()
    }

    /// Name of the record of `key`.
    pub fn name(&self, shelf: Shelf, key: &str) -> String {
        if self.root.len() + shelf.folder().len() + 1 + key.len() <= MAX_NAME {
            return self.folder(shelf, Naming::Key) + key;
        }
        self.folder(shelf, Naming::Hash) + &hex::encode(Sha256::digest(key))
    }

    /// What all names of a shelf begin with, up to where the key or its hash begins.
    pub fn folder(&self, shelf: Shelf, naming: Naming) -> String {
        let end = match naming {
            Naming::Key => "/",
            Naming::Hash => "_long/",
        };
        [&self.root, shelf.folder(), end].concat()
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
    fn every_shelf_has_a_folder_of_its_own() {
        let layout = Layout::new("t1");
        assert_eq!(layout.folder(Shelf::Dead, Naming::Key), "oms_source_record/t1/dead_object/");
        assert_eq!(layout.folder(Shelf::Failed, Naming::Hash), "oms_source_record/t1/failed_object_long/");
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
