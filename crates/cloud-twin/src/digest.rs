//! Checksums that every write computes.

use std::collections::BTreeMap;

use md5::{Digest, Md5};
use parking_lot::Mutex;

use crate::content::{Content, Segment, ZEROS};
use crate::crc64::Crc64;

/// MD5 and CRC-64 under construction. Zeros cost next to nothing as long as nothing else came before them.
#[derive(Default)]
pub(crate) struct Hasher {
    leading_zeros: u64,
    /// From the first real byte on.
    md5: Option<Md5>,
    crc64: Crc64,
}

impl Hasher {
    pub(crate) fn update(&mut self, data: &[u8]) {
        self.md5.get_or_insert_with(|| md5_of_zeros(self.leading_zeros)).update(data);
        self.crc64.update(data);
    }

    pub(crate) fn zeros(&mut self, count: u64) {
        self.crc64.zeros(count);
        match &mut self.md5 {
            None => self.leading_zeros += count,
            Some(md5) => update_with_zeros(md5, count),
        }
    }

    pub(crate) fn finish(self) -> Digests {
        let md5 = self.md5.unwrap_or_else(|| md5_of_zeros(self.leading_zeros));
        Digests { md5: md5.finalize().into(), crc64: self.crc64.value() }
    }
}

/// Checksums of some content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digests {
    pub(crate) md5: [u8; 16],
    pub(crate) crc64: u64,
}

impl Digests {
    pub(crate) fn of(content: &Content) -> Self {
        let mut hasher = Hasher::default();
        for segment in content.segments() {
            match segment {
                Segment::Bytes(bytes) => hasher.update(bytes),
                Segment::Zeros(count) => hasher.zeros(*count),
            }
        }
        hasher.finish()
    }
}

/// MD5 after `count` zeros. States once reached are kept: the same few part sizes come again and again.
fn md5_of_zeros(count: u64) -> Md5 {
    static REACHED: Mutex<BTreeMap<u64, Md5>> = Mutex::new(BTreeMap::new());
    if count < ZEROS.len() as u64 {
        let mut md5 = Md5::new();
        update_with_zeros(&mut md5, count);
        return md5;
    }
    let nearest = REACHED.lock().range(..=count).next_back().map(|(&at, state)| (at, state.clone()));
    let (at, mut md5) = nearest.unwrap_or_default();
    if at < count {
        update_with_zeros(&mut md5, count - at);
        REACHED.lock().insert(count, md5.clone());
    }
    md5
}

fn update_with_zeros(md5: &mut Md5, mut count: u64) {
    while count > 0 {
        let piece = &ZEROS[..usize::try_from(count).unwrap_or(usize::MAX).min(ZEROS.len())];
        md5.update(piece);
        count -= piece.len() as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_zeros_hash_like_their_bytes() {
        for lengths in [[0, 0, 0], [3 << 18, 5, 1 << 19], [1 << 20, 0, 1], [1, 1, 300_000]] {
            let [before, real, after] = lengths;
            let content = Content::join([
                &Content::zeros(before as u64),
                &vec![7; real].into(),
                &Content::zeros(after as u64),
            ]);
            let bytes = [vec![0; before], vec![7; real], vec![0; after]].concat();
            let digests = Digests::of(&content);
            assert_eq!(digests.md5, <[u8; 16]>::from(Md5::digest(&bytes)), "{lengths:?}");
            assert_eq!(digests.crc64, Digests::of(&bytes.into()).crc64, "{lengths:?}");
        }
    }
}
