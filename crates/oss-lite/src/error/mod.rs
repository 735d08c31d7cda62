//! The error of every operation: what failed, why, and whether another try makes sense.

use std::error::Error as StdError;
use std::fmt;

use chrono::{DateTime, Utc};
use http::StatusCode;

mod classify;
mod reply;
mod transport;
mod withheld;

pub(crate) use classify::Addressed;
pub(crate) use reply::{Answer, from_reply};
pub(crate) use transport::{deadline_passed, silent, transport};
pub use transport::{describe_transport, root_cause};
pub use withheld::Withheld;

/// What went wrong, coarse enough to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or a setting is out of its limits, or the request cannot be made in this form.
    ///
    /// User action: correct the value named in the message.
    InvalidArgument,
    /// The key is empty, too long, or cannot travel in a URL.
    ///
    /// User action: rename the object; repeating the request never helps.
    InvalidKey,
    /// The bucket name breaks the naming rules.
    ///
    /// User action: correct the name.
    InvalidBucketName,
    /// The service does not accept the credentials: unknown key, wrong secret, expired or missing token.
    ///
    /// User action: check the access key pair and its token, or fetch new temporary credentials.
    CredentialsRefused,
    /// The credentials are good, but the policy, the account or the bucket forbids the request.
    ///
    /// User action: grant the permission, or clear what the message names (unpaid bill, retention rule).
    AccessDenied,
    /// There is no such object, by the service's own word: its code, and a request id. Only the answer to a
    /// HEAD, which has no body, may be without a [`code`](Error::code); a bucket that is missing may be
    /// behind it then.
    ///
    /// User action: check the key, byte for byte.
    NoSuchKey,
    /// There is no such bucket.
    ///
    /// User action: check the bucket name and the region of the endpoint.
    NoSuchBucket,
    /// There is no such multipart upload: it was completed or aborted, or never begun.
    ///
    /// User action: see whether the object is there; if not, begin a new upload.
    NoSuchUpload,
    /// Something else that the request names does not exist, such as a lifecycle configuration.
    ///
    /// User action: begin again from the step that creates it.
    NotFound,
    /// The bucket or object exists already and may not be replaced.
    ///
    /// User action: choose another name, or take the existing one.
    AlreadyExists,
    /// The state of the resource forbids the request for now (bucket not empty, other operation in progress).
    ///
    /// User action: resolve the conflict named in the message.
    Conflict,
    /// The object lies in an archive class and is not restored.
    ///
    /// User action: restore the object, then read it.
    Archived,
    /// A condition of the request (`If-Match` and the like) does not hold.
    ///
    /// User action: read the object again, then decide.
    PreconditionFailed,
    /// The range asked for begins beyond the end of the object.
    ///
    /// User action: read the size again.
    InvalidRange,
    /// The service limits the rate of requests or bytes.
    ///
    /// User action: lower concurrency, or ask for a higher limit.
    Throttled,
    /// The service failed (5xx and its kin); whether the request had an effect is unknown.
    ///
    /// User action: try again later.
    ServerError,
    /// The clock is more than 15 minutes off that of the service, and correcting it once did not help. With a
    /// streamed body, which is sent once, it is corrected for the next call.
    ///
    /// User action: set the clock.
    ClockSkew,
    /// The bucket must be addressed through another host, which the message names when known.
    ///
    /// User action: use that endpoint and its region.
    WrongEndpoint,
    /// The request is signed for a region that the bucket is not in.
    ///
    /// User action: sign for the region that the endpoint's host names.
    WrongRegion,
    /// The object was stored, but the upload callback failed.
    ///
    /// User action: check the callback server; do not upload again.
    CallbackFailed,
    /// No connection, a broken one, or no answer in time.
    ///
    /// User action: check network and endpoint, try again.
    Transport,
    /// The deadline set by the caller came first; whether the request had an effect is unknown.
    ///
    /// User action: allow more time.
    DeadlineExceeded,
    /// The body to send broke off, or is not as long as announced.
    ///
    /// User action: see what the message says of the source of the body, then send a new one.
    BodyFailed,
    /// The body is larger than the caller allows.
    ///
    /// User action: raise the limit, or read the body as a stream.
    TooLarge,
    /// The body is not of the form that the caller expects.
    ///
    /// User action: find out who wrote the object.
    UnexpectedContent,
    /// The service refused the request for a reason that fits no other kind.
    ///
    /// User action: see code and message.
    Rejected,
    /// The answer is not what the protocol says: not this service, a proxy in between, or a changed protocol.
    /// A `404` without the service's code and request id counts as well: it proves nothing about the object.
    ///
    /// User action: check that the endpoint is the right service.
    UnexpectedResponse,
}

/// Whether and how an attempt may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Retry {
    Never,
    Backoff,
    CorrectClock,
}

/// The one error type of this crate.
///
/// `Display` is one lower-case line without secrets: what was attempted on which bucket and key, then why it
/// failed. `Debug` also has what the service says it signed, with the security token masked.
pub struct Error(Box<Details>);

struct Details {
    kind: ErrorKind,
    message: String,
    context: Option<String>,
    action: Option<&'static str>,
    retry: Retry,
    tries: u32,
    withheld: bool,
    reply: Option<Reply>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What the service answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) detail_code: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) canonical_request: Option<String>,
    pub(crate) string_to_sign: Option<String>,
    pub(crate) date: Option<DateTime<Utc>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Details {
            kind,
            message,
            context: None,
            action: None,
            retry: Retry::Never,
            tries: 0,
            withheld: false,
            reply: None,
            source: None,
        }))
    }

    /// A request that a gate held back.
    pub(crate) fn withheld(why: Withheld) -> Self {
        let mut error = Self::new(ErrorKind::CredentialsRefused, why.0);
        error.0.withheld = true;
        error
    }

    /// An error that the service reports for one key among many.
    pub(crate) fn of_code(code: &str, message: &str) -> Self {
        let (kind, retry) = classify::of_code(code);
        Self::new(kind, message).with_retry(retry)
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    pub(crate) fn with_reply(mut self, reply: Reply) -> Self {
        self.0.reply = Some(reply);
        self
    }

    /// What was attempted on what. The first context stays: it is the closest to the failure.
    pub(crate) fn in_context(mut self, context: impl FnOnce() -> String) -> Self {
        self.0.context.get_or_insert_with(context);
        self
    }

    /// The action that was attempted.
    pub(crate) fn of_action(mut self, action: &'static str) -> Self {
        self.0.action = Some(action);
        self
    }

    /// The silence of this server. Other errors name it themselves.
    pub(crate) fn of_server(mut self, url: &reqwest::Url) -> Self {
        if let (ErrorKind::Transport, Some(server)) = (self.0.kind, transport::server_in(url)) {
            self.0.message = format!("{} from {server}", self.0.message);
        }
        self
    }

    /// The region that was signed for, and the one that the host names, where they are the reason.
    pub(crate) fn signed_for(mut self, region: Option<&str>, named: Option<&str>) -> Self {
        if let (ErrorKind::WrongRegion, Some(region)) = (self.0.kind, region) {
            self.0.message = match named {
                Some(named) => {
                    format!("{}; it is signed for {region}, and the host names {named}", self.0.message)
                }
                None => format!("{}; it is signed for {region}", self.0.message),
            };
        }
        self
    }

    pub(crate) fn after_tries(mut self, tries: u32) -> Self {
        self.0.tries = tries;
        self
    }

    /// The same refusal, put down to a wrong clock.
    pub(crate) fn of_wrong_clock(mut self) -> Self {
        self.0.kind = ErrorKind::ClockSkew;
        self.0.retry = Retry::CorrectClock;
        self
    }

    pub(crate) fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The clock of the service when it answered.
    pub(crate) fn server_time(&self) -> Option<DateTime<Utc>> {
        self.0.reply.as_ref()?.date
    }

    /// What to act on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Why it failed, without the context of `Display`.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What was attempted on what, where it is known.
    pub fn context(&self) -> Option<&str> {
        self.0.context.as_deref()
    }

    /// The action that was attempted, by its name in policies of RAM, such as `PutObject`: what to allow,
    /// with [`ErrorKind::AccessDenied`]. Policies of OBS have other names for some.
    pub fn action(&self) -> Option<&'static str> {
        self.0.action
    }

    /// HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        Some(self.0.reply.as_ref()?.status.as_u16())
    }

    /// The service's own error code, such as `NoSuchKey`.
    pub fn code(&self) -> Option<&str> {
        self.0.reply.as_ref()?.code.as_deref()
    }

    /// The finer code `EC` of OSS, such as `0002-00000040`, which its documentation explains one by one.
    pub fn detail_code(&self) -> Option<&str> {
        self.0.reply.as_ref()?.detail_code.as_deref()
    }

    /// What the service's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.0.reply.as_ref()?.request_id.as_deref()
    }

    /// The host that the service names for this bucket, with [`ErrorKind::WrongEndpoint`].
    pub fn endpoint(&self) -> Option<&str> {
        self.0.reply.as_ref()?.endpoint.as_deref()
    }

    /// The canonical request (V4) that the service computed, with the security token masked. Only with
    /// `SignatureDoesNotMatch`.
    pub fn server_canonical_request(&self) -> Option<&str> {
        self.0.reply.as_ref()?.canonical_request.as_deref()
    }

    /// The string to sign that the service computed, with the security token masked. Only with
    /// `SignatureDoesNotMatch`.
    pub fn server_string_to_sign(&self) -> Option<&str> {
        self.0.reply.as_ref()?.string_to_sign.as_deref()
    }

    /// Whether the request was not sent at all, since a [`SignatureGate`](crate::SignatureGate) held it back.
    /// The kind is [`ErrorKind::CredentialsRefused`] then.
    pub fn is_withheld(&self) -> bool {
        self.0.withheld
    }

    /// Whether there was no connection at all: no address, no listener, no TLS session.
    pub fn is_connect(&self) -> bool {
        let source = self.0.source.as_deref();
        source
            .and_then(|source| source.downcast_ref::<reqwest::Error>())
            .is_some_and(reqwest::Error::is_connect)
    }

    /// Whether the same request may succeed later. The tries of the [`RetryPolicy`](crate::RetryPolicy) are
    /// used up by then, or the request is one that is made once.
    pub fn is_retryable(&self) -> bool {
        self.0.retry != Retry::Never
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(context) = &self.0.context {
            write!(f, "{context}: ")?;
        }
        f.write_str(&self.0.message)?;
        if let Some(id) = self.request_id() {
            write!(f, ", request id {id}")?;
        }
        if self.0.tries > 1 {
            write!(f, ", after {} tries", self.0.tries)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("message", &self.0.message)
            .field("context", &self.0.context)
            .field("retry", &self.0.retry)
            .field("tries", &self.0.tries)
            .field("reply", &self.0.reply)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}
