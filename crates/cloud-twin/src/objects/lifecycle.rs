//! Lifecycle rules of a bucket: stored and returned, never applied.

use http::{HeaderValue, Response, StatusCode, header};

use super::Call;
use super::body::{BodyError, MAX_DOCUMENT, receive};
use crate::body::{ReplyBody, RequestBody};
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::reply::Reply;
use crate::xml::{self, Node};

pub(super) async fn put(call: &Call<'_>, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let (body, _) = receive(call.dialect, &call.parts.headers, body, MAX_DOCUMENT).await?;
    let root = xml::parse(&body).map_err(ApiError::from)?.into_iter().next();
    if root != Some(Node::Open("LifecycleConfiguration".to_owned())) {
        return Err(ApiError::malformed_xml().into());
    }
    *bucket.lifecycle.lock() = Some(body.to_bytes());
    Ok(Response::new(ReplyBody::default()))
}

pub(super) fn get(call: &Call<'_>) -> Outcome<Reply> {
    let rules = call.bucket()?.lifecycle.lock().clone().ok_or_else(|| none(call))?;
    let mut reply = Response::new(ReplyBody::from(rules));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Ok(reply)
}

pub(super) fn delete(call: &Call<'_>) -> Outcome<Reply> {
    *call.bucket()?.lifecycle.lock() = None;
    let mut reply = Response::new(ReplyBody::default());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    Ok(reply)
}

fn none(call: &Call<'_>) -> ApiError {
    let code = match call.dialect {
        Dialect::Oss => "NoSuchLifecycle",
        Dialect::Obs => "NoSuchLifecycleConfiguration",
    };
    ApiError::new(StatusCode::NOT_FOUND, code, "No Row found in Lifecycle Table.")
        .detail("BucketName", call.bucket_name())
}
