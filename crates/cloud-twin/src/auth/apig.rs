//! `SDK-HMAC-SHA256`, as Huawei's API gateway checks it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use http::request::Parts;
use sha2::{Digest, Sha256};

use super::{FailureLock, MAX_SKEW, hmac};
use crate::config::Account;
use crate::time::parse_basic_time;
use crate::wire::{Plus, Query, Slash, decode, encode, header};

const ALGORITHM: &str = "SDK-HMAC-SHA256";
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

/// Why the gateway answers 401; its text follows "Incorrect IAM authentication information: ".
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApigRefusal(pub(crate) String);

struct ApigAuthorization<'a> {
    access_key: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> ApigAuthorization<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.strip_prefix(ALGORITHM)?.strip_prefix(' ')?.split(", ");
        let access_key = parts.next()?.strip_prefix("Access=")?;
        let signed_headers = parts.next()?.strip_prefix("SignedHeaders=")?;
        let signature = parts.next()?.strip_prefix("Signature=")?;
        parts.next().is_none().then_some(Self { access_key, signed_headers, signature })
    }
}

/// Verifies `parts` and its `body` over exactly the headers listed in `SignedHeaders`.
pub(crate) fn verify(
    parts: &Parts,
    body: &[u8],
    accounts: &[Account],
    failures: &FailureLock,
    now: DateTime<Utc>,
) -> Result<(), ApigRefusal> {
    let refused = |text: &str| Err(ApigRefusal(text.to_owned()));
    if parts.headers.contains_key("x-auth-token") {
        return refused("decrypt token fail");
    }
    let text = header(&parts.headers, "authorization");
    let Some(authorization) = ApigAuthorization::parse(&text) else {
        return refused(if text.is_empty() { "x-auth-token not found" } else { "decrypt token fail" });
    };
    let Some(account) = accounts.iter().find(|account| account.access_key == authorization.access_key) else {
        return refused("Get secretKey failed,ak:******,err:ak not exist");
    };
    if failures.is_locked(&account.access_key, now) {
        return refused("AK access failed to reach the limit,forbidden");
    }
    let token =
        parts.headers.contains_key("x-security-token").then(|| header(&parts.headers, "x-security-token"));
    if token != account.security_token {
        return refused("Get secretKey failed,ak:******,err:ak not exist");
    }
    let time = header(&parts.headers, "x-sdk-date");
    let in_window = parse_basic_time(&time).is_some_and(|signed_at| (now - signed_at).abs() <= MAX_SKEW);
    if !in_window {
        let server = now.format("%Y%m%dT%H%M%SZ");
        return Err(ApigRefusal(format!("signature expired, signature time:{time},server time:{server}")));
    }
    match check_signature(parts, body, account, &authorization, &time) {
        Ok(()) => {
            failures.succeeded(&account.access_key);
            Ok(())
        }
        Err(canonical) => {
            failures.failed(&account.access_key, now);
            let echoed = canonical.replace('\n', "|");
            Err(ApigRefusal(format!("verify aksk signature fail, canonicalRequest:{echoed}")))
        }
    }
}

/// `Err` holds the canonical request of the server, which the gateway echoes.
fn check_signature(
    parts: &Parts,
    body: &[u8],
    account: &Account,
    authorization: &ApigAuthorization<'_>,
    time: &str,
) -> Result<(), String> {
    let names: Vec<_> = authorization.signed_headers.split(';').collect();
    let heads = canonical_heads(parts, &names).ok_or_else(String::new)?;
    let payloads = payload_hashes(parts, body);
    let mut canonical = String::new();
    for (head, payload) in heads.iter().flat_map(|head| payloads.iter().map(move |payload| (head, payload))) {
        canonical = format!("{head}{}\n{payload}", authorization.signed_headers);
        let string_to_sign = format!("{ALGORITHM}\n{time}\n{}", hex::encode(Sha256::digest(&canonical)));
        let signature = hex::encode(hmac::<Sha256>(account.secret_key.as_bytes(), string_to_sign.as_bytes()));
        let listed = names.contains(&"x-sdk-date") && names.is_sorted();
        if listed && signature == authorization.signature {
            return Ok(());
        }
    }
    Err(canonical)
}

/// Everything up to the `SignedHeaders` line; `None` when path, query or a listed header cannot be signed.
fn canonical_heads(parts: &Parts, names: &[&str]) -> Option<Vec<String>> {
    let path = canonical_path(parts.uri.path())?;
    let headers = canonical_headers(parts, names)?;
    let query = Query::parse(parts.uri.query().unwrap_or_default(), Plus::Literal).ok()?;
    let head = |query| format!("{}\n{path}\n{query}\n{headers}\n", parts.method);
    Some(canonical_queries(&query).into_iter().map(head).collect())
}

fn canonical_headers(parts: &Parts, names: &[&str]) -> Option<String> {
    let mut lines = String::new();
    for name in names {
        let values = parts.headers.get_all(*name).iter();
        let mut values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        if values.is_empty() {
            return None;
        }
        values.sort_unstable();
        for value in values {
            // Writing to a String does not fail.
            let _ = writeln!(lines, "{name}:{}", value.trim());
        }
    }
    Some(lines)
}

/// Dot segments resolved, every segment encoded once, a slash at the end.
fn canonical_path(raw: &str) -> Option<String> {
    let mut segments: Vec<String> = Vec::new();
    for segment in raw.strip_prefix('/').unwrap_or(raw).split('/') {
        match decode(segment, Plus::Literal).ok()?.as_str() {
            "." => {}
            ".." => {
                segments.pop();
            }
            text => segments.push(encode(text, Slash::Encode)),
        }
    }
    let path = format!("/{}", segments.join("/"));
    Some(if path.ends_with('/') { path } else { path + "/" })
}

/// The documentation sorts by name and leaves open whether before or after encoding; official signers do
/// either.
fn canonical_queries(query: &Query) -> Vec<String> {
    let mut raw: Vec<_> = query.iter().collect();
    raw.sort_unstable();
    let encode = |(name, value): (&str, &str)| (encode(name, Slash::Encode), encode(value, Slash::Encode));
    let mut by_name: Vec<_> = raw.into_iter().map(encode).collect();
    let join = |pairs: &[(String, String)]| {
        let parts: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        parts.join("&")
    };
    let mut queries = vec![join(&by_name)];
    by_name.sort_unstable();
    queries.push(join(&by_name));
    queries.dedup();
    queries
}

/// One signer hashes an empty body even where `UNSIGNED-PAYLOAD` is announced, so both are right then.
fn payload_hashes(parts: &Parts, body: &[u8]) -> Vec<String> {
    let hash = hex::encode(Sha256::digest(body));
    let unsigned = header(&parts.headers, "x-sdk-content-sha256") == UNSIGNED_PAYLOAD;
    match (unsigned, body.is_empty()) {
        (true, false) => vec![UNSIGNED_PAYLOAD.to_owned()],
        (true, true) => vec![UNSIGNED_PAYLOAD.to_owned(), hash],
        (false, _) => vec![hash],
    }
}
