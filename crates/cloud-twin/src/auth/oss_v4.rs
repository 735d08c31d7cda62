//! `OSS4-HMAC-SHA256`, in the `Authorization` header and in the URL.

use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use http::{HeaderMap, Method};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use super::{AuthRules, MAX_SKEW, SignedParts, account, check_skew, expired, hmac, mismatch, time_required};
use crate::config::Account;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::time::{parse_basic_time, parse_http_time};
use crate::wire::{Query, Slash, encode, header};

pub(super) const ALGORITHM: &str = "OSS4-HMAC-SHA256";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const MAX_EXPIRES: i64 = 7 * 24 * 3600;
const MAX_EXPIRES_TEMPORARY: i64 = 12 * 3600;

/// The last signing key derived: requests of one client on one day share it.
#[derive(Debug, Default)]
pub(crate) struct KeyCache(Mutex<Option<(String, Vec<u8>)>>);

impl KeyCache {
    pub(super) fn signing_key(&self, account: &Account, scope: &Scope<'_>) -> Vec<u8> {
        let name = format!(
            "{}\n{}\n{}/{}/{}",
            account.access_key, account.secret_key, scope.date, scope.region, scope.product
        );
        let mut cached = self.0.lock();
        if let Some((of, key)) = cached.as_ref()
            && *of == name
        {
            return key.clone();
        }
        let mut key = format!("aliyun_v4{}", account.secret_key).into_bytes();
        for step in [scope.date, scope.region, scope.product, "aliyun_v4_request"] {
            key = hmac::<Sha256>(&key, step.as_bytes());
        }
        *cached = Some((name, key.clone()));
        key
    }
}

pub(super) struct Scope<'a> {
    pub(super) access_key: &'a str,
    date: &'a str,
    region: &'a str,
    product: &'a str,
}

impl<'a> Scope<'a> {
    pub(super) fn parse(credential: &'a str) -> Outcome<Self> {
        let mut parts = credential.rsplitn(5, '/');
        let scope = (|| {
            let terminator = parts.next()?;
            let (product, region, date, access_key) =
                (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
            let known = terminator == "aliyun_v4_request" && matches!(product, "oss" | "oss-cloudbox");
            known.then_some(Self { access_key, date, region, product })
        })();
        scope.ok_or_else(|| ApiError::invalid_argument("Invalid Credential in Authorization."))
    }

    pub(super) fn check(&self, time: &str, region: &str) -> Outcome<()> {
        if !time.starts_with(self.date) {
            return Err(ApiError::invalid_argument("Invalid signing date in Authorization header."));
        }
        if self.region != region {
            return Err(ApiError::invalid_argument("Invalid signing region in Authorization header.")
                .ec("0002-00000226"));
        }
        Ok(())
    }
}

/// The `k=v` list of the header. Producers differ in order and spacing.
#[derive(Default)]
struct Authorization<'a> {
    credential: &'a str,
    additional_headers: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Outcome<Self> {
        let mut parsed = Self::default();
        for part in text.strip_prefix(ALGORITHM).unwrap_or_default().split(',') {
            match part.trim().split_once('=') {
                Some(("Credential", value)) => parsed.credential = value,
                Some(("AdditionalHeaders", value)) => parsed.additional_headers = value,
                Some(("Signature", value)) => parsed.signature = value,
                _ => {
                    return Err(ApiError::invalid_argument("Authorization header is invalid."));
                }
            }
        }
        if parsed.credential.is_empty() || parsed.signature.is_empty() {
            return Err(ApiError::invalid_argument("Authorization header is invalid."));
        }
        Ok(parsed)
    }
}

pub(super) fn verify_header(
    request: SignedParts<'_>,
    rules: AuthRules<'_>,
    keys: &KeyCache,
    authorization: &str,
) -> Outcome<()> {
    let authorization = Authorization::parse(authorization)?;
    let scope = Scope::parse(authorization.credential)?;
    let token = request
        .headers
        .contains_key("x-oss-security-token")
        .then(|| header(request.headers, "x-oss-security-token"));
    let account = account(Dialect::Oss, rules.accounts, scope.access_key, token.as_deref())?;
    if header(request.headers, "x-oss-content-sha256") != UNSIGNED_PAYLOAD {
        return Err(ApiError::invalid_argument("x-oss-content-sha256 must be UNSIGNED-PAYLOAD."));
    }
    let (time, signed_at) = header_time(request.headers)?;
    scope.check(&time, rules.region)?;
    check_skew(signed_at, rules.now)?;
    check_signature(
        request,
        keys,
        account,
        &scope,
        &time,
        authorization.additional_headers,
        authorization.signature,
    )
}

fn header_time(headers: &HeaderMap) -> Outcome<(String, DateTime<Utc>)> {
    let time = header(headers, "x-oss-date");
    if !time.is_empty() {
        let signed_at = parse_basic_time(&time).ok_or_else(time_required)?;
        return Ok((time, signed_at));
    }
    let date = header(headers, "date");
    let signed_at = parse_http_time(&date).or_else(|| parse_basic_time(&date)).ok_or_else(time_required)?;
    Ok((signed_at.format("%Y%m%dT%H%M%SZ").to_string(), signed_at))
}

pub(super) fn verify_url(request: SignedParts<'_>, rules: AuthRules<'_>, keys: &KeyCache) -> Outcome<()> {
    let parameter = |name: &str| {
        request
            .query
            .get(name)
            .ok_or_else(|| ApiError::invalid_argument(format!("{name} is required in a signed URL.")))
    };
    if parameter("x-oss-signature-version")? != ALGORITHM {
        return Err(ApiError::invalid_argument("x-oss-signature-version is not supported."));
    }
    if request.method == Method::POST {
        return Err(ApiError::invalid_argument("POST does not support a signature in the URL."));
    }
    let scope = Scope::parse(parameter("x-oss-credential")?)?;
    let account =
        account(Dialect::Oss, rules.accounts, scope.access_key, request.query.get("x-oss-security-token"))?;
    let time = parameter("x-oss-date")?;
    let signed_at = parse_basic_time(time).ok_or_else(time_required)?;
    scope.check(time, rules.region)?;
    let longest = if account.security_token.is_some() { MAX_EXPIRES_TEMPORARY } else { MAX_EXPIRES };
    let expires = parameter("x-oss-expires")?.parse().ok().filter(|seconds| (1..=longest).contains(seconds));
    let expires = expires.ok_or_else(|| {
        ApiError::invalid_argument(format!("x-oss-expires must be between 1 and {longest}."))
    })?;
    let deadline = signed_at + TimeDelta::seconds(expires);
    if rules.now < signed_at - MAX_SKEW || rules.now > deadline {
        return Err(expired(deadline, rules.now));
    }
    let additional = request.query.get("x-oss-additional-headers").unwrap_or_default();
    check_signature(request, keys, account, &scope, time, additional, parameter("x-oss-signature")?)
}

fn check_signature(
    request: SignedParts<'_>,
    keys: &KeyCache,
    account: &Account,
    scope: &Scope<'_>,
    time: &str,
    additional_headers: &str,
    signature: &str,
) -> Outcome<()> {
    let canonical = canonical_request(request, additional_headers);
    let Scope { date, region, product, .. } = scope;
    let string_to_sign = format!(
        "{ALGORITHM}\n{time}\n{date}/{region}/{product}/aliyun_v4_request\n{}",
        hex::encode(Sha256::digest(&canonical))
    );
    let key = keys.signing_key(account, scope);
    if hex::encode(hmac::<Sha256>(&key, string_to_sign.as_bytes())) == signature {
        return Ok(());
    }
    Err(mismatch(Dialect::Oss, &account.access_key, signature, &string_to_sign)
        .detail("CanonicalRequest", canonical))
}

fn canonical_request(request: SignedParts<'_>, additional_headers: &str) -> String {
    let uri = request.target.resource(|text| encode(text, Slash::Keep));
    let mut canonical = format!("{}\n{uri}\n{}\n", request.method, canonical_query(request.query));
    let additional: Vec<_> = additional_headers.split(';').collect();
    let mut names: Vec<&str> = request.headers.keys().map(http::HeaderName::as_str).collect();
    names.retain(|name| is_always_signed(name) || additional.contains(name));
    names.sort_unstable();
    for name in names {
        // Writing to a String does not fail.
        let _ = writeln!(canonical, "{name}:{}", header(request.headers, name).trim());
    }
    let _ = write!(canonical, "\n{additional_headers}\n{UNSIGNED_PAYLOAD}");
    canonical
}

fn is_always_signed(name: &str) -> bool {
    matches!(name, "content-type" | "content-md5") || name.starts_with("x-oss-")
}

fn canonical_query(query: &Query) -> String {
    let mut pairs: Vec<_> = query
        .iter()
        .filter(|(name, _)| *name != "x-oss-signature")
        .map(|(name, value)| (encode(name, Slash::Encode), encode(value, Slash::Encode)))
        .collect();
    pairs.sort_unstable();
    let parts: Vec<_> = pairs
        .into_iter()
        .map(|(name, value)| if value.is_empty() { name } else { name + "=" + &value })
        .collect();
    parts.join("&")
}
