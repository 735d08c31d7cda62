//! Whether a key that is missing or different is somebody else's matter already.

use chrono::{DateTime, Utc};
use oss_lite::Error;

use crate::watch::Watch;
use bridge_core::journal::{AcceptedKey, FailureRef, OpenJournal, Stage, Standing};

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

/// What says that somebody sees to a key, if it is about this source and this destination.
#[derive(Debug)]
enum Evidence<'s> {
    Accepted(&'s AcceptedKey),
    Failure(&'s FailureRef),
}

/// Who sees to a key whose object at the source was written then. `now` is the log bucket's time. Records are
/// read as far as they would leave the key to somebody.
///
/// # Errors
///
/// When the log bucket does not answer.
pub(super) async fn left_to(
    journal: &OpenJournal,
    standing: &Standing,
    modified: Option<DateTime<Utc>>,
    watch: Watch,
    now: DateTime<Utc>,
) -> Result<Option<Standby>, Error> {
    for (standby, evidence) in claims(standing, modified, watch, now) {
        let is_ours = match evidence {
            Evidence::Accepted(accepted) => journal.is_ours(accepted).await?,
            Evidence::Failure(failure) => journal.is_our_failure(failure).await?,
        };
        if is_ours {
            return Ok(Some(standby));
        }
    }
    Ok(None)
}

/// Who may see to a key, by what: in the order in which it counts.
fn claims(
    standing: &Standing,
    modified: Option<DateTime<Utc>>,
    watch: Watch,
    now: DateTime<Utc>,
) -> Vec<(Standby, Evidence<'_>)> {
    let unchanged_since = |time: Option<DateTime<Utc>>| {
        time.is_some_and(|time| modified.is_none_or(|modified| modified <= time))
    };
    let mut claims = Vec::new();
    if let Some(accepted) = &standing.accepted {
        let marker = accepted.marker();
        let is_open = marker.is_none_or(|marker| !marker.marker.stage.is_final());
        let dead = marker.filter(|marker| marker.marker.stage == Stage::Dead);
        if is_open && accepted.written().is_some_and(|written| watch.looks_at(written, now)) {
            claims.push((Standby::Confirmations, Evidence::Accepted(accepted)));
        } else if dead.is_some_and(|marker| unchanged_since(marker.written)) {
            claims.push((Standby::Person, Evidence::Accepted(accepted)));
        }
    }
    claims.extend(standing.waiting.iter().map(|failure| (Standby::Replay, Evidence::Failure(failure))));
    let dead = standing.dead.iter().filter(|failure| unchanged_since(failure.written()));
    claims.extend(dead.map(|failure| (Standby::Person, Evidence::Failure(failure))));
    claims
}
