//! `CopyObject` and `UploadPartCopy`: nothing is copied but references.

use std::ops::Range;
use std::sync::Arc;

use http::header::{self, HeaderMap};
use http::{Response, StatusCode};

use super::body::MAX_OBJECT;
use super::conditions::{ConditionVerdict, check};
use super::get::{check_restored, look_up};
use super::headers_kept::object_headers;
use super::range::{Asked, not_satisfiable};
use super::reply::{write_crc, xml_reply};
use super::write::{check_key, store};
use super::{Call, multipart};
use crate::body::ReplyBody;
use crate::dialect::{Dialect, HeaderPrefix};
use crate::digest::Digests;
use crate::error::{ApiError, Outcome};
use crate::notify::Change;
use crate::object::{ObjectHeaders, ObjectKind, StoredObject};
use crate::reply::{Reply, insert_text};
use crate::store::{Bucket, Part};
use crate::wire::{self, Plus, decode};
use crate::xml::Document;

/// Largest object whose storage class OSS changes by a copy.
const MAX_CLASS_CHANGE: u64 = 1 << 30;

/// What a copy reads.
pub(super) struct Source {
    pub(super) bucket: String,
    pub(super) key: String,
}

impl Source {
    /// `/bucket/key` with the key URL-encoded, `?versionId=null` allowed; `None` where there is none. OBS
    /// decodes before it looks for the bucket: `esdk-obs-nodejs` encodes every slash.
    pub(super) fn of(headers: &HeaderMap, prefix: HeaderPrefix) -> Option<Outcome<Self>> {
        let name = prefix.name("copy-source");
        let text = headers.contains_key(&name).then(|| wire::header(headers, name.as_str()))?;
        Some(Self::parse(&text, prefix).ok_or_else(|| {
            ApiError::invalid_argument(
                "Copy Source must mention the source bucket and key: /sourcebucket/sourcekey.",
            )
            .detail("ArgumentName", name.as_str())
            .detail("ArgumentValue", text)
        }))
    }

    fn parse(text: &str, prefix: HeaderPrefix) -> Option<Self> {
        let (path, version) = text.split_once('?').unwrap_or((text, ""));
        let known = version.is_empty() || version == "versionId=null";
        let decoded = |text: &str| decode(text, Plus::Literal).ok();
        let halves = |path: &str| {
            let (bucket, key) = path.strip_prefix('/').unwrap_or(path).split_once('/')?;
            Some((bucket.to_owned(), key.to_owned()))
        };
        let (bucket, key) = if prefix == HeaderPrefix::OSS {
            let (bucket, key) = halves(path)?;
            (decoded(&bucket)?, decoded(&key)?)
        } else {
            halves(&decoded(path)?)?
        };
        (known && !bucket.is_empty() && !key.is_empty()).then_some(Self { bucket, key })
    }

    fn of_call(call: &Call<'_>) -> Outcome<Self> {
        Self::of(&call.parts.headers, call.prefix).unwrap_or_else(|| Err(ApiError::not_implemented()))
    }

    fn bucket(&self, call: &Call<'_>) -> Outcome<Arc<Bucket>> {
        call.store().bucket(&self.bucket).ok_or_else(|| ApiError::no_such_bucket(&self.bucket))
    }
}

/// `Some` for a copy that its conditions make needless.
fn unneeded(call: &Call<'_>, source: &StoredObject) -> Outcome<Option<Reply>> {
    let prefix = call.prefix.name("copy-source-");
    match (check(&call.parts.headers, prefix.as_str(), source)?, call.dialect) {
        (ConditionVerdict::Met, _) => Ok(None),
        (ConditionVerdict::Unchanged, Dialect::Oss) => {
            let mut reply = Response::new(ReplyBody::default());
            *reply.status_mut() = StatusCode::NOT_MODIFIED;
            Ok(Some(reply))
        }
        (ConditionVerdict::Unchanged, Dialect::Obs) => {
            Err(ApiError::precondition_failed("x-obs-copy-source-If-None-Match"))
        }
    }
}

pub(super) fn copy_object(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    check_key(call.dialect, key)?;
    let from = Source::of_call(call)?;
    let source = from.bucket(call)?.get(&from.key).ok_or_else(|| ApiError::no_such_key(&from.key))?;
    if let Some(reply) = unneeded(call, &source)? {
        return Ok(reply);
    }
    check_restored(call, &source)?;
    let headers = headers_of_copy(call, &source)?;
    check_size(call, &from, &source, headers.storage_class.as_deref())?;
    let object = Arc::new(StoredObject {
        last_modified: call.cloud.now(),
        headers,
        // A link is copied as one, everything else becomes an object of one write.
        kind: match &source.kind {
            link @ ObjectKind::Symlink { .. } => link.clone(),
            _ => ObjectKind::Normal,
        },
        upload_id: None,
        encryption: call.encryption(),
        acl_document: None,
        restored_from: None,
        restored_until: None,
        ..StoredObject::clone(&source)
    });
    store(call, &bucket, key, &object, Change::CopyObject)?;
    Ok(result(call, "CopyObjectResult", &object.etag, object.crc64))
}

/// Metadata and tags go along unless they are to be replaced; class and ACL are always those of the request.
fn headers_of_copy(call: &Call<'_>, source: &StoredObject) -> Outcome<ObjectHeaders> {
    let given = object_headers(call)?;
    let replaces = |name: &str| -> Outcome<bool> {
        let name = call.prefix.name(name);
        let directive = wire::header(&call.parts.headers, name.as_str());
        match directive.to_ascii_uppercase().as_str() {
            "" | "COPY" => Ok(false),
            "REPLACE" => Ok(true),
            _ => Err(ApiError::invalid_argument("A directive must be COPY or REPLACE.")
                .detail("ArgumentName", name.as_str())
                .detail("ArgumentValue", directive)),
        }
    };
    let tags = if replaces("tagging-directive")? { given.tags.clone() } else { source.headers.tags.clone() };
    if replaces("metadata-directive")? {
        return Ok(ObjectHeaders { tags, ..given });
    }
    let ObjectHeaders { storage_class, acl, .. } = given;
    Ok(ObjectHeaders { storage_class, tags, acl, ..source.headers.clone() })
}

/// OSS takes any size within a bucket, and little where the storage class changes.
fn check_size(call: &Call<'_>, from: &Source, source: &StoredObject, class: Option<&str>) -> Outcome<()> {
    let default = call.dialect.default_storage_class();
    let same_class = class.unwrap_or(default) == source.headers.storage_class.as_deref().unwrap_or(default);
    let limit = match call.dialect {
        Dialect::Oss if !same_class => MAX_CLASS_CHANGE,
        Dialect::Oss if from.bucket == call.bucket_name() => u64::MAX,
        _ => MAX_OBJECT,
    };
    if source.body.len() <= limit {
        return Ok(());
    }
    let message = "The specified copy source is larger than the maximum allowable size for a copy source.";
    Err(ApiError::bad_request("EntityTooLarge", message)
        .detail("MaxSizeAllowed", limit.to_string())
        .detail("ProposedSize", source.body.len().to_string()))
}

pub(super) fn upload_part_copy(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let bucket = call.bucket()?;
    let number = multipart::part_number(call)?;
    let from = Source::of_call(call)?;
    let source = look_up(&*from.bucket(call)?, &from.key)?;
    if let Some(reply) = unneeded(call, &source)? {
        return Ok(reply);
    }
    check_restored(call, &source)?;
    let body = match source_range(call, source.body.len())? {
        Some(range) => source.body.slice(range),
        None => source.body.clone(),
    };
    if body.len() > MAX_OBJECT {
        let message = "Your proposed upload exceeds the maximum allowed size.";
        return Err(ApiError::bad_request("EntityTooLarge", message));
    }
    let digests = Digests::of(&body);
    let crc64 = source.crc64.map(|_| digests.crc64);
    let etag = call.new_etag(&digests.md5);
    let part = Part { body, md5: digests.md5, etag: etag.clone(), crc64, last_modified: call.cloud.now() };
    multipart::add_part(call, &bucket, key, number, part)?;
    Ok(result(call, "CopyPartResult", &etag, crc64))
}

/// An invalid range: OSS copies everything, OBS refuses.
fn source_range(call: &Call<'_>, size: u64) -> Outcome<Option<Range<u64>>> {
    let name = call.prefix.name("copy-source-range");
    let text = wire::header(&call.parts.headers, name.as_str());
    match (Asked::parse(&text), call.dialect) {
        (Some(Asked::Between(start, end)), _) if end < size => Ok(Some(start..end + 1)),
        (Some(_), Dialect::Obs) => Err(not_satisfiable(size, &text)),
        (None, Dialect::Obs) if !text.is_empty() => {
            Err(ApiError::invalid_argument("The copy source range must be of the form bytes=first-last.")
                .detail("ArgumentName", name.as_str())
                .detail("ArgumentValue", text))
        }
        _ => Ok(None),
    }
}

fn result(call: &Call<'_>, root: &'static str, etag: &str, crc64: Option<u64>) -> Reply {
    let etag = format!("\"{etag}\"");
    let mut xml = Document::new(root, call.dialect.namespace());
    xml.leaf("LastModified", &call.dialect.time(call.cloud.now())).leaf("ETag", &etag);
    if let (Dialect::Obs, Some(crc64)) = (call.dialect, call.shown_crc(crc64)) {
        xml.leaf("CRC64", &crc64.to_string());
    }
    let mut reply = xml_reply(xml.finish());
    if call.dialect == Dialect::Oss {
        insert_text(reply.headers_mut(), header::ETAG, &etag);
    }
    write_crc(call, crc64, reply.headers_mut());
    reply
}
