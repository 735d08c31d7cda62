//! Keys from the command line, through the same pipeline as events.

pub mod input;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::Instant;

use crate::credentials::SourceCredentials;
use crate::pipeline::{Budget, Disposition, Pipeline, Report, Settled};
use crate::progress::{Observer, ProgressEvent};
use object_copy::outcome::Attempt;
use object_copy::stop::{Stop, StopLevel};
use object_events::change::ObjectChange;

/// Longest time one chunk of keys may take: long enough to wait out the gateway's throttling windows.
const CHUNK_TIMEOUT: Duration = Duration::from_mins(15);

/// An error of an input, of a type of its reader.
pub type InputError = Box<dyn std::error::Error + Send + Sync>;

/// A chunk of the input.
#[derive(Debug, Default)]
pub struct KeyChunk {
    /// Keys, in their order.
    pub keys: Vec<String>,
    /// Texts that are not keys, and why.
    pub rejected: Vec<InputError>,
    /// Reading stopped here because of this.
    pub error: Option<InputError>,
}

/// A source of keys.
pub trait KeyInput: Send {
    /// The next chunk; `None` after the last one.
    fn next(&mut self) -> impl Future<Output = Option<KeyChunk>> + Send;

    /// The keys that were not asked for; `None` where they were not read.
    fn rest(self) -> Option<Vec<String>>;
}

impl KeyChunk {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.rejected.is_empty() && self.error.is_none()
    }
}

/// The result of sending an input.
#[derive(Debug, Default)]
pub struct SentKeys {
    /// Keys read, including rejected ones.
    pub keys: usize,
    /// Their outcomes.
    pub report: Report,
    /// Keys that were not begun, as far as they are known.
    pub not_begun: usize,
    /// The first key that was not begun, or whose result was not waited for.
    pub first_open: Option<String>,
    /// Whether there is more on standard input that was not read.
    pub rest_unread: bool,
    /// Keys that were sent, and whose result was not waited for: neither counted nor recorded.
    pub cut_off: usize,
    /// Why the end of the input was not reached.
    pub stopped: Option<SendStopped>,
}

/// Why sending ended before its input did.
#[derive(Debug)]
pub enum SendStopped {
    /// By the user. What was sent was finished.
    Interrupted,
    /// By the user, without finishing what was sent.
    Aborted,
    /// The input could not be read.
    Input(InputError),
}

/// Sends all keys of `input`, a chunk at a time. `stop` ends it early: what was sent is finished first,
/// unless not even that is to be waited for. Whoever raises it raises that of the engine, too.
pub async fn send(
    pipeline: &Pipeline,
    credentials: &SourceCredentials,
    mut input: impl KeyInput,
    observer: &dyn Observer,
    stop: &Stop,
) -> SentKeys {
    let mut sent = SentKeys::default();
    while sent.stopped.is_none() {
        let chunk = tokio::select! {
            biased;
            () = stop.reached(StopLevel::BeginNothing) => {
                observer.observe(&ProgressEvent::Stopping { keys: 0 });
                sent.stopped = Some(SendStopped::Interrupted);
                break;
            }
            chunk = input.next() => chunk,
        };
        let Some(KeyChunk { keys, rejected, error }) = chunk else {
            break;
        };
        sent.keys += keys.len() + rejected.len();
        sent.report.failed += rejected.len();
        sent.report.unrecorded += rejected.len();
        for why in &rejected {
            observer.observe(&ProgressEvent::Rejected { what: &why.to_string() });
        }
        sent.chunk(pipeline, credentials, keys, observer, stop).await;
        sent.stopped = sent.stopped.or(error.map(SendStopped::Input));
    }
    if matches!(sent.stopped, Some(SendStopped::Interrupted | SendStopped::Aborted)) {
        let rest = input.rest();
        sent.rest_unread = rest.is_none();
        let rest = rest.unwrap_or_default();
        sent.not_begun += rest.len();
        sent.first_open = sent.first_open.take().or_else(|| rest.into_iter().next());
    }
    sent
}

impl SentKeys {
    /// Sends the keys of a chunk.
    async fn chunk(
        &mut self,
        pipeline: &Pipeline,
        credentials: &SourceCredentials,
        keys: Vec<String>,
        observer: &dyn Observer,
        stop: &Stop,
    ) {
        let now = Instant::now();
        let mut open: BTreeMap<usize, String> = keys.iter().cloned().enumerate().collect();
        let changes = keys.into_iter().map(ObjectChange::of_key).collect();
        let budget = Budget::until(now + CHUNK_TIMEOUT, now);
        let settled = match pipeline.settle(changes, credentials.from_environment(), budget) {
            Ok(settled) => settled,
            // These keys name no bucket, so the guard finds nothing.
            Err(error) => {
                self.stopped = Some(SendStopped::Input(error.into()));
                return;
            }
        };
        let mut settled = std::pin::pin!(settled);
        let (mut report, mut not_begun) = (Report::default(), BTreeMap::new());
        loop {
            tokio::select! {
                biased;
                () = stop.reached(StopLevel::Now) => {
                    self.stopped = Some(SendStopped::Aborted);
                    self.cut_off = pipeline.engine().under_way().min(open.len());
                    break;
                }
                () = stop.reached(StopLevel::BeginNothing), if self.stopped.is_none() => {
                    self.stopped = Some(SendStopped::Interrupted);
                    observer.observe(&ProgressEvent::Stopping { keys: pipeline.engine().under_way() });
                }
                one = settled.next() => {
                    let Some(one) = one else { break };
                    one.report_to(observer);
                    report.count(&one);
                    let key = open.remove(&one.index);
                    if is_not_begun(&one) {
                        not_begun.extend(key.map(|key| (one.index, key)));
                    }
                }
            }
        }
        self.report.add(report);
        not_begun.append(&mut open);
        self.not_begun += not_begun.len() - self.cut_off;
        self.first_open = self.first_open.take().or_else(|| not_begun.into_values().next());
    }
}

fn is_not_begun(settled: &Settled) -> bool {
    matches!(&settled.outcome, Disposition::Failed(failure) if failure.attempt == Attempt::NotBegun)
}
