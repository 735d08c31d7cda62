//! The stages after the canonical request: string to sign, signature, `authorization` header.

use std::fmt;

use http::HeaderValue;
use subtle::ConstantTimeEq;

use crate::error::{Error, ErrorKind};
use crate::masked::MaskedKey;
use crate::signed_headers::SignedHeaders;
use crate::timestamp::Timestamp;
use crate::wire::{WireText, hex, unhex};

/// Name of the algorithm, as in the string to sign and in the `authorization` header.
pub const ALGORITHM: &str = "SDK-HMAC-SHA256";

/// Algorithm, time and hash of the canonical request; displays as the exact text that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringToSign {
    time: Timestamp,
    canonical_request_sha256: [u8; 32],
}

impl StringToSign {
    /// Combines the time of signing with the hash of a canonical request.
    pub fn new(time: Timestamp, canonical_request_sha256: [u8; 32]) -> Self {
        Self { time, canonical_request_sha256 }
    }

    /// The time of signing.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// The hash of the canonical request.
    pub fn canonical_request_sha256(&self) -> &[u8; 32] {
        &self.canonical_request_sha256
    }
}

impl WireText for StringToSign {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        sink(ALGORITHM.as_bytes());
        sink(b"\n");
        self.time.for_each_piece(sink);
        sink(b"\n");
        sink(&hex(&self.canonical_request_sha256));
    }
}

impl fmt::Display for StringToSign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_wire(f)
    }
}

/// An HMAC-SHA256 value; displays in lower-case hexadecimal. Comparison takes the same time wherever two
/// differ.
#[derive(Clone, Copy)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Wraps the value of an HMAC-SHA256.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        unhex(text).map(Self).ok_or_else(|| {
            let message = "signature is not 64 lower-case hexadecimal digits";
            Error::new(ErrorKind::MalformedAuthorization, message)
        })
    }
}

impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Signature {}

impl WireText for Signature {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        sink(&hex(&self.0));
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_wire(f)
    }
}

/// Shows the first bytes only: with the whole of it a logged request could be sent again.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = String::from_utf8_lossy(&hex(&self.0)[..8]).into_owned();
        write!(f, "Signature({start}****)")
    }
}

/// The value of the `authorization` header; displays as the exact text that is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization<'a> {
    access_key: &'a str,
    signed_headers: SignedHeaders,
    signature: Signature,
}

impl<'a> Authorization<'a> {
    pub(crate) fn new(access_key: &'a str, signed_headers: SignedHeaders, signature: Signature) -> Self {
        Self { access_key, signed_headers, signature }
    }

    /// Reads the value of an `authorization` header. Blanks around the commas may vary, the order of the
    /// parts may not.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let malformed = || {
            let message =
                "authorization is not of the form SDK-HMAC-SHA256 Access=.., SignedHeaders=.., Signature=..";
            Error::new(ErrorKind::MalformedAuthorization, message)
        };
        let (algorithm, parts) = text.trim().split_once(' ').ok_or_else(malformed)?;
        if algorithm != ALGORITHM {
            return Err(malformed());
        }
        let mut parts = parts.split(',').map(str::trim);
        let mut part = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let (Some(access_key), Some(signed_headers), Some(signature)) =
            (part("Access"), part("SignedHeaders"), part("Signature"))
        else {
            return Err(malformed());
        };
        if access_key.is_empty() || parts.next().is_some() {
            return Err(malformed());
        }
        Ok(Self::new(access_key, SignedHeaders::parse(signed_headers)?, Signature::parse(signature)?))
    }

    /// The access key (AK).
    pub fn access_key(&self) -> &'a str {
        self.access_key
    }

    /// The headers that the signature covers.
    pub fn signed_headers(&self) -> &SignedHeaders {
        &self.signed_headers
    }

    /// The signature.
    pub fn signature(&self) -> Signature {
        self.signature
    }

    /// The header value, marked sensitive so that HTTP libraries keep it out of their logs.
    pub fn to_header_value(&self) -> Result<HeaderValue, Error> {
        let mut length = 0;
        self.for_each_piece(&mut |piece| length += piece.len());
        let mut text = Vec::with_capacity(length);
        self.for_each_piece(&mut |piece| text.extend_from_slice(piece));
        let mut value = HeaderValue::try_from(text).map_err(|e| {
            let message = "access key has characters that no header can carry";
            Error::new(ErrorKind::InvalidCredentials, message).with_source(e)
        })?;
        value.set_sensitive(true);
        Ok(value)
    }

    pub(crate) fn into_signed_headers(self) -> SignedHeaders {
        self.signed_headers
    }
}

impl WireText for Authorization<'_> {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        sink(ALGORITHM.as_bytes());
        sink(b" Access=");
        sink(self.access_key.as_bytes());
        sink(b", SignedHeaders=");
        self.signed_headers.for_each_piece(sink);
        sink(b", Signature=");
        self.signature.for_each_piece(sink);
    }
}

impl fmt::Display for Authorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_wire(f)
    }
}

impl fmt::Debug for Authorization<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("access_key", &MaskedKey(self.access_key))
            .field("signed_headers", &self.signed_headers)
            .field("signature", &self.signature)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe";

    #[test]
    fn authorization_parses_its_own_text() {
        let text = format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders=host;x-sdk-date, Signature={SIGNATURE}");
        assert_eq!(Authorization::parse(&text).unwrap().to_string(), text);
        assert_eq!(Authorization::parse(&text.replace(", ", ",")).unwrap().to_string(), text);
    }

    #[test]
    fn authorization_of_any_other_form_is_malformed() {
        for text in [
            String::new(),
            "Bearer token".into(),
            "SDK-HMAC-SHA256".into(),
            format!("AWS4-HMAC-SHA256 Access=AK, SignedHeaders=x-sdk-date, Signature={SIGNATURE}"),
            format!("SDK-HMAC-SHA256, Access=AK, SignedHeaders=x-sdk-date, Signature={SIGNATURE}"),
            format!("SDK-HMAC-SHA256 Access=, SignedHeaders=x-sdk-date, Signature={SIGNATURE}"),
            format!("SDK-HMAC-SHA256 SignedHeaders=x-sdk-date, Access=AK, Signature={SIGNATURE}"),
            format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders=x-sdk-date, Signature={}", &SIGNATURE[1..]),
            format!(
                "SDK-HMAC-SHA256 Access=AK, SignedHeaders=x-sdk-date, Signature={}",
                SIGNATURE.to_uppercase()
            ),
            format!("SDK-HMAC-SHA256 Access=AK, SignedHeaders=x-sdk-date, Signature={SIGNATURE}, More=1"),
            "SDK-HMAC-SHA256 Access=AK, SignedHeaders=x-sdk-date".into(),
        ] {
            let error = Authorization::parse(&text).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MalformedAuthorization, "{text:?}");
        }
    }

    #[test]
    fn debug_shows_neither_the_access_key_nor_the_signature_in_full() {
        let text = format!(
            "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=x-sdk-date, Signature={SIGNATURE}"
        );
        let shown = format!("{:?}", Authorization::parse(&text).unwrap());
        assert!(shown.contains("QTWA****") && shown.contains("7be66680****"), "{shown}");
        assert!(!shown.contains("OYTT") && !shown.contains("32f70418"), "{shown}");
    }
}
