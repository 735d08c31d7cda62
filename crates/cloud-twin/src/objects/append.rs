//! `AppendObject`: an object that grows at its end.
//!
//! See <https://www.alibabacloud.com/help/en/oss/developer-reference/appendobject> and
//! <https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0113.html>; OBS goes by the same rules.

use http::{HeaderName, HeaderValue, Response, StatusCode};
use md5::{Digest as _, Md5};

use super::Call;
use super::body::{BodyError, MAX_OBJECT, receive};
use super::headers_kept::object_headers;
use super::reply::write_headers;
use super::write::{announce, check_crc, check_key};
use crate::body::{ReplyBody, RequestBody};
use crate::content::Content;
use crate::crc64::combine;
use crate::dialect::{Dialect, HeaderPrefix};
use crate::digest::Digests;
use crate::error::{ApiError, Outcome};
use crate::notify::Change;
use crate::object::{ObjectHeaders, ObjectKind, StoredObject};
use crate::reply::Reply;

pub(super) async fn append_object(call: &Call<'_>, key: &str, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    check_key(call.dialect, key)?;
    let position = position(call)?;
    let headers = object_headers(call)?;
    let (piece, digests) = receive(call.dialect, &call.parts.headers, body, MAX_OBJECT).await?;
    check_crc(call, Some(digests.crc64))?;
    let (object, replaced) =
        bucket.replace(key, |old| appended(call, old, position, headers, &piece, digests))?;
    announce(call, key, &object, Change::AppendObject, replaced);
    let mut reply = Response::new(ReplyBody::default());
    write_headers(call, &object, reply.headers_mut());
    reply.headers_mut().insert(next_position(call), object.body.len().into());
    Ok(reply)
}

/// The header with the length of the object. S3 has no appends, so OBS uses its own header for S3 names as
/// well.
fn next_position(call: &Call<'_>) -> HeaderName {
    HeaderPrefix::of(call.dialect).name("next-append-position")
}

fn position(call: &Call<'_>) -> Outcome<u64> {
    let text = call.query.get("position").unwrap_or_default();
    text.parse().map_err(|_| {
        ApiError::invalid_argument("The append position must be an integer of 0 or more.")
            .detail("ArgumentName", "position")
            .detail("ArgumentValue", text)
    })
}

/// What an append makes of the object that is there. Headers and metadata are those of the first append.
fn appended(
    call: &Call<'_>,
    old: Option<&StoredObject>,
    position: u64,
    headers: ObjectHeaders,
    piece: &Content,
    digests: Digests,
) -> Outcome<StoredObject> {
    let length = old.map_or(0, |old| old.body.len());
    if old.is_some_and(|old| !takes_appends(call.dialect, old)) {
        let message = "The object you specified is not appendable.";
        return Err(ApiError::new(StatusCode::CONFLICT, "ObjectNotAppendable", message));
    }
    if position != length {
        let message = "Position is not equal to file length.";
        return Err(ApiError::new(StatusCode::CONFLICT, "PositionNotEqualToLength", message)
            .header(next_position(call), HeaderValue::from(length)));
    }
    if length + piece.len() > MAX_OBJECT {
        let message = "Your proposed append exceeds the maximum allowed object size.";
        return Err(ApiError::bad_request("EntityTooLarge", message));
    }
    let new = call.store().object(Content::default(), digests, headers, call.cloud.now());
    let (before, crc64) = match old {
        Some(old) => (old.clone(), old.crc64.map(|before| combine(before, digests.crc64, piece.len()))),
        None => (new.clone(), Some(digests.crc64)),
    };
    // 32 hex digits, and no MD5 of anything.
    let etag = Md5::new().chain_update(&before.etag).chain_update(digests.md5).finalize();
    Ok(StoredObject {
        body: Content::join([&before.body, piece]),
        etag: call.dialect.etag(&etag.into()),
        crc64,
        last_modified: new.last_modified,
        kind: ObjectKind::Appendable,
        encryption: call.encryption(),
        ..before
    })
}

/// OBS appends to no object of a class that is restored before it is read.
fn takes_appends(dialect: Dialect, object: &StoredObject) -> bool {
    let archived = dialect == Dialect::Obs && object.has_archive_class(dialect);
    object.kind == ObjectKind::Appendable && !archived
}
