//! The one error type of the crate.

use std::borrow::Cow;
use std::error::Error as StdError;

use chrono::Duration;

/// Why a request could not be signed or was not accepted by [`verify`](crate::verify).
///
/// The message is lower case, without full stop, names the header concerned and holds no secret: neither
/// the value of a header nor a whole access key.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What went wrong, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The access key, secret key or security token is empty, has blanks around it or cannot travel in a
    /// header.
    ///
    /// User action: copy the credentials again, without quotes and line ends.
    InvalidCredentials,
    /// The time lies outside the years 0 to 9999, or `x-sdk-date` is not of the form `YYYYMMDDTHHMMSSZ`.
    ///
    /// User action: set the clock of the machine.
    InvalidTime,
    /// A header that is to be signed has a value that is not visible ASCII, or one value too many.
    ///
    /// User action: correct the header, or leave it out of the signature with
    /// [`SignedHeaderSelection`](crate::SignedHeaderSelection).
    InvalidHeader,
    /// A header that is needed is absent; for `host`, the URI names no host either.
    ///
    /// User action: add the header that the message names.
    MissingHeader,
    /// The request carries an `x-auth-token` as well. The gateway then reads that one and answers `decrypt
    /// token fail`.
    ///
    /// User action: use one kind of authentication per request.
    ConflictingHeader,
    /// The `authorization` header is not of the form that this algorithm prescribes.
    ///
    /// User action: sign with `SDK-HMAC-SHA256`.
    MalformedAuthorization,
    /// The verifier does not know the access key.
    ///
    /// User action: check the access key, and that it has not been deleted.
    UnknownAccessKey,
    /// `x-sdk-date` is too far from the verifier's clock.
    ///
    /// User action: set the clock of the machine, and sign each attempt afresh.
    Expired {
        /// The verifier's time less the time of signing: positive for an old request, negative for a clock
        /// that runs ahead.
        skew: Duration,
    },
    /// `x-security-token` does not belong to the access key, or is there for a permanent key, or is absent
    /// for a temporary one.
    ///
    /// User action: take access key, secret key and token from one and the same set.
    SecurityTokenMismatch,
    /// The body does not have the hash that `x-sdk-content-sha256` announces.
    ///
    /// User action: send the very bytes that were hashed.
    PayloadMismatch,
    /// The signature is not the one that the credentials give for this request.
    ///
    /// User action: check the secret key; then look for a proxy that changes signed headers, the path or the
    /// body.
    SignatureMismatch,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What went wrong, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same request can succeed when it is signed again at another time. True for
    /// [`ErrorKind::Expired`] only: every other kind needs a change first, and the gateway locks an access
    /// key for 5 minutes after more than 5 wrong signatures in a row.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Expired { .. })
    }
}
