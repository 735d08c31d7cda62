//! How long keys take to arrive, and how many did not, from listings of the log bucket.
//!
//! | module | concern |
//! |---|---|
//! | `histogram` | a distribution of times |
//! | `collect` | the listings, added up |

mod collect;
mod histogram;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

pub use self::collect::{Limits, collect};
pub use self::histogram::Histogram;

/// The share of keys that the services' own replications promise to copy in time; OMS promises nothing.
pub const GOAL: f64 = 0.9999;

/// What is known of the arrival of accepted keys. The names are those of the replication metrics of Amazon
/// S3.
///
/// `None` where a figure needs records that were not read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Arrivals {
    /// From the event to the arrival, of keys that were confirmed: `ReplicationLatency`.
    pub replication_latency: Histogram,
    /// From the event to the acceptance.
    pub event_to_accepted: Histogram,
    /// From the acceptance to the arrival.
    pub accepted_to_arrived: Histogram,
    /// After this time a key is late.
    #[serde(rename = "threshold_s", serialize_with = "seconds")]
    pub threshold: Duration,
    /// Keys that arrived within the threshold.
    pub arrived_within_threshold: u64,
    /// Keys that arrived, and are not known to be late or in time: the time of the event or of the arrival is
    /// missing, as in records of earlier versions, and of removals.
    pub arrived_at_unknown_time: u64,
    /// The share of those that arrived within the threshold, of all of which it is known, that were given up,
    /// or are late.
    pub share_within_threshold: Option<f64>,
    /// Keys that arrived after it: `OperationReplicatedAfterThreshold`.
    pub operations_replicated_after_threshold: u64,
    /// Keys that are late now, and have not arrived: `OperationMissedThreshold`.
    pub operations_missed_threshold: u64,
    /// Keys that were accepted, and not confirmed yet, the late ones included:
    /// `OperationsPendingReplication`.
    pub operations_pending_replication: u64,
    /// Their bytes, as the events said, if the records of all of them were read: `BytesPendingReplication`.
    pub bytes_pending_replication: Option<u64>,
    /// Keys that were given up; those that wait for a replay are not among them:
    /// `OperationsFailedReplication`.
    pub operations_failed_replication: u64,
    /// The key that has been waiting longest for its confirmation.
    pub oldest_unconfirmed: Option<OldestUnconfirmed>,
    /// Keys that were confirmed.
    pub confirmed: u64,
    /// By what.
    pub confirmed_by: ByProof,
    /// How often keys were sent again because they had not arrived.
    pub resent: u64,
    /// Keys that were copied directly after that.
    pub copied: u64,
    /// Keys whose direct copy failed and waits for a replay.
    pub copies_failed: u64,
    /// Keys that were given up.
    pub dead: u64,
    /// Keys that were gone from the source before they arrived.
    pub removed: u64,
    /// Keys that are not looked at any more: accepted before confirmations began, or too long ago.
    pub not_watched: u64,
    /// What happened in each hour in which something did.
    #[serde(serialize_with = "hours")]
    pub hours: BTreeMap<DateTime<Utc>, Hour>,
    /// Whether all records were listed.
    pub complete: bool,
}

/// Confirmed keys by what showed that they arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ByProof {
    /// The CRC-64 of both sides.
    pub crc64: u64,
    /// The MD5 of both sides.
    pub md5: u64,
    /// The source's `ETag` in the metadata of the copy.
    pub source_etag: u64,
    /// The size, and that the copy is not older than the source.
    pub size: u64,
    /// The copy is there.
    pub presence: u64,
    /// The copy of a removed object is gone.
    pub absence: u64,
}

/// The key that has been waiting longest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OldestUnconfirmed {
    /// The key, or its hash if the key is too long for a name.
    pub key: String,
    /// When it was accepted.
    pub since: String,
    /// Seconds since then.
    pub age_s: i64,
}

/// What happened in an hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hour {
    /// Keys that were confirmed in it.
    pub confirmed: u64,
    /// Of these, those that had arrived after the threshold.
    pub late: u64,
    /// Keys that were sent again.
    pub resent: u64,
    /// Keys that were copied directly.
    pub copied: u64,
    /// Keys that were given up.
    pub dead: u64,
    /// Keys that were found gone from the source.
    pub removed: u64,
    /// From event to arrival, of the confirmed keys.
    #[serde(serialize_with = "quantiles", flatten)]
    pub latency: Histogram,
    /// The longest time from event to arrival of the confirmed keys.
    #[serde(rename = "slowest_s", serialize_with = "seconds")]
    pub slowest: Duration,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

/// The buckets of each hour would be most of the JSON.
fn quantiles<S: Serializer>(times: &Histogram, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Quantiles {
        p50_s: Option<f64>,
        p99_s: Option<f64>,
    }
    let seconds = |share| times.quantile(share).map(|time| time.as_secs_f64());
    Quantiles { p50_s: seconds(0.5), p99_s: seconds(0.99) }.serialize(serializer)
}

fn hours<S: Serializer>(hours: &BTreeMap<DateTime<Utc>, Hour>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Named<'h> {
        hour: String,
        #[serde(flatten)]
        counts: &'h Hour,
    }
    let named = hours.iter().map(|(hour, counts)| Named { hour: settings::text::time(*hour), counts });
    serializer.collect_seq(named)
}
