//! Answers of OMS about a sync task.

use serde::{Deserialize, Serialize};

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
