//! What OMS reports about the sync task.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;

use bridge_core::oms::task::{ApiError, ApiErrorKind, OmsApi, Statistics, SyncTask};

const DAY: Duration = Duration::from_hours(24);

/// What OMS reports; the notes say what is missing, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OmsReport {
    /// The task.
    pub task: Option<SyncTask>,
    /// Its counters of the last 24 hours.
    pub last_day: Option<Statistics>,
    /// What is not known, and why.
    pub notes: Vec<String>,
    /// Whether the credentials were refused.
    pub credentials_refused: bool,
    /// Why OMS reported nothing, or not all of it, which is in the notes too.
    #[serde(skip)]
    pub error: Option<ApiError>,
}

impl OmsReport {
    /// Whether a key that is sent now would fail, too. A right to ask that is missing says nothing of that.
    pub(super) fn fails(&self) -> bool {
        self.task.is_none()
            && self.error.as_ref().is_some_and(|error| error.kind() != ApiErrorKind::NotPermitted)
    }
}

/// Asks OMS repeatedly, but never again once it has refused the credentials: more than five bad signatures
/// lock the access key for everybody.
#[derive(Debug)]
pub struct Huawei {
    api: OmsApi,
    refused: Option<ApiError>,
}

impl Huawei {
    /// Asks through `api`.
    pub fn new(api: OmsApi) -> Self {
        Self { api, refused: None }
    }

    pub(super) async fn ask(&mut self, now: DateTime<Utc>) -> OmsReport {
        let mut report = OmsReport::default();
        if let Some(error) = &self.refused {
            report.notes.push(format!("not asked again, since HW_AK/HW_SK were refused: {error}"));
            report.credentials_refused = true;
            report.error = Some(error.clone());
            return report;
        }
        match self.api.show(now).await {
            Ok(task) => report.task = Some(task),
            Err(error) if error.is_credentials() => {
                report.notes.push(format!("HW_AK/HW_SK are refused: {error}"));
                report.credentials_refused = true;
                self.refused = Some(error.clone());
                report.error = Some(error);
                return report;
            }
            Err(error) => {
                report.notes.push(note("sync task", "oms:synctask:get", &error));
                // The second request would fail for the same reason.
                if error.kind() != ApiErrorKind::NotPermitted {
                    report.error = Some(error);
                    return report;
                }
            }
        }
        match self.api.statistics(DAY, now).await {
            Ok(statistics) => report.last_day = Some(statistics),
            Err(error) => {
                report.notes.push(note("statistics", "oms:synctask:statistics", &error));
                report.error = Some(error);
            }
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
