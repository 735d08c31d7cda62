//! How many objects may be removed in ten minutes.
//!
//! A source that is emptied by mistake raises one event per object, so a limit per event would limit nothing.
//! There is one budget for everything that an engine does, and it lasts from one invocation of an instance to
//! the next. Other instances have their own.
//!
//! Time is the wall clock's: the monotonic one may stand still in an instance that is frozen between
//! invocations.

use std::collections::VecDeque;

use parking_lot::{Mutex, MutexGuard};

use object_copy::clock::Clock;
use object_copy::transfer::{RemovalLimiter, TransferError};

/// Length of the window, in minutes. The timer of replays, which continue with deferred removals, ticks as
/// often.
pub(crate) const WINDOW_MINUTES: u16 = 10;

/// Length of a slot, in seconds: removals are counted by slot. One counts for the window and up to one slot
/// more.
const SLOT: i64 = 10;

/// Slots of a window.
const SLOTS: i64 = WINDOW_MINUTES as i64 * 60 / SLOT;

/// Limits the removals in any window.
#[derive(Debug)]
pub(super) struct DeleteBudget {
    max: usize,
    clock: Clock,
    taken: Mutex<Taken>,
}

/// Removals by slot, oldest first: at most one more than a window has.
#[derive(Debug, Default)]
struct Taken(VecDeque<Slot>);

#[derive(Debug)]
struct Slot {
    number: i64,
    removals: usize,
}

impl DeleteBudget {
    pub(super) fn new(max: usize, clock: Clock) -> Self {
        Self { max, clock, taken: Mutex::default() }
    }

    /// Whether nothing may be removed now. Only a hint: other jobs may use up the rest.
    pub(super) fn is_spent(&self) -> bool {
        self.taken().within(self.slot()) >= self.max
    }

    /// The failure of a removal that exceeds the budget.
    pub(super) fn exhausted(&self) -> TransferError {
        TransferError::transient(format!(
            "removals within {WINDOW_MINUTES} minutes: {}, which is the limit; a replay continues",
            self.max
        ))
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock()
    }

    fn slot(&self) -> i64 {
        (self.clock)().timestamp().div_euclid(SLOT)
    }
}

impl RemovalLimiter for DeleteBudget {
    fn try_acquire(&self) -> bool {
        self.taken().take(self.slot(), self.max)
    }
}

impl Taken {
    /// Removals in the window that ends now. What lies in the future, since the clock was set back, counts as
    /// done now.
    fn within(&mut self, now: i64) -> usize {
        self.0.retain(|slot| now - slot.number <= SLOTS);
        self.0.iter_mut().for_each(|slot| slot.number = slot.number.min(now));
        self.0.iter().map(|slot| slot.removals).sum()
    }

    fn take(&mut self, now: i64, max: usize) -> bool {
        if self.within(now) >= max {
            return false;
        }
        match self.0.back_mut() {
            Some(last) if last.number == now => last.removals += 1,
            _ => self.0.push_back(Slot { number: now, removals: 1 }),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_taken_is_back_once_a_window_has_passed() {
        let mut taken = Taken::default();
        assert!(taken.take(0, 2) && taken.take(3, 2));
        assert!(!taken.take(3, 2) && !taken.take(SLOTS, 2));
        assert!(taken.take(SLOTS + 1, 2));
        assert!(!taken.take(SLOTS + 3, 2));
        assert!(taken.take(SLOTS + 4, 2));
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_back_and_locks_nothing_for_good() {
        let mut taken = Taken::default();
        assert!(taken.take(1_000_000, 1));
        assert!(!taken.take(5, 1) && !taken.take(5 + SLOTS, 1));
        assert!(taken.take(6 + SLOTS, 1));
    }

    proptest! {
        #[test]
        fn no_window_has_more_than_the_limit(
            steps in prop::collection::vec((0_i64..SLOTS, 1_usize..4), 1..200), max in 1_usize..10
        ) {
            let (mut taken, mut now, mut done) = (Taken::default(), 0, Vec::new());
            for (step, tries) in steps {
                now += step;
                done.extend((0..tries).filter(|_| taken.take(now, max)).map(|_| now));
                prop_assert!(taken.0.len() <= usize::try_from(SLOTS).unwrap() + 1);
            }
            for end in &done {
                let window = done.iter().filter(|at| (0..=SLOTS).contains(&(end - **at)));
                prop_assert!(window.count() <= max);
            }
        }
    }
}
