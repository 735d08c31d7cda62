//! Huawei's lock on keys that fail too often: one, whether they are used at OMS or at OBS.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

const TOLERATED_FAILURES: u32 = 5;
const LOCK_TIME: TimeDelta = TimeDelta::minutes(5);

/// More than five consecutive signature failures lock an access key for five minutes.
#[derive(Debug, Default)]
pub(crate) struct FailureLock(Mutex<HashMap<String, Record>>);

#[derive(Debug, Default)]
struct Record {
    failures: u32,
    locked_until: Option<DateTime<Utc>>,
}

impl FailureLock {
    pub(crate) fn is_locked(&self, access_key: &str, now: DateTime<Utc>) -> bool {
        let mut records = self.0.lock();
        let Some(until) = records.get(access_key).and_then(|record| record.locked_until) else {
            return false;
        };
        if now < until {
            return true;
        }
        records.remove(access_key);
        false
    }

    pub(crate) fn succeeded(&self, access_key: &str) {
        self.0.lock().remove(access_key);
    }

    pub(crate) fn failed(&self, access_key: &str, now: DateTime<Utc>) {
        let mut records = self.0.lock();
        let record = records.entry(access_key.to_owned()).or_default();
        record.failures += 1;
        if record.failures > TOLERATED_FAILURES {
            record.locked_until = Some(now + LOCK_TIME);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_failure_in_a_row_locks_for_five_minutes() {
        let lock = FailureLock::default();
        let now = DateTime::UNIX_EPOCH;
        for _ in 0..5 {
            lock.failed("ak", now);
        }
        assert!(!lock.is_locked("ak", now));
        lock.failed("ak", now);
        assert!(lock.is_locked("ak", now + LOCK_TIME - TimeDelta::milliseconds(1)));
        assert!(!lock.is_locked("other", now));
        assert!(!lock.is_locked("ak", now + LOCK_TIME));
        lock.failed("ak", now + LOCK_TIME);
        assert!(!lock.is_locked("ak", now + LOCK_TIME), "the count starts anew after the lock");
    }

    #[test]
    fn a_success_forgives_earlier_failures() {
        let lock = FailureLock::default();
        for _ in 0..5 {
            lock.failed("ak", DateTime::UNIX_EPOCH);
        }
        lock.succeeded("ak");
        lock.failed("ak", DateTime::UNIX_EPOCH);
        assert!(!lock.is_locked("ak", DateTime::UNIX_EPOCH));
    }
}
