//! Whether a copy exists already.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use oss_lite::{ObjectMeta, PutOptions, compare_coldness};

use super::origin::{SOURCE_ETAG, is_own_metadata};
use super::source_info::SourceInfo;

/// Whether the destination holds a copy of this version: by CRC-64, else by MD5, else by the source's `ETag`
/// in the metadata of the copy. The `ETag` of a multipart upload is never compared: each cloud computes it by
/// a rule of its own.
///
/// `wanted` is the metadata of a new copy. It is compared if the object is a copy by this program, which had
/// the source's metadata once: if it differs now, the source's metadata changed.
pub(super) fn is_copy(source: &SourceInfo, wanted: &PutOptions, copy: &ObjectMeta) -> bool {
    if source.size() != Some(copy.size) {
        return false;
    }
    let carried = copy.metadata.iter().find(|(name, _)| name == SOURCE_ETAG).map(|(_, etag)| etag);
    let same_content = match (source.crc64, copy.crc64, source.md5, copy.md5()) {
        (Some(ours), Some(theirs), ..) => ours == theirs,
        (_, _, Some(ours), Some(theirs)) => ours == theirs,
        // A difference proves nothing, since the `ETag` may be no MD5.
        (_, _, None, Some(theirs)) if source.likely_md5 == Some(theirs) => true,
        _ => source.identity.etag.is_some() && carried == source.identity.etag.as_ref(),
    };
    same_content
        && (carried.is_none()
            || (same_metadata(wanted, copy)
                && !class_changed(wanted, copy, source.identity.last_modified >= copy.last_modified)))
}

/// Whether the storage class at the source changed since the copy was made. A copy that is colder now was
/// moved by a lifecycle rule of its bucket, unless the source was written since.
fn class_changed(wanted: &PutOptions, copy: &ObjectMeta, written_since: bool) -> bool {
    let classes = wanted.storage_class.as_deref().zip(copy.storage_class.as_deref());
    match classes.and_then(|(wanted, found)| compare_coldness(wanted, found)) {
        Some(Ordering::Greater) => true,
        Some(Ordering::Less) => written_since,
        Some(Ordering::Equal) | None => false,
    }
}

/// Whether a new copy has the wanted metadata, including the storage class.
pub(super) fn carries(wanted: &PutOptions, copy: &ObjectMeta) -> bool {
    let etag = |metadata: &[(String, String)]| {
        metadata.iter().find(|(name, _)| name == SOURCE_ETAG).map(|(_, etag)| etag.clone())
    };
    etag(&wanted.metadata) == etag(&copy.metadata)
        && same_metadata(wanted, copy)
        && !class_changed(wanted, copy, true)
}

fn same_metadata(wanted: &PutOptions, copy: &ObjectMeta) -> bool {
    let user = |metadata: &[(String, String)]| {
        let mut pairs: Vec<_> = metadata.iter().filter(|(name, _)| !is_own_metadata(name)).cloned().collect();
        pairs.sort_unstable();
        pairs
    };
    let same = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
    user(&wanted.metadata) == user(&copy.metadata)
        && same(&wanted.content_type, &copy.content_type)
        && wanted.cache_control == copy.cache_control
        && wanted.content_disposition == copy.content_disposition
        && wanted.content_encoding == copy.content_encoding
        && wanted.content_language == copy.content_language
        && same_expiry(wanted.expires.as_deref(), copy.expires.as_deref())
}

/// The same text, or the same time in another format.
fn same_expiry(one: Option<&str>, other: Option<&str>) -> bool {
    let time = |text: &str| DateTime::parse_from_rfc2822(text).ok().map(|time| time.with_timezone(&Utc));
    one == other || one.zip(other).is_some_and(|(one, other)| time(one).is_some() && time(one) == time(other))
}
