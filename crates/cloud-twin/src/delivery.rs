//! Invoking functions as Function Compute does asynchronously: in the background, with retries, and a
//! destination for what fails in the end.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, Method, Request};
use http_body_util::{BodyExt as _, Full};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cloud::{Cloud, done};
use crate::config::{CredentialHeaders, FunctionSettings};
use crate::http_client::{HttpClient, http_client};
use crate::notify::{Delivery, FailedDelivery};
use crate::observe::TwinEvent;
use crate::reply::insert_text;

/// Works until the future is dropped.
pub(crate) async fn deliver_all(cloud: Arc<Cloud>, mut queue: mpsc::UnboundedReceiver<Delivery>) {
    let client = http_client();
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            next = queue.recv(), if running.len() < cloud.config.function.concurrency.max(1) => match next {
                Some(delivery) => {
                    running.spawn(deliver(Arc::clone(&cloud), client.clone(), delivery));
                }
                None => return,
            },
            Some(_) = running.join_next(), if !running.is_empty() => {}
        }
    }
}

struct FailedInvocation {
    status: Option<u16>,
    response: String,
}

async fn deliver(cloud: Arc<Cloud>, client: HttpClient, delivery: Delivery) {
    let settings = &cloud.config.function;
    let mut attempts = 0;
    let failure = loop {
        let outcome = invoke(&cloud, &client, &delivery, attempts).await;
        attempts += 1;
        match outcome {
            Ok(()) => break None,
            Err(failure) if attempts > settings.retries => break Some(failure),
            Err(_) => tokio::time::sleep(pause(settings, attempts)).await,
        }
    };
    let (bucket, key) = (delivery.bucket.clone(), delivery.key.clone());
    match failure {
        None => cloud.watchers.emit(|| TwinEvent::EventDelivered { bucket, key, attempts }),
        Some(failure) => {
            let reason = failure.response.clone();
            give_up(&cloud, delivery, attempts, failure);
            cloud.watchers.emit(|| TwinEvent::EventFailed { bucket, key, attempts, reason });
        }
    }
    done(&cloud, &cloud.notifications.pending);
}

fn pause(settings: &FunctionSettings, attempts: u32) -> Duration {
    settings.backoff.saturating_mul(2_u32.saturating_pow(attempts - 1))
}

fn give_up(cloud: &Cloud, delivery: Delivery, attempts: u32, failure: FailedInvocation) {
    cloud.notifications.failed.lock().push(FailedDelivery {
        request_id: delivery.request_id,
        function_url: delivery.function.to_string(),
        bucket: delivery.bucket,
        key: delivery.key,
        attempts,
        status: failure.status,
        response: failure.response,
        payload: String::from_utf8_lossy(&delivery.payload).into_owned(),
    });
}

/// One invocation. `x-fc-status` decides; without it, an answer below 500 passes for success.
async fn invoke(
    cloud: &Cloud,
    client: &HttpClient,
    delivery: &Delivery,
    retry: u32,
) -> Result<(), FailedInvocation> {
    let lost = |response: String| FailedInvocation { status: None, response };
    let mut request = Request::new(Full::new(delivery.payload.clone()));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = delivery.function.clone();
    *request.headers_mut() = invocation_headers(cloud, &delivery.request_id, retry);
    let exchange = async {
        let response = client.request(request).await.map_err(|error| lost(error.to_string()))?;
        let (head, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| lost(error.to_string()))?.to_bytes();
        Ok((head, body))
    };
    let answered = timeout(cloud.config.function.timeout, exchange).await;
    let (head, body) = answered.map_err(|_| lost("the function did not answer in time".to_owned()))??;
    let reported =
        head.headers.get("x-fc-status").and_then(|status| status.to_str().ok()?.parse::<u16>().ok());
    let succeeded = reported.map_or(head.status.as_u16() < 500, |status| status == 200);
    if succeeded {
        return Ok(());
    }
    let status = Some(reported.unwrap_or(head.status.as_u16()));
    Err(FailedInvocation { status, response: String::from_utf8_lossy(&body).into_owned() })
}

/// See <https://www.alibabacloud.com/help/en/functioncompute/fc/context-and-log-format-1>.
fn invocation_headers(cloud: &Cloud, request_id: &str, retry: u32) -> HeaderMap {
    let settings = &cloud.config.function;
    let mut headers = HeaderMap::new();
    let mut set =
        |name: &'static str, value: &str| insert_text(&mut headers, HeaderName::from_static(name), value);
    set("content-type", "application/octet-stream");
    set("x-fc-request-id", request_id);
    set("x-fc-control-path", "/invoke");
    set("x-fc-function-name", &settings.name);
    set("x-fc-function-handler", "index.handler");
    set("x-fc-function-memory", "512");
    set("x-fc-function-timeout", &settings.timeout.as_secs().to_string());
    set("x-fc-region", &cloud.config.region);
    set("x-fc-account-id", &settings.account_id);
    set("x-fc-qualifier", "LATEST");
    set("x-fc-version-id", "LATEST");
    set("x-fc-retry-count", &retry.to_string());
    let accounts = &cloud.config.oss_accounts;
    let temporary = accounts.iter().find(|account| account.security_token.is_some());
    if let Some(account) =
        temporary.or(accounts.first()).filter(|_| settings.credentials != CredentialHeaders::Withheld)
    {
        set("x-fc-access-key-id", &account.access_key);
        set("x-fc-access-key-secret", &account.secret_key);
        if let (Some(token), CredentialHeaders::All) = (&account.security_token, settings.credentials) {
            set("x-fc-security-token", token);
        }
    }
    headers
}
