//! The one place where a status and a code become a kind and a retry hint.
//!
//! That something is not there is believed of the service only: an object may be removed elsewhere because of
//! it. So [`ErrorKind::NoSuchKey`] needs the service's code and a request id, which a proxy, a captive portal
//! or the wrong server does not give. The answer to a HEAD has no body, and where it has no code in a header
//! either, the request id alone has to do. Any other 404 is [`ErrorKind::UnexpectedResponse`], and worth
//! another try. So is a 401 with neither code nor request id, of a server that is neither OSS nor OBS: it
//! says nothing about the access key.

use http::StatusCode;

use super::{ErrorKind, Retry};

/// What a request addresses, for statuses that come without a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addressed {
    Bucket,
    Object,
}

/// How much of an answer is the service's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word<'a> {
    pub(super) code: Option<&'a str>,
    /// The finer code of OSS.
    pub(super) detail_code: Option<&'a str>,
    pub(super) has_request_id: bool,
    /// The answer may have no body, so that a missing code says nothing.
    pub(super) is_bodiless: bool,
}

/// [OSS codes](https://www.alibabacloud.com/help/en/oss/developer-reference/error-responses),
/// [OBS codes](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0115.html).
pub(super) fn classify(status: StatusCode, word: Word<'_>, addressed: Addressed) -> (ErrorKind, Retry) {
    let known = word.code.or_else(|| word.detail_code.and_then(code_of_detail)).and_then(by_code);
    match (known, word.code) {
        (Some((ErrorKind::NoSuchKey, _)), _) if !word.has_request_id => UNVOUCHED,
        (Some(known), _) => known,
        // Refused after the head of the answer had gone out.
        (None, Some(_)) if status.is_success() => (ErrorKind::Rejected, Retry::Never),
        // A code of somebody else is not the service's word either.
        (None, code)
            if status == StatusCode::NOT_FOUND
                && !(code.is_none() && word.is_bodiless && word.has_request_id) =>
        {
            UNVOUCHED
        }
        (None, None) if status == StatusCode::UNAUTHORIZED && !word.has_request_id => UNVOUCHED,
        (None, _) => by_status(status, addressed),
    }
}

/// Somebody else says that nothing is there, or that a password is needed.
const UNVOUCHED: (ErrorKind, Retry) = (ErrorKind::UnexpectedResponse, Retry::Backoff);

/// The code that goes with a [finer one](https://www.alibabacloud.com/help/en/oss/support/), of those that
/// tell what is missing.
fn code_of_detail(detail: &str) -> Option<&'static str> {
    match detail {
        "0026-00000001" => Some("NoSuchKey"),
        "0015-00000101" => Some("NoSuchBucket"),
        _ => None,
    }
}

/// A code without a status of its own.
pub(super) fn of_code(code: &str) -> (ErrorKind, Retry) {
    by_code(code).unwrap_or((ErrorKind::Rejected, Retry::Never))
}

#[rustfmt::skip]
fn by_code(code: &str) -> Option<(ErrorKind, Retry)> {
    use ErrorKind as Kind;
    let kind = match code {
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidSecurityToken" | "SecurityTokenExpired"
        | "ExpiredToken" | "AccessKeyIdAndSecurityTokenNotMatch" | "TooManyWrongSignature" => Kind::CredentialsRefused,
        "AccessDenied" | "InDebt" | "UserDisable" | "InArrearOrInsufficientBalance" | "DeregisterUserId"
        | "FileImmutable" => Kind::AccessDenied,
        "NoSuchKey" | "SymlinkTargetNotExist" => Kind::NoSuchKey,
        "NoSuchBucket" => Kind::NoSuchBucket,
        "NoSuchUpload" => Kind::NoSuchUpload,
        "NoSuchLifecycle" | "NoSuchLifecycleConfiguration" | "NoSuchTagSet" | "NoSuchTagSetError"
        | "NoSuchCORSConfiguration" => Kind::NotFound,
        "InvalidRange" => Kind::InvalidRange,
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" | "FileAlreadyExists" => Kind::AlreadyExists,
        "InvalidObjectState" => Kind::Archived,
        "PreconditionFailed" => Kind::PreconditionFailed,
        "InvalidBucketName" => Kind::InvalidBucketName,
        "InvalidObjectName" | "KeyTooLongError" => Kind::InvalidKey,
        "InvalidArgument" | "MetadataTooLarge" | "EntityTooLarge" | "EntityTooSmall" => Kind::InvalidArgument,
        "CallbackFailed" => Kind::CallbackFailed,
        "PermanentRedirect" | "TemporaryRedirect" => Kind::WrongEndpoint,
        "RequestTimeTooSkewed" => return Some((Kind::ClockSkew, Retry::CorrectClock)),
        "QpsLimitExceeded" | "TotalQpsLimitExceeded" | "MetaOperationQpsLimitExceeded"
        | "ActiveRequestLimitExceeded" | "CpuLimitExceeded" | "DownloadTrafficRateLimitExceeded"
        | "UploadTrafficRateLimitExceeded" | "SlowDown" | "TooManyRequests" => {
            return Some((Kind::Throttled, Retry::Backoff));
        }
        "InternalError" | "ServiceUnavailable" | "RequestTimeout" => {
            return Some((Kind::ServerError, Retry::Backoff));
        }
        "OperationAborted" => return Some((Kind::Conflict, Retry::Backoff)),
        // The bytes were damaged or cut on their way; sending them again mends that.
        "BadRequest" | "IncompleteBody" | "BadDigest" => return Some((Kind::Rejected, Retry::Backoff)),
        _ => return None,
    };
    Some((kind, Retry::Never))
}

fn by_status(status: StatusCode, addressed: Addressed) -> (ErrorKind, Retry) {
    match status.as_u16() {
        304 | 412 => (ErrorKind::PreconditionFailed, Retry::Never),
        300..400 => (ErrorKind::WrongEndpoint, Retry::Never),
        401 => (ErrorKind::CredentialsRefused, Retry::Never),
        403 => (ErrorKind::AccessDenied, Retry::Never),
        404 if addressed == Addressed::Object => (ErrorKind::NoSuchKey, Retry::Never),
        404 => (ErrorKind::NoSuchBucket, Retry::Never),
        408 | 500..600 => (ErrorKind::ServerError, Retry::Backoff),
        409 => (ErrorKind::Conflict, Retry::Never),
        416 => (ErrorKind::InvalidRange, Retry::Never),
        429 => (ErrorKind::Throttled, Retry::Backoff),
        400..500 => (ErrorKind::Rejected, Retry::Never),
        _ => (ErrorKind::UnexpectedResponse, Retry::Never),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the service, in the answer to a request that gets a body.
    fn word(code: &str) -> Word<'_> {
        let code = Some(code).filter(|code| !code.is_empty());
        Word { code, detail_code: None, has_request_id: true, is_bodiless: false }
    }

    fn of(status: u16, code: &str) -> (ErrorKind, Retry) {
        classify(StatusCode::from_u16(status).expect("a status"), word(code), Addressed::Object)
    }

    #[test]
    fn what_the_service_could_not_do_now_is_tried_again() {
        for (status, code) in [
            (500, "InternalError"),
            (503, "ServiceUnavailable"),
            (503, "SlowDown"),
            (429, "QpsLimitExceeded"),
            (400, "RequestTimeout"),
            (400, "BadRequest"),
            (400, "IncompleteBody"),
            (409, "OperationAborted"),
            (408, ""),
            (429, ""),
            (500, ""),
            (502, ""),
            (503, ""),
            (504, ""),
        ] {
            assert_eq!(of(status, code).1, Retry::Backoff, "{status} {code}");
        }
    }

    #[test]
    fn what_will_not_change_by_itself_is_not_tried_again() {
        for (status, code) in [
            (403, "InvalidAccessKeyId"),
            (403, "SignatureDoesNotMatch"),
            (403, "SecurityTokenExpired"),
            (403, "AccessDenied"),
            (400, "TooManyWrongSignature"),
            (404, "NoSuchKey"),
            (404, "NoSuchBucket"),
            (409, "FileAlreadyExists"),
            (400, "InvalidDigest"),
            (203, "CallbackFailed"),
            (401, ""),
            (403, ""),
            (412, ""),
            (301, ""),
            (307, ""),
        ] {
            assert_eq!(of(status, code).1, Retry::Never, "{status} {code}");
        }
    }

    #[test]
    fn a_code_says_more_than_its_status() {
        assert_eq!(of(403, "SecurityTokenExpired").0, ErrorKind::CredentialsRefused);
        assert_eq!(of(404, "NoSuchBucket").0, ErrorKind::NoSuchBucket);
        assert_eq!(of(403, "InvalidObjectState").0, ErrorKind::Archived);
        assert_eq!(of(403, "RequestTimeTooSkewed"), (ErrorKind::ClockSkew, Retry::CorrectClock));
        assert_eq!(of(200, "InternalError"), (ErrorKind::ServerError, Retry::Backoff));
        assert_eq!(of(200, "InvalidPart"), (ErrorKind::Rejected, Retry::Never));
        assert_eq!(of(404, "NoSuchUpload"), (ErrorKind::NoSuchUpload, Retry::Never));
        assert_eq!(of(416, ""), (ErrorKind::InvalidRange, Retry::Never));
    }

    #[test]
    fn that_nothing_is_there_needs_the_services_own_word() {
        let missing = |word, addressed| classify(StatusCode::NOT_FOUND, word, addressed);
        let (object, bucket) = (Addressed::Object, Addressed::Bucket);
        let head = Word { is_bodiless: true, ..word("") };
        assert_eq!(missing(word("NoSuchKey"), object), (ErrorKind::NoSuchKey, Retry::Never));
        assert_eq!(missing(head, object).0, ErrorKind::NoSuchKey);
        assert_eq!(missing(head, bucket).0, ErrorKind::NoSuchBucket);
        for told in [
            word(""),
            word("NotTheServices"),
            Word { has_request_id: false, ..head },
            Word { is_bodiless: true, ..word("NotTheServices") },
            Word { has_request_id: false, ..word("NoSuchKey") },
        ] {
            assert_eq!(missing(told, object), UNVOUCHED, "{told:?}");
        }
        assert_eq!(missing(word(""), bucket), UNVOUCHED);
    }

    #[test]
    fn a_401_needs_the_services_code_or_request_id() {
        let unvouched = Word { has_request_id: false, ..word("") };
        let head = Word { is_bodiless: true, ..word("") };
        let of = |status, word| classify(status, word, Addressed::Object);
        for word in [unvouched, Word { is_bodiless: true, ..unvouched }] {
            assert_eq!(of(StatusCode::UNAUTHORIZED, word), UNVOUCHED);
            // OSS and OBS refuse with 403, and proxies remove headers.
            assert_eq!(of(StatusCode::FORBIDDEN, word), (ErrorKind::AccessDenied, Retry::Never));
        }
        for word in [word(""), head, Word { has_request_id: false, ..word("NewCode") }] {
            assert_eq!(of(StatusCode::UNAUTHORIZED, word), (ErrorKind::CredentialsRefused, Retry::Never));
        }
    }

    #[test]
    fn a_finer_code_stands_in_for_the_code() {
        let of = |detail| {
            let head = Word { detail_code: Some(detail), is_bodiless: true, ..word("") };
            classify(StatusCode::NOT_FOUND, head, Addressed::Object).0
        };
        assert_eq!(of("0015-00000101"), ErrorKind::NoSuchBucket);
        assert_eq!(of("0026-00000001"), ErrorKind::NoSuchKey);
    }
}
