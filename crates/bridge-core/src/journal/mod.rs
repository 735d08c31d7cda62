//! The journal: the only writer of the log bucket.
//!
//! | module | concern |
//! |---|---|
//! | `layout` | folders and names |
//! | `name` | names of failure records |
//! | `failures` | failures as a listing shows them |
//! | `marker` | names of arrival markers |
//! | `accepted` | accepted keys, and what is said of them |
//! | `beside` | accepted keys beside their markers, as listings show them |
//! | `confirmed` | keys that are confirmed, moved out of the way |
//! | `lease` | which run of confirmations, comparisons or object lists may work, and where it is |
//! | `pair` | whose records count |
//! | `standing` | what the records say of single keys |
//! | `record`, `wire` | the content of a record; its JSON |
//! | `retire` | deletes failure records that are no longer needed |
//! | `lookup`, `folders` | which of given names exist |
//! | `probe` | whether the bucket can hold a journal |
//!
//! # Rules
//!
//! - **Each failure is an object of its own.** Its name is chosen once and never written again (`name`), so
//!   no writer can destroy the record of another: not another event of the same key, not a replay, not
//!   another instance.
//! - **It is deleted by exactly that name**, by the process that has forwarded the change, or has written a
//!   newer record that replaces it. Nothing else can appear under that name in the meantime, so there is no
//!   race.
//! - **An accepted attempt resolves the failures that existed before it began**, of the same provider,
//!   bucket, URL and key ([`Record::covers`]). A replay deletes those that it listed and sent. An event does
//!   not look for any, which would cost requests; its record has the time at which it began, by the log
//!   bucket's own clock, and a replay that finds older failures of the key deletes them without sending the
//!   key.
//! - **A record is durable only if the answer of the bucket proves it**: it must name the checksum of what
//!   was sent.
//! - **Confirming an arrival overwrites nothing.** What becomes of an accepted key is said by the names of
//!   objects of its own (`marker`), which name the success record that they are about; one that is written in
//!   the meantime is not confirmed by them.
//! - Objects named by the bare key (empty markers of the vendor's function, records of 0.1.0) can be
//!   overwritten by those programs. They are compared with the listing once more before they are deleted. The
//!   moment in between remains, since OSS has no conditional delete.

mod accepted;
mod beside;
mod confirmed;
mod failures;
mod folders;
mod layout;
mod lease;
mod lookup;
mod marker;
mod name;
mod pair;
mod probe;
mod record;
mod retire;
mod standing;
mod store_error;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use md5::{Digest as _, Md5};
use metrics::Counter;
use oss_lite::{Bucket, BucketName, Client, Crc64, Credentials, Error, ErrorKind, PutOptions, PutOutcome};
use parking_lot::Mutex;
use tokio::time::Instant;

pub use self::accepted::{AcceptedEntry, AcceptedKey, MarkerRef, Position};
pub use self::beside::Reach;
pub(crate) use self::confirmed::ConfirmedLookup;
pub use self::confirmed::ConfirmedPage;
pub(crate) use self::failures::Form;
pub use self::failures::{FailedKey, FailureRef};
pub(crate) use self::layout::Naming;
pub use self::layout::{BucketPair, Layout, RecordStatus, RunKind};
pub use self::lease::{ConfirmState, Holding, LEASE, Lease, Turn};
pub(crate) use self::lookup::Lookup;
pub use self::marker::{Marker, Proof, RecordId, Stage};
use self::name::Tag;
pub(crate) use self::name::origin;
pub use self::name::{ChangeKind, Origin};
pub use self::pair::Pair;
pub use self::probe::{ProbeError, ProbeStep};
pub use self::record::Record;
pub(crate) use self::record::sort_by_change;
pub use self::standing::{Standing, Standings};
pub use self::store_error::StoreError;
use crate::engine::Outcome;
use object_copy::clock::Clock;
use object_events::change::ObjectChange;

/// Largest record that is read; the largest that is written has two keys and a message of bounded length.
const MAX_RECORD: usize = 64 * 1024;

/// How often a record is written whose answer does not prove it.
const WRITES: usize = 3;

/// How long one answer of the log bucket is good for computing its time: clocks of machines do not drift
/// apart by more than the margin of [`Record::covers`] in that time.
const CLOCK_VALIDITY: Duration = Duration::from_hours(1);

/// Source of the bits that make names unique: a plain function, so that tests pass their own.
pub type Unique = fn() -> u64;

/// Bits from the operating system, which two instances that were cloned from one do not share.
pub fn system_unique() -> u64 {
    let mut bits = [0; 8];
    match rustls::crypto::ring::default_provider().secure_random.fill(&mut bits) {
        Ok(()) => u64::from_ne_bytes(bits),
        Err(_) => fastrand::u64(..),
    }
}

/// The journal of one sync task in one log bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Journal(Arc<JournalShared>);

#[derive(Debug)]
struct JournalShared {
    client: Client,
    bucket: BucketName,
    layout: Layout,
    pair: Pair,
    clock: Clock,
    unique: Unique,
    /// Bucket handle cached for the last credentials: it keeps the day's signing key, which takes longer to
    /// derive than a request to sign.
    seen: Mutex<Option<(Arc<Credentials>, Bucket)>>,
    heard: Mutex<Option<Heard>>,
    written: Counter,
    not_written: Counter,
}

/// A time of the log bucket's clock.
#[derive(Debug)]
struct Heard {
    /// The text in the answer.
    date: String,
    time: DateTime<Utc>,
    /// When it was last received.
    at: Instant,
}

impl Journal {
    /// A journal of sync task `task` in `bucket`, for objects on their way between `pair`.
    pub fn new(
        client: Client,
        bucket: BucketName,
        task: &str,
        pair: Pair,
        clock: Clock,
        unique: Unique,
    ) -> Self {
        Self(Arc::new(JournalShared {
            client,
            bucket,
            layout: Layout::new(task),
            pair,
            clock,
            unique,
            seen: Mutex::default(),
            heard: Mutex::default(),
            written: Counter::default(),
            not_written: Counter::default(),
        }))
    }

    /// The journal as seen with one set of credentials until one deadline.
    pub fn open(&self, credentials: Arc<Credentials>, deadline: Instant) -> OpenJournal {
        let mut seen = self.0.seen.lock();
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

    /// Whose records count.
    pub fn pair(&self) -> &Pair {
        &self.0.pair
    }

    /// How many records it has taken in this process, and how many it has not.
    pub(crate) fn writes(&self) -> JournalWrites {
        JournalWrites { written: self.0.written.value(), not_written: self.0.not_written.value() }
    }

    /// The time in the log bucket, never later than it is there: what its last answer said, and what has
    /// passed since. A clock that stands still while an instance is frozen only makes it earlier. `None`
    /// until an answer came.
    pub(crate) fn bucket_time(&self) -> Option<DateTime<Utc>> {
        let heard = self.0.heard.lock();
        let Heard { time, at, .. } = heard.as_ref()?;
        let since = at.elapsed();
        (since <= CLOCK_VALIDITY).then(|| *time + TimeDelta::from_std(since).unwrap_or_default())
    }

    fn note_bucket_time(&self, outcome: &PutOutcome) {
        let Some(date) = outcome.date() else { return };
        let mut heard = self.0.heard.lock();
        let at = Instant::now();
        match &mut *heard {
            // Hundreds of answers may have the same second: it is parsed once.
            Some(heard) if heard.date == date => heard.at = at,
            _ => {
                if let Some(time) = outcome.server_time() {
                    *heard = Some(Heard { date: date.to_owned(), time, at });
                }
            }
        }
    }
}

/// Records of one process since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct JournalWrites {
    /// Records that are in the journal.
    pub written: u64,
    /// Records that are not known to be.
    pub not_written: u64,
}

/// A journal that can be read and written. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OpenJournal {
    journal: Journal,
    bucket: Bucket,
}

impl OpenJournal {
    /// Records the outcome of a change whose attempt began at `began` by `OpenJournal::bucket_time`.
    ///
    /// # Errors
    ///
    /// When the record is not known to be durable.
    pub async fn record(
        &self,
        change: &ObjectChange,
        outcome: &Outcome,
        began: Option<DateTime<Utc>>,
    ) -> Result<(), WriteError> {
        let (name, body) = {
            let record = Record::new(change, outcome, self.now()).going_to(self.journal.pair());
            match outcome {
                Outcome::Accepted(_) => self.success_record(&record.begun(began)),
                Outcome::Failed(_) => self.failure_record(RecordStatus::Failed, &record),
            }
        };
        self.write(&name, body).await
    }

    /// Writes a failure record and returns its name. It replaces no other record.
    ///
    /// # Errors
    ///
    /// When the record is not known to be durable.
    pub async fn write_failure(&self, status: RecordStatus, record: &Record) -> Result<String, WriteError> {
        let record = record.clone().going_to(self.journal.pair());
        let (name, body) = self.failure_record(status, &record);
        self.write(&name, body).await?;
        Ok(name)
    }

    fn success_record(&self, record: &Record) -> (String, Bytes) {
        (self.journal.layout().name(RecordStatus::Success, &record.key), record.to_json().into())
    }

    fn failure_record(&self, status: RecordStatus, record: &Record) -> (String, Bytes) {
        let tag = Tag { at: self.now(), kind: record.kind(), origin: record.origin() };
        let name = self.journal.layout().failure(status, &record.key, tag, (self.journal.0.unique)());
        (name, record.to_json().into())
    }

    async fn write(&self, name: &str, body: Bytes) -> Result<(), WriteError> {
        let written = self.write_proved(name, body).await;
        let shared = &self.journal.0;
        let counter = if written.is_ok() { &shared.written } else { &shared.not_written };
        counter.increment();
        written
    }

    async fn write_proved(&self, name: &str, body: Bytes) -> Result<(), WriteError> {
        let mut last = WriteError::Unproved { answered: String::new() };
        for _ in 0..WRITES {
            let options =
                PutOptions { content_type: Some("application/json".into()), ..PutOptions::default() };
            let outcome = self.bucket.put(name, body.clone(), options).await.map_err(WriteError::Store)?;
            match prove(&outcome, &body) {
                Ok(()) => {
                    self.journal.note_bucket_time(&outcome);
                    return Ok(());
                }
                Err(unproved) => last = unproved,
            }
        }
        Err(last)
    }

    /// Looks up success records.
    pub(crate) fn successes(&self, naming: Naming) -> Lookup {
        Lookup::new(self.bucket.clone(), self.journal.layout().folder(RecordStatus::Success, naming))
    }

    /// Reads the record behind a failure.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub async fn read(&self, failure: &FailureRef) -> Result<Record, ReadError> {
        if failure.object().size == 0 {
            return Ok(Record::default());
        }
        if failure.is_oversized() {
            return Err(ReadError::TooLarge);
        }
        let stored = self.stored(failure.name()).await?;
        let record = Record::parse(&stored.body).map_err(|error| ReadError::Malformed(error.to_string()))?;
        match failure.form() {
            // A foreign file may be JSON as well, but it is not about the key in its name.
            Form::Named if failure.key().is_some_and(|key| key != record.key && !record.key.is_empty()) => {
                Err(ReadError::Malformed("it is about another key".to_owned()))
            }
            _ if failure.naming() == Naming::Hash && layout::hash(&record.key) != failure.key_or_hash() => {
                Err(ReadError::Malformed("it is not about the key in its name".to_owned()))
            }
            _ => Ok(record),
        }
    }

    /// Reads the success record of a key, if there is one.
    ///
    /// # Errors
    ///
    /// When the bucket does not answer the request.
    pub async fn success(&self, key: &str) -> Result<Option<StoredRecord>, Error> {
        let name = self.journal.layout().name(RecordStatus::Success, key);
        match self.stored(&name).await {
            Ok(stored) => Ok(Some(stored)),
            Err(ReadError::Store(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Reads a stored record with its metadata.
    ///
    /// # Errors
    ///
    /// [`ReadError`], but never [`ReadError::Malformed`]: an object that is no record is returned unchanged.
    pub async fn stored(&self, name: &str) -> Result<StoredRecord, ReadError> {
        let object = self.bucket.get(name).await.map_err(ReadError::of)?;
        let last_modified = object.meta.last_modified;
        let body = object.bytes(MAX_RECORD).await.map_err(ReadError::of)?;
        Ok(StoredRecord { name: name.to_owned(), last_modified, body })
    }

    /// Names of the records.
    pub fn layout(&self) -> &Layout {
        self.journal.layout()
    }

    /// The journal's time.
    pub fn now(&self) -> DateTime<Utc> {
        (self.journal.0.clock)()
    }

    /// Whose records count.
    pub fn pair(&self) -> &Pair {
        self.journal.pair()
    }

    /// The log bucket's time: see [`Journal::bucket_time`].
    pub(crate) fn bucket_time(&self) -> Option<DateTime<Utc>> {
        self.journal.bucket_time()
    }
}

/// A record as it lies in the log bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// Name of the object.
    pub name: String,
    /// When it was written.
    pub last_modified: Option<DateTime<Utc>>,
    /// The record as it was written; empty for the vendor's markers.
    pub body: Bytes,
}

/// Whether the answer names what was sent. A proxy that answers in place of the bucket does not know the
/// checksum. With encryption by a key service the `ETag` is no MD5, but then there is the CRC-64.
fn prove(outcome: &PutOutcome, body: &[u8]) -> Result<(), WriteError> {
    let proved = match (outcome.crc64, &outcome.etag) {
        (Some(answered), _) => {
            let mut crc64 = Crc64::new();
            crc64.update(body);
            answered == crc64.value()
        }
        (None, Some(etag)) => etag.eq_ignore_ascii_case(&hex::encode(Md5::digest(body))),
        (None, None) => false,
    };
    if proved {
        return Ok(());
    }
    let answered = match (outcome.crc64, &outcome.etag) {
        (Some(answered), _) => format!("CRC-64 {answered}"),
        (None, Some(etag)) => format!("ETag {etag:?}"),
        (None, None) => "neither ETag nor CRC-64".to_owned(),
    };
    Err(WriteError::Unproved { answered })
}

/// Why a record is not known to be durable.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The store did not accept it.
    #[error(transparent)]
    Store(Error),
    /// The answer does not prove that the store has the record. User action: look for a proxy between here
    /// and the log bucket.
    #[error(
        "the response does not contain the checksum of what was sent, but {answered}: it is not from the log bucket"
    )]
    Unproved {
        /// What the answer has instead of the checksum.
        answered: String,
    },
}

/// Whether credentials or permissions were refused.
pub(crate) fn refuses(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::CredentialsRefused | ErrorKind::AccessDenied)
}

/// Why a record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store did not return it.
    #[error(transparent)]
    Store(Error),
    /// It does not exist any more: another run has retired it.
    #[error("the record no longer exists")]
    Vanished,
    /// It is larger than any record.
    #[error("the object is not a record: it is larger than {MAX_RECORD} bytes")]
    TooLarge,
    /// It is no record, for this reason.
    #[error("the object is not a record: {0}")]
    Malformed(String),
}

impl ReadError {
    fn of(error: Error) -> Self {
        match error.kind() {
            ErrorKind::NoSuchKey => Self::Vanished,
            ErrorKind::TooLarge => Self::TooLarge,
            _ => Self::Store(error),
        }
    }
}

#[cfg(test)]
mod tests;
