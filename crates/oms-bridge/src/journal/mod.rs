//! The journal: the only writer of the log bucket.

mod layout;
mod record;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use oss_lite::{Bucket, BucketName, Client, Credentials, PutOptions};
use tokio::time::Instant;

pub use self::layout::{Layout, Shelf};
pub use self::record::Record;
use crate::change::ObjectChange;
use crate::clock::Clock;
use crate::engine::Outcome;

/// The journal of one sync task in one log bucket.
#[derive(Debug)]
pub struct Journal {
    client: Client,
    bucket: BucketName,
    layout: Layout,
    clock: Clock,
    /// The bucket as the last credentials see it. It holds the day's signing key, which takes longer to derive than a
    /// request to sign.
    seen: Mutex<Option<(Arc<Credentials>, Bucket)>>,
}

impl Journal {
    /// A journal of sync task `task` in `bucket`.
    pub fn new(client: Client, bucket: BucketName, task: &str, clock: Clock) -> Self {
        Self { client, bucket, layout: Layout::new(task), clock, seen: Mutex::default() }
    }

    /// The journal as seen with one set of credentials until one deadline.
    pub fn open(&self, credentials: Arc<Credentials>, deadline: Instant) -> OpenJournal<'_> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = match &*seen {
            Some((last, bucket)) if Arc::ptr_eq(last, &credentials) => bucket.with_deadline(deadline),
            _ => {
                let bucket = self.client.bucket(&self.bucket, Arc::clone(&credentials));
                *seen = Some((credentials, bucket.clone()));
                bucket.with_deadline(deadline)
            }
        };
        OpenJournal { journal: self, bucket }
    }

    /// Opens the connection to the log bucket, so that the first record does not wait for it.
    ///
    /// # Errors
    ///
    /// When the endpoint cannot be reached. Any reply counts as reached.
    pub async fn warm(&self) -> Result<(), oss_lite::Error> {
        self.client.warm(&self.bucket).await
    }

    /// Names of the records.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

/// A journal that can be written.
#[derive(Debug)]
pub struct OpenJournal<'j> {
    journal: &'j Journal,
    bucket: Bucket,
}

impl OpenJournal<'_> {
    /// Writes down what became of a change, over what stood there of the same key and kind.
    ///
    /// # Errors
    ///
    /// When the record is not known to be durable.
    pub async fn record(&self, change: &ObjectChange, outcome: &Outcome) -> Result<(), oss_lite::Error> {
        let shelf = match outcome {
            Outcome::Accepted(_) => Shelf::Success,
            Outcome::Failed(_) => Shelf::Failed,
        };
        let name = self.journal.layout.name(shelf, &change.key);
        let record = Record::new(change, outcome, (self.journal.clock)());
        let options = PutOptions { content_type: Some("application/json".into()), ..PutOptions::default() };
        self.bucket.put(&name, Bytes::from(record.to_json()), options).await.map(drop)
    }
}
