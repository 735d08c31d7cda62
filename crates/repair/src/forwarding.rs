//! Sends what a comparison finds missing or different through the pipeline of events.

use std::time::Duration;

use bridge_core::credentials::SourceCredentials;
use bridge_core::pipeline::{Budget, Pipeline, Report};
use bridge_core::progress::Observer;
use object_copy::stop::{Stop, StopLevel};
use object_events::change::ObjectChange;
use reconcile::Finding;
use reconcile::judge::Verdict;
use tokio::time::Instant;

/// Keys that go to the pipeline at once. It is all that is held of them.
const CHUNK: usize = 1000;

/// Longest time that a chunk may take: long enough to wait out the gateway's throttling windows.
const CHUNK_TIMEOUT: Duration = Duration::from_mins(15);

/// What was forwarded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// Keys that were missing or different.
    pub keys: u64,
    /// What became of them.
    pub report: Report,
}

/// Forwards missing and different keys.
pub struct Forwarding<'p> {
    pipeline: &'p Pipeline,
    credentials: &'p SourceCredentials,
    observer: &'p dyn Observer,
    stop: &'p Stop,
    prefix: String,
    waiting: Vec<ObjectChange>,
    forwarded: Forwarded,
}

impl std::fmt::Debug for Forwarding<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forwarding").field("forwarded", &self.forwarded).finish_non_exhaustive()
    }
}

impl<'p> Forwarding<'p> {
    /// Forwards objects of the source, whose keys have `prefix` before what findings have. Nothing more is
    /// begun once `stop` says so; whoever raises it raises that of the engine, too.
    pub fn new(
        pipeline: &'p Pipeline,
        credentials: &'p SourceCredentials,
        observer: &'p dyn Observer,
        stop: &'p Stop,
        prefix: impl Into<String>,
    ) -> Self {
        let prefix = prefix.into();
        let (waiting, forwarded) = (Vec::new(), Forwarded::default());
        Self { pipeline, credentials, observer, stop, prefix, waiting, forwarded }
    }

    /// Takes what is missing or different among findings, and forwards it where a chunk is full.
    pub async fn take(&mut self, findings: &[Finding]) {
        for finding in findings {
            if !matches!(finding.verdict, Verdict::Missing | Verdict::Different(_)) {
                continue;
            }
            self.forwarded.keys += 1;
            let mut change = ObjectChange::of_key([&self.prefix, finding.key()].concat());
            change.size = finding.source.as_ref().map(|listed| listed.size);
            self.waiting.push(change);
            if self.waiting.len() >= CHUNK {
                self.send().await;
            }
        }
    }

    /// Forwards what waits for its chunk to be full, and says what became of all.
    pub async fn finish(mut self) -> Forwarded {
        self.send().await;
        self.forwarded
    }

    async fn send(&mut self) {
        let changes = std::mem::take(&mut self.waiting);
        if changes.is_empty() {
            return;
        }
        // Refused keys would be refused again, and each time the lock of the access key comes nearer.
        if self.stop.is(StopLevel::BeginNothing) || self.forwarded.report.refused_credentials > 0 {
            self.forwarded.report.not_begun += changes.len();
            return;
        }
        let now = Instant::now();
        let budget = Budget::until(now + CHUNK_TIMEOUT, now);
        let (count, credentials) = (changes.len(), self.credentials.from_environment());
        match self.pipeline.run(changes, credentials, budget, self.observer).await {
            Ok(report) => {
                // A sum of reports does not have it.
                let not_begun = report.not_begun;
                self.forwarded.report.add(report);
                self.forwarded.report.not_begun += not_begun;
            }
            // These keys name no bucket, so the guard finds nothing.
            Err(refused) => {
                tracing::error!(error = %refused, "not forwarded");
                self.forwarded.report.not_begun += count;
            }
        }
    }
}
