//! Replies of every service.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::body::ReplyBody;

pub(crate) type Reply = Response<ReplyBody>;

/// A reply of JSON.
pub(crate) fn json_reply(body: &impl Serialize) -> Reply {
    json(body, b"")
}

/// The same with a line feed at its end, for people who see it in a terminal.
pub(crate) fn json_line(body: &impl Serialize) -> Reply {
    json(body, b"\n")
}

fn json(body: &impl Serialize, end: &[u8]) -> Reply {
    let mut reply = Response::new(ReplyBody::default());
    match serde_json::to_vec(body) {
        Ok(mut text) => {
            text.extend_from_slice(end);
            *reply.body_mut() = ReplyBody::from(text);
        }
        Err(_) => *reply.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}

/// Inserts `value` unless it cannot be a header.
pub(crate) fn insert_text(headers: &mut http::HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
