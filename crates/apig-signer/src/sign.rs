//! Signing: all stages in order, applied to the headers of a request.

use chrono::{DateTime, Utc};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, header};

use crate::canonical::CanonicalRequest;
use crate::credentials::Credentials;
use crate::error::{Error, ErrorKind};
use crate::header::{X_AUTH_TOKEN, X_SDK_CONTENT_SHA256, X_SDK_DATE, X_SECURITY_TOKEN};
use crate::payload::Payload;
use crate::signed_headers::{SignedHeaderSelection, SignedHeaders};
use crate::stages::{Authorization, Signature, StringToSign};
use crate::timestamp::Timestamp;
use crate::uri;

/// Who signs, when, and over which headers.
#[derive(Clone, Debug)]
pub struct SigningParams<'a> {
    credentials: &'a Credentials,
    time: DateTime<Utc>,
    selection: SignedHeaderSelection<'a>,
}

impl<'a> SigningParams<'a> {
    /// Signs over [`SignedHeaderSelection::Minimal`]. The gateway accepts the signature while its clock is
    /// within [`MAX_CLOCK_SKEW`](crate::MAX_CLOCK_SKEW) of `time`.
    pub fn new(credentials: &'a Credentials, time: DateTime<Utc>) -> Self {
        Self { credentials, time, selection: SignedHeaderSelection::default() }
    }

    /// Signs over other headers.
    #[must_use]
    pub fn headers(mut self, selection: SignedHeaderSelection<'a>) -> Self {
        self.selection = selection;
        self
    }
}

/// The stages of one signature, for diagnosis. What the request needs is in its headers already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    string_to_sign: StringToSign,
    headers: SignedHeaders,
    signature: Signature,
}

impl Signed {
    /// Hash of the canonical request: where this agrees with the other side, only key and time can differ.
    pub fn canonical_request_sha256(&self) -> &[u8; 32] {
        self.string_to_sign.canonical_request_sha256()
    }

    /// The text that was signed.
    pub fn string_to_sign(&self) -> &StringToSign {
        &self.string_to_sign
    }

    /// The headers that the signature covers.
    pub fn signed_headers(&self) -> &SignedHeaders {
        &self.headers
    }

    /// The signature.
    pub fn signature(&self) -> Signature {
        self.signature
    }
}

/// Signs a request: adds `x-sdk-date`, `host` (if absent, from the URI), `x-security-token` (temporary
/// credentials), `x-sdk-content-sha256` (unless the payload is given as bytes) and `authorization` to
/// `headers`.
///
/// What an earlier call added is removed first, so a retry signs the same headers again. Method and URI are
/// read only: send them as they are. After an error `headers` hold no `authorization`.
pub fn sign(
    method: &Method,
    uri: &Uri,
    headers: &mut HeaderMap,
    payload: Payload<'_>,
    params: &SigningParams<'_>,
) -> Result<Signed, Error> {
    for stale in [&header::AUTHORIZATION, &X_SDK_DATE, &X_SECURITY_TOKEN, &X_SDK_CONTENT_SHA256] {
        headers.remove(stale);
    }
    if headers.contains_key(&X_AUTH_TOKEN) {
        let message = "request carries x-auth-token, which excludes a signature";
        return Err(Error::new(ErrorKind::ConflictingHeader, message));
    }
    let credentials = params.credentials;
    credentials.check()?;
    let time = Timestamp::new(params.time)?;
    let payload_hash = payload.hash();

    headers.insert(&X_SDK_DATE, time.to_header_value()?);
    ensure_host(uri, headers)?;
    if let Some(token) = credentials.security_token_header() {
        headers.insert(&X_SECURITY_TOKEN, token.clone());
    }
    if payload.is_announced() {
        headers.insert(&X_SDK_CONTENT_SHA256, header_value(payload_hash.to_string())?);
    }

    let signed_headers = SignedHeaders::select(params.selection, headers);
    let string_to_sign =
        CanonicalRequest::new(method, uri, headers, &signed_headers, payload_hash)?.string_to_sign(time);
    let signature = credentials.sign(&string_to_sign);
    let authorization = Authorization::new(credentials.access_key(), signed_headers, signature);
    headers.insert(header::AUTHORIZATION, authorization.to_header_value()?);
    Ok(Signed { string_to_sign, headers: authorization.into_signed_headers(), signature })
}

/// [`sign`] for the head of an [`http::Request`].
pub fn sign_request(
    parts: &mut Parts,
    payload: Payload<'_>,
    params: &SigningParams<'_>,
) -> Result<Signed, Error> {
    sign(&parts.method, &parts.uri, &mut parts.headers, payload, params)
}

fn ensure_host(uri: &Uri, headers: &mut HeaderMap) -> Result<(), Error> {
    match headers.get_all(header::HOST).iter().count() {
        0 => {
            let host = uri::host(uri).ok_or_else(|| {
                Error::new(ErrorKind::MissingHeader, "there is no host header, and the uri names no host")
            })?;
            headers.insert(header::HOST, header_value(host.to_owned())?);
            Ok(())
        }
        1 => Ok(()),
        _ => Err(Error::new(ErrorKind::InvalidHeader, "there is more than one host header")),
    }
}

fn header_value(text: String) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text)
        .map_err(|e| Error::new(ErrorKind::InvalidHeader, "host cannot travel in a header").with_source(e))
}
