//! Failures as the listing of the log bucket shows them.

use chrono::{DateTime, Utc};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use oss_lite::{Error, ListOptions, ListPage, ListedObject};

use super::layout::{Naming, RecordStatus};
use super::name::{ChangeKind, SEPARATOR, SUFFIX, Tag, parse};
use super::{MAX_RECORD, OpenJournal};

/// A failure in the log bucket: enough to send its key, and to delete exactly this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureRef {
    object: ListedObject,
    /// Where in the object's name the key or its hash begins, and where it ends.
    key: (usize, usize),
    naming: Naming,
    form: Form,
}

/// Writer of a failure, and the content of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// An object of its own for this one failure. It is never overwritten.
    Record(Tag),
    /// An empty object named by the bare key, as the vendor's function writes it. Nothing but the key is
    /// known, and the next failure of the key writes it again.
    Marker,
    /// An object with content, named by the bare key: a record of version 0.1.0, or a foreign file. Only its
    /// content shows which.
    Named,
}

impl FailureRef {
    /// Reads an entry of the listing of a folder whose name is `folder` bytes long.
    pub(super) fn new(object: ListedObject, folder: usize, naming: Naming) -> Option<Self> {
        // The folder itself, as some tools make it, is no failure.
        if object.key.len() <= folder {
            return None;
        }
        let (end, form) = match parse(&object.key, folder) {
            Some((end, tag)) => (end, Form::Record(tag)),
            None if object.size == 0 => (object.key.len(), Form::Marker),
            None => (object.key.len(), Form::Named),
        };
        Some(Self { object, key: (folder, end), naming, form })
    }

    /// Name of the object.
    pub fn name(&self) -> &str {
        &self.object.key
    }

    /// The object.
    pub(crate) fn object(&self) -> &ListedObject {
        &self.object
    }

    /// When it was written, by the clock of the log bucket: the time of the failure.
    pub fn written(&self) -> Option<DateTime<Utc>> {
        self.object.last_modified
    }

    /// How the name was made.
    pub(crate) fn naming(&self) -> Naming {
        self.naming
    }

    /// Who wrote it.
    pub(crate) fn form(&self) -> Form {
        self.form
    }

    /// The key, if the name contains it.
    pub fn key(&self) -> Option<&str> {
        (self.naming == Naming::Key).then(|| self.key_or_hash())
    }

    /// The key or its hash, by the naming.
    pub(crate) fn key_or_hash(&self) -> &str {
        &self.object.key[self.key.0..self.key.1]
    }

    /// Where in the name the key or its hash ends.
    pub(super) fn key_end(&self) -> usize {
        self.key.1
    }

    /// Which engine can forward it, if the name shows it.
    pub(crate) fn kind(&self) -> Option<ChangeKind> {
        match self.form {
            Form::Record(tag) => Some(tag.kind),
            Form::Marker => Some(ChangeKind::Change),
            Form::Named => None,
        }
    }

    /// Whether it is too large for a record.
    pub(super) fn is_oversized(&self) -> bool {
        self.object.size > MAX_RECORD as u64
    }
}

/// A key that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedKey {
    /// Its last failure.
    pub newest: FailureRef,
    /// When the first of its records was written.
    pub since: Option<DateTime<Utc>>,
    /// How many records it has.
    pub records: u64,
}

impl FailedKey {
    fn new(failure: FailureRef) -> Self {
        Self { since: failure.written(), newest: failure, records: 1 }
    }

    fn is_about(&self, failure: &FailureRef) -> bool {
        self.newest.naming == failure.naming && self.newest.key_or_hash() == failure.key_or_hash()
    }

    fn add(&mut self, failure: FailureRef) {
        self.records += 1;
        self.since = self.since.min(failure.written());
        if failure.written() >= self.newest.written() {
            self.newest = failure;
        }
    }
}

impl OpenJournal {
    /// The failures with a status in byte order of their names, those with the key in their name first. Pages
    /// of the listing are asked for as the stream is read.
    ///
    /// `prefix` restricts the keys; of those named by a hash all come.
    pub fn failures(
        &self,
        status: RecordStatus,
        prefix: &str,
    ) -> impl Stream<Item = Result<FailureRef, Error>> + Send + use<> {
        let folder = |naming| self.journal.layout().folder(status, naming);
        let (keys, hashes) = (folder(Naming::Key), folder(Naming::Hash));
        let by_key = self.listed([&keys, prefix].concat(), keys.len(), Naming::Key);
        by_key.chain(self.listed(hashes.clone(), hashes.len(), Naming::Hash))
    }

    /// The keys that have failures with a status, in byte order of names, as far as failures of one key lie
    /// next to each other: a marker of the vendor and a record of the same key may count twice.
    pub fn failed_keys(
        &self,
        status: RecordStatus,
    ) -> impl Stream<Item = Result<FailedKey, Error>> + Send + use<> {
        let failures = Box::pin(self.failures(status, ""));
        stream::try_unfold((failures, None), |(mut failures, mut of_key)| async move {
            loop {
                let Some(next) = failures.try_next().await? else {
                    return Ok(of_key.take().map(|done| (done, (failures, None))));
                };
                match &mut of_key {
                    None => of_key = Some(FailedKey::new(next)),
                    Some(known) if known.is_about(&next) => known.add(next),
                    Some(known) => {
                        let done = std::mem::replace(known, FailedKey::new(next));
                        return Ok(Some((done, (failures, of_key))));
                    }
                }
            }
        })
    }

    /// All failures of one key with a status, oldest first as far as their names show.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed.
    pub async fn failures_of(&self, status: RecordStatus, key: &str) -> Result<Vec<FailureRef>, Error> {
        let layout = self.journal.layout();
        let (bare, unique) = (layout.start(status, key, 0), layout.start(status, key, SUFFIX));
        let mut starts = vec![unique];
        if starts[0] != bare {
            starts.push(bare);
        }
        let mut found = Vec::new();
        for (naming, start) in starts {
            let folder = layout.folder(status, naming).len();
            // With the separator a key that others begin with finds no more than its own.
            let records = self.listed(format!("{start}{SEPARATOR}"), folder, naming);
            let bare = self.listed_exactly(start.clone(), folder, naming).await?;
            let of_key = |failure: &FailureRef| failure.object.key[..failure.key.1] == start;
            let records: Vec<_> = records.try_collect().await?;
            found.extend(bare.into_iter().chain(records).filter(of_key));
        }
        Ok(found)
    }

    fn listed(
        &self,
        prefix: String,
        folder: usize,
        naming: Naming,
    ) -> impl Stream<Item = Result<FailureRef, Error>> + Send + use<> {
        let pages = self.bucket.list(ListOptions { prefix: Some(prefix), ..ListOptions::default() });
        references(pages, folder, naming)
    }

    async fn listed_exactly(
        &self,
        name: String,
        folder: usize,
        naming: Naming,
    ) -> Result<Option<FailureRef>, Error> {
        let options = ListOptions { prefix: Some(name.clone()), page_size: 1, ..ListOptions::default() };
        let mut pages = std::pin::pin!(self.bucket.list(options));
        let page = pages.try_next().await?.unwrap_or_default();
        let object = page.objects.into_iter().find(|object| object.key == name);
        Ok(object.and_then(|object| FailureRef::new(object, folder, naming)))
    }
}

fn references<P>(
    pages: P,
    folder: usize,
    naming: Naming,
) -> impl Stream<Item = Result<FailureRef, Error>> + Send + use<P>
where
    P: Stream<Item = Result<ListPage, Error>> + Send + 'static,
{
    pages
        .map_ok(|page| stream::iter(page.objects.into_iter().map(Ok)))
        .try_flatten()
        .try_filter_map(move |object| std::future::ready(Ok(FailureRef::new(object, folder, naming))))
}
