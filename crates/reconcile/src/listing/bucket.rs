//! A bucket of OSS or OBS.

use futures_util::TryStreamExt as _;
use object_copy::transfer::TransferError;
use oss_lite::{Bucket, BucketUsage, ListOptions};

use super::{Holding, HoldingFuture, KnownBy, Listed, Listing, Page, PageStream, Precision};

/// The objects of a bucket of OSS or OBS.
#[derive(Clone, Debug)]
pub struct BucketListing(Bucket);

impl BucketListing {
    /// Those of `bucket`.
    pub fn new(bucket: Bucket) -> Self {
        Self(bucket)
    }
}

impl BucketListing {
    fn listed(&self, options: ListOptions) -> PageStream {
        let pages = self.0.list(options).map_err(TransferError::of_source);
        Box::pin(pages.map_ok(|page| Page::of(page.objects.into_iter().map(Listed::from).collect())))
    }
}

fn options(prefix: &str, after: Option<&str>) -> ListOptions {
    ListOptions {
        prefix: Some(prefix.to_owned()),
        start_after: after.map(str::to_owned),
        ..ListOptions::default()
    }
}

impl Listing for BucketListing {
    fn pages(&self, prefix: &str, after: Option<&str>) -> PageStream {
        self.listed(options(prefix, after))
    }

    fn probe(&self, prefix: &str, after: &str) -> PageStream {
        self.listed(ListOptions { page_size: 1, ..options(prefix, Some(after)) })
    }

    fn can_seek(&self) -> bool {
        true
    }

    fn holding(&self) -> HoldingFuture {
        let bucket = self.0.clone();
        Box::pin(async move {
            let BucketUsage { objects, bytes, .. } =
                bucket.usage().await.map_err(TransferError::of_source)?;
            let (precision, bytes) = (Precision::About, Some(bytes));
            Ok(Some(Holding { objects, precision, bytes, known_by: KnownBy::Statistics }))
        })
    }
}
