//! The gateway's side: does a request carry a signature of known credentials?

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

use chrono::{DateTime, Duration, Utc};
use http::{HeaderMap, HeaderName, Method, Uri, header};
use subtle::ConstantTimeEq;

use crate::canonical::CanonicalRequest;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::header::{X_SDK_CONTENT_SHA256, X_SDK_DATE, X_SECURITY_TOKEN};
use crate::masked::MaskedKey;
use crate::payload::{Payload, PayloadHash};
use crate::signed_headers::SignedHeaders;
use crate::stages::{Authorization, StringToSign};
use crate::timestamp::Timestamp;
use crate::wire::hex;

/// How far `x-sdk-date` may lie from the gateway's clock, in either direction: 15 minutes.
pub const MAX_CLOCK_SKEW: Duration = Duration::minutes(15);

/// The credentials that a verifier knows.
pub trait KnownCredentials {
    /// The credentials with this access key.
    fn find(&self, access_key: &str) -> Option<&Credentials>;
}

impl KnownCredentials for Credentials {
    fn find(&self, access_key: &str) -> Option<&Credentials> {
        (self.access_key() == access_key).then_some(self)
    }
}

impl KnownCredentials for [Credentials] {
    fn find(&self, access_key: &str) -> Option<&Credentials> {
        self.iter().find(|known| known.access_key() == access_key)
    }
}

/// By access key.
impl<K, S> KnownCredentials for HashMap<K, Credentials, S>
where
    K: Eq + Hash + std::borrow::Borrow<str>,
    S: BuildHasher,
{
    fn find(&self, access_key: &str) -> Option<&Credentials> {
        self.get(access_key)
    }
}

/// What a valid signature proves about its request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// The access key that signed.
    pub access_key: String,
    /// When.
    pub signed_at: DateTime<Utc>,
    /// The signed headers; any other may have been changed on the way.
    pub signed_headers: SignedHeaders,
    /// Whether the signature covers the body ([`PayloadHash::Sha256`]) or not ([`PayloadHash::Unsigned`]).
    pub payload: PayloadHash,
}

/// Verifies a request as it was received. Checked in this order: form, access key, time (`now` and
/// `x-sdk-date` at most `window` apart; see [`MAX_CLOCK_SKEW`]), security token, signature, body.
///
/// The signature is compared in constant time. There is no protection against a request that is sent twice
/// within the window.
pub fn verify(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    payload: &[u8],
    known: &(impl KnownCredentials + ?Sized),
    now: DateTime<Utc>,
    window: Duration,
) -> Result<Verified, Error> {
    let authorization = Authorization::parse(required(headers, &header::AUTHORIZATION)?)?;
    let credentials = known.find(authorization.access_key()).ok_or_else(|| {
        let message = format!("access key {} is not known", MaskedKey(authorization.access_key()));
        Error::new(ErrorKind::UnknownAccessKey, message)
    })?;
    let time = Timestamp::parse(required(headers, &X_SDK_DATE)?)?;
    check_time(time, now, window)?;
    check_security_token(credentials, headers)?;

    let announced = announced_payload(headers)?;
    let actual = Payload::Bytes(payload).hash();
    let signed_payload = announced.unwrap_or(actual);
    let signed_headers = authorization.signed_headers();
    let string_to_sign =
        CanonicalRequest::new(method, uri, headers, signed_headers, signed_payload)?.string_to_sign(time);
    if credentials.sign(&string_to_sign) != authorization.signature() {
        return Err(mismatch(&string_to_sign));
    }
    if signed_payload != PayloadHash::Unsigned && signed_payload != actual {
        let message = "body does not have the hash that x-sdk-content-sha256 announces";
        return Err(Error::new(ErrorKind::PayloadMismatch, message));
    }
    Ok(Verified {
        access_key: authorization.access_key().to_owned(),
        signed_at: time.to_datetime(),
        signed_headers: signed_headers.clone(),
        payload: signed_payload,
    })
}

fn check_time(time: Timestamp, now: DateTime<Utc>, window: Duration) -> Result<(), Error> {
    let skew = now.signed_duration_since(time.to_datetime());
    if skew.abs() <= window {
        return Ok(());
    }
    let message = format!("signature expired, signature time: {time}, skew: {} s", skew.num_seconds());
    Err(Error::new(ErrorKind::Expired { skew }, message))
}

fn check_security_token(credentials: &Credentials, headers: &HeaderMap) -> Result<(), Error> {
    let received = optional(headers, &X_SECURITY_TOKEN)?.map(str::as_bytes);
    let known = credentials.security_token_header().map(http::HeaderValue::as_bytes);
    match (received, known) {
        (None, None) => Ok(()),
        (Some(received), Some(known)) if received.ct_eq(known).into() => Ok(()),
        _ => {
            let message = "x-security-token does not belong to the access key";
            Err(Error::new(ErrorKind::SecurityTokenMismatch, message))
        }
    }
}

fn announced_payload(headers: &HeaderMap) -> Result<Option<PayloadHash>, Error> {
    let Some(text) = optional(headers, &X_SDK_CONTENT_SHA256)? else {
        return Ok(None);
    };
    let invalid = || {
        let message =
            "x-sdk-content-sha256 is neither a sha-256 in lower-case hexadecimal nor UNSIGNED-PAYLOAD";
        Error::new(ErrorKind::InvalidHeader, message)
    };
    PayloadHash::parse(text).map(Some).ok_or_else(invalid)
}

fn mismatch(expected: &StringToSign) -> Error {
    let digest = hex(expected.canonical_request_sha256());
    let digest = String::from_utf8_lossy(&digest);
    let message =
        format!("signature does not match the request, whose canonical form has the sha-256 {digest}");
    Error::new(ErrorKind::SignatureMismatch, message)
}

fn required<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<&'h str, Error> {
    optional(headers, name)?
        .ok_or_else(|| Error::new(ErrorKind::MissingHeader, format!("header {name} is absent")))
}

fn optional<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Error> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let invalid = |problem| Error::new(ErrorKind::InvalidHeader, format!("header {name} {problem}"));
    if values.next().is_some() {
        return Err(invalid("is there more than once"));
    }
    let text = value.to_str().map_err(|e| invalid("is not visible ascii").with_source(e))?;
    Ok(Some(text.trim_matches([' ', '\t'])))
}
