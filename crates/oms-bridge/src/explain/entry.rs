//! A record of the key.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use bridge_core::journal::{Record, StoredRecord};
use settings::text;

/// A record of the key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Entry {
    /// Name of the object in the log bucket.
    pub name: String,
    /// When it was written.
    pub written_at: Option<String>,
    /// What it says, as it was written; `null` for the vendor's empty markers.
    pub content: Value,
    #[serde(skip)]
    pub(super) written: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub(super) record: Record,
}

impl Entry {
    pub(super) fn new(found: StoredRecord) -> Self {
        let content = match serde_json::from_slice(&found.body) {
            Ok(content) => content,
            Err(_) if found.body.is_empty() => Value::Null,
            // Not JSON, so not a record: shown as text.
            Err(_) => Value::String(String::from_utf8_lossy(&found.body).into_owned()),
        };
        Self {
            name: found.name,
            written_at: found.last_modified.map(text::time),
            content,
            written: found.last_modified,
            record: Record::parse(&found.body).unwrap_or_default(),
        }
    }

    /// Whether `success` resolves this failure.
    pub(super) fn is_covered_by(&self, success: &Self) -> bool {
        let origin = (!self.content.is_null()).then(|| self.record.origin());
        // An upload in parts that the failed copy left open still has to be removed.
        self.record.upload.is_none() && success.record.covers(self.written, self.record.kind(), origin)
    }
}
