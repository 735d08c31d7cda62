//! How long keys are watched, and when they are late.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// When a key that was accepted and has not arrived is late, by default.
pub const ARRIVE_WITHIN: Duration = Duration::from_mins(15);

/// How long the records of confirmed keys are kept, by default.
pub const KEEP_RECORDS: Duration = Duration::from_hours(7 * 24);

/// How long keys are watched. All times are the log bucket's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    /// A key has this long to arrive, each time that it is sent.
    pub arrive_within: Duration,
    /// Records of keys whose matter has ended are deleted after this time; zero: never.
    pub keep_records: Duration,
}

impl Default for Watch {
    fn default() -> Self {
        Self { arrive_within: ARRIVE_WITHIN, keep_records: KEEP_RECORDS }
    }
}

impl Watch {
    /// Whether a key whose success record was written then is looked at: not if it is so old that its records
    /// would have been deleted. What was accepted before confirmations began, or while they did not run for
    /// that long, is for a comparison of the buckets.
    pub fn looks_at(&self, written: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        // At least long enough for all steps that a key can take.
        let window = if self.keep_records.is_zero() { KEEP_RECORDS } else { self.keep_records };
        now - written <= delta(window.max(self.arrive_within * 8))
    }

    /// Whether what was sent then should be there.
    pub fn is_late(&self, sent: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        now - sent > delta(self.arrive_within)
    }

    /// Whether records of a key can be deleted whose matter ended then.
    pub fn is_over(&self, ended: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        !self.keep_records.is_zero() && now - ended > delta(self.keep_records)
    }
}

/// The longest that can be computed with, where it is longer.
fn delta(time: Duration) -> TimeDelta {
    TimeDelta::from_std(time).unwrap_or(TimeDelta::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_key_is_late_after_its_time_and_not_before() {
        let watch = Watch::default();
        assert!(!watch.is_late(at(0), at(900)));
        assert!(watch.is_late(at(0), at(901)));
        // A clock that was set back makes nothing late.
        assert!(!watch.is_late(at(0), at(-10_000)));
    }

    #[test]
    fn records_are_kept_for_their_time_or_for_good() {
        let watch = Watch { keep_records: Duration::from_hours(24), ..Watch::default() };
        assert!(!watch.is_over(at(0), at(86_400)) && watch.is_over(at(0), at(86_401)));
        assert!(watch.looks_at(at(0), at(86_400)) && !watch.looks_at(at(0), at(86_401)));
        let kept = Watch { keep_records: Duration::ZERO, ..Watch::default() };
        assert!(!kept.is_over(at(0), at(i64::from(u32::MAX))));
        assert!(kept.looks_at(at(0), at(7 * 86_400)) && !kept.looks_at(at(0), at(7 * 86_400 + 1)));
    }

    #[test]
    fn a_key_is_watched_through_all_its_steps_however_short_records_are_kept() {
        let watch = Watch { keep_records: Duration::from_mins(1), ..Watch::default() };
        assert!(watch.looks_at(at(0), at(7200)));
    }
}
