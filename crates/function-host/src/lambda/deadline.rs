//! Deadlines of invocations.
//!
//! Lambda sends the deadline with each event. Emulators may not: that of
//! `cargo-lambda` 1.9 sends a constant of 1970. If the deadline has passed when the event arrives, the
//! configured timeout is used instead.

use std::sync::Once;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

/// The deadlines of all invocations.
#[derive(Debug)]
pub(super) struct Deadlines {
    timeout: Duration,
    said: Once,
}

impl Deadlines {
    /// `timeout` is used for invocations whose deadline has passed when they arrive.
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, said: Once::new() }
    }

    /// The deadline of an event that has just arrived, on the monotonic clock.
    pub(super) fn of(&self, told: SystemTime) -> Instant {
        self.at(told, SystemTime::now(), Instant::now())
    }

    fn at(&self, told: SystemTime, wall: SystemTime, now: Instant) -> Instant {
        match told.duration_since(wall) {
            Ok(left) if !left.is_zero() => now + left,
            _ => {
                self.said.call_once(|| {
                    let timeout = self.timeout.as_secs();
                    tracing::warn!(
                        timeout,
                        "the deadline of an event had passed when it arrived; such events get --timeout (logged once)"
                    );
                });
                now + self.timeout
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_that_has_passed_is_replaced_by_the_timeout() {
        let deadlines = Deadlines::new(Duration::from_secs(7));
        let (wall, now) = (SystemTime::UNIX_EPOCH + Duration::from_hours(24), Instant::now());
        let left = |told| deadlines.at(told, wall, now) - now;
        assert_eq!(left(wall + Duration::from_secs(90)), Duration::from_secs(90));
        assert_eq!(left(wall + Duration::from_millis(1)), Duration::from_millis(1));
        for over in [wall, wall - Duration::from_millis(1), SystemTime::UNIX_EPOCH] {
            assert_eq!(left(over), Duration::from_secs(7), "{over:?}");
        }
    }
}
