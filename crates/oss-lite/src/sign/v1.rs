//! The HMAC-SHA1 scheme that V1 of OSS and OBS share; the [`Dialect`] holds what differs.
//!
//! [OSS header form](https://www.alibabacloud.com/help/doc-detail/31951.html),
//! [OBS header form](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0010.html),
//! [OBS URL form](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0011.html).

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderName, Method};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

use super::{
    Redacted, Resource, SigningParams, SigningRequest, header_text, insert_authorization, insert_token,
    plain_header, signed_headers, write_header_lines,
};
use crate::credentials::Credentials;
use crate::dialect::{BucketPath, Dialect, PrefixedDate, SignedKey};
use crate::error::{Error, ErrorKind};
use crate::query::Query;
use crate::{encoding, time};

static CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// What stands in the date line of the string to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateLine {
    /// The date of the headers: the header form.
    OfHeaders,
    /// The end of validity in Unix seconds: the URL form.
    Expires(i64),
}

/// Adds the headers that a signature in the header needs. A date that is there already, in `Date` or in the
/// dialect's own header, stays.
pub fn add_headers(
    dialect: Dialect,
    headers: &mut HeaderMap,
    credentials: &Credentials,
    time: DateTime<Utc>,
) -> Result<(), Error> {
    if !headers.contains_key(DATE) && !headers.contains_key(&dialect.profile().date_header) {
        headers.insert(DATE, plain_header(&time::http_date(time))?);
    }
    insert_token(headers, dialect, credentials.security_token())
}

/// The parameters of a URL that carries its signature, except the signature.
pub fn add_params(dialect: Dialect, query: &Query, credentials: &Credentials, expires: i64) -> Query {
    let profile = dialect.profile();
    let token = credentials.security_token();
    let token = token.map(|token| (profile.token_param, token.expose_secret().to_owned()));
    let params = [
        (profile.access_key_param, credentials.access_key_id().to_owned()),
        ("Expires", expires.to_string()),
    ];
    query.with(params.into_iter().chain(token))
}

/// The stage that is signed. `Display` is the exact text.
#[derive(Debug)]
pub struct StringToSign<'a> {
    dialect: Dialect,
    method: &'a Method,
    content_md5: &'a str,
    content_type: &'a str,
    date: Cow<'a, str>,
    headers: Vec<(&'a str, &'a str)>,
    resource: Resource<'a>,
    query: &'a Query,
}

impl<'a> StringToSign<'a> {
    /// Takes a request whose headers or parameters are complete but for the signature.
    pub fn new(
        dialect: Dialect,
        request: &SigningRequest<'a>,
        headers: &'a HeaderMap,
        date_line: DateLine,
    ) -> Result<Self, Error> {
        let profile = dialect.profile();
        let text = |name: &HeaderName| match headers.get(name) {
            Some(value) => header_text(name.as_str(), value),
            None => Ok(""),
        };
        let date = match date_line {
            DateLine::Expires(at) => at.to_string().into(),
            DateLine::OfHeaders if !headers.contains_key(&profile.date_header) => text(&DATE)?.into(),
            DateLine::OfHeaders => match profile.prefixed_date {
                PrefixedDate::Repeated => text(&profile.date_header)?.into(),
                PrefixedDate::LeavesLineEmpty => "".into(),
            },
        };
        Ok(Self {
            dialect,
            method: request.method,
            content_md5: text(&CONTENT_MD5)?,
            content_type: text(&CONTENT_TYPE)?,
            date,
            headers: signed_headers(headers, |name| name.starts_with(profile.header_prefix))?,
            resource: request.resource,
            query: request.query,
        })
    }

    /// The text with the security token hidden.
    pub fn redacted(&self) -> Redacted<&Self> {
        Redacted(self)
    }

    fn write_resource(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let profile = self.dialect.profile();
        match self.resource {
            Resource::Service => f.write_str("/"),
            Resource::BucketInPath(bucket) if profile.bucket_path == BucketPath::Bare => {
                write!(f, "/{bucket}")
            }
            Resource::Bucket(bucket) | Resource::BucketInPath(bucket) => write!(f, "/{bucket}/"),
            Resource::Object { bucket, key } => match profile.signed_key {
                SignedKey::Raw => write!(f, "/{bucket}/{}", key.as_str()),
                SignedKey::Encoded => write!(f, "/{bucket}/{}", key.encoded()),
            },
        }?;
        let mut separator = '?';
        for (name, value) in self.query.iter().filter(|(name, _)| self.dialect.signs_param(name)) {
            write!(f, "{separator}{name}")?;
            if !value.is_empty() {
                write!(f, "={value}")?;
            }
            separator = '&';
        }
        Ok(())
    }
}

impl fmt::Display for StringToSign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, content_md5, content_type, date, .. } = self;
        write!(f, "{method}\n{content_md5}\n{content_type}\n{date}\n")?;
        write_header_lines(f, &self.headers)?;
        self.write_resource(f)
    }
}

/// Whether a header is signed, whatever its value.
pub(crate) fn signs_header(dialect: Dialect, name: &str) -> bool {
    name == CONTENT_TYPE || name == CONTENT_MD5 || name.starts_with(dialect.profile().header_prefix)
}

/// The secret, ready to sign.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha1>);

impl SigningKey {
    /// The secret itself is the key.
    pub fn new(secret: &SecretString) -> Self {
        Self(keyed(secret.expose_secret().as_bytes()))
    }

    /// The signature: base64.
    pub fn sign(&self, text: &StringToSign<'_>) -> String {
        struct MacWriter(Hmac<Sha1>);
        impl fmt::Write for MacWriter {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                self.0.update(text.as_bytes());
                Ok(())
            }
        }
        let mut signer = MacWriter(self.0.clone());
        // Hashing cannot fail.
        let _ = write!(signer, "{text}");
        BASE64.encode(signer.0.finalize().into_bytes())
    }

    /// The same of any text.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        BASE64.encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(******)")
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(key).expect("any key length will do")
}

pub(crate) fn sign_headers(
    dialect: Dialect,
    request: &SigningRequest<'_>,
    headers: &mut HeaderMap,
    credentials: &Credentials,
    time: DateTime<Utc>,
    key: &SigningKey,
) -> Result<(), Error> {
    add_headers(dialect, headers, credentials, time)?;
    let signature = key.sign(&StringToSign::new(dialect, request, headers, DateLine::OfHeaders)?);
    let scheme = dialect.profile().scheme;
    insert_authorization(headers, &format!("{scheme} {}:{signature}", credentials.access_key_id()))
}

pub(super) fn presign(
    dialect: Dialect,
    request: &SigningRequest<'_>,
    headers: &HeaderMap,
    params: &SigningParams<'_>,
    valid_for: Duration,
) -> Result<String, Error> {
    if dialect == Dialect::Oss && !matches!(request.resource, Resource::Object { .. }) {
        return Err(Error::new(ErrorKind::InvalidArgument, "bucket operations cannot be made with V1 URLs"));
    }
    let expires =
        i64::try_from(valid_for.as_secs()).ok().and_then(|secs| params.time.timestamp().checked_add(secs));
    let expires = expires.ok_or_else(|| {
        Error::new(ErrorKind::InvalidArgument, "the validity of the signed URL ends beyond all dates")
    })?;
    let query = add_params(dialect, request.query, params.credentials, expires);
    let request = SigningRequest { query: &query, ..*request };
    let text = StringToSign::new(dialect, &request, headers, DateLine::Expires(expires))?;
    let signature = SigningKey::new(params.credentials.secret()).sign(&text);
    Ok(format!("{query}&Signature={}", encoding::component(&signature)))
}
