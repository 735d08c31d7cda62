//! Object Storage Migration Service: sync tasks, their events and statistics, migration tasks.
//!
//! Pages followed: <https://support.huaweicloud.com/intl/en-us/api-oms/CreateSyncEvents.html>,
//! <https://support.huaweicloud.com/api-oms/ShowSyncTask.md>,
//! <https://support.huaweicloud.com/api-oms/ListSyncTasks.html>,
//! <https://support.huaweicloud.com/api-oms/ListSyncTaskStatistic.html>.

mod copy;
mod events;
mod migration;
mod tasks;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use http_listener::Body;
use serde_json::json;

pub(crate) use self::copy::copy_all;
pub(crate) use self::migration::migrate_all;
use crate::auth::apig;
use crate::cloud::Cloud;
use crate::connection::{Aborted, Connection};
use crate::content::Content;
use crate::faulted::Faulted;
use crate::faults::{FaultResponse, Probe, Stage};
use crate::observe::TwinEvent;
use crate::policy;
use crate::reply::{Reply, insert_text, json_reply};
use crate::service::Service;
use crate::sync_tasks::{OmsBatch, PROJECT_ID, SyncTaskStatus};

/// Largest body a signed request may have.
const MAX_BODY: usize = 12 << 20;
/// A refusal in OMS's or the gateway's words.
struct OmsError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl OmsError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    fn invalid(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "OMS.0064", message)
    }

    fn no_such_task() -> Self {
        Self::new(StatusCode::NOT_FOUND, "OMS.0054", "The synchronization task does not exist.")
    }

    fn no_such_api() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "APIGW.0101",
            "The API does not exist or has not been published in the environment",
        )
    }
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
enum Route<'a> {
    List,
    Show(&'a str),
    Events(&'a str),
    Statistics(&'a str),
    Start(&'a str),
    Stop(&'a str),
    CreateMigration,
    ListMigrations,
    ShowMigration(&'a str),
    Unknown,
}

impl<'a> Route<'a> {
    fn of(method: &Method, path: &'a str) -> Self {
        let project = path.strip_prefix("/v2/").and_then(|rest| rest.strip_prefix(PROJECT_ID));
        let segments: Vec<_> = project.unwrap_or_default().split('/').skip(1).collect();
        match (method.as_str(), segments.as_slice()) {
            ("GET", ["sync-tasks"]) => Self::List,
            ("GET", ["sync-tasks", id]) => Self::Show(id),
            ("POST", ["sync-tasks", id, "events"]) => Self::Events(id),
            ("GET", ["sync-tasks", id, "statistics"]) => Self::Statistics(id),
            ("POST", ["sync-tasks", id, "start"]) => Self::Start(id),
            ("POST", ["sync-tasks", id, "stop"]) => Self::Stop(id),
            ("POST", ["tasks"]) => Self::CreateMigration,
            ("GET", ["tasks"]) => Self::ListMigrations,
            ("GET", ["tasks", id]) => Self::ShowMigration(id),
            _ => Self::Unknown,
        }
    }

    const fn operation(self) -> &'static str {
        match self {
            Self::List => "ListSyncTasks",
            Self::Show(_) => "ShowSyncTask",
            Self::Events(_) => "CreateSyncEvents",
            Self::Statistics(_) => "ListSyncTaskStatistic",
            Self::Start(_) => "StartSyncTask",
            Self::Stop(_) => "StopSyncTask",
            Self::CreateMigration => "CreateTask",
            Self::ListMigrations => "ListTasks",
            Self::ShowMigration(_) => "ShowTask",
            Self::Unknown => "Unknown",
        }
    }
}

/// Answers one request to OMS.
pub(crate) async fn handle(
    cloud: &Cloud,
    connection: &Connection,
    request: Request<Body>,
) -> Result<Reply, Aborted> {
    let (parts, body) = request.into_parts();
    let request_id = cloud.request_id(Service::Oms);
    let route = Route::of(&parts.method, parts.uri.path());
    let (outcome, keys) = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => respond(cloud, connection, &parts, route, &body.to_bytes(), &request_id).await,
        Err(error) if error.is::<LengthLimitError>() => {
            let error =
                OmsError::new(StatusCode::PAYLOAD_TOO_LARGE, "APIGW.0201", "Request entity too large");
            (Ok(reply_of(&error, &request_id)), Vec::new())
        }
        Err(_) => (Err(Aborted), Vec::new()),
    };
    let status = outcome.as_ref().ok().map(Response::status);
    cloud.counters.request(Service::Oms, route.operation(), status);
    if matches!(route, Route::Events(_)) && status != Some(StatusCode::OK) {
        cloud
            .watchers
            .emit(|| TwinEvent::OmsRefused { status: status.map_or(0, |status| status.as_u16()), keys });
    }
    cloud.watchers.changed();
    let mut reply = outcome?;
    insert_text(reply.headers_mut(), http::HeaderName::from_static("x-request-id"), &request_id);
    reply.headers_mut().insert(header::SERVER, HeaderValue::from_static("api-gateway"));
    reply.headers_mut().insert(header::DATE, cloud.http_date());
    Ok(reply)
}

/// The answer, and the keys of a batch of events.
async fn respond(
    cloud: &Cloud,
    connection: &Connection,
    parts: &Parts,
    route: Route<'_>,
    body: &Bytes,
    request_id: &str,
) -> (Result<Reply, Aborted>, Vec<String>) {
    let batch = match route {
        Route::Events(_) => Some(events::Batch::parse(body)),
        _ => None,
    };
    let keys = batch.as_ref().map(events::Batch::shown).unwrap_or_default();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let (service, method, headers) = (Service::Oms, parts.method.as_str(), &parts.headers);
    let probe = Probe { stage: Stage::Request, service, method, path, keys: &keys, headers };
    let fault = match Faulted::meet(cloud.pick_fault(&probe), &cloud.faults, connection).await {
        Ok(fault) => fault,
        Err(aborted) => return (Err(aborted), keys),
    };
    let tampered = match fault {
        Faulted::ResetMidRequest => {
            connection.reset();
            return (Err(Aborted), keys);
        }
        Faulted::CorruptRequest => Some(Content::from(body.clone()).with_flipped_middle().to_bytes()),
        _ => None,
    };
    let body = tampered.as_ref().unwrap_or(body);
    if let Faulted::Proxy(response) = &fault {
        return (Ok(response.proxy_reply()), keys);
    }
    let reply = if let Faulted::Instead(response) = &fault {
        if authenticate(cloud, parts, body).is_ok() {
            record(cloud, route, &keys, response.status);
        }
        instead(response, request_id)
    } else {
        let outcome = authenticate(cloud, parts, body);
        let outcome = match outcome {
            Ok(()) => {
                let outcome =
                    permit(cloud, parts, route).and_then(|()| dispatch(cloud, parts, route, batch, body));
                let status = outcome.as_ref().map_or_else(|error| error.status, Response::status);
                record(cloud, route, &keys, status.as_u16());
                outcome
            }
            Err(error) => {
                // A request that is not signed at all, as to see whether somebody is there, tries no key.
                if parts.headers.contains_key(header::AUTHORIZATION) {
                    cloud.counters.bad_signature(Service::Oms);
                }
                Err(error)
            }
        };
        outcome.unwrap_or_else(|error| reply_of(&error, request_id))
    };
    (Ok(fault.after(connection, reply, |response| instead(&response, request_id))), keys)
}

fn authenticate(cloud: &Cloud, parts: &Parts, body: &[u8]) -> Result<(), OmsError> {
    let accounts = &cloud.config.huawei_accounts;
    apig::verify(parts, body, accounts, &cloud.failures, cloud.now()).map_err(|apig::ApigRefusal(text)| {
        let message = format!("Incorrect IAM authentication information: {text}");
        OmsError::new(StatusCode::UNAUTHORIZED, "APIGW.0301", message)
    })
}

/// Checks the policies of the caller.
fn permit(cloud: &Cloud, parts: &Parts, route: Route<'_>) -> Result<(), OmsError> {
    let Some(access_key) = policy::of_apig(&parts.headers) else { return Ok(()) };
    let needs = policy::of_oms(route.operation());
    cloud.permit(Service::Oms, &access_key, &needs).map_err(|_| {
        let message = "Insufficient permissions. You do not have the OMS operation permissions.";
        OmsError::new(StatusCode::FORBIDDEN, "OMS.0206", message)
    })
}

fn record(cloud: &Cloud, route: Route<'_>, keys: &[String], status: u16) {
    if let Route::Events(id) = route {
        let batch = OmsBatch { time: cloud.now(), sync_task_id: id.to_owned(), keys: keys.to_vec(), status };
        cloud.sync_tasks.batches.lock().push(batch);
    }
}

fn dispatch(
    cloud: &Cloud,
    parts: &Parts,
    route: Route<'_>,
    batch: Option<events::Batch>,
    body: &[u8],
) -> Result<Reply, OmsError> {
    match (route, batch) {
        (Route::Events(id), Some(batch)) => events::create(cloud, id, batch),
        (Route::List, _) => tasks::list(cloud, parts),
        (Route::Show(id), _) => tasks::show(cloud, id, parts),
        (Route::Statistics(id), _) => tasks::statistics(cloud, id, parts),
        (Route::Start(id), _) => tasks::set_status(cloud, id, SyncTaskStatus::Synchronizing),
        (Route::Stop(id), _) => tasks::set_status(cloud, id, SyncTaskStatus::Stopped),
        (Route::CreateMigration, _) => migration::create(cloud, body),
        (Route::ListMigrations, _) => migration::list(cloud, parts),
        (Route::ShowMigration(id), _) => migration::show(cloud, id),
        (Route::Events(_) | Route::Unknown, _) => Err(OmsError::no_such_api()),
    }
}

/// The reply that a fault orders instead of the real one.
fn instead(response: &FaultResponse, request_id: &str) -> Reply {
    response.complete(error_reply(response.status_code(), &response.code, &response.message, request_id))
}

fn reply_of(error: &OmsError, request_id: &str) -> Reply {
    error_reply(error.status, error.code, &error.message, request_id)
}

/// An error body: the gateway adds its request id to it, OMS does not.
fn error_reply(status: StatusCode, code: &str, message: &str, request_id: &str) -> Reply {
    let mut body = json!({"error_code": code, "error_msg": message});
    if code.starts_with("APIG") {
        body["request_id"] = json!(request_id);
    }
    let mut reply = json_reply(&body);
    *reply.status_mut() = status;
    reply
}
