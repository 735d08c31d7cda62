//! Sync tasks: creating, showing, listing, starting, stopping, statistics.

use chrono::{DateTime, Utc};
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::statistics::{Series, Statistics};
use super::{ApiError, Oms, PROJECT_ID, SyncTaskHandle, json_reply};
use crate::error::Reply;
use crate::state::Inner;
use crate::sync::lock;
use crate::wire::{Plus, Query};

/// Whether a sync task takes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SyncTaskStatus {
    /// Takes and copies keys.
    Synchronizing,
    /// Refuses events.
    Stopped,
}

#[derive(Debug)]
pub(super) struct Task {
    pub(super) source_bucket: String,
    pub(super) destination_bucket: String,
    pub(super) status: SyncTaskStatus,
    pub(super) statistics: Statistics,
    created: DateTime<Utc>,
    started: DateTime<Utc>,
}

impl Oms {
    pub(crate) fn create_task(&self, source: &str, destination: &str, now: DateTime<Utc>) -> SyncTaskHandle {
        let mut tasks = lock(&self.tasks);
        let id = format!("31e9b7e6-6ffb-452f-9842-{:012x}", tasks.len() + 1);
        let task = Task {
            source_bucket: source.to_owned(),
            destination_bucket: destination.to_owned(),
            status: SyncTaskStatus::Synchronizing,
            statistics: Statistics::default(),
            created: now,
            started: now,
        };
        tasks.insert(id.clone(), task);
        SyncTaskHandle { project_id: PROJECT_ID.to_owned(), sync_task_id: id }
    }

    pub(crate) fn handles(&self) -> Vec<SyncTaskHandle> {
        let tasks = lock(&self.tasks);
        let handle =
            |id: &String| SyncTaskHandle { project_id: PROJECT_ID.to_owned(), sync_task_id: id.clone() };
        tasks.keys().map(handle).collect()
    }

    /// `false` when there is no such task.
    pub(crate) fn set_status(&self, id: &str, status: SyncTaskStatus, now: DateTime<Utc>) -> bool {
        let mut tasks = lock(&self.tasks);
        let Some(task) = tasks.get_mut(id) else {
            return false;
        };
        if status == SyncTaskStatus::Synchronizing {
            task.started = now;
        }
        task.status = status;
        true
    }
}

pub(super) fn set_status(inner: &Inner, id: &str, status: SyncTaskStatus) -> Result<Reply, ApiError> {
    if inner.oms.set_status(id, status, inner.now()) {
        Ok(json_reply(&json!({})))
    } else {
        Err(ApiError::no_such_task())
    }
}

fn query(parts: &Parts) -> Result<Query, ApiError> {
    Query::parse(parts.uri.query().unwrap_or_default(), Plus::Space).map_err(|_| invalid())
}

fn invalid() -> ApiError {
    ApiError::invalid("Invalid request parameters.")
}

/// An integer parameter: `None` when absent.
fn integer(query: &Query, name: &str) -> Result<Option<i64>, ApiError> {
    query.get(name).map(|text| text.parse().map_err(|_| invalid())).transpose()
}

fn time(query: &Query, name: &str) -> Result<DateTime<Utc>, ApiError> {
    let millis = integer(query, name)?.ok_or_else(invalid)?;
    DateTime::from_timestamp_millis(millis).ok_or_else(invalid)
}

fn describe(inner: &Inner, id: &str, task: &Task) -> Value {
    json!({
        "sync_task_id": id,
        "src_cloud_type": "Aliyun",
        "src_region": inner.config.region,
        "src_bucket": task.source_bucket,
        "create_time": task.created.timestamp_millis(),
        "last_start_time": task.started.timestamp_millis(),
        "dst_bucket": task.destination_bucket,
        "dst_region": "cn-north-4",
        "description": "",
        "status": task.status,
        "enable_metadata_migration": true,
        "enable_restore": false,
        "object_overwrite_mode": "SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE",
        "dst_storage_policy": "STANDARD",
        "consistency_check": "size_last_modified",
    })
}

pub(super) fn show(inner: &Inner, id: &str, parts: &Parts) -> Result<Reply, ApiError> {
    let month = time(&query(parts)?, "query_time")?;
    let tasks = lock(&inner.oms.tasks);
    let task = tasks.get(id).ok_or_else(ApiError::no_such_task)?;
    let mut shown = describe(inner, id, task);
    for (name, series) in [
        ("monthly_acceptance_request", Series::Request),
        ("monthly_success_object", Series::Success),
        ("monthly_failure_object", Series::Failure),
        ("monthly_skip_object", Series::Skip),
        ("monthly_size", Series::Size),
    ] {
        shown[name] = json!(task.statistics.month(month, series));
    }
    Ok(json_reply(&shown))
}

pub(super) fn list(inner: &Inner, parts: &Parts) -> Result<Reply, ApiError> {
    let query = query(parts)?;
    let within = |name: &str, default: i64, range: std::ops::RangeInclusive<i64>| {
        let value = integer(&query, name)?.unwrap_or(default);
        if range.contains(&value) { usize::try_from(value).map_err(|_| invalid()) } else { Err(invalid()) }
    };
    let (limit, offset) = (within("limit", 10, 1..=100)?, within("offset", 0, 0..=10_000)?);
    let status = match query.get("status") {
        None => None,
        Some("SYNCHRONIZING") => Some(SyncTaskStatus::Synchronizing),
        Some("STOPPED") => Some(SyncTaskStatus::Stopped),
        Some(_) => return Err(invalid()),
    };
    let tasks = lock(&inner.oms.tasks);
    let wanted: Vec<_> =
        tasks.iter().filter(|(_, task)| status.is_none_or(|status| task.status == status)).collect();
    let page: Vec<_> =
        wanted.iter().skip(offset).take(limit).map(|(id, task)| describe(inner, id, task)).collect();
    Ok(json_reply(&json!({"tasks": page, "count": wanted.len()})))
}

pub(super) fn statistics(inner: &Inner, id: &str, parts: &Parts) -> Result<Reply, ApiError> {
    let query = query(parts)?;
    let names = query.get("data_type").filter(|names| !names.is_empty()).ok_or_else(invalid)?;
    let series = names.split(',').map(Series::parse).collect::<Option<Vec<_>>>().ok_or_else(invalid)?;
    let range = time(&query, "start_time")?.timestamp_millis()..=time(&query, "end_time")?.timestamp_millis();
    let tasks = lock(&inner.oms.tasks);
    let task = tasks.get(id).ok_or_else(ApiError::no_such_task)?;
    let datas: Vec<_> = series
        .into_iter()
        .map(|series| {
            let data: Vec<_> = task
                .statistics
                .between(range.clone(), series)
                .map(|(start, count)| json!({"time_stamp": start, "statistic_num": count}))
                .collect();
            json!({"data_type": series.name(), "data": data})
        })
        .collect();
    Ok(json_reply(&json!({
        "sync_task_id": id,
        "statistic_time_type": "FIVE_MINUTES",
        "statistic_datas": datas,
    })))
}
