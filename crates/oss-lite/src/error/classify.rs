//! The one place where a status and a code become a kind and a retry hint.

use http::StatusCode;

use super::{ErrorKind, Retry};

/// What a request addresses, for statuses that come without a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addressed {
    Bucket,
    Object,
}

/// [OSS codes](https://www.alibabacloud.com/help/en/oss/developer-reference/error-responses),
/// [OBS codes](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0115.html).
pub(super) fn classify(status: StatusCode, code: Option<&str>, addressed: Addressed) -> (ErrorKind, Retry) {
    code.and_then(by_code).unwrap_or_else(|| match code {
        // Refused after the head of the answer had gone out.
        Some(_) if status.is_success() => (ErrorKind::Rejected, Retry::Never),
        _ => by_status(status, addressed),
    })
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

    fn of(status: u16, code: &str) -> (ErrorKind, Retry) {
        let code = Some(code).filter(|code| !code.is_empty());
        classify(StatusCode::from_u16(status).expect("a status"), code, Addressed::Object)
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
            (404, ""),
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
    fn a_bare_404_means_what_was_addressed() {
        assert_eq!(classify(StatusCode::NOT_FOUND, None, Addressed::Bucket).0, ErrorKind::NoSuchBucket);
        assert_eq!(classify(StatusCode::NOT_FOUND, None, Addressed::Object).0, ErrorKind::NoSuchKey);
    }
}
