//! Destinations of copies.

use std::sync::Arc;

use oss_lite::{Bucket, ErrorKind, ObjectMeta, etag_md5};

use super::checksums::{Crc64Support, Digests};
use super::error::TransferError;
use super::files::Directory;
use crate::outcome::FailureClass;

/// A destination of copies.
#[derive(Clone, Debug)]
pub enum Destination {
    /// A bucket of OSS or OBS.
    Store(StoreDestination),
    /// A local directory.
    Directory(Directory),
}

impl Destination {
    /// A bucket.
    pub fn store(bucket: Bucket) -> Self {
        let crc64_support = Arc::new(Crc64Support::of(bucket.dialect()));
        Self::Store(StoreDestination { bucket, crc64_support })
    }
}

/// A bucket that copies are written to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StoreDestination {
    pub(super) bucket: Bucket,
    pub(super) crc64_support: Arc<Crc64Support>,
}

/// Checksums in the response to a write.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteResponse<'a> {
    pub(super) etag: Option<&'a str>,
    pub(super) crc64: Option<u64>,
}

/// What the response proves about the bytes that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They were stored.
    Match,
    /// Other bytes were stored.
    Mismatch,
    /// Nothing.
    Unknown,
}

impl StoreDestination {
    /// Metadata of the object `key`, if there is one.
    pub(super) async fn look(&self, key: &str) -> Result<Option<ObjectMeta>, TransferError> {
        match self.bucket.head(key).await {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if error.kind() == ErrorKind::NoSuchKey => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Compares the checksums of the bytes sent with those in the response.
    pub(super) fn judge(&self, sent: Digests, answered: WriteResponse<'_>) -> Verdict {
        self.crc64_support.learn(answered.crc64);
        if let Some(crc64) = answered.crc64 {
            return if crc64 == sent.crc64 { Verdict::Match } else { Verdict::Mismatch };
        }
        // The ETag of an encrypted object is no MD5, so only equality proves something.
        match (sent.md5, answered.etag) {
            (Some(md5), Some(etag)) if etag_md5(etag) == Some(md5) => Verdict::Match,
            _ => Verdict::Unknown,
        }
    }

    /// Removes a corrupt copy.
    pub(super) async fn remove_bad(&self, key: &str) {
        if let Err(error) = self.bucket.delete(key).await {
            tracing::error!(key, bucket = %self.bucket.name(), %error, "a copy that failed its check could not be removed");
        }
    }
    /// Removes an upload with its parts.
    ///
    /// # Errors
    ///
    /// When it may still be there and a later try may remove it: also if credentials were refused, which
    /// expire and are renewed, or withheld. If permission to remove it is missing, that is only logged.
    pub(super) async fn abort_upload(&self, key: &str, id: &str) -> Result<(), TransferError> {
        let Err(error) = self.bucket.abort_multipart_upload(key, id).await else { return Ok(()) };
        tracing::warn!(key, upload = id, %error, "parts of an upload could not be removed: `copy --abort-stale` does");
        let refused = error.kind() == ErrorKind::CredentialsRefused;
        let failed = TransferError::from(error);
        match failed.class {
            FailureClass::Transient | FailureClass::Throttled => Err(failed),
            FailureClass::Auth if refused => Err(failed),
            FailureClass::Permanent | FailureClass::Auth => Ok(()),
        }
    }
}
