//! What OMS reports about the sync task.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use bridge_core::oms::task::{ApiError, ApiErrorKind, OmsApi, Statistics, SyncTask};

const DAY: Duration = Duration::from_hours(24);

/// What OMS reports; the notes say what is missing, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct OmsReport {
    /// The task.
    pub task: Option<SyncTask>,
    /// Its counters of the last 24 hours.
    pub last_day: Option<Statistics>,
    /// What is not known, and why.
    pub notes: Vec<String>,
    /// Whether the credentials were refused.
    pub credentials_refused: bool,
    /// Why they were, which is in the notes too.
    #[serde(skip)]
    pub refusal: Option<String>,
}

/// Asks OMS repeatedly, but never again once it has refused the credentials: more than five bad signatures
/// lock the access key for everybody.
#[derive(Debug)]
pub(crate) struct Huawei {
    api: OmsApi,
    refused: Option<String>,
}

impl Huawei {
    /// Asks through `api`.
    pub(crate) fn new(api: OmsApi) -> Self {
        Self { api, refused: None }
    }

    pub(super) async fn ask(&mut self, now: DateTime<Utc>) -> OmsReport {
        let mut report = OmsReport::default();
        if let Some(error) = &self.refused {
            report.notes.push(format!("not asked again, since HW_AK/HW_SK were refused: {error}"));
            report.credentials_refused = true;
            report.refusal = Some(error.clone());
            return report;
        }
        match self.api.show(now).await {
            Ok(task) => report.task = Some(task),
            Err(error) if error.is_credentials() => {
                report.notes.push(format!("HW_AK/HW_SK are refused: {error}"));
                report.credentials_refused = true;
                report.refusal = Some(error.to_string());
                self.refused = Some(error.to_string());
                return report;
            }
            Err(error) => report.notes.push(note("sync task", "oms:synctask:get", &error)),
        }
        match self.api.statistics(DAY, now).await {
            Ok(statistics) => report.last_day = Some(statistics),
            Err(error) => report.notes.push(note("statistics", "oms:synctask:statistics", &error)),
        }
        report
    }
}

fn note(what: &str, action: &str, error: &ApiError) -> String {
    match error.kind() {
        ApiErrorKind::NotPermitted => format!("{what}: not permitted: grant {action}"),
        _ => format!("{what}: {error}"),
    }
}
