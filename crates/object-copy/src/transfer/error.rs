//! Why a transfer ended early.

use std::error::Error as StdError;
use std::ops::Deref;
use std::sync::Arc;

use parking_lot::Mutex;

use oss_lite::{Contradiction, Error, ErrorKind};

use super::range::GetRange;
use crate::outcome::{Attempt, EngineError, FailureClass, OpenUpload, SETTINGS};

/// Why a step ended before the object was copied.
#[derive(Debug)]
pub(super) enum Abort {
    /// The object at the source has changed: start over with the new one.
    Changed,
    /// The object is gone from the source.
    Gone,
    /// It is a link, or was reached by one, that is skipped; with the reason.
    LeftOut(&'static str),
    /// The source ignores ranges, or its partial responses contradict themselves: read it sequentially.
    RangesIgnored,
    /// The bytes have this MD5, and the `ETag` of the source looks like a different one: read them again. If
    /// the MD5 is the same twice, the `ETag` is no MD5.
    OtherMd5([u8; 16]),
    /// The write cannot be continued (a lost upload, a source that cannot be resumed): start over.
    Restart(TransferError),
    /// The checksums of source and copy differ.
    Corrupt(String),
    /// The copy has outdated metadata: write it again.
    OldMetadata,
    /// A failure that this run cannot get past.
    Failed(TransferError),
}

/// Why an object could not be copied. Nothing that looks like a good copy is left behind. Boxed, since it is
/// returned by every step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.error)]
pub struct TransferError(Box<ErrorDetails>);

/// The contents of a [`TransferError`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDetails {
    /// The class of the failure.
    pub class: FailureClass,
    /// What went wrong.
    pub error: EngineError,
    /// Request id of the refused request.
    pub request_id: Option<String>,
    /// Whether a request was made, or a breaker withheld it.
    pub attempt: Attempt,
    /// The multipart upload that a later run can continue.
    pub open: Option<OpenUpload>,
    /// What the failure is about.
    pub concern: Concern,
    /// The request that failed, where one to a service did.
    pub request: Option<FailedRequest>,
}

/// What a failure is about: what has to change before the same copy can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// This object, or nothing that could be told.
    Object,
    /// Settings: the bucket, its region.
    Settings,
    /// The credentials, which the service refuses.
    Credentials,
    /// A right that the credentials lack.
    Permission,
    /// The network: the service was not reached.
    Network,
    /// Another server answers in place of the service: a proxy, a captive portal.
    OtherServer,
    /// The local directory that is copied to: it is full, read-only, or may not be written to.
    Directory,
}

/// How many objects a failure concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// This object.
    One,
    /// Perhaps all objects, perhaps those of one folder: a missing right, a directory that may not be written
    /// to, a proxy in between. It is not that of all once an object was copied or is up to date.
    PerhapsAll,
    /// All objects while it lasts, except that one success disproves it: a service that is not reached, a
    /// full disk on which smaller files may have room.
    AllForNow,
    /// All objects, until one was copied or is up to date; from then on as [`Extent::AllForNow`]. A signature
    /// that does not match, a redirect.
    AllUntilOneIsDone,
    /// All objects: nothing can be copied before settings or credentials are others.
    All,
}

/// One of the two ends of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where objects are read.
    Source,
    /// Where objects are written.
    Destination,
}

/// A request that failed, for those who have more to say about it than its message.
#[derive(Clone, Debug)]
pub struct FailedRequest {
    /// Where it was sent.
    pub side: Side,
    error: Arc<dyn StdError + Send + Sync>,
}

impl FailedRequest {
    /// The error of the client that sent it.
    pub fn error(&self) -> &(dyn StdError + 'static) {
        &*self.error
    }

    /// The error, where the request was sent to OSS or OBS.
    pub fn store_error(&self) -> Option<&Error> {
        self.error().downcast_ref()
    }
}

/// By what they say.
impl PartialEq for FailedRequest {
    fn eq(&self, other: &Self) -> bool {
        self.side == other.side && self.error.to_string() == other.error.to_string()
    }
}

impl Eq for FailedRequest {}

impl TransferError {
    pub(crate) fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self::of(class, EngineError::local(message))
    }

    pub(crate) fn of(class: FailureClass, error: EngineError) -> Self {
        let (attempt, concern) = (Attempt::Made, Concern::Object);
        let (request_id, open, request) = (None, None, None);
        Self(Box::new(ErrorDetails { class, error, request_id, attempt, open, concern, request }))
    }

    /// A failure that a retry does not resolve.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Permanent, message)
    }

    /// A failure that only other settings resolve; the object is not the reason.
    pub fn settings(message: impl Into<String>) -> Self {
        let error = EngineError { status: None, code: Some(SETTINGS.to_owned()), message: message.into() };
        Self::of(FailureClass::Permanent, error)
    }

    /// A service that was not reached.
    pub(crate) fn network(message: impl Into<String>) -> Self {
        Self::transient(message).about(Concern::Network)
    }

    /// The failure of a request to the source.
    pub fn of_source(error: Error) -> Self {
        let mut failed = Self::from(error);
        if let Some(request) = &mut failed.0.request {
            request.side = Side::Source;
        }
        failed
    }

    pub(crate) fn about(mut self, concern: Concern) -> Self {
        self.0.concern = concern;
        self
    }

    /// Adds the error of a request to the source that is no error of OSS or OBS.
    pub(super) fn with_source_error(mut self, error: impl StdError + Send + Sync + 'static) -> Self {
        self.0.request = Some(FailedRequest { side: Side::Source, error: Arc::new(error) });
        self
    }

    /// A failure that may be temporary.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(FailureClass::Transient, message)
    }

    /// The program was told to stop.
    pub(super) fn cut_short(message: impl Into<String>) -> Self {
        let mut failed = Self::transient(message);
        failed.0.attempt = Attempt::CutShort;
        failed
    }

    /// Time ran out.
    pub fn out_of_time(what: &str) -> Self {
        Self::transient(format!("{what} before the time budget ended; a later run resumes it"))
    }

    pub(super) fn worth_another_try(mut self) -> Self {
        self.0.class = FailureClass::Transient;
        self
    }

    /// Makes it permanent, and puts `what` before the service's message.
    pub(super) fn permanently(mut self, what: &str) -> Self {
        self.0.class = FailureClass::Permanent;
        self.0.error.message = format!("{what}: {}", self.0.error.message);
        self
    }

    /// The same of a request to this side.
    #[must_use]
    pub fn at(mut self, side: Side) -> Self {
        if let Some(request) = &mut self.0.request {
            request.side = side;
        }
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

    /// Its contents.
    pub fn into_details(self) -> ErrorDetails {
        *self.0
    }
}

impl ErrorDetails {
    /// Whether settings must change before any object can be copied: the bucket does not exist, or is in
    /// another region.
    pub fn is_settings_error(&self) -> bool {
        let code = self.error.code.as_deref();
        if self.concern == Concern::Settings {
            return true;
        }
        // The response to a HEAD has no code.
        matches!(self.error.status, Some(301 | 307 | 308))
            || matches!(code, Some(SETTINGS | "NoSuchBucket" | "InvalidBucketName"))
            || matches!(code, Some("PermanentRedirect" | "TemporaryRedirect"))
            || matches!(code, Some("AuthorizationHeaderMalformed" | "IllegalLocationConstraintException"))
    }

    /// What kind of refusal it is, where it is one. Where it does not tell, the credentials count as refused.
    pub fn refusal(&self) -> Option<Concern> {
        let permission = match self.concern {
            Concern::Permission => true,
            Concern::Credentials => false,
            _ => self.error.status == Some(403) && self.error.code.is_some(),
        };
        let refusal = if permission { Concern::Permission } else { Concern::Credentials };
        (self.class == FailureClass::Auth).then_some(refusal)
    }

    /// How many objects it concerns.
    pub fn extent(&self) -> Extent {
        let code = self.error.code.as_deref();
        match self.concern {
            // A retention policy protects that object.
            _ if code == Some("FileImmutable") => Extent::One,
            Concern::Credentials if self.is_signature_refused() => Extent::AllUntilOneIsDone,
            Concern::Credentials => Extent::All,
            // A redirect without a code may be that of one object.
            _ if self.is_settings_error() && code.is_none() => Extent::AllUntilOneIsDone,
            _ if self.is_settings_error() => Extent::All,
            Concern::Network => Extent::AllForNow,
            Concern::Directory if self.class.may_pass() => Extent::AllForNow,
            Concern::Permission | Concern::OtherServer | Concern::Directory => Extent::PerhapsAll,
            _ if self.class == FailureClass::Auth => Extent::PerhapsAll,
            Concern::Object | Concern::Settings => Extent::One,
        }
    }

    /// Whether the service refused the signature of this request. It says nothing against the access key, as
    /// an expired or unknown one does, and a key that was blocked or is withheld.
    fn is_signature_refused(&self) -> bool {
        let is_of_signature = matches!(self.error.code.as_deref(), Some("SignatureDoesNotMatch") | None);
        is_of_signature && self.attempt != Attempt::NotMade
    }

    /// Whether both have the same reason.
    pub fn is_like(&self, other: &Self) -> bool {
        let side = |details: &Self| details.request.as_ref().map(|request| request.side);
        let may_pass = |details: &Self| details.class.may_pass();
        let key = |details: &Self| (details.concern, details.refusal(), side(details), may_pass(details));
        // A key that was refused is withheld afterwards, without a code.
        key(self) == key(other)
    }
}

impl Deref for TransferError {
    type Target = ErrorDetails;

    fn deref(&self) -> &ErrorDetails {
        &self.0
    }
}

impl Abort {
    /// For a response of `server` with contradictory framing. A partial response is requested again without a
    /// range; if there was no range, this is a failure.
    pub(super) fn contradicted(contradiction: &Contradiction, server: &str, range: &GetRange) -> Self {
        match range {
            GetRange::Span(_) => {
                tracing::debug!(%contradiction, server, "asking without a range");
                Self::RangesIgnored
            }
            GetRange::Whole => TransferError::transient(format!("{server}: {contradiction}")).into(),
        }
    }

    /// The error where nothing is started over.
    pub(super) fn into_error(self, name: &str) -> TransferError {
        match self {
            Self::Changed => TransferError::transient(format!("{name:?} changed meanwhile")),
            Self::Gone => TransferError::permanent(format!("{name:?} is gone")),
            Self::LeftOut(why) => TransferError::permanent(format!("{name:?} is {why}")),
            Self::RangesIgnored => TransferError::transient(format!("{name:?} cannot be read in parts")),
            Self::Restart(failed) | Self::Failed(failed) => failed,
            Self::OtherMd5(_) => TransferError::transient(format!(
                "every read of {name:?} returned different bytes, and none matches the MD5 in its ETag"
            )),
            Self::Corrupt(what) => TransferError::transient(what),
            Self::OldMetadata => {
                TransferError::transient(format!("the copy of {name:?} has metadata of an earlier time"))
            }
        }
    }
}

/// Of the destination. For requests to the source there is [`TransferError::of_source`].
impl From<Error> for TransferError {
    fn from(error: Error) -> Self {
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
        let what = described(&error);
        let message = match error.kind() {
            ErrorKind::Archived => {
                format!("the source object is archived: restore first, then copy again ({what})")
            }
            _ => what,
        };
        let concern = match error.kind() {
            ErrorKind::CredentialsRefused => Concern::Credentials,
            ErrorKind::AccessDenied => Concern::Permission,
            // A connection that broke off says that the service is there.
            ErrorKind::Transport if error.is_connect() => Concern::Network,
            ErrorKind::UnexpectedResponse => Concern::OtherServer,
            ErrorKind::NoSuchBucket
            | ErrorKind::InvalidBucketName
            | ErrorKind::WrongEndpoint
            | ErrorKind::WrongRegion => Concern::Settings,
            _ => Concern::Object,
        };
        let request_id = error.request_id().map(str::to_owned);
        let attempt = if error.is_withheld() { Attempt::NotMade } else { Attempt::Made };
        let (status, code) = (error.status(), error.code().map(str::to_owned));
        let request = Some(FailedRequest { side: Side::Destination, error: Arc::new(error) });
        let error = EngineError { status, code, message };
        Self(Box::new(ErrorDetails { class, error, request_id, attempt, open: None, concern, request }))
    }
}

/// What was attempted and why it failed, without status and code, which are fields of their own.
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

impl From<TransferError> for Abort {
    fn from(failed: TransferError) -> Self {
        Self::Failed(failed)
    }
}

/// Carries the reason of a broken request body past the HTTP client, which reports only that the body failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Cause(Arc<Mutex<Option<Abort>>>);

impl Cause {
    /// Stores the reason and returns the error for the HTTP client.
    pub(super) fn set(&self, abort: Abort) -> SourceInterrupted {
        *self.0.lock() = Some(abort);
        SourceInterrupted
    }

    pub(super) fn take(&self) -> Option<Abort> {
        self.0.lock().take()
    }
}

/// The error of a request body, as the HTTP client sees it.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the source could not be read to its end")]
pub(super) struct SourceInterrupted;
