//! Everything about one key: both sides, its records, the request that would be sent, what to do next.
//!
//! | module | concern |
//! |---|---|
//! | `side` | an object on either side |
//! | `destination` | the destination bucket |
//! | `entry` | a record of the key |
//! | `advice` | what to do next, decided from all of it |
//! | `render` | all of it, for people |

mod advice;
mod destination;
mod entry;
mod render;
mod side;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use oss_lite::{BucketName, Client, Credentials, Error};
use serde::Serialize;

pub(crate) use self::advice::{Evidence, advise};
pub(crate) use self::destination::DestinationBucket;
pub(crate) use self::entry::Entry;
pub(crate) use self::side::{Side, SideState};
use crate::failure::{End, Failure, FailureKind, of_oms};
use bridge_config::Settings;
use bridge_core::journal::{OpenJournal, Pair, ReadError, RecordStatus};
use bridge_core::oms::task::OmsApi;
use bridge_core::oms::{Preview, preview};
use object_events::change::Provider;

/// Everything about one key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Explanation {
    /// The key.
    pub key: String,
    /// The object in the source bucket.
    pub source: Side,
    /// The object at the destination, if the settings name one.
    pub destination: Option<Side>,
    /// The settings that are not set, where it is not known.
    #[serde(skip)]
    pub unset: Vec<&'static str>,
    /// Its records.
    pub records: KeyRecords,
    /// Whether `INCLUDE` and `EXCLUDE` leave the key out.
    pub filtered_out: bool,
    /// The engine in charge: `oms`, `copy` or `oms-then-copy`.
    pub engine: &'static str,
    /// The request that would be sent to OMS, if OMS is used.
    pub request: Option<Preview>,
    /// Why that request cannot be built.
    pub request_error: Option<String>,
    /// What to do next.
    pub next: Vec<String>,
    /// Whether a service refused the credentials.
    pub credentials_refused: bool,
}

impl Explanation {
    /// Why a side could not be looked at, unless only a right to do so is missing. Refused credentials first.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        let sides = [Some(&self.source), self.destination.as_ref()].into_iter().flatten();
        let rank = |kind| (kind == FailureKind::OutOfReach, kind != FailureKind::Credentials);
        sides.filter_map(Side::failure).min_by_key(|failure| rank(failure.kind()))
    }
}

/// The records of one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct KeyRecords {
    /// The success record; of a key that was confirmed, the one that is kept with it.
    pub success: Option<Entry>,
    /// The last failure, if the key waits for a replay.
    pub failed: Option<Entry>,
    /// The last failure before the key was set aside, if it was.
    pub dead: Option<Entry>,
    /// The failures of earlier events, oldest first.
    pub earlier: Vec<Entry>,
    /// Records that are about another source bucket or another destination: they do not count.
    pub others: Vec<Entry>,
}

impl KeyRecords {
    /// `pair` is what records count of.
    async fn read(journal: &OpenJournal, pair: &Pair, key: &str) -> Result<Self, Error> {
        // Boxed: these futures are large, since each lists and reads.
        let success = Box::pin(success(journal, key));
        let of = |status| Box::pin(failures(journal, status, key));
        let (success, failed, dead) = tokio::join!(success, of(RecordStatus::Failed), of(RecordStatus::Dead));
        // All of them are waited for, so that of several errors the same one is reported each time.
        let is_ours = |entry: &Entry| pair.has(&entry.record);
        let (success, mut others): (Vec<_>, Vec<_>) = success?.into_iter().partition(is_ours);
        let (mut failed, not_ours): (Vec<_>, Vec<_>) = failed?.into_iter().partition(is_ours);
        others.extend(not_ours);
        let (mut dead, not_ours): (Vec<_>, Vec<_>) = dead?.into_iter().partition(is_ours);
        others.extend(not_ours);
        let (newest_failed, newest_dead) = (failed.pop(), dead.pop());
        dead.append(&mut failed);
        dead.sort_by_key(|entry| entry.written);
        let success = success.into_iter().next();
        Ok(Self { success, failed: newest_failed, dead: newest_dead, earlier: dead, others })
    }
}

/// The success record of a key, or the one that was kept when it was confirmed.
async fn success(journal: &OpenJournal, key: &str) -> Result<Option<Entry>, Error> {
    let stored = match journal.success(key).await? {
        Some(stored) => Some(stored),
        None => journal.confirmed_record(key).await?,
    };
    Ok(stored.map(Entry::new))
}

/// The failures of a key with this status, oldest first.
async fn failures(journal: &OpenJournal, status: RecordStatus, key: &str) -> Result<Vec<Entry>, Error> {
    let found = journal.failures_of(status, key).await?;
    let reads = found.iter().map(|failure| journal.stored(failure.name()));
    let mut entries = Vec::with_capacity(found.len());
    for read in join_all(reads).await {
        match read {
            Ok(stored) => entries.push(Entry::new(stored)),
            // A replay has just deleted it, or it is a file of another program.
            Err(ReadError::Vanished | ReadError::TooLarge | ReadError::Malformed(_)) => {}
            Err(ReadError::Store(error)) => return Err(error),
        }
    }
    entries.sort_by(|one, other| (one.written, &one.name).cmp(&(other.written, &other.name)));
    Ok(entries)
}

/// The services that are asked.
#[derive(Debug)]
pub(crate) struct Sources<'s> {
    /// Settings.
    pub settings: &'s Settings,
    /// The log bucket.
    pub journal: &'s OpenJournal,
    /// OSS, where the source bucket is.
    pub source: &'s Client,
    /// The settings of the destination that are not set.
    pub unset: Vec<&'static str>,
    /// Credentials for source and log bucket.
    pub credentials: Arc<Credentials>,
    /// The destination.
    pub destination: Option<&'s DestinationBucket>,
    /// OMS, if it is used. It is asked only if nothing else names the source bucket.
    pub api: Option<&'s OmsApi>,
}

/// Looks everything up. `bucket` is the source bucket, if it is known.
///
/// # Errors
///
/// When the records cannot be looked up.
pub(crate) async fn explain(
    sources: &Sources<'_>,
    key: &str,
    bucket: Option<BucketName>,
    now: DateTime<Utc>,
) -> Result<Explanation, Error> {
    let pair = sources.journal.pair();
    let asked = bucket.as_ref().map(|bucket| (Provider::Configured, bucket.to_string()));
    let pair = asked.map_or_else(|| pair.clone(), |asked| pair.with_source(asked));
    let records = KeyRecords::read(sources.journal, &pair, key).await?;
    let destination = async {
        match sources.destination {
            Some(destination) => Some(destination.look(key).await),
            None => None,
        }
    };
    let (source, destination) = tokio::join!(source(sources, key, bucket, &records, now), destination);
    let settings = sources.settings;
    let request = settings.mode.oms().map(|oms| preview(&oms.sync_url, &oms.huawei, key, now));
    let (request, request_error) = match request {
        Some(Ok(preview)) => (Some(preview), None),
        Some(Err(error)) => (None, Some(error.to_string())),
        None => (None, None),
    };
    let filtered_out = !settings.keys.admits(key);
    let next = advise(&Evidence {
        key,
        source: &source.state,
        destination: destination.as_ref().map(|side| &side.state),
        unset: &sources.unset,
        records: &records,
        oms: settings.mode.oms().map(|oms| oms.sync_url.host()),
        filtered_out,
    });
    let mut explanation = Explanation {
        key: key.to_owned(),
        source,
        destination,
        unset: sources.unset.clone(),
        records,
        filtered_out,
        engine: settings.mode.forward_mode().as_str(),
        request,
        request_error,
        next,
        credentials_refused: false,
    };
    explanation.credentials_refused =
        explanation.failure().is_some_and(|failure| failure.kind() == FailureKind::Credentials);
    Ok(explanation)
}

async fn source(
    sources: &Sources<'_>,
    key: &str,
    bucket: Option<BucketName>,
    records: &KeyRecords,
    now: DateTime<Utc>,
) -> Side {
    let recorded = || {
        let entries = [&records.failed, &records.dead, &records.success];
        entries.into_iter().flatten().find_map(|entry| entry.record.bucket.as_deref()?.parse().ok())
    };
    let set = || sources.settings.source.bucket.clone();
    let bucket = match bucket.or_else(recorded).or_else(set) {
        Some(bucket) => bucket,
        None => match source_bucket_of_task(sources, key, now).await {
            Ok(bucket) => bucket,
            Err(side) => return side,
        },
    };
    let named_by = if set().as_ref() == Some(&bucket) { "SOURCE_BUCKET" } else { "--bucket" };
    let service = &sources.settings.source.service;
    let end = End { service, bucket: bucket.as_str(), named_by };
    let bucket = sources.source.bucket(&bucket, Arc::clone(&sources.credentials));
    Side::look("oss", &bucket, key, end).await
}

/// The source bucket as OMS reports it, or a side that says why it is unknown.
async fn source_bucket_of_task(
    sources: &Sources<'_>,
    key: &str,
    now: DateTime<Utc>,
) -> Result<BucketName, Side> {
    const NAME_IT: &str = "pass --bucket, or set SOURCE_BUCKET";
    let unknown = |why| Side::unknown("oss", key, why, NAME_IT);
    let (Some(api), Some(oms)) = (sources.api, sources.settings.mode.oms()) else {
        return Err(unknown("no record names the source bucket".to_owned()));
    };
    match api.show(now).await {
        Ok(task) => {
            task.src_bucket.parse().map_err(|error| unknown(format!("OMS names no source bucket: {error}")))
        }
        Err(error) => {
            let why = format!("neither a record nor OMS names the source bucket: {error}");
            Err(unknown(why).failing(of_oms(&error, oms.sync_url.host())))
        }
    }
}
