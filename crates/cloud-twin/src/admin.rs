//! The admin API: observing and breaking a twin from another process. JSON in, a line of JSON out.
//!
//! | request | answer |
//! |---|---|
//! | `GET /` | URLs, accounts, sync tasks |
//! | `GET /healthz` | 200, while all connections are used up too |
//! | `GET /stats` | counters |
//! | `GET /accepted` | how often OMS accepted each key |
//! | `GET /batches` | requests for events, in order |
//! | `GET /migration-tasks` | migration tasks, in order |
//! | `GET /callbacks` | callbacks made or lost, in order |
//! | `POST /callbacks/sign` | `{"target","body"}` → the headers that authenticate such a callback |
//! | `GET /failures`, `DELETE /failures` | the failure destination; empties it |
//! | `GET /faults`, `POST /faults`, `DELETE /faults`, `DELETE /faults/{id}` | [`Fault`](crate::Fault) rules |
//! | `GET /buckets/{service}/{name}`, `POST` the same | its keys; creates it |
//! | `GET /buckets/{service}/{name}/uploads` | multipart uploads under way |
//! | `POST /restores/finish` | ends what is under way of restoring archived objects |
//! | `POST /tasks` | `{"source","destination"}` → a sync task |
//! | `POST /tasks/{id}/status` | `{"status":"STOPPED"}` |
//! | `POST /notifications` | a [`Notification`] |
//! | `POST /wait` | [`Wait`]: answers `{"met":true}` once all of it holds |

use std::time::Duration;

use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use http_listener::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::callback;
use crate::cloud::Cloud;
use crate::dialect::Dialect;
use crate::faults::{Fault, FaultId};
use crate::notify::Notification;
use crate::reply::Reply;
use crate::reply::json_line;
use crate::service::Service;
use crate::sync_tasks::SyncTaskStatus;
use crate::wire::{Plus, decode};

const MAX_BODY: usize = 1 << 20;

struct AdminError(StatusCode, String);

impl AdminError {
    fn not_found() -> Self {
        Self(StatusCode::NOT_FOUND, "there is nothing here".to_owned())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTask {
    source: String,
    destination: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    status: SyncTaskStatus,
}

/// A callback to forge: `target` is path and query of its request line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forgery {
    target: String,
    #[serde(default)]
    body: String,
}

fn sign_callback(forgery: &Forgery) -> Value {
    let headers = callback::sign(&forgery.target, forgery.body.as_bytes());
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), Value::from(text(value)))).collect()
}

/// What to wait for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    /// Buckets, each with the number of objects that it must hold at least.
    #[serde(default)]
    objects: Vec<BucketSize>,
    /// Distinct keys that OMS must have accepted at least.
    #[serde(default)]
    accepted: usize,
    /// Whether all deliveries and copies must be done.
    #[serde(default)]
    idle: bool,
    /// Longest wait; then the answer is `{"met":false}`.
    #[serde(default = "default_timeout")]
    timeout_ms: u64,
}

fn default_timeout() -> u64 {
    30_000
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BucketSize {
    service: Service,
    bucket: String,
    count: usize,
}

pub(crate) async fn handle(cloud: &Cloud, request: Request<Body>) -> Reply {
    match route(cloud, request).await {
        Ok(body) => json_line(&body),
        Err(AdminError(status, message)) => {
            let mut reply = json_line(&json!({"error": message}));
            *reply.status_mut() = status;
            reply
        }
    }
}

async fn route(cloud: &Cloud, request: Request<Body>) -> Result<Value, AdminError> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match (parts.method.as_str(), segments.as_slice()) {
        ("GET", []) => Ok(cloud.describe()),
        ("GET", ["healthz"]) => Ok(json!({})),
        ("GET", ["stats"]) => Ok(json!(cloud.stats())),
        ("GET", ["accepted"]) => Ok(json!(*cloud.sync_tasks.accepted.lock())),
        ("GET", ["batches"]) => Ok(json!(*cloud.sync_tasks.batches.lock())),
        ("GET", ["migration-tasks"]) => Ok(json!(cloud.migration_tasks.views())),
        ("GET", ["callbacks"]) => Ok(json!(*cloud.callbacks.attempts.lock())),
        ("POST", ["callbacks", "sign"]) => Ok(sign_callback(&read(body).await?)),
        ("GET", ["failures"]) => Ok(json!(*cloud.notifications.failed.lock())),
        ("DELETE", ["failures"]) => {
            cloud.notifications.failed.lock().clear();
            Ok(json!({}))
        }
        ("POST", ["restores", "finish"]) => {
            for dialect in [Dialect::Oss, Dialect::Obs] {
                cloud.store(dialect).finish_restores(cloud.now());
            }
            cloud.watchers.changed();
            Ok(json!({}))
        }
        ("POST", ["tasks"]) => {
            let task: NewTask = read(body).await?;
            Ok(cloud.describe_task(&cloud.sync_tasks.create_task(
                &task.source,
                &task.destination,
                cloud.now(),
            )))
        }
        ("POST", ["tasks", id, "status"]) => {
            let NewStatus { status } = read(body).await?;
            if cloud.sync_tasks.set_status(id, status, cloud.now()) {
                Ok(json!({}))
            } else {
                Err(AdminError::not_found())
            }
        }
        ("POST", ["notifications"]) => {
            let notification: Notification = read(body).await?;
            let added = cloud.notifications.add(notification);
            added.map(|()| json!({})).map_err(|error| AdminError(StatusCode::BAD_REQUEST, error.to_string()))
        }
        ("POST", ["wait"]) => Ok(json!({"met": wait(cloud, read(body).await?).await})),
        (_, ["faults", id @ ..]) => faults(cloud, &parts.method, id, body).await,
        ("GET", ["buckets", service, name, "uploads"]) => uploads(cloud, service, name),
        (method, ["buckets", service, name]) => bucket(cloud, method, service, name),
        _ => Err(AdminError::not_found()),
    }
}

async fn read<T: DeserializeOwned>(body: Body) -> Result<T, AdminError> {
    let bad = |message: String| AdminError(StatusCode::BAD_REQUEST, message);
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| bad(error.to_string()))?;
    serde_json::from_slice(&body.to_bytes()).map_err(|error| bad(error.to_string()))
}

async fn faults(cloud: &Cloud, method: &Method, id: &[&str], body: Body) -> Result<Value, AdminError> {
    match (method.as_str(), id) {
        ("POST", []) => Ok(json!({"id": cloud.faults.inject(read::<Fault>(body).await?)})),
        ("GET", []) => {
            let rules: Vec<_> = cloud
                .faults
                .list()
                .into_iter()
                .map(|(id, fault, hits)| json!({"id": id, "fault": fault, "hits": hits}))
                .collect();
            Ok(json!(rules))
        }
        ("DELETE", []) => {
            cloud.faults.clear_all();
            Ok(json!({}))
        }
        ("DELETE", [id]) => match id.parse() {
            Ok(id) if cloud.faults.clear(FaultId(id)) => Ok(json!({})),
            _ => Err(AdminError::not_found()),
        },
        _ => Err(AdminError::not_found()),
    }
}

fn dialect(service: &str) -> Option<Dialect> {
    [Dialect::Oss, Dialect::Obs].into_iter().find(|dialect| dialect.service().as_str() == service)
}

fn bucket(cloud: &Cloud, method: &str, service: &str, name: &str) -> Result<Value, AdminError> {
    let dialect = dialect(service).ok_or_else(AdminError::not_found)?;
    let name = decode(name, Plus::Literal).map_err(|_| AdminError::not_found())?;
    let store = cloud.store(dialect);
    match method {
        "POST" => {
            store.create(&name, cloud.now());
            Ok(json!({}))
        }
        "GET" => {
            let bucket = store.bucket(&name).ok_or_else(AdminError::not_found)?;
            Ok(json!(bucket.with_objects(|objects| { objects.keys().cloned().collect::<Vec<_>>() })))
        }
        _ => Err(AdminError::not_found()),
    }
}

fn uploads(cloud: &Cloud, service: &str, name: &str) -> Result<Value, AdminError> {
    let dialect = dialect(service).ok_or_else(AdminError::not_found)?;
    let name = decode(name, Plus::Literal).map_err(|_| AdminError::not_found())?;
    let bucket = cloud.store(dialect).bucket(&name).ok_or_else(AdminError::not_found)?;
    let uploads = bucket.list_uploads().into_iter();
    let shown = uploads.map(|(key, id, parts)| json!({"key": key, "upload_id": id, "parts": parts}));
    Ok(shown.collect())
}

async fn wait(cloud: &Cloud, wait: Wait) -> bool {
    let holds = |size: &BucketSize| {
        let bucket =
            dialect(size.service.as_str()).and_then(|dialect| cloud.store(dialect).bucket(&size.bucket));
        bucket.is_some_and(|bucket| bucket.with_objects(std::collections::BTreeMap::len) >= size.count)
    };
    let met = cloud.watchers.wait_until(|| {
        wait.objects.iter().all(holds)
            && cloud.sync_tasks.accepted.lock().len() >= wait.accepted
            && (!wait.idle || cloud.is_idle())
    });
    tokio::time::timeout(Duration::from_millis(wait.timeout_ms), met).await.is_ok()
}
