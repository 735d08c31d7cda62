//! Requests about sync tasks: show, list, start, stop, statistics.

use chrono::{DateTime, Utc};
use http::request::Parts;
use serde_json::{Value, json};

use super::OmsError;
use crate::cloud::Cloud;
use crate::reply::{Reply, json_reply};
use crate::sync_tasks::{Series, SyncTask, SyncTaskStatus};
use crate::wire::{Plus, Query};

pub(super) fn set_status(cloud: &Cloud, id: &str, status: SyncTaskStatus) -> Result<Reply, OmsError> {
    if cloud.sync_tasks.set_status(id, status, cloud.now()) {
        Ok(json_reply(&json!({})))
    } else {
        Err(OmsError::no_such_task())
    }
}

pub(super) fn query(parts: &Parts) -> Result<Query, OmsError> {
    Query::parse(parts.uri.query().unwrap_or_default(), Plus::Space).map_err(|_| invalid())
}

fn invalid() -> OmsError {
    OmsError::invalid("Invalid request parameters.")
}

/// An integer parameter: `None` when absent.
pub(super) fn integer(query: &Query, name: &str) -> Result<Option<i64>, OmsError> {
    query.get(name).map(|text| text.parse().map_err(|_| invalid())).transpose()
}

fn time(query: &Query, name: &str) -> Result<DateTime<Utc>, OmsError> {
    let millis = integer(query, name)?.ok_or_else(invalid)?;
    DateTime::from_timestamp_millis(millis).ok_or_else(invalid)
}

fn describe(cloud: &Cloud, id: &str, task: &SyncTask) -> Value {
    json!({
        "sync_task_id": id,
        "src_cloud_type": "Aliyun",
        "src_region": cloud.config.region,
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
        "consistency_check": "crc64",
    })
}

pub(super) fn show(cloud: &Cloud, id: &str, parts: &Parts) -> Result<Reply, OmsError> {
    let month = time(&query(parts)?, "query_time")?;
    let tasks = cloud.sync_tasks.tasks.lock();
    let task = tasks.get(id).ok_or_else(OmsError::no_such_task)?;
    let mut shown = describe(cloud, id, task);
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

pub(super) fn list(cloud: &Cloud, parts: &Parts) -> Result<Reply, OmsError> {
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
    let tasks = cloud.sync_tasks.tasks.lock();
    let wanted: Vec<_> =
        tasks.iter().filter(|(_, task)| status.is_none_or(|status| task.status == status)).collect();
    let page: Vec<_> =
        wanted.iter().skip(offset).take(limit).map(|(id, task)| describe(cloud, id, task)).collect();
    Ok(json_reply(&json!({"tasks": page, "count": wanted.len()})))
}

pub(super) fn statistics(cloud: &Cloud, id: &str, parts: &Parts) -> Result<Reply, OmsError> {
    let query = query(parts)?;
    let names = query.get("data_type").filter(|names| !names.is_empty()).ok_or_else(invalid)?;
    let series = names.split(',').map(Series::parse).collect::<Option<Vec<_>>>().ok_or_else(invalid)?;
    let range = time(&query, "start_time")?.timestamp_millis()..=time(&query, "end_time")?.timestamp_millis();
    let tasks = cloud.sync_tasks.tasks.lock();
    let task = tasks.get(id).ok_or_else(OmsError::no_such_task)?;
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
