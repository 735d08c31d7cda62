//! Checksums of the bytes of a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use md5::{Digest as _, Md5};
use oss_lite::{Crc64, Dialect};
use parking_lot::Mutex;

/// Computes checksums of bytes while they are streamed. Clones share one state: one adds bytes, another reads
/// the digests at the end.
#[derive(Clone, Debug)]
pub(super) struct Checksums(Arc<Mutex<Hashers>>);

#[derive(Debug)]
struct Hashers {
    crc64: Crc64,
    md5: Option<Md5>,
}

/// The results of [`Checksums`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digests {
    pub(super) crc64: u64,
    pub(super) md5: Option<[u8; 16]>,
}

impl Checksums {
    pub(super) fn new(digests: Algorithms) -> Self {
        let md5 = (digests == Algorithms::CrcAndMd5).then(Md5::new);
        Self(Arc::new(Mutex::new(Hashers { crc64: Crc64::new(), md5 })))
    }

    pub(super) fn add(&self, bytes: &[u8]) {
        let mut state = self.0.lock();
        state.crc64.update(bytes);
        if let Some(md5) = &mut state.md5 {
            md5.update(bytes);
        }
    }

    pub(super) fn digests(&self) -> Digests {
        let state = self.0.lock();
        Digests { crc64: state.crc64.value(), md5: state.md5.clone().map(|md5| md5.finalize().into()) }
    }
}

/// Which checksums are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithms {
    /// CRC-64/XZ.
    Crc,
    /// And MD5, which costs far more.
    CrcAndMd5,
}

/// Whether a destination responds to writes with a CRC-64. OSS does; for OBS its first response shows it. MD5
/// costs far more, so it is computed only until then, and where there is no CRC-64.
#[derive(Debug)]
pub(super) struct Crc64Support(AtomicU8);

const UNKNOWN: u8 = 0;
const GIVEN: u8 = 1;
const MISSING: u8 = 2;

impl Crc64Support {
    pub(super) fn of(dialect: Dialect) -> Self {
        Self(AtomicU8::new(match dialect {
            Dialect::Oss => GIVEN,
            Dialect::Obs => UNKNOWN,
        }))
    }

    pub(super) fn algorithms(&self) -> Algorithms {
        if self.0.load(Ordering::Relaxed) == GIVEN { Algorithms::Crc } else { Algorithms::CrcAndMd5 }
    }

    /// Whether the destination is known to return a CRC-64.
    pub(super) fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed) == GIVEN
    }

    /// Whether the destination is known to return none.
    pub(super) fn is_missing(&self) -> bool {
        self.0.load(Ordering::Relaxed) == MISSING
    }

    pub(super) fn learn(&self, crc64: Option<u64>) {
        self.0.store(if crc64.is_some() { GIVEN } else { MISSING }, Ordering::Relaxed);
    }
}
