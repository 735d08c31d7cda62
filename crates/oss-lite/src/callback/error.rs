//! Why a callback is not accepted.

use std::error::Error as StdError;

/// Why a callback is not taken for one of OSS, coarse enough to answer by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallbackErrorKind {
    /// A header is not in the form that OSS sends. Answer: 400.
    ///
    /// User action: check that a gateway in between passes `Authorization` and `x-oss-pub-key-url` on.
    Malformed,
    /// The header names a key that is not from the host of OSS. Answer: 403.
    ///
    /// User action: none, somebody else called. In a private cloud, pin the key with
    /// [`CallbackKeys::with_key`](super::CallbackKeys::with_key).
    UntrustedKey,
    /// The signature is not that of the key on this path, query and body. Answer: 403.
    ///
    /// User action: none if somebody else called; otherwise check that path, query and body are handed over
    /// as OSS sent them.
    Forged,
    /// The public key cannot be had for now. Answer: 503.
    ///
    /// User action: let the server reach the host of the message, or pin the key.
    KeyUnavailable,
}

/// Why a callback is not taken for one of OSS. `Display` is one lower-case line without secrets.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct CallbackError {
    kind: CallbackErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl CallbackError {
    pub(super) fn new(kind: CallbackErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(super) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What to answer by.
    pub fn kind(&self) -> CallbackErrorKind {
        self.kind
    }

    /// The HTTP status to answer with.
    pub fn status(&self) -> u16 {
        match self.kind {
            CallbackErrorKind::Malformed => 400,
            CallbackErrorKind::UntrustedKey | CallbackErrorKind::Forged => 403,
            CallbackErrorKind::KeyUnavailable => 503,
        }
    }
}
