//! Work reports itself as [`ProgressEvent`]s; log lines, the progress bar and results are made from that
//! stream.

use crate::engine::{Acceptance, Failure};
use crate::policy::Skip;
use object_copy::outcome::Attempt;
use object_events::change::{Effect, ObjectChange};

/// Something happened to a change.
#[derive(Debug)]
pub enum ProgressEvent<'a> {
    /// It is skipped.
    Skipped {
        /// The change.
        change: &'a ObjectChange,
        /// Why not.
        why: Skip,
    },
    /// It would be forwarded, if this were not a dry run.
    Planned {
        /// The key.
        key: &'a str,
    },
    /// The engine accepted its key.
    Accepted {
        /// The change.
        change: &'a ObjectChange,
        /// The engine's receipt.
        acceptance: &'a Acceptance,
    },
    /// Its key failed.
    Failed {
        /// The change.
        change: &'a ObjectChange,
        /// Why.
        failure: &'a Failure,
    },
    /// A part of the input is not a key.
    Rejected {
        /// The text, and why it is not a key.
        what: &'a str,
    },
    /// The program was told to stop: this many keys are still finished.
    Stopping {
        /// Keys under way.
        keys: usize,
    },
    /// Its record could not be written.
    RecordLost {
        /// The change.
        change: &'a ObjectChange,
        /// Whether it was accepted; else it failed.
        accepted: bool,
        /// Why it could not.
        error: &'a str,
    },
}

/// Takes part in the stream of events.
pub trait Observer: Send + Sync {
    /// Called once for each event, in the order in which they happen. Must not block.
    fn observe(&self, event: &ProgressEvent<'_>);
}

/// Writes every event to the log: failures as warnings, the rest at debug level.
#[derive(Clone, Copy, Debug)]
pub struct Log;

impl Observer for Log {
    fn observe(&self, event: &ProgressEvent<'_>) {
        match event {
            ProgressEvent::Skipped { change, why: why @ Skip::Effect(Effect::Unknown) } => {
                tracing::warn!(key = change.key, event = %change.event, %why, "skipped");
            }
            ProgressEvent::Skipped { change, why } => {
                tracing::debug!(key = change.key, event = %change.event, %why, "skipped");
            }
            ProgressEvent::Planned { key } => tracing::debug!(key, "would be sent"),
            ProgressEvent::Accepted { change, acceptance } => {
                tracing::debug!(key = change.key, request_id = acceptance.request_id, "accepted");
            }
            ProgressEvent::Failed { change, failure } if failure.attempt == Attempt::CutShort => {
                tracing::info!(key = change.key, why = %failure.error, "ended early");
            }
            ProgressEvent::Failed { change, failure } => tracing::warn!(
                key = change.key,
                class = %failure.class,
                error = %failure.error,
                request_id = failure.request_id,
                "failed"
            ),
            ProgressEvent::Stopping { keys } => tracing::debug!(keys, "stopping"),
            ProgressEvent::Rejected { what } => tracing::warn!(what, "not a key"),
            ProgressEvent::RecordLost { change, accepted: true, error } => {
                tracing::warn!(
                    key = change.key,
                    error,
                    "accepted, but the success record could not be written"
                );
            }
            ProgressEvent::RecordLost { change, accepted: false, error } => {
                tracing::error!(key = change.key, error, "failed, and the failure could not be recorded");
            }
        }
    }
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn observe(&self, event: &ProgressEvent<'_>) {
        self.0.observe(event);
        self.1.observe(event);
    }
}
