//! The multipart upload of an object that is open at the destination.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::destination::StoreDestination;
use super::error::{Abort, TransferError};
use crate::outcome::OpenUpload;

/// Tracks the multipart upload that is open while an object is copied: first that of an earlier run, then
/// that of this one, one at a time. If the copy fails, it is recorded with the failure, so that every open
/// upload has a record.
#[derive(Clone, Debug, Default)]
pub(super) struct UploadTracker {
    open: Arc<Mutex<Option<OpenUpload>>>,
    all: OpenUploads,
}

/// How many uploads of one transfer are open. Clones share the count.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenUploads(Arc<AtomicUsize>);

impl OpenUploads {
    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl UploadTracker {
    /// With the upload that an earlier run left open.
    pub(super) fn new(left: Option<OpenUpload>, all: &OpenUploads) -> Self {
        all.0.fetch_add(usize::from(left.is_some()), Ordering::Relaxed);
        Self { open: Arc::new(Mutex::new(left)), all: all.clone() }
    }

    pub(super) fn get(&self) -> Option<OpenUpload> {
        self.open.lock().clone()
    }

    pub(super) fn set(&self, open: OpenUpload) {
        let before = self.open.lock().replace(open);
        self.all.0.fetch_add(usize::from(before.is_none()), Ordering::Relaxed);
    }

    /// The upload was completed or removed.
    pub(super) fn clear(&self) {
        let before = self.open.lock().take();
        self.all.0.fetch_sub(usize::from(before.is_some()), Ordering::Relaxed);
    }

    /// Removes the open upload. One in another bucket, as after a change of `DEST`, is out of reach.
    ///
    /// # Errors
    ///
    /// When it may still be there; it stays tracked then.
    pub(super) async fn discard(&self, to: &StoreDestination) -> Result<(), TransferError> {
        if let Some(open) = self.get() {
            if to.bucket.name().as_str() == open.bucket {
                to.abort_upload(&open.key, &open.id).await?;
            }
            self.clear();
        }
        Ok(())
    }

    /// Discards an upload that no later run can continue, after `abort`. If it cannot be removed, the attempt
    /// ends: a new upload would take its place here, and the old one would be lost without a record.
    pub(super) async fn give_up(&self, to: &StoreDestination, abort: Abort) -> Abort {
        match (self.discard(to).await, abort) {
            (Ok(()), abort) | (Err(_), abort @ Abort::Failed(_)) => abort,
            (Err(failed), _) => Abort::Failed(failed),
        }
    }

    /// Adds the open upload to the error.
    pub(super) fn attach(&self, failed: TransferError) -> TransferError {
        match self.get() {
            Some(open) => failed.with_open(open),
            None => failed,
        }
    }
}
