//! Background worker for due rows: claims them, does the work, and writes down the result.

mod completion;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::catalogue::{CatalogueError, PutOutcome};
use crate::desk::{Desk, Forwarding};
use crate::entry::{Arrival, Entry, Forward, Millis, PartsError, UploadState, after};
use crate::fetch::Fetched;
use crate::store::Store;
use crate::types::{ContentType, UNKNOWN};

use bridge_core::pipeline::Budget;
use bridge_core::progress::Log;
use object_events::change::{EventName, ObjectChange};

/// Rows worked on at once.
const AT_ONCE: usize = 64;

/// How long a claim lasts. It is renewed while the work runs, so a killed worker delays a row by this much.
const LEASE: Duration = Duration::from_secs(30);

/// How often the database is polled for rows that another desk has added.
const LOOK_ROUND: Duration = Duration::from_secs(10);

/// Time budget for forwarding one object: enough to wait out the throttling windows of OMS, and to copy a
/// large object.
const FORWARDING: Duration = Duration::from_hours(1);

/// Time for running work to finish when the desk stops.
const LAST_CALL: Duration = Duration::from_secs(10);

/// Most tries of a fetch.
const FETCHES: u32 = 5;

/// Result of the work on a row.
#[derive(Debug)]
enum Outcome {
    Found(Arrival),
    Absent,
    /// Stored, and settled by the pipeline.
    Forwarded(Arrival),
    Removed,
    /// The upload in parts is over, which its row says already: the removal of its parts is the next work.
    GivenUp(String),
    /// The upload in parts is under way; when its parts are looked at again before its end, if they are.
    UnderWay(Option<Millis>),
    /// The parts are not those of the file; the time is as of `UnderWay`.
    Reopened(PartsError, Option<Millis>),
    Failed(String),
    Retry(String),
    /// Nothing was done; the row stays as it is.
    NotStarted,
}

/// Running tasks. Fetches are counted apart: they wait for [permits](crate::fetch::FetchPermit) of their own,
/// and take no slot of other work.
#[derive(Default)]
struct RunningTasks {
    work: JoinSet<()>,
    fetches: JoinSet<()>,
}

impl RunningTasks {
    fn len(&self) -> usize {
        self.work.len() + self.fetches.len()
    }

    /// Waits until a task ends; forever if none is running.
    async fn ended(&mut self) {
        tokio::select! {
            Some(_) = self.work.join_next() => {}
            Some(_) = self.fetches.join_next() => {}
            else => std::future::pending().await,
        }
    }

    async fn all_ended(&mut self) {
        while self.len() > 0 {
            self.ended().await;
        }
    }
}

/// Works until `stop`, then finishes the running tasks.
pub(crate) async fn run(desk: Desk, stop: impl Future<Output = ()>) {
    let mut running = RunningTasks::default();
    let mut stop = pin!(stop);
    loop {
        let room = AT_ONCE - running.work.len();
        let pause = match desk.claim(room, &mut running).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the catalogue failed; work waits");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = &mut stop => break,
            () = desk.0.work.notified() => {}
            () = running.ended() => {}
            () = sleep(pause), if room > 0 => {}
        }
    }
    if let Some(fetcher) = &desk.0.fetcher {
        fetcher.close();
    }
    if timeout(LAST_CALL, running.all_ended()).await.is_err() {
        tracing::warn!(
            rows = running.len(),
            "stopped before all work was finished; it is resumed after the next start"
        );
    }
}

impl Desk {
    /// Starts work on up to `room` due rows. Returns how long to sleep before looking again.
    async fn claim(&self, room: usize, running: &mut RunningTasks) -> Result<Duration, CatalogueError> {
        if room == 0 {
            return Ok(LOOK_ROUND);
        }
        let now = self.now();
        let due = self.0.catalogue.due(now, u32::try_from(room).unwrap_or(u32::MAX)).await?;
        let full = due.len() == room;
        // Concurrently, so that the writer can put them into one transaction.
        let claims = due.into_iter().map(|mut entry| async move {
            entry.claim(after(now, LEASE));
            entry.updated_at = now;
            (self.0.catalogue.put(&entry).await, entry)
        });
        for (put, mut entry) in join_all(claims).await {
            // A conflict means that another desk claimed the row first.
            if put? == PutOutcome::Written {
                entry.revision += 1;
                let set = if entry.state == UploadState::Fetching {
                    &mut running.fetches
                } else {
                    &mut running.work
                };
                set.spawn(self.clone().settle(entry));
            }
        }
        if full {
            return Ok(Duration::ZERO);
        }
        let next = self.0.catalogue.next_due().await?;
        let wait = next.map(|next| u64::try_from(next - self.now()).unwrap_or(0));
        Ok(wait.map_or(LOOK_ROUND, Duration::from_millis).min(LOOK_ROUND))
    }

    /// Works on a claimed row, and writes down the result.
    async fn settle(self, entry: Entry) {
        let outcome = {
            let mut work = pin!(self.work(&entry));
            loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    () = sleep(LEASE / 3) => self.renew(&entry).await,
                }
            }
        };
        match &outcome {
            Outcome::Retry(why) | Outcome::Failed(why) => {
                tracing::warn!(key = entry.key, state = entry.state.as_str(), why, "not done");
            }
            Outcome::GivenUp(why) => tracing::info!(key = entry.key, why, "given up; its parts are removed"),
            Outcome::Reopened(why, _) => tracing::warn!(key = entry.key, %why, "not completed"),
            _ => {}
        }
        let counters = &self.0.counters;
        match &outcome {
            Outcome::Found(_) => counters.stored.increment(),
            Outcome::Forwarded(_) if entry.forward == Forward::Waiting => counters.forwarded.increment(),
            Outcome::Removed => counters.removed.increment(),
            Outcome::Retry(_) => counters.put_off.increment(),
            Outcome::NotStarted => return,
            Outcome::Forwarded(_)
            | Outcome::Absent
            | Outcome::GivenUp(_)
            | Outcome::UnderWay(_)
            | Outcome::Reopened(..)
            | Outcome::Failed(_) => {}
        }
        // `now` is taken each time the row is read, not before: `mark_removed` compares it with the row's due
        // time, and a deletion requested while the work ran must not look as if it came after this result.
        let applied = self.update(&entry.id, |row| apply(row, entry.state, &outcome, self.now())).await;
        match applied {
            Ok(Some(row)) if row.due_at.is_some_and(|due| due <= self.now()) => self.wake(),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(key = entry.key, %error, "the result cannot be recorded; the work is repeated");
            }
        }
    }

    /// Renews the claim while the work runs, unless the row has changed state.
    async fn renew(&self, entry: &Entry) {
        let now = self.now();
        let renewed = self.update(&entry.id, |row| {
            // Due already: somebody asked for the work again, so the claim must not push that into the
            // future.
            if row.state == entry.state && row.due_at.is_some_and(|due| due > now) {
                row.claim(after(now, LEASE));
            }
        });
        if let Err(error) = renewed.await {
            tracing::warn!(key = entry.key, %error, "a claim cannot be renewed; the work may be done twice");
        }
    }

    async fn work(&self, entry: &Entry) -> Outcome {
        match entry.state {
            UploadState::Pending | UploadState::Missing => self.seek(entry).await,
            UploadState::Uploading => self.see_to_parts(entry).await,
            UploadState::Completing => self.complete(entry).await,
            UploadState::Stored => self.forward(entry).await,
            UploadState::Fetching => self.fetch(entry).await,
            UploadState::Deleting | UploadState::Deleted => self.remove(entry).await,
            UploadState::Failed => Outcome::Failed(entry.note.clone().unwrap_or_default()),
        }
    }

    /// Looks for an object that did not arrive. Parts that were still on their way when their upload was
    /// aborted are removed.
    async fn seek(&self, entry: &Entry) -> Outcome {
        if entry.multipart.is_some()
            && let Err(error) = self.0.store.abort_parts(&entry.key).await
        {
            return Outcome::Retry(error.to_string());
        }
        look(&self.0.store, entry).await
    }

    /// Compares the callback's claims with the bucket, then forwards the object.
    async fn forward(&self, entry: &Entry) -> Outcome {
        let found = match look(&self.0.store, entry).await {
            Outcome::Found(found) => found,
            other => return other,
        };
        match (entry.forward, &self.0.forwarding) {
            (Forward::Waiting, Some(forwarding)) => {
                match hand_over(forwarding, created(entry, &found)).await {
                    Ok(()) => Outcome::Forwarded(found),
                    Err(error) => Outcome::Retry(error.to_string()),
                }
            }
            (Forward::Waiting, None) => Outcome::Retry("this desk does not forward objects".to_owned()),
            (Forward::Off | Forward::Done, _) => Outcome::Forwarded(found),
        }
    }

    async fn fetch(&self, entry: &Entry) -> Outcome {
        let (Some(fetcher), Some(url)) = (&self.0.fetcher, entry.source_url.as_deref()) else {
            return Outcome::Failed(
                "this desk no longer fetches from URLs: INGEST_DOMAINS is not set".to_owned(),
            );
        };
        let Some(permit) = fetcher.permit(&entry.creator).await else { return Outcome::NotStarted };
        // Waiting for the permit may have taken long: the user may have deleted it since.
        match self.0.catalogue.find(&entry.id).await {
            Ok(Some(now)) if now.state == UploadState::Fetching => {}
            Ok(_) => return Outcome::NotStarted,
            Err(error) => return Outcome::Retry(error.to_string()),
        }
        match fetcher.fetch(&permit, url, &entry.key).await {
            Fetched::Done => self.admit(entry).await,
            Fetched::Failed(why) => Outcome::Failed(why),
            Fetched::Interrupted(why) if entry.checks + 1 >= FETCHES => Outcome::Failed(why),
            Fetched::Interrupted(why) => Outcome::Retry(why),
        }
    }

    /// Applies the rules for uploads to a fetched object.
    async fn admit(&self, entry: &Entry) -> Outcome {
        let found = match look(&self.0.store, entry).await {
            Outcome::Found(found) => found,
            Outcome::Absent => return Outcome::Retry("fetched, but no longer in the bucket".to_owned()),
            other => return other,
        };
        let types = &self.0.rules.types;
        let why = match ContentType::of(found.content_type.as_deref()) {
            Some(content_type) if types.admit(&content_type) => return Outcome::Found(found),
            Some(_) => {
                let content_type = found.content_type.as_deref().unwrap_or(UNKNOWN);
                format!("{content_type} may not be uploaded, only {types}")
            }
            None => format!("{:?} is not a content type", found.content_type.unwrap_or_default()),
        };
        match self.0.store.remove(&entry.key).await {
            Ok(()) => Outcome::Failed(why),
            Err(error) => Outcome::Retry(error.to_string()),
        }
    }

    async fn remove(&self, entry: &Entry) -> Outcome {
        if entry.multipart.is_some()
            && let Err(error) = self.0.store.abort_parts(&entry.key).await
        {
            return Outcome::Retry(error.to_string());
        }
        if let Err(error) = self.0.store.remove(&entry.key).await {
            return Outcome::Retry(error.to_string());
        }
        match &self.0.forwarding {
            // Whether the removal is propagated is decided by the pipeline's policy.
            Some(forwarding) if entry.may_be_forwarded() => match hand_over(forwarding, removed(entry)).await
            {
                Ok(()) => Outcome::Removed,
                Err(error) => Outcome::Retry(error.to_string()),
            },
            _ => Outcome::Removed,
        }
    }
}

/// Why a change is neither accepted nor recorded, so that the worker must try again.
#[derive(Debug, thiserror::Error)]
enum HandOverError {
    /// The pipeline could not begin.
    #[error("{0}")]
    NotStarted(String),
    /// The engine failed, and so did the journal.
    #[error("{0}")]
    Unrecorded(String),
}

/// Hands a change to the pipeline. Returns once the engine accepted it or the journal recorded its failure.
async fn hand_over(forwarding: &Forwarding, change: ObjectChange) -> Result<(), HandOverError> {
    let now = Instant::now();
    let credentials = forwarding.credentials.from_environment();
    let budget = Budget::until(now + FORWARDING, now);
    let settled = forwarding.pipeline.settle(vec![change], credentials, budget);
    let mut settled = pin!(settled.map_err(|error| HandOverError::NotStarted(error.to_string()))?);
    while let Some(settled) = settled.next().await {
        settled.report_to(&Log);
        if let Some(lost) = settled.loss() {
            return Err(HandOverError::Unrecorded(lost));
        }
    }
    Ok(())
}

async fn look(store: &Store, entry: &Entry) -> Outcome {
    match store.look(&entry.key).await {
        Ok(Some(found)) => Outcome::Found(found),
        Ok(None) => Outcome::Absent,
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

/// Applies the result of the work to the row as it is now. `worked_on` is the state that the row had when it
/// was claimed: if the state differs, the user or a callback changed the row during the work, and their
/// change wins.
fn apply(row: &mut Entry, worked_on: UploadState, outcome: &Outcome, now: Millis) {
    match outcome {
        // An object that was found (or fetched) after its user deleted it must be deleted too:
        // `record_arrival` on a deleted row schedules that. In any other new state the finding is stale.
        Outcome::Found(found)
            if row.state == worked_on
                || matches!(row.state, UploadState::Deleting | UploadState::Deleted) =>
        {
            row.record_arrival(found.clone(), now);
        }
        // The object went to the pipeline although its user deleted it meanwhile: the removal must follow it
        // there.
        Outcome::Forwarded(_) if row.state != worked_on => row.forwarded_after_delete(now),
        // Everything below applies only to a row that is still in the state that was worked on.
        _ if row.state != worked_on => {}
        Outcome::Found(_) | Outcome::GivenUp(_) | Outcome::NotStarted => {}
        Outcome::Absent => row.record_absence(now),
        Outcome::Forwarded(found) => {
            row.update_from_bucket(found.clone());
            row.mark_done();
        }
        Outcome::Removed => row.mark_removed(now),
        Outcome::UnderWay(look_at) => row.look_again(*look_at),
        Outcome::Reopened(why, look_at) => row.reopen(why, now, *look_at),
        Outcome::Failed(why) => row.mark_failed(why.clone()),
        Outcome::Retry(_) => row.reschedule(now),
    }
}

fn created(entry: &Entry, found: &Arrival) -> ObjectChange {
    let operation = match (&entry.source_url, &entry.multipart) {
        (Some(_), _) => "PutObject",
        (None, Some(_)) => "CompleteMultipartUpload",
        (None, None) => "PostObject",
    };
    ObjectChange {
        bucket: Some(entry.bucket.clone()),
        event: EventName::new(format!("ObjectCreated:{operation}")),
        event_time: chrono::DateTime::from_timestamp_millis(entry.updated_at).map(|time| time.to_rfc3339()),
        etag: found.etag.clone(),
        size: Some(found.size),
        ..ObjectChange::of_key(&*entry.key)
    }
}

fn removed(entry: &Entry) -> ObjectChange {
    ObjectChange {
        bucket: Some(entry.bucket.clone()),
        event: EventName::new("ObjectRemoved:DeleteObject".to_owned()),
        ..ObjectChange::of_key(&*entry.key)
    }
}
