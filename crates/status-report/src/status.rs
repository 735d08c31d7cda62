//! All of it, collected.

use arrival::rounds::RoundState;
use arrival::stats::{self, Arrivals};
use arrival::watch::Watch;
use bridge_core::journal::{OpenJournal, RunKind};
use chrono::{DateTime, Utc};
use oss_lite::Error;
use serde::Serialize;
use settings::text;
use terminal::progress::Progress;

use super::oms::{Huawei, OmsReport};
use super::records::{self, Limits, RecordCounts};

/// Everything that `status` shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// When it was collected.
    pub checked_at: String,
    /// The sync task, which names the journal.
    pub task: String,
    /// The log bucket.
    pub log_bucket: String,
    /// Counts of the failed records.
    #[serde(flatten)]
    pub records: RecordCounts,
    /// How long accepted keys took to arrive.
    pub arrivals: Arrivals,
    /// What the timer found that compares both sides; absent if it never ran.
    pub reconcile: Option<RoundState>,
    /// What OMS reports; absent if OMS is not used.
    pub oms: Option<OmsReport>,
}

/// Reads the log bucket within `limits`, and asks OMS. Listed keys are counted in `progress`.
///
/// # Errors
///
/// When the log bucket cannot be listed. Failures of OMS are part of the result.
pub async fn collect(
    journal: &OpenJournal,
    task: &str,
    huawei: Option<&mut Huawei>,
    limits: Limits,
    watch: Watch,
    progress: &Progress,
    now: DateTime<Utc>,
) -> Result<Status, Error> {
    let oms = async {
        match huawei {
            Some(huawei) => Some(huawei.ask(now).await),
            None => None,
        }
    };
    let arrivals = async {
        // Ages of records are those of the log bucket's clock.
        let now = journal.time_in_bucket().await.unwrap_or(now);
        let limits = stats::Limits { list: limits.list, read: limits.read };
        Box::pin(stats::collect(journal, watch, limits, now)).await
    };
    let (records, arrivals, rounds, oms) = tokio::join!(
        records::collect(journal, limits, progress, now),
        arrivals,
        journal.last_run(RunKind::Reconcile),
        oms
    );
    Ok(Status {
        checked_at: text::time(now),
        task: task.to_owned(),
        log_bucket: journal.bucket_name().to_string(),
        records: records?,
        arrivals: arrivals?,
        reconcile: rounds?,
        oms,
    })
}
