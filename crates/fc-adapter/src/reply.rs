//! Answers as Function Compute reads them.

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use lambda_runtime::Diagnostic;
use serde::Serialize;

use crate::failure::diagnostic;

pub(crate) type HttpResponse = Response<Full<Bytes>>;

/// Without this header an answer counts as success with any status, and a failed event would be lost:
/// <https://www.alibabacloud.com/help/en/function-compute/latest/custom-runtime-event-functions>.
const STATUS: HeaderName = HeaderName::from_static("x-fc-status");

/// What a successful request is answered with.
#[derive(Debug)]
pub(crate) enum Reply {
    Empty,
    Json(Bytes),
    Bytes(Bytes),
}

/// What becomes of the connection after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    Keep,
    /// The rest of the request was left unread, so nothing after it can be told from it.
    Close,
}

pub(crate) fn success(reply: Reply) -> HttpResponse {
    let (content_type, body) = match reply {
        Reply::Empty => (None, Bytes::new()),
        Reply::Json(body) => (Some(HeaderValue::from_static("application/json")), body),
        Reply::Bytes(body) => (Some(HeaderValue::from_static("application/octet-stream")), body),
    };
    respond(StatusCode::OK, HeaderValue::from_static("200"), content_type, body)
}

pub(crate) fn failure(diagnostic: &Diagnostic, connection: Connection) -> HttpResponse {
    let mut response = respond(
        StatusCode::NOT_FOUND,
        HeaderValue::from_static("404"),
        Some(HeaderValue::from_static("application/json")),
        failure_body(diagnostic),
    );
    if connection == Connection::Close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A request that shows no right to be made.
pub(crate) fn unauthorized() -> HttpResponse {
    let message = "the header Authorization does not carry the bearer token";
    let mut response = failure(&diagnostic("Unauthorized", message), Connection::Keep);
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// A request for which there is no place now.
pub(crate) fn busy() -> HttpResponse {
    let message = "too many requests at once; try again";
    let mut response = failure(&diagnostic("Busy", message), Connection::Close);
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// An answer of an HTTP hook, which goes to its client as it is.
pub(crate) fn http(response: Response<Bytes>) -> HttpResponse {
    response.map(Full::new)
}

/// What the operator asked for.
pub(crate) fn text(media_type: &'static str, text: String) -> HttpResponse {
    let media_type = HeaderValue::from_static(media_type);
    respond(StatusCode::OK, HeaderValue::from_static("200"), Some(media_type), text.into())
}

/// A request that no hook can answer. The platform reads nothing out of it, the client the status.
pub(crate) fn http_failure(
    status: StatusCode,
    diagnostic: &Diagnostic,
    connection: Connection,
) -> HttpResponse {
    let mut response = failure(diagnostic, connection);
    *response.status_mut() = status;
    response.headers_mut().remove(STATUS);
    response
}

/// The shape that the built-in runtimes use.
fn failure_body(diagnostic: &Diagnostic) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Failure<'a> {
        error_message: &'a str,
        error_type: &'a str,
    }
    let Diagnostic { error_type, error_message } = diagnostic;
    // Two strings always serialise; should that ever change, the status alone still says "failed".
    serde_json::to_vec(&Failure { error_message, error_type }).unwrap_or_default().into()
}

fn respond(
    status: StatusCode,
    fc_status: HeaderValue,
    content_type: Option<HeaderValue>,
    body: Bytes,
) -> HttpResponse {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(STATUS, fc_status);
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, content_type);
    }
    response
}
