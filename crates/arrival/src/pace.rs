//! How fast keys are looked at.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// Spaces requests evenly, and counts them.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    next: Mutex<Option<Instant>>,
    requests: AtomicU64,
}

impl Pace {
    /// At most `max_rps` requests per second.
    pub(crate) fn new(max_rps: Option<f64>) -> Self {
        let interval = max_rps.map_or(Duration::ZERO, |rps| Duration::from_secs_f64(1.0 / rps));
        Self { interval, next: Mutex::default(), requests: AtomicU64::new(0) }
    }

    /// Waits for the next free moment, not beyond `deadline`: a request after that ends by itself.
    pub(crate) async fn slot(&self, deadline: Instant) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if self.interval.is_zero() {
            return;
        }
        let slot = {
            let (mut next, now) = (self.next.lock(), Instant::now());
            let slot = next.map_or(now, |next| next.max(now));
            *next = Some(slot + self.interval);
            slot
        };
        sleep_until(slot.min(deadline)).await;
    }

    /// A request was not needed after all.
    pub(crate) fn give_back(&self) {
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_are_spaced_evenly() {
        let (pace, start) = (Pace::new(Some(10.0)), Instant::now());
        let late = start + Duration::from_mins(1);
        for _ in 0..5 {
            pace.slot(late).await;
        }
        assert_eq!((start.elapsed().as_millis() / 10, pace.requests()), (40, 5));
        pace.slot(start + Duration::from_millis(450)).await;
        assert!(start.elapsed() < Duration::from_millis(500), "not beyond the deadline");
    }
}
