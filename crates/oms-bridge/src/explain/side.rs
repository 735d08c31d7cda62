//! An object on either side.

use chrono::{DateTime, Utc};
use oss_lite::{Bucket, ErrorKind, ObjectMeta};
use serde::Serialize;

use crate::failure::{End, Failure, of_store};

/// The address of an object, and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Side {
    /// `oss://bucket/key` or `obs://bucket/key`.
    pub url: String,
    /// Its state.
    #[serde(flatten)]
    pub state: SideState,
    #[serde(skip)]
    failure: Option<Failure>,
}

/// State of an object at one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub(crate) enum SideState {
    /// It exists.
    Present {
        /// Size in bytes.
        size: u64,
        /// Entity tag.
        etag: Option<String>,
        /// Time of the last change.
        last_modified: Option<DateTime<Utc>>,
        /// CRC-64 of the content.
        crc64: Option<u64>,
        /// Content type.
        content_type: Option<String>,
        /// Storage class.
        storage_class: Option<String>,
        /// User metadata.
        metadata: Vec<(String, String)>,
    },
    /// It does not exist.
    Missing,
    /// It could not be looked up.
    Unknown {
        /// Why not.
        why: String,
        /// What to do about it, with the setting that is at fault.
        remedy: String,
    },
}

impl Side {
    /// Looks at `key` in `bucket`, which is the one of `end`. A right that is missing is no failure.
    pub(super) async fn look(scheme: &str, bucket: &Bucket, key: &str, end: End<'_>) -> Self {
        let url = format!("{scheme}://{}/{key}", bucket.name());
        let (state, failure) = match bucket.head(key).await {
            Ok(meta) => (SideState::of(meta), None),
            Err(error) if error.kind() == ErrorKind::NoSuchKey => (SideState::Missing, None),
            Err(error) => {
                let failure = of_store(&error, end, "GetObject");
                let remedy = failure.remedy().unwrap_or_default().to_owned();
                let failure = (error.kind() != ErrorKind::AccessDenied).then_some(failure);
                (SideState::Unknown { why: error.to_string(), remedy }, failure)
            }
        };
        Self { url, state, failure }
    }

    pub(super) fn unknown(scheme: &str, key: &str, why: String, remedy: &str) -> Self {
        let remedy = remedy.to_owned();
        Self { url: format!("{scheme}://?/{key}"), state: SideState::Unknown { why, remedy }, failure: None }
    }

    /// The same, where the command fails for it.
    pub(super) fn failing(self, failure: Option<Failure>) -> Self {
        let state = match (self.state, failure.as_ref().and_then(Failure::remedy)) {
            (SideState::Unknown { why, remedy }, Some(cause)) => {
                SideState::Unknown { why, remedy: format!("{cause}; or {remedy}") }
            }
            (state, _) => state,
        };
        Self { state, failure, ..self }
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

impl SideState {
    fn of(meta: ObjectMeta) -> Self {
        Self::Present {
            size: meta.size,
            etag: meta.etag,
            last_modified: meta.last_modified,
            crc64: meta.crc64,
            content_type: meta.content_type,
            storage_class: meta.storage_class,
            metadata: meta.metadata,
        }
    }

    /// Whether it could not be looked at.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether both hold the same content, as far as metadata shows. `None` if either does not exist.
    pub(super) fn is_same(&self, other: &Self) -> Option<bool> {
        let (Self::Present { size: a, crc64: ours, .. }, Self::Present { size: b, crc64: theirs, .. }) =
            (self, other)
        else {
            return None;
        };
        Some(a == b && ours.zip(*theirs).is_none_or(|(ours, theirs)| ours == theirs))
    }
}
