//! What a run of confirmations found and did.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use oss_lite::{Error, ErrorKind};
use serde::Serialize;
use settings::text;

use crate::stats::ByProof;
use crate::tenure::Lost;
use bridge_core::engine::EngineName;
use object_copy::transfer::Concern;

/// The result of a run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ConfirmSummary {
    /// Keys that were looked at.
    pub looked_at: u64,
    /// Keys that arrived.
    pub confirmed: u64,
    /// By what.
    pub confirmed_by: ByProof,
    /// Keys that are not there yet, and have time left.
    pub pending: u64,
    /// Their bytes, as far as their events said.
    pub bytes_pending: u64,
    /// Keys that were late and were sent again: the engine accepted them.
    pub resent: u64,
    /// Keys that were still late and were copied directly.
    pub copied: u64,
    /// Keys that were given up: they have a record in `dead_object/`.
    pub dead: u64,
    /// Keys that are gone from the source.
    pub removed: u64,
    /// Late keys that could not be sent: the next run tries them again.
    pub failed: u64,
    /// Keys that could not be looked at.
    pub unknown: u64,
    /// Keys whose records are about another source or destination, those of earlier settings or another
    /// function: not looked at.
    pub not_ours: u64,
    /// Keys that were accepted too long ago to be looked at.
    pub not_watched: u64,
    /// Records that were deleted since their keys had arrived long enough ago.
    pub forgotten: u64,
    /// Requests that looked at keys, at the destination and the source, and those of the engines.
    pub requests: u64,
    /// Seconds it took.
    pub elapsed_s: f64,
    /// Whether all accepted keys were seen.
    pub complete: bool,
    /// Why not.
    #[serde(skip)]
    pub stopped: Option<Stopped>,
}

impl ConfirmSummary {
    /// Keys that are late: what was done for them is not known to have helped yet, or could not be done.
    pub fn late(&self) -> u64 {
        self.resent + self.copied + self.dead + self.failed
    }

    /// Whether every key that was looked at is there, has time left, or is gone from the source.
    pub fn is_good(&self) -> bool {
        self.late() == 0 && self.unknown == 0
    }
}

/// Why a run ended before it had seen all keys. The next one goes on.
#[derive(Clone, Debug)]
pub enum Stopped {
    /// By the user.
    Interrupted,
    /// The time budget ended.
    OutOfTime,
    /// The limit of keys was reached.
    Limit,
    /// Another run works. It was active at this time.
    Others(Option<DateTime<Utc>>),
    /// Another run has taken its place, since this one was silent for too long. It was active at this time.
    Superseded(Option<DateTime<Utc>>),
    /// The destination refuses, or is not there.
    Destination(Arc<Error>),
    /// The source refuses, or is not there.
    Source(Arc<Error>),
    /// An engine refuses what it is sent: credentials, or a right.
    Engine(EngineName, Concern),
    /// The log bucket does not answer, or refuses.
    Journal(Arc<Error>),
    /// A record could not be written.
    NotRecorded(String),
}

impl Stopped {
    /// Whether the run had the time that it was given, and there is nothing to repair.
    pub fn is_regular(&self) -> bool {
        matches!(
            self,
            Self::Interrupted | Self::OutOfTime | Self::Limit | Self::Others(_) | Self::Superseded(_)
        )
    }

    pub(super) fn journal(error: Error) -> Self {
        if error.kind() == ErrorKind::DeadlineExceeded {
            return Self::OutOfTime;
        }
        Self::Journal(Arc::new(error))
    }
}

impl From<Lost> for Stopped {
    fn from(Lost(active): Lost) -> Self {
        Self::Superseded(active)
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupted => f.write_str("interrupted"),
            Self::OutOfTime => f.write_str("the time budget ended"),
            Self::Limit => f.write_str("the limit of keys was reached"),
            Self::Others(Some(time)) => {
                write!(f, "another run confirms keys: it was active at {}", text::time(*time))
            }
            Self::Others(None) => f.write_str("another run has just begun to confirm keys"),
            Self::Superseded(Some(time)) => {
                write!(f, "another run has taken over: it was active at {}", text::time(*time))
            }
            Self::Superseded(None) => f.write_str("another run may have taken over"),
            Self::Destination(error) => write!(f, "the destination cannot be looked at: {error}"),
            Self::Source(error) => write!(f, "the source cannot be looked at: {error}"),
            Self::Engine(EngineName::Oms, Concern::Permission) => {
                f.write_str("OMS refuses every key: a right is missing")
            }
            Self::Engine(EngineName::Oms, _) => f.write_str("OMS refuses the credentials"),
            Self::Engine(EngineName::Copy, _) => {
                f.write_str("source or destination refuse the credentials of copies")
            }
            Self::Journal(error) => write!(f, "the log bucket cannot be used: {error}"),
            Self::NotRecorded(error) => write!(f, "the log bucket did not take a record: {error}"),
        }
    }
}
