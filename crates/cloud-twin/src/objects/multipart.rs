//! Multipart uploads.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use md5::{Digest, Md5};

use super::body::{BodyError, MAX_DOCUMENT, MAX_OBJECT, receive};
use super::put::{check_crc, check_key, object_headers, store, write_headers, xml_reply};
use super::{Call, Dialect};
use crate::error::{ApiError, Outcome, Reply, insert_text};
use crate::notify::Change;
use crate::store::{Bucket, Digests, ObjectKind, Part, Upload};
use crate::sync::lock;
use crate::wire::{Slash, encode};
use crate::xml::{self, Document, Node};

const MAX_PART_NUMBER: u32 = 10_000;
const MIN_PART: usize = 100 << 10;

pub(super) fn initiate(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    check_key(call.dialect, key)?;
    let upload = Upload { key: key.to_owned(), headers: object_headers(call)?, parts: BTreeMap::new() };
    let id = call.inner.request_id(call.dialect.service());
    lock(&bucket.uploads).insert(id.clone(), upload);
    let encoded = call.query.get("encoding-type") == Some("url");
    let mut xml = Document::new("InitiateMultipartUploadResult", call.dialect.namespace());
    if encoded {
        xml.leaf("EncodingType", "url");
    }
    let shown = if encoded { encode(key, Slash::Encode) } else { key.to_owned() };
    xml.leaf("Bucket", call.bucket_name()).leaf("Key", &shown).leaf("UploadId", &id);
    Ok(xml_reply(xml.finish()))
}

pub(super) async fn upload_part(call: &Call<'_>, key: &str, body: Incoming) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let number = call.query.get("partNumber").and_then(|number| number.parse().ok());
    let number = number.filter(|number| (1..=MAX_PART_NUMBER).contains(number)).ok_or_else(|| {
        ApiError::invalid_argument("Part number must be an integer between 1 and 10000, inclusive.")
    })?;
    let (body, digests) = receive(call.dialect, &call.parts.headers, body, MAX_OBJECT).await?;
    check_crc(call, digests)?;
    let etag = call.dialect.etag(&digests.md5);
    with_upload(call, &bucket, key, |upload| {
        upload.parts.insert(number, Part { body, md5: digests.md5 });
        Ok(())
    })?;
    let mut reply = Response::new(Full::default());
    insert_text(reply.headers_mut(), header::ETAG, &format!("\"{etag}\""));
    reply.headers_mut().insert(call.prefix.crc_header(), digests.crc64.into());
    Ok(reply)
}

fn with_upload<T>(
    call: &Call<'_>,
    bucket: &Bucket,
    key: &str,
    work: impl FnOnce(&mut Upload) -> Outcome<T>,
) -> Outcome<T> {
    let id = call.query.get("uploadId").unwrap_or_default();
    let mut uploads = lock(&bucket.uploads);
    let upload = uploads.get_mut(id).filter(|upload| upload.key == key);
    work(upload.ok_or_else(|| no_such_upload(id))?)
}

fn no_such_upload(id: &str) -> ApiError {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                   aborted or completed.";
    ApiError::new(StatusCode::NOT_FOUND, "NoSuchUpload", message).detail("UploadId", id)
}

pub(super) async fn complete(call: &Call<'_>, key: &str, body: Incoming) -> Result<Reply, BodyError> {
    let bucket = call.bucket()?;
    let takes_all = call.dialect == Dialect::Oss
        && call.parts.headers.get("x-oss-complete-all").is_some_and(|value| value == "yes");
    let (body, _) = receive(call.dialect, &call.parts.headers, body, MAX_DOCUMENT).await?;
    let listed = if takes_all { None } else { Some(listed_parts(&body)?) };
    let (assembled, etag, headers) = with_upload(call, &bucket, key, |upload| {
        let chosen = choose(call.dialect, upload, listed)?;
        let (assembled, etag) = assemble(call.dialect, &chosen);
        Ok((assembled, etag, upload.headers.clone()))
    })?;
    let digests = Digests::of(&assembled);
    check_crc(call, digests)?;
    let mut object = call.store().object(assembled, digests, headers, call.inner.now());
    object.etag = etag;
    object.kind = ObjectKind::Multipart;
    let object = Arc::new(object);
    store(call, &bucket, key, &object, Change::CompleteMultipartUpload)?;
    lock(&bucket.uploads).remove(call.query.get("uploadId").unwrap_or_default());
    let mut xml = Document::new("CompleteMultipartUploadResult", call.dialect.namespace());
    let location = format!("http://{}/{}", call.bucket_name(), encode(key, Slash::Keep));
    let encoded = call.query.get("encoding-type") == Some("url");
    let shown = if encoded { encode(key, Slash::Encode) } else { key.to_owned() };
    xml.leaf("Location", &location)
        .leaf("Bucket", call.bucket_name())
        .leaf("Key", &shown)
        .leaf("ETag", &format!("\"{}\"", object.etag));
    let mut reply = xml_reply(xml.finish());
    write_headers(call, &object, reply.headers_mut());
    Ok(reply)
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

fn choose(dialect: Dialect, upload: &Upload, listed: Option<Vec<(u32, String)>>) -> Outcome<Vec<Part>> {
    let Some(listed) = listed else {
        return Ok(upload.parts.values().cloned().collect());
    };
    if !listed.is_sorted_by(|(one, _), (next, _)| one < next) {
        let message = "The list of parts was not in ascending order.";
        return Err(ApiError::bad_request("InvalidPartOrder", message));
    }
    let mut chosen = Vec::with_capacity(listed.len());
    for (number, etag) in &listed {
        let part = upload.parts.get(number).filter(|part| dialect.etag(&part.md5).eq_ignore_ascii_case(etag));
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

fn assemble(dialect: Dialect, parts: &[Part]) -> (Bytes, String) {
    let mut body = BytesMut::with_capacity(parts.iter().map(|part| part.body.len()).sum());
    let mut md5 = Md5::new();
    for part in parts {
        body.extend_from_slice(&part.body);
        md5.update(part.md5);
    }
    let etag = format!("{}-{}", dialect.etag(&md5.finalize().into()), parts.len());
    (body.freeze(), etag)
}

pub(super) fn abort(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    with_upload(call, &bucket, key, |_| Ok(()))?;
    lock(&bucket.uploads).remove(call.query.get("uploadId").unwrap_or_default());
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    Ok(reply)
}

pub(super) fn list_parts(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let number = |name: &str, default: usize| {
        call.query.get(name).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (max, after) = (number("max-parts", 1000).min(1000), number("part-number-marker", 0));
    let mut xml = Document::new("ListPartsResult", call.dialect.namespace());
    xml.leaf("Bucket", call.bucket_name())
        .leaf("Key", key)
        .leaf("UploadId", call.query.get("uploadId").unwrap_or_default())
        .leaf("PartNumberMarker", &after.to_string())
        .leaf("MaxParts", &max.to_string());
    with_upload(call, &bucket, key, |upload| {
        let rest: Vec<_> = upload.parts.iter().filter(|(number, _)| **number as usize > after).collect();
        let page = &rest[..rest.len().min(max)];
        if let Some((last, _)) = page.last() {
            xml.leaf("NextPartNumberMarker", &last.to_string());
        }
        xml.leaf("IsTruncated", if rest.len() > max { "true" } else { "false" });
        for (number, part) in page {
            xml.group("Part", |xml| {
                xml.leaf("PartNumber", &number.to_string())
                    .leaf("LastModified", &call.dialect.time(call.inner.now()))
                    .leaf("ETag", &format!("\"{}\"", call.dialect.etag(&part.md5)))
                    .leaf("Size", &part.body.len().to_string());
            });
        }
        Ok(())
    })?;
    Ok(xml_reply(xml.finish()))
}

/// Every upload under way on one page.
pub(super) fn list_uploads(call: &Call<'_>) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let mut xml = Document::new("ListMultipartUploadsResult", call.dialect.namespace());
    xml.leaf("Bucket", call.bucket_name()).leaf("MaxUploads", "1000").leaf("IsTruncated", "false");
    for (id, upload) in &*lock(&bucket.uploads) {
        xml.group("Upload", |xml| {
            xml.leaf("Key", &upload.key)
                .leaf("UploadId", id)
                .leaf("Initiated", &call.dialect.time(bucket.created));
        });
    }
    Ok(xml_reply(xml.finish()))
}
