//! Multipart uploads.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Response, StatusCode, header};

use super::body::{BodyError, MAX_DOCUMENT, MAX_OBJECT, receive};
use super::headers_kept::object_headers;
use super::reply::{write_crc, write_headers, xml_reply};
use super::write::{check_crc, check_key, store};
use super::{Call, callbacks};
use crate::assembled::Assembled;
use crate::body::{ReplyBody, RequestBody};
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::notify::Change;
use crate::reply::{Reply, insert_text};
use crate::store::{Bucket, Part, Upload};
use crate::wire::{self, Slash, encode};
use crate::xml::{self, Document, Node};

const MAX_PART_NUMBER: u32 = 10_000;
const MIN_PART: u64 = 100 << 10;

pub(super) fn initiate(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    check_key(call.dialect, key)?;
    let upload = Upload {
        key: key.to_owned(),
        headers: object_headers(call)?,
        initiated: call.cloud.now(),
        parts: BTreeMap::new(),
    };
    let id = call.cloud.request_id(call.dialect.service());
    bucket.uploads.lock().insert(id.clone(), upload);
    let encoded = call.query.get("encoding-type") == Some("url");
    let mut xml = Document::new("InitiateMultipartUploadResult", call.dialect.namespace());
    if encoded {
        xml.leaf("EncodingType", "url");
    }
    let shown = if encoded { encode(key, Slash::Encode) } else { key.to_owned() };
    xml.leaf("Bucket", call.bucket_name()).leaf("Key", &shown).leaf("UploadId", &id);
    Ok(xml_reply(xml.finish()))
}

pub(super) async fn upload_part(call: &Call<'_>, key: &str, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let number = part_number(call)?;
    let (body, digests) = receive(call.dialect, &call.parts.headers, body, MAX_OBJECT).await?;
    let crc64 = Some(digests.crc64);
    check_crc(call, crc64)?;
    let etag = call.new_etag(&digests.md5);
    let part = Part { body, md5: digests.md5, etag: etag.clone(), crc64, last_modified: call.cloud.now() };
    add_part(call, &bucket, key, number, part)?;
    let mut reply = Response::new(ReplyBody::default());
    insert_text(reply.headers_mut(), header::ETAG, &format!("\"{etag}\""));
    write_crc(call, crc64, reply.headers_mut());
    Ok(reply)
}

pub(super) fn part_number(call: &Call<'_>) -> Outcome<u32> {
    let number = call.query.get("partNumber").and_then(|number| number.parse().ok());
    number.filter(|number| (1..=MAX_PART_NUMBER).contains(number)).ok_or_else(|| {
        ApiError::invalid_argument("Part number must be an integer between 1 and 10000, inclusive.")
    })
}

/// Puts a part in the place of any earlier one of its number.
pub(super) fn add_part(call: &Call<'_>, bucket: &Bucket, key: &str, number: u32, part: Part) -> Outcome<()> {
    with_upload(call, bucket, key, |upload| {
        upload.parts.insert(number, part);
        Ok(())
    })
}

pub(super) fn with_upload<T>(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &str,
    work: impl FnOnce(&mut Upload) -> Outcome<T>,
) -> Outcome<T> {
    let id = call.query.get("uploadId").unwrap_or_default();
    let mut uploads = bucket.uploads.lock();
    let upload = uploads.get_mut(id).filter(|upload| upload.key == key);
    work(upload.ok_or_else(|| no_such_upload(id))?)
}

fn no_such_upload(id: &str) -> ApiError {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                   aborted or completed.";
    ApiError::new(StatusCode::NOT_FOUND, "NoSuchUpload", message).detail("UploadId", id)
}

pub(super) async fn complete(call: &Call<'_>, key: &str, body: RequestBody) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let takes_all = call.dialect == Dialect::Oss
        && call.parts.headers.get("x-oss-complete-all").is_some_and(|value| value == "yes");
    let order = callbacks::ordered(call)?;
    let (body, _) = receive(call.dialect, &call.parts.headers, body, MAX_DOCUMENT).await?;
    let listed = if takes_all { None } else { Some(listed_parts(&body)?) };
    let (assembled, headers) = with_upload(call, &bucket, key, |upload| {
        Ok((Assembled::of(&choose(upload, listed)?), upload.headers.clone()))
    })?;
    check_crc(call, assembled.crc64)?;
    let id = call.query.get("uploadId").unwrap_or_default();
    let mut object = assembled.into_object(call.dialect, headers, id, call.cloud.now());
    object.encryption = call.encryption();
    let object = Arc::new(object);
    store(call, &bucket, key, &object, Change::CompleteMultipartUpload)?;
    bucket.uploads.lock().remove(id);
    if let Some(order) = order {
        return Ok(callbacks::answer(call, key, &object, order, "CompleteMultipartUpload").await?);
    }
    let mut xml = Document::new("CompleteMultipartUploadResult", call.dialect.namespace());
    let encoded = call.query.get("encoding-type") == Some("url");
    let shown = if encoded { encode(key, Slash::Encode) } else { key.to_owned() };
    xml.leaf("Location", &location(call, key))
        .leaf("Bucket", call.bucket_name())
        .leaf("Key", &shown)
        .leaf("ETag", &format!("\"{}\"", object.etag));
    let mut reply = xml_reply(xml.finish());
    write_headers(call, &object, reply.headers_mut());
    Ok(reply)
}

/// The address of an object as the caller addressed it: by the name of the host or by the path.
fn location(call: &Call<'_>, key: &str) -> String {
    let host = wire::header(&call.parts.headers, header::HOST.as_str());
    let key = encode(key, Slash::Keep);
    // Only by the path is the bucket not in what the name of the host says already.
    if call.target.resource_root.is_empty() {
        return format!("http://{host}/{}/{key}", call.bucket_name());
    }
    format!("http://{host}/{key}")
}

/// Number and ETag of each part in the order of the request.
fn listed_parts(body: &[u8]) -> Outcome<Vec<(u32, String)>> {
    let mut parts = Vec::new();
    let mut number = None;
    let mut etag = None;
    for node in xml::parse(body)? {
        let Node::Close { name, text } = node else {
            continue;
        };
        match name.as_str() {
            "PartNumber" => number = text.trim().parse().ok(),
            "ETag" => etag = Some(text.trim().trim_matches('"').to_owned()),
            "Part" => {
                parts.push((
                    number.take().ok_or_else(ApiError::malformed_xml)?,
                    etag.take().unwrap_or_default(),
                ));
            }
            _ => {}
        }
    }
    if parts.is_empty() { Err(ApiError::malformed_xml()) } else { Ok(parts) }
}

fn choose(upload: &Upload, listed: Option<Vec<(u32, String)>>) -> Outcome<Vec<Part>> {
    let Some(listed) = listed else {
        return Ok(upload.parts.values().cloned().collect());
    };
    if !listed.is_sorted_by(|(one, _), (next, _)| one < next) {
        let message = "The list of parts was not in ascending order.";
        return Err(ApiError::bad_request("InvalidPartOrder", message));
    }
    let mut chosen = Vec::with_capacity(listed.len());
    for (number, etag) in &listed {
        let part = upload.parts.get(number).filter(|part| part.etag.eq_ignore_ascii_case(etag));
        let part = part.ok_or_else(|| {
            let message = "One or more of the specified parts could not be found or the specified entity tag might \
                           not have matched the part's entity tag.";
            ApiError::bad_request("InvalidPart", message).detail("PartNumber", number.to_string())
        })?;
        chosen.push(part.clone());
    }
    let all_but_last = &chosen[..chosen.len().saturating_sub(1)];
    if all_but_last.iter().any(|part| part.body.len() < MIN_PART) {
        let message = "Your proposed upload smaller than the minimum allowed size.";
        return Err(ApiError::bad_request("EntityTooSmall", message));
    }
    Ok(chosen)
}

pub(super) fn abort(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    with_upload(call, &bucket, key, |_| Ok(()))?;
    bucket.uploads.lock().remove(call.query.get("uploadId").unwrap_or_default());
    let mut reply = Response::new(ReplyBody::default());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    Ok(reply)
}
