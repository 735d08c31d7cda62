//! A distribution of times.

use std::time::Duration;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// Buckets of one power of two: a quantile is at most a sixteenth too large.
const STEPS: u64 = 16;

/// Buckets up to 2^34 ms, half a year.
const FINE: usize = 32 * 16;

/// Upper bounds of the buckets that are shown, in milliseconds.
const BOUNDS: [u64; 15] = [
    1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000,
    10_800_000, 43_200_000, 86_400_000,
];

/// Times in milliseconds, counted in buckets. Its size does not depend on how many there are.
///
/// ```
/// use std::time::Duration;
///
/// let mut lag = arrival::stats::Histogram::default();
/// for seconds in 1..=100 {
///     lag.record(Duration::from_secs(seconds));
/// }
/// assert_eq!((lag.count(), lag.max()), (100, Duration::from_secs(100)));
/// assert_eq!(lag.quantile(0.5).map(|p50| p50.as_secs()), Some(51));
/// assert!(lag.buckets().any(|bucket| bucket == (Duration::from_secs(60), 60)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    fine: Box<[u64; FINE]>,
    /// How many are at most the bound of the same place.
    within: [u64; BOUNDS.len()],
    count: u64,
    sum_ms: u64,
    max_ms: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { fine: Box::new([0; FINE]), within: [0; BOUNDS.len()], count: 0, sum_ms: 0, max_ms: 0 }
    }
}

impl Histogram {
    /// Counts one time.
    pub fn record(&mut self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.fine[place(millis)] += 1;
        for (bound, within) in BOUNDS.iter().zip(&mut self.within) {
            *within += u64::from(millis <= *bound);
        }
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(millis);
        self.max_ms = self.max_ms.max(millis);
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their sum.
    pub fn sum(&self) -> Duration {
        Duration::from_millis(self.sum_ms)
    }

    /// The longest; zero if there is none.
    pub fn max(&self) -> Duration {
        Duration::from_millis(self.max_ms)
    }

    /// A time that this share of all (0 to 1) does not exceed; at most a sixteenth too large.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count);
        let mut seen = 0;
        let bucket = self.fine.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(Duration::from_millis(upper(bucket).min(self.max_ms)))
    }

    /// The buckets as Prometheus shows them: an upper bound, and how many times are at most that. The last
    /// one, without a bound, is [`Histogram::count`].
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        BOUNDS.into_iter().map(Duration::from_millis).zip(self.within)
    }
}

fn place(millis: u64) -> usize {
    let place = match millis.checked_ilog2() {
        Some(power) if millis >= STEPS => {
            (u64::from(power) - 3) * STEPS + ((millis >> (power - 4)) & (STEPS - 1))
        }
        _ => millis,
    };
    usize::try_from(place).unwrap_or(usize::MAX).min(FINE - 1)
}

/// The largest time of a bucket.
fn upper(place: usize) -> u64 {
    let place = place as u64;
    if place < STEPS {
        return place;
    }
    let (power, step) = (place / STEPS + 3, place % STEPS);
    ((STEPS + step + 1) << (power - 4)) - 1
}

/// The summary of a distribution, for people and scripts; the buckets, for graphs.
impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(serde::Serialize)]
        struct Bucket {
            le_s: f64,
            count: u64,
        }
        let mut object = serializer.serialize_struct("Histogram", 6)?;
        let seconds = |quantile| self.quantile(quantile).map(|time| time.as_secs_f64());
        object.serialize_field("count", &self.count)?;
        object.serialize_field("sum_s", &self.sum().as_secs_f64())?;
        object.serialize_field("p50_s", &seconds(0.5))?;
        object.serialize_field("p99_s", &seconds(0.99))?;
        object.serialize_field("max_s", &(self.count > 0).then(|| self.max().as_secs_f64()))?;
        let bucket = |(bound, count): (Duration, u64)| Bucket { le_s: bound.as_secs_f64(), count };
        object.serialize_field("buckets", &self.buckets().map(bucket).collect::<Vec<_>>())?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_has_no_quantiles() {
        let none = Histogram::default();
        assert_eq!((none.quantile(0.5), none.max()), (None, Duration::ZERO));
    }

    #[test]
    fn bounds_belong_to_their_bucket() {
        let mut times = Histogram::default();
        times.record(Duration::from_mins(15));
        times.record(Duration::from_millis(900_001));
        let within = times.buckets().find(|(bound, _)| *bound == Duration::from_mins(15));
        assert_eq!(within.map(|(_, count)| count), Some(1));
    }

    proptest! {
        #[test]
        fn a_quantile_is_close(mut millis in prop::collection::vec(0_u64..10_000_000_000, 1..50), share in 0.0_f64..1.0) {
            let mut times = Histogram::default();
            for time in &millis {
                times.record(Duration::from_millis(*time));
            }
            millis.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let rank = ((share * millis.len() as f64).ceil() as usize).clamp(1, millis.len());
            let (exact, found) = (millis[rank - 1], times.quantile(share).unwrap());
            let largest = Duration::from_millis(exact + exact / 16);
            prop_assert!(Duration::from_millis(exact) <= found && found <= largest, "{} {:?}", exact, found);
        }

        #[test]
        fn every_time_lies_in_its_bucket(millis in 0_u64..17_000_000_000) {
            let place = place(millis);
            prop_assert!(millis <= upper(place));
            prop_assert!(place == 0 || millis > upper(place - 1));
        }
    }
}
