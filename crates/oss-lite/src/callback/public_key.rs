//! RSA public keys of 512 bits and more, and what they signed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use num_bigint::BigUint;

use crate::error::{Error, ErrorKind};

mod der;

/// Modulus of the key at `callback_pub_key_v1.pem`; its exponent is 65537. What a URL of a key has never
/// changes.
const PUBLISHED: [u8; 64] = *b"\xab\x3f\x24\x11\xb3\xc1\x40\x76\x69\x58\x6d\xe1\xca\xc1\xc7\x7a\
    \x08\x3c\x12\xcd\xb2\x31\xac\x0b\x47\xd3\x5e\xff\xa7\xbe\x59\xa4\
    \x96\xf9\x1c\xa2\x5b\xe9\xbd\x72\xd3\x8d\xac\x54\x1d\x1d\xd6\xf4\
    \xb5\xf1\x43\x61\x07\x5c\x02\x5f\x08\x1f\xba\x1f\x66\x05\xd6\x4f";

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";
/// A key of 4096 bits has 800 bytes in PEM.
const LONGEST_PEM: usize = 8 * 1024;

/// `DigestInfo` of an MD5, up to the digest.
const MD5_INFO: [u8; 18] = *b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10";

/// An RSA public key of 512 to 4096 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    modulus: BigUint,
    exponent: BigUint,
    /// Of the modulus.
    bytes: usize,
}

impl PublicKey {
    /// Reads one `PUBLIC KEY` block (`SubjectPublicKeyInfo`), with nothing but blank space around it.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        if pem.len() > LONGEST_PEM {
            return Err(bad("is too long"));
        }
        let inner = pem.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END));
        let inner = inner.ok_or_else(|| bad("is not one PUBLIC KEY block in PEM"))?;
        let text: String = inner.split_ascii_whitespace().collect();
        let der = BASE64.decode(text).map_err(|error| bad("is not base64").with_source(error))?;
        Self::from_der(&der)
    }

    /// Reads `SubjectPublicKeyInfo` in DER, strictly: RSA, no bytes left over, a modulus of 512 to 4096 bits,
    /// an odd exponent of 3 or more that fits 64 bits.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let (digits, exponent) =
            der::rsa_key(der).ok_or_else(|| bad("is no RSA key as SubjectPublicKeyInfo in DER"))?;
        let (modulus, exponent) = (BigUint::from_bytes_be(digits), BigUint::from_bytes_be(exponent));
        if !(512..=4096).contains(&modulus.bits()) || !modulus.bit(0) {
            return Err(bad("has no odd modulus of 512 to 4096 bits"));
        }
        if exponent.bits() > 64 || exponent < BigUint::from(3_u8) || !exponent.bit(0) {
            return Err(bad("has no odd exponent from 3 to 2^64"));
        }
        Ok(Self { modulus, exponent, bytes: digits.len() })
    }

    /// The key that OSS has published and signs with.
    pub fn published() -> Self {
        Self {
            modulus: BigUint::from_bytes_be(&PUBLISHED),
            exponent: BigUint::from(65_537_u32),
            bytes: PUBLISHED.len(),
        }
    }

    /// Whether it is the signature of an MD5 by PKCS #1 v1.5. The whole encoded message is built and
    /// compared; parsing what the signature gives is how forgeries get through.
    pub(super) fn signed(&self, md5: &[u8; 16], signature: &[u8]) -> bool {
        if signature.len() != self.bytes {
            return false;
        }
        let number = BigUint::from_bytes_be(signature);
        if number >= self.modulus {
            return false;
        }
        let message = number.modpow(&self.exponent, &self.modulus);
        message == BigUint::from_bytes_be(&self.encoded(md5))
    }

    fn encoded(&self, md5: &[u8; 16]) -> Vec<u8> {
        let padding = self.bytes - MD5_INFO.len() - md5.len() - 3;
        let mut message = Vec::with_capacity(self.bytes);
        message.extend([0, 1]);
        message.resize(padding + 2, 0xff);
        message.push(0);
        message.extend(MD5_INFO);
        message.extend(md5);
        message
    }
}

fn bad(why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("the public key {why}"))
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey(RSA, {} bits)", self.modulus.bits())
    }
}
