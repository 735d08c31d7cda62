//! When the next request may be sent: `OMS_MAX_RPS`, and the windows that 429 replies state.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::oms::StatedLimit;

/// Spaces requests evenly. One instance of the function sees only its own requests, so this is an upper
/// bound, not a guarantee against 429.
#[derive(Debug)]
pub(super) struct RateLimiter(Mutex<RateState>);

#[derive(Debug)]
struct RateState {
    /// Time between two requests: the longer of our own ceiling and the stated limit.
    interval: Duration,
    /// No request before.
    next: Option<Instant>,
}

/// The next free slot lies behind the deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLate {
    pub(super) wait: Duration,
}

impl RateLimiter {
    /// `max_rps`: our own ceiling in requests per second.
    pub(super) fn new(max_rps: Option<f64>) -> Self {
        let interval = max_rps.map_or(Duration::ZERO, |rps| Duration::from_secs_f64(1.0 / rps));
        Self(Mutex::new(RateState { interval, next: None }))
    }

    /// Waits for the next free slot and takes it. Returns at once, taking none, when that would be past
    /// `deadline`.
    pub(super) async fn slot(&self, deadline: Instant) -> Result<(), TooLate> {
        let now = Instant::now();
        let slot = {
            let mut state = self.state();
            let slot = state.next.map_or(now, |next| next.max(now));
            if slot >= deadline && slot > now {
                return Err(TooLate { wait: slot - now });
            }
            state.next = (!state.interval.is_zero()).then(|| slot + state.interval).or(state.next);
            slot
        };
        // The runtime's timer rounds up to its next millisecond, even a sleep that is over already.
        if slot > now {
            tokio::time::sleep_until(slot).await;
        }
        Ok(())
    }

    /// Holds back every request after a 429: for the whole window that it states, and afterwards to the rate
    /// that it states. Without a stated window, for `fallback`.
    pub(super) fn hold_back(&self, stated: Option<StatedLimit>, fallback: Duration) {
        let now = Instant::now();
        let mut state = self.state();
        let pause = stated.map_or(fallback, |limit| limit.window);
        if let Some(limit) = stated {
            state.interval = state.interval.max(limit.window / limit.requests.max(1));
        }
        state.next = state.next.max(Some(now + pause));
    }

    fn state(&self) -> MutexGuard<'_, RateState> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const FAR: Duration = Duration::from_hours(1);

    #[tokio::test(start_paused = true)]
    async fn own_ceiling_spaces_requests_evenly() {
        let limiter = RateLimiter::new(Some(4.0));
        let start = Instant::now();
        for expected in [0, 250, 500] {
            limiter.slot(start + FAR).await.unwrap();
            assert_eq!((Instant::now() - start).as_millis(), expected);
        }
        tokio::time::advance(Duration::from_secs(10)).await;
        let later = Instant::now();
        limiter.slot(start + FAR).await.unwrap();
        assert_eq!(Instant::now(), later, "unused slots are not saved up, but cost no wait either");
    }

    #[tokio::test(start_paused = true)]
    async fn a_free_slot_is_taken_without_waiting_for_a_timer() {
        // Within a millisecond, where a timer would wait for the rest of it.
        tokio::time::advance(Duration::from_micros(300)).await;
        let limiter = RateLimiter::new(None);
        assert_eq!(limiter.slot(Instant::now() + FAR).now_or_never(), Some(Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stated_window_is_waited_out_and_then_kept() {
        let limiter = RateLimiter::new(None);
        let start = Instant::now();
        let stated = StatedLimit { requests: 20, window: Duration::from_mins(1) };
        limiter.hold_back(Some(stated), Duration::ZERO);
        limiter.slot(start + FAR).await.unwrap();
        assert_eq!(Instant::now() - start, Duration::from_mins(1));
        limiter.slot(start + FAR).await.unwrap();
        assert_eq!(Instant::now() - start, Duration::from_secs(63));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_past_the_deadline_is_not_waited_for() {
        let limiter = RateLimiter::new(None);
        let start = Instant::now();
        limiter.hold_back(None, Duration::from_secs(5));
        let late = limiter.slot(start + Duration::from_secs(4)).await.unwrap_err();
        assert_eq!((late.wait, Instant::now()), (Duration::from_secs(5), start));
        limiter.slot(start + Duration::from_secs(6)).await.unwrap();
    }
}
