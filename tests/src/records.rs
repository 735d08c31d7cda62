//! The records in the log bucket, as the product leaves them.

use cloud_twin::Twin;
use serde_json::Value;

use crate::cloud::LOGS;

/// A kind of records in the log bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// `success_object`
    Success,
    /// `failed_object`
    Failed,
    /// `dead_object`
    Dead,
}

impl Shelf {
    fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success_object",
            Self::Failed => "failed_object",
            Self::Dead => "dead_object",
        }
    }
}

/// The records of one task.
#[derive(Clone, Copy, Debug)]
pub struct Records<'c> {
    pub(crate) twin: &'c Twin,
    pub(crate) task: &'c str,
}

/// Bytes behind the key in the name of a record of one failure: `!20261129T074030.123Z-c` and 8, `-`, 24
/// hexadecimal digits.
const SUFFIX: usize = 56;

/// The key in the name of a record, by the published form: read here by itself, so that the product cannot be
/// wrong unnoticed.
fn key_of(end: &str) -> &str {
    let Some((key, suffix)) = end.len().checked_sub(SUFFIX).and_then(|at| end.split_at_checked(at)) else {
        return end;
    };
    let fits = suffix.bytes().zip(PATTERN.bytes()).all(|(byte, wanted)| match wanted {
        b'd' => byte.is_ascii_digit(),
        b'h' => byte.is_ascii_hexdigit(),
        b'k' => b"crup".contains(&byte),
        exactly => byte == exactly,
    });
    if fits { key } else { end }
}

const PATTERN: &str = "!ddddddddTdddddd.dddZ-khhhhhhhh-hhhhhhhhhhhhhhhhhhhhhhhh";

impl Records<'_> {
    /// Name of the success record of `key`, or of a marker as the vendor's function writes it, where it is
    /// not too long.
    pub fn name(self, shelf: Shelf, key: &str) -> String {
        format!("oms_source_record/{}/{}/{key}", self.task, shelf.as_str())
    }

    /// The record of `key`, if there is one; of several failures the newest.
    pub fn get(self, shelf: Shelf, key: &str) -> Option<Value> {
        let name = self.names(shelf, key).pop()?;
        let record = self.twin.oss().get(LOGS, &name)?;
        Some(serde_json::from_slice(&record.body).expect("a record is JSON"))
    }

    /// The names of all records of `key`, oldest first.
    pub fn names(self, shelf: Shelf, key: &str) -> Vec<String> {
        let prefix = self.name(shelf, "");
        let names = self.twin.oss().keys(LOGS).into_iter();
        names.filter(|name| name.strip_prefix(&prefix).is_some_and(|end| key_of(end) == key)).collect()
    }

    /// The name of the record of a key that is too long for a name of its own.
    pub fn hashed(self, shelf: Shelf, hash: &str) -> Option<String> {
        let folder = self.name(shelf, "").replace("_object/", "_object_long/");
        let mut names = self.twin.oss().keys(LOGS).into_iter();
        names.find(|name| name.strip_prefix(&folder).is_some_and(|end| key_of(end) == hash))
    }

    /// Puts a record there, as version 0.1.0 wrote it.
    pub fn put(self, shelf: Shelf, key: &str, record: &Value) {
        self.twin.oss().put(LOGS, &self.name(shelf, key), record.to_string());
    }

    /// The keys that have a record under their own name, in byte order.
    pub fn keys(self, shelf: Shelf) -> Vec<String> {
        let prefix = self.name(shelf, "");
        let names = self.twin.oss().keys(LOGS);
        let ends = names.iter().filter_map(|name| name.strip_prefix(&prefix));
        let mut keys: Vec<String> = ends.map(key_of).map(str::to_owned).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
