//! How much there is to compare, found out beside the comparison: without that there is no remaining time.

use std::convert::Infallible;
use std::future;
use std::time::Duration;

use reconcile::listing::{Holding, Precision};
use reconcile::{Comparison, Side};
use terminal::progress::Progress;
use tokio::time::sleep;

/// How long until an inventory that did not know its rows is asked again: by then it may be read.
const AGAIN: Duration = Duration::from_secs(10);

/// Both sides, for as long as it takes.
pub(super) struct Remaining([Side; 2]);

impl Remaining {
    pub(super) fn new(comparison: &Comparison) -> Self {
        Self([comparison.source.clone(), comparison.destination.clone()])
    }

    /// Shows the progress. The services are asked for their statistics, one request at each side, once it is
    /// seen: short runs make no requests for it.
    pub(super) async fn show(self, progress: &Progress) -> Infallible {
        tokio::select! {
            never = self.total(progress) => never,
            never = progress.show(|_| ()) => never,
        }
    }

    async fn total(self, progress: &Progress) -> Infallible {
        progress.first_shown().await;
        let Self([source, destination]) = self;
        let (source, destination) = tokio::join!(known(&source), known(&destination));
        if let (Some(source), Some(destination)) = (source, destination) {
            progress.set_total_steps(source.saturating_add(destination));
        }
        future::pending().await
    }
}

/// The objects of a side, if their number is known, or nearly so, and no mere bound. The remaining time is an
/// estimate by its pace as well.
async fn known(side: &Side) -> Option<u64> {
    loop {
        match side.holding().await {
            Ok(Some(Holding { precision: Precision::AtMost, .. })) => return None,
            Ok(Some(Holding { objects, .. })) => return Some(objects),
            // Only an inventory learns it later.
            Ok(None) if side.listing.complete_to().is_some() => sleep(AGAIN).await,
            Ok(None) => return None,
            Err(failed) => {
                tracing::debug!(side = side.name, error = %failed, "how many objects it holds is not known");
                return None;
            }
        }
    }
}
