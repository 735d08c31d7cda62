//! How long to wait before trying again.

use std::time::Duration;

/// Source of randomness: uniform in `[0, 1)`. A plain function, so that tests pass their own.
pub type Random = fn() -> f64;

/// Exponential backoff with full jitter: attempt `n` (from 0) waits anywhere in `0..min(cap, base × 2ⁿ)`.
///
/// Full jitter spreads the retries of instances that all saw the same outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Ceiling of the first wait.
    pub base: Duration,
    /// Ceiling of every wait.
    pub cap: Duration,
}

impl Backoff {
    /// The wait before try `attempt + 1`.
    pub fn delay(&self, attempt: u32, random: impl Fn() -> f64) -> Duration {
        let ceiling = self.base.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(self.cap);
        ceiling.mul_f64(random().clamp(0.0, 1.0))
    }

    /// The same with equal jitter, for waits that must not be short: between half the ceiling and the
    /// ceiling.
    pub fn equal_jitter(&self, attempt: u32, random: impl Fn() -> f64) -> Duration {
        let half = Self { base: self.base / 2, cap: self.cap / 2 };
        half.delay(attempt, || 1.0) + half.delay(attempt, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_are_jittered_from_zero() {
        let backoff = Backoff { base: Duration::from_millis(200), cap: Duration::from_secs(10) };
        let ceilings: Vec<u128> = (0..8).map(|attempt| backoff.delay(attempt, || 1.0).as_millis()).collect();
        assert_eq!(ceilings, [200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(backoff.delay(3, || 0.0), Duration::ZERO);
        assert_eq!(backoff.delay(200, || 0.5), Duration::from_secs(5));
    }

    #[test]
    fn equal_jitter_waits_half_of_it_in_any_case() {
        let backoff = Backoff { base: Duration::from_secs(30), cap: Duration::from_hours(1) };
        assert_eq!(backoff.equal_jitter(0, || 0.0), Duration::from_secs(15));
        assert_eq!(backoff.equal_jitter(1, || 0.5), Duration::from_secs(45));
        assert_eq!(backoff.equal_jitter(200, || 1.0), Duration::from_hours(1));
    }
}
