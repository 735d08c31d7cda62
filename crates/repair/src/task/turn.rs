//! The lease of a pair of buckets, and the position in it.

use std::sync::Arc;
use std::time::Duration;

use bridge_core::journal::{
    self, BucketPair, Holding, Journal, LEASE, Lease, OpenJournal, RunKind, WriteError,
};
use chrono::{DateTime, TimeDelta, Utc};
use oss_lite::Credentials;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::error::TaskError;
use super::position::{OpenList, Position};

/// How often the lease is renewed.
pub(super) const RENEWAL: Duration = Duration::from_mins(1);

/// How long after the last renewal the lease still counts as held where the log bucket does not answer. The
/// rest of [`LEASE`] is for a request that was sent just before, and for clocks.
const TRUSTED: Duration = Duration::from_mins(3);

/// Longest time that the log bucket has for a renewal.
const TIMEOUT: Duration = Duration::from_secs(45);

/// The right to work on a pair of buckets.
#[derive(Debug)]
pub(crate) struct Turn<'t> {
    journal: &'t Journal,
    credentials: &'t Arc<Credentials>,
    lease: Lease,
    held: Mutex<Held>,
}

#[derive(Debug)]
struct Held {
    position: Position,
    renewed: Instant,
}

impl<'t> Turn<'t> {
    /// Takes the lease of `pair`. Others are told that it is held `by` this run.
    pub(super) async fn take(
        journal: &'t Journal,
        credentials: &'t Arc<Credentials>,
        pair: BucketPair,
        by: &str,
    ) -> Result<Self, TaskError> {
        let renewed = Instant::now();
        let open = open(journal, credentials);
        let now = open.time_in_bucket().await.map_err(TaskError::Journal)?;
        let turn = open.take_lease::<Position>(RunKind::ObjectLists(pair), by, now).await;
        match turn.map_err(TaskError::Journal)? {
            journal::Turn::Ours(lease, position) => {
                Ok(Self { journal, credentials, lease, held: Mutex::new(Held { position, renewed }) })
            }
            journal::Turn::Others { active, by } => {
                let lease = TimeDelta::from_std(LEASE).unwrap_or_default();
                Err(TaskError::Busy { by, until: active.map(|active| active + lease) })
            }
        }
    }

    /// The time by the clock of the log bucket, which all runs share.
    pub(super) async fn now(&self) -> Result<DateTime<Utc>, TaskError> {
        open(self.journal, self.credentials).time_in_bucket().await.map_err(TaskError::Journal)
    }

    /// What is under way.
    pub(super) async fn open_list(&self) -> Option<OpenList> {
        self.held.lock().await.position.open.clone()
    }

    /// Records what is under way.
    pub(super) async fn set(&self, open: Option<OpenList>) -> Result<(), TaskError> {
        let mut held = self.held.lock().await;
        let position = Position { open };
        self.renew(&position, &mut held.renewed).await?;
        held.position = position;
        Ok(())
    }

    /// Makes sure that the lease is held, before something is changed.
    pub(super) async fn check(&self) -> Result<(), TaskError> {
        let held = &mut *self.held.lock().await;
        self.renew(&held.position, &mut held.renewed).await
    }

    /// Does `work` while the lease is held, which is renewed `every` so long, and drops it where that is not
    /// known any more.
    pub(super) async fn hold<T>(
        &self,
        work: impl Future<Output = T>,
        every: Duration,
    ) -> Result<T, TaskError> {
        tokio::select! {
            done = work => Ok(done),
            lost = self.keep(every) => Err(lost),
        }
    }

    /// Renews the lease until that fails.
    async fn keep(&self, every: Duration) -> TaskError {
        loop {
            sleep(every).await;
            let held = &mut *self.held.lock().await;
            match self.renew(&held.position, &mut held.renewed).await {
                Ok(()) => {}
                Err(TaskError::Lost) => return TaskError::Lost,
                Err(error) if held.renewed.elapsed() < TRUSTED => {
                    tracing::warn!(%error, "the lease in the log bucket cannot be renewed: trying again");
                }
                Err(error) => return error,
            }
        }
    }

    async fn renew(&self, position: &Position, renewed: &mut Instant) -> Result<(), TaskError> {
        let began = Instant::now();
        match open(self.journal, self.credentials).keep_lease(&self.lease, position).await {
            Ok(Holding::Ours) => {
                *renewed = began;
                Ok(())
            }
            Ok(Holding::Lost(_)) => Err(TaskError::Lost),
            Err(WriteError::Store(error)) => Err(TaskError::Journal(error)),
            Err(unproved @ WriteError::Unproved { .. }) => Err(TaskError::NotRecorded(unproved.to_string())),
        }
    }

    /// Gives the right back.
    pub(crate) async fn end(self) {
        let Held { position, .. } = self.held.into_inner();
        if let Err(error) = open(self.journal, self.credentials).end_lease(&self.lease, &position).await {
            tracing::warn!(%error, "the lease in the log bucket could not be given back: it ends by itself");
        }
    }
}

fn open(journal: &Journal, credentials: &Arc<Credentials>) -> OpenJournal {
    journal.open(Arc::clone(credentials), Instant::now() + TIMEOUT)
}
