//! Where copies are written.

use std::sync::Arc;

use oss_lite::{Bucket, ErrorKind, ObjectMeta};

use super::checksums::{Proof, Sums};
use super::error::Failed;
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
        let proof = Arc::new(Proof::of(bucket.dialect()));
        Self::Store(StoreDestination { bucket, proof })
    }
}

/// A bucket that copies are written to. Cheap to clone.
#[derive(Clone, Debug)]
pub struct StoreDestination {
    pub(super) bucket: Bucket,
    pub(super) proof: Arc<Proof>,
}

/// What a service answered to a write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered<'a> {
    pub(super) etag: Option<&'a str>,
    pub(super) crc64: Option<u64>,
}

/// What the answer says about the bytes that were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They arrived.
    Right,
    /// Others arrived.
    Wrong,
    /// It does not tell.
    Unknown,
}

impl StoreDestination {
    /// What there is of `key`.
    pub(super) async fn look(&self, key: &str) -> Result<Option<ObjectMeta>, Failed> {
        match self.bucket.head(key).await {
            Ok(meta) => Ok(Some(meta)),
            Err(error) if error.kind() == ErrorKind::NoSuchKey => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Compares what was sent with what the service says it received.
    pub(super) fn judge(&self, sent: Sums, answered: Answered<'_>) -> Verdict {
        self.proof.learn(answered.crc64);
        if let Some(crc64) = answered.crc64 {
            return if crc64 == sent.crc64 { Verdict::Right } else { Verdict::Wrong };
        }
        // The ETag of an encrypted object is no MD5, so only agreement says something.
        match (sent.md5, answered.etag) {
            (Some(md5), Some(etag)) if etag.eq_ignore_ascii_case(&hex::encode(md5)) => Verdict::Right,
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
