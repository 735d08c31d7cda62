//! Whether a copy is there already.

use oss_lite::{ObjectMeta, PutOptions};

use super::facts::Facts;
use super::origin::is_own_metadata;

/// User metadata in which a copy keeps the `ETag` of its source.
pub const SOURCE_ETAG: &str = "src-etag";

/// Whether the destination holds this very object: by CRC-64, else by MD5, else by the source's `ETag` that the copy
/// carries. The `ETag` of a multipart upload is compared with nothing: each cloud makes it by a rule of its own.
///
/// `wanted` is what would be stored with a copy. It counts where the object is a copy of our own making, which had the
/// source's metadata once: if it has not now, the source's metadata changed.
pub(super) fn is_copy(source: &Facts, wanted: &PutOptions, copy: &ObjectMeta) -> bool {
    if source.size() != Some(copy.size) {
        return false;
    }
    let carried = copy.metadata.iter().find(|(name, _)| name == SOURCE_ETAG).map(|(_, etag)| etag);
    let same_content = match (source.crc64, copy.crc64, source.md5, copy.md5()) {
        (Some(ours), Some(theirs), ..) => ours == theirs,
        (_, _, Some(ours), Some(theirs)) => ours == theirs,
        _ => source.identity.etag.is_some() && carried == source.identity.etag.as_ref(),
    };
    same_content && (carried.is_none() || same_metadata(wanted, copy))
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
}
