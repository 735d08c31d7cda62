//! The journal: the only writer of the log bucket.

mod find;
mod layout;
mod lookup;
mod probe;
mod record;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use oss_lite::{
    Bucket, BucketName, Client, Credentials, DeleteOutcome, Error, ListOptions, ListPage, ListedObject,
    PutOptions,
};
use tokio::time::Instant;

pub use self::find::Found;
pub use self::layout::{Layout, Naming, Shelf};
pub use self::lookup::Lookup;
pub use self::probe::{ProbeError, Step};
pub use self::record::Record;
use crate::change::ObjectChange;
use crate::clock::Clock;
use crate::engine::Outcome;

/// The journal of one sync task in one log bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
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
        Self(Arc::new(Inner { client, bucket, layout: Layout::new(task), clock, seen: Mutex::default() }))
    }

    /// The journal as seen with one set of credentials until one deadline.
    pub fn open(&self, credentials: Arc<Credentials>, deadline: Instant) -> OpenJournal {
        let mut seen = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = match &*seen {
            Some((last, bucket)) if Arc::ptr_eq(last, &credentials) => bucket.with_deadline(deadline),
            _ => {
                let bucket = self.0.client.bucket(&self.0.bucket, Arc::clone(&credentials));
                *seen = Some((credentials, bucket.clone()));
                bucket.with_deadline(deadline)
            }
        };
        OpenJournal { journal: self.clone(), bucket }
    }

    /// Opens the connection to the log bucket, so that the first record does not wait for it.
    ///
    /// # Errors
    ///
    /// When the endpoint cannot be reached. Any reply counts as reached.
    pub async fn warm(&self) -> Result<(), Error> {
        self.0.client.warm(&self.0.bucket).await
    }

    /// Names of the records.
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }
}

/// A journal that can be read and written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OpenJournal {
    journal: Journal,
    bucket: Bucket,
}

impl OpenJournal {
    /// Writes down what became of a change, over what stood there of the same key and kind.
    ///
    /// # Errors
    ///
    /// When the record is not known to be durable.
    pub async fn record(&self, change: &ObjectChange, outcome: &Outcome) -> Result<(), Error> {
        let shelf = match outcome {
            Outcome::Accepted(_) => Shelf::Success,
            Outcome::Failed(_) => Shelf::Failed,
        };
        let record = Record::new(change, outcome, self.now());
        self.write(shelf, &change.key, &record).await
    }

    /// Writes a record, over what stood there of the same key.
    ///
    /// # Errors
    ///
    /// When the record is not known to be durable.
    pub async fn write(&self, shelf: Shelf, key: &str, record: &Record<'_>) -> Result<(), Error> {
        let name = self.journal.0.layout.name(shelf, key);
        let options = PutOptions { content_type: Some("application/json".into()), ..PutOptions::default() };
        self.bucket.put(&name, Bytes::from(record.to_json()), options).await.map(drop)
    }

    /// The markers of a shelf in byte order of their names, those with the key in their name first. Pages of the listing are
    /// asked for as the stream is read.
    ///
    /// `prefix` restricts the keys; of markers named by a hash all come.
    pub fn markers(
        &self,
        shelf: Shelf,
        prefix: &str,
    ) -> impl Stream<Item = Result<Marker, Error>> + Send + use<> {
        let folder = |naming| self.journal.0.layout.folder(shelf, naming);
        let (keys, hashes) = (folder(Naming::Key), folder(Naming::Hash));
        let listed = |folder: &str, prefix: &str| {
            let prefix = Some([folder, prefix].concat());
            self.bucket.list(ListOptions { prefix, ..ListOptions::default() })
        };
        let by_key = named(listed(&keys, prefix), keys.len(), Naming::Key);
        by_key.chain(named(listed(&hashes, ""), hashes.len(), Naming::Hash))
    }

    /// Looks up markers of a shelf.
    pub fn lookup(&self, shelf: Shelf, naming: Naming) -> Lookup {
        Lookup::new(self.bucket.clone(), self.journal.0.layout.folder(shelf, naming))
    }

    /// Reads the record behind a marker.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn read(&self, marker: &Marker) -> Result<Record<'static>, ReadError> {
        if marker.object.size == 0 {
            return Ok(Record::default());
        }
        let body = self.bucket.get(&marker.object.key).await.map_err(ReadError::Store)?;
        let body = body.bytes(MAX_RECORD).await.map_err(ReadError::Store)?;
        Record::parse(&body).map_err(ReadError::Malformed)
    }

    /// Removes up to 1000 markers.
    ///
    /// # Errors
    ///
    /// When it is not known of any whether it was removed.
    pub async fn remove(&self, names: &[&str]) -> Result<DeleteOutcome, Error> {
        self.bucket.delete_multiple(names).await
    }

    /// The journal's time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.journal.0.clock)()
    }
}

/// The markers on pages of a listing, named by a folder of that length.
fn named<P>(
    pages: P,
    folder: usize,
    naming: Naming,
) -> impl Stream<Item = Result<Marker, Error>> + Send + use<P>
where
    P: Stream<Item = Result<ListPage, Error>> + Send + 'static,
{
    pages.map_ok(|page| stream::iter(page.objects.into_iter().map(Ok))).try_flatten().try_filter_map(
        move |object| {
            // The folder itself, as some tools make it, is no marker.
            let marker = (object.key.len() > folder).then_some(Marker { object, start: folder, naming });
            std::future::ready(Ok(marker))
        },
    )
}

/// Largest record that is read; the largest that is written has two keys and a message of bounded length.
const MAX_RECORD: usize = 64 * 1024;

/// An object in the log bucket that stands for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    object: ListedObject,
    /// Where in the object's name the key or its hash begins.
    start: usize,
    naming: Naming,
}

impl Marker {
    /// The object in the log bucket.
    pub fn object(&self) -> &ListedObject {
        &self.object
    }

    /// How the object's name was made.
    pub fn naming(&self) -> Naming {
        self.naming
    }

    /// The key or its hash, by the naming.
    pub fn end(&self) -> &str {
        &self.object.key[self.start..]
    }

    /// The key, where the name tells it.
    pub fn key(&self) -> Option<&str> {
        (self.naming == Naming::Key).then(|| self.end())
    }
}

/// Why a record could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The store did not give it.
    Store(Error),
    /// It is no record.
    Malformed(serde_json::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Malformed(error) => write!(f, "the object is no record: {error}"),
        }
    }
}

impl std::error::Error for ReadError {}
