//! What failed, how long ago and why; what OMS reports.
//!
//! | module | concern |
//! |---|---|
//! | `records` | the failed records, counted as they are listed |
//! | `oms` | the sync task and its counters |
//! | `render` | both, for people |

mod oms;
mod records;
mod render;

use chrono::{DateTime, Utc};
use oss_lite::Error;
use serde::Serialize;

pub(crate) use self::oms::{Huawei, OmsReport};
pub(crate) use self::records::{Latest, Limits, RecordCounts};
use bridge_core::journal::OpenJournal;
use settings::text;
use terminal::progress::Progress;

/// Everything that `status` shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Status {
    /// When it was so.
    pub checked_at: String,
    /// What the journal is named by: the sync task.
    pub task: String,
    /// The log bucket.
    pub log_bucket: String,
    /// What the log bucket holds.
    #[serde(flatten)]
    pub records: RecordCounts,
    /// What OMS says; absent where it has no part.
    pub oms: Option<OmsReport>,
}

/// Looks at log bucket and OMS within `limits`, and counts for `progress` what is listed.
///
/// # Errors
///
/// When the log bucket cannot be listed. What OMS does not tell is part of the result.
pub(crate) async fn collect(
    journal: &OpenJournal,
    task: &str,
    huawei: Option<&mut Huawei>,
    limits: Limits,
    progress: &Progress,
    now: DateTime<Utc>,
) -> Result<Status, Error> {
    let oms = async {
        match huawei {
            Some(huawei) => Some(huawei.ask(now).await),
            None => None,
        }
    };
    let (records, oms) = tokio::join!(records::collect(journal, limits, progress, now), oms);
    Ok(Status {
        checked_at: text::time(now),
        task: task.to_owned(),
        log_bucket: journal.bucket_name().to_string(),
        records: records?,
        oms,
    })
}
