//! What a slice needs, and what it is to do.

use bridge_core::pipeline::Budget;
#[cfg(feature = "s3")]
use object_copy::transfer::S3Bucket;
use object_events::TriggerKeys;
use oss_lite::{BucketName, Client};

use crate::ends::DestinationConfig;
use crate::watch::Watch;

/// What comparisons need. Hosts share one.
#[derive(Clone, Debug)]
pub struct Reconciler {
    /// Where objects come from.
    pub source: SourceBucket,
    /// Where they should be.
    pub destination: DestinationConfig,
    /// How long objects are left alone, and keys to confirmations.
    pub watch: Watch,
}

/// The bucket that events come from.
#[derive(Clone, Debug)]
pub enum SourceBucket {
    /// Of OSS.
    Store {
        /// Its service.
        client: Client,
        /// The bucket.
        bucket: BucketName,
    },
    /// Of Amazon S3.
    #[cfg(feature = "s3")]
    S3 {
        /// Its name.
        name: String,
        /// The bucket.
        bucket: S3Bucket,
    },
}

/// What a slice is to do.
#[derive(Clone, Debug)]
pub struct SliceOptions {
    /// Which keys: those that raise events.
    pub keys: TriggerKeys,
    /// Requests per second at most that list and look at objects.
    pub max_rps: Option<f64>,
    /// The time it has.
    pub budget: Budget,
}
