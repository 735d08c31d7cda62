//! The clock, and the offset of a service's clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// Source of the wall clock. A plain function, so that tests pass their own.
pub type Clock = fn() -> DateTime<Utc>;

/// The system's clock.
pub fn system() -> DateTime<Utc> {
    Utc::now()
}

/// Whether the time of a signature is so far from the service's that it explains a refusal.
pub fn is_off(signed: DateTime<Utc>, theirs: DateTime<Utc>) -> bool {
    /// Services refuse signatures that are 15 minutes off. A smaller skew than this does not explain a
    /// refusal.
    const TOLERATED: TimeDelta = TimeDelta::minutes(5);
    (theirs - signed).abs() > TOLERATED
}

/// How far a service's clock is ahead of ours, learnt from its refusals.
///
/// The time in use is compared with the service's, not our clock: so the offset is corrected when our clock
/// is set right.
#[derive(Debug, Default)]
pub struct Offset(AtomicI64);

impl Offset {
    /// The service's time, by a clock that says `ours`.
    pub fn apply(&self, ours: DateTime<Utc>) -> DateTime<Utc> {
        let offset = TimeDelta::milliseconds(self.0.load(Ordering::Relaxed));
        ours.checked_add_signed(offset).unwrap_or(ours)
    }

    /// Adopts the service's time, from the response to a refused request, if the time in use is too far from
    /// it. `signed` is the time of the request's signature, `ours` the time of our clock now.
    ///
    /// Returns whether `signed` is too far from the service's time, so that another try is worthwhile. Of
    /// requests that are refused at the same moment the first one sets the offset, and all of them may be
    /// repeated.
    pub fn learn(&self, theirs: DateTime<Utc>, signed: DateTime<Utc>, ours: DateTime<Utc>) -> bool {
        if is_off(self.apply(ours), theirs) {
            let offset = theirs - ours;
            tracing::warn!(
                seconds = offset.num_seconds(),
                "signing with the service's time, which is ahead of this machine's"
            );
            self.0.store(offset.num_milliseconds(), Ordering::Relaxed);
        }
        is_off(signed, theirs)
    }
}

/// A moment by two clocks: the monotonic clock of a frozen instance may stand still, and a wall clock may be
/// set back.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    wall: DateTime<Utc>,
    steady: Instant,
}

impl Moment {
    /// Now, by `clock` and by the monotonic clock.
    pub fn now(clock: Clock) -> Self {
        Self { wall: clock(), steady: Instant::now() }
    }

    /// How long ago it was: the larger of what the two clocks say.
    pub fn age(&self, now: &Self) -> Duration {
        let steady = now.steady.saturating_duration_since(self.steady);
        (now.wall - self.wall).to_std().map_or(steady, |wall| wall.max(steady))
    }

    /// By the wall clock.
    pub fn wall(&self) -> DateTime<Utc> {
        self.wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + minute * 60, 0).unwrap()
    }

    #[test]
    fn the_offset_is_corrected_by_the_difference_to_the_time_in_use() {
        let offset = Offset::default();
        let used = |theirs, ours| {
            offset.learn(at(theirs), offset.apply(at(ours)), at(ours));
            offset.apply(at(ours))
        };
        assert_eq!(used(5, 0), at(0), "too little to be the reason");
        assert_eq!(used(60, 0), at(60));
        assert_eq!(used(62, 2), at(62));
        // Somebody sets our clock: it says the same as theirs, and we are an hour ahead with the offset.
        assert_eq!(used(70, 70), at(70));
        assert_eq!(used(10, 71), at(10), "behind as well as ahead");
        assert_eq!(offset.apply(at(72)), at(11));
    }

    #[test]
    fn each_of_several_requests_signed_with_a_wrong_time_is_worth_another_try() {
        let offset = Offset::default();
        assert!(offset.learn(at(60), at(0), at(0)));
        assert!(offset.learn(at(60), at(0), at(0)), "signed before that was learnt");
        assert!(!offset.learn(at(60), at(60), at(0)), "the clock is not the reason");
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_is_as_long_ago_as_the_faster_clock_says() {
        let start = Moment::now(|| at(0));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(start.age(&Moment::now(|| at(10))), Duration::from_mins(10), "frozen in between");
        assert_eq!(start.age(&Moment::now(|| at(-9))), Duration::from_secs(30), "set back in between");
    }
}
