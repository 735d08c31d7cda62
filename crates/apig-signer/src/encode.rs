//! Percent-encoding with the unreserved set of RFC 3986: `A-Z a-z 0-9 - . _ ~` stay, every other byte becomes
//! `%XY` in upper case.
//!
//! The signature uses it for path segments and for the query. It is also the form in which OMS takes object
//! keys:
//!
//! ```
//! assert_eq!(apig_signer::encode::component("test/001 ä.txt").to_string(), "test%2F001%20%C3%A4.txt");
//! ```

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode};

use crate::wire::WireText;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Encodes the UTF-8 bytes of one component, `/` included. `Display` writes the result without building it
/// first.
pub fn component(text: &str) -> Encoded<'_> {
    percent_encode(text.as_bytes())
}

/// Encodes bytes of any kind.
pub fn percent_encode(bytes: &[u8]) -> Encoded<'_> {
    Encoded(percent_encoding::percent_encode(bytes, RESERVED))
}

/// Decodes `%XY` in either case. A `%` without two hexadecimal digits behind it stands for itself, and `+` is
/// a plus. Borrows when there is nothing to decode.
pub fn percent_decode(text: &str) -> Cow<'_, [u8]> {
    percent_encoding::percent_decode_str(text).into()
}

/// Whether decoding and encoding again would change nothing, which is so for nearly all paths.
pub(crate) fn is_canonical(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~'))
}

/// A percent-encoded component; made by [`component`] and [`percent_encode`].
#[derive(Clone)]
pub struct Encoded<'a>(PercentEncode<'a>);

impl Encoded<'_> {
    pub(crate) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.clone().flat_map(str::bytes)
    }
}

impl WireText for Encoded<'_> {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        for piece in self.0.clone() {
            sink(piece.as_bytes());
        }
    }
}

impl fmt::Display for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
