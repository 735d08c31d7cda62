//! Everything about one key: both sides, its records, the request that would be sent, what to do next.
//!
//! | module | concern |
//! |---|---|
//! | `side` | an object on either side |
//! | `destination` | where the other side is |
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
use oss_lite::{BucketName, Client, Credentials, Error};
use serde::Serialize;

pub use self::advice::{Evidence, advise};
pub use self::destination::{BadDestination, Destination, DestinationArgs, Identity};
pub use self::entry::Entry;
pub use self::side::{Side, State};
use crate::config::Settings;
use crate::engine::oms::{Preview, preview};
use crate::journal::{OpenJournal, Shelf};
use crate::oms_api::OmsApi;

/// Everything about one key.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The key.
    pub key: String,
    /// The object in the source bucket.
    pub source: Side,
    /// The object at the destination, where it is known where that is.
    pub destination: Option<Side>,
    /// Its records.
    pub records: Entries,
    /// Whether `INCLUDE` and `EXCLUDE` leave the key out.
    pub filtered_out: bool,
    /// The request that would be sent.
    pub request: Option<Preview>,
    /// Why there is none.
    pub request_error: Option<String>,
    /// What to do next.
    pub next: Vec<String>,
    /// Whether some credentials were refused on the way.
    pub credentials_refused: bool,
}

/// The records of one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Entries {
    /// It was accepted.
    pub success: Option<Entry>,
    /// It failed and waits for a replay.
    pub failed: Option<Entry>,
    /// It failed too often.
    pub dead: Option<Entry>,
}

/// Where the answers come from.
#[derive(Debug)]
pub struct Sources<'s> {
    /// Settings.
    pub settings: &'s Settings,
    /// The log bucket.
    pub journal: &'s OpenJournal,
    /// OSS, where the source bucket is.
    pub source: &'s Client,
    /// What opens it.
    pub credentials: Arc<Credentials>,
    /// The other side.
    pub destination: Option<&'s Destination>,
    /// OMS, which is asked only where nothing else tells the source bucket.
    pub api: &'s OmsApi,
}

/// Looks everything up. `bucket` is the source bucket, where it is known.
///
/// # Errors
///
/// When the records cannot be looked up.
pub async fn explain(
    sources: &Sources<'_>,
    key: &str,
    bucket: Option<BucketName>,
    now: DateTime<Utc>,
) -> Result<Explanation, Error> {
    let find = |shelf| async move { Ok::<_, Error>(sources.journal.find(shelf, key).await?.map(Entry::new)) };
    let (success, failed, dead) =
        tokio::try_join!(find(Shelf::Success), find(Shelf::Failed), find(Shelf::Dead))?;
    let records = Entries { success, failed, dead };
    let destination = async {
        match sources.destination {
            Some(destination) => Some(destination.look(key).await),
            None => None,
        }
    };
    let (source, destination) = tokio::join!(source(sources, key, bucket, &records, now), destination);
    let settings = sources.settings;
    let (request, request_error) = match preview(&settings.sync_url, &settings.huawei, key, now) {
        Ok(preview) => (Some(preview), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let filtered_out = !settings.keys.admits(key);
    let next = advise(&Evidence {
        key,
        source: &source.state,
        destination: destination.as_ref().map(|side| &side.state),
        records: &records,
        filtered_out,
    });
    let credentials_refused =
        [Some(&source), destination.as_ref()].into_iter().flatten().any(Side::is_refused);
    Ok(Explanation {
        key: key.to_owned(),
        source,
        destination,
        records,
        filtered_out,
        request,
        request_error,
        next,
        credentials_refused,
    })
}

async fn source(
    sources: &Sources<'_>,
    key: &str,
    bucket: Option<BucketName>,
    records: &Entries,
    now: DateTime<Utc>,
) -> Side {
    let recorded = || {
        let entries = [&records.failed, &records.dead, &records.success];
        entries.into_iter().flatten().find_map(|entry| entry.record.bucket.as_deref()?.parse().ok())
    };
    let bucket = match bucket.or_else(recorded) {
        Some(bucket) => bucket,
        None => match sources.api.show(now).await {
            Ok(task) => match task.src_bucket.parse() {
                Ok(bucket) => bucket,
                Err(error) => {
                    return Side::unknown("oss", key, format!("OMS names no source bucket: {error}"));
                }
            },
            Err(error) => {
                let why = format!("no record and not OMS tells the source bucket, give --bucket: {error}");
                let side = Side::unknown("oss", key, why);
                return if error.is_credentials() { side.refused() } else { side };
            }
        },
    };
    let bucket = sources.source.bucket(&bucket, Arc::clone(&sources.credentials));
    Side::look("oss", &bucket, key).await
}
