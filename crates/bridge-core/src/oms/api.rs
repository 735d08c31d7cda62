//! Requests to OMS that are answered with JSON: signed, made once, and believed only where they are OMS's.
//!
//! None is repeated here: the gateway locks an access key after more than five bad signatures, and the caller
//! can repeat the call. A request needs a permit of the access key's [breaker](signature_breaker), which
//! learns the result. An answer is believed if it is the service's: success, without an error in it, and with
//! the member that every such answer has.

use std::fmt;

use apig_signer::{Credentials, Payload, SigningParams};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::{HeaderMap, Method, Uri};
use http_client::TransportKind;
use object_copy::outcome::EngineError;
use oss_lite::SignatureVerdict;
use reqwest::{Request, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use signature_breaker::{Breaker, NoPermit, Shut};
use tokio::time::Instant;

use super::reply::{ReplyError, believed, denies_task, is_locked, of_signature};
use super::request::headers;
use super::secrets::Secrets;
use super::transport::{TIMEOUT, Unread, date, header, read, transport};

/// Longest answer about one task that is read. A day of statistics in steps of five minutes has 70 kB.
pub(super) const ONE_TASK: usize = 1024 * 1024;

/// Longest page of tasks that is read: each of them repeats the prefixes that it was created with.
pub(super) const PAGE_OF_TASKS: usize = 16 * 1024 * 1024;

/// OMS with one access key.
#[derive(Clone, Debug)]
pub(super) struct Api {
    http: reqwest::Client,
    credentials: Credentials,
    breaker: Breaker,
}

/// What is posted.
pub(super) struct Posted<'s> {
    /// JSON.
    pub(super) json: Bytes,
    /// The secrets in it, which no error shows.
    pub(super) secrets: Secrets<'s>,
}

/// What of an answer is read.
pub(super) struct Expected {
    /// The member that every such answer has.
    pub(super) member: &'static str,
    /// What to do with members that say of a task, not of the request, that it failed.
    pub(super) errors: Errors,
    /// Its most bytes.
    pub(super) most: usize,
}

/// Whether an error in an answer is that of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errors {
    /// It is, wherever it stands.
    OfTheRequest,
    /// Inside of a task it is not: it says why the task failed.
    OfTasksToo,
}

impl Api {
    /// Sends through `http`, which must not follow redirects. `breaker` is that of the credentials.
    pub(super) fn new(http: reqwest::Client, credentials: Credentials, breaker: Breaker) -> Self {
        Self { http, credentials, breaker }
    }

    /// The service's clock, from its answer to one unsigned request: no permission is needed and no failure
    /// counted.
    pub(super) async fn server_time(&self, mut url: Url) -> Result<DateTime<Utc>, ApiError> {
        url.set_path("/");
        let mut request = Request::new(Method::HEAD, url);
        *request.timeout_mut() = Some(TIMEOUT);
        let answer = self.http.execute(request).await.map_err(ApiError::transport)?;
        date(answer.headers()).ok_or_else(|| ApiError::local("the response has no date"))
    }

    /// The answer to a GET.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        url: Url,
        now: DateTime<Utc>,
        expected: Expected,
    ) -> Result<T, ApiError> {
        let mut headers = HeaderMap::new();
        self.sign(&Method::GET, &url, &mut headers, b"", now)?;
        let mut request = Request::new(Method::GET, url);
        *request.headers_mut() = headers;
        self.send(request, expected, Secrets::default()).await
    }

    /// The answer to a POST of JSON.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: Url,
        body: Posted<'_>,
        now: DateTime<Utc>,
        expected: Expected,
    ) -> Result<T, ApiError> {
        let mut headers = headers();
        let Posted { json, secrets } = body;
        self.sign(&Method::POST, &url, &mut headers, &json, now)?;
        let mut request = Request::new(Method::POST, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(json.into());
        self.send(request, expected, secrets).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        mut request: Request,
        expected: Expected,
        secrets: Secrets<'_>,
    ) -> Result<T, ApiError> {
        let secrets = secrets.and(self.credentials.security_token());
        *request.timeout_mut() = Some(TIMEOUT);
        let permit = match self.breaker.permit(Some(Instant::now() + TIMEOUT)).await {
            Ok(permit) => permit,
            Err(NoPermit::Shut(shut)) => return Err(ApiError::withheld(&shut)),
            Err(NoPermit::TimeUp) => {
                return Err(ApiError::local("not sent: another request takes too long"));
            }
        };
        let response = self.http.execute(request).await.map_err(ApiError::transport)?;
        let status = response.status();
        let request_id = header(response.headers(), "x-request-id").map(|id| secrets.mask(&id));
        let body = match read(response, expected.most).await {
            Ok(body) => body,
            Err(Unread::BrokeOff(error)) if status.is_success() => return Err(ApiError::transport(error)),
            Err(Unread::TooLong) if status.is_success() => return Err(ApiError::too_long(expected.most)),
            // Status and headers are enough.
            Err(_) => Vec::new(),
        };
        let member = expected.member;
        let answer = match expected.errors {
            Errors::OfTasksToo => of_a_task(&body, member)
                .filter(|_| status.is_success())
                .map_or_else(|| believed(status, &body, &secrets), Ok),
            Errors::OfTheRequest => believed(status, &body, &secrets),
        };
        let unlike = |error: &dyn fmt::Display| {
            // What is not of the type that is expected is quoted.
            let error = secrets.mask(&error.to_string());
            ApiError::local(format!("the response is not what OMS documents: {error}"))
        };
        match answer {
            Ok(value) if value.get(member).is_some() => {
                permit.answered(SignatureVerdict::Accepted);
                serde_json::from_value(value).map_err(|error| unlike(&error))
            }
            Ok(_) => Err(unlike(&format_args!("it has no {member:?}"))),
            Err(ReplyError { error, request_id: id_in_body }) => {
                permit.answered(of_signature(&error));
                Err(ApiError::refused(error, request_id.or(id_in_body)))
            }
        }
    }

    fn sign(
        &self,
        method: &Method,
        url: &Url,
        headers: &mut HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), ApiError> {
        // Whatever is a URL to the one library is a URI to the other, but for hosts that the setting refuses.
        let uri: Uri = url.as_str().parse().unwrap_or_default();
        let params = SigningParams::new(&self.credentials, now);
        apig_signer::sign(method, &uri, headers, Payload::Bytes(body), &params)
            .map(drop)
            .map_err(|error| ApiError::unsigned(&error))
    }
}

/// The JSON of an answer that is about a task: an object with `member`, and no error beside it. Members that
/// are null are left out.
fn of_a_task(body: &[u8], member: &str) -> Option<Value> {
    let value: Value = without_nulls(serde_json::from_slice(body).ok()?);
    let own = ["error_code", "error_msg"].iter().any(|name| value.get(name).is_some());
    (value.get(member).is_some() && !own).then_some(value)
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(members.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_nulls).collect()),
        other => other,
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
    /// An answer that is longer than any that is read. User action: see the message.
    TooLong,
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

    /// An answer of more than `most` bytes.
    pub(super) fn too_long(most: usize) -> Self {
        let message = format!("the response of OMS is longer than {most} bytes");
        Self::new(ApiErrorKind::TooLong, EngineError::local(message))
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
            Some(401) if is_locked(&error) => ApiErrorKind::Locked,
            Some(401) => ApiErrorKind::CredentialsRefused,
            // Success that is not OMS's, or broke off. Errors of OMS and of its gateway have a code.
            Some(200..=499) if error.code.is_none() => ApiErrorKind::NotOms,
            Some(403) => ApiErrorKind::NotPermitted,
            Some(404) => ApiErrorKind::NoSuchTask,
            _ if denies_task(&error) => ApiErrorKind::NoSuchTask,
            _ => ApiErrorKind::Rejected,
        };
        Self { kind, error, request_id }
    }

    /// OMS has more tasks than are looked through, so it is not known whether a certain one is among them.
    pub(super) fn too_many_tasks(most: usize) -> Self {
        let message =
            format!("the task is not among the newest {most}, and older ones are not looked through");
        Self::new(ApiErrorKind::Rejected, EngineError::local(message))
    }

    /// Whether OMS itself says, by its own code, that this user has no such task. Another 404 may be that of
    /// the gateway, or of a path that is wrong.
    pub fn denies_task(&self) -> bool {
        denies_task(&self.error)
    }

    /// The kind, to act on.
    pub fn kind(&self) -> ApiErrorKind {
        self.kind
    }

    /// Whether OMS itself failed or throttles (5xx, 429), so that the same request may succeed later.
    pub fn is_of_service(&self) -> bool {
        self.error.status.is_some_and(|status| status >= 500 || status == 429)
    }

    /// Whether the same request may succeed later: no answer, or one of a service that fails or throttles.
    pub fn may_pass(&self) -> bool {
        matches!(self.kind, ApiErrorKind::Unreachable(_) | ApiErrorKind::NotOms) || self.is_of_service()
    }

    /// Whether the service may have received the request and done what it asks for, so that making it again
    /// could do it twice.
    pub fn may_have_been_received(&self) -> bool {
        match self.kind {
            ApiErrorKind::Unreachable(
                TransportKind::Resolve | TransportKind::Connect | TransportKind::Tls,
            ) => false,
            ApiErrorKind::Unreachable(TransportKind::Other)
            | ApiErrorKind::NotOms
            | ApiErrorKind::TooLong => true,
            // The gateway lets a request that is one too many not through.
            _ => self.is_of_service() && self.error.status != Some(429),
        }
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
    fn an_error_inside_of_a_task_is_that_of_the_task() {
        let failed =
            br#"{"id":1,"status":4,"error_reason":{"error_code":"TRF.0051","error_msg":"no"},"n":null}"#;
        let value = of_a_task(failed, "status").unwrap();
        assert_eq!(value["error_reason"]["error_code"], "TRF.0051");
        assert!(value.get("n").is_none(), "{value}");
        for other in
            [r#"{"error_code":"OMS.1","status":4}"#, r#"{"error_msg":"no","status":4}"#, "{}", "<html>"]
        {
            assert_eq!(of_a_task(other.as_bytes(), "status"), None, "{other}");
        }
    }

    #[test]
    fn only_what_was_surely_not_received_is_surely_not_done() {
        let of = |kind| ApiError::new(kind, EngineError::local("x")).may_have_been_received();
        assert!(!of(ApiErrorKind::Unreachable(TransportKind::Connect)) && !of(ApiErrorKind::NotPermitted));
        assert!(of(ApiErrorKind::Unreachable(TransportKind::Other)), "a timeout, an answer cut off");
        let failed = EngineError { status: Some(503), code: Some("OMS.2004".into()), message: String::new() };
        assert!(ApiError::refused(failed, None).may_have_been_received());
        let throttled =
            EngineError { status: Some(429), code: Some("APIGW.0308".into()), message: String::new() };
        assert!(!ApiError::refused(throttled, None).may_have_been_received());
    }

    #[test]
    fn a_task_is_denied_by_codes_of_oms_alone() {
        let of = |status, code: &str| {
            let code = Some(code.to_owned());
            ApiError::refused(EngineError { status: Some(status), code, message: String::new() }, None)
        };
        assert!(of(400, "OMS.0053").denies_task() && of(404, "OMS.0054").denies_task());
        for (status, code) in [(404, "APIGW.0101"), (404, "OMS.0066"), (404, "OMS.1")] {
            assert!(!of(status, code).denies_task(), "{code}");
        }
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
