//! Rules and effects of every write: its key, its checksum, storing it, events.

use std::sync::Arc;

use http::StatusCode;

use super::Call;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::notify::Change;
use crate::object::StoredObject;
use crate::observe::TwinEvent;
use crate::store::{Bucket, Exists, Overwrite};

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

/// Stores the object and announces it.
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

/// Emits the event of a stored object, and raises the bucket event. `replaced` is the size of an
/// earlier one.
pub(super) fn announce(
    call: &Call<'_>,
    key: &str,
    object: &StoredObject,
    change: Change,
    replaced: Option<u64>,
) {
    let name = call.bucket_name();
    call.cloud.watchers.emit(|| TwinEvent::ObjectPut {
        service: call.dialect.service(),
        bucket: name.to_owned(),
        key: key.to_owned(),
    });
    if call.dialect == Dialect::Oss {
        call.cloud.raise(change, name, key, object, replaced, call.request_id);
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
