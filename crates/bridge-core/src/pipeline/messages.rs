//! Messages of a queue: one run for all of them, and an acknowledgement for each.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use futures_util::StreamExt as _;
use oss_lite::Credentials;
use thiserror::Error;

use super::{Budget, Disposition, Pipeline, Report};
use crate::credentials::NoCredentials;
use crate::policy::{Refused, Skip};
use crate::progress::Observer;
use object_events::change::ObjectChange;
use object_events::{EventError, Message};

/// The result of a batch of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handled {
    /// The counts over the changes of all messages.
    pub report: Report,
    /// Messages that must stay in the queue, in the order in which they came. All others are acknowledged.
    pub nacks: Vec<Nack>,
}

/// A negative acknowledgement: the message must stay in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nack {
    /// The queue's id of the message.
    pub id: String,
    /// Why it must stay.
    pub reason: NackReason,
}

/// Why a message must stay in its queue.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NackReason {
    /// It cannot be parsed, now or later. User action: read it in the dead-letter queue, where it ends up.
    #[error(transparent)]
    Malformed(EventError),
    /// It comes from a bucket that changes are not taken from. User action: remove the notification from that
    /// bucket.
    #[error(transparent)]
    Refused(Refused),
    /// This key of it failed, and is not in the journal. User action: none, the message will be delivered
    /// again; if that never helps, let `doctor` check the log bucket.
    #[error("key {0:?} failed and is not in the journal")]
    Unrecorded(String),
}

/// A message in a run.
struct InRun {
    id: String,
    /// Its own changes among those of the run, or the reason why it is left out.
    changes: Result<Range<usize>, NackReason>,
}

impl Pipeline {
    /// Forwards the changes of all messages in one run, so that they share requests, and acknowledges each
    /// message by itself.
    ///
    /// A message is acknowledged if each of its changes is accepted by the engine or in the journal, or if
    /// there is nothing to do. A message that cannot be parsed, or that comes from the wrong bucket, is left
    /// out of the run. A duplicate shares the result of the change that was forwarded in its place, whichever
    /// message that one came with.
    pub async fn run_messages(
        &self,
        messages: Vec<Message>,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
        observer: &dyn Observer,
    ) -> Handled {
        let mut changes = Vec::with_capacity(messages.len());
        let in_run: Vec<InRun> = messages
            .into_iter()
            .map(|Message { id, event }| InRun { id, changes: self.take(event, &mut changes) })
            .collect();
        let sorted = self.policy.sort_guarded(changes);
        let mut settled = std::pin::pin!(self.forward(sorted, credentials, budget));
        let (mut report, mut results) = (Report::default(), Results::default());
        while let Some(settled) = settled.next().await {
            settled.report_to(observer);
            report.count(&settled);
            if settled.loss().is_some() {
                results.lost.insert(settled.index, settled.change.key.clone());
            }
            if let Disposition::Skipped(Skip::Duplicate { of }) = settled.outcome {
                results.forwarded_as.insert(settled.index, of);
            }
        }
        Handled { report, nacks: in_run.into_iter().filter_map(|message| message.nack(&results)).collect() }
    }

    /// Adds the changes of a message to those of the run.
    fn take(
        &self,
        event: Result<Vec<ObjectChange>, EventError>,
        changes: &mut Vec<ObjectChange>,
    ) -> Result<Range<usize>, NackReason> {
        let mut event = event.map_err(NackReason::Malformed)?;
        self.policy.guard(&event).map_err(NackReason::Refused)?;
        let first = changes.len();
        changes.append(&mut event);
        Ok(first..changes.len())
    }
}

/// The results of a run as far as acknowledgements depend on them.
#[derive(Default)]
struct Results {
    /// Changes that are lost, with their keys.
    lost: HashMap<usize, String>,
    /// Duplicates, and the change that was forwarded in place of each.
    forwarded_as: HashMap<usize, usize>,
}

impl InRun {
    fn nack(self, results: &Results) -> Option<Nack> {
        let reason = match self.changes {
            Ok(mut changes) => {
                let lost = changes.find_map(|index| {
                    let forwarded = results.forwarded_as.get(&index).unwrap_or(&index);
                    results.lost.get(forwarded)
                });
                NackReason::Unrecorded(lost?.clone())
            }
            Err(reason) => reason,
        };
        Some(Nack { id: self.id, reason })
    }
}
