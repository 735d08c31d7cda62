//! Where in the log bucket records lie.
//!
//! ```text
//! oms_source_record/<sync_task_id>/success_object/<key>
//! oms_source_record/<sync_task_id>/failed_object/<key><suffix>      one for each failure
//! oms_source_record/<sync_task_id>/dead_object/<key><suffix>
//! oms_source_record/<sync_task_id>/arrival_object/<key><suffix>     what became of an accepted key (`marker`)
//! oms_source_record/<sync_task_id>/confirmed_object/<key><suffix>   the same, and its success record (`confirmed`)
//! oms_source_record/<sync_task_id>/confirm_run/<number>             where confirmations are (`lease`)
//! oms_source_record/<sync_task_id>/reconcile_run/<number>           where the comparison is (`lease`)
//! oms_source_record/object_list_run/<pair>/<number>                 which migration task copies (`lease`)
//! ```
//!
//! These are the folders of the vendor's published function. What it writes to `failed_object/<key>`, an
//! empty object, and the records that version 0.1.0 wrote there are read and removed as well, but no longer
//! written. A key for which the whole name would be too long for OSS goes under its hash, in
//! `…_object_long/`, and its record carries the key.

use std::borrow::Cow;
use std::fmt;

use sha2::{Digest, Sha256};

use super::marker;
use super::name::{SUFFIX, Tag, compose};

/// What all names begin with.
const ROOT: &str = "oms_source_record/";

/// Longest object name OSS takes, in bytes.
const MAX_NAME: usize = 1023;

/// Which kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordStatus {
    /// Keys that were accepted.
    Success,
    /// Failures that wait for a replay.
    Failed,
    /// Dead letters: keys that were refused too often and need a person's attention.
    Dead,
}

/// Which runs exclude each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// Those that confirm arrivals.
    Confirm,
    /// Those that compare source and destination.
    Reconcile,
    /// Those that have migration tasks of OMS copy between two buckets, whatever sync task is between them.
    ObjectLists(BucketPair),
}

/// The buckets that a run works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketPair([u8; 8]);

impl BucketPair {
    /// The pair of two buckets with these names, such as `oss://photos/`.
    pub fn new(source: &str, destination: &str) -> Self {
        let hash = Sha256::new().chain_update(source).chain_update("\n").chain_update(destination).finalize();
        let mut short = [0; 8];
        short.copy_from_slice(&hash[..8]);
        Self(short)
    }
}

/// In names of objects: 16 hexadecimal digits.
impl fmt::Display for BucketPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Where markers of accepted keys lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Markers {
    /// Beside a success record.
    Open,
    /// In place of one: nothing is left to do for the key.
    Confirmed,
}

impl Markers {
    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Open => "arrival_object",
            Self::Confirmed => "confirmed_object",
        }
    }
}

/// How names are made from keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The name holds the key.
    Key,
    /// The name holds the SHA-256 of a key that is too long for that.
    Hash,
}

impl RecordStatus {
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
        Self { root: format!("{ROOT}{task}/") }
    }

    /// The prefix of all names of the journal.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Name of an object that tries out the log bucket.
    pub(super) fn probe(&self, id: &str) -> String {
        [&self.root, "doctor_probe/", id].concat()
    }

    /// The prefix of the names of the objects that say where a run is.
    pub(super) fn runs(&self, kind: RunKind) -> String {
        match kind {
            RunKind::Confirm => [&self.root, "confirm_run/"].concat(),
            RunKind::Reconcile => [&self.root, "reconcile_run/"].concat(),
            RunKind::ObjectLists(pair) => format!("{ROOT}object_list_run/{pair}/"),
        }
    }

    /// The prefix of the names of arrival markers, up to where the key or its hash begins.
    pub(super) fn markers(&self, markers: Markers, naming: Naming) -> String {
        let end = match naming {
            Naming::Key => "/",
            Naming::Hash => "_long/",
        };
        [&self.root, markers.folder(), end].concat()
    }

    /// How markers of `key` are named, and what stands before the suffix.
    pub(super) fn marker_start(&self, markers: Markers, key: &str) -> (Naming, String) {
        let start = self.markers(markers, Naming::Key) + &marker::escaped(key);
        if start.len() + marker::SUFFIX <= MAX_NAME {
            return (Naming::Key, start);
        }
        (Naming::Hash, self.markers(markers, Naming::Hash) + &hash(key))
    }

    /// Name of the success record of `key`, or of the marker that other programs write for another status.
    pub fn name(&self, status: RecordStatus, key: &str) -> String {
        self.start(status, key, 0).1
    }

    /// How the success record of `key` is named, and what its name ends in: the key or its hash.
    pub(crate) fn success<'k>(&self, key: &'k str) -> (Naming, Cow<'k, str>) {
        match self.naming(RecordStatus::Success, key, 0) {
            Naming::Key => (Naming::Key, Cow::Borrowed(key)),
            Naming::Hash => (Naming::Hash, Cow::Owned(hash(key))),
        }
    }

    /// Name of a new failure record.
    pub(super) fn failure(&self, status: RecordStatus, key: &str, tag: Tag, unique: u64) -> String {
        compose(&self.start(status, key, SUFFIX).1, tag, unique)
    }

    /// The prefix of the names of records of `key` whose names have `suffix` bytes after the key.
    pub(super) fn start(&self, status: RecordStatus, key: &str, suffix: usize) -> (Naming, String) {
        match self.naming(status, key, suffix) {
            Naming::Key => (Naming::Key, self.folder(status, Naming::Key) + key),
            Naming::Hash => (Naming::Hash, self.folder(status, Naming::Hash) + &hash(key)),
        }
    }

    fn naming(&self, status: RecordStatus, key: &str, suffix: usize) -> Naming {
        let length = self.root.len() + status.folder().len() + 1 + key.len() + suffix;
        if length <= MAX_NAME { Naming::Key } else { Naming::Hash }
    }

    /// The prefix of all names of a status, up to where the key or its hash begins.
    pub(crate) fn folder(&self, status: RecordStatus, naming: Naming) -> String {
        let end = match naming {
            Naming::Key => "/",
            Naming::Hash => "_long/",
        };
        [&self.root, status.folder(), end].concat()
    }
}

/// The name of a key that is too long.
pub(super) fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::journal::name::{ChangeKind, origin};
    use object_events::change::Provider;

    #[test]
    fn the_name_holds_the_key_byte_for_byte() {
        let layout = Layout::new("t1");
        assert_eq!(
            layout.name(RecordStatus::Failed, "a//b /é"),
            "oms_source_record/t1/failed_object/a//b /é"
        );
        assert_eq!(layout.name(RecordStatus::Success, "/x"), "oms_source_record/t1/success_object//x");
    }

    #[test]
    fn every_status_has_a_folder_of_its_own() {
        let layout = Layout::new("t1");
        assert_eq!(layout.folder(RecordStatus::Dead, Naming::Key), "oms_source_record/t1/dead_object/");
        assert_eq!(
            layout.folder(RecordStatus::Failed, Naming::Hash),
            "oms_source_record/t1/failed_object_long/"
        );
    }

    #[test]
    fn runs_over_one_pair_of_buckets_exclude_each_other_whatever_sync_task_they_name() {
        let runs = |task: &str, source: &str, destination: &str| {
            Layout::new(task).runs(RunKind::ObjectLists(BucketPair::new(source, destination)))
        };
        let of = runs("t1", "oss://a/", "obs://b/");
        assert!(of.starts_with("oms_source_record/object_list_run/") && of.len() == 51, "{of}");
        assert_eq!(of, runs("t2", "oss://a/", "obs://b/"));
        for (source, destination) in
            [("oss://c/", "obs://b/"), ("oss://a/", "obs://c/"), ("obs://b/", "oss://a/")]
        {
            assert_ne!(of, runs("t1", source, destination));
        }
    }

    #[test]
    fn a_name_too_long_for_oss_becomes_a_hash() {
        let layout = Layout::new("t1");
        let room = MAX_NAME - "oms_source_record/t1/failed_object/".len();
        assert_eq!(layout.name(RecordStatus::Failed, &"k".repeat(room)).len(), MAX_NAME);
        assert_eq!(
            layout.name(RecordStatus::Failed, &"k".repeat(1023)),
            format!("oms_source_record/t1/failed_object_long/{}", hash(&"k".repeat(1023)))
        );
        assert!(layout.name(RecordStatus::Failed, &"k".repeat(room + 1)).contains("failed_object_long/"));
        assert!(layout.name(RecordStatus::Success, &"k".repeat(1023)).contains("success_object_long/"));
    }

    #[test]
    fn a_failure_of_a_long_key_fits_as_well() {
        let layout = Layout::new("t1");
        let tag = Tag {
            at: DateTime::UNIX_EPOCH,
            kind: ChangeKind::Change,
            origin: origin(Provider::Configured, None, None),
        };
        let room = MAX_NAME - "oms_source_record/t1/failed_object/".len() - SUFFIX;
        let longest = layout.failure(RecordStatus::Failed, &"k".repeat(room), tag, 1);
        assert!(longest.len() == MAX_NAME && longest.contains("/failed_object/kkk"));
        let hashed = layout.failure(RecordStatus::Failed, &"k".repeat(room + 1), tag, 1);
        assert!(hashed.contains("/failed_object_long/") && hashed.len() < MAX_NAME, "{hashed}");
    }
}
