//! What is late: sent again, copied directly, given up.

use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout_at;

use super::{LOOKS, Late, Run, Step, Stopped};
use bridge_core::engine::copy::CopyContext;
use bridge_core::engine::{Acceptance, Engine, EngineName, Failure, Job, Outcome};
use bridge_core::journal::{Marker, OpenJournal, RecordStatus, Stage};
use object_copy::outcome::{Attempt, EngineError};
use object_copy::transfer::Concern;

/// Error code of a key that was given up.
const NOT_ARRIVED: &str = "NotArrived";

/// What becomes of a late key in this run.
enum Sent {
    /// The step was taken and marked.
    Done(Stage),
    /// It goes on to the next step, for this reason.
    Next(Box<Late>, String),
    /// It stays as it is.
    Stays,
    /// It stays as it is, and so does every other one.
    Stop(Stopped),
}

impl Run<'_> {
    /// Takes the next step of each key. Those that are refused for their own sake take one more.
    pub(super) async fn send_all(&mut self, late: Vec<Late>) -> Result<(), Stopped> {
        let (mut resend, mut copy, mut give_up) = (Vec::new(), Vec::new(), Vec::new());
        for late in late {
            match late.progress.next {
                Step::Resend => resend.push(late),
                Step::Copy => copy.push(late),
                Step::GiveUp => give_up.push((late, None)),
            }
        }
        let refused = self.send(self.engine, self.context.clone(), resend, Stage::Resent).await?;
        if let Some((copies, context)) = self.copies.clone() {
            copy.extend(refused.into_iter().map(|(late, _)| late));
            let refused = self.send(copies, context, copy, Stage::Copied).await?;
            give_up.extend(refused.into_iter().map(|(late, why)| (late, Some(why))));
        } else {
            give_up.extend(refused.into_iter().map(|(late, why)| (late, Some(why))));
        }
        self.give_up(give_up).await
    }

    /// Sends keys through an engine. Returns those that it refuses for their own sake, with the reason.
    async fn send(
        &mut self,
        engine: &Engine,
        context: Option<CopyContext>,
        late: Vec<Late>,
        stage: Stage,
    ) -> Result<Vec<(Late, String)>, Stopped> {
        if late.is_empty() {
            return Ok(Vec::new());
        }
        let jobs: Vec<Job> = late
            .iter()
            .map(|late| Job {
                change: Arc::new(late.record.change(&late.key)),
                open: None,
                // What a copy took is no key of the sync task.
                copies_only: late.record.engine == EngineName::Copy.as_str(),
            })
            .collect();
        let mut open: Vec<Option<Late>> = late.into_iter().map(Some).collect();
        let (journal, deadline) = (self.journal, self.options.deadline);
        let mut outcomes = engine.submit(jobs, context.as_ref(), deadline);
        let (mut refused, mut stopped) = (Vec::new(), None);
        let (mut settling, mut listens) = (FuturesUnordered::new(), true);
        loop {
            tokio::select! {
                outcome = timeout_at(deadline, outcomes.next()), if listens && settling.len() < LOOKS => {
                    match outcome {
                        Ok(Some((index, outcome))) => {
                            let late = open.get_mut(index).and_then(Option::take);
                            settling.extend(late.map(|late| settle(journal, late, outcome, stage)));
                        }
                        Ok(None) | Err(_) => listens = false,
                    }
                }
                Some(sent) = settling.next(), if !settling.is_empty() => match sent {
                    Sent::Done(Stage::Copied) => self.summary.copied += 1,
                    Sent::Done(Stage::Resent) => self.summary.resent += 1,
                    Sent::Done(_) | Sent::Stays => self.summary.failed += 1,
                    Sent::Next(late, why) => refused.push((*late, why)),
                    Sent::Stop(why) => {
                        self.summary.failed += 1;
                        stopped.get_or_insert(why);
                    }
                },
                else => break,
            }
        }
        // Without an outcome by now, they were not sent in time.
        self.summary.failed += open.into_iter().flatten().count() as u64;
        stopped.map_or(Ok(refused), Err)
    }

    /// Sets keys aside: the record first, then the marker.
    async fn give_up(&mut self, late: Vec<(Late, Option<String>)>) -> Result<(), Stopped> {
        let (journal, copies) = (self.journal, self.copies.is_some());
        // Made beforehand: as a closure of the stream they would not be known to be `Send`.
        let records: Vec<_> =
            late.into_iter().map(|(late, refused)| set_aside(journal, late, refused, copies)).collect();
        let mut set_aside = stream::iter(records).buffer_unordered(LOOKS);
        while let Some(done) = set_aside.next().await {
            done?;
            self.summary.dead += 1;
        }
        Ok(())
    }
}

async fn settle(journal: &OpenJournal, late: Late, outcome: Outcome, stage: Stage) -> Sent {
    match outcome {
        Outcome::Accepted(Acceptance { engine, note, .. }) => {
            // An engine that does both says which one it was.
            let stage = if engine == EngineName::Copy { Stage::Copied } else { stage };
            let sent = if stage == Stage::Copied { "copied directly" } else { "sent again" };
            tracing::warn!(key = late.key, note, sent, "late: it was accepted and had not arrived");
            let resent = late.progress.resent.saturating_add(u8::from(stage == Stage::Resent));
            mark(journal, &late, stage, resent).await
        }
        Outcome::Failed(failure) => fail(journal, late, failure).await,
    }
}

async fn fail(journal: &OpenJournal, late: Late, failure: Failure) -> Sent {
    let error = &failure.error;
    if failure.open.is_some() {
        // The replay goes on with the upload that is open, or removes it.
        tracing::warn!(key = late.key, %error, "the copy of a late key was begun; the replay has the rest");
        let change = late.record.change(&late.key);
        let record = bridge_core::journal::Record::new(&change, &Outcome::Failed(failure), journal.now());
        return match journal.write_failure(RecordStatus::Failed, &record).await {
            Ok(_) => mark(journal, &late, Stage::Failed, late.progress.resent).await,
            Err(error) => Sent::Stop(Stopped::NotRecorded(error.to_string())),
        };
    }
    if matches!(failure.attempt, Attempt::NotMade | Attempt::NotBegun | Attempt::CutShort | Attempt::Deferred)
    {
        tracing::debug!(key = late.key, %error, "late, and not sent");
        return Sent::Stays;
    }
    tracing::warn!(key = late.key, class = %failure.class, %error, "late, and sending it again failed");
    match (failure.concern, failure.engine) {
        (Concern::Credentials, engine) => Sent::Stop(Stopped::Engine(engine, Concern::Credentials)),
        // One right is missing for all keys.
        (Concern::Permission, EngineName::Oms) => {
            Sent::Stop(Stopped::Engine(EngineName::Oms, Concern::Permission))
        }
        // Of copies it may be a matter of the object.
        (Concern::Permission, EngineName::Copy) => Sent::Next(Box::new(late), failure.error.to_string()),
        _ if failure.is_about_the_key() => Sent::Next(Box::new(late), failure.error.to_string()),
        _ => Sent::Stays,
    }
}

async fn mark(journal: &OpenJournal, late: &Late, stage: Stage, resent: u8) -> Sent {
    let marker = Marker { stage, resent, record: late.accepted.record_id(), wait: None, lag: None };
    match journal.write_marker(&late.key, marker).await {
        Ok(()) => Sent::Done(stage),
        Err(error) => Sent::Stop(Stopped::NotRecorded(error.to_string())),
    }
}

async fn set_aside(
    journal: &OpenJournal,
    late: Late,
    refused: Option<String>,
    copies: bool,
) -> Result<(), Stopped> {
    let resent = late.progress.resent;
    let again = match (resent, copies) {
        (0, _) => "",
        (_, true) => ", sent again and copied directly",
        (_, false) => " and sent again",
    };
    let message = match refused {
        Some(refused) => format!("accepted{again}, not at the destination, and refused now: {refused}"),
        None => format!("accepted{again}, and still not at the destination"),
    };
    tracing::error!(key = late.key, why = message, "given up: replay --dead sends it again");
    let error = EngineError { status: None, code: Some(NOT_ARRIVED.to_owned()), message };
    let record = (*late.record).clone().not_arrived(&late.key, error, resent, journal.now());
    let lost = |error: bridge_core::journal::WriteError| Stopped::NotRecorded(error.to_string());
    journal.set_aside(&late.accepted, &record).await.map_err(lost)?;
    let marker =
        Marker { stage: Stage::Dead, resent, record: late.accepted.record_id(), wait: None, lag: None };
    journal.write_marker(&late.key, marker).await.map_err(lost)
}
