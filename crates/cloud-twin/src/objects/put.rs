//! `PutObject`, and what writes of every kind share.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::body::{BodyError, MAX_OBJECT, receive};
use super::{Call, Dialect, attributes, callbacks};
use crate::body::{ReplyBody, RequestBody};
use crate::error::{ApiError, Outcome, Reply, insert_text};
use crate::notify::Change;
use crate::object::{ObjectHeaders, StoredObject};
use crate::observe::TwinEvent;
use crate::store::{Bucket, Exists, Overwrite};

const MAX_USER_METADATA: usize = 8 << 10;

pub(super) const KEPT_HEADERS: [HeaderName; 5] = [
    header::CACHE_CONTROL,
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    header::EXPIRES,
];

pub(super) async fn put_object(call: &Call<'_>, key: &str, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    check_key(call.dialect, key)?;
    let order = callbacks::ordered(call)?;
    let headers = object_headers(call)?;
    let (body, digests) = receive(call.dialect, &call.parts.headers, body, MAX_OBJECT).await?;
    check_crc(call, Some(digests.crc64))?;
    let etag = call.new_etag(&digests.md5);
    let object = call.store().object(body, digests, headers, call.inner.now());
    let object = Arc::new(StoredObject { etag, encryption: call.encryption(), ..object });
    store(call, &bucket, key, &object, Change::PutObject)?;
    if let Some(order) = order {
        return Ok(callbacks::answer(call, key, &object, order, "PutObject").await?);
    }
    let mut reply = Response::new(ReplyBody::default());
    write_headers(call, &object, reply.headers_mut());
    Ok(reply)
}

/// Stores the object, tells everybody, and raises the bucket event.
pub(super) fn store(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &str,
    object: &Arc<StoredObject>,
    change: Change,
) -> Outcome<()> {
    let replaced = bucket.put(key, Arc::clone(object), overwrite(call)).map_err(|Exists| already_exists())?;
    announce(call, key, object, change, replaced);
    Ok(())
}

/// Tells everybody of an object that was stored, and raises the bucket event. `replaced` is the size of an earlier one.
pub(super) fn announce(
    call: &Call<'_>,
    key: &str,
    object: &StoredObject,
    change: Change,
    replaced: Option<u64>,
) {
    let name = call.bucket_name();
    call.inner.emit(|| TwinEvent::ObjectPut {
        service: call.dialect.service(),
        bucket: name.to_owned(),
        key: key.to_owned(),
    });
    if call.dialect == Dialect::Oss {
        call.inner.raise(change, name, key, object, replaced, call.request_id);
    }
}

fn overwrite(call: &Call<'_>) -> Overwrite {
    let forbidden = call.parts.headers.get("x-oss-forbid-overwrite").is_some_and(|value| value == "true");
    if forbidden && call.dialect == Dialect::Oss { Overwrite::Forbidden } else { Overwrite::Allowed }
}

fn already_exists() -> ApiError {
    let message = "The object you specified already exists and can not be overwritten.";
    ApiError::new(StatusCode::CONFLICT, "FileAlreadyExists", message)
}

pub(super) fn write_headers(call: &Call<'_>, object: &StoredObject, headers: &mut HeaderMap) {
    insert_text(headers, header::ETAG, &format!("\"{}\"", object.etag));
    write_crc(call, object.crc64, headers);
}

/// Shows a CRC-64 where there is one and the service knows of such a thing.
pub(super) fn write_crc(call: &Call<'_>, crc64: Option<u64>, headers: &mut HeaderMap) {
    if let Some(crc64) = call.shown_crc(crc64) {
        headers.insert(call.prefix.crc_header(), HeaderValue::from(crc64));
    }
}

pub(super) fn check_key(dialect: Dialect, key: &str) -> Outcome<()> {
    if key.len() > dialect.max_key_bytes() {
        return Err(match dialect {
            Dialect::Oss => ApiError::bad_request(
                "InvalidObjectName",
                "The length of object name must be less than 1024.",
            ),
            Dialect::Obs => ApiError::bad_request("KeyTooLongError", "Your key is too long."),
        });
    }
    if dialect == Dialect::Oss && key.starts_with(['/', '\\']) {
        return Err(ApiError::bad_request("InvalidObjectName", "The specified object is not valid.")
            .detail("ObjectName", key));
    }
    Ok(())
}

/// The headers to keep with the object.
pub(super) fn object_headers(call: &Call<'_>) -> Outcome<ObjectHeaders> {
    let given = &call.parts.headers;
    let meta_prefix = format!("{}meta-", call.prefix.as_str());
    let mut kept = ObjectHeaders {
        content_type: given.get(header::CONTENT_TYPE).cloned(),
        storage_class: given
            .get(call.prefix.name("storage-class"))
            .and_then(|value| value.to_str().ok())
            .map(|class| call.prefix.meant_class(class).to_owned()),
        tags: attributes::tags(call)?,
        acl: attributes::acl(call)?,
        ..ObjectHeaders::default()
    };
    for name in KEPT_HEADERS {
        if let Some(value) = given.get(&name) {
            kept.standard.push((name, value.clone()));
        }
    }
    let mut size = 0;
    for (name, value) in given {
        if let Some(name) = name.as_str().strip_prefix(&meta_prefix) {
            check_user_name(call, name)?;
            size += name.len() + value.len();
            kept.user.insert(name.to_owned(), value.clone());
        }
    }
    if size <= MAX_USER_METADATA {
        return Ok(kept);
    }
    let message = "Your metadata headers exceed the maximum allowed metadata size.";
    Err(match call.dialect {
        Dialect::Oss => ApiError::invalid_argument(message),
        Dialect::Obs => ApiError::bad_request("MetadataTooLarge", message),
    })
}

/// OSS takes `a-z`, `0-9` and `-` in names of user metadata, and refuses `_` and all else:
/// <https://help.aliyun.com/en/oss/user-guide/0011-00000004>. Of OBS no such rule is known; its SDKs send what they are given.
fn check_user_name(call: &Call<'_>, name: &str) -> Outcome<()> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if call.dialect == Dialect::Obs || name.bytes().all(good) {
        return Ok(());
    }
    let message = "The user metadata key contains invalid characters.";
    Err(ApiError::invalid_argument(message)
        .ec("0011-00000004")
        .detail("ArgumentName", format!("x-oss-meta-{name}")))
}

/// OBS checks a CRC-64 that the client announces.
pub(super) fn check_crc(call: &Call<'_>, crc64: Option<u64>) -> Outcome<()> {
    let announced = call.parts.headers.get(call.prefix.crc_header()).filter(|_| call.dialect == Dialect::Obs);
    match (announced, call.shown_crc(crc64)) {
        (Some(announced), Some(crc64)) if announced.as_bytes() != crc64.to_string().as_bytes() => Err(
            ApiError::bad_request("BadDigest", "The CRC-64 you specified did not match what we received."),
        ),
        _ => Ok(()),
    }
}

pub(super) fn xml_reply(document: String) -> Reply {
    let mut reply = Response::new(ReplyBody::from(document));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    reply
}
