//! Verification of every signature from the wire bytes, independent of any client's signing code.
//!
//! | scheme | verifier | page |
//! |---|---|---|
//! | `OSS4-HMAC-SHA256`, header and URL | [`oss_v4`] | <https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4> |
//! | signed policies of forms, V4 and V1 | [`form`] | <https://help.aliyun.com/en/oss/developer-reference/signature-version-4-recommend> |
//! | `OSS AK:sig`, `OBS AK:sig`, `AWS AK:sig`, header and URL | [`hmac_sha1`] | <https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0010.html> |
//! | `AWS4-HMAC-SHA256` at OBS, header | [`aws_v4`] | <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html> |
//! | `SDK-HMAC-SHA256` | [`apig`] | <https://support.huaweicloud.com/devg-apisign/api-sign-algorithm-002.html> |

pub(crate) mod apig;
mod aws_v4;
mod form;
mod hmac_sha1;
mod lock;
mod oss_v4;
#[cfg(test)]
mod tests;

use chrono::{DateTime, TimeDelta, Utc};
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use http::{HeaderMap, Method, StatusCode};

pub(crate) use self::form::{FormSignature, is_signed, verify_form};
pub(crate) use self::lock::FailureLock;
pub(crate) use self::oss_v4::KeyCache;
use crate::config::{Account, SignatureV1};
use crate::dialect::{Dialect, HeaderPrefix};
use crate::error::{ApiError, Outcome};
use crate::time::xml_time;
use crate::wire::{Query, Target, header};

/// Requests may be this much off the clock, both ways.
pub(crate) const MAX_SKEW: TimeDelta = TimeDelta::minutes(15);

/// The parts of a request that signatures cover.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignedParts<'a> {
    pub(crate) method: &'a Method,
    pub(crate) raw_path: &'a str,
    pub(crate) target: &'a Target,
    pub(crate) query: &'a Query,
    pub(crate) headers: &'a HeaderMap,
}

/// What an object service checks callers against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AuthRules<'a> {
    pub(crate) accounts: &'a [Account],
    pub(crate) region: &'a str,
    pub(crate) v1: SignatureV1,
    pub(crate) now: DateTime<Utc>,
    /// Bad signatures in a row by access key, where the service locks keys for them.
    pub(crate) failures: Option<&'a FailureLock>,
}

/// Verifies a request to an object service; returns the prefix of the caller's header dialect.
pub(crate) fn verify(
    dialect: Dialect,
    request: SignedParts<'_>,
    rules: AuthRules<'_>,
    keys: &KeyCache,
) -> Outcome<HeaderPrefix> {
    let authorization = header(request.headers, "authorization");
    let query = request.query;
    let in_url = query.has("Signature") || query.has("x-oss-signature");
    if !authorization.is_empty() && in_url {
        return Err(ApiError::invalid_argument(
            "Only one auth mechanism allowed: the Authorization header or a signature in the URL.",
        ));
    }
    match dialect {
        Dialect::Oss if authorization.starts_with("OSS4-HMAC-SHA256") => {
            oss_v4::verify_header(request, rules, keys, &authorization)?;
            Ok(HeaderPrefix::OSS)
        }
        Dialect::Oss if query.has("x-oss-signature-version") => {
            oss_v4::verify_url(request, rules, keys)?;
            Ok(HeaderPrefix::OSS)
        }
        Dialect::Obs if authorization.starts_with(aws_v4::ALGORITHM) => {
            aws_v4::verify(request, rules, &authorization)
        }
        _ if authorization.is_empty() && !in_url => Err(anonymous(dialect)),
        _ => hmac_sha1::verify(dialect, request, rules, &authorization),
    }
}

pub(crate) fn anonymous(dialect: Dialect) -> ApiError {
    match dialect {
        Dialect::Oss => ApiError::forbidden(
            "AccessDenied",
            "You have no right to access this object because of bucket acl.",
        )
        .ec("0003-00000001"),
        Dialect::Obs => ApiError::forbidden("AccessDenied", "Access Denied"),
    }
}

fn v1_refused() -> ApiError {
    ApiError::forbidden("AccessDenied", "OSS no longer supports V1 signatures.").ec("0002-00000080")
}

fn unsupported_authorization(dialect: Dialect) -> ApiError {
    match dialect {
        Dialect::Oss => ApiError::invalid_argument("Authorization header is invalid."),
        Dialect::Obs => ApiError::bad_request("InvalidArgument", "Unsupported Authorization Type"),
    }
}

/// The account of `access_key`, provided that the request carries the token that belongs to it.
fn account<'a>(
    dialect: Dialect,
    accounts: &'a [Account],
    access_key: &str,
    token: Option<&str>,
) -> Outcome<&'a Account> {
    let unknown = || {
        let service = if dialect == Dialect::Oss { "The OSS" } else { "The" };
        ApiError::forbidden(
            "InvalidAccessKeyId",
            format!("{service} Access Key Id you provided does not exist in our records."),
        )
        .ec("0002-00000902")
        .detail(access_key_element(dialect), access_key)
        .signature()
    };
    let account = accounts.iter().find(|account| account.access_key == access_key).ok_or_else(unknown)?;
    match (account.security_token.as_deref(), token) {
        (expected, given) if expected == given => Ok(account),
        // A temporary key id is known only together with its token.
        (Some(_), None) => Err(unknown()),
        _ => Err(ApiError::forbidden("InvalidSecurityToken", "The security token you provided is invalid.")
            .signature()),
    }
}

fn access_key_element(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Oss => "OSSAccessKeyId",
        Dialect::Obs => "AccessKeyId",
    }
}

fn mismatch(dialect: Dialect, access_key: &str, provided: &str, string_to_sign: &str) -> ApiError {
    ApiError::forbidden(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. \
         Check your key and signing method.",
    )
    .ec("0002-00000040")
    .detail(access_key_element(dialect), access_key)
    .detail("SignatureProvided", provided)
    .detail("StringToSignBytes", spaced_hex(string_to_sign))
    .detail("StringToSign", string_to_sign)
    .signature()
}

/// OBS's answer while an access key is locked.
fn locked() -> ApiError {
    ApiError::bad_request("TooManyWrongSignature", "The request was rejected due to high-frequency errors.")
}

fn spaced_hex(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(" ")
}

fn skewed(signed_at: DateTime<Utc>, now: DateTime<Utc>) -> ApiError {
    ApiError::forbidden(
        "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large.",
    )
    .ec("0002-00000504")
    .detail("MaxAllowedSkewMilliseconds", MAX_SKEW.num_milliseconds().to_string())
    .detail("RequestTime", xml_time(signed_at))
    .detail("ServerTime", xml_time(now))
}

fn expired(deadline: DateTime<Utc>, now: DateTime<Utc>) -> ApiError {
    ApiError::forbidden("AccessDenied", "Request has expired.")
        .ec("0002-00000069")
        .detail("Expires", xml_time(deadline))
        .detail("ServerTime", xml_time(now))
}

fn check_skew(signed_at: DateTime<Utc>, now: DateTime<Utc>) -> Outcome<()> {
    if (now - signed_at).abs() > MAX_SKEW { Err(skewed(signed_at, now)) } else { Ok(()) }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn hmac<D: EagerHash>(key: &[u8], data: &[u8]) -> Vec<u8>
where
    Hmac<D>: KeyInit + Mac,
{
    let mut mac = <Hmac<D> as KeyInit>::new_from_slice(key).expect("a key of any length");
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}

fn time_required() -> ApiError {
    ApiError::new(StatusCode::FORBIDDEN, "AccessDenied", "OSS authentication requires a valid Date.")
}
