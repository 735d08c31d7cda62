//! MD5 as a value.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The MD5 of some content: 32 hex digits in the catalogue and in requests of users, base64 on OSS's side.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Md5([u8; 16]);

impl Md5 {
    /// Reads 32 hex digits of either case.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Reads what a header `Content-MD5` contains.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// As the value of a header `Content-MD5`.
    pub(crate) fn to_base64(self) -> String {
        STANDARD.encode(self.0)
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Md5({self})")
    }
}
