//! Answers of OMS about a sync task.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::oms::reply::is_locked;
use crate::oms::transport::transport;
use http_client::TransportKind;
use object_copy::outcome::EngineError;
use signature_breaker::Shut;

/// A sync task. What the service leaves out is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SyncTask {
    /// `SYNCHRONIZING` or `STOPPED`.
    pub status: String,
    /// Bucket that is copied from.
    pub src_bucket: String,
    /// Its region.
    pub src_region: String,
    /// Bucket that is copied to.
    pub dst_bucket: String,
    /// Its region.
    pub dst_region: String,
    /// How OMS decides whether two objects are the same.
    pub consistency_check: String,
    /// Whether user metadata is copied.
    pub enable_metadata_migration: bool,
    /// Keys received this month.
    pub monthly_acceptance_request: u64,
    /// Objects copied this month.
    pub monthly_success_object: u64,
    /// Objects that could not be copied this month.
    pub monthly_failure_object: u64,
    /// Objects left out this month.
    pub monthly_skip_object: u64,
    /// Bytes copied this month.
    pub monthly_size: u64,
}

impl SyncTask {
    /// Whether it takes events.
    pub fn is_running(&self) -> bool {
        self.status == "SYNCHRONIZING"
    }

    /// Its counters of the month.
    pub fn month(&self) -> Statistics {
        Statistics {
            requested: self.monthly_acceptance_request,
            succeeded: self.monthly_success_object,
            failed: self.monthly_failure_object,
            skipped: self.monthly_skip_object,
            bytes: self.monthly_size,
        }
    }
}

/// Statistics of a sync task for some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Keys received.
    pub requested: u64,
    /// Objects copied.
    pub succeeded: u64,
    /// Objects that could not be copied.
    pub failed: u64,
    /// Objects left out, since the destination has them already.
    pub skipped: u64,
    /// Bytes copied.
    pub bytes: u64,
}

/// The body of `ListSyncTaskStatistic`.
#[derive(Deserialize)]
pub(super) struct Series {
    #[serde(default)]
    statistic_datas: Vec<CounterSeries>,
}

#[derive(Deserialize)]
struct CounterSeries {
    data_type: String,
    #[serde(default)]
    data: Vec<Interval>,
}

#[derive(Deserialize)]
struct Interval {
    #[serde(default)]
    statistic_num: u64,
}

impl Series {
    pub(super) fn total(&self) -> Statistics {
        let mut total = Statistics::default();
        for series in &self.statistic_datas {
            let counter = match series.data_type.as_str() {
                "REQUEST" => &mut total.requested,
                "SUCCESS" => &mut total.succeeded,
                "FAILURE" => &mut total.failed,
                "SKIP" => &mut total.skipped,
                "SIZE" => &mut total.bytes,
                _ => continue,
            };
            *counter += series.data.iter().map(|interval| interval.statistic_num).sum::<u64>();
        }
        total
    }
}

/// Why a request about a task was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// The credentials can sign nothing. User action: correct `HW_AK`, `HW_SK` or the token.
    Unsigned,
    /// No answer. User action: check `SYNC_URL` and the network.
    Unreachable(TransportKind),
    /// An answer that is not one of OMS. User action: check `SYNC_URL`, and proxies on the way.
    NotOms,
    /// The signature or the key was refused. User action: check `HW_AK` and `HW_SK`; send no more before
    /// that.
    CredentialsRefused,
    /// The gateway has locked the access key for five minutes. User action: wait, check `HW_SK`.
    Locked,
    /// The signature is good, the permission is missing. User action: grant the action in IAM.
    NotPermitted,
    /// There is no such task. User action: check `SYNC_URL`.
    NoSuchTask,
    /// Anything else. User action: see code and message.
    Rejected,
}

/// A request about a task that was not answered. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ApiError {
    kind: ApiErrorKind,
    error: EngineError,
    request_id: Option<String>,
}

impl ApiError {
    fn new(kind: ApiErrorKind, error: EngineError) -> Self {
        Self { kind, error, request_id: None }
    }

    /// No answer.
    pub(super) fn transport(error: reqwest::Error) -> Self {
        Self::new(ApiErrorKind::Unreachable(TransportKind::of(&error)), transport(error))
    }

    /// No request, or an answer that OMS does not give.
    pub(super) fn local(message: impl Into<String>) -> Self {
        Self::new(ApiErrorKind::NotOms, EngineError::local(message))
    }

    pub(super) fn unsigned(error: &apig_signer::Error) -> Self {
        Self::new(ApiErrorKind::Unsigned, EngineError::local(format!("cannot sign the request: {error}")))
    }

    /// Not sent, since the credentials were refused a moment ago.
    pub(super) fn withheld(shut: &Shut) -> Self {
        Self::new(ApiErrorKind::CredentialsRefused, EngineError::local(shut.to_string()))
    }

    pub(super) fn refused(error: EngineError, request_id: Option<String>) -> Self {
        let kind = match error.status {
            // Success that is not OMS's, or broke off.
            Some(200..=299) if error.code.is_none() => ApiErrorKind::NotOms,
            Some(401) if is_locked(&error) => ApiErrorKind::Locked,
            Some(401) => ApiErrorKind::CredentialsRefused,
            // Errors of OMS and of its gateway have a code.
            Some(300..=499) if error.code.is_none() => ApiErrorKind::NotOms,
            Some(403) => ApiErrorKind::NotPermitted,
            Some(404) => ApiErrorKind::NoSuchTask,
            // The codes of a task that does not exist, or not for this user.
            _ if matches!(error.code.as_deref(), Some("OMS.0053" | "OMS.0054")) => ApiErrorKind::NoSuchTask,
            _ => ApiErrorKind::Rejected,
        };
        Self { kind, error, request_id }
    }

    /// The kind, to act on.
    pub fn kind(&self) -> ApiErrorKind {
        self.kind
    }

    /// Whether OMS itself failed or throttles (5xx, 429), so that the same request may succeed later.
    pub fn is_of_service(&self) -> bool {
        self.error.status.is_some_and(|status| status >= 500 || status == 429)
    }

    /// Whether the credentials are at fault: the same request would only bring the lock of the key nearer.
    pub fn is_credentials(&self) -> bool {
        use ApiErrorKind::{CredentialsRefused, Locked, Unsigned};
        matches!(self.kind, Unsigned | CredentialsRefused | Locked)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)?;
        self.request_id.as_ref().map_or(Ok(()), |id| write!(f, " (request id {id})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str, message: &str) -> ApiErrorKind {
        let error = EngineError { status: Some(status), code: Some(code.into()), message: message.into() };
        ApiError::refused(error, None).kind()
    }

    #[test]
    fn statistics_are_summed_by_kind() {
        let body = r#"{"sync_task_id":"t","statistic_time_type":"FIVE_MINUTES","statistic_datas":[
            {"data_type":"REQUEST","data":[{"time_stamp":1,"statistic_num":42},{"time_stamp":2,"statistic_num":1}]},
            {"data_type":"SIZE","data":[{"time_stamp":1,"statistic_num":7}]},{"data_type":"SUCCESS","data":[]},
            {"data_type":"NEW","data":[{"time_stamp":1,"statistic_num":9}]}]}"#;
        let series: Series = serde_json::from_str(body).unwrap();
        assert_eq!(series.total(), Statistics { requested: 43, bytes: 7, ..Statistics::default() });
        let empty: Series = serde_json::from_str("{}").unwrap();
        assert_eq!(empty.total(), Statistics::default());
    }

    #[test]
    fn a_task_is_read_from_what_is_there() {
        let task: SyncTask =
            serde_json::from_str(r#"{"status":"STOPPED","src_bucket":"s","new":1,"monthly_size":5}"#)
                .unwrap();
        assert!(!task.is_running());
        assert_eq!((&*task.src_bucket, task.month().bytes), ("s", 5));
    }

    #[test]
    fn refusals_are_told_apart() {
        let limit = "AK access failed to reach the limit,forbidden";
        for (status, code, message, expected) in [
            (401, "APIGW.0301", "verify aksk signature fail", ApiErrorKind::CredentialsRefused),
            (401, "APIGW.0301", limit, ApiErrorKind::Locked),
            (403, "OMS.0206", "no", ApiErrorKind::NotPermitted),
            (404, "OMS.1", "no", ApiErrorKind::NoSuchTask),
            (400, "OMS.0054", "invalid task", ApiErrorKind::NoSuchTask),
            (400, "OMS.0064", "no", ApiErrorKind::Rejected),
            (503, "OMS.2004", "later", ApiErrorKind::Rejected),
        ] {
            assert_eq!(refused(status, code, message), expected, "{status} {code}");
        }
    }
}
