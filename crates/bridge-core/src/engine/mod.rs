//! Engines: they take [`Job`]s and report one [`Outcome`] for each. They know no host and no journal.
//!
//! | module | concern |
//! |---|---|
//! | [`oms`] | hands keys to a sync task of OMS, which copies later |
//! | [`copy`] | copies objects itself |
//! | `common` | the reason that failures have in common |
//! | `composed` | one of them, or OMS first and copies for what it does not accept |

mod common;
mod composed;
pub mod copy;
mod fallback;
pub mod oms;

use std::fmt;
use std::sync::Arc;

use http_client::TransportKind;
use tokio::sync::mpsc;

pub use self::common::CommonCause;
pub use self::composed::Engine;
use crate::oms::denies_task;
use object_copy::outcome::{Attempt, EngineError, FailureClass, OpenUpload, SETTINGS};
use object_copy::transfer::{Concern, FailedRequest};
use object_events::change::ObjectChange;

/// One change to forward, as an engine takes it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Job {
    /// The change. OMS gets only its key: a task has one source bucket.
    pub change: Arc<ObjectChange>,
    /// Upload that an earlier attempt left open at the destination.
    pub open: Option<OpenUpload>,
    /// OMS cannot forward it: its task reads another bucket.
    pub copies_only: bool,
}

impl Job {
    /// The first attempt at a change.
    pub fn new(change: Arc<ObjectChange>) -> Self {
        Self { change, open: None, copies_only: false }
    }

    /// The object's key.
    pub fn key(&self) -> &str {
        &self.change.key
    }

    /// Whether to check if the object is gone from the source, and then to remove its copy. Every other job
    /// is a copy: the policy has decided what to forward before it reaches an engine, whatever the name of
    /// the event.
    pub fn is_removal(&self) -> bool {
        self.change.event.is_removal()
    }
}

/// An engine's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EngineName {
    /// [`oms`]
    #[default]
    Oms,
    /// [`copy`]
    Copy,
}

impl EngineName {
    /// The name as it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oms => "oms",
            Self::Copy => "copy",
        }
    }
}

impl fmt::Display for EngineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Takes outcomes, each with the index of its job.
pub(crate) type OutcomeSender = mpsc::UnboundedSender<(usize, Outcome)>;

/// The outcomes of one submission, in the order in which they become known.
#[derive(Debug)]
pub struct Outcomes(mpsc::UnboundedReceiver<(usize, Outcome)>);

impl Outcomes {
    pub(crate) fn new(receiver: mpsc::UnboundedReceiver<(usize, Outcome)>) -> Self {
        Self(receiver)
    }

    /// The next outcome, with the index of its job among those submitted. `None` when no more will come; jobs
    /// without an outcome by then were lost with their task and count as failed.
    pub async fn next(&mut self) -> Option<(usize, Outcome)> {
        self.0.recv().await
    }
}

/// How one job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The engine took the key over. For OMS that means accepted, not yet copied; for the copy engine, done.
    Accepted(Acceptance),
    /// The engine did not take the key.
    Failed(Failure),
}

impl Outcome {
    /// The engine that settled the key.
    pub fn engine(&self) -> EngineName {
        match self {
            Self::Accepted(acceptance) => acceptance.engine,
            Self::Failed(failure) => failure.engine,
        }
    }
}

/// The engine's receipt for a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// The engine.
    pub engine: EngineName,
    /// Request id of the service that accepted the key, for questions to its support.
    pub request_id: Option<String>,
    /// Reason why nothing was copied: the source is gone, the destination is up to date.
    pub note: Option<String>,
}

/// Why an engine did not take a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The engine that was tried last.
    pub engine: EngineName,
    /// Kind of failure, which decides about retries.
    pub class: FailureClass,
    /// Error of the service, or of the way to it.
    pub error: EngineError,
    /// Request id of the refused request, for questions to the service's support.
    pub request_id: Option<String>,
    /// Whether the key was tried at all.
    pub attempt: Attempt,
    /// Upload that the attempt left open at the destination.
    pub open: Option<OpenUpload>,
    /// What has to change before any key can succeed, where that is known.
    pub concern: Concern,
    /// The request of a copy that failed, for messages.
    pub request: Option<FailedRequest>,
    /// Why OMS was not reached, where it was not.
    pub unreached: Option<TransportKind>,
}

impl Failure {
    /// Whether this key will be refused every time while others are accepted. Neither another engine nor a
    /// retry helps then. A failure that blames the task or a bucket is permanent as well, until the settings
    /// are corrected, but it is not about the key.
    ///
    /// OMS answers 400 for a single key that it does not accept, unless the code is one of those that blame
    /// the task. A permanent failure without a status is a key that cannot be sent to OMS at all.
    /// [Codes](https://support.huaweicloud.com/api-oms/ErrorCode.html).
    pub fn is_about_the_key(&self) -> bool {
        let code = self.error.code.as_deref();
        self.class == FailureClass::Permanent
            && match self.engine {
                EngineName::Oms => {
                    self.error.status.is_none_or(|status| status == 400) && !is_of_task(&self.error)
                }
                EngineName::Copy => !matches!(code, Some("NoSuchBucket" | SETTINGS)),
            }
    }
}

/// Whether OMS has no such task, or none for this user. The gateway answers a path that it does not know,
/// such as one with the id of no project, by a code of its own.
fn is_of_task(error: &EngineError) -> bool {
    let code = error.code.as_deref();
    denies_task(error)
        || error.status == Some(404)
            && code.is_some_and(|code| code.starts_with("OMS.") || code == "APIGW.0101")
}
