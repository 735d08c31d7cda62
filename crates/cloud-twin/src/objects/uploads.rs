//! `ListParts` and `ListMultipartUploads`.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::Call;
use super::multipart::with_upload;
use super::reply::xml_reply;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::reply::Reply;
use crate::wire::{Slash, encode};
use crate::xml::Document;

const MAX_ENTRIES: usize = 1000;

/// A key as the caller wants it written.
fn shown<'a>(call: &Call<'_>, text: &'a str) -> Cow<'a, str> {
    match call.query.get("encoding-type") {
        Some("url") => encode(text, Slash::Encode).into(),
        _ => text.into(),
    }
}

fn limit(call: &Call<'_>, name: &'static str) -> Outcome<usize> {
    let Some(text) = call.query.get(name).filter(|text| !text.is_empty()) else {
        return Ok(MAX_ENTRIES);
    };
    let limit = text.parse::<usize>().ok().filter(|limit| *limit > 0).map(|limit| limit.min(MAX_ENTRIES));
    limit.ok_or_else(|| {
        ApiError::invalid_argument("The limit must be an integer between 1 and 1000.")
            .detail("ArgumentName", name)
            .detail("ArgumentValue", text)
    })
}

const fn yes(truncated: bool) -> &'static str {
    if truncated { "true" } else { "false" }
}

pub(super) fn list_parts(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let max = limit(call, "max-parts")?;
    let after = call.query.get("part-number-marker").and_then(|text| text.parse().ok()).unwrap_or(0_u32);
    let mut xml = Document::new("ListPartsResult", call.dialect.namespace());
    xml.leaf("Bucket", call.bucket_name())
        .leaf("Key", &shown(call, key))
        .leaf("UploadId", call.query.get("uploadId").unwrap_or_default())
        .leaf("PartNumberMarker", &after.to_string())
        .leaf("MaxParts", &max.to_string());
    with_upload(call, &bucket, key, |upload| {
        let rest: Vec<_> = upload.parts.iter().filter(|(number, _)| **number > after).collect();
        let page = &rest[..rest.len().min(max)];
        match (page.last(), call.dialect) {
            (Some((last, _)), _) => {
                xml.leaf("NextPartNumberMarker", &last.to_string());
            }
            // Always there on OSS: `oss2` does not read a page without.
            (None, Dialect::Oss) => {
                xml.leaf("NextPartNumberMarker", "0");
            }
            (None, Dialect::Obs) => {}
        }
        xml.leaf("IsTruncated", yes(rest.len() > max));
        for (number, part) in page {
            xml.group("Part", |xml| {
                xml.leaf("PartNumber", &number.to_string())
                    .leaf("LastModified", &call.dialect.time(part.last_modified))
                    .leaf("ETag", &format!("\"{}\"", part.etag))
                    .leaf("Size", &part.body.len().to_string());
                if let (Dialect::Oss, Some(crc64)) = (call.dialect, part.crc64) {
                    xml.leaf("HashCrc64ecma", &crc64.to_string());
                }
            });
        }
        Ok(())
    })?;
    Ok(xml_reply(xml.finish()))
}

/// An upload under way.
struct Entry {
    key: String,
    id: String,
    initiated: DateTime<Utc>,
    class: String,
}

pub(super) fn list_uploads(call: &Call<'_>) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let max = limit(call, "max-uploads")?;
    let text = |name: &str| call.query.get(name).unwrap_or_default();
    let (prefix, key_marker, id_marker) = (text("prefix"), text("key-marker"), text("upload-id-marker"));
    let is_done = |key: &str, id: &str| match key.cmp(key_marker) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Equal => id_marker.is_empty() || id <= id_marker,
        std::cmp::Ordering::Greater => false,
    };
    let default_class = call.dialect.default_storage_class();
    let mut rest: Vec<_> = bucket
        .uploads
        .lock()
        .iter()
        .filter(|(id, upload)| upload.key.starts_with(prefix) && !is_done(&upload.key, id))
        .map(|(id, upload)| Entry {
            key: upload.key.clone(),
            id: id.clone(),
            initiated: upload.initiated,
            class: upload.headers.storage_class.as_deref().unwrap_or(default_class).to_owned(),
        })
        .collect();
    rest.sort_by(|one, other| (&one.key, &one.id).cmp(&(&other.key, &other.id)));
    let truncated = rest.len() > max;
    rest.truncate(max);
    let mut xml = Document::new("ListMultipartUploadsResult", call.dialect.namespace());
    xml.leaf("Bucket", call.bucket_name())
        .leaf("KeyMarker", &shown(call, key_marker))
        .leaf("UploadIdMarker", id_marker)
        .leaf("Prefix", &shown(call, prefix))
        .leaf("MaxUploads", &max.to_string())
        .leaf("IsTruncated", yes(truncated));
    if text("encoding-type") == "url" {
        xml.leaf("EncodingType", "url");
    }
    if let Some(last) = rest.last().filter(|_| truncated) {
        xml.leaf("NextKeyMarker", &shown(call, &last.key)).leaf("NextUploadIdMarker", &last.id);
    } else if call.dialect == Dialect::Oss {
        // Always there on OSS: `oss2` does not read a page without.
        xml.leaf("NextKeyMarker", "").leaf("NextUploadIdMarker", "");
    }
    for entry in &rest {
        xml.group("Upload", |xml| {
            xml.leaf("Key", &shown(call, &entry.key))
                .leaf("UploadId", &entry.id)
                .leaf("StorageClass", call.prefix.shown_class(&entry.class))
                .leaf("Initiated", &call.dialect.time(entry.initiated));
        });
    }
    Ok(xml_reply(xml.finish()))
}
