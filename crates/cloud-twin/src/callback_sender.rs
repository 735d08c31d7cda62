//! Makes the callbacks that are due, in the background.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use serde::de::IgnoredAny;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::callback::{CallbackAttempt, CallbackJob, DueCallback, Ending, sign};
use crate::cloud::{Cloud, done};
use crate::faults::FaultAction;
use crate::http_client::{HttpClient, http_client};
use crate::observe::TwinEvent;
use crate::reply::insert_text;

const MAX_ANSWER: u64 = 1 << 20;
const UNREACHABLE: &str = "Error status : -1.OSS can not connect to your callbackUrl, please check it.";
const BAD_LENGTH: &str = "Error status : 400.User server return too long content-length value.";
const NOT_JSON: &str = "Response body is not valid json format.";

/// Works until the future is dropped.
pub(crate) async fn call_all(cloud: Arc<Cloud>, mut queue: mpsc::UnboundedReceiver<CallbackJob>) {
    let client = http_client();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            next = queue.recv() => match next {
                Some(job) => {
                    running.spawn(run(Arc::clone(&cloud), client.clone(), job));
                }
                None => return,
            },
            Some(_) = running.join_next(), if !running.is_empty() => {}
        }
    }
}

async fn run(cloud: Arc<Cloud>, client: HttpClient, job: CallbackJob) {
    let outcome = call_back(&cloud, &client, &job.due).await;
    // The uploader may be gone.
    let _ = job.reply.send(outcome);
    done(&cloud, &cloud.callbacks.pending);
}

fn record(cloud: &Cloud, attempt: CallbackAttempt, ending: Ending) {
    let CallbackAttempt { bucket, key, url, status, failure, .. } = attempt.clone();
    cloud.callbacks.record(attempt, ending);
    cloud.watchers.emit(|| TwinEvent::CalledBack { bucket, key, url, status, failure });
}

/// Why a callback counts as failed, in the words of OSS.
struct FailedCall {
    status: Option<StatusCode>,
    reason: String,
}

impl FailedCall {
    fn new(status: impl Into<Option<StatusCode>>, reason: impl Into<String>) -> Self {
        Self { status: status.into(), reason: reason.into() }
    }
}

/// Tries one URL after the other; the body of the first proper answer, or why the last one failed.
async fn call_back(cloud: &Cloud, client: &HttpClient, due: &DueCallback) -> Result<Bytes, String> {
    match &due.fault {
        Some(FaultAction::LoseCallback) => {
            let url = due.order.urls.first().map(Uri::to_string).unwrap_or_default();
            let attempt = attempt(due, url, None, Some("lost by order".to_owned()));
            record(cloud, attempt, Ending::Lost);
            return Err(UNREACHABLE.to_owned());
        }
        Some(FaultAction::DelayCallback { millis }) => {
            tokio::time::sleep(Duration::from_millis(*millis)).await;
        }
        Some(FaultAction::RepeatCallback) => {
            // Only the outcome of the second time counts.
            let _ = try_all(cloud, client, due).await;
        }
        _ => {}
    }
    try_all(cloud, client, due).await
}

async fn try_all(cloud: &Cloud, client: &HttpClient, due: &DueCallback) -> Result<Bytes, String> {
    let mut last = UNREACHABLE.to_owned();
    for url in &due.order.urls {
        let call = call(cloud, client, due, url);
        let outcome = timeout(cloud.config.callback_timeout, call).await;
        let outcome = outcome.unwrap_or_else(|_| Err(FailedCall::new(None, "Cost too long time.")));
        match outcome {
            Ok(body) => {
                let attempt = attempt(due, url.to_string(), Some(StatusCode::OK), None);
                record(cloud, attempt, Ending::Succeeded);
                return Ok(body);
            }
            Err(FailedCall { status, reason }) => {
                let attempt = attempt(due, url.to_string(), status, Some(reason.clone()));
                record(cloud, attempt, Ending::Failed);
                last = reason;
            }
        }
    }
    Err(last)
}

fn attempt(
    due: &DueCallback,
    url: String,
    status: Option<StatusCode>,
    failure: Option<String>,
) -> CallbackAttempt {
    CallbackAttempt {
        bucket: due.bucket.clone(),
        key: due.key.clone(),
        url,
        body: due.body.clone(),
        status: status.map(|status| status.as_u16()),
        failure,
    }
}

async fn call(cloud: &Cloud, client: &HttpClient, due: &DueCallback, url: &Uri) -> Result<Bytes, FailedCall> {
    let target = on_loopback(url).ok_or_else(|| FailedCall::new(None, UNREACHABLE))?;
    let mut request = Request::new(Full::new(Bytes::from(due.body.clone())));
    *request.method_mut() = Method::POST;
    *request.headers_mut() = headers(cloud, due, url);
    *request.uri_mut() = target;
    let response = client.request(request).await.map_err(|_| FailedCall::new(None, UNREACHABLE))?;
    judge(response).await
}

/// The address to connect to. Names other than those of this machine lead nowhere, and there is no TLS here.
fn on_loopback(url: &Uri) -> Option<Uri> {
    let host = url.host()?;
    let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_local_name = host.eq_ignore_ascii_case("localhost") || host.ends_with(".localhost");
    if url.scheme() != Some(&Scheme::HTTP) || !(is_loopback || is_local_name) {
        return None;
    }
    let host = if is_loopback { host } else { "127.0.0.1" };
    let target = url.path_and_query().map_or("/", PathAndQuery::as_str);
    format!("http://{host}:{}{target}", url.port_u16().unwrap_or(80)).parse().ok()
}

fn headers(cloud: &Cloud, due: &DueCallback, url: &Uri) -> HeaderMap {
    let target = url.path_and_query().map_or("/", PathAndQuery::as_str);
    let mut headers = sign(target, due.body.as_bytes());
    let authority = url.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let account = cloud.config.function.account_id.as_str();
    for (name, value) in [
        (header::HOST, due.order.host.as_deref().unwrap_or(authority)),
        (HeaderName::from_static("x-oss-bucket"), &due.bucket),
        (HeaderName::from_static("x-oss-owner"), account),
        (HeaderName::from_static("x-oss-requester"), account),
        (HeaderName::from_static("x-oss-request-id"), &due.request_id),
    ] {
        insert_text(&mut headers, name, value);
    }
    let content_type = HeaderValue::from_static(due.order.body_type.content_type());
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(header::DATE, cloud.http_date());
    headers
}

/// The body, provided that the answer is one that OSS takes.
async fn judge(response: Response<Incoming>) -> Result<Bytes, FailedCall> {
    let (head, body) = response.into_parts();
    if head.status != StatusCode::OK {
        return Err(FailedCall::new(head.status, format!("Error status : {}.", head.status.as_u16())));
    }
    let announced = head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse().ok()).filter(|length| *length <= MAX_ANSWER);
    if announced.is_none_or(|_: u64| head.headers.contains_key(header::TRANSFER_ENCODING)) {
        return Err(FailedCall::new(head.status, BAD_LENGTH));
    }
    let body = body.collect().await.map_err(|_| FailedCall::new(head.status, UNREACHABLE))?.to_bytes();
    // A byte order mark is no JSON either.
    match serde_json::from_slice::<IgnoredAny>(&body) {
        Ok(_) => Ok(body),
        Err(_) => Err(FailedCall::new(head.status, NOT_JSON)),
    }
}
