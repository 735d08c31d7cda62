//! Keys that are confirmed: their success record and their markers, moved out of the way of the next run.
//!
//! ```text
//! success_object/a                   ──▶  confirmed_object/a!am01-…    with the record as its content
//! arrival_object/a!r001-…            ──▶  confirmed_object/a!r001-…
//! ```
//!
//! What is left in `success_object/` is what is left to do, so that a run lists no more than that. All is
//! written to the new folder first; then the success record is deleted, unless an event has replaced it; then
//! the markers beside it. A kill in between leaves the success record: the next run looks at the key once
//! more, and writes the same names. The names end in what the marker says, so nothing is ever overwritten by
//! anything else.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use oss_lite::{Bucket, Error, ListOptions, ListedObject};

use super::accepted::{AcceptedKey, MarkerRef};
use super::folders::Folders;
use super::layout::{Markers, Naming, hash};
use super::lookup::Wanted;
use super::marker::{self, Marker};
use super::{OpenJournal, ReadError, Record, StoredRecord, WriteError};

/// Markers of a page, and where the listing goes on after them.
#[derive(Clone, Debug)]
pub struct ConfirmedPage {
    /// The markers.
    pub markers: Vec<MarkerRef>,
    /// The last name of the page.
    pub up_to: String,
}

impl OpenJournal {
    /// Writes what became of an accepted key for which nothing is left to do, with its success record, as the
    /// first part of the move; [`Self::forget`] is the second. Written twice, it is the same objects.
    ///
    /// # Errors
    ///
    /// When it is not known to be durable.
    pub async fn write_confirmed(
        &self,
        accepted: &AcceptedKey,
        key: &str,
        record: &Record,
        marker: Marker,
    ) -> Result<(), WriteError> {
        let start = self.journal.layout().marker_start(Markers::Confirmed, key).1;
        for step in accepted.markers() {
            self.write(&marker::compose(&start, step.marker), Bytes::new()).await?;
        }
        // An empty one is the vendor's.
        let body = if *record == Record::default() { Bytes::new() } else { record.to_json().into() };
        self.write(&marker::compose(&start, marker), body).await
    }

    /// The confirmed keys' markers from `after` on, a page at a time, whose names are those of the folder.
    pub fn confirmed(
        &self,
        after: Option<String>,
    ) -> impl Stream<Item = Result<ConfirmedPage, Error>> + Send + use<> {
        let layout = self.journal.layout();
        let folders =
            [Naming::Key, Naming::Hash].map(|naming| (layout.markers(Markers::Confirmed, naming), naming));
        // Of the two, `…_long/` comes last in byte order as well.
        let left = folders.into_iter().filter_map(move |(folder, naming)| match &after {
            Some(after) if *after > folder && !after.starts_with(&folder) => None,
            Some(after) if after.starts_with(&folder) => Some((folder, naming, Some(after.clone()))),
            _ => Some((folder, naming, None)),
        });
        let bucket = self.bucket.clone();
        stream::iter(left)
            .flat_map(move |(folder, naming, after)| pages(&bucket, folder, naming, after).boxed())
    }

    /// Reads the success record of a key that was confirmed, if it is kept: the last one.
    ///
    /// # Errors
    ///
    /// When the bucket does not answer.
    pub async fn confirmed_record(&self, key: &str) -> Result<Option<StoredRecord>, Error> {
        let markers = self.markers_of(Markers::Confirmed, key).await?;
        let Some(last) = newest(markers) else { return Ok(None) };
        match self.stored(last.name()).await {
            Ok(stored) => Ok(Some(stored)),
            Err(ReadError::Store(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }
}

/// The one that was written last of those that end the matter.
fn newest(markers: Vec<MarkerRef>) -> Option<MarkerRef> {
    let ended = markers.into_iter().filter(|marker| marker.marker.stage.is_final());
    ended.max_by_key(|marker| marker.written)
}

fn pages(
    bucket: &Bucket,
    folder: String,
    naming: Naming,
    after: Option<String>,
) -> impl Stream<Item = Result<ConfirmedPage, Error>> + Send + use<> {
    let options = ListOptions { prefix: Some(folder.clone()), start_after: after, ..ListOptions::default() };
    bucket.list(options).try_filter_map(move |page| {
        let up_to = page.objects.last().map(|object| object.key.clone());
        let markers =
            page.objects.into_iter().filter_map(|object| MarkerRef::of(object, folder.len(), naming));
        let markers = markers.map(|(_, marker)| marker).collect();
        std::future::ready(Ok(up_to.map(|up_to| ConfirmedPage { markers, up_to })))
    })
}

/// Looks up the success records of keys that were confirmed.
#[derive(Debug)]
pub(crate) struct ConfirmedLookup {
    journal: OpenJournal,
    folders: Folders,
}

impl OpenJournal {
    pub(crate) fn confirmed_lookup(&self) -> ConfirmedLookup {
        let layout = self.journal.layout();
        let folders = Folders::new(&self.bucket, |naming| layout.markers(Markers::Confirmed, naming));
        ConfirmedLookup { journal: self.clone(), folders }
    }
}

impl ConfirmedLookup {
    /// For each of `keys`, which ascend, none of them twice, the name of its last success record, and when
    /// that was moved.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed.
    pub(crate) async fn find(
        &mut self,
        keys: &[&str],
    ) -> Result<Vec<Option<(String, Option<DateTime<Utc>>)>>, Error> {
        let layout = self.journal.layout();
        let named = keys.iter().enumerate().map(|(place, key)| {
            let (naming, _) = layout.marker_start(Markers::Confirmed, key);
            let name = match naming {
                Naming::Key => marker::escaped(key),
                Naming::Hash => hash(key).into(),
            };
            (place, naming, name)
        });
        let mut last = vec![None; keys.len()];
        for found in self.folders.find(named.collect(), Wanted::group).await? {
            let folder = layout.markers(Markers::Confirmed, found.naming).len();
            let of = |object: ListedObject| MarkerRef::of(object, folder, found.naming);
            let markers = found.objects.into_iter().filter_map(of).map(|(_, marker)| marker);
            last[found.place] =
                newest(markers.collect()).map(|marker| (marker.name().to_owned(), marker.written));
        }
        Ok(last)
    }
}
