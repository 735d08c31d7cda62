//! Messages of a queue: one run for them all, and a fate for each.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use futures_util::StreamExt as _;
use oss_lite::Credentials;

use super::{Budget, Disposition, Pipeline, Report};
use crate::credentials::NoCredentials;
use crate::policy::{Refused, Skip};
use crate::progress::Observer;
use object_events::change::ObjectChange;
use object_events::{EventError, Message};

/// What became of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handled {
    /// What became of the changes of all of them together.
    pub report: Report,
    /// Those that must stay in the queue, in the order in which they came. The others are done with.
    pub unsettled: Vec<Unsettled>,
}

/// A message that must stay in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsettled {
    /// The queue's id of the message.
    pub id: String,
    /// Why.
    pub why: Why,
}

/// Why a message must stay in its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nobody will ever understand it. User action: read it in the dead-letter queue, where the queue puts it at last.
    Malformed(EventError),
    /// It comes from a bucket that changes are not taken from. User action: remove the notification from that bucket.
    Refused(Refused),
    /// This key of it failed, and is not in the journal. User action: none, its next delivery will do; if it never does, let `doctor`
    /// look at the log bucket.
    Unrecorded(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Refused(error) => error.fmt(f),
            Self::Unrecorded(key) => write!(f, "key {key:?} failed and is not in the journal"),
        }
    }
}

/// A message on its way.
struct Open {
    id: String,
    /// Which changes of the run are its own, or why it is not looked at.
    changes: Result<Range<usize>, Why>,
}

impl Pipeline {
    /// Forwards the changes of all messages in one run, so that they share requests, and tells which messages are not settled.
    ///
    /// A message is settled when each of its changes is accepted by the engine or in the journal, or there is nothing to do.
    /// One that cannot be understood, or that comes from the wrong bucket, is left out of the run. A change that another one of
    /// the same object stands for shares its fate, whichever message that came with.
    pub async fn run_messages(
        &self,
        messages: Vec<Message>,
        credentials: Result<Arc<Credentials>, NoCredentials>,
        budget: Budget,
        observer: &dyn Observer,
    ) -> Handled {
        let mut changes = Vec::with_capacity(messages.len());
        let open: Vec<Open> = messages
            .into_iter()
            .map(|Message { id, event }| Open { id, changes: self.take(event, &mut changes) })
            .collect();
        let sorted = self.policy.sort_guarded(changes);
        let mut settled = std::pin::pin!(self.forward(sorted, credentials, budget));
        let (mut report, mut fates) = (Report::default(), Fates::default());
        while let Some(settled) = settled.next().await {
            settled.tell(observer);
            report.count(&settled);
            if settled.lost().is_some() {
                fates.lost.insert(settled.index, settled.change.key.clone());
            }
            if let Disposition::Skipped(Skip::Duplicate { of }) = settled.outcome {
                fates.stands_for.insert(settled.index, of);
            }
        }
        Handled {
            report,
            unsettled: open.into_iter().filter_map(|message| message.unsettled(&fates)).collect(),
        }
    }

    /// Adds the changes of a message to those of the run.
    fn take(
        &self,
        event: Result<Vec<ObjectChange>, EventError>,
        changes: &mut Vec<ObjectChange>,
    ) -> Result<Range<usize>, Why> {
        let mut event = event.map_err(Why::Malformed)?;
        self.policy.guard(&event).map_err(Why::Refused)?;
        let first = changes.len();
        changes.append(&mut event);
        Ok(first..changes.len())
    }
}

/// What messages have to know of the changes of a run.
#[derive(Default)]
struct Fates {
    /// Changes that are lost, with their keys.
    lost: HashMap<usize, String>,
    /// Duplicates, and the change that was forwarded in place of each.
    stands_for: HashMap<usize, usize>,
}

impl Open {
    fn unsettled(self, fates: &Fates) -> Option<Unsettled> {
        let why = match self.changes {
            Ok(mut changes) => {
                let lost = changes.find_map(|index| {
                    let forwarded = fates.stands_for.get(&index).unwrap_or(&index);
                    fates.lost.get(forwarded)
                });
                Why::Unrecorded(lost?.clone())
            }
            Err(why) => why,
        };
        Some(Unsettled { id: self.id, why })
    }
}
