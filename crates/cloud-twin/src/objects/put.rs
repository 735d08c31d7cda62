//! `PutObject`.

use std::sync::Arc;

use http::Response;

use super::body::{BodyError, MAX_OBJECT, receive};
use super::headers_kept::object_headers;
use super::reply::write_headers;
use super::write::{check_crc, check_key, store};
use super::{Call, callbacks};
use crate::body::{ReplyBody, RequestBody};
use crate::notify::Change;
use crate::object::StoredObject;
use crate::reply::Reply;

pub(super) async fn put_object(call: &Call<'_>, key: &str, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    check_key(call.dialect, key)?;
    let order = callbacks::ordered(call)?;
    let headers = object_headers(call)?;
    let (body, digests) = receive(call.dialect, &call.parts.headers, body, MAX_OBJECT).await?;
    check_crc(call, Some(digests.crc64))?;
    let etag = call.new_etag(&digests.md5);
    let object = call.store().object(body, digests, headers, call.cloud.now());
    let object = Arc::new(StoredObject { etag, encryption: call.encryption(), ..object });
    store(call, &bucket, key, &object, Change::PutObject)?;
    if let Some(order) = order {
        return Ok(callbacks::answer(call, key, &object, order, "PutObject").await?);
    }
    let mut reply = Response::new(ReplyBody::default());
    write_headers(call, &object, reply.headers_mut());
    Ok(reply)
}
