//! Processes one request.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use oss_lite::Credentials;

use crate::host::Host;
use crate::jobs::{Copied, Job, ObjectState};
use crate::pending::Pending;
use bridge_core::engine::EngineName;
use bridge_core::engine::copy::DestinationView;
use bridge_core::journal::OpenJournal;
use bridge_core::pipeline::{Budget, Disposition, Recorded, Report, Settled};
use bridge_core::progress::Log;
use object_events::change::ObjectChange;

/// Objects that are finished together if their outcomes come at the same time: the deletions of their pending
/// records share a request.
const TOGETHER: usize = 1000;

/// Everything that one request needs.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) host: Host,
    pub(crate) job: Arc<Job>,
    pub(crate) changes: Vec<ObjectChange>,
    pub(crate) pending: Pending,
    pub(crate) credentials: Arc<Credentials>,
    pub(crate) budget: Budget,
}

impl Work {
    /// Processes the request, and notes the results in the job.
    pub(crate) async fn run(mut self) {
        let _end = JobGuard { job: Arc::clone(&self.job), recorded: self.pending.exist() };
        let changes = std::mem::take(&mut self.changes);
        let pipeline = &self.host.pipeline;
        let settled = match pipeline.settle(changes, Ok(Arc::clone(&self.credentials)), self.budget) {
            Ok(settled) => settled,
            Err(error) => {
                tracing::error!(%error, "refused");
                return;
            }
        };
        let rest = Rest::of(&self);
        let mut report = Report::default();
        let mut ready = std::pin::pin!(settled.ready_chunks(TOGETHER));
        let mut under_way = FuturesUnordered::new();
        let mut open = true;
        while open || !under_way.is_empty() {
            tokio::select! {
                batch = ready.next(), if open => match batch {
                    Some(batch) => {
                        for settled in &batch {
                            settled.report_to(&Log);
                            report.count(settled);
                        }
                        under_way.push(rest.finish(batch));
                    }
                    None => open = false,
                },
                Some(()) = under_way.next() => {}
            }
        }
        (self.host.count)(&report);
    }
}

/// Ends the job, even if the task panics.
struct JobGuard {
    job: Arc<Job>,
    recorded: bool,
}

impl Drop for JobGuard {
    fn drop(&mut self) {
        self.job.end(self.recorded);
    }
}

/// Finishes objects that the pipeline has settled.
struct Rest<'w> {
    work: &'w Work,
    journal: OpenJournal,
    destination: Option<DestinationView>,
}

impl<'w> Rest<'w> {
    fn of(work: &'w Work) -> Self {
        let pipeline = &work.host.pipeline;
        let destination = pipeline.engine().destination(&work.credentials, work.budget.journal);
        let journal = pipeline.journal().open(Arc::clone(&work.credentials), work.budget.journal);
        Self { work, journal, destination }
    }

    /// Publishes the results of objects. Their pending records are deleted first if a success or failure
    /// record replaces them.
    async fn finish(&self, batch: Vec<Settled>) {
        let kept = batch.iter().filter(|settled| !matches!(settled.recorded, Recorded::Lost(_)));
        let places: Vec<usize> = kept.map(|settled| settled.index).collect();
        self.work.pending.remove(&self.journal, &places).await;
        let states: FuturesUnordered<_> = batch.into_iter().map(|settled| self.show(settled)).collect();
        states.collect::<()>().await;
    }

    async fn show(&self, settled: Settled) {
        let Settled { index, change, outcome, recorded } = settled;
        let state = match outcome {
            Disposition::Accepted(acceptance) if acceptance.engine == EngineName::Copy => {
                ObjectState::Copied(self.copied(&change.key, acceptance.note).await)
            }
            Disposition::Accepted(acceptance) => ObjectState::Accepted { request_id: acceptance.request_id },
            Disposition::Failed(failure) => {
                // A pending record that still exists is as good as a failure record.
                let recorded = self.work.pending.exist() || recorded == Recorded::Durable;
                ObjectState::failed(&failure, recorded)
            }
            Disposition::Skipped(why) => ObjectState::Skipped { note: why.to_string() },
        };
        self.work.job.set(index, state);
    }

    /// Metadata of the copy. If the destination does not respond, the copy still counts.
    async fn copied(&self, key: &str, note: Option<String>) -> Copied {
        let Some(destination) = &self.destination else { return Copied { note, ..Copied::default() } };
        match destination.look(key).await {
            Ok(meta) => Copied {
                bytes: Some(meta.size),
                etag: meta.etag,
                crc64: meta.crc64.map(|crc64| crc64.to_string()),
                note,
            },
            Err(error) => {
                tracing::debug!(key, %error, "the metadata of the copy cannot be read");
                Copied { note, ..Copied::default() }
            }
        }
    }
}
