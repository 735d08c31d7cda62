//! Completes or aborts uploads in parts.

use oss_lite::{Error, ErrorKind};

use super::{Outcome, look};
use crate::desk::Desk;
use crate::entry::{Arrival, Entry, Multipart, PartsError};

impl Desk {
    /// Completes the upload. May run again after it succeeded: the desk may have died before it recorded
    /// that.
    pub(super) async fn complete(&self, entry: &Entry) -> Outcome {
        let Some((plan, upload_id, claimed)) = entry.multipart.as_ref().and_then(ready) else {
            return Outcome::Failed(
                "the row of an upload in parts lacks its upload id or checksum".to_owned(),
            );
        };
        let outcome = match self.complete_parts(entry, plan, upload_id, claimed).await {
            Ok(()) => look(&self.0.store, entry).await,
            Err(CompleteError::Parts(error)) => return Outcome::Reopened(error, self.look_at_parts()),
            // Completed before, or aborted by others.
            Err(CompleteError::Store(error)) if error.kind() == ErrorKind::NoSuchUpload => {
                look(&self.0.store, entry).await
            }
            Err(CompleteError::Store(error)) => return Outcome::Retry(error.to_string()),
        };
        let Outcome::Found(found) = outcome else { return outcome };
        self.compare(entry, found, claimed).await
    }

    async fn complete_parts(
        &self,
        entry: &Entry,
        plan: &Multipart,
        upload_id: &str,
        claimed: u64,
    ) -> Result<(), CompleteError> {
        let stored = self.0.store.parts(&entry.key, upload_id).await?;
        let parts = plan.check(entry.size, claimed, &stored)?;
        self.0.store.complete_parts(&entry.key, upload_id, &parts).await?;
        Ok(())
    }

    /// Compares the object with the checksum of the browser. If it differs, it is removed.
    async fn compare(&self, entry: &Entry, found: Arrival, claimed: u64) -> Outcome {
        let why = if found.size != entry.size {
            format!("the object has {} bytes, not {}", found.size, entry.size)
        } else if let Some(crc64) = found.crc64.filter(|crc64| *crc64 != claimed) {
            format!("the object has the CRC-64 {crc64}, not {claimed}")
        } else {
            // Uploads whose id was lost have no parts, so a failure does no harm.
            if let Err(error) = self.0.store.abort_parts(&entry.key).await {
                tracing::debug!(key = entry.key, %error, "empty uploads may be left behind");
            }
            return Outcome::Found(found);
        };
        match self.0.store.remove(&entry.key).await {
            Ok(()) => Outcome::Failed(why),
            Err(error) => Outcome::Retry(error.to_string()),
        }
    }

    /// Gives up an upload that has expired, is gone at OSS, or has more bytes stored than announced.
    pub(super) async fn see_to_parts(&self, entry: &Entry) -> Outcome {
        let is_over = entry.expires_at.is_none_or(|end| end <= self.now());
        // Without an id its desk died, or is so slow that it will find the upload given up.
        let begun = entry.multipart.as_ref().and_then(|plan| Some((plan, plan.upload_id.as_deref()?)));
        let Some((plan, upload_id)) = begun.filter(|_| !is_over) else {
            return self.give_up(entry, "nobody went on with it").await;
        };
        match self.0.store.parts(&entry.key, upload_id).await {
            Ok(stored) => match plan.too_large(entry.size, &stored) {
                Some(error) => self.give_up(entry, &error.to_string()).await,
                None => Outcome::UnderWay(self.look_at_parts()),
            },
            Err(error) if error.kind() == ErrorKind::NoSuchUpload => {
                self.give_up(entry, "it is gone from the bucket").await
            }
            Err(error) => Outcome::Retry(error.to_string()),
        }
    }

    /// Writes down that the upload is over, unless its user put its end off since `entry` was read. Nothing
    /// is removed before that is written.
    async fn give_up(&self, entry: &Entry, why: &str) -> Outcome {
        let now = self.now();
        let mut is_over = false;
        // Decided again for each version of the row; what is written replaces the one that was decided on.
        let row = self.update(&entry.id, |row| is_over = row.give_up(entry.expires_at, why, now)).await;
        match row {
            Ok(_) if is_over => Outcome::GivenUp(why.to_owned()),
            // It goes on, is being completed or was deleted, and is due when that is.
            Ok(_) => Outcome::NotStarted,
            Err(error) => Outcome::Retry(error.to_string()),
        }
    }
}

/// The plan, upload id and checksum that a completion needs.
fn ready(plan: &Multipart) -> Option<(&Multipart, &str, u64)> {
    Some((plan, plan.upload_id.as_deref()?, plan.crc64?))
}

enum CompleteError {
    Parts(PartsError),
    Store(Error),
}

impl From<PartsError> for CompleteError {
    fn from(error: PartsError) -> Self {
        Self::Parts(error)
    }
}

impl From<Error> for CompleteError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}
