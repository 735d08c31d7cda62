//! Uploads that end with a callback.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Response, StatusCode, header};

use super::Call;
use super::reply::write_headers;
use crate::body::ReplyBody;
use crate::callback::{DueCallback, KEY_HOST, KEY_URL, Order, PUBLIC_KEY_PEM, Variables};
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::faults::{Probe, Stage};
use crate::image::Image;
use crate::object::{ObjectKind, StoredObject};
use crate::reply::Reply;

/// The callback that headers or query ask for (OSS).
pub(super) fn ordered(call: &Call<'_>) -> Outcome<Option<Order>> {
    match call.dialect {
        Dialect::Oss => Order::of_request(&call.parts.headers, call.query),
        Dialect::Obs => Ok(None),
    }
}

/// Calls back for an object that is stored, and answers the uploader.
pub(super) async fn answer(
    call: &Call<'_>,
    key: &str,
    object: &StoredObject,
    order: Order,
    operation: &str,
) -> Outcome<Reply> {
    let body = body(call, key, object, &order, operation);
    let due = DueCallback {
        bucket: call.bucket_name().to_owned(),
        key: key.to_owned(),
        request_id: call.request_id.to_owned(),
        order,
        body,
        fault: fault(call, key),
    };
    match call.cloud.callbacks.make(due).await {
        Ok(body) => {
            let mut reply = Response::new(ReplyBody::from(body));
            let content_type = HeaderValue::from_static("application/json");
            reply.headers_mut().insert(header::CONTENT_TYPE, content_type);
            write_headers(call, object, reply.headers_mut());
            Ok(reply)
        }
        Err(reason) => {
            let status = StatusCode::NON_AUTHORITATIVE_INFORMATION;
            Err(ApiError::new(status, "CallbackFailed", reason).ec("0007-00000203"))
        }
    }
}

fn body(call: &Call<'_>, key: &str, object: &StoredObject, order: &Order, operation: &str) -> String {
    let content_type = object.headers.content_type.as_ref().and_then(|value| value.to_str().ok());
    let about_image = order.template.contains("${imageInfo.");
    let variables = Variables {
        bucket: call.bucket_name(),
        object: key,
        etag: &object.etag,
        size: object.body.len(),
        mime_type: content_type.unwrap_or(call.dialect.default_content_type()),
        image: if about_image { Image::of(&object.body) } else { None },
        crc64: object.crc64.map(|crc64| crc64.to_string()).unwrap_or_default(),
        content_md5: content_md5(object).unwrap_or_default(),
        request_id: call.request_id,
        operation,
        custom: &order.custom,
    };
    variables.fill(&order.template, order.body_type)
}

/// As in the header; only what was sent in one piece has one.
fn content_md5(object: &StoredObject) -> Option<String> {
    let md5 = hex::decode(&object.etag).ok().filter(|_| object.kind == ObjectKind::Normal);
    md5.map(|md5| STANDARD.encode(md5))
}

fn fault(call: &Call<'_>, key: &str) -> Option<crate::faults::FaultAction> {
    let path = call.parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let picked = call.cloud.pick_fault(&Probe {
        stage: Stage::Callback,
        service: call.dialect.service(),
        method: call.parts.method.as_str(),
        path,
        keys: &[key.to_owned()],
        headers: &call.parts.headers,
    });
    picked.map(|(_, action)| action)
}

/// The public key, for those who ask this listener as a proxy for its real address.
pub(super) fn public_key(call: &Call<'_>) -> Outcome<Reply> {
    let path = KEY_URL.split_once(KEY_HOST).map(|(_, path)| path);
    if path != Some(call.parts.uri.path()) {
        return Err(ApiError::no_such_key(call.parts.uri.path()));
    }
    let mut reply = Response::new(ReplyBody::from(PUBLIC_KEY_PEM));
    let content_type = HeaderValue::from_static("application/x-x509-ca-cert");
    reply.headers_mut().insert(header::CONTENT_TYPE, content_type);
    Ok(reply)
}
