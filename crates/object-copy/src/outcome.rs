//! What an attempt may end with: kinds of failure, their errors, and uploads that were left open.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;

/// Code of a failure that only other settings mend.
pub const SETTINGS: &str = "Settings";

/// A multipart upload at the destination that was left open because time ran out. The next attempt goes on with it, or removes it.
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
    /// `ETag` of the source at that time: another one means that the parts are of no use.
    pub etag: Option<String>,
    /// Parts that are there: more than last time means that the copy advances.
    pub parts: usize,
    /// What was known of it when it was left. Records of earlier versions have none.
    pub as_left: Option<Box<ResumeInfo>>,
}

/// What was known of an upload when it was left: so much of it as is the same later need not be done again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumeInfo {
    /// Time of the source's last change, where it has no `ETag`.
    pub last_modified: Option<DateTime<Utc>>,
    /// Digest of the metadata that the upload was begun with, where that is known: another one means that it is begun again.
    pub metadata: Option<String>,
    /// The parts that need not be sent again if they are found as they were.
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
    /// Whether the destination's answers proved the bytes of each. It may have told nothing, as where it encrypts and names no CRC-64.
    pub proved: bool,
}

/// Whether a failed key was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was, and the failure says something about it.
    Made,
    /// The breaker was open, or there was no time left: the failure says nothing about the key.
    NotMade,
    /// As much was done at once as may be: a later run gets to the key.
    Deferred,
}

/// Kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureClass {
    /// Network trouble or an unavailable service. User action: none, a replay will do.
    Transient,
    /// The service will refuse this key every time. User action: read the error; mend the key, the settings or the task.
    Permanent,
    /// Credentials or permissions were refused. User action: let `doctor` say which, mend them, then replay.
    Auth,
    /// Too many requests. User action: none, or lower `OMS_MAX_RPS`; a replay will do.
    Throttled,
}

impl FailureClass {
    /// Whether the same request may succeed later, with nothing mended.
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
    /// The service's message, or what went wrong on the way to it.
    pub message: String,
}

impl EngineError {
    /// An error that no reply stands behind.
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
