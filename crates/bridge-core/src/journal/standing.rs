//! What the records say of single keys, looked up by listings.
//!
//! A comparison of source and destination asks this of the keys that differ, a chunk of them at once and in
//! their order: where a folder is empty, or the keys lie close together, there are hardly more requests than
//! pages, and where they lie far apart several are made at a time.

use std::borrow::Cow;
use std::cmp::Reverse;

use futures_util::future::try_join3;
use oss_lite::{Error, ErrorKind, ListedObject};

use super::accepted::{AcceptedKey, MarkerRef};
use super::failures::{FailureRef, Form};
use super::folders::{Folders, KeyObjects, Named};
use super::layout::{Markers, Naming, RecordStatus, hash};
use super::lookup::Wanted;
use super::marker;
use super::name::{ChangeKind, SUFFIX};
use super::{OpenJournal, ReadError, Record};

/// What the records say of a key. A record may be about an object of another source, or on its way to another
/// destination: [`OpenJournal::is_ours`] tells, once it is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// It was accepted; with what became of it since.
    pub accepted: Option<AcceptedKey>,
    /// Its failures that a replay will send again, the newest first.
    pub waiting: Vec<FailureRef>,
    /// Those with which it was given up, likewise.
    pub dead: Vec<FailureRef>,
}

/// Looks up keys.
#[derive(Debug)]
pub struct Standings {
    journal: OpenJournal,
    accepted: Folders,
    markers: Folders,
    failed: Folders,
    dead: Folders,
}

impl OpenJournal {
    /// Looks up what the records say of keys, which are asked for in ascending order.
    pub fn standings(&self) -> Standings {
        let layout = self.journal.layout();
        let records = |status| Folders::new(&self.bucket, |naming| layout.folder(status, naming));
        Standings {
            journal: self.clone(),
            accepted: records(RecordStatus::Success),
            markers: Folders::new(&self.bucket, |naming| layout.markers(Markers::Open, naming)),
            failed: records(RecordStatus::Failed),
            dead: records(RecordStatus::Dead),
        }
    }

    /// Whether the record behind an accepted key is about an object of the source bucket on its way to the
    /// destination, or may be.
    ///
    /// # Errors
    ///
    /// When the log bucket does not answer.
    pub async fn is_ours(&self, accepted: &AcceptedKey) -> Result<bool, Error> {
        self.may_be_ours(self.accepted_record(accepted).await)
    }

    /// The same of a failure.
    ///
    /// # Errors
    ///
    /// When the log bucket does not answer.
    pub async fn is_our_failure(&self, failure: &FailureRef) -> Result<bool, Error> {
        match self.read(failure).await {
            // Somebody has resolved it a moment ago.
            Err(ReadError::Vanished) => Ok(false),
            read => self.may_be_ours(read.map(Some)),
        }
    }

    fn may_be_ours(&self, read: Result<Option<Record>, ReadError>) -> Result<bool, Error> {
        match read {
            Ok(Some(record)) => Ok(record.url.is_none() && self.journal.pair().has(&record)),
            Err(ReadError::Store(error)) if !is_about_the_object(error.kind()) => Err(error),
            // It was replaced since it was listed, or does not let itself be read.
            Ok(None) | Err(_) => Ok(true),
        }
    }
}

impl Standings {
    /// What the records say of keys, which ascend, none of them twice.
    ///
    /// # Errors
    ///
    /// When the log bucket cannot be listed.
    pub async fn of(&mut self, keys: &[&str]) -> Result<Vec<Standing>, Error> {
        let layout = self.journal.layout().clone();
        let records: Vec<Named<'_>> = keys
            .iter()
            .enumerate()
            .map(|(place, key)| {
                let (naming, name) = layout.success(key);
                (place, naming, name)
            })
            .collect();
        let failures = |status| {
            let names = keys.iter().enumerate().flat_map(|(place, key)| {
                // The vendor's are named by the bare key, which leaves more room.
                let [named, bare] = [SUFFIX, 0].map(|suffix| layout.start(status, key, suffix).0);
                [Some(named), (bare != named).then_some(bare)]
                    .into_iter()
                    .flatten()
                    .map(move |naming| (place, naming, of_naming(naming, Cow::Borrowed(*key), key)))
            });
            names.collect::<Vec<Named<'_>>>()
        };
        let (accepted, failed, dead) = try_join3(
            self.accepted.find(records, Wanted::exactly),
            self.failed.find(failures(RecordStatus::Failed), Wanted::group),
            self.dead.find(failures(RecordStatus::Dead), Wanted::group),
        )
        .await?;
        let mut standings = vec![Standing::default(); keys.len()];
        for (status, found) in [(RecordStatus::Failed, failed), (RecordStatus::Dead, dead)] {
            for found in found {
                let standing = &mut standings[found.place];
                let failures =
                    if status == RecordStatus::Dead { &mut standing.dead } else { &mut standing.waiting };
                failures.extend(self.failures(layout.folder(status, found.naming).len(), found));
                failures.sort_by_key(|failure| Reverse(failure.written()));
            }
        }
        let accepted: Vec<(usize, Naming, ListedObject)> = accepted
            .into_iter()
            .filter_map(|mut found| Some((found.place, found.naming, found.objects.pop()?)))
            .collect();
        let marked = accepted.iter().map(|(place, ..)| {
            let key = keys[*place];
            let (naming, _) = layout.marker_start(Markers::Open, key);
            (*place, naming, of_naming(naming, marker::escaped(key), key))
        });
        let found = self.markers.find(marked.collect(), Wanted::group).await?;
        let mut markers: Vec<Vec<MarkerRef>> = vec![Vec::new(); keys.len()];
        for KeyObjects { place, naming, objects, .. } in found {
            let folder = layout.markers(Markers::Open, naming).len();
            let of_key = objects.into_iter().filter_map(|object| MarkerRef::of(object, folder, naming));
            markers[place].extend(of_key.map(|(_, marker)| marker));
        }
        for (place, naming, object) in accepted {
            let folder = layout.folder(RecordStatus::Success, naming).len();
            let markers = std::mem::take(&mut markers[place]);
            standings[place].accepted = Some(AcceptedKey::new(object, folder, naming, markers));
        }
        Ok(standings)
    }

    /// The failures that changes of an object of the source left behind, as far as names tell. A removal that
    /// waits does not bring the object to the destination.
    fn failures(&self, folder: usize, found: KeyObjects<'_>) -> impl Iterator<Item = FailureRef> {
        let KeyObjects { naming, name, objects, .. } = found;
        let (end, pair) = (folder + name.len(), self.journal.journal.pair());
        let of_key = objects.into_iter().filter_map(move |object| FailureRef::new(object, folder, naming));
        of_key.filter(move |failure| {
            let from_here = match failure.form() {
                Form::Record(tag) => pair.may_be_from(tag.origin),
                Form::Marker | Form::Named => true,
            };
            failure.key_end() == end && from_here && failure.kind() != Some(ChangeKind::Removal)
        })
    }
}

/// Whether a refusal is that of one object: archived by a rule, or with an owner of its own.
fn is_about_the_object(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Archived | ErrorKind::AccessDenied)
}

fn of_naming<'k>(naming: Naming, name: Cow<'k, str>, key: &str) -> Cow<'k, str> {
    match naming {
        Naming::Key => name,
        Naming::Hash => Cow::Owned(hash(key)),
    }
}
