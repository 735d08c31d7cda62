//! The one upload of an object that is open at the destination.

use std::sync::{Arc, Mutex, PoisonError};

use super::destination::StoreDestination;
use super::error::{Abort, TransferError};
use super::parts::abort;
use crate::outcome::OpenUpload;

/// What is known to be open at the destination while an object is copied: first what an earlier run left, then what this one begins.
/// There is one at a time. Whatever is in it when a copy fails is recorded with the failure, so that no upload is left without a record.
#[derive(Clone, Debug, Default)]
pub(super) struct UploadTracker(Arc<Mutex<Option<OpenUpload>>>);

impl UploadTracker {
    /// With what an earlier run left.
    pub(super) fn new(left: Option<OpenUpload>) -> Self {
        Self(Arc::new(Mutex::new(left)))
    }

    pub(super) fn get(&self) -> Option<OpenUpload> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set(&self, open: OpenUpload) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
    }

    /// It was completed, or removed.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Removes what is open. What lies in another bucket, as after a change of `DEST`, is out of reach.
    ///
    /// # Errors
    ///
    /// When it may be there still; it stays noted then.
    pub(super) async fn discard(&self, to: &StoreDestination) -> Result<(), TransferError> {
        if let Some(open) = self.get() {
            if to.bucket.name().as_str() == open.bucket {
                abort(to, &open.key, &open.id).await?;
            }
            self.clear();
        }
        Ok(())
    }

    /// After a stop of an upload that no later run can go on with. Where it cannot be removed either, the attempt ends: another upload
    /// would take its place here, and nobody would know of it any more.
    pub(super) async fn give_up(&self, to: &StoreDestination, abort: Abort) -> Abort {
        match (self.discard(to).await, abort) {
            (Ok(()), abort) | (Err(_), abort @ Abort::Failed(_)) => abort,
            (Err(failed), _) => Abort::Failed(failed),
        }
    }

    /// The failure, with what is open.
    pub(super) fn attach(&self, failed: TransferError) -> TransferError {
        match self.get() {
            Some(open) => failed.with_open(open),
            None => failed,
        }
    }
}
