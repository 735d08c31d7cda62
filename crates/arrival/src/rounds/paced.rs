//! A listing that keeps to a rate.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use reconcile::listing::{Listing, PageStream};
use tokio::time::Instant;

use crate::pace::Pace;

/// Each page waits for its turn.
#[derive(Debug)]
pub(super) struct PacedListing<L> {
    pub(super) listing: L,
    pub(super) pace: Arc<Pace>,
    pub(super) deadline: Instant,
}

impl<L: Listing> Listing for PacedListing<L> {
    fn pages(&self, prefix: &str, after: Option<&str>) -> PageStream {
        let (pages, pace, deadline) =
            (self.listing.pages(prefix, after), Arc::clone(&self.pace), self.deadline);
        Box::pin(stream::unfold(pages, move |mut pages| {
            let pace = Arc::clone(&pace);
            async move {
                pace.slot(deadline).await;
                let page = pages.next().await;
                if page.is_none() {
                    // The end takes no request.
                    pace.give_back();
                }
                Some((page?, pages))
            }
        }))
    }
}
