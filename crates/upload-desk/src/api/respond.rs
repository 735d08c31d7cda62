//! Responses of JSON and of text.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// A JSON response.
pub(super) fn json(body: &impl Serialize) -> Response {
    json_with(StatusCode::OK, body)
}

/// A JSON response, not to be cached: it may contain links.
pub(super) fn json_with(status: StatusCode, body: &impl Serialize) -> Response {
    // Serialization fails only for maps with other keys than strings, and for failing `Serialize`
    // implementations.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (status, headers, body).into_response()
}

/// A text response.
pub(super) fn text(content_type: &'static str, text: impl IntoResponse) -> Response {
    ([(CONTENT_TYPE, content_type)], text).into_response()
}
