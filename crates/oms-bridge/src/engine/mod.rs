//! Engines: take changes, give one [`Outcome`] each. They know no host and no journal.

pub mod backoff;
pub mod oms;

use std::fmt;

use serde::{Deserialize, Serialize};

/// What became of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The engine took the key over. For OMS that means accepted, not yet copied.
    Accepted(Acceptance),
    /// The engine did not take the key.
    Failed(Failure),
}

/// The engine's receipt for a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// Request id of the service that accepted the key, for questions to its support.
    pub request_id: Option<String>,
}

/// Why an engine did not take a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of trouble it was, which is what decides about trying again.
    pub class: FailureClass,
    /// What the service said.
    pub error: EngineError,
    /// Request id of the refused request, for questions to the service's support.
    pub request_id: Option<String>,
    /// Whether the key was tried at all.
    pub attempt: Attempt,
}

/// Whether a failed key was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It was, and the failure says something about it.
    Made,
    /// The breaker was open, or there was no time left: the failure says nothing about the key.
    NotMade,
}

/// Kind of trouble, as recorded in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureClass {
    /// Network trouble or an unavailable service. User action: none, a replay will do.
    Transient,
    /// The service will refuse this key every time. User action: read the error; mend the key, the URL or the task.
    Permanent,
    /// Credentials or permissions were refused. User action: check `HW_AK`, `HW_SK` and the IAM policy, then replay.
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
