//! Counts bytes and limits their rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};

/// Counts bytes, and limits their rate if a limit is set. Clones share count and limit.
#[derive(Clone, Debug, Default)]
pub struct Flow(Arc<Meter>);

#[derive(Debug, Default)]
struct Meter {
    bytes: AtomicU64,
    limit: Option<Limit>,
}

#[derive(Debug)]
struct Limit {
    bytes_per_second: f64,
    /// When the bytes so far fit the rate.
    paid: Mutex<Option<Instant>>,
}

impl Flow {
    /// At most this many bytes per second, but at least one.
    pub fn limited(bytes_per_second: u64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a rate need not be exact beyond 53 bits")]
        let bytes_per_second = bytes_per_second.max(1) as f64;
        let limit = Some(Limit { bytes_per_second, paid: Mutex::default() });
        Self(Arc::new(Meter { bytes: AtomicU64::new(0), limit }))
    }

    /// Bytes read from sources so far, those read twice included.
    pub fn bytes(&self) -> u64 {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Counts bytes and waits until the next ones may be read.
    pub(super) async fn passed(&self, bytes: usize) {
        self.0.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        if let Some(limit) = &self.0.limit {
            sleep_until(limit.book(bytes, Instant::now())).await;
        }
    }
}

impl Limit {
    /// When the next bytes may be read after these.
    fn book(&self, bytes: usize, now: Instant) -> Instant {
        #[expect(clippy::cast_precision_loss, reason = "chunks are small")]
        let price = Duration::from_secs_f64(bytes as f64 / self.bytes_per_second);
        let mut paid = self.paid.lock();
        let until = paid.map_or(now, |paid| paid.max(now)) + price;
        *paid = Some(until);
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_limit_is_shared_by_all_readers() {
        let flow = Flow::limited(1000);
        let start = Instant::now();
        let other = flow.clone();
        tokio::join!(flow.passed(500), other.passed(1500));
        assert_eq!((start.elapsed(), flow.bytes()), (Duration::from_secs(2), 2000));
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_waits() {
        let (flow, start) = (Flow::default(), Instant::now());
        flow.passed(1 << 30).await;
        assert_eq!((start.elapsed(), flow.bytes()), (Duration::ZERO, 1 << 30));
    }
}
