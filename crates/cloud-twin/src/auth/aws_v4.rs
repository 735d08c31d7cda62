//! `AWS4-HMAC-SHA256` in the header, which OBS takes from clients of Amazon S3.
//!
//! The region of a scope is not looked at: OBS documents none for this scheme. Content in signed chunks
//! (`STREAMING-…`) is not taken.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{
    AuthRules, SignedParts, account, check_skew, hmac, locked, mismatch, time_required,
    unsupported_authorization,
};
use crate::dialect::{Dialect, HeaderPrefix};
use crate::error::{ApiError, Outcome};
use crate::time::{parse_basic_time, parse_http_time};
use crate::wire::{Query, Slash, encode, header};

pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// What the header says.
struct AwsV4Signature<'a> {
    access_key: &'a str,
    /// `date/region/s3/aws4_request`.
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> AwsV4Signature<'a> {
    fn parse(authorization: &'a str) -> Option<Self> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for part in authorization.strip_prefix(ALGORITHM)?.split(',') {
            match part.trim().split_once('=')? {
                ("Credential", value) => credential = Some(value),
                ("SignedHeaders", value) => signed_headers = Some(value),
                ("Signature", value) => signature = Some(value),
                _ => return None,
            }
        }
        let (access_key, scope) = credential?.split_once('/')?;
        let of_s3 = scope.split('/').count() == 4 && scope.ends_with("/s3/aws4_request");
        of_s3.then_some(Self { access_key, scope, signed_headers: signed_headers?, signature: signature? })
    }
}

pub(super) fn verify(
    request: SignedParts<'_>,
    rules: AuthRules<'_>,
    authorization: &str,
) -> Outcome<HeaderPrefix> {
    let presented =
        AwsV4Signature::parse(authorization).ok_or_else(|| unsupported_authorization(Dialect::Obs))?;
    let payload = header(request.headers, CONTENT_SHA256);
    if payload.is_empty() {
        return Err(ApiError::bad_request(
            "InvalidRequest",
            "Missing required header for this request: x-amz-content-sha256",
        ));
    }
    if payload.starts_with("STREAMING-") {
        return Err(ApiError::not_implemented());
    }
    let time = time(request, rules)?;
    if !time.starts_with(presented.scope.split('/').next().unwrap_or_default()) {
        return Err(ApiError::invalid_argument("The date of the scope is not that of the request."));
    }
    check_headers(request, &presented)?;
    let failures = rules.failures;
    if failures.is_some_and(|failures| failures.is_locked(presented.access_key, rules.now)) {
        return Err(locked());
    }
    let token = request
        .headers
        .contains_key("x-amz-security-token")
        .then(|| header(request.headers, "x-amz-security-token"));
    let account = account(Dialect::Obs, rules.accounts, presented.access_key, token.as_deref())?;
    let key =
        presented.scope.split('/').fold(format!("AWS4{}", account.secret_key).into_bytes(), |key, step| {
            hmac::<Sha256>(&key, step.as_bytes())
        });
    let mut first = None;
    for path in paths(request) {
        let canonical = canonical_request(request, &presented, &path, &payload);
        let string_to_sign =
            format!("{ALGORITHM}\n{time}\n{}\n{}", presented.scope, hex::encode(Sha256::digest(canonical)));
        if hex::encode(hmac::<Sha256>(&key, string_to_sign.as_bytes())) == presented.signature {
            if let Some(failures) = failures {
                failures.succeeded(presented.access_key);
            }
            return Ok(HeaderPrefix::AMZ);
        }
        first.get_or_insert(string_to_sign);
    }
    if let Some(failures) = failures {
        failures.failed(presented.access_key, rules.now);
    }
    let string_to_sign = first.unwrap_or_default();
    Err(mismatch(Dialect::Obs, presented.access_key, presented.signature, &string_to_sign))
}

/// The time that was signed, in the form that is signed. `esdk-obs-python` sends it in `Date` only.
fn time(request: SignedParts<'_>, rules: AuthRules<'_>) -> Outcome<String> {
    let basic = header(request.headers, "x-amz-date");
    let signed_at = if basic.is_empty() {
        parse_http_time(&header(request.headers, "date"))
    } else {
        parse_basic_time(&basic)
    };
    let signed_at = signed_at.ok_or_else(time_required)?;
    check_skew(signed_at, rules.now)?;
    Ok(signed_at.format("%Y%m%dT%H%M%SZ").to_string())
}

/// The host must be signed, and every header of the dialect.
fn check_headers(request: SignedParts<'_>, presented: &AwsV4Signature<'_>) -> Outcome<()> {
    let signed: Vec<_> = presented.signed_headers.split(';').collect();
    let needed = request
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| *name == "host" || name.starts_with(HeaderPrefix::AMZ.as_str()));
    match needed.into_iter().find(|name| !signed.contains(name)) {
        None => Ok(()),
        Some(name) => Err(ApiError::forbidden(
            "AccessDenied",
            "There were headers present in the request which were not signed",
        )
        .detail("HeadersNotSigned", name)),
    }
}

/// The path as it was sent, and as a client that hides less in it signs it.
fn paths(request: SignedParts<'_>) -> Vec<String> {
    let rebuilt = if request.target.resource_root.is_empty() {
        request.target.resource(|text| encode(text, Slash::Keep))
    } else {
        let key = request.target.key.as_deref().unwrap_or_default();
        format!("/{}", encode(key, Slash::Keep))
    };
    let mut paths = vec![request.raw_path.to_owned(), rebuilt];
    paths.dedup();
    paths
}

fn canonical_request(
    request: SignedParts<'_>,
    presented: &AwsV4Signature<'_>,
    path: &str,
    payload: &str,
) -> String {
    let mut canonical = format!("{}\n{path}\n{}\n", request.method, canonical_query(request.query));
    for name in presented.signed_headers.split(';') {
        let value = header(request.headers, name);
        let words: Vec<_> = value.split(' ').filter(|word| !word.is_empty()).collect();
        // Writing to a String does not fail.
        let _ = writeln!(canonical, "{name}:{}", words.join(" "));
    }
    let _ = write!(canonical, "\n{}\n{payload}", presented.signed_headers);
    canonical
}

fn canonical_query(query: &Query) -> String {
    let mut pairs: Vec<_> = query
        .iter()
        .map(|(name, value)| (encode(name, Slash::Encode), encode(value, Slash::Encode)))
        .collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}
