//! What a run of confirmations needs, and what it is to do.

use serde::Serialize;
use tokio::time::Instant;

use crate::ends::{DestinationConfig, SourceConfig};
use crate::watch::Watch;
use bridge_core::engine::Engine;

/// What confirmations need. Hosts share one.
#[derive(Clone, Debug)]
pub struct Confirmer {
    /// Sends late keys again.
    pub engine: Engine,
    /// Copies those directly that are still late; `None` where the settings name no credentials for it.
    pub copies: Option<Engine>,
    /// Where copies are looked for.
    pub destination: DestinationConfig,
    /// Where the objects come from.
    pub source: SourceConfig,
    /// The sync task of OMS, where it copies: its lists of failures are read.
    pub task: Option<String>,
    /// How long keys are watched.
    pub watch: Watch,
}

/// Which keys, and how.
#[derive(Clone, Debug)]
pub struct ConfirmOptions {
    /// Only keys that begin with it.
    pub prefix: String,
    /// Keys looked at at most.
    pub limit: Option<usize>,
    /// Requests per second at most that look at keys.
    pub max_rps: Option<f64>,
    /// Act, or only say what would be done.
    pub mode: ConfirmMode,
    /// Where to begin.
    pub walk: Walk,
    /// Nothing is begun after this moment.
    pub deadline: Instant,
}

impl ConfirmOptions {
    /// All keys, where the last run ended, until `deadline`.
    pub fn until(deadline: Instant) -> Self {
        let (prefix, limit, max_rps) = (String::new(), None, None);
        Self { prefix, limit, max_rps, mode: ConfirmMode::Act, walk: Walk::Continue, deadline }
    }
}

/// Whether anything is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmMode {
    /// Keys are marked and sent.
    Act,
    /// Keys are only looked at.
    DryRun,
}

/// Where a run begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// At the first key.
    Start,
    /// Where the run before ended.
    Continue,
}

/// What is done for a late key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// It is sent again.
    Resend,
    /// It is copied directly.
    Copy,
    /// It is set aside in `dead_object/`.
    GiveUp,
}

/// Is told of keys as they are looked at.
pub trait Watcher: Send + Sync {
    /// A key was looked at.
    fn looked_at(&self) {}

    /// This would be done for a key, if this were no dry run.
    fn planned(&self, _key: &str, _step: Step) {}
}

/// Nobody is told.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watcher for Unwatched {}
