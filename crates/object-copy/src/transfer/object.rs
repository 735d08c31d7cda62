//! The public interface: copies one object and reports the outcome.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::copier::{Copier, Start};
use super::destination::Destination;
use super::error::{Abort, TransferError};
use super::fidelity;
use super::item::{CopyOutcome, Item};
use super::parts::until;
use super::skip::is_copy;
use super::source::Source;
use super::upload_tracker::{OpenUploads, UploadTracker};
use super::{Context, Existing, Options};

/// Time after the deadline for cleaning up.
const GRACE: Duration = Duration::from_secs(1);

/// Copies objects from one source to one destination. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transfer(Arc<Copier>);

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
        let Options { part_size, concurrency, max_size, random, left_open, .. } = options;
        let (stop, open_uploads) = (options.stop.clone(), OpenUploads::default());
        let context =
            Context { part_size, concurrency, max_size, streams, left_open, stop, open_uploads, random };
        Self(Arc::new(Copier { source, destination, options, context }))
    }

    /// The name of the object in messages: a URL without its secrets.
    pub fn name<'k>(&self, key: &'k str) -> Cow<'k, str> {
        self.0.source.name(key)
    }

    /// Uploads in parts that are open at the destination now, and were begun or continued here.
    pub fn open_uploads(&self) -> usize {
        self.0.context.open_uploads.count()
    }

    /// Copies an object, unless its copy exists already. Returns within a second after `deadline`; what
    /// cannot be finished by then is left so that a later run continues it. An upload of an earlier run that
    /// is no longer needed is removed.
    ///
    /// # Errors
    ///
    /// [`TransferError`]; nothing that looks like a good copy of the current object is left behind then.
    pub async fn copy(&self, item: &Item, deadline: Option<Instant>) -> Result<CopyOutcome, TransferError> {
        self.0.propagate_removal(item, Start::Copy, deadline).await
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
                let info = self.0.with_checksum(item, info.clone(), existing.as_ref()).await;
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
        self.0.propagate_removal(item, Start::Look, deadline).await
    }
}

impl Copier {
    async fn propagate_removal(
        &self,
        item: &Item,
        start: Start,
        deadline: Option<Instant>,
    ) -> Result<CopyOutcome, TransferError> {
        let tracker = UploadTracker::new(item.open.clone(), &self.context.open_uploads);
        let done = tokio::select! {
            done = self.reconcile(item, start, deadline, &tracker) => done,
            () = until(deadline.map(|deadline| deadline + GRACE)) => Err(self.out_of_time(item)),
        };
        let done = match done {
            Ok(done) => self.discard_upload(&tracker).await.map(|()| done),
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
    async fn discard_upload(&self, tracker: &UploadTracker) -> Result<(), TransferError> {
        let Destination::Store(to) = &self.destination else { return Ok(()) };
        match timeout(GRACE, tracker.discard(to)).await {
            Ok(removed) => removed,
            Err(_) => Err(TransferError::transient(
                "no reply to the removal of an upload that an earlier run left open",
            )),
        }
    }
}
