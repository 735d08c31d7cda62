//! What a pipeline counts by itself, whichever host it works for.

use chrono::{DateTime, Utc};
use metrics::{Exposition, Histogram, names};

use crate::engine::Outcome;
use crate::journal::JournalWrites;
use object_events::change::ObjectChange;

/// Counts since the start of the process.
#[derive(Debug, Default)]
pub(super) struct Observed {
    event_to_accepted: Histogram,
}

impl Observed {
    /// A change got its outcome `now`.
    pub(super) fn settled(&self, change: &ObjectChange, outcome: &Outcome, now: DateTime<Utc>) {
        let Outcome::Accepted(_) = outcome else { return };
        let time = change.event_time.as_deref().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        if let Some(time) = time {
            // The clock of the source may be ahead.
            self.event_to_accepted.observe((now - time.to_utc()).to_std().unwrap_or_default());
        }
    }

    /// Adds all counts to `metrics`; `breakers` is the number of open ones, where there are any at all.
    pub(super) fn expose(
        &self,
        requests: u64,
        journal: JournalWrites,
        breakers: Option<usize>,
        metrics: &mut Exposition,
    ) {
        metrics.add(&names::ENGINE_REQUESTS, requests);
        metrics.histogram(&names::EVENT_TO_ACCEPTED, &self.event_to_accepted.buckets());
        metrics.add(&names::JOURNAL_RECORDS, journal.written);
        metrics.add(&names::JOURNAL_ERRORS, journal.not_written);
        if let Some(open) = breakers {
            metrics.add(&names::BREAKERS_OPEN, open);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Acceptance, EngineName};

    #[test]
    fn the_time_of_an_event_counts_once_it_is_accepted_and_never_below_zero() {
        let observed = Observed::default();
        let at = |time: &str| ObjectChange { event_time: Some(time.to_owned()), ..ObjectChange::of_key("a") };
        let now = "2026-01-05T10:00:10Z".parse().unwrap();
        let accepted =
            Outcome::Accepted(Acceptance { engine: EngineName::Oms, request_id: None, note: None });
        observed.settled(&at("2026-01-05T10:00:03.000Z"), &accepted, now);
        observed.settled(&at("2026-01-05T10:00:11.000Z"), &accepted, now);
        observed.settled(&at("yesterday"), &accepted, now);
        observed.settled(&ObjectChange::of_key("a"), &accepted, now);
        let mut metrics = Exposition::default();
        observed.expose(0, JournalWrites::default(), None, &mut metrics);
        let text = metrics.into_text();
        for line in ["_bucket{le=\"5\"} 1", "_bucket{le=\"10\"} 2", "_sum 7", "_count 2"] {
            assert!(text.contains(&format!("\noms_bridge_event_to_accepted_seconds{line}\n")), "{text}");
        }
    }
}
