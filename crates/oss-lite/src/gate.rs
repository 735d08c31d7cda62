//! Holding requests back whose signature would be refused.
//!
//! OBS blocks an access key that signs wrongly too often, for all its users. So the code that makes a
//! [`Client`](crate::Client) may set a [`SignatureGate`] for each set of credentials: it is asked before a
//! request is signed, and told what the answer says of the signature. URLs and forms that are signed for
//! others to use do not ask it, and neither do requests without a signature.
//!
//! # What an answer says of the signature
//!
//! | answer | [`SignatureVerdict`] |
//! |---|---|
//! | success, with a header of the service's own | `Accepted` |
//! | an error about objects or permissions, with the service's code (or 304, 412) and request id | `Accepted`: the services look at both after the signature |
//! | 401; 403 with a code about key, signature or token | `Refused` |
//! | 403 with a request id and without any code, as HEAD gets it | `Refused`: it cannot be told from one |
//! | `TooManyWrongSignature` | `Locked` |
//! | anything else: none, 408, 429, 5xx, 400, redirects, a wrong clock, no such bucket, answers of a proxy | `Unknown` |
//!
//! A 400, a redirect, `NoSuchBucket` and `RequestTimeTooSkewed` may be said before the signature is looked
//! at. Codes: [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/error-responses) (details
//! that begin with `0002-` are about the signature),
//! [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0115.html).

use std::pin::Pin;

use http::{HeaderMap, StatusCode};

use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind, Withheld};

/// Lets signed requests pass, or holds them back. One for each set of credentials.
pub trait SignatureGate: Send + Sync {
    /// Waits for permission to send one signed request. Dropping the future gives up the wait.
    fn enter(&self) -> Entering<'_>;
}

/// The wait for a [`SignaturePass`].
pub type Entering<'a> = Pin<Box<dyn Future<Output = Result<Box<dyn SignaturePass>, Withheld>> + Send + 'a>>;

/// Permission to send one signed request. One that is dropped says [`SignatureVerdict::Unknown`].
pub trait SignaturePass: Send {
    /// Takes what the answer says of the signature.
    fn answered(self: Box<Self>, verdict: SignatureVerdict);
}

/// What an answer says of the signature of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureVerdict {
    /// The service found it good.
    Accepted,
    /// The service does not know the key, or the signature or token is wrong.
    Refused,
    /// The service has blocked the key: further requests are refused even with a good signature.
    Locked,
    /// Nothing.
    Unknown,
}

/// What success says.
pub(crate) fn of_success(dialect: Dialect, headers: &HeaderMap) -> SignatureVerdict {
    // A captive portal answers 200 as well.
    let own = dialect.profile().header_prefix;
    if headers.keys().any(|name| name.as_str().starts_with(own)) {
        SignatureVerdict::Accepted
    } else {
        SignatureVerdict::Unknown
    }
}

/// What an error says that the service answered.
pub(crate) fn of_error(error: &Error) -> SignatureVerdict {
    use ErrorKind as Kind;
    let (code, by_service) = (error.code(), error.request_id().is_some());
    let accepted = match error.kind() {
        Kind::CredentialsRefused if code == Some("TooManyWrongSignature") => return SignatureVerdict::Locked,
        Kind::CredentialsRefused => return SignatureVerdict::Refused,
        Kind::AccessDenied if code.is_none() && by_service => return SignatureVerdict::Refused,
        Kind::AccessDenied => {
            let of_signature = error.detail_code().is_some_and(|detail| detail.starts_with("0002-"));
            matches!(code, Some("AccessDenied" | "FileImmutable")) && !of_signature
        }
        Kind::NoSuchKey
        | Kind::NoSuchUpload
        | Kind::NotFound
        | Kind::AlreadyExists
        | Kind::Conflict
        | Kind::Archived
        | Kind::InvalidRange => code.is_some(),
        Kind::PreconditionFailed => {
            let not_modified = error.status() == Some(StatusCode::NOT_MODIFIED.as_u16());
            not_modified || error.status() == Some(StatusCode::PRECONDITION_FAILED.as_u16())
        }
        Kind::CallbackFailed => true,
        _ => false,
    };
    if accepted && by_service { SignatureVerdict::Accepted } else { SignatureVerdict::Unknown }
}
