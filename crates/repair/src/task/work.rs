//! A run over the lists and tasks of a pair of buckets.

use std::time::Duration;

use bridge_core::journal::BucketPair;
use bridge_core::oms::migration::MigrationOrder;
use object_copy::clock::Clock;
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::Source;
use oss_lite::Bucket;
use reconcile::Side;
use tokio::time::sleep;

use super::TaskForwarder;
use super::error::TaskError;
use super::lists::logged;
use super::position::{OpenList, is_list_of};
use super::turn::{RENEWAL, Turn};

/// First and longest wait between two looks at a task.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A run over the lists and tasks of a pair.
#[derive(Debug)]
pub(crate) struct Work<'t> {
    pub(super) forwarder: &'t TaskForwarder,
    pub(super) pair: BucketPair,
    pub(super) bucket: Bucket,
    pub(super) turn: Turn<'t>,
    pub(super) clock: Clock,
}

/// The bucket that lists are written to: that of the destination, if it is one of OSS or OBS.
pub(crate) fn bucket_of(destination: &Side) -> Option<&Bucket> {
    match &destination.objects {
        Some(Source::Store(bucket)) => Some(bucket),
        _ => None,
    }
}

/// The buckets of an order, whatever the folders: that of one run may lie in that of another, and then two
/// tasks that replace what they find would write the same keys.
pub(super) fn pair_of(order: &MigrationOrder) -> BucketPair {
    let (source, destination) = (&order.source.bucket, &order.destination.bucket);
    BucketPair::new(&format!("oss://{source}/"), &format!("obs://{destination}/"))
}

impl<'t> Work<'t> {
    /// Takes the right to work on the buckets of the order, with lists in `bucket`.
    ///
    /// # Errors
    ///
    /// [`TaskError`], also where another run works on them.
    pub(crate) async fn begin(
        forwarder: &'t TaskForwarder,
        bucket: &Bucket,
        clock: Clock,
    ) -> Result<Self, TaskError> {
        let TaskForwarder { journal, credentials, by, order, .. } = forwarder;
        let pair = pair_of(order);
        let turn = Turn::take(journal, credentials, pair, by).await?;
        Ok(Self { forwarder, pair, bucket: bucket.clone(), turn, clock })
    }

    /// Does `work` while the lease is held, and gives it back.
    ///
    /// # Errors
    ///
    /// When the lease is lost. Then nothing more is done.
    pub(crate) async fn hold<T>(&self, work: impl Future<Output = T>) -> Result<T, TaskError> {
        self.turn.hold(work, RENEWAL).await
    }

    /// Gives the right back, unless it is lost.
    pub(crate) async fn end(self) {
        self.turn.end().await;
    }

    /// Nothing more is to be known of a list.
    pub(super) async fn close(&self, open: &OpenList) -> Result<(), TaskError> {
        self.turn.set(None).await?;
        if is_list_of(&open.list, self.pair) {
            logged(&open.list, self.bucket.delete(&open.list).await);
        }
        Ok(())
    }
}

/// Waits, longer each time.
pub(super) async fn pause(times: u32, stop: &Stop) -> Result<(), TaskError> {
    let wait = FIRST_WAIT.saturating_mul(1_u32.checked_shl(times.min(8) - 1).unwrap_or(1)).min(LONGEST_WAIT);
    tokio::select! {
        () = sleep(wait) => Ok(()),
        () = stop.reached(StopLevel::BeginNothing) => Err(TaskError::Interrupted(None)),
    }
}
