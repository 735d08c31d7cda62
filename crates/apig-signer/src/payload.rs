//! How the body enters the signature.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::wire::{WireText, hex, unhex};

/// Value of `x-sdk-content-sha256` for a body that is not signed.
const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";

const SHA256_OF_NOTHING: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// The body of a request that is to be signed.
#[derive(Clone, Copy)]
pub enum Payload<'a> {
    /// These bytes, which must be the very bytes that are sent; empty for no body. The gateway takes at most
    /// 12 MB.
    Bytes(&'a [u8]),
    /// A body whose SHA-256 is known already. The hash is announced in `x-sdk-content-sha256`.
    Sha256([u8; 32]),
    /// A body that the signature does not cover: `x-sdk-content-sha256: UNSIGNED-PAYLOAD`
    /// ([vendor page](https://support.huaweicloud.com/en-us/devg-apisign/api-sign-exclude-body.html)).
    Unsigned,
}

impl Payload<'_> {
    /// The last line of the canonical request.
    pub fn hash(&self) -> PayloadHash {
        match self {
            Self::Bytes([]) => PayloadHash::Sha256(SHA256_OF_NOTHING),
            Self::Bytes(bytes) => PayloadHash::Sha256(Sha256::digest(bytes).into()),
            Self::Sha256(digest) => PayloadHash::Sha256(*digest),
            Self::Unsigned => PayloadHash::Unsigned,
        }
    }

    pub(crate) fn is_announced(&self) -> bool {
        !matches!(self, Self::Bytes(_))
    }
}

/// Shows the length of the bytes only: the body of a request to a gateway may hold credentials of other
/// services.
impl fmt::Debug for Payload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} B)", bytes.len()),
            Self::Sha256(_) => write!(f, "Sha256({})", self.hash()),
            Self::Unsigned => f.write_str("Unsigned"),
        }
    }
}

/// The last line of a canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// SHA-256 of the body; displays in lower-case hexadecimal.
    Sha256([u8; 32]),
    /// Displays as `UNSIGNED-PAYLOAD`.
    Unsigned,
}

impl PayloadHash {
    /// Reads the value of an `x-sdk-content-sha256` header; `None` if it is neither a hash nor
    /// `UNSIGNED-PAYLOAD`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == UNSIGNED_PAYLOAD { Some(Self::Unsigned) } else { unhex(text).map(Self::Sha256) }
    }
}

impl WireText for PayloadHash {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        match self {
            Self::Sha256(digest) => sink(&hex(digest)),
            Self::Unsigned => sink(UNSIGNED_PAYLOAD.as_bytes()),
        }
    }
}

impl fmt::Display for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_wire(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_hash_of_an_empty_body_is_the_hash_of_an_empty_body() {
        assert_eq!(Payload::Bytes(b"").hash(), PayloadHash::Sha256(Sha256::digest(b"").into()));
    }

    #[test]
    fn debug_shows_no_byte_of_the_body() {
        assert_eq!(format!("{:?}", Payload::Bytes(b"secret")), "Bytes(6 B)");
    }

    #[test]
    fn reads_back_what_it_displays_and_nothing_else() {
        for hash in [Payload::Bytes(b"x").hash(), PayloadHash::Unsigned] {
            assert_eq!(PayloadHash::parse(&hash.to_string()), Some(hash));
        }
        let upper = Payload::Bytes(b"x").hash().to_string().to_uppercase();
        for text in ["", "unsigned-payload", &upper, &upper[2..]] {
            assert_eq!(PayloadHash::parse(text), None, "{text}");
        }
    }
}
