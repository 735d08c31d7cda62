//! `GetObject`, `HeadObject` and `GetObjectMeta`.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use super::conditions::{ConditionVerdict, check};
use super::reply::write_headers;
use super::{Call, process, range};
use crate::body::ReplyBody;
use crate::dialect::{Dialect, HeaderPrefix};
use crate::error::{ApiError, Outcome};
use crate::object::{ObjectKind, Restoration, StoredObject};
use crate::reply::{Reply, insert_text};
use crate::store::Bucket;
use crate::time::http_date;

/// The object at `key` as readers see it: a link has the content of its target, and the later time of the
/// two.
pub(super) fn look_up(bucket: &Bucket, key: &str) -> Outcome<Arc<StoredObject>> {
    let object = bucket.get(key).ok_or_else(|| ApiError::no_such_key(key))?;
    let ObjectKind::Symlink { target } = &object.kind else {
        return Ok(object);
    };
    let target = bucket.get(target).ok_or_else(|| {
        let message = "The target object you specified does not exist.";
        ApiError::new(StatusCode::NOT_FOUND, "SymlinkTargetNotExist", message).detail("Key", key)
    })?;
    if matches!(target.kind, ObjectKind::Symlink { .. }) {
        return Err(ApiError::bad_request("InvalidTargetType", "The target of the symlink is a symlink."));
    }
    let mut seen = StoredObject::clone(&object);
    seen.body = target.body.clone();
    seen.etag.clone_from(&target.etag);
    seen.crc64 = target.crc64;
    seen.last_modified = object.last_modified.max(target.last_modified);
    seen.headers.storage_class.clone_from(&target.headers.storage_class);
    seen.restored_from = target.restored_from;
    seen.restored_until = target.restored_until;
    Ok(Arc::new(seen))
}

/// Refuses to give out the content of an archived object.
pub(super) fn check_restored(call: &Call<'_>, object: &StoredObject) -> Outcome<()> {
    if object.is_archived(call.dialect, call.cloud.now()) {
        let message = "The operation is not valid for the object's state.";
        return Err(ApiError::forbidden("InvalidObjectState", message));
    }
    Ok(())
}

pub(super) fn get_object(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let object = look_up(&*call.bucket()?, key)?;
    if check(&call.parts.headers, "", &object)? == ConditionVerdict::Unchanged {
        return Ok(not_modified(call, &object));
    }
    if call.parts.method != Method::HEAD {
        check_restored(call, &object)?;
        if let Some(reply) = process::processed(call, &object)? {
            return Ok(reply);
        }
    }
    let mut reply = Response::new(ReplyBody::default());
    object_headers(call, &object, reply.headers_mut());
    let size = object.body.len();
    let mut body = object.body.clone();
    if let Some(range) = range::asked_for(call, size)? {
        insert_text(
            reply.headers_mut(),
            header::CONTENT_RANGE,
            &format!("bytes {}-{}/{size}", range.start, range.end - 1),
        );
        *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
        body = body.slice(range);
    }
    reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if call.parts.method != Method::HEAD {
        *reply.body_mut() = body.into();
    }
    Ok(reply)
}

fn not_modified(call: &Call<'_>, object: &StoredObject) -> Reply {
    let mut reply = Response::new(ReplyBody::default());
    *reply.status_mut() = StatusCode::NOT_MODIFIED;
    write_headers(call, object, reply.headers_mut());
    insert_text(reply.headers_mut(), header::LAST_MODIFIED, &http_date(object.last_modified));
    reply
}

/// `HEAD ?objectMeta`: only what is cheap to know.
pub(super) fn object_meta(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let object = look_up(&*call.bucket()?, key)?;
    let mut reply = Response::new(ReplyBody::default());
    write_headers(call, &object, reply.headers_mut());
    insert_text(reply.headers_mut(), header::LAST_MODIFIED, &http_date(object.last_modified));
    reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(object.body.len()));
    Ok(reply)
}

pub(super) fn object_headers(call: &Call<'_>, object: &StoredObject, headers: &mut HeaderMap) {
    write_headers(call, object, headers);
    insert_text(headers, header::LAST_MODIFIED, &http_date(object.last_modified));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let kept = &object.headers;
    let content_type = kept.content_type.clone();
    headers.insert(
        header::CONTENT_TYPE,
        content_type.unwrap_or_else(|| HeaderValue::from_static(call.dialect.default_content_type())),
    );
    for (name, value) in &kept.standard {
        headers.insert(name.clone(), value.clone());
    }
    for (name, value) in &kept.user {
        headers.insert(call.prefix.name(&format!("meta-{name}")), value.clone());
    }
    let class = kept.storage_class.as_deref();
    match call.dialect {
        Dialect::Oss => {
            headers.insert("x-oss-object-type", HeaderValue::from_static(object.kind.name()));
            insert_text(headers, call.prefix.name("storage-class"), class.unwrap_or("Standard"));
        }
        // OBS leaves the header out for its standard class.
        Dialect::Obs => {
            if let Some(class) = class.filter(|class| *class != "STANDARD") {
                insert_text(headers, call.prefix.name("storage-class"), call.prefix.shown_class(class));
            }
            if object.kind == ObjectKind::Appendable {
                headers.insert(HeaderPrefix::OBS.name("object-type"), HeaderValue::from_static("Appendable"));
            }
            if let Some(id) = &object.upload_id {
                insert_text(headers, call.prefix.name("uploadid"), id);
            }
        }
    }
    if let Some(method) = object.encryption {
        headers.insert(call.prefix.name("server-side-encryption"), HeaderValue::from_static(method));
    }
    if !kept.tags.is_empty() {
        headers.insert(call.prefix.name("tagging-count"), HeaderValue::from(kept.tags.len()));
    }
    let restoration = match (object.restoration(call.cloud.now()), object.restored_until) {
        (Restoration::UnderWay, _) => Some("ongoing-request=\"true\"".to_owned()),
        (Restoration::Done, Some(until)) => {
            Some(format!("ongoing-request=\"false\", expiry-date=\"{}\"", http_date(until)))
        }
        _ => None,
    };
    if let Some(text) = restoration {
        insert_text(headers, call.prefix.name("restore"), &text);
    }
    override_headers(call, headers);
}

fn override_headers(call: &Call<'_>, headers: &mut HeaderMap) {
    for (name, value) in call.query.iter() {
        let Some(name) = name.strip_prefix("response-") else {
            continue;
        };
        let name = if name == "expires" { Ok(header::EXPIRES) } else { HeaderName::try_from(name) };
        // Text that is not ASCII travels as its UTF-8 bytes.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            headers.insert(name, value);
        }
    }
}
