//! A bucket of Amazon S3.

use futures_util::TryStreamExt as _;
use object_copy::transfer::S3Bucket;
use oss_lite::ListedObject;

use super::{Listed, Listing, Page, PageStream};

/// The objects of a bucket of Amazon S3.
#[derive(Clone, Debug)]
pub struct S3Listing(S3Bucket);

impl S3Listing {
    /// Those of `bucket`.
    pub fn new(bucket: S3Bucket) -> Self {
        Self(bucket)
    }
}

fn page(objects: Vec<ListedObject>) -> Page {
    Page::of(objects.into_iter().map(Listed::from).collect())
}

impl Listing for S3Listing {
    fn pages(&self, prefix: &str, after: Option<&str>) -> PageStream {
        Box::pin(self.0.pages(prefix, after).map_ok(page))
    }

    fn probe(&self, prefix: &str, after: &str) -> PageStream {
        Box::pin(self.0.single_pages(prefix, after).map_ok(page))
    }

    fn can_seek(&self) -> bool {
        true
    }
}
