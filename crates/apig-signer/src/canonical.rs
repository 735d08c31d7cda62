//! The first stage: the request in the one form that signer and gateway agree on.

use std::fmt;

use http::{HeaderMap, HeaderName, Method, Uri, header};
use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind};
use crate::header::{X_AUTH_TOKEN, X_SECURITY_TOKEN};
use crate::payload::PayloadHash;
use crate::signed_headers::SignedHeaders;
use crate::stages::StringToSign;
use crate::timestamp::Timestamp;
use crate::uri::{self, CanonicalPath, CanonicalQuery};
use crate::wire::WireText;

/// The canonical request; displays as the exact text that is hashed.
///
/// The text holds header values, the security token among them, so it does not belong into logs. Use
/// [`redacted`](Self::redacted) there; `Debug` does so too.
///
/// Decisions where the vendor's pages are silent or its SDKs disagree:
///
/// * Dot segments of the path are removed (RFC 3986, 5.2.4), `%2E` being a dot; empty segments stay.
/// * Repeated query parameters are sorted by value, as in most SDKs; `+` is a plus, not a blank.
/// * A header with several values takes one line for each, in ascending order, as in the vendor's Go SDK.
/// * Blanks inside a header value stay; a value outside visible ASCII is an error.
pub struct CanonicalRequest<'a> {
    method: &'a Method,
    path: CanonicalPath<'a>,
    query: CanonicalQuery<'a>,
    lines: Vec<HeaderLine<'a>>,
    signed_headers: &'a SignedHeaders,
    payload: PayloadHash,
}

struct HeaderLine<'a> {
    name: &'a HeaderName,
    value: &'a str,
    visibility: Visibility,
}

#[derive(Clone, Copy)]
enum Visibility {
    Public,
    Secret,
}

#[derive(Clone, Copy)]
enum Rendering {
    Wire,
    Redacted,
}

impl<'a> CanonicalRequest<'a> {
    /// Puts a request into canonical form. A `host` that is signed but not among `headers` is taken from
    /// `uri`, where HTTP/2 keeps it.
    pub fn new(
        method: &'a Method,
        uri: &'a Uri,
        headers: &'a HeaderMap,
        signed_headers: &'a SignedHeaders,
        payload: PayloadHash,
    ) -> Result<Self, Error> {
        let mut lines = Vec::with_capacity(signed_headers.iter().count());
        for name in signed_headers.iter() {
            let first = lines.len();
            for value in headers.get_all(name) {
                lines.push(header_line(name, value)?);
            }
            if lines.len() == first {
                lines.push(host_line(name, uri)?);
            }
            lines[first..].sort_unstable_by_key(|line| line.value);
        }
        Ok(Self {
            method,
            path: CanonicalPath::new(uri.path()),
            query: CanonicalQuery::new(uri.query().unwrap_or_default()),
            lines,
            signed_headers,
            payload,
        })
    }

    /// SHA-256 of the text, computed without building the text.
    pub fn sha256(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        self.for_each_piece(&mut |piece| hasher.update(piece));
        hasher.finalize().into()
    }

    /// The next stage.
    pub fn string_to_sign(&self, time: Timestamp) -> StringToSign {
        StringToSign::new(time, self.sha256())
    }

    /// The text without the values of `x-security-token` and of headers that are marked sensitive, for logs.
    pub fn redacted(&self) -> RedactedCanonicalRequest<'_> {
        RedactedCanonicalRequest(self)
    }

    fn render(&self, rendering: Rendering, sink: &mut impl FnMut(&[u8])) {
        sink(self.method.as_str().as_bytes());
        sink(b"\n");
        self.path.for_each_piece(sink);
        sink(b"\n");
        self.query.for_each_piece(sink);
        sink(b"\n");
        for line in &self.lines {
            sink(line.name.as_str().as_bytes());
            sink(b":");
            sink(match (rendering, line.visibility) {
                (Rendering::Redacted, Visibility::Secret) => b"****",
                _ => line.value.as_bytes(),
            });
            sink(b"\n");
        }
        sink(b"\n");
        self.signed_headers.for_each_piece(sink);
        sink(b"\n");
        self.payload.for_each_piece(sink);
    }
}

fn header_line<'a>(name: &'a HeaderName, value: &'a http::HeaderValue) -> Result<HeaderLine<'a>, Error> {
    let text = value.to_str().map_err(|e| {
        let message = format!("cannot sign header {name}: its value is not visible ascii");
        Error::new(ErrorKind::InvalidHeader, message).with_source(e)
    })?;
    let secret_names = [&X_SECURITY_TOKEN, &X_AUTH_TOKEN, &header::AUTHORIZATION, &header::COOKIE];
    let is_secret = value.is_sensitive() || secret_names.contains(&name);
    Ok(HeaderLine {
        name,
        value: text.trim_matches([' ', '\t']),
        visibility: if is_secret { Visibility::Secret } else { Visibility::Public },
    })
}

fn host_line<'a>(name: &'a HeaderName, uri: &'a Uri) -> Result<HeaderLine<'a>, Error> {
    match uri::host(uri) {
        Some(value) if *name == header::HOST => {
            Ok(HeaderLine { name, value, visibility: Visibility::Public })
        }
        _ => Err(Error::new(ErrorKind::MissingHeader, format!("signed header {name} is absent"))),
    }
}

impl WireText for CanonicalRequest<'_> {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        self.render(Rendering::Wire, sink);
    }
}

impl fmt::Display for CanonicalRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_wire(f)
    }
}

impl fmt::Debug for CanonicalRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CanonicalRequest({:?})", self.redacted().to_string())
    }
}

/// A canonical request for logs; made by [`CanonicalRequest::redacted`].
#[derive(Debug)]
pub struct RedactedCanonicalRequest<'a>(&'a CanonicalRequest<'a>);

impl WireText for RedactedCanonicalRequest<'_> {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        self.0.render(Rendering::Redacted, sink);
    }
}

impl fmt::Display for RedactedCanonicalRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_wire(f)
    }
}
