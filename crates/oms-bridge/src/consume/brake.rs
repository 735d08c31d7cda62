//! Slows down receipts while nothing can be settled, so that messages wait in the queue and do not use up the receipts after
//! which it sets them aside.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::engine::backoff::{Backoff, Random};

const BACKOFF: Backoff = Backoff { base: Duration::from_secs(2), cap: Duration::from_mins(1) };

/// Counts the runs in a row that left something unsettled.
#[derive(Debug, Default)]
pub(super) struct Brake(AtomicU32);

impl Brake {
    /// A run ended, with or without something that is neither accepted nor in the journal.
    pub(super) fn ran(&self, unsettled: usize) {
        if unsettled == 0 {
            self.0.store(0, Ordering::Relaxed);
        } else {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How long to wait before the next receipt.
    pub(super) fn pause(&self, random: Random) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            failures => BACKOFF.delay(failures - 1, random),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_slow_down_while_nothing_can_be_settled() {
        let brake = Brake::default();
        assert_eq!(brake.pause(|| 1.0), Duration::ZERO);
        brake.ran(3);
        brake.ran(1);
        assert_eq!(brake.pause(|| 1.0), Duration::from_secs(4));
        for _ in 0..100 {
            brake.ran(1);
        }
        assert_eq!(brake.pause(|| 1.0), Duration::from_mins(1));
        brake.ran(0);
        assert_eq!(brake.pause(|| 1.0), Duration::ZERO);
    }
}
