//! The list of objects of a migration task: one URL-encoded key a line.
//!
//! Limits by the [user guide](https://support.huaweicloud.com/usermanual-oms/oms_01_0017.html) and the
//! [reasons for which tasks fail](https://support.huaweicloud.com/api-oms/oms_api_0052.md): a `.txt` object
//! with `Content-Type: text/plain` and no `Content-Encoding`, UTF-8 without a byte order mark, lines of at
//! most 65,535 characters. The pages disagree about the size, 1,024 MB or 100 MB (`TRF.0014`); the smaller
//! holds. A task takes at most five million objects. The first key must exist in the source.

use bytes::{Bytes, BytesMut};
use percent_encoding::percent_decode;

use crate::oms::encode;

/// Content type that OMS demands.
pub const CONTENT_TYPE: &str = "text/plain";

/// Bytes of a list, below the limit.
pub const MAX_BYTES: u64 = 100 * 1000 * 1000;

/// Keys of a list. Above it the vendor recommends other means.
pub const MAX_KEYS: u64 = 5_000_000;

/// Takes the keys of one list and gives them out in pieces of a size.
#[derive(Debug)]
pub struct ObjectList {
    pending: BytesMut,
    bytes: u64,
    keys: u64,
    max_bytes: u64,
    max_keys: u64,
}

impl Default for ObjectList {
    fn default() -> Self {
        Self::with_limits(MAX_BYTES, MAX_KEYS)
    }
}

impl ObjectList {
    /// A list that is full earlier.
    pub fn with_limits(max_bytes: u64, max_keys: u64) -> Self {
        Self { pending: BytesMut::new(), bytes: 0, keys: 0, max_bytes, max_keys }
    }

    /// Adds a key; `false` when the list is full, and the key begins the next one.
    pub fn add(&mut self, key: &str) -> bool {
        let line = encode(key);
        let length = line.len() as u64 + 1;
        if self.keys > 0 && (self.keys >= self.max_keys || self.bytes + length > self.max_bytes) {
            return false;
        }
        self.pending.extend_from_slice(line.as_bytes());
        self.pending.extend_from_slice(b"\n");
        self.bytes += length;
        self.keys += 1;
        true
    }

    /// The bytes that were not taken yet, if there are `least` of them.
    pub fn take(&mut self, least: usize) -> Option<Bytes> {
        (self.pending.len() >= least.max(1)).then(|| self.pending.split().freeze())
    }

    /// Keys so far.
    pub fn keys(&self) -> u64 {
        self.keys
    }
}

/// The key that a line of a list names; `None` if it is not one of this program's.
pub fn key_of(line: &[u8]) -> Option<String> {
    percent_decode(line).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_key_that_every_decoder_reads_the_same() {
        let mut list = ObjectList::default();
        for key in ["a/b c+d", "100%", "测\n\u{feff}", "x"] {
            assert!(list.add(key));
        }
        let text = list.take(1).unwrap();
        assert_eq!(text, "a%2Fb%20c%2Bd\n100%25\n%E6%B5%8B%0A%EF%BB%BF\nx\n");
        assert_eq!((list.keys(), list.take(1)), (4, None));
        assert_eq!(key_of(b"a%2Fb%20c%2Bd").unwrap(), "a/b c+d");
    }

    #[test]
    fn the_longest_key_fits_a_line() {
        let mut list = ObjectList::default();
        assert!(list.add(&"\u{1}".repeat(1024)));
        assert!(list.take(1).unwrap().len() < 65_535);
    }

    #[test]
    fn a_full_list_takes_no_more_and_is_never_empty() {
        let mut list = ObjectList::with_limits(8, 10);
        assert!(list.add("longer than that") && !list.add("x"));
        let mut list = ObjectList::with_limits(8, 10);
        assert!(list.add("abc") && list.add("def") && !list.add(""), "four bytes each");
        let mut list = ObjectList::with_limits(100, 2);
        assert!(list.add("a") && list.add("b") && !list.add("c"));
        assert_eq!(list.take(5), None);
        assert_eq!(list.take(4).unwrap(), "a\nb\n");
    }
}
