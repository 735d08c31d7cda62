//! Engines: take [`Job`]s, give one [`Outcome`] each. They know no host and no journal.
//!
//! | module | concern |
//! |---|---|
//! | [`oms`] | hands keys to a sync task of OMS, which copies later |
//! | [`copy`] | copies objects itself |
//! | [`composed`] | one of them, or the second where the first does not serve |
//! | [`backoff`] | waits between tries |

pub mod backoff;
pub mod composed;
pub mod copy;
mod fallback;
pub mod oms;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::mpsc;

pub use self::composed::Engine;
use object_events::change::ObjectChange;

/// One change to forward, as an engine takes it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Job {
    /// The change. OMS is told its key alone: its task knows one source only.
    pub change: Arc<ObjectChange>,
    /// What an earlier attempt left open at the destination.
    pub open: Option<OpenUpload>,
    /// It is known that OMS cannot forward it: its task reads elsewhere.
    pub copies_only: bool,
}

impl Job {
    /// A change of which nothing was tried yet.
    pub fn new(change: Arc<ObjectChange>) -> Self {
        Self { change, open: None, copies_only: false }
    }

    /// The object's key.
    pub fn key(&self) -> &str {
        &self.change.key
    }

    /// Whether the object is to be looked at, and its copy removed if the object is gone. Anything else is to be copied: what
    /// reaches an engine was found worth forwarding, whatever the event is called.
    pub fn is_removal(&self) -> bool {
        self.change.event.is_removal()
    }
}

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
    pub as_left: Option<Box<AsLeft>>,
}

/// What was known of an upload when it was left: so much of it as is the same later need not be done again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AsLeft {
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

/// An engine's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EngineName {
    /// [`oms`]
    #[default]
    Oms,
    /// [`copy`]
    Copy,
}

impl EngineName {
    /// The name as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oms => "oms",
            Self::Copy => "copy",
        }
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The outcomes of one submission, in the order in which they are settled.
#[derive(Debug)]
pub struct Outcomes(mpsc::UnboundedReceiver<(usize, Outcome)>);

impl Outcomes {
    pub(crate) fn new(receiver: mpsc::UnboundedReceiver<(usize, Outcome)>) -> Self {
        Self(receiver)
    }

    /// The next settled key: its index among those submitted, and its outcome. `None` when no more will come; keys of
    /// which nothing was heard by then were lost with their task and count as failed.
    pub async fn next(&mut self) -> Option<(usize, Outcome)> {
        self.0.recv().await
    }
}

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The engine took the key over. For OMS that means accepted, not yet copied; for the copy engine, done.
    Accepted(Acceptance),
    /// The engine did not take the key.
    Failed(Failure),
}

impl Outcome {
    /// The engine that settled the key.
    pub fn engine(&self) -> EngineName {
        match self {
            Self::Accepted(acceptance) => acceptance.engine,
            Self::Failed(failure) => failure.engine,
        }
    }
}

/// The engine's receipt for a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// The engine.
    pub engine: EngineName,
    /// Request id of the service that accepted the key, for questions to its support.
    pub request_id: Option<String>,
    /// What was not done, and why: the source is gone, the destination is up to date.
    pub note: Option<String>,
}

/// Why an engine did not take a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The engine that was tried last.
    pub engine: EngineName,
    /// What kind of trouble it was, which is what decides about trying again.
    pub class: FailureClass,
    /// What the service said.
    pub error: EngineError,
    /// Request id of the refused request, for questions to the service's support.
    pub request_id: Option<String>,
    /// Whether the key was tried at all.
    pub attempt: Attempt,
    /// What the attempt left open at the destination.
    pub open: Option<OpenUpload>,
}

/// Code of a failure that only other settings mend.
pub(crate) const SETTINGS: &str = "Settings";

impl Failure {
    /// Whether it is this key that will be refused every time, while others are taken. Neither another engine nor patience helps
    /// then. What blames the task or a bucket is permanent as well, until somebody mends the settings, but no key's fault.
    ///
    /// OMS says 400 of a single key when it is the key that it does not like, unless the code is one of those that blame the
    /// task; a permanent failure without a status is a key that it cannot be asked for at all.
    /// [Codes](https://support.huaweicloud.com/api-oms/ErrorCode.html).
    pub fn is_about_the_key(&self) -> bool {
        let code = self.error.code.as_deref();
        self.class == FailureClass::Permanent
            && match self.engine {
                EngineName::Oms => {
                    self.error.status.is_none_or(|status| status == 400)
                        && !matches!(code, Some("OMS.0053" | "OMS.0054"))
                }
                EngineName::Copy => !matches!(code, Some("NoSuchBucket" | SETTINGS)),
            }
    }
}

/// Whether a failed key was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was, and the failure says something about it.
    Made,
    /// The breaker was open, or there was no time left: the failure says nothing about the key.
    NotMade,
    /// As much was done at once as may be: a later run gets to the key.
    PutOff,
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
