//! What the records say of single keys, looked up by listings.
//!
//! A comparison of source and destination asks this of each key that differs. Keys are asked for in their
//! order, so that one page of each folder answers for many of them: where a folder is empty, or the keys lie
//! close together, there are hardly more requests than pages.

use std::collections::VecDeque;
use std::pin::pin;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use oss_lite::{Bucket, Error, ListOptions, ListedObject};

use super::OpenJournal;
use super::accepted::{AcceptedKey, MarkerRef};
use super::failures::FailureRef;
use super::layout::{Naming, RecordStatus};
use super::lookup::just_before;
use super::name::{ChangeKind, SEPARATOR, SUFFIX};

/// What the records say of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// It was accepted; with what became of it since.
    pub accepted: Option<AcceptedKey>,
    /// It failed, and a replay will send it again. When that was recorded, by the log bucket's clock.
    pub waits_since: Option<DateTime<Utc>>,
    /// It was given up. When that was recorded, likewise.
    pub dead_since: Option<DateTime<Utc>>,
}

/// Looks up keys.
#[derive(Debug)]
pub struct Standings {
    journal: OpenJournal,
    accepted: Cursor,
    markers: Cursor,
    failed: Cursor,
    dead: Cursor,
}

impl OpenJournal {
    /// Looks up what the records say of keys, which are best asked for in ascending order.
    pub fn standings(&self) -> Standings {
        let cursor = |folder| Cursor::new(self.bucket.clone(), folder);
        let layout = self.journal.layout();
        Standings {
            journal: self.clone(),
            accepted: cursor(layout.folder(RecordStatus::Success, Naming::Key)),
            markers: cursor(layout.markers(Naming::Key)),
            failed: cursor(layout.folder(RecordStatus::Failed, Naming::Key)),
            dead: cursor(layout.folder(RecordStatus::Dead, Naming::Key)),
        }
    }
}

impl Standings {
    /// What the records say of a key.
    ///
    /// # Errors
    ///
    /// When the log bucket cannot be listed.
    pub async fn of(&mut self, key: &str) -> Result<Standing, Error> {
        let accepted = self.accepted(key).await?;
        let waits_since = self.newest_failure(RecordStatus::Failed, key).await?;
        let dead_since = self.newest_failure(RecordStatus::Dead, key).await?;
        Ok(Standing { accepted, waits_since, dead_since })
    }

    async fn accepted(&mut self, key: &str) -> Result<Option<AcceptedKey>, Error> {
        let layout = self.journal.layout();
        let (naming, name) = layout.start(RecordStatus::Success, key, 0);
        let folder = layout.folder(RecordStatus::Success, naming).len();
        let object = match naming {
            Naming::Key => self.accepted.exactly(&name).await?,
            Naming::Hash => self.anywhere(&name).exactly(&name).await?,
        };
        let Some(object) = object else { return Ok(None) };
        let (marked_by, start) = layout.marker_start(key);
        let prefix = format!("{start}{SEPARATOR}");
        let markers = match marked_by {
            Naming::Key => self.markers.beginning_with(&prefix).await?,
            Naming::Hash => self.anywhere(&prefix).beginning_with(&prefix).await?,
        };
        let length = layout.markers(marked_by).len();
        let markers = markers.into_iter().filter_map(|object| MarkerRef::of(object, length, marked_by));
        let markers = markers.map(|(_, marker)| marker).collect();
        Ok(Some(AcceptedKey::new(object, folder, naming, markers)))
    }

    /// When the last failure was recorded that a change of the object left behind. A removal that waits does
    /// not bring the object to the destination.
    async fn newest_failure(
        &mut self,
        status: RecordStatus,
        key: &str,
    ) -> Result<Option<DateTime<Utc>>, Error> {
        let layout = self.journal.layout();
        let (named_by, start) = layout.start(status, key, SUFFIX);
        let prefix = format!("{start}{SEPARATOR}");
        let (bare_by, bare) = layout.start(status, key, 0);
        let (by_name, by_key) = if named_by == Naming::Key && bare_by == Naming::Key {
            let cursor = match status {
                RecordStatus::Dead => &mut self.dead,
                RecordStatus::Failed | RecordStatus::Success => &mut self.failed,
            };
            // In this order the second is on the same page.
            let by_key = cursor.exactly(&bare).await?;
            (cursor.beginning_with(&prefix).await?, by_key)
        } else {
            let mut cursor = self.anywhere(&prefix);
            (cursor.beginning_with(&prefix).await?, cursor.exactly(&bare).await?)
        };
        let length = |naming| layout.folder(status, naming).len();
        let named = by_name.into_iter().filter_map(|object| {
            let end = start.len();
            let failure = FailureRef::new(object, length(named_by), named_by)?;
            (failure.key_end() == end).then_some(failure)
        });
        let bare = by_key.and_then(|object| FailureRef::new(object, length(bare_by), bare_by));
        let of_changes = named.chain(bare).filter(|failure| failure.kind() != Some(ChangeKind::Removal));
        Ok(of_changes.filter_map(|failure| failure.written()).max())
    }

    /// For names that are not in the order of keys.
    fn anywhere(&self, name: &str) -> Cursor {
        let folder = name.rfind('/').map_or("", |end| &name[..=end]);
        Cursor::new(self.journal.bucket.clone(), folder.to_owned())
    }
}

/// A page of a folder, and which names it answers for.
#[derive(Debug)]
struct Cursor {
    bucket: Bucket,
    folder: String,
    page: VecDeque<ListedObject>,
    /// The page has every name behind this one, up to its last; nothing was listed yet without it.
    after: Option<String>,
    /// The folder ends with the page.
    ends: bool,
}

impl Cursor {
    fn new(bucket: Bucket, folder: String) -> Self {
        Self { bucket, folder, page: VecDeque::new(), after: None, ends: false }
    }

    /// The object of this name.
    async fn exactly(&mut self, name: &str) -> Result<Option<ListedObject>, Error> {
        if !self.covers(name) {
            self.turn_to(just_before(name)).await?;
        }
        Ok(self.page.iter().find(|object| object.key == name).cloned())
    }

    /// The objects whose names begin so, and are longer.
    async fn beginning_with(&mut self, prefix: &str) -> Result<Vec<ListedObject>, Error> {
        let mut found = Vec::new();
        if !self.covers(prefix) {
            self.turn_to(prefix.to_owned()).await?;
        }
        loop {
            found.extend(self.page.iter().filter(|object| object.key.starts_with(prefix)).cloned());
            let last = self.page.back().map(|object| object.key.clone());
            match last.filter(|last| !self.ends && last.starts_with(prefix)) {
                Some(last) => self.turn_to(last).await?,
                None => return Ok(found),
            }
        }
    }

    /// Whether the page has this name if the folder does, and what follows it if that is on one page.
    fn covers(&self, name: &str) -> bool {
        let begins = self.after.as_deref().is_some_and(|after| after < name);
        begins && (self.ends || self.page.back().is_some_and(|last| last.key.as_str() >= name))
    }

    async fn turn_to(&mut self, after: String) -> Result<(), Error> {
        let options = ListOptions {
            prefix: Some(self.folder.clone()),
            start_after: Some(after.clone()),
            ..ListOptions::default()
        };
        let page = pin!(self.bucket.list(options)).try_next().await?;
        self.page = page.map(|page| page.objects.into()).unwrap_or_default();
        // A page may have fewer entries than were asked for.
        (self.after, self.ends) = (Some(after), self.page.is_empty());
        Ok(())
    }
}
