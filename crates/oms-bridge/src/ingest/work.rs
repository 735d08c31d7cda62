//! One request to its end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, stream};
use oss_lite::Credentials;
use tokio::sync::mpsc;

use super::jobs::{Copied, Job, State};
use super::pending::Pending;
use crate::change::ObjectChange;
use crate::engine::copy::Mirror;
use crate::engine::{Acceptance, EngineName, Failure};
use crate::host::Function;
use crate::pipeline::Budget;
use crate::progress::{Event, Log, Observer};

/// Copies looked at at once.
const LOOKS: usize = 16;

/// Everything that is needed to serve one request.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) function: Function,
    pub(super) job: Arc<Job>,
    pub(super) changes: Vec<ObjectChange>,
    pub(super) pending: Pending,
    pub(super) credentials: Arc<Credentials>,
    pub(super) budget: Budget,
}

/// What the pipeline says of one key.
#[derive(Debug)]
struct Said {
    key: String,
    what: What,
}

#[derive(Debug)]
enum What {
    Accepted(Acceptance),
    Failed(Failure),
    Skipped(String),
    RecordLost,
}

/// Passes on what the pipeline says.
struct Listener(mpsc::UnboundedSender<Said>);

impl Observer for Listener {
    fn observe(&self, event: &Event<'_>) {
        let (key, what) = match event {
            Event::Accepted { change, acceptance } => (&change.key, What::Accepted((*acceptance).clone())),
            Event::Failed { change, failure } => (&change.key, What::Failed((*failure).clone())),
            Event::Skipped { change, why } => (&change.key, What::Skipped(why.to_string())),
            Event::RecordLost { change, .. } => (&change.key, What::RecordLost),
            Event::Planned { .. } | Event::Rejected { .. } => return,
        };
        // The receiver lives as long as the pipeline runs.
        let _ = self.0.send(Said { key: key.clone(), what });
    }
}

impl Work {
    /// Runs the request to its end, which the job tells.
    pub(super) async fn run(mut self) {
        let _end = End { job: Arc::clone(&self.job), recorded: self.pending.exist() };
        let changes = std::mem::take(&mut self.changes);
        let indices = changes.iter().enumerate().map(|(index, change)| (change.key.clone(), index)).collect();
        let (sender, mut said) = mpsc::unbounded_channel();
        let observer = (Log, Listener(sender));
        let credentials = Ok(Arc::clone(&self.credentials));
        let (pipeline, budget) = (self.function.pipeline(), self.budget);
        let run = async move { pipeline.run(changes, credentials, budget, &observer).await };
        let aftermath = Aftermath::of(&self, indices);
        let settle = async {
            let mut under_way = FuturesUnordered::new();
            let mut open = true;
            while open || !under_way.is_empty() {
                let mut batch = Vec::new();
                tokio::select! {
                    received = said.recv_many(&mut batch, usize::MAX), if open => {
                        open = received > 0;
                        under_way.push(aftermath.settle(batch));
                    }
                    Some(()) = under_way.next() => {}
                }
            }
        };
        // In one task: what the pipeline says of a key and of its record comes without a pause, so in one batch.
        let (report, ()) = tokio::join!(run, settle);
        match report {
            Ok(report) => self.function.count(&report),
            Err(error) => tracing::error!(%error, "refused"),
        }
    }
}

/// Ends the job, whatever happens to the task.
struct End {
    job: Arc<Job>,
    recorded: bool,
}

impl Drop for End {
    fn drop(&mut self) {
        self.job.end(self.recorded);
    }
}

/// What is left to do once the pipeline has settled a key.
struct Aftermath<'w> {
    work: &'w Work,
    indices: HashMap<String, usize>,
    mirror: Option<Mirror>,
}

impl<'w> Aftermath<'w> {
    fn of(work: &'w Work, indices: HashMap<String, usize>) -> Self {
        let copier = work.function.pipeline().engine().copier();
        let mirror = copier.map(|copier| copier.mirror(&work.credentials, work.budget.journal));
        Self { work, indices, mirror }
    }

    /// Shows what became of the keys, once what was promised for those that are done is taken back.
    async fn settle(&self, batch: Vec<Said>) {
        let lost: HashSet<String> = batch
            .iter()
            .filter(|said| matches!(said.what, What::RecordLost))
            .map(|said| said.key.clone())
            .collect();
        let done = batch.iter().filter(|said| match said.what {
            What::Accepted(_) => !lost.contains(&said.key),
            What::Skipped(_) => true,
            What::Failed(_) | What::RecordLost => false,
        });
        let done: Vec<&str> = done.map(|said| said.key.as_str()).collect();
        if !done.is_empty() && self.work.pending.exist() {
            let work = self.work;
            let journal = work.function.pipeline().journal();
            let journal = journal.open(Arc::clone(&work.credentials), work.budget.journal);
            work.pending.remove(&journal, &done).await;
        }
        let states: Vec<_> = batch.into_iter().map(|said| self.state(said, &lost)).collect();
        let mut states = stream::iter(states).buffer_unordered(LOOKS);
        while let Some((key, state)) = states.next().await {
            if let (Some(index), Some(state)) = (self.indices.get(&key), state) {
                self.work.job.set(*index, state);
            }
        }
    }

    async fn state(&self, Said { key, what }: Said, lost: &HashSet<String>) -> (String, Option<State>) {
        let state = match what {
            What::Accepted(acceptance) if acceptance.engine == EngineName::Copy => {
                Some(State::Copied(self.copied(&key, acceptance.note).await))
            }
            What::Accepted(acceptance) => Some(State::Accepted { request_id: acceptance.request_id }),
            What::Failed(failure) => {
                // A promise that still stands is as good as a record.
                let recorded = self.work.pending.exist() || !lost.contains(&key);
                Some(State::failed(&failure, recorded))
            }
            What::Skipped(note) => Some(State::Skipped { note }),
            What::RecordLost => None,
        };
        (key, state)
    }

    /// What the destination says of the copy. That it does not answer makes it no worse.
    async fn copied(&self, key: &str, note: Option<String>) -> Copied {
        let Some(mirror) = &self.mirror else { return Copied { note, ..Copied::default() } };
        match mirror.look(key).await {
            Ok(meta) => Copied {
                bytes: Some(meta.size),
                etag: meta.etag,
                crc64: meta.crc64.map(|crc64| crc64.to_string()),
                note,
            },
            Err(error) => {
                tracing::debug!(key, %error, "the copy cannot be looked at");
                Copied { note, ..Copied::default() }
            }
        }
    }
}
