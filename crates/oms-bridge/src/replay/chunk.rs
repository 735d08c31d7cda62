//! One chunk to its end: sent, recorded, markers removed.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::timeout_at;

use super::source::{Chunk, Item};
use super::{Mode, Run, Summary, refuses_credentials};
use crate::change::ObjectChange;
use crate::engine::{Acceptance, Attempt, Failure, Outcome};
use crate::journal::{Marker, Naming, Record, Shelf};
use crate::progress::Event;

/// Records written at once for one chunk.
const WRITES: usize = 64;

/// How often markers that a multi-delete left are tried again.
const REMOVALS: usize = 3;

/// What became of an item.
enum Settled {
    /// Accepted, and the success record is written.
    Recorded(usize),
    /// Accepted, but nothing says so: the marker stays.
    Unrecorded,
    /// Failed again.
    Failed,
    /// Failed too often: set aside, so that its marker goes.
    SetAside(usize),
    /// Not tried. The marker stays as it is.
    Untouched,
    /// Left for the next run. The marker stays as it is.
    PutOff,
}

/// Runs a chunk to its end.
pub(super) async fn run(run: Arc<Run>, chunk: Chunk) -> Summary {
    let Chunk { listed, skipped, send, done } = chunk;
    let mut summary = Summary { listed, skipped, already_done: done.len(), ..Summary::default() };
    if run.options.mode == Mode::DryRun {
        for item in &send {
            run.observer.observe(&Event::Planned { key: item.key() });
        }
        return summary;
    }
    let mut gone = run.send(&send, &mut summary).await;
    gone.extend(done.iter());
    summary.markers_left += run.remove(gone).await;
    summary
}

impl Run {
    /// Sends the items and records what becomes of them. Gives the markers that may go.
    async fn send<'i>(&self, items: &'i [Item], summary: &mut Summary) -> Vec<&'i Marker> {
        let deadline = self.options.deadline;
        let mut outcomes = self.engine.submit(items.iter().map(Item::job), self.context.as_ref(), deadline);
        let mut gone = Vec::with_capacity(items.len());
        let mut left = items.len();
        let mut records = FuturesUnordered::new();
        while left > 0 || !records.is_empty() {
            tokio::select! {
                settled = timeout_at(deadline, outcomes.next()), if left > 0 && records.len() < WRITES => match settled {
                    Ok(Some((index, outcome))) => {
                        left -= 1;
                        records.push(self.record(index, &items[index], outcome));
                    }
                    // Time is up, or the engine is gone: the rest keeps its markers.
                    Ok(None) | Err(_) => left = 0,
                },
                Some(settled) = records.next() => match settled {
                    Settled::Recorded(index) => {
                        summary.accepted += 1;
                        gone.push(&items[index].marker);
                    }
                    Settled::Unrecorded => {
                        summary.accepted += 1;
                        summary.markers_left += 1;
                    }
                    Settled::Failed | Settled::PutOff => summary.failed += 1,
                    Settled::SetAside(index) => {
                        summary.failed += 1;
                        summary.set_aside += 1;
                        gone.push(&items[index].marker);
                    }
                    Settled::Untouched => {}
                },
            }
        }
        gone
    }

    async fn record(&self, index: usize, item: &Item, outcome: Outcome) -> Settled {
        let change = ObjectChange::of_key(item.key());
        match outcome {
            Outcome::Accepted(acceptance) => {
                self.accepted();
                self.observer.observe(&Event::Accepted { change: &change, acceptance: &acceptance });
                self.record_accepted(index, &change, acceptance).await
            }
            Outcome::Failed(failure) => {
                self.refused(&failure);
                match failure.attempt {
                    Attempt::NotMade => return Settled::Untouched,
                    Attempt::PutOff => {}
                    Attempt::Made => self.failed(),
                }
                self.observer.observe(&Event::Failed { change: &change, failure: &failure });
                if failure.attempt == Attempt::PutOff {
                    return Settled::PutOff;
                }
                self.record_failed(index, item, &change, failure).await
            }
        }
    }

    async fn record_accepted(&self, index: usize, change: &ObjectChange, acceptance: Acceptance) -> Settled {
        let record = Record::accepted(&change.key, &acceptance, self.journal.now());
        match self.journal.write(Shelf::Success, &change.key, &record).await {
            Ok(()) => Settled::Recorded(index),
            Err(error) => {
                self.lost(change, &Outcome::Accepted(acceptance), &error);
                Settled::Unrecorded
            }
        }
    }

    /// Brings the record up to date, or sets it aside. The marker stays unless the record is safe elsewhere.
    async fn record_failed(
        &self,
        index: usize,
        item: &Item,
        change: &ObjectChange,
        failure: Failure,
    ) -> Settled {
        let known = match &item.record {
            Some(record) => Ok(record.clone()),
            None => self.journal.read(&item.marker).await,
        };
        // A record that cannot be read is replaced: what it said is lost either way.
        let known = known.unwrap_or_else(|error| {
            tracing::warn!(key = change.key, %error, "the record of an earlier failure cannot be read");
            Record::default()
        });
        let now = self.journal.now();
        let since = item.marker.object().last_modified.unwrap_or(now);
        let record = known.failed_again(&change.key, &failure, since, now);
        let dead = record.attempts >= self.options.max_attempts;
        let shelf = if dead { Shelf::Dead } else { self.options.shelf };
        let written = self.journal.write(shelf, &change.key, &record).await;
        match written {
            Ok(()) if dead && self.options.shelf != Shelf::Dead => Settled::SetAside(index),
            Ok(()) => Settled::Failed,
            Err(error) => {
                self.lost(change, &Outcome::Failed(failure.clone()), &error);
                Settled::Failed
            }
        }
    }

    fn lost(&self, change: &ObjectChange, outcome: &Outcome, error: &oss_lite::Error) {
        self.observer.observe(&Event::RecordLost { change, outcome, error: &error.to_string() });
        if refuses_credentials(error) {
            self.journal_failed(error);
        }
    }

    /// Removes markers. Gives how many are left.
    async fn remove(&self, markers: Vec<&Marker>) -> usize {
        let mut left = 0;
        for naming in [Naming::Key, Naming::Hash] {
            let mut named: Vec<&Marker> =
                markers.iter().copied().filter(|marker| marker.naming() == naming).collect();
            named.sort_unstable_by(|a, b| a.end().cmp(b.end()));
            left += self.remove_named(naming, &named).await;
        }
        left
    }

    async fn remove_named(&self, naming: Naming, markers: &[&Marker]) -> usize {
        let mut names = self.unchanged(naming, markers).await;
        for _ in 0..REMOVALS {
            let mut failed = Vec::new();
            for thousand in names.chunks(1000) {
                match self.journal.remove(thousand).await {
                    Ok(outcome) => {
                        for (name, error) in outcome.failed {
                            tracing::debug!(name, %error, "a marker was not removed");
                            failed.extend(thousand.iter().copied().find(|known| *known == name));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "markers were not removed");
                        failed.extend_from_slice(thousand);
                    }
                }
            }
            names = failed;
            if names.is_empty() {
                break;
            }
        }
        names.len()
    }

    /// The names of those markers that are as they were when their keys were sent. Another one may stand there by now: a
    /// later change of the same object that failed, and that is not to be forgotten.
    async fn unchanged<'m>(&self, naming: Naming, markers: &[&'m Marker]) -> Vec<&'m str> {
        let mut lookup = self.journal.lookup(self.options.shelf, naming);
        let mut unchanged = Vec::with_capacity(markers.len());
        for marker in markers {
            match lookup.find(marker.end()).await {
                Ok(Some(now)) if now == *marker.object() => unchanged.push(marker.object().key.as_str()),
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot look at markers again; they stay");
                    break;
                }
            }
        }
        unchanged
    }
}
