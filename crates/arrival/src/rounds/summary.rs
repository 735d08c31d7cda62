//! The result of a slice.

use std::fmt;
use std::sync::Arc;

use bridge_core::pipeline::Report;
use chrono::{DateTime, Utc};
use object_copy::transfer::{Side as End, TransferError};
use oss_lite::{Error, ErrorKind};
use reconcile::CompareError;
use settings::text;

use super::state::Counts;
use crate::tenure::Lost;

/// The result of a slice.
#[derive(Clone, Debug, Default)]
pub struct SliceSummary {
    /// What it found and did.
    pub counts: Counts,
    /// Whether it saw the last key: the next slice begins another round.
    pub round_ended: bool,
    /// What the pipeline reported of the keys that were sent.
    pub report: Report,
    /// Requests to source, destination and engine; those to the log bucket are not counted.
    pub requests: u64,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Why it did not see the last key.
    pub stopped: Option<SliceStopped>,
}

impl SliceSummary {
    pub(super) fn add(&mut self, report: &Report) {
        self.report.add(report.clone());
    }

    /// Whether everything that was compared is there, on its way, or somebody's matter, and the slice had its
    /// time.
    pub fn is_good(&self) -> bool {
        self.counts.failed == 0
            && self.counts.unknown == 0
            && self.stopped.as_ref().is_none_or(SliceStopped::is_regular)
    }
}

/// Why a slice ended before it had seen all keys. The next one goes on.
#[derive(Clone, Debug)]
pub enum SliceStopped {
    /// The time budget ended.
    OutOfTime,
    /// It ended before a single key was done.
    NoProgress,
    /// As many keys were looked at as a slice may look at.
    Limit,
    /// Another slice works. It was active at this time.
    Others(Option<DateTime<Utc>>),
    /// Another slice has taken its place, since this one was silent for too long. It was active at this time.
    Superseded(Option<DateTime<Utc>>),
    /// A bucket cannot be listed, or its listing contradicts itself, or objects cannot be looked at.
    Side(End, TransferError),
    /// None of so many keys in a row was accepted.
    NoneAccepted(usize),
    /// The settings do not allow that keys of the source are sent.
    Refused(String),
    /// The log bucket does not answer, or refuses.
    Journal(Arc<Error>),
    /// A record could not be written.
    NotRecorded(String),
    /// A defect of this program.
    Internal(String),
}

impl SliceStopped {
    /// Whether the slice had the time that it was given, and there is nothing to repair.
    pub fn is_regular(&self) -> bool {
        matches!(self, Self::OutOfTime | Self::Limit | Self::Others(_) | Self::Superseded(_))
    }

    pub(super) fn journal(error: Error) -> Self {
        if error.kind() == ErrorKind::DeadlineExceeded {
            return Self::OutOfTime;
        }
        Self::Journal(Arc::new(error))
    }

    pub(super) fn of_comparison(error: CompareError) -> Self {
        match error {
            CompareError::Listing(end, error) => Self::Side(end, error),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl From<Lost> for SliceStopped {
    fn from(Lost(active): Lost) -> Self {
        Self::Superseded(active)
    }
}

impl fmt::Display for SliceStopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfTime => f.write_str("the time budget ended"),
            Self::NoProgress => f.write_str(
                "the time budget ended before a single key was done: it needs more time, or a higher max_rps",
            ),
            Self::Limit => f.write_str("as many keys were looked at as one slice may look at"),
            Self::Others(Some(time)) => {
                write!(f, "another slice compares keys: it was active at {}", text::time(*time))
            }
            Self::Others(None) => f.write_str("another slice has just begun to compare keys"),
            Self::Superseded(Some(time)) => {
                write!(f, "another slice has taken over: it was active at {}", text::time(*time))
            }
            Self::Superseded(None) => f.write_str("another slice may have taken over"),
            Self::Side(End::Source, error) => write!(f, "the source cannot be compared: {error}"),
            Self::Side(End::Destination, error) => write!(f, "the destination cannot be compared: {error}"),
            Self::NoneAccepted(keys) => write!(f, "none of {keys} keys in a row was accepted"),
            Self::Refused(why) => f.write_str(why),
            Self::Journal(error) => write!(f, "the log bucket cannot be used: {error}"),
            Self::NotRecorded(error) => write!(f, "the log bucket did not take a record: {error}"),
            Self::Internal(what) => f.write_str(what),
        }
    }
}
