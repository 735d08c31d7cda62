//! Whether a key that is missing or different is somebody else's matter already.

use chrono::{DateTime, Utc};

use crate::watch::Watch;
use bridge_core::journal::{Stage, Standing};

/// Who sees to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standby {
    /// It was accepted, and confirmations watch it.
    Confirmations,
    /// It failed, and a replay sends it again.
    Replay,
    /// It was given up, and the object has not changed since.
    Person,
}

/// Who sees to a key whose object at the source was written then. `now` is the log bucket's time.
pub(super) fn left_to(
    standing: &Standing,
    modified: Option<DateTime<Utc>>,
    watch: Watch,
    now: DateTime<Utc>,
) -> Option<Standby> {
    let unchanged_since = |time: Option<DateTime<Utc>>| {
        time.is_some_and(|time| modified.is_none_or(|modified| modified <= time))
    };
    if let Some(accepted) = &standing.accepted {
        let marker = accepted.marker();
        let is_open = marker.is_none_or(|marker| !marker.marker.stage.is_final());
        if is_open && accepted.written().is_some_and(|written| watch.looks_at(written, now)) {
            return Some(Standby::Confirmations);
        }
        let dead = marker.filter(|marker| marker.marker.stage == Stage::Dead);
        if dead.is_some_and(|marker| unchanged_since(marker.written)) {
            return Some(Standby::Person);
        }
    }
    if standing.waits_since.is_some() {
        return Some(Standby::Replay);
    }
    unchanged_since(standing.dead_since).then_some(Standby::Person)
}
