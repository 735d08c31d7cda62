//! What the page shows.

use std::collections::BTreeMap;

use arrival::rounds::RoundState;
use arrival::stats::Arrivals;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::reconciled::Reconciled;

/// The hours that plots show at most: two weeks.
pub const HOURS: usize = 14 * 24;

/// What the page shows; as JSON the same numbers.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When the log bucket was read.
    pub checked_at: DateTime<Utc>,
    /// The sync task, which names the journal.
    pub task: String,
    /// The log bucket.
    pub log_bucket: String,
    /// How long accepted keys take to arrive.
    pub arrivals: Arrivals,
    /// What was not accepted.
    pub failures: Failures,
    /// What a comparison of both sides found, if there was one.
    pub reconciled: Option<Reconciled>,
    /// What the timer found that compares both sides, if it ever ran.
    pub reconcile: Option<RoundState>,
}

/// Keys that failed and wait for a replay, or were given up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Failures {
    /// Keys that wait for a replay.
    pub waiting: u64,
    /// Whether all were counted.
    pub complete: bool,
    /// Keys that were given up.
    pub dead: u64,
    /// Waiting keys whose record was read, by class of the last failure.
    pub by_class: Vec<(FailureKind, u64)>,
    /// Waiting keys by the time since their last failure.
    pub by_age: Vec<(AgeBand, u64)>,
    /// The key that has been waiting longest.
    pub oldest: Option<OldestWaiting>,
    /// The most frequent reasons: the service's error, and how many keys.
    pub reasons: Vec<(String, u64)>,
    /// Keys by the hour of their last failure.
    #[serde(serialize_with = "hours")]
    pub hours: BTreeMap<DateTime<Utc>, u64>,
}

/// The key that has been waiting longest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OldestWaiting {
    /// The key.
    pub key: String,
    /// Seconds since its first failure.
    pub age_s: i64,
}

/// Class of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The network, or a service that was down.
    Transient,
    /// Too many requests.
    Throttled,
    /// Credentials.
    Auth,
    /// The key itself is refused.
    Permanent,
    /// The record does not say.
    Unknown,
}

/// Time since a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AgeBand {
    /// Less than ten minutes.
    #[serde(rename = "under_10_minutes")]
    Under10Minutes,
    /// Less than an hour.
    #[serde(rename = "under_1_hour")]
    Under1Hour,
    /// Less than a day.
    #[serde(rename = "under_1_day")]
    Under1Day,
    /// Less than a week.
    #[serde(rename = "under_1_week")]
    Under1Week,
    /// A week and more.
    Older,
}

fn hours<S: Serializer>(hours: &BTreeMap<DateTime<Utc>, u64>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct FailedInHour {
        hour: String,
        failed: u64,
    }
    let named = hours
        .iter()
        .map(|(hour, failed)| FailedInHour { hour: settings::text::time(*hour), failed: *failed });
    serializer.collect_seq(named)
}
