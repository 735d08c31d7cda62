//! The ends of uploads in parts: put together, or aborted.

use oss_lite::{Error, ErrorKind};

use super::{Outcome, look};
use crate::desk::Desk;
use crate::entry::{Arrival, Entry, Multipart, PartsError};

impl Desk {
    /// Puts the object together. May run again after it succeeded: the desk may have died before it wrote
    /// that down.
    pub(super) async fn complete(&self, entry: &Entry) -> Outcome {
        let Some((plan, upload_id, claimed)) = entry.multipart.as_ref().and_then(ready) else {
            return Outcome::Failed(
                "the row of an upload in parts lacks what it is completed with".to_owned(),
            );
        };
        let outcome = match self.put_together(entry, plan, upload_id, claimed).await {
            Ok(()) => look(&self.0.store, entry).await,
            Err(PutTogetherError::Parts(error)) => return Outcome::Reopened(error),
            // Completed before, or aborted by others.
            Err(PutTogetherError::Store(error)) if error.kind() == ErrorKind::NoSuchUpload => {
                look(&self.0.store, entry).await
            }
            Err(PutTogetherError::Store(error)) => return Outcome::Retry(error.to_string()),
        };
        let Outcome::Found(found) = outcome else { return outcome };
        self.compare(entry, found, claimed).await
    }

    async fn put_together(
        &self,
        entry: &Entry,
        plan: &Multipart,
        upload_id: &str,
        claimed: u64,
    ) -> Result<(), PutTogetherError> {
        let stored = self.0.store.parts(&entry.key, upload_id).await?;
        let parts = plan.check(entry.size, claimed, &stored)?;
        self.0.store.put_together(&entry.key, upload_id, &parts).await?;
        Ok(())
    }

    /// Compares the object with what the browser read. One that differs is removed.
    async fn compare(&self, entry: &Entry, found: Arrival, claimed: u64) -> Outcome {
        let why = if found.size != entry.size {
            format!("the object has {} bytes, not {}", found.size, entry.size)
        } else if let Some(crc64) = found.crc64.filter(|crc64| *crc64 != claimed) {
            format!("the object has the CRC-64 {crc64}, not {claimed}")
        } else {
            // An upload whose beginning got lost has no parts, so nothing depends on this.
            if let Err(error) = self.0.store.abort_parts(&entry.key).await {
                tracing::debug!(key = entry.key, %error, "empty uploads may be left");
            }
            return Outcome::Found(found);
        };
        match self.0.store.remove(&entry.key).await {
            Ok(()) => Outcome::Failed(why),
            Err(error) => Outcome::Retry(error.to_string()),
        }
    }

    /// Aborts an upload that nobody goes on with.
    pub(super) async fn give_up(&self, entry: &Entry) -> Outcome {
        match self.0.store.abort_parts(&entry.key).await {
            Ok(()) => Outcome::GivenUp,
            Err(error) => Outcome::Retry(error.to_string()),
        }
    }
}

/// What an upload is completed with.
fn ready(plan: &Multipart) -> Option<(&Multipart, &str, u64)> {
    Some((plan, plan.upload_id.as_deref()?, plan.crc64?))
}

enum PutTogetherError {
    Parts(PartsError),
    Store(Error),
}

impl From<PartsError> for PutTogetherError {
    fn from(error: PartsError) -> Self {
        Self::Parts(error)
    }
}

impl From<Error> for PutTogetherError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}
