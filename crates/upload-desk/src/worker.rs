//! What is left to do when everybody is answered: rows whose time has come are claimed, worked on, and written down.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::catalogue::{CatalogueError, PutOutcome};
use super::entry::{Arrival, Entry, Forward, Millis, UploadState, after};
use super::fetch::Fetched;
use super::types::{ContentType, UNKNOWN};
use super::{Desk, Store};
use bridge_core::pipeline::{Budget, Pipeline};
use bridge_core::progress::Log;
use object_events::change::{EventName, ObjectChange};

/// Rows worked on at once.
const AT_ONCE: usize = 64;

/// How long a claim lasts. It is renewed as long as the work goes on, so this is what a kill delays a row by.
const LEASE: Duration = Duration::from_secs(30);

/// How often rows are looked for that another desk has added.
const LOOK_ROUND: Duration = Duration::from_secs(10);

/// What forwarding one object may take: long enough to wait out the throttling windows of OMS, and to copy a large object.
const FORWARDING: Duration = Duration::from_hours(1);

/// Time for work in hand when the desk is to stop.
const LAST_CALL: Duration = Duration::from_secs(10);

/// How often a fetch is tried.
const FETCHES: u32 = 5;

/// What came of the work on a row.
#[derive(Debug)]
enum Outcome {
    Found(Arrival),
    Absent,
    /// It is there, as the bucket says, and the pipeline has it.
    Forwarded(Arrival),
    Removed,
    Failed(String),
    Retry(String),
    /// Nothing was done, and nothing is to be written down.
    NotStarted,
}

/// What is under way. Fetches are apart: they wait for [places](super::fetch::FetchPermit) of their own, and take none of the others.
#[derive(Default)]
struct RunningTasks {
    work: JoinSet<()>,
    fetches: JoinSet<()>,
}

impl RunningTasks {
    fn len(&self) -> usize {
        self.work.len() + self.fetches.len()
    }

    /// Waits until something has ended; for ever if nothing is under way.
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

/// Works until `stop`, then finishes what is in hand.
pub async fn run(desk: Desk, stop: impl Future<Output = ()>) {
    let mut running = RunningTasks::default();
    let mut stop = pin!(stop);
    loop {
        let room = AT_ONCE - running.work.len();
        let pause = match desk.claim(room, &mut running).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the catalogue fails; work waits");
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
    if let Some(fetcher) = desk.fetcher() {
        fetcher.close();
    }
    if timeout(LAST_CALL, running.all_ended()).await.is_err() {
        tracing::warn!(
            rows = running.len(),
            "stopped in the middle of work, which is taken up again after the next start"
        );
    }
}

impl Desk {
    /// Starts work on as many rows as there is room for. Says how long there will be nothing more to do.
    async fn claim(&self, room: usize, running: &mut RunningTasks) -> Result<Duration, CatalogueError> {
        if room == 0 {
            return Ok(LOOK_ROUND);
        }
        let now = self.now();
        let due = self.catalogue().due(now, u32::try_from(room).unwrap_or(u32::MAX)).await?;
        let full = due.len() == room;
        // Together, so that they share a transaction.
        let claims = due.into_iter().map(|mut entry| async move {
            entry.claim(after(now, LEASE));
            entry.updated_at = now;
            (self.catalogue().put(&entry).await, entry)
        });
        for (put, mut entry) in join_all(claims).await {
            // Somebody else may have been quicker.
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
        let next = self.catalogue().next_due().await?;
        let wait = next.map(|next| u64::try_from(next - self.now()).unwrap_or(0));
        Ok(wait.map_or(LOOK_ROUND, Duration::from_millis).min(LOOK_ROUND))
    }

    /// Works on a claimed row, and writes down what came of it.
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
        if let Outcome::Retry(why) | Outcome::Failed(why) = &outcome {
            tracing::warn!(key = entry.key, state = entry.state.as_str(), why, "not done");
        }
        let counters = self.counters();
        match &outcome {
            Outcome::Found(_) => counters.stored.up(),
            Outcome::Forwarded(_) if entry.forward == Forward::Waiting => counters.forwarded.up(),
            Outcome::Removed => counters.removed.up(),
            Outcome::Retry(_) => counters.put_off.up(),
            Outcome::NotStarted => return,
            Outcome::Forwarded(_) | Outcome::Absent | Outcome::Failed(_) => {}
        }
        // By the time that the row is read: what somebody asked for until then is not later than that.
        let applied = self.update(&entry.id, |row| apply(row, entry.state, &outcome, self.now())).await;
        match applied {
            Ok(Some(row)) if row.due_at.is_some_and(|due| due <= self.now()) => self.wake(),
            Ok(_) => {}
            Err(error) => {
                tracing::error!(key = entry.key, %error, "what was done cannot be written down; it is done again");
            }
        }
    }

    /// Keeps others off while the work goes on, unless the row has moved on.
    async fn renew(&self, entry: &Entry) {
        let now = self.now();
        let renewed = self.update(&entry.id, |row| {
            // Due already means that somebody wants it done once more.
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
            UploadState::Pending | UploadState::Missing => look(self.store(), entry).await,
            UploadState::Stored => self.forward(entry).await,
            UploadState::Fetching => self.fetch(entry).await,
            UploadState::Deleting | UploadState::Deleted => self.remove(entry).await,
            UploadState::Failed => Outcome::Failed(entry.note.clone().unwrap_or_default()),
        }
    }

    /// Compares what a callback said with the bucket, then hands the object over.
    async fn forward(&self, entry: &Entry) -> Outcome {
        let found = match look(self.store(), entry).await {
            Outcome::Found(found) => found,
            other => return other,
        };
        match (entry.forward, &self.0.pipeline) {
            (Forward::Waiting, Some(pipeline)) => {
                let change = created(entry, &found);
                self.hand_over(pipeline, change)
                    .await
                    .map_or_else(Outcome::Retry, |()| Outcome::Forwarded(found))
            }
            (Forward::Waiting, None) => Outcome::Retry("this desk forwards nothing".to_owned()),
            (Forward::Off | Forward::Done, _) => Outcome::Forwarded(found),
        }
    }

    /// To the engine or into the journal.
    async fn hand_over(&self, pipeline: &Pipeline, change: ObjectChange) -> Result<(), String> {
        let now = Instant::now();
        let credentials = self.0.credentials.from_environment();
        let budget = Budget::until(now + FORWARDING, now);
        let settled =
            pipeline.settle(vec![change], credentials, budget).map_err(|error| error.to_string())?;
        let mut settled = pin!(settled);
        while let Some(settled) = settled.next().await {
            settled.report_to(&Log);
            if let Some(lost) = settled.loss() {
                return Err(lost);
            }
        }
        Ok(())
    }

    async fn fetch(&self, entry: &Entry) -> Outcome {
        let (Some(fetcher), Some(url)) = (self.fetcher(), entry.source_url.as_deref()) else {
            return Outcome::Failed(
                "this desk fetches nothing any more: INGEST_DOMAINS is not set".to_owned(),
            );
        };
        let Some(permit) = fetcher.permit(&entry.creator).await else { return Outcome::NotStarted };
        // That took its time.
        match self.catalogue().find(&entry.id).await {
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

    /// What is fetched is held to the rules of what is uploaded.
    async fn admit(&self, entry: &Entry) -> Outcome {
        let found = match look(self.store(), entry).await {
            Outcome::Found(found) => found,
            Outcome::Absent => return Outcome::Retry("fetched, and gone again".to_owned()),
            other => return other,
        };
        let types = &self.rules().types;
        let why = match ContentType::of(found.content_type.as_deref()) {
            Some(content_type) if types.admit(&content_type) => return Outcome::Found(found),
            Some(_) => {
                let content_type = found.content_type.as_deref().unwrap_or(UNKNOWN);
                format!("{content_type} may not be uploaded, only {types}")
            }
            None => format!("{:?} is no content type", found.content_type.unwrap_or_default()),
        };
        match self.store().remove(&entry.key).await {
            Ok(()) => Outcome::Failed(why),
            Err(error) => Outcome::Retry(error.to_string()),
        }
    }

    async fn remove(&self, entry: &Entry) -> Outcome {
        if let Err(error) = self.store().remove(&entry.key).await {
            return Outcome::Retry(error.to_string());
        }
        match &self.0.pipeline {
            // The policy knows whether removals are carried over.
            Some(pipeline) if entry.may_be_forwarded() => self
                .hand_over(pipeline, removed(entry))
                .await
                .map_or_else(Outcome::Retry, |()| Outcome::Removed),
            _ => Outcome::Removed,
        }
    }
}

async fn look(store: &Store, entry: &Entry) -> Outcome {
    match store.look(&entry.key).await {
        Ok(Some(found)) => Outcome::Found(found),
        Ok(None) => Outcome::Absent,
        Err(error) => Outcome::Retry(error.to_string()),
    }
}

/// Changes a row by what came of the work on it. What its user or a callback did meanwhile counts more.
fn apply(row: &mut Entry, worked_on: UploadState, outcome: &Outcome, now: Millis) {
    match outcome {
        // What was fetched after its user had it removed is to go, too.
        Outcome::Found(found)
            if row.state == worked_on
                || matches!(row.state, UploadState::Deleting | UploadState::Deleted) =>
        {
            row.record_arrival(found.clone(), now);
        }
        Outcome::Forwarded(_) if row.state != worked_on => row.forwarded_after_delete(now),
        _ if row.state != worked_on => {}
        Outcome::Found(_) | Outcome::NotStarted => {}
        Outcome::Absent => row.record_absence(now),
        Outcome::Forwarded(found) => {
            row.update_from_bucket(found.clone());
            row.mark_done();
        }
        Outcome::Removed => row.mark_removed(now),
        Outcome::Failed(why) => row.mark_failed(why.clone()),
        Outcome::Retry(_) => row.reschedule(now),
    }
}

fn created(entry: &Entry, found: &Arrival) -> ObjectChange {
    let operation = if entry.source_url.is_some() { "PutObject" } else { "PostObject" };
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
