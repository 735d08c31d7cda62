//! Where copies are written.

use std::sync::Arc;

use oss_lite::{Bucket, ErrorKind, ObjectMeta};

use super::checksums::{Crc64Support, Digests};
use super::error::TransferError;
use super::files::Directory;

/// Where copies are written.
#[derive(Clone, Debug)]
pub enum Destination {
    /// A bucket of OSS or OBS.
    Store(StoreDestination),
    /// A directory of this machine.
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

/// What a service answered to a write.
#[derive(Clone, Copy, Debug)]
pub(super) struct WriteResponse<'a> {
    pub(super) etag: Option<&'a str>,
    pub(super) crc64: Option<u64>,
}

/// What the answer says about the bytes that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They arrived.
    Match,
    /// Others arrived.
    Mismatch,
    /// It does not tell.
    Unknown,
}

impl StoreDestination {
    /// What there is of `key`.
    pub(super) async fn look(&self, key: &str) -> Result<Option<ObjectMeta>, TransferError> {
        match self.bucket.head(key).await {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if error.kind() == ErrorKind::NoSuchKey => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Compares what was sent with what the service says it received.
    pub(super) fn judge(&self, sent: Digests, answered: WriteResponse<'_>) -> Verdict {
        self.crc64_support.learn(answered.crc64);
        if let Some(crc64) = answered.crc64 {
            return if crc64 == sent.crc64 { Verdict::Match } else { Verdict::Mismatch };
        }
        // The ETag of an encrypted object is no MD5, so only agreement says something.
        match (sent.md5, answered.etag) {
            (Some(md5), Some(etag)) if etag.eq_ignore_ascii_case(&hex::encode(md5)) => Verdict::Match,
            _ => Verdict::Unknown,
        }
    }

    /// Removes a copy that must not look good.
    pub(super) async fn remove_bad(&self, key: &str) {
        if let Err(error) = self.bucket.delete(key).await {
            tracing::error!(key, bucket = %self.bucket.name(), %error, "a copy that failed its check could not be removed");
        }
    }
}
