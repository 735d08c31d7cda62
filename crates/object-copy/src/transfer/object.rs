//! The public interface: copies one object and reports the outcome.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use oss_lite::ObjectMeta;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::destination::Destination;
use super::error::{Abort, TransferError};
use super::fidelity;
use super::parts::until;
use super::skip::is_copy;
use super::source::Source;
use super::source_info::{ObjectKind, SourceInfo};
use super::upload_tracker::UploadTracker;
use super::{Context, Existing, Options, Symlinks};
use crate::outcome::OpenUpload;

/// Time after the deadline for cleaning up.
const GRACE: Duration = Duration::from_secs(1);

/// Copies objects from one source to one destination. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transfer(Arc<Copier>);

#[derive(Debug)]
pub(super) struct Copier {
    pub(super) source: Source,
    pub(super) destination: Destination,
    pub(super) options: Options,
    pub(super) context: Context,
}

/// What to copy.
#[derive(Clone, Debug)]
pub struct Item {
    /// The object at the source: a key; of a web source, the URL.
    pub key: String,
    /// The key at the destination.
    pub to: String,
    /// Size in bytes, if known from a listing or an event.
    pub size: Option<u64>,
    /// What is known about the destination.
    pub hint: DestinationHint,
    /// An upload that an earlier run left open.
    pub open: Option<OpenUpload>,
}

/// What a listing says about the destination of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationHint {
    /// No object of this key and size is there.
    NoCopy,
    /// One of the same size is there, or one of a symlink whose size is unknown: it may be the copy.
    SameSize,
    /// Nothing is known.
    Unknown,
}

/// The outcome of copying an object, or of removing its copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyOutcome {
    /// It was copied, and the copy was verified.
    Copied {
        /// Its size.
        bytes: u64,
    },
    /// It was at the destination already.
    UpToDate,
    /// Its copy was removed, since it is gone from the source.
    Removed,
    /// It is gone from the source; the object at the destination is the copy of another one, and was kept.
    NotItsCopy,
    /// It is gone from the source; its copy was kept for now, since the limit of removals is reached.
    Deferred,
    /// It is gone from the source, and there is no copy to remove.
    SourceGone,
    /// It is a symlink, or was reached by one, that is skipped.
    SymlinkSkipped,
}

impl Item {
    /// An item without hints.
    pub fn new(key: impl Into<String>, to: impl Into<String>) -> Self {
        Self { key: key.into(), to: to.into(), size: None, hint: DestinationHint::Unknown, open: None }
    }
}

impl Transfer {
    /// Copies from `source` to `destination`.
    pub fn new(source: Source, destination: Destination, options: Options) -> Self {
        let streams = Arc::new(Semaphore::new(options.concurrency));
        Self::sharing(source, destination, options, streams)
    }

    /// The same, with a limit of concurrent streams that is shared with others.
    pub fn sharing(
        source: Source,
        destination: Destination,
        options: Options,
        streams: Arc<Semaphore>,
    ) -> Self {
        let Options { part_size, concurrency, max_size, random, .. } = options;
        let context = Context { part_size, concurrency, max_size, streams, random };
        Self(Arc::new(Copier { source, destination, options, context }))
    }

    /// The name of the object in messages: a URL without its secrets.
    pub fn name<'k>(&self, key: &'k str) -> Cow<'k, str> {
        self.0.source.name(key)
    }

    /// Copies an object, unless its copy exists already. Returns within a second after `deadline`; what
    /// cannot be finished by then is left so that a later run continues it. An upload of an earlier run that
    /// is no longer needed is removed.
    ///
    /// # Errors
    ///
    /// [`TransferError`]; nothing that looks like a good copy of the current object is left behind then.
    pub async fn copy(&self, item: &Item, deadline: Option<Instant>) -> Result<CopyOutcome, TransferError> {
        self.0.carry_over(item, Start::Copy, deadline).await
    }

    /// Reports what [`Transfer::copy`] would do, without changing anything.
    ///
    /// # Errors
    ///
    /// [`TransferError`] if one of the ends cannot be read.
    pub async fn preview(&self, item: &Item) -> Result<CopyOutcome, TransferError> {
        let Copier { source, destination, options, .. } = &*self.0;
        let info = match source.look(&item.key).await {
            Ok(info) => info,
            Err(Abort::Gone) => return Ok(CopyOutcome::SourceGone),
            Err(Abort::LeftOut(_)) => return Ok(CopyOutcome::SymlinkSkipped),
            Err(abort) => return Err(abort.into_error(&source.name(&item.key))),
        };
        if self.0.leaves_out(&info) {
            return Ok(CopyOutcome::SymlinkSkipped);
        }
        if let Destination::Directory(directory) = destination {
            directory.admit(&item.to, &info)?;
        }
        let there = match (options.existing, destination) {
            (Existing::Overwrite, _) => false,
            (Existing::Skip, Destination::Directory(directory)) => directory.is_copy(&item.to, &info).await?,
            (Existing::Skip, Destination::Store(to)) => {
                let existing = to.look(&item.to).await?;
                let info = self.0.summed_up(item, info.clone(), existing.as_ref()).await;
                let info = info.map_err(|abort| abort.into_error(&source.name(&item.key)))?;
                let wanted = fidelity::put_options(&info, to.bucket.dialect());
                existing.is_some_and(|existing| is_copy(&info, &wanted, &existing))
            }
        };
        if let Destination::Directory(directory) = destination
            && !there
        {
            directory.has_room(&item.to).await?;
        }
        Ok(if there {
            CopyOutcome::UpToDate
        } else {
            CopyOutcome::Copied { bytes: info.size().unwrap_or(0) }
        })
    }

    /// Propagates a removal: removes the copy from the destination if the object is gone from the source,
    /// else copies it. Returns within a second after `deadline`.
    ///
    /// # Errors
    ///
    /// [`TransferError`].
    pub async fn remove(&self, item: &Item, deadline: Option<Instant>) -> Result<CopyOutcome, TransferError> {
        self.0.carry_over(item, Start::Look, deadline).await
    }
}

impl Copier {
    async fn carry_over(
        &self,
        item: &Item,
        start: Start,
        deadline: Option<Instant>,
    ) -> Result<CopyOutcome, TransferError> {
        let tracker = UploadTracker::new(item.open.clone());
        let done = tokio::select! {
            done = self.reconcile(item, start, deadline, &tracker) => done,
            () = until(deadline.map(|deadline| deadline + GRACE)) => Err(self.out_of_time(item)),
        };
        let done = match done {
            Ok(done) => self.put_away(&tracker).await.map(|()| done),
            failed => failed,
        };
        done.map_err(|failed| tracker.attach(failed))
    }

    fn out_of_time(&self, item: &Item) -> TransferError {
        TransferError::out_of_time(&format!("{:?} was not copied", self.source.name(&item.key)))
    }

    /// Removes an upload of an earlier run that is no longer needed. One that was completed is gone already.
    ///
    /// # Errors
    ///
    /// When it may still be there: then the change counts as failed, so that its record stays, and the next
    /// run finds the copy and has only this left to do.
    async fn put_away(&self, tracker: &UploadTracker) -> Result<(), TransferError> {
        let Destination::Store(to) = &self.destination else { return Ok(()) };
        match timeout(GRACE, tracker.discard(to)).await {
            Ok(removed) => removed,
            Err(_) => Err(TransferError::transient(
                "no reply to the removal of an upload that an earlier run left open",
            )),
        }
    }

    /// Adds the CRC-64 of a local file that may have a copy already: computing it is cheaper than sending the
    /// file.
    pub(super) async fn summed_up(
        &self,
        item: &Item,
        info: SourceInfo,
        existing: Option<&ObjectMeta>,
    ) -> Result<SourceInfo, Abort> {
        match &self.source {
            Source::Directory(directory)
                if info.crc64.is_none()
                    && existing.is_some_and(|existing| Some(existing.size) == info.size()) =>
            {
                Ok(SourceInfo { crc64: directory.crc64(&item.key).await?, ..info })
            }
            _ => Ok(info),
        }
    }

    pub(super) fn leaves_out(&self, info: &SourceInfo) -> bool {
        info.kind == ObjectKind::Symlink && self.options.symlinks == Symlinks::Skip
    }
}

/// The first step of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// There is an object, as far as is known.
    Copy,
    /// There may be none.
    Look,
}
