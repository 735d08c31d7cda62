//! Migration tasks that copy the objects of a list: create, show, list.
//!
//! Pages followed: <https://support.huaweicloud.com/api-oms/CreateTask.md>,
//! <https://support.huaweicloud.com/api-oms/ShowTask.html>,
//! <https://support.huaweicloud.com/api-oms/ListTasks.html>, and the models of `huaweicloudsdkoms`.

mod work;

use std::sync::atomic::Ordering;

use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::OmsError;
use super::tasks::{integer, query};
use crate::cloud::Cloud;
use crate::dialect::Dialect;
use crate::migration_tasks::{KeyPair, MigrationOrder, MigrationStatus, MigrationTask, ObjectOverwrite};
use crate::reply::{Reply, json_reply};

pub(crate) use self::work::migrate_all;

#[derive(Deserialize)]
struct MigrationBody {
    task_type: String,
    src_node: SourceNode,
    dst_node: DestinationNode,
    #[serde(default)]
    description: String,
    object_overwrite_mode: Option<String>,
    enable_failed_object_recording: Option<bool>,
}

#[derive(Deserialize)]
struct SourceNode {
    cloud_type: Option<String>,
    region: String,
    bucket: String,
    ak: String,
    sk: String,
    security_token: Option<String>,
    list_file: ListFile,
}

#[derive(Deserialize)]
struct ListFile {
    obs_bucket: String,
    list_file_key: String,
}

#[derive(Deserialize)]
struct DestinationNode {
    region: String,
    bucket: String,
    ak: String,
    sk: String,
    security_token: Option<String>,
    save_prefix: Option<String>,
}

const LONGEST_DESCRIPTION: usize = 255;
const LONGEST_KEY: usize = 100;

impl MigrationBody {
    /// `None` for what the API refuses.
    fn into_order(self) -> Option<MigrationOrder> {
        let Self { task_type, src_node, dst_node, description, .. } = self;
        let keys = [&src_node.ak, &src_node.sk, &dst_node.ak, &dst_node.sk];
        let odd = |c: char| "^<>&\"'".contains(c);
        if task_type != "list"
            || keys.iter().any(|key| key.is_empty() || key.len() > LONGEST_KEY)
            || description.chars().count() > LONGEST_DESCRIPTION
            || description.contains(odd)
        {
            return None;
        }
        let cloud_type = src_node.cloud_type.unwrap_or_else(|| "Aliyun".to_owned());
        let source = match cloud_type.as_str() {
            "Aliyun" => Dialect::Oss,
            "HuaweiCloud" => Dialect::Obs,
            _ => return None,
        };
        let overwrite = match self.object_overwrite_mode.as_deref() {
            None | Some("SIZE_LAST_MODIFIED_COMPARISON_OVERWRITE") => ObjectOverwrite::BySizeAndTime,
            Some("NO_OVERWRITE") => ObjectOverwrite::Never,
            Some("CRC64_COMPARISON_OVERWRITE") => ObjectOverwrite::ByCrc64,
            Some("FULL_OVERWRITE") => ObjectOverwrite::Always,
            Some(_) => return None,
        };
        Some(MigrationOrder {
            cloud_type,
            source,
            source_region: src_node.region,
            source_bucket: src_node.bucket,
            source_keys: KeyPair {
                access_key: src_node.ak,
                secret_key: src_node.sk,
                security_token: src_node.security_token,
            },
            list_bucket: src_node.list_file.obs_bucket,
            list_key: src_node.list_file.list_file_key,
            destination_region: dst_node.region,
            destination_bucket: dst_node.bucket,
            destination_keys: KeyPair {
                access_key: dst_node.ak,
                secret_key: dst_node.sk,
                security_token: dst_node.security_token,
            },
            save_prefix: dst_node.save_prefix.unwrap_or_default(),
            description,
            overwrite,
            records_failures: self.enable_failed_object_recording.unwrap_or(true),
        })
    }
}

fn no_such_task() -> OmsError {
    OmsError::new(StatusCode::NOT_FOUND, "OMS.0053", "The task does not exist.")
}

fn invalid() -> OmsError {
    OmsError::invalid("Invalid request parameters.")
}

pub(super) fn create(cloud: &Cloud, body: &[u8]) -> Result<Reply, OmsError> {
    // The reason of a refusal would show a part of the body, and there are keys in it.
    let order = serde_json::from_slice::<MigrationBody>(body).ok().and_then(MigrationBody::into_order);
    let tasks = &cloud.migration_tasks;
    let (id, name) = tasks.add(order.ok_or_else(invalid)?, cloud.now());
    tasks.pending.fetch_add(1, Ordering::SeqCst);
    if !tasks.queue(id, Instant::now() + cloud.config.copy_delay) {
        tasks.pending.fetch_sub(1, Ordering::SeqCst);
        return Err(OmsError::new(StatusCode::SERVICE_UNAVAILABLE, "OMS.2004", "Service unavailable."));
    }
    Ok(json_reply(&json!({"id": id, "task_name": name})))
}

pub(super) fn show(cloud: &Cloud, id: &str) -> Result<Reply, OmsError> {
    let id = id.parse().map_err(|_| invalid())?;
    let task = cloud.migration_tasks.get(id).ok_or_else(no_such_task)?;
    Ok(json_reply(&describe(id, &task)))
}

pub(super) fn list(cloud: &Cloud, parts: &Parts) -> Result<Reply, OmsError> {
    let query = query(parts)?;
    let at_least_zero = |name, default: i64| {
        usize::try_from(integer(&query, name)?.unwrap_or(default)).map_err(|_| invalid())
    };
    let (limit, offset) = (at_least_zero("limit", 10)?, at_least_zero("offset", 0)?);
    let status = integer(&query, "status")?;
    if limit > 100 {
        return Err(invalid());
    }
    let mut tasks = cloud.migration_tasks.all();
    tasks.retain(|(_, task)| status.is_none_or(|status| i64::from(u8::from(task.status)) == status));
    let page: Vec<_> = tasks.iter().skip(offset).take(limit).map(|(id, task)| describe(*id, task)).collect();
    Ok(json_reply(&json!({"tasks": page, "count": tasks.len()})))
}

fn describe(id: u64, task: &MigrationTask) -> Value {
    let MigrationTask { order, counts, .. } = task;
    let over = matches!(task.status, MigrationStatus::Failed | MigrationStatus::Succeeded);
    let seen = counts.succeeded + counts.failed + counts.skipped;
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    let progress = if counts.total == 0 { 0.0 } else { seen as f64 / counts.total as f64 };
    let mut shown = json!({
        "id": id,
        "name": task.name,
        "task_type": "list",
        "group_type": "NORMAL_TASK",
        "status": task.status,
        "progress": progress,
        "is_query_over": over,
        "description": order.description,
        "start_time": task.created.timestamp_millis(),
        "total_time": 0,
        "left_time": 0,
        "migrate_speed": 0,
        "total_num": counts.total,
        "successful_num": counts.succeeded,
        "failed_num": counts.failed,
        "skipped_num": counts.skipped,
        "total_size": counts.bytes,
        "complete_size": counts.bytes,
        "real_size": counts.bytes,
        "src_node": {
            "cloud_type": order.cloud_type,
            "region": order.source_region,
            "bucket": order.source_bucket,
            "list_file": {"obs_bucket": order.list_bucket, "list_file_key": order.list_key},
        },
        "dst_node": {
            "region": order.destination_region,
            "bucket": order.destination_bucket,
            "save_prefix": order.save_prefix,
        },
        "enable_failed_object_recording": order.records_failures,
    });
    if let Some((code, message)) = task.error {
        shown["error_reason"] = json!({"error_code": code, "error_msg": message});
    }
    if let Some(key) = &task.failed_list {
        shown["failed_object_record"] = json!({"result": true, "list_file_key": key, "error_code": null});
    }
    shown
}
