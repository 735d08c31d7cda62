//! How an attempt ends: classes of failure, their errors, and uploads that were left open.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Error code of a failure that only a change of settings resolves.
pub const SETTINGS: &str = "Settings";

/// A multipart upload at the destination that was left open because time ran out. The next attempt continues
/// or removes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenUpload {
    /// Bucket of the destination.
    pub bucket: String,
    /// Key at the destination.
    pub key: String,
    /// Upload id.
    pub id: String,
    /// Size of all parts but the last, in bytes.
    pub part_size: u64,
    /// `ETag` of the source at that time; if it differs, the parts are useless.
    pub etag: Option<String>,
    /// Number of parts uploaded; if it grows from run to run, the copy makes progress.
    pub parts: usize,
    /// What a later run needs to continue it. Records of earlier versions have none.
    pub as_left: Option<Box<ResumeInfo>>,
}

/// The state of an upload when it was left. Whatever is unchanged later need not be done again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeInfo {
    /// Time of the source's last change, where it has no `ETag`.
    pub last_modified: Option<DateTime<Utc>>,
    /// Digest of the metadata that the upload was started with, where known; if it differs, the upload is
    /// restarted.
    pub metadata: Option<String>,
    /// The parts that need not be sent again if they are unchanged.
    pub verified: Vec<VerifiedParts>,
}

/// Consecutive parts of an upload, as they were left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedParts {
    /// Number of the first one.
    pub first: u32,
    /// How many.
    pub count: u32,
    /// Digest of their numbers, sizes and `ETag`s at the destination.
    pub digest: String,
    /// Whether the destination's responses proved the bytes of each. An encrypting destination without CRC-64
    /// proves nothing.
    pub proved: bool,
}

/// Whether a failed key was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was tried, so the failure is about the key.
    Made,
    /// The breaker was open, or no time was left: the failure says nothing about the key.
    NotMade,
    /// The limit of this run was reached; a later run handles the key.
    Deferred,
    /// It was begun, and ended early because the program was told to stop: the failure says nothing about the
    /// key.
    CutShort,
    /// The program was told to stop before it was begun.
    NotBegun,
}

/// Class of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureClass {
    /// A network failure or an unavailable service. User action: none, a replay is enough.
    Transient,
    /// The service will refuse this key every time. User action: read the error; fix the key, the settings or
    /// the task.
    Permanent,
    /// Credentials or permissions were refused. User action: run `doctor` to find out which, fix them, then
    /// replay.
    Auth,
    /// Too many requests. User action: none, or lower `OMS_MAX_RPS`; a replay is enough.
    Throttled,
}

impl FailureClass {
    /// Whether the same request may succeed later without any change.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Transient | Self::Throttled)
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::Auth => "auth",
            Self::Throttled => "throttled",
        })
    }
}

/// The error of a failed key. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EngineError {
    /// HTTP status, when there was a reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The service's error code (`OMS.2004`, `APIGW.0308`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The service's message, or why the service was not reached.
    pub message: String,
}

impl EngineError {
    /// An error without a reply.
    pub fn local(message: impl Into<String>) -> Self {
        Self { status: None, code: None, message: message.into() }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(status) = self.status {
            write!(f, "{status} ")?;
        }
        if let Some(code) = &self.code {
            write!(f, "{code} ")?;
        }
        f.write_str(&self.message)
    }
}
