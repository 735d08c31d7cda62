//! What counts: numbers that many threads change without a lock.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `count`.
    pub fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// The number by now.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls.
#[derive(Debug, Default)]
pub struct Gauge(AtomicUsize);

/// Keeps a [`Gauge`] up.
#[derive(Debug)]
pub struct Raised<'g> {
    gauge: &'g Gauge,
    by: usize,
}

impl Gauge {
    /// Raises it until the guard is dropped.
    pub fn add(&self, by: usize) -> Raised<'_> {
        self.0.fetch_add(by, Ordering::Relaxed);
        Raised { gauge: self, by }
    }

    /// The number by now.
    pub fn value(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        self.gauge.0.fetch_sub(self.by, Ordering::Relaxed);
    }
}

/// Upper bounds in seconds, for times from an event to its end: from below a second to a day. 900 is the
/// goal of a quarter of an hour.
const SECONDS: [f64; 14] =
    [0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 86_400.0];

/// How long things took.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; SECONDS.len() + 1],
    /// Milliseconds: the sum of a year of days at a time does not overflow.
    sum: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// Upper bounds in seconds, ascending.
    pub bounds: Vec<f64>,
    /// Values up to each bound that are above the one before, and at last those above all bounds: one number
    /// more than there are bounds.
    pub counts: Vec<u64>,
    /// Sum of all values in seconds.
    pub sum: f64,
}

impl Histogram {
    /// Counts one that took `time`.
    pub fn observe(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        let place = SECONDS.partition_point(|bound| *bound < seconds);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.sum.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// The numbers by now.
    pub fn buckets(&self) -> Buckets {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let sum = Duration::from_millis(self.sum.load(Ordering::Relaxed)).as_secs_f64();
        Buckets { bounds: SECONDS.to_vec(), counts, sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_is_below_it_and_none_is_lost() {
        let histogram = Histogram::default();
        for seconds in [0, 1, 900, 901, 100_000] {
            histogram.observe(Duration::from_secs(seconds));
        }
        let Buckets { bounds, counts, sum } = histogram.buckets();
        let up_to = |bound: f64| {
            let place = bounds.iter().position(|own| own.total_cmp(&bound).is_eq()).unwrap();
            counts[..=place].iter().sum::<u64>()
        };
        assert_eq!((up_to(0.5), up_to(1.0), up_to(900.0), up_to(1800.0)), (1, 2, 3, 4));
        assert_eq!((counts.iter().sum::<u64>(), counts.len()), (5, bounds.len() + 1));
        assert!((sum - 101_802.0).abs() < 0.001, "{sum}");
    }

    #[test]
    fn a_gauge_falls_when_its_guard_goes() {
        let gauge = Gauge::default();
        let raised = gauge.add(3);
        assert_eq!(gauge.value(), 3);
        drop(raised);
        assert_eq!(gauge.value(), 0);
    }
}
