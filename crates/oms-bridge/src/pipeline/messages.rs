//! Messages of a queue: one run for them all, and a fate for each.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use oss_lite::Credentials;

use super::{Budget, Pipeline, Report};
use crate::change::ObjectChange;
use crate::credentials::NoCredentials;
use crate::event::{EventError, Message};
use crate::policy::LoopDetected;
use crate::progress::Observer;

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
    /// It comes from the log bucket. User action: remove the notification from that bucket.
    Loop(LoopDetected),
    /// This key of it failed, and is not in the journal. User action: none, its next delivery will do; if it never does, let `doctor`
    /// look at the log bucket.
    Unrecorded(String),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Loop(error) => error.fmt(f),
            Self::Unrecorded(key) => write!(f, "key {key:?} failed and is not in the journal"),
        }
    }
}

/// A message on its way.
struct Open {
    id: String,
    /// The keys it wants forwarded, or why it is not looked at.
    keys: Result<Vec<String>, Why>,
}

impl Pipeline {
    /// Forwards the changes of all messages in one run, so that they share requests, and tells which messages are not settled.
    ///
    /// A message is settled when each of its keys is accepted by the engine or in the journal, or there is nothing to do. One
    /// that cannot be understood, or that comes from the log bucket, is left out of the run. Messages with the same key share
    /// its fate, since only its latest change is forwarded.
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
            .map(|Message { id, event }| Open { id, keys: self.take(event, &mut changes) })
            .collect();
        let sorted = self.policy.sort_guarded(changes);
        let (report, lost) = self.forward(sorted, credentials, budget, observer).await;
        let lost: HashSet<String> = lost.into_iter().collect();
        Handled {
            report,
            unsettled: open.into_iter().filter_map(|message| message.unsettled(&lost)).collect(),
        }
    }

    /// Adds the changes of a message to those of the run.
    fn take(
        &self,
        event: Result<Vec<ObjectChange>, EventError>,
        changes: &mut Vec<ObjectChange>,
    ) -> Result<Vec<String>, Why> {
        let mut event = event.map_err(Why::Malformed)?;
        self.policy.guard(&event).map_err(Why::Loop)?;
        let wanted = event.iter().filter(|change| self.policy.skips(change).is_none());
        let keys = wanted.map(|change| change.key.clone()).collect();
        changes.append(&mut event);
        Ok(keys)
    }
}

impl Open {
    fn unsettled(self, lost: &HashSet<String>) -> Option<Unsettled> {
        let why = match self.keys {
            Ok(keys) => Why::Unrecorded(keys.into_iter().find(|key| lost.contains(key))?),
            Err(why) => why,
        };
        Some(Unsettled { id: self.id, why })
    }
}
