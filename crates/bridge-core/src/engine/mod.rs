//! Engines: take [`Job`]s, give one [`Outcome`] each. They know no host and no journal.
//!
//! | module | concern |
//! |---|---|
//! | [`oms`] | hands keys to a sync task of OMS, which copies later |
//! | [`copy`] | copies objects itself |
//! | [`composed`] | one of them, or the second where the first does not serve |

pub mod composed;
pub mod copy;
mod fallback;
pub mod oms;

use std::fmt;
use std::sync::Arc;

use tokio::sync::mpsc;

pub use self::composed::Engine;
use object_copy::outcome::{Attempt, EngineError, FailureClass, OpenUpload, SETTINGS};
use object_events::change::ObjectChange;

/// One change to forward, as an engine takes it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Job {
    /// The change. OMS is told its key alone: its task knows one source only.
    pub change: Arc<ObjectChange>,
    /// What an earlier attempt left open at the destination.
    pub open: Option<OpenUpload>,
    /// It is known that OMS cannot forward it: its task reads elsewhere.
    pub copies_only: bool,
}

impl Job {
    /// A change of which nothing was tried yet.
    pub fn new(change: Arc<ObjectChange>) -> Self {
        Self { change, open: None, copies_only: false }
    }

    /// The object's key.
    pub fn key(&self) -> &str {
        &self.change.key
    }

    /// Whether the object is to be looked at, and its copy removed if the object is gone. Anything else is to be copied: what
    /// reaches an engine was found worth forwarding, whatever the event is called.
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

/// The outcomes of one submission, in the order in which they are settled.
#[derive(Debug)]
pub struct Outcomes(mpsc::UnboundedReceiver<(usize, Outcome)>);

impl Outcomes {
    pub(crate) fn new(receiver: mpsc::UnboundedReceiver<(usize, Outcome)>) -> Self {
        Self(receiver)
    }

    /// The next settled key: its index among those submitted, and its outcome. `None` when no more will come; keys of
    /// which nothing was heard by then were lost with their task and count as failed.
    pub async fn next(&mut self) -> Option<(usize, Outcome)> {
        self.0.recv().await
    }
}

/// What became of one change.
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
    /// What was not done, and why: the source is gone, the destination is up to date.
    pub note: Option<String>,
}

/// Why an engine did not take a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The engine that was tried last.
    pub engine: EngineName,
    /// What kind of trouble it was, which is what decides about trying again.
    pub class: FailureClass,
    /// What the service said.
    pub error: EngineError,
    /// Request id of the refused request, for questions to the service's support.
    pub request_id: Option<String>,
    /// Whether the key was tried at all.
    pub attempt: Attempt,
    /// What the attempt left open at the destination.
    pub open: Option<OpenUpload>,
}

impl Failure {
    /// Whether it is this key that will be refused every time, while others are taken. Neither another engine nor patience helps
    /// then. What blames the task or a bucket is permanent as well, until somebody mends the settings, but no key's fault.
    ///
    /// OMS says 400 of a single key when it is the key that it does not like, unless the code is one of those that blame the
    /// task; a permanent failure without a status is a key that it cannot be asked for at all.
    /// [Codes](https://support.huaweicloud.com/api-oms/ErrorCode.html).
    pub fn is_about_the_key(&self) -> bool {
        let code = self.error.code.as_deref();
        self.class == FailureClass::Permanent
            && match self.engine {
                EngineName::Oms => {
                    self.error.status.is_none_or(|status| status == 400)
                        && !matches!(code, Some("OMS.0053" | "OMS.0054"))
                }
                EngineName::Copy => !matches!(code, Some("NoSuchBucket" | SETTINGS)),
            }
    }
}
