//! Accepted keys, and what is said of them.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use oss_lite::{Error, ListedObject};

use super::layout::{Markers, Naming, RecordStatus};
use super::marker::{self, Marker, RecordId, Stage};
use super::name::Tag;
use super::{OpenJournal, ReadError, Record, WriteError, layout};

/// What the listings show, in the order of keys; those named by a hash come last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptedEntry {
    /// A key with a success record.
    Key(AcceptedKey),
    /// A marker of a key without one: it was confirmed, or its success record was deleted.
    Orphan(MarkerRef),
}

/// A key that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedKey {
    object: ListedObject,
    /// Where in the object's name the key or its hash begins.
    folder: usize,
    naming: Naming,
    markers: Vec<MarkerRef>,
}

/// An arrival marker in the log bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkerRef {
    /// What it says.
    pub marker: Marker,
    /// When it was written, by the log bucket's clock.
    pub written: Option<DateTime<Utc>>,
    name: String,
    naming: Naming,
}

/// After which key a listing of accepted keys begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// After this key.
    Key(String),
    /// After all keys in names, and after this hash of a key.
    Hash(String),
}

impl AcceptedKey {
    /// Of a success record, where the key or its hash begins at `folder` in its name.
    pub(super) fn new(object: ListedObject, folder: usize, naming: Naming, markers: Vec<MarkerRef>) -> Self {
        Self { object, folder, naming, markers }
    }

    /// Name of the success record.
    pub fn name(&self) -> &str {
        &self.object.key
    }

    /// The key, if the name contains it.
    pub fn key(&self) -> Option<&str> {
        (self.naming == Naming::Key).then(|| self.key_or_hash())
    }

    /// The key or its hash.
    pub fn key_or_hash(&self) -> &str {
        &self.object.key[self.folder..]
    }

    /// When the success record was written, by the log bucket's clock.
    pub fn written(&self) -> Option<DateTime<Utc>> {
        self.object.last_modified
    }

    /// Which success record it is.
    pub fn record_id(&self) -> RecordId {
        RecordId::of(&self.object)
    }

    /// All markers of the key, also those of earlier success records.
    pub fn markers(&self) -> &[MarkerRef] {
        &self.markers
    }

    /// The marker that counts: the one that ends the matter, else the last step that was taken.
    pub fn marker(&self) -> Option<&MarkerRef> {
        let record = self.record_id();
        let rank = |stage: Stage| match stage {
            Stage::Arrived(_) => 6,
            Stage::Removed => 5,
            Stage::Dead => 4,
            Stage::Failed => 3,
            Stage::Copied => 2,
            Stage::Resent => 1,
        };
        let own = self.markers.iter().filter(|marker| marker.marker.record == record);
        own.max_by_key(|own| (rank(own.marker.stage), own.marker.resent))
    }

    pub(super) fn is_named_by_key(&self) -> bool {
        self.naming == Naming::Key
    }

    /// Where a listing goes on after it.
    pub fn position(&self) -> Position {
        match self.naming {
            Naming::Key => Position::Key(self.key_or_hash().to_owned()),
            Naming::Hash => Position::Hash(self.key_or_hash().to_owned()),
        }
    }
}

impl MarkerRef {
    /// Name of the object.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads an entry of the listing, with the key or hash that it is about. `None` for foreign objects.
    pub(super) fn of(object: ListedObject, folder: usize, naming: Naming) -> Option<(String, Self)> {
        let (end, marker) = marker::parse(&object.key, folder)?;
        let text = &object.key[folder..end];
        let key = match naming {
            Naming::Key => marker::unescaped(text)?.into_owned(),
            Naming::Hash => text.to_owned(),
        };
        Some((key, Self { marker, written: object.last_modified, name: object.key, naming }))
    }
}

impl OpenJournal {
    /// The success record of a key that was listed, or `None` if it was replaced or deleted since. An empty
    /// one, as the vendor's function writes it, says nothing but the key.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is about another key.
    pub async fn accepted_record(&self, accepted: &AcceptedKey) -> Result<Option<Record>, ReadError> {
        if accepted.object.size == 0 {
            return Ok(Some(Record::default()));
        }
        let stored = match self.stored(accepted.name()).await {
            Ok(stored) => stored,
            Err(ReadError::Vanished) => return Ok(None),
            Err(error) => return Err(error),
        };
        if stored.last_modified.is_some() && stored.last_modified != accepted.written() {
            return Ok(None);
        }
        let record = Record::parse(&stored.body).map_err(|error| ReadError::Malformed(error.to_string()))?;
        let fits = match accepted.naming {
            Naming::Key => record.key.is_empty() || record.key == accepted.key_or_hash(),
            Naming::Hash => layout::hash(&record.key) == accepted.key_or_hash(),
        };
        if fits {
            return Ok(Some(record));
        }
        Err(ReadError::Malformed("it is not about the key in its name".to_owned()))
    }

    /// Says what became of an accepted key. Written twice, it is one object.
    ///
    /// # Errors
    ///
    /// When it is not known to be durable.
    pub async fn write_marker(&self, key: &str, marker: Marker) -> Result<(), WriteError> {
        let name = marker::compose(&self.journal.layout().marker_start(Markers::Open, key).1, marker);
        self.write(&name, Bytes::new()).await
    }

    /// Sets an accepted key aside that did not arrive: `record` says why. Written twice, it is one object.
    ///
    /// # Errors
    ///
    /// When it is not known to be durable.
    pub async fn set_aside(&self, accepted: &AcceptedKey, record: &Record) -> Result<(), WriteError> {
        let record = record.clone().going_to(self.journal.pair());
        let at = accepted.written().unwrap_or_default();
        let tag = Tag { at, kind: record.kind(), origin: record.origin() };
        let RecordId(unique) = accepted.record_id();
        let name = self.journal.layout().failure(RecordStatus::Dead, &record.key, tag, unique);
        self.write(&name, record.to_json().into()).await
    }

    /// Deletes the records of accepted keys for which nothing is left to do, first the success record, then
    /// what is said about it. Success records that were replaced since the listing stay, with their markers.
    /// Returns how many objects are left over, of those that may go.
    ///
    /// They are compared with the listing once more just before they are deleted. One that is written between
    /// the two requests would be deleted too; OSS has no conditional delete.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed.
    pub async fn forget(&self, keys: &[AcceptedKey]) -> Result<usize, Error> {
        let mut left = 0;
        for naming in [Naming::Key, Naming::Hash] {
            let mut keys: Vec<&AcceptedKey> = keys.iter().filter(|key| key.naming == naming).collect();
            if keys.is_empty() {
                continue;
            }
            keys.sort_unstable_by(|a, b| a.key_or_hash().cmp(b.key_or_hash()));
            let ends: Vec<&str> = keys.iter().map(|key| key.key_or_hash()).collect();
            let now = self.successes(naming).find(&ends).await?;
            let unchanged = keys.into_iter().zip(now).filter(|(key, now)| now.as_ref() == Some(&key.object));
            let unchanged: Vec<&AcceptedKey> = unchanged.map(|(key, _)| key).collect();
            let records = unchanged.iter().map(|key| key.name()).collect();
            let kept = self.delete(records).await;
            left += kept;
            // If a success record is still there, its marker has to be as well.
            if kept == 0 {
                let markers = unchanged.iter().flat_map(|key| key.markers.iter().map(MarkerRef::name));
                left += self.delete(markers.collect()).await;
            }
        }
        Ok(left)
    }

    /// The time in the log bucket, to the second. It is asked for each time: the clock of an instance that
    /// was frozen may have stood still since the last answer.
    ///
    /// # Errors
    ///
    /// When the bucket is out of reach.
    pub async fn time_in_bucket(&self) -> Result<DateTime<Utc>, Error> {
        self.journal.0.client.server_time(self.bucket_name()).await
    }
}

/// How old an orphan is at least before it is deleted: the two listings are not read at the same moment.
pub(crate) const ORPHAN_AGE: TimeDelta = TimeDelta::hours(1);

impl MarkerRef {
    pub(super) fn is_named_by_hash(&self) -> bool {
        self.naming == Naming::Hash
    }

    /// Whether it can be deleted, if it was listed without a success record. `now` is the log bucket's time.
    ///
    /// The key of one that is named by a hash may have a success record that is named by the key, so such a
    /// marker is kept for `kept`, as long as success records are.
    pub fn is_stale(&self, now: DateTime<Utc>, kept: TimeDelta) -> bool {
        let age = if self.is_named_by_hash() { kept + TimeDelta::days(1) } else { ORPHAN_AGE };
        self.written.is_some_and(|written| written + age < now)
    }
}
