//! One chunk to its end: sent, recorded, records of what is done deleted.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::StreamExt as _;

use super::fold::ReplayItem;
use super::source::Chunk;
use super::{ReplayMode, Run};
use crate::engine::{Failure, Job, Outcome};
use crate::journal::{FailureRef, ReadError, Record, RecordStatus, WriteError, refuses, sort_by_change};
use crate::pipeline::{Disposition, Settled, Work, settle};
use crate::progress::ProgressEvent;
use object_copy::outcome::Attempt;
use object_events::change::ObjectChange;

/// The state of an item's failure records after it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RecordsAfter {
    /// Another record stands for them, or the change is forwarded: they may be deleted.
    Superseded,
    /// The same, and the key is among the dead letters.
    DeadLettered,
    /// They stay, since no other record stands for them.
    Kept,
    /// They stay, since the item was not tried.
    Untouched,
}

/// Runs a chunk to its end.
pub(super) async fn run(run: Arc<Run>, chunk: Chunk) {
    let Chunk { listed, skipped, send, done, already_done } = chunk;
    run.count(|summary| {
        summary.listed += listed;
        summary.already_done += already_done;
        summary.skipped += skipped;
    });
    if run.options.mode == ReplayMode::DryRun {
        for item in &send {
            run.observer.observe(&ProgressEvent::Planned { key: item.key() });
        }
        return;
    }
    let mut send = send;
    if !send.is_empty() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let first = ((run.options.random)() * send.len() as f64) as usize % send.len();
        send.rotate_left(first);
    }
    let items = Arc::new(send);
    run.under_way.fetch_add(items.len(), Ordering::Relaxed);
    let mut gone: Vec<&FailureRef> = done.iter().collect();
    let settled = Arc::clone(&run).settle(Arc::clone(&items));
    let mut settled = std::pin::pin!(settled);
    while let Some(Settled { index, outcome, recorded, .. }) = settled.next().await {
        run.under_way.fetch_sub(1, Ordering::Relaxed);
        run.count(|summary| match (&outcome, recorded) {
            (Disposition::Failed(failure), RecordsAfter::Untouched) => {
                summary.not_begun += usize::from(failure.attempt == Attempt::NotBegun);
            }
            (_, RecordsAfter::Untouched) => {}
            (Disposition::Accepted(_) | Disposition::Skipped(_), kept) => {
                summary.accepted += 1;
                summary.markers_left += usize::from(kept == RecordsAfter::Kept);
            }
            (Disposition::Failed(failure), _) if failure.attempt == Attempt::CutShort => {
                summary.unfinished += 1;
            }
            (Disposition::Failed(_), kept) => {
                summary.failed += 1;
                summary.set_aside += usize::from(kept == RecordsAfter::DeadLettered);
            }
        });
        if matches!(recorded, RecordsAfter::Superseded | RecordsAfter::DeadLettered) {
            gone.extend(items[index].failed.iter().map(|failed| &failed.failure));
        }
    }
    let left = run.journal.retire(run.options.status, &gone).await;
    run.count(|summary| summary.markers_left += left);
}

impl Run {
    fn settle(
        self: Arc<Self>,
        items: Arc<Vec<ReplayItem>>,
    ) -> impl futures_util::Stream<Item = Settled<RecordsAfter>> + Send {
        let work = Work {
            engine: &self.engine,
            jobs: items.iter().map(|item| item.job.clone()).collect(),
            context: self.context.clone(),
            deadline: self.options.deadline,
        };
        // A failure that is written from now on is not one of these.
        let began = self.journal.bucket_time();
        let run = Arc::clone(&self);
        settle(work, move |index, job, outcome| {
            let (run, items) = (Arc::clone(&run), Arc::clone(&items));
            async move {
                let recorded = match &outcome {
                    Outcome::Accepted(_) => run.record_accepted(&items[index], &job, &outcome, began).await,
                    // Rare, and larger.
                    Outcome::Failed(failure) => {
                        Box::pin(run.take_failure(&items[index], &job, failure)).await
                    }
                };
                Settled { index, change: job.change, outcome: outcome.into(), recorded }
            }
        })
    }

    /// The success record first, so that a kill loses nothing.
    async fn record_accepted(
        &self,
        item: &ReplayItem,
        job: &Job,
        outcome: &Outcome,
        began: Option<chrono::DateTime<chrono::Utc>>,
    ) -> RecordsAfter {
        self.note_acceptance();
        let change = &*job.change;
        if let Outcome::Accepted(acceptance) = outcome {
            self.observer.observe(&ProgressEvent::Accepted { change, acceptance });
        }
        let told = self.change_of_failure(item, job).await;
        match self.journal.record(told.as_ref().unwrap_or(change), outcome, began).await {
            Ok(()) => RecordsAfter::Superseded,
            Err(error) => {
                self.report_lost_record(job, true, error);
                RecordsAfter::Kept
            }
        }
    }

    /// The change as the newest failure record has it, where the engine had no need of it: when the event
    /// was, and which object it was about, so that confirmations know how late it is and what they look for.
    /// `None` where the record says no more than the job.
    async fn change_of_failure(&self, item: &ReplayItem, job: &Job) -> Option<ObjectChange> {
        let newest = item.failed.last().filter(|newest| newest.record.is_none())?;
        // An empty marker of the vendor's function says nothing.
        let record = self.journal.read(&newest.failure).await.ok().filter(|record| record.v > 0)?;
        Some(record.change(job.key()))
    }

    async fn take_failure(&self, item: &ReplayItem, job: &Job, failure: &Failure) -> RecordsAfter {
        self.note_refusal(failure);
        if matches!(failure.attempt, Attempt::NotMade | Attempt::NotBegun) {
            return RecordsAfter::Untouched;
        }
        self.observer.observe(&ProgressEvent::Failed { change: &job.change, failure });
        if failure.attempt == Attempt::Deferred {
            return RecordsAfter::Kept;
        }
        if failure.attempt != Attempt::CutShort {
            self.note_failure(failure);
        }
        self.supersede(item, job, failure).await
    }

    /// Writes one newer record in place of those of an item, or sets the key aside.
    async fn supersede(&self, item: &ReplayItem, job: &Job, failure: &Failure) -> RecordsAfter {
        let mut earlier = Vec::with_capacity(item.failed.len());
        for failed in &item.failed {
            let record = match &failed.record {
                Some(record) => Ok((**record).clone()),
                None => self.journal.read(&failed.failure).await,
            };
            match record {
                Ok(record) => earlier.push(record),
                Err(ReadError::Vanished) => {}
                Err(error) => {
                    // A record that cannot be read is not replaced: its content would be lost.
                    tracing::warn!(name = failed.failure.name(), %error, "a record that cannot be read is left unchanged");
                    return RecordsAfter::Kept;
                }
            }
        }
        if earlier.is_empty() {
            // Another replay has forwarded the change, or written a newer record of it.
            return RecordsAfter::Superseded;
        }
        sort_by_change(&mut earlier, |record| Some(record));
        let now = self.journal.now();
        let since = item.failed.iter().filter_map(|failed| failed.failure.written()).min().unwrap_or(now);
        // Read only now, where the engine had no need of it.
        let mut change =
            earlier.last().map_or_else(|| (*job.change).clone(), |record| record.change(job.key()));
        if job.is_removal() {
            change.event = job.change.event.clone();
        }
        let record = Record::failed_again(&change, failure, &earlier, since, now);
        let dead = failure.is_about_the_key() && record.permanent_failures >= self.options.max_attempts;
        let status = if dead { RecordStatus::Dead } else { self.options.status };
        match self.journal.write_failure(status, &record).await {
            Ok(_) if dead && self.options.status != RecordStatus::Dead => RecordsAfter::DeadLettered,
            Ok(_) => RecordsAfter::Superseded,
            Err(error) => {
                self.report_lost_record(job, false, error);
                RecordsAfter::Kept
            }
        }
    }

    fn report_lost_record(&self, job: &Job, accepted: bool, error: WriteError) {
        let text = error.to_string();
        self.observer.observe(&ProgressEvent::RecordLost { change: &job.change, accepted, error: &text });
        match error {
            WriteError::Store(error) if refuses(&error) => self.stop_for_journal(error),
            WriteError::Store(_) | WriteError::Unproved { .. } => {}
        }
    }
}
