//! How often a request is tried, and the pauses between tries.

use std::time::Duration;

use crate::backoff::Backoff;

/// How often and how long a failed request is tried again.
///
/// Repeated are: no connection, a broken one or no answer in time; 408, 429 and 5xx; and the codes by which
/// the services say that bytes were lost. Each try gets a new signature. Operations that cannot be repeated
/// safely are made once, and say so. A wrong clock is corrected once, outside the count. Refused credentials
/// are never tried again: OBS blocks a key after several bad signatures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    attempts: u32,
    backoff: Backoff,
    total: Duration,
}

impl Default for RetryPolicy {
    /// 3 tries, waits of up to 200 ms, then 400 ms (never above 20 s), no new try after 3 minutes.
    fn default() -> Self {
        Self {
            attempts: 3,
            backoff: Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(20) },
            total: Duration::from_mins(3),
        }
    }
}

impl RetryPolicy {
    /// One try only.
    pub fn never() -> Self {
        Self::default().with_attempts(1)
    }

    /// Number of tries, the first one included; 0 means 1.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The wait before try n + 1 is a random share of `base * 2^(n - 1)`, at most of `longest` (full jitter).
    #[must_use]
    pub fn with_backoff(mut self, base: Duration, longest: Duration) -> Self {
        self.backoff = Backoff { base, cap: longest };
        self
    }

    /// No new try begins this long after the first one did.
    #[must_use]
    pub fn with_total(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(crate) fn total(&self) -> Duration {
        self.total
    }

    /// The wait after the given number of tries.
    pub(crate) fn delay(&self, tries: u32, random: impl Fn() -> f64) -> Duration {
        self.backoff.delay(tries.saturating_sub(1), random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_takes_its_share() {
        let policy = RetryPolicy::default();
        let waits: Vec<u128> = [1, 2, 3, 8, 40].map(|tries| policy.delay(tries, || 1.0).as_millis()).into();
        assert_eq!(waits, [200, 400, 800, 20_000, 20_000]);
        assert_eq!(policy.delay(2, || 0.5).as_millis(), 200);
        assert_eq!(policy.delay(2, || 0.0).as_millis(), 0);
    }
}
