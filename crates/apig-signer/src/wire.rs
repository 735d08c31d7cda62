//! Text that is hashed or displayed piece by piece, so that signing never builds it in memory.

use std::{fmt, str};

pub(crate) trait WireText {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8]));

    fn fmt_wire(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        self.for_each_piece(&mut |piece| {
            if result.is_ok() {
                result = str::from_utf8(piece).map_err(|_| fmt::Error).and_then(|text| f.write_str(text));
            }
        });
        result
    }
}

/// Lower-case hexadecimal, as everywhere in this algorithm.
pub(crate) fn hex(digest: &[u8; 32]) -> [u8; 64] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let mut text = [0; 64];
    for (pair, byte) in text.chunks_exact_mut(2).zip(digest) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 0x0f)];
    }
    text
}

/// The inverse of [`hex`]; upper-case digits are refused.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}
