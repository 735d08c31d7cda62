//! `OSS4-HMAC-SHA256`, the default signature of OSS.
//!
//! [Header
//! form](https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4),
//! [URL form](https://www.alibabacloud.com/help/en/oss/developer-reference/add-signatures-to-urls).

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use http::header::DATE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use super::{
    Redacted, Resource, SigningParams, SigningRequest, insert_authorization, insert_token, plain_header,
    signed_headers, write_header_lines,
};
use crate::credentials::Credentials;
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};
use crate::query::Query;
use crate::time;

pub(crate) const ALGORITHM: &str = "OSS4-HMAC-SHA256";
const REQUEST: &str = "aliyun_v4_request";
/// The only payload hash that OSS supports.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
static CONTENT_SHA256: HeaderName = HeaderName::from_static("x-oss-content-sha256");

const LONGEST_URL: Duration = Duration::from_hours(7 * 24);
const LONGEST_TEMPORARY_URL: Duration = Duration::from_hours(12);

/// What V4 needs beside the credentials.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Region id without `oss-`, such as `cn-hangzhou`; for a `CloudBox` its id.
    pub region: &'a str,
    /// `oss`, or `oss-cloudbox`.
    pub product: &'a str,
    /// Names of further headers to sign, in any case and order. Those that the request does not have, and
    /// those that are signed anyway, are left out.
    pub additional_headers: &'a [&'a str],
}

impl<'a> Settings<'a> {
    /// OSS in a region, with no further headers signed.
    pub fn new(region: &'a str) -> Self {
        Self { region, product: "oss", additional_headers: &[] }
    }
}

/// The time of signing in its text form.
#[derive(Clone, Debug)]
pub struct Moment {
    time: DateTime<Utc>,
    compact: String,
}

impl Moment {
    /// The text form of a time.
    pub fn new(time: DateTime<Utc>) -> Self {
        Self { time, compact: time::compact(time) }
    }

    /// `YYYYMMDD`.
    pub fn date(&self) -> &str {
        self.compact.split_once('T').map_or("", |(date, _)| date)
    }

    /// What a key derived on this day is good for.
    pub fn scope<'a>(&'a self, settings: Settings<'a>) -> Scope<'a> {
        Scope { date: self.date(), region: settings.region, product: settings.product }
    }
}

/// `YYYYMMDDTHHMMSSZ`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.compact)
    }
}

/// Day, region and product that a signing key is good for.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    date: &'a str,
    region: &'a str,
    product: &'a str,
}

impl fmt::Display for Scope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{REQUEST}", self.date, self.region, self.product)
    }
}

/// Adds the headers that a signature in the header needs.
pub fn add_headers(headers: &mut HeaderMap, credentials: &Credentials, moment: &Moment) -> Result<(), Error> {
    headers.insert(DATE, plain_header(&time::http_date(moment.time))?);
    headers.insert(Dialect::Oss.profile().date_header.clone(), plain_header(&moment.compact)?);
    headers.insert(CONTENT_SHA256.clone(), HeaderValue::from_static(UNSIGNED_PAYLOAD));
    insert_token(headers, Dialect::Oss, credentials.security_token())
}

/// The parameters of a URL that carries its signature, except the signature.
pub fn add_params(
    query: &Query,
    headers: &HeaderMap,
    settings: Settings<'_>,
    credentials: &Credentials,
    moment: &Moment,
    valid_for: Duration,
) -> Query {
    let mut params = vec![
        ("x-oss-signature-version", ALGORITHM.to_owned()),
        ("x-oss-credential", format!("{}/{}", credentials.access_key_id(), moment.scope(settings))),
        ("x-oss-date", moment.compact.clone()),
        ("x-oss-expires", valid_for.as_secs().to_string()),
    ];
    let additional = additional_headers(headers, settings);
    if !additional.is_empty() {
        params.push(("x-oss-additional-headers", additional));
    }
    if let Some(token) = credentials.security_token() {
        params.push(("x-oss-security-token", token.expose_secret().to_owned()));
    }
    query.with(params)
}

/// The first stage: the request in the form both sides agree on. `Display` is the exact text that is hashed.
#[derive(Debug)]
pub struct CanonicalRequest<'a> {
    method: &'a Method,
    resource: Resource<'a>,
    query: &'a Query,
    headers: Vec<(&'a str, &'a str)>,
    additional: String,
}

impl<'a> CanonicalRequest<'a> {
    /// Takes a request whose headers or parameters are complete but for the signature.
    pub fn new(
        request: &SigningRequest<'a>,
        headers: &'a HeaderMap,
        settings: Settings<'_>,
    ) -> Result<Self, Error> {
        let additional = additional_headers(headers, settings);
        let headers = signed_headers(headers, |name| {
            signed_by_default(name) || additional.split(';').any(|additional| additional == name)
        })?;
        let SigningRequest { method, resource, query } = *request;
        Ok(Self { method, resource, query, headers, additional })
    }

    /// The text with the security token hidden.
    pub fn redacted(&self) -> Redacted<&Self> {
        Redacted(self)
    }

    /// SHA-256 of the text.
    fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        // Hashing cannot fail.
        let _ = self.write(&mut Sink(|text: &[u8]| Digest::update(&mut hasher, text)));
        hasher.finalize().into()
    }
}

impl CanonicalRequest<'_> {
    /// Piece by piece. Not by `format_args`, which would cost more than hashing.
    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let mut put = |pieces: &[&str]| pieces.iter().try_for_each(|piece| out.write_str(piece));
        put(&[self.method.as_str(), "\n/"])?;
        match self.resource {
            Resource::Service => {}
            Resource::Bucket(bucket) | Resource::BucketInPath(bucket) => put(&[bucket, "/"])?,
            Resource::Object { bucket, key } => put(&[bucket, "/", key.encoded()])?,
        }
        put(&["\n", self.query.as_str(), "\n"])?;
        write_header_lines(out, &self.headers)?;
        out.write_str("\n")?;
        out.write_str(&self.additional)?;
        out.write_str("\n")?;
        out.write_str(UNSIGNED_PAYLOAD)
    }
}

impl fmt::Display for CanonicalRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

/// Text goes where the function puts it.
struct Sink<F>(F);

impl<F: FnMut(&[u8])> fmt::Write for Sink<F> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.0)(text.as_bytes());
        Ok(())
    }
}

/// The second stage. `Display` is the exact text that is signed; it holds no secret.
#[derive(Debug)]
pub struct StringToSign<'a> {
    moment: &'a Moment,
    scope: Scope<'a>,
    digest: [u8; 32],
}

impl<'a> StringToSign<'a> {
    /// Follows the canonical request.
    pub fn new(canonical: &CanonicalRequest<'_>, moment: &'a Moment, scope: Scope<'a>) -> Self {
        Self { moment, scope, digest: canonical.digest() }
    }
}

impl StringToSign<'_> {
    fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        let Scope { date, region, product } = self.scope;
        let mut digest = [0; 64];
        let moment = &self.moment.compact;
        for piece in [ALGORITHM, "\n", moment, "\n", date, "/", region, "/", product, "/", REQUEST, "\n"] {
            out.write_str(piece)?;
        }
        out.write_str(hex(self.digest, &mut digest))
    }
}

impl fmt::Display for StringToSign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

/// In lower case. `hex::encode` does the same one character after the other, which takes a twentieth of all
/// work on a small request.
fn hex(digest: [u8; 32], text: &mut [u8; 64]) -> &str {
    // The lengths fit, and digits are ASCII.
    let _ = hex::encode_to_slice(digest, text);
    str::from_utf8(text).unwrap_or_default()
}

/// A key derived from the secret, good for one day, region and product. Deriving costs four HMACs, so it is
/// worth keeping.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// Derives the key of a scope.
    pub fn derive(secret: &SecretString, scope: &Scope<'_>) -> Self {
        let first = ["aliyun_v4", secret.expose_secret()].concat();
        let mut mac = keyed(first.as_bytes());
        for part in [scope.date, scope.region, scope.product, REQUEST] {
            mac.update(part.as_bytes());
            mac = keyed(&mac.finalize().into_bytes());
        }
        Self(mac)
    }

    /// The signature: lower-case hex.
    pub fn sign(&self, text: &StringToSign<'_>) -> String {
        let mut mac = self.0.clone();
        // Hashing cannot fail.
        let _ = text.write(&mut Sink(|piece: &[u8]| mac.update(piece)));
        signature(mac)
    }

    /// The same of any text.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        signature(mac)
    }
}

fn signature(mac: Hmac<Sha256>) -> String {
    hex(mac.finalize().into_bytes().into(), &mut [0; 64]).to_owned()
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(******)")
    }
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("any key length will do")
}

/// [`sign_headers`](super::sign_headers) with a key that was derived before, for who signs many requests on
/// one day.
///
/// `key` must be that of `credentials` and of the scope of `moment` and `settings`.
///
/// # Errors
///
/// As there.
pub fn sign_headers(
    request: &SigningRequest<'_>,
    headers: &mut HeaderMap,
    settings: Settings<'_>,
    credentials: &Credentials,
    moment: &Moment,
    key: &SigningKey,
) -> Result<(), Error> {
    add_headers(headers, credentials, moment)?;
    let canonical = CanonicalRequest::new(request, headers, settings)?;
    let scope = moment.scope(settings);
    let signature = key.sign(&StringToSign::new(&canonical, moment, scope));
    let Scope { date, region, product } = scope;
    let id = credentials.access_key_id();
    let mut authorization =
        [ALGORITHM, " Credential=", id, "/", date, "/", region, "/", product, "/", REQUEST].concat();
    if !canonical.additional.is_empty() {
        authorization.push_str(",AdditionalHeaders=");
        authorization.push_str(&canonical.additional);
    }
    authorization.push_str(",Signature=");
    authorization.push_str(&signature);
    insert_authorization(headers, &authorization)
}

pub(super) fn presign(
    request: &SigningRequest<'_>,
    headers: &HeaderMap,
    settings: Settings<'_>,
    params: &SigningParams<'_>,
    valid_for: Duration,
) -> Result<String, Error> {
    let credentials = params.credentials;
    let (longest, whose) = match credentials.security_token() {
        Some(_) => (LONGEST_TEMPORARY_URL, "12 hours with temporary credentials"),
        None => (LONGEST_URL, "7 days"),
    };
    if valid_for > longest {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("a signed URL is valid for at most {whose}"),
        ));
    }
    let moment = Moment::new(params.time);
    let query = add_params(request.query, headers, settings, credentials, &moment, valid_for);
    let request = SigningRequest { query: &query, ..*request };
    let canonical = CanonicalRequest::new(&request, headers, settings)?;
    let scope = moment.scope(settings);
    let key = SigningKey::derive(credentials.secret(), &scope);
    let signature = key.sign(&StringToSign::new(&canonical, &moment, scope));
    Ok(format!("{query}&x-oss-signature={signature}"))
}

fn signed_by_default(name: &str) -> bool {
    name.starts_with("x-oss-") || name == "content-type" || name == "content-md5"
}

/// Lower case, sorted, joined by `;`.
fn additional_headers(headers: &HeaderMap, settings: Settings<'_>) -> String {
    let mut names: Vec<String> =
        settings.additional_headers.iter().map(|name| name.to_ascii_lowercase()).collect();
    names.retain(|name| !signed_by_default(name) && headers.contains_key(name));
    names.sort_unstable();
    names.dedup();
    names.join(";")
}
