//! Counters of a sync task in intervals of five minutes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use chrono::{DateTime, Datelike as _, Utc};

const INTERVAL_MILLIS: i64 = 5 * 60 * 1000;

/// What became of one accepted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CopyResult {
    Success(u64),
    Failure,
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Series {
    Request,
    Success,
    Failure,
    Skip,
    Size,
}

impl Series {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "REQUEST" => Some(Self::Request),
            "SUCCESS" => Some(Self::Success),
            "FAILURE" => Some(Self::Failure),
            "SKIP" => Some(Self::Skip),
            "SIZE" => Some(Self::Size),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Request => "REQUEST",
            Self::Success => "SUCCESS",
            Self::Failure => "FAILURE",
            Self::Skip => "SKIP",
            Self::Size => "SIZE",
        }
    }
}

type Counts = [u64; 5];

#[derive(Debug, Default)]
pub(crate) struct Statistics(BTreeMap<i64, Counts>);

impl Statistics {
    pub(crate) fn accepted(&mut self, now: DateTime<Utc>, keys: usize) {
        self.add(now, Series::Request, keys as u64);
    }

    pub(crate) fn finished(&mut self, now: DateTime<Utc>, result: CopyResult) {
        match result {
            CopyResult::Success(size) => {
                self.add(now, Series::Success, 1);
                self.add(now, Series::Size, size);
            }
            CopyResult::Failure => self.add(now, Series::Failure, 1),
            CopyResult::Skip => self.add(now, Series::Skip, 1),
        }
    }

    fn add(&mut self, now: DateTime<Utc>, series: Series, count: u64) {
        let millis = now.timestamp_millis();
        let counts = self.0.entry(millis - millis.rem_euclid(INTERVAL_MILLIS)).or_default();
        counts[series as usize] += count;
    }

    /// The intervals that begin in `range` (Unix milliseconds), with their counts.
    pub(crate) fn between(
        &self,
        range: RangeInclusive<i64>,
        series: Series,
    ) -> impl Iterator<Item = (i64, u64)> {
        let range = if range.is_empty() { 0..=0 } else { range };
        self.0.range(range).map(move |(&start, counts)| (start, counts[series as usize]))
    }

    /// The sum over the calendar month (UTC) of `time`.
    pub(crate) fn month(&self, time: DateTime<Utc>, series: Series) -> u64 {
        let same_month = |start: i64| {
            DateTime::from_timestamp_millis(start)
                .is_some_and(|start| (start.year(), start.month()) == (time.year(), time.month()))
        };
        self.0
            .iter()
            .filter(|(start, _)| same_month(**start))
            .map(|(_, counts)| counts[series as usize])
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn counts_are_kept_by_interval_and_summed_by_month() {
        let start = DateTime::from_timestamp(1_767_225_600, 0).unwrap(); // 2026-01-01
        let mut statistics = Statistics::default();
        statistics.accepted(start - TimeDelta::seconds(1), 1);
        statistics.accepted(start, 2);
        statistics.accepted(start + TimeDelta::minutes(5), 4);
        statistics.finished(start, CopyResult::Success(10));
        assert_eq!(statistics.month(start, Series::Request), 6);
        assert_eq!(statistics.month(start, Series::Size), 10);
        assert_eq!(statistics.month(start - TimeDelta::days(1), Series::Request), 1);
        let from = start.timestamp_millis();
        let intervals: Vec<_> = statistics.between(from..=from + INTERVAL_MILLIS, Series::Request).collect();
        assert_eq!(intervals, [(from, 2), (from + INTERVAL_MILLIS, 4)]);
        let backwards = RangeInclusive::new(10, 1);
        assert_eq!(statistics.between(backwards, Series::Request).count(), 0);
    }
}
