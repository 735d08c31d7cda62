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

impl Records<'_> {
    /// Name of the record of `key`, where it is not too long.
    pub fn name(self, shelf: Shelf, key: &str) -> String {
        format!("oms_source_record/{}/{}/{key}", self.task, shelf.as_str())
    }

    /// The record of `key`, if there is one.
    pub fn get(self, shelf: Shelf, key: &str) -> Option<Value> {
        let record = self.twin.oss().get(LOGS, &self.name(shelf, key))?;
        Some(serde_json::from_slice(&record.body).expect("a record is JSON"))
    }

    /// Puts a record there.
    pub fn put(self, shelf: Shelf, key: &str, record: &Value) {
        self.twin.oss().put(LOGS, &self.name(shelf, key), record.to_string());
    }

    /// The keys that have a record under their own name, in byte order.
    pub fn keys(self, shelf: Shelf) -> Vec<String> {
        let prefix = self.name(shelf, "");
        let names = self.twin.oss().keys(LOGS);
        names.iter().filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect()
    }
}
