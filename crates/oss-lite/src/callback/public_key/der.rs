//! As much of DER as one kind of key needs; anything else is refused.

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const SEQUENCE: u8 = 0x30;

/// `AlgorithmIdentifier` of `rsaEncryption`, whose parameters are NULL.
const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// Modulus and exponent, big-endian, of a `SubjectPublicKeyInfo`.
pub(super) fn rsa_key(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let info = only(der, SEQUENCE)?;
    let (algorithm, rest) = element(info, SEQUENCE)?;
    let (unused_bits, key) = only(rest, BIT_STRING)?.split_first()?;
    if algorithm != RSA || *unused_bits != 0 {
        return None;
    }
    let (modulus, rest) = element(only(key, SEQUENCE)?, INTEGER)?;
    Some((positive(modulus)?, positive(only(rest, INTEGER)?)?))
}

/// The content of one element that is all there is.
fn only(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (content, rest) = element(bytes, tag)?;
    rest.is_empty().then_some(content)
}

/// The content of an element, and what follows.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *found != tag {
        return None;
    }
    let (length, rest) = match first {
        short @ 0..=0x7f => (usize::from(*short), rest),
        0x81 => {
            let (length, rest) = rest.split_first()?;
            (usize::from(*length), rest)
        }
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None,
    };
    // A length has one form only, the shortest.
    let shortest = match first {
        0x81 => 0x80,
        0x82 => 0x100,
        _ => 0,
    };
    (length >= shortest).then(|| rest.split_at_checked(length)).flatten()
}

/// The digits of an integer that is positive and has no byte too many.
fn positive(content: &[u8]) -> Option<&[u8]> {
    match content {
        [0, rest @ ..] => (*rest.first()? >= 0x80).then_some(rest),
        [first, ..] => (*first < 0x80).then_some(content),
        [] => None,
    }
}
