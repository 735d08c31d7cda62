//! Headers and documents of replies.

use http::{HeaderMap, HeaderValue, Response, header};

use super::Call;
use crate::body::ReplyBody;
use crate::object::StoredObject;
use crate::reply::{Reply, insert_text};

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

pub(super) fn xml_reply(document: String) -> Reply {
    let mut reply = Response::new(ReplyBody::from(document));
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    reply
}
