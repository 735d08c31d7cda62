//! Requests about the cross-origin rules of a bucket, preflights, and the headers that the rules add to
//! replies.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use super::Call;
use super::body::{BodyError, MAX_DOCUMENT, receive};
use crate::body::{ReplyBody, RequestBody};
use crate::cors::Cors;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::reply::{Reply, insert_text};
use crate::store::Bucket;
use crate::wire;

pub(super) async fn put(call: &Call<'_>, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let (body, _) = receive(call.dialect, &call.parts.headers, body, MAX_DOCUMENT).await?;
    *bucket.cors.lock() = Some(Cors::parse(body.to_bytes())?);
    Ok(Response::new(ReplyBody::default()))
}

pub(super) fn get(call: &Call<'_>) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let document = bucket.cors.lock().as_ref().map(|cors| cors.document.clone());
    let document = document.ok_or_else(|| {
        let message = "The CORS Configuration does not exist.";
        ApiError::new(StatusCode::NOT_FOUND, "NoSuchCORSConfiguration", message)
            .detail("BucketName", call.bucket_name())
    })?;
    let mut reply = Response::new(ReplyBody::from(document));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    Ok(reply)
}

pub(super) fn delete(call: &Call<'_>) -> Outcome<Reply> {
    *call.bucket()?.cors.lock() = None;
    let mut reply = Response::new(ReplyBody::default());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    Ok(reply)
}

/// `OPTIONS`: asked by browsers before a request, unsigned.
pub(super) fn preflight(call: &Call<'_>) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let cors = bucket.cors.lock();
    let Some(cors) = cors.as_ref() else {
        return Err(forbidden(call.dialect, "CORSResponse: CORS is not enabled for this bucket."));
    };
    let asked = |name: header::HeaderName| wire::header(&call.parts.headers, name.as_str());
    let (origin, method) = (asked(header::ORIGIN), asked(header::ACCESS_CONTROL_REQUEST_METHOD));
    let wanted = asked(header::ACCESS_CONTROL_REQUEST_HEADERS);
    let mut rules = cors.rules.iter().filter(|rule| rule.allows(&origin, &method));
    let Some(rule) = rules.find(|rule| rule.allows_headers(&wanted)) else {
        let message = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, \
                       request method / Access-Control-Request-Method or Access-Control-Request-Headers are not \
                       whitelisted by the resource's CORS spec.";
        return Err(forbidden(call.dialect, message));
    };
    let mut reply = Response::new(ReplyBody::default());
    rule.write(&origin, cors.vary, reply.headers_mut());
    if !wanted.is_empty() {
        insert_text(reply.headers_mut(), header::ACCESS_CONTROL_ALLOW_HEADERS, &wanted);
    }
    Ok(reply)
}

fn forbidden(dialect: Dialect, message: &'static str) -> ApiError {
    let code = match dialect {
        Dialect::Oss => "AccessForbidden",
        Dialect::Obs => "AccessDenied",
    };
    ApiError::forbidden(code, message)
}

/// Adds the headers that browsers expect on any answer to a request of another origin, refusals included.
pub(super) fn decorate(bucket: &Bucket, request: &HeaderMap, method: &Method, reply: &mut HeaderMap) {
    if let Some(cors) = bucket.cors.lock().as_ref() {
        let origin = wire::header(request, header::ORIGIN.as_str());
        if let Some(rule) = cors.rule_for(&origin, method.as_str()).filter(|_| !origin.is_empty()) {
            rule.write(&origin, cors.vary, reply);
        }
    }
}
