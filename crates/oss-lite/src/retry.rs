//! How often a request is tried, and the pauses between tries.

use std::time::Duration;

/// How often and how long a failed request is tried again.
///
/// Repeated are: no connection, a broken one or no answer in time; 408, 429 and 5xx; and the codes by which
/// the services say that bytes were lost. Each try gets a new signature. Operations that cannot be repeated
/// safely are made once, and say so. A wrong clock is corrected once, outside the count. Refused credentials
/// are never tried again: OBS blocks a key after several bad signatures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    attempts: u32,
    base: Duration,
    longest: Duration,
    total: Duration,
}

impl Default for RetryPolicy {
    /// 3 tries, waits of up to 200 ms, then 400 ms (never above 20 s), no new try after 3 minutes.
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(200),
            longest: Duration::from_secs(20),
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
        self.base = base;
        self.longest = longest;
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

    /// The wait after the given number of tries; `jitter` is in `0.0..1.0`.
    pub(crate) fn delay(&self, tries: u32, jitter: f64) -> Duration {
        let factor = 1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.longest).mul_f64(jitter.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_jitter_takes_its_share() {
        let policy = RetryPolicy::default();
        let waits: Vec<u128> = [1, 2, 3, 8, 40].map(|tries| policy.delay(tries, 1.0).as_millis()).into();
        assert_eq!(waits, [200, 400, 800, 20_000, 20_000]);
        assert_eq!(policy.delay(2, 0.5).as_millis(), 200);
        assert_eq!(policy.delay(2, 0.0).as_millis(), 0);
    }
}
