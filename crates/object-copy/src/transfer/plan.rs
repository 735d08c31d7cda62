//! How an object is cut into parts.

use std::ops::Range;

use super::error::{Abort, TransferError};

const MIB: u64 = 1 << 20;

/// Default part size: objects up to this size are sent with one request.
pub const PART_SIZE: u64 = 16 * MIB;

/// Smallest part size that both services accept for all parts but the last (100 KB).
pub const MIN_PART_SIZE: u64 = 100 << 10;

/// Largest part that both services accept (5 GB).
pub const MAX_PART_SIZE: u64 = 5 << 30;

/// Most parts of one upload.
const MAX_PARTS: u64 = 10_000;

/// Largest object of 10,000 parts of 5 GB: 48.8 TB.
const MAX_OBJECT: u64 = MAX_PARTS * MAX_PART_SIZE;

/// The parts of one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) size: u64,
    pub(super) part_size: u64,
}

/// The object is too large for any number of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

impl From<TooLarge> for Abort {
    fn from(TooLarge: TooLarge) -> Self {
        TransferError::permanent("the object is larger than 48.8 TB, the most that OSS and OBS hold").into()
    }
}

impl Plan {
    /// Parts of `part_size`, or of the next full MiB with which 10,000 are enough.
    pub(super) fn new(size: u64, part_size: u64) -> Result<Self, TooLarge> {
        if size > MAX_OBJECT {
            return Err(TooLarge);
        }
        let least = size.div_ceil(MAX_PARTS);
        let part_size = if part_size >= least { part_size } else { least.next_multiple_of(MIB) };
        Ok(Self { size, part_size: part_size.min(MAX_PART_SIZE) })
    }

    /// How many parts there are; an empty object has one.
    pub(super) fn count(self) -> u32 {
        // At most 10,000.
        u32::try_from(self.size.div_ceil(self.part_size)).unwrap_or(u32::MAX).max(1)
    }

    /// The bytes of part `number`, which counts from 1.
    pub(super) fn part(self, number: u32) -> Range<u64> {
        let first = u64::from(number.saturating_sub(1)) * self.part_size;
        first.min(self.size)..(first + self.part_size).min(self.size)
    }

    /// How many bytes part `number` has.
    pub(super) fn len(self, number: u32) -> u64 {
        let Range { start, end } = self.part(number);
        end - start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_object_without_gaps() {
        let plan = Plan::new(100, 30).unwrap();
        let parts: Vec<_> = (1..=plan.count()).map(|number| plan.part(number)).collect();
        assert_eq!(parts, [0..30, 30..60, 60..90, 90..100]);
        assert_eq!((plan.len(1), plan.len(4)), (30, 10));
    }

    #[test]
    fn ten_thousand_parts_are_enough_for_every_size() {
        for size in [1, PART_SIZE, 10_000 * PART_SIZE, 10_000 * PART_SIZE + 1, 1 << 44, MAX_OBJECT] {
            let plan = Plan::new(size, PART_SIZE).unwrap();
            assert!(plan.count() <= 10_000 && plan.part_size <= MAX_PART_SIZE, "{size}: {plan:?}");
            assert_eq!(plan.part(plan.count()).end, size);
            assert_eq!((1..=plan.count()).map(|number| plan.len(number)).sum::<u64>(), size);
        }
        assert_eq!(Plan::new(MAX_OBJECT + 1, PART_SIZE), Err(TooLarge));
    }

    #[test]
    fn the_part_size_grows_only_when_it_must() {
        assert_eq!(Plan::new(10_000 * PART_SIZE, PART_SIZE).unwrap().part_size, PART_SIZE);
        assert_eq!(Plan::new(10_000 * PART_SIZE + 1, PART_SIZE).unwrap().part_size, PART_SIZE + MIB);
    }
}
