//! Keys handed over by hand, through the same pipeline as events.

mod input;

use std::time::Duration;

use tokio::time::Instant;

use self::input::Chunk;
pub(crate) use self::input::{Input, Separator};
use crate::host::interrupts::Interrupts;
use bridge_core::credentials::SourceCredentials;
use bridge_core::pipeline::{Budget, Pipeline, Report};
use bridge_core::progress::{Observer, ProgressEvent};
use object_events::change::ObjectChange;

/// Longest time one chunk of keys may take: long enough to wait out the gateway's throttling windows.
const CHUNK_TIMEOUT: Duration = Duration::from_mins(15);

/// What became of an input.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Keys read, those included that are no keys.
    pub keys: usize,
    /// What became of them.
    pub report: Report,
    /// Why the end of the input was not reached.
    pub stopped: Option<SendStopped>,
}

/// Why sending ended before its input did.
#[derive(Debug)]
pub(crate) enum SendStopped {
    /// From the keyboard. What was in flight was finished.
    Interrupted,
    /// The input could not be read.
    Input(String),
}

/// Sends all keys of `input`, a chunk at a time. The first interrupt lets the chunk under way finish, the
/// second does not wait for it: what is unsettled then is neither counted nor recorded.
pub(crate) async fn send(
    pipeline: &Pipeline,
    credentials: &SourceCredentials,
    mut input: Input,
    observer: &dyn Observer,
    mut interrupts: Interrupts,
) -> Sent {
    let mut sent = Sent::default();
    while sent.stopped.is_none() {
        let chunk = tokio::select! {
            biased;
            () = interrupts.next() => {
                sent.stopped = Some(SendStopped::Interrupted);
                break;
            }
            chunk = input.next() => chunk,
        };
        let Some(Chunk { keys, rejected, error }) = chunk else {
            break;
        };
        sent.keys += keys.len() + rejected.len();
        sent.report.failed += rejected.len();
        sent.report.unrecorded += rejected.len();
        for what in &rejected {
            observer.observe(&ProgressEvent::Rejected { what });
        }
        let now = Instant::now();
        let changes = keys.into_iter().map(ObjectChange::of_key).collect();
        let budget = Budget::until(now + CHUNK_TIMEOUT, now);
        let run = pipeline.run(changes, credentials.from_environment(), budget, observer);
        let mut run = std::pin::pin!(run);
        let ran = tokio::select! {
            ran = &mut run => ran,
            () = interrupts.next() => {
                sent.stopped = Some(SendStopped::Interrupted);
                tokio::select! {
                    ran = run => ran,
                    () = interrupts.next() => break,
                }
            }
        };
        match ran {
            Ok(report) => sent.report.add(report),
            // Keys that are handed over name no bucket, so the guard has nothing to find.
            Err(error) => sent.stopped = Some(SendStopped::Input(error.to_string())),
        }
        sent.stopped = sent.stopped.or(error.map(SendStopped::Input));
    }
    sent
}
