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

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub use self::composed::Engine;
use crate::change::{Effect, Provider};

/// One change, as an engine takes it.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Object key.
    pub key: &'a str,
    /// Where the object lies. OMS does not ask: its task knows one source only.
    pub provider: Provider,
    /// Bucket of the object, where it is known. OMS does not ask: its task knows one only.
    pub bucket: Option<&'a str>,
    /// Where the object is read, if not in that bucket. OMS cannot read there, so such a change is copied.
    pub url: Option<&'a str>,
    /// What the change means for the object.
    pub effect: Effect,
    /// What an earlier attempt left open at the destination.
    pub open: Option<&'a OpenUpload>,
}

/// A multipart upload at the destination that was left open because time ran out. The next attempt goes on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub etag: Option<String>,
    /// Parts that are there: more than last time means that the copy advances.
    #[serde(default)]
    pub parts: usize,
}

/// An engine's name, as recorded in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineName {
    /// [`oms`]
    #[default]
    Oms,
    /// [`copy`]
    Copy,
}

impl EngineName {
    /// The name as recorded.
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

/// Kind of trouble, as recorded in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

/// The error of a failed key, as recorded in the journal. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
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
