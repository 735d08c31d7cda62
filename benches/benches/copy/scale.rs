//! How much is copied, how often.

use serde::Serialize;

/// Sizes and rounds of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Scale {
    /// Runs of each side; odd, for the median.
    pub(crate) rounds: usize,
    /// Size of the large object in bytes.
    pub(crate) large: u64,
    /// How many small objects there are.
    pub(crate) objects: usize,
    /// Size of the object of zeros in bytes.
    pub(crate) sparse: u64,
}

/// Size of a small object in bytes.
pub(crate) const SMALL: usize = 4 << 10;

impl Scale {
    pub(crate) const FULL: Self = Self { rounds: 5, large: 1 << 30, objects: 10_000, sparse: 5 << 30 };
    /// For every change: long enough to see that something is far off.
    pub(crate) const SHORT: Self = Self { rounds: 3, large: 256 << 20, objects: 5000, sparse: 1 << 30 };
}
