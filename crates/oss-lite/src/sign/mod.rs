//! Signing as pure functions: no I/O, no clock, no environment.
//!
//! A request is described by [`SigningRequest`] and its headers, how to sign it by [`SigningParams`].
//! [`sign_headers`] makes the `Authorization` header, [`presign`] the query of a URL that carries its own
//! signature. Both are built from stages that can be looked at one by one when a service disagrees:
//! [`v4::CanonicalRequest`], [`v4::StringToSign`], [`v1::StringToSign`]. `Display` of a stage is the exact
//! text that is signed; `.redacted()` is the same without the security token, for logs.
//!
//! ```
//! use chrono::DateTime;
//! use http::{HeaderMap, Method};
//! use oss_lite::sign::{Resource, Scheme, SigningParams, SigningRequest, sign_headers, v4};
//! use oss_lite::{Credentials, Dialect, ObjectKey, Query};
//!
//! let key = ObjectKey::new(Dialect::Oss, "hello.txt")?;
//! let request = SigningRequest {
//!     method: &Method::GET,
//!     resource: Resource::Object { bucket: "examplebucket", key: &key },
//!     query: &Query::default(),
//! };
//! let params = SigningParams {
//!     scheme: Scheme::V4(v4::Settings::new("cn-hangzhou")),
//!     credentials: &Credentials::new("access-key-id", "secret"),
//!     time: DateTime::from_timestamp(1_767_237_945, 0).unwrap_or_default(),
//! };
//! let mut headers = HeaderMap::new();
//! sign_headers(&request, &mut headers, &params)?;
//! assert!(headers.contains_key("authorization"));
//! # Ok::<(), oss_lite::Error>(())
//! ```

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};

use crate::credentials::Credentials;
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};
use crate::key::ObjectKey;
use crate::query::Query;

pub mod v1;
pub mod v4;

/// What a request addresses, as the signature sees it.
#[derive(Clone, Copy, Debug)]
pub enum Resource<'a> {
    /// The service itself (list of buckets).
    Service,
    /// A bucket that the host names.
    Bucket(&'a str),
    /// A bucket that the path names (path-style addressing). OBS signs it without the slash at the end.
    BucketInPath(&'a str),
    /// An object. On a custom domain of OBS the domain stands in place of the bucket.
    Object {
        /// The bucket's name.
        bucket: &'a str,
        /// The key, encoded.
        key: &'a ObjectKey<'a>,
    },
}

/// The parts of a request that are signed, except its headers.
#[derive(Clone, Copy, Debug)]
pub struct SigningRequest<'a> {
    /// The HTTP method.
    pub method: &'a Method,
    /// What the request addresses.
    pub resource: Resource<'a>,
    /// All query parameters, without those of the signature itself.
    pub query: &'a Query,
}

/// Which signature to make.
#[derive(Clone, Copy, Debug)]
pub enum Scheme<'a> {
    /// `OSS4-HMAC-SHA256`, of OSS only.
    V4(v4::Settings<'a>),
    /// The HMAC-SHA1 scheme of the dialect: V1 of OSS, and the only native one of OBS.
    V1(Dialect),
}

/// Who signs, how and when.
#[derive(Clone, Copy, Debug)]
pub struct SigningParams<'a> {
    /// Which signature to make.
    pub scheme: Scheme<'a>,
    /// Who signs.
    pub credentials: &'a Credentials,
    /// The time of signing. Services refuse one that is more than 15 minutes off theirs.
    pub time: DateTime<Utc>,
}

/// Signs a request in its headers: adds the date, the security token, what else the scheme demands, and
/// `Authorization`. Every other header must be there before, because the signature covers some of them.
///
/// Fails when a header value is not UTF-8, or the credentials hold characters that no header can carry.
pub fn sign_headers(
    request: &SigningRequest<'_>,
    headers: &mut HeaderMap,
    params: &SigningParams<'_>,
) -> Result<(), Error> {
    let SigningParams { scheme, credentials, time } = *params;
    match scheme {
        Scheme::V4(settings) => {
            let moment = v4::Moment::new(time);
            let key = v4::SigningKey::derive(credentials.secret(), &moment.scope(settings));
            v4::sign_headers(request, headers, settings, credentials, &moment, &key)
        }
        Scheme::V1(dialect) => {
            let key = v1::SigningKey::new(credentials.secret());
            v1::sign_headers(dialect, request, headers, credentials, time, &key)
        }
    }
}

/// Signs a request in its URL and returns the whole query text, without `?`.
///
/// `headers` are those the bearer of the URL must send with the same values: `Content-Type`, `Content-MD5`,
/// and the `x-oss-*` or `x-obs-*` ones. V4 URLs live for at most 7 days, and 12 hours when the credentials
/// are temporary; bucket-level requests cannot be made with V1 URLs.
pub fn presign(
    request: &SigningRequest<'_>,
    headers: &HeaderMap,
    params: &SigningParams<'_>,
    valid_for: Duration,
) -> Result<String, Error> {
    if valid_for.as_secs() == 0 {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            "a signed URL must be valid for at least one second",
        ));
    }
    match params.scheme {
        Scheme::V4(settings) => v4::presign(request, headers, settings, params, valid_for),
        Scheme::V1(dialect) => v1::presign(dialect, request, headers, params, valid_for),
    }
}

/// Shows a stage of signing without the security token.
#[derive(Debug)]
pub struct Redacted<T>(T);

impl<T: fmt::Display> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let mut rest = text.as_str();
        // The name ends in ":" as a header and in "=" as a parameter.
        while let Some(at) = rest.find("security-token") {
            let (before, after) = rest.split_at(at + "security-token".len());
            f.write_str(before)?;
            rest = after;
            if let Some(value) = rest.strip_prefix([':', '=']) {
                let end = value.find(['&', '\n']).unwrap_or(value.len());
                write!(f, "{}******", &rest[..1])?;
                rest = &value[end..];
            }
        }
        f.write_str(rest)
    }
}

/// Headers whose names pass `wanted`, by name, same names in order of appearance, values trimmed.
fn signed_headers(headers: &HeaderMap, wanted: impl Fn(&str) -> bool) -> Result<Vec<(&str, &str)>, Error> {
    let mut signed = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        if wanted(name.as_str()) {
            signed.push((name.as_str(), header_text(name.as_str(), value)?));
        }
    }
    signed.sort_by_key(|(name, _)| *name);
    Ok(signed)
}

fn header_text<'a>(name: &str, value: &'a HeaderValue) -> Result<&'a str, Error> {
    let text = std::str::from_utf8(value.as_bytes());
    text.map(|text| text.trim_matches([' ', '\t'])).map_err(|_| {
        Error::new(ErrorKind::InvalidArgument, format!("the value of header {name} is not UTF-8"))
    })
}

/// `name:value\n` lines; values of one name are joined by commas.
fn write_header_lines(f: &mut impl fmt::Write, headers: &[(&str, &str)]) -> fmt::Result {
    for group in headers.chunk_by(|(left, _), (right, _)| left == right) {
        for (at, (name, value)) in group.iter().enumerate() {
            if at == 0 {
                f.write_str(name)?;
            }
            f.write_str(if at == 0 { ":" } else { "," })?;
            f.write_str(value)?;
        }
        f.write_str("\n")?;
    }
    Ok(())
}

fn secret_header(what: &str, text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(
            ErrorKind::InvalidArgument,
            format!("the {what} holds characters that no header can carry"),
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn insert_token(
    headers: &mut HeaderMap,
    dialect: Dialect,
    token: Option<&SecretString>,
) -> Result<(), Error> {
    if let Some(token) = token {
        let value = secret_header("security token", token.expose_secret())?;
        headers.insert(dialect.profile().token_header.clone(), value);
    }
    Ok(())
}

fn insert_authorization(headers: &mut HeaderMap, authorization: &str) -> Result<(), Error> {
    headers.insert(AUTHORIZATION, secret_header("access key id", authorization)?);
    Ok(())
}

/// Dates and hex digests, which are ASCII by construction.
fn plain_header(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, "the signing time cannot be written").with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redaction_hides_the_token_as_header_and_as_parameter_and_nothing_else() {
        let text = "GET\nx-oss-security-token:to/ken==\n/b/k?security-token=to/ken==&versionId=1";
        assert_eq!(
            Redacted(text).to_string(),
            "GET\nx-oss-security-token:******\n/b/k?security-token=******&versionId=1"
        );
        let text = "x-oss-date;x-oss-security-token\nUNSIGNED-PAYLOAD";
        assert_eq!(Redacted(text).to_string(), text);
    }
}
