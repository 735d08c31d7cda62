//! What became of the keys that were looked at, counted.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use oss_lite::{Error, ErrorKind};

use super::Late;
use super::look::{Asked, Finding, Looked, Progress};
use super::summary::{ConfirmSummary, Stopped};
use bridge_core::journal::{Marker, Record, Stage, WriteError};

/// Keys in a row that could not be looked at end the run: the service is down, or refuses.
const FAILURES_IN_A_ROW: u32 = 20;

/// A record is written within this time after its key was accepted.
const CLOCKS_AGREE: TimeDelta = TimeDelta::minutes(2);

/// The marker of a key for which nothing is left to do, and its success record.
pub(super) fn ended(looked: &Looked, progress: Progress) -> Option<(Marker, &Record)> {
    let marker = |stage| Marker {
        stage,
        resent: progress.resent,
        record: looked.accepted.record_id(),
        wait: None,
        lag: None,
    };
    match &looked.finding {
        Finding::Arrived(proof, record, arrived) => {
            let accepted = accepted_at(record.accepted_moment(), looked.accepted.written());
            // Clocks differ, and the destination's time has whole seconds.
            let between = |from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>| {
                Some((to? - from?).to_std().unwrap_or_default())
            };
            let (wait, lag) = (between(record.event_moment(), accepted), between(accepted, *arrived));
            Some((Marker { wait, lag, ..marker(Stage::Arrived(*proof)) }, record))
        }
        Finding::Removed(record) => Some((marker(Stage::Removed), record)),
        _ => None,
    }
}

/// When a key was accepted: as its record says, by the clock of who wrote it, unless that clock is wrong by
/// the log bucket's. The times of events and copies are those of the services.
fn accepted_at(said: Option<DateTime<Utc>>, written: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    match (said, written) {
        (Some(said), Some(written)) if (said - written).abs() > CLOCKS_AGREE => Some(written),
        (said, written) => said.or(written),
    }
}

/// Counts keys as they are looked at.
pub(super) struct LookTally<'t> {
    pub(super) summary: &'t mut ConfirmSummary,
    pub(super) failures: &'t mut Failures,
}

/// Keys that could not be looked at.
#[derive(Debug, Default)]
pub(super) struct Failures {
    in_a_row: u32,
    /// Whether some key could be looked at.
    answered: bool,
    last: Option<Stopped>,
}

impl LookTally<'_> {
    /// Counts a key; what is late of it is returned.
    pub(super) fn count(
        &mut self,
        looked: Looked,
        progress: Progress,
        marked: Result<(), WriteError>,
    ) -> Result<Option<Late>, Stopped> {
        let Looked { accepted, key, finding } = looked;
        self.summary.looked_at += 1;
        let mut late = None;
        match finding {
            Finding::Failed(asked, error) => {
                self.summary.unknown += 1;
                tracing::warn!(key, %error, "cannot be looked at");
                return self.failures.add(asked, error).map(|()| None);
            }
            Finding::Unreadable(error) => {
                self.summary.unknown += 1;
                tracing::warn!(name = accepted.name(), error, "the success record cannot be read");
                return Ok(None);
            }
            Finding::Replaced => return Ok(None),
            Finding::NotOurs => {
                self.summary.not_ours += 1;
                return Ok(None);
            }
            Finding::Arrived(proof, _, _) => {
                self.summary.confirmed += 1;
                self.summary.confirmed_by.add(proof);
                tracing::debug!(key, by = proof.as_str(), "arrived");
            }
            Finding::Removed(_) => {
                self.summary.removed += 1;
                tracing::info!(key, "not looked at any more: the object is gone from the source");
            }
            Finding::Pending(record) => {
                self.summary.pending += 1;
                self.summary.bytes_pending += record.size.unwrap_or(0);
            }
            Finding::Late(record) => late = Some(Late { accepted, key, record, progress }),
        }
        self.failures.in_a_row = 0;
        self.failures.answered = true;
        marked.map(|()| late).map_err(|error| Stopped::NotRecorded(error.to_string()))
    }
}

impl Failures {
    /// One key alone may be refused; a service that refuses all of them ends the run.
    fn add(&mut self, asked: Asked, error: Error) -> Result<(), Stopped> {
        let kind = error.kind();
        if kind == ErrorKind::DeadlineExceeded {
            return Err(Stopped::OutOfTime);
        }
        let error = Arc::new(error);
        let stopped = match asked {
            Asked::Journal => Stopped::Journal(error),
            Asked::Destination => Stopped::Destination(error),
            Asked::Source => Stopped::Source(error),
        };
        self.in_a_row += 1;
        let all = matches!(
            kind,
            ErrorKind::CredentialsRefused
                | ErrorKind::NoSuchBucket
                | ErrorKind::WrongEndpoint
                | ErrorKind::WrongRegion
        );
        if all || self.in_a_row >= FAILURES_IN_A_ROW {
            return Err(stopped);
        }
        self.last = Some(stopped);
        Ok(())
    }

    /// Why the run failed, if no key at all could be looked at.
    pub(super) fn of_all(&mut self) -> Result<(), Stopped> {
        match self.last.take() {
            Some(stopped) if !self.answered => Err(stopped),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_does_not_count() {
        let at = |second: i64| DateTime::from_timestamp(1_800_000_000 + second, 0);
        assert_eq!(accepted_at(at(0), at(3)), at(0));
        assert_eq!(accepted_at(at(3600), at(3)), at(3), "an hour fast");
        assert_eq!(accepted_at(at(-3600), at(3)), at(3), "an hour slow");
        assert_eq!((accepted_at(None, at(3)), accepted_at(at(0), None)), (at(3), at(0)));
    }
}
