//! Why a transfer did not go on.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use oss_lite::{Contradiction, Error, ErrorKind};

use super::source::GetRange;
use crate::outcome::{Attempt, EngineError, FailureClass, OpenUpload, SETTINGS};

/// Why a step ended before the object was copied.
#[derive(Debug)]
pub(super) enum Abort {
    /// The object at the source is another one by now: start over with that one.
    Changed,
    /// There is no object at the source any more.
    Gone,
    /// It is a link, or lies behind one, that is left out, and why.
    LeftOut(&'static str),
    /// The source sends whole objects only, or parts that contradict themselves: read it in one go.
    RangesIgnored,
    /// What was read has this MD5, and the `ETag` of the source looks like another one: read it again. The same bytes twice
    /// show that the `ETag` is no MD5.
    OtherMd5([u8; 16]),
    /// What was written does not hold together any more (a lost upload, a body that cannot be continued): start over.
    Restart(TransferError),
    /// Bytes came out other than they went in.
    Corrupt(String),
    /// The copy has metadata of an earlier time: write it again.
    OldMetadata,
    /// A failure that this run cannot get past.
    Failed(TransferError),
}

/// Why an object could not be copied. Nothing that looks like a good copy is left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferError(Box<ErrorDetails>);

/// What a [`TransferError`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetails {
    /// What kind of trouble it was.
    pub class: FailureClass,
    /// What went wrong.
    pub error: EngineError,
    /// Request id of the refused request.
    pub request_id: Option<String>,
    /// Whether anything was tried: not where a breaker held the request back.
    pub attempt: Attempt,
    /// The multipart upload that a later run can go on with.
    pub open: Option<OpenUpload>,
}

impl TransferError {
    pub(crate) fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self::of(class, EngineError::local(message))
    }

    pub(super) fn of(class: FailureClass, error: EngineError) -> Self {
        Self(Box::new(ErrorDetails { class, error, request_id: None, attempt: Attempt::Made, open: None }))
    }

    /// A failure that another try does not mend.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Permanent, message)
    }

    /// What only other settings mend: no fault of the object.
    pub fn settings(message: impl Into<String>) -> Self {
        let error = EngineError { status: None, code: Some(SETTINGS.to_owned()), message: message.into() };
        Self::of(FailureClass::Permanent, error)
    }

    /// A failure that may pass.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Transient, message)
    }

    /// Time ran out.
    pub fn out_of_time(what: &str) -> Self {
        Self::transient(format!("{what} before the time budget ended; a later run goes on"))
    }

    pub(super) fn worth_another_try(mut self) -> Self {
        self.0.class = FailureClass::Transient;
        self
    }

    /// For good, with words before what the service says.
    pub(super) fn permanently(mut self, what: &str) -> Self {
        self.0.class = FailureClass::Permanent;
        self.0.error.message = format!("{what}: {}", self.0.error.message);
        self
    }

    #[cfg(feature = "s3")]
    pub(super) fn with_request_id(mut self, id: Option<String>) -> Self {
        self.0.request_id = id;
        self
    }

    pub(super) fn with_open(mut self, open: OpenUpload) -> Self {
        self.0.open = Some(open);
        self
    }

    /// What it says, to keep.
    pub fn into_details(self) -> ErrorDetails {
        *self.0
    }
}

impl ErrorDetails {
    /// Whether other settings are needed, and no other object would fare better: the bucket does not exist, or is elsewhere.
    pub fn is_settings_error(&self) -> bool {
        let code = self.error.code.as_deref();
        // The answer to a HEAD has no code.
        matches!(self.error.status, Some(301 | 307 | 308))
            || matches!(code, Some(SETTINGS | "NoSuchBucket" | "InvalidBucketName"))
            || matches!(code, Some("PermanentRedirect" | "TemporaryRedirect"))
            || matches!(code, Some("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"))
    }
}

impl Deref for TransferError {
    type Target = ErrorDetails;

    fn deref(&self) -> &ErrorDetails {
        &self.0
    }
}

impl Abort {
    /// For an answer of `server` that must not be taken for anything. What came as a part is asked for without a range; where that was
    /// done already, it ends here.
    pub(super) fn contradicted(contradiction: &Contradiction, server: &str, range: &GetRange) -> Self {
        match range {
            GetRange::Span(_) => {
                tracing::debug!(%contradiction, server, "asking without a range");
                Self::RangesIgnored
            }
            GetRange::Whole => TransferError::transient(format!("{server}: {contradiction}")).into(),
        }
    }

    /// The failure that it comes to where nothing is begun anew.
    pub(super) fn into_error(self, name: &str) -> TransferError {
        match self {
            Self::Changed => TransferError::transient(format!("{name:?} changed meanwhile")),
            Self::Gone => TransferError::permanent(format!("{name:?} is gone")),
            Self::LeftOut(why) => TransferError::permanent(format!("{name:?} is {why}")),
            Self::RangesIgnored => TransferError::transient(format!("{name:?} cannot be read in parts")),
            Self::Restart(failed) | Self::Failed(failed) => failed,
            Self::OtherMd5(_) => TransferError::transient(format!(
                "each time other bytes come of {name:?}, and none with the MD5 that its ETag seems to be"
            )),
            Self::Corrupt(what) => TransferError::transient(what),
            Self::OldMetadata => {
                TransferError::transient(format!("the copy of {name:?} has metadata of an earlier time"))
            }
        }
    }
}

impl fmt::Display for TransferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl From<&Error> for TransferError {
    fn from(error: &Error) -> Self {
        let class = match error.kind() {
            ErrorKind::Throttled => FailureClass::Throttled,
            ErrorKind::CredentialsRefused | ErrorKind::AccessDenied => FailureClass::Auth,
            ErrorKind::Transport
            | ErrorKind::ServerError
            | ErrorKind::DeadlineExceeded
            | ErrorKind::UnexpectedResponse
            | ErrorKind::ClockSkew
            | ErrorKind::NoSuchUpload => FailureClass::Transient,
            _ if error.is_retryable() => FailureClass::Transient,
            _ => FailureClass::Permanent,
        };
        let what = described(error);
        let message = match error.kind() {
            ErrorKind::Archived => {
                format!("the source object is archived: restore first, then copy again ({what})")
            }
            _ => what,
        };
        let request_id = error.request_id().map(str::to_owned);
        let attempt = if error.is_withheld() { Attempt::NotMade } else { Attempt::Made };
        let error = EngineError { status: error.status(), code: error.code().map(str::to_owned), message };
        Self(Box::new(ErrorDetails { class, error, request_id, attempt, open: None }))
    }
}

/// What was attempted and why it failed; status and code are members of their own.
fn described(error: &Error) -> String {
    let prefix = match (error.status(), error.code()) {
        (Some(status), Some(code)) => format!("{status} {code}: "),
        _ => String::new(),
    };
    let why = error.message().strip_prefix(&prefix).unwrap_or(error.message());
    match error.context() {
        Some(context) => format!("{context}: {why}"),
        None => why.to_owned(),
    }
}

impl From<Error> for TransferError {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<TransferError> for Abort {
    fn from(failed: TransferError) -> Self {
        Self::Failed(failed)
    }
}

/// Where a body that ends early says why: the HTTP client that reads it only learns that it broke.
#[derive(Clone, Debug, Default)]
pub(super) struct Cause(Arc<Mutex<Option<Abort>>>);

impl Cause {
    /// Keeps the reason and gives what the reader of the body is told.
    pub(super) fn set(&self, abort: Abort) -> SourceInterrupted {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(abort);
        SourceInterrupted
    }

    pub(super) fn take(&self) -> Option<Abort> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What the reader of a body is told.
#[derive(Clone, Copy, Debug)]
pub(super) struct SourceInterrupted;

impl fmt::Display for SourceInterrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the source could not be read to its end")
    }
}

impl std::error::Error for SourceInterrupted {}
