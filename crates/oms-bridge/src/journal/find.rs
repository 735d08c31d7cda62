//! The marker of one key.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use oss_lite::{Error, ErrorKind};

use super::{MAX_RECORD, OpenJournal, Shelf};

/// A marker as it lies in the log bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Name of the object.
    pub name: String,
    /// When it was written.
    pub last_modified: Option<DateTime<Utc>>,
    /// The record as it was written; empty for the vendor's markers.
    pub body: Bytes,
}

impl OpenJournal {
    /// The marker of `key` on a shelf, if there is one.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub async fn find(&self, shelf: Shelf, key: &str) -> Result<Option<Found>, Error> {
        let name = self.journal.layout().name(shelf, key);
        let object = match self.bucket.get(&name).await {
            Err(error) if error.kind() == ErrorKind::NoSuchKey => return Ok(None),
            object => object?,
        };
        let last_modified = object.meta.last_modified;
        let body = object.bytes(MAX_RECORD).await?;
        Ok(Some(Found { name, last_modified, body }))
    }
}
