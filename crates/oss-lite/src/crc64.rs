//! CRC-64/XZ, as both services compute it.

use std::fmt;

/// CRC-64/XZ with its bits reversed, as the algorithm shifts to the right.
const POLYNOMIAL: u64 = 0xC96C_5795_D787_0F42;
/// The polynomial 1 in that order of bits.
const ONE: u64 = 1 << 63;
/// `x^8`: one byte further.
const ONE_BYTE: u64 = ONE >> 8;

/// A CRC-64/XZ under construction: the checksum that OSS (`x-oss-hash-crc64ecma`) and OBS
/// (`x-obs-checksum-crc64ecma`) keep with an object.
///
/// ```
/// use oss_lite::Crc64;
///
/// let mut crc = Crc64::new();
/// crc.update(b"1234");
/// crc.update(b"56789");
/// assert_eq!(crc.value(), 11_051_210_869_376_104_954);
/// ```
#[derive(Clone, Default)]
pub struct Crc64 {
    digest: crc64fast::Digest,
    len: u64,
}

impl Crc64 {
    /// Of no bytes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.digest.write(bytes);
        self.len += bytes.len() as u64;
    }

    /// The checksum of all bytes so far.
    pub fn value(&self) -> u64 {
        self.digest.sum64()
    }

    /// How many bytes there were.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there were none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The checksum of two concatenated runs of bytes, from the checksums of both and the length of the
    /// second. Takes as many steps as the length has bits.
    pub fn combine(first: u64, second: u64, second_len: u64) -> u64 {
        // The first checksum advances over zeros in the place of the second run: times x^8 for each byte.
        let (mut advance, mut power, mut left) = (ONE, ONE_BYTE, second_len);
        while left > 0 {
            if left & 1 == 1 {
                advance = product(advance, power);
            }
            power = product(power, power);
            left >>= 1;
        }
        product(first, advance) ^ second
    }
}

impl fmt::Debug for Crc64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crc64").field("value", &self.value()).field("len", &self.len).finish_non_exhaustive()
    }
}

/// Product of two polynomials over GF(2), modulo that of the checksum.
fn product(left: u64, mut right: u64) -> u64 {
    let mut sum = 0;
    let mut bit = ONE;
    while bit > 0 {
        if left & bit > 0 {
            sum ^= right;
        }
        right = if right & 1 == 1 { (right >> 1) ^ POLYNOMIAL } else { right >> 1 };
        bit >>= 1;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn crc(bytes: &[u8]) -> u64 {
        let mut crc = Crc64::new();
        crc.update(bytes);
        assert_eq!(crc.len(), bytes.len() as u64);
        crc.value()
    }

    proptest! {
        #[test]
        fn the_checksum_of_two_runs_follows_from_both(
            first in any::<Vec<u8>>(),
            second in proptest::collection::vec(any::<u8>(), 0..5000),
        ) {
            let whole = crc(&[&first[..], &second[..]].concat());
            prop_assert_eq!(Crc64::combine(crc(&first), crc(&second), second.len() as u64), whole);
        }

        #[test]
        fn pieces_of_any_length_give_the_same_value(bytes in any::<Vec<u8>>(), at in any::<prop::sample::Index>()) {
            let at = at.index(bytes.len() + 1);
            let mut pieces = Crc64::new();
            pieces.update(&bytes[..at]);
            pieces.update(&bytes[at..]);
            prop_assert_eq!(pieces.value(), crc(&bytes));
        }
    }

    #[test]
    fn runs_of_any_size_combine_in_no_time() {
        let long = Crc64::combine(crc(b"a"), crc(b"b"), u64::MAX);
        assert_ne!(long, Crc64::combine(crc(b"a"), crc(b"b"), 1));
        assert_eq!(Crc64::combine(crc(b"a"), crc(b""), 0), crc(b"a"));
    }
}
