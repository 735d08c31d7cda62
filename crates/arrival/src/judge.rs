//! Whether an object at the destination is the copy of what was accepted, or of what the source holds.
//!
//! The rules are those of the copies (`object-copy`): CRC-64, else MD5, else the source's `ETag` in the
//! metadata of the copy. The `ETag` of a multipart upload is never compared: each cloud computes it by a rule
//! of its own. OMS leaves no metadata, so of what it copies in parts to a bucket without CRC-64 nothing is
//! left but the size and the times; the proof says so.

use bridge_core::journal::{Proof, Record};
use object_copy::transfer::SOURCE_ETAG;
use oss_lite::{ListedObject, ObjectMeta, etag_md5};

/// Whether the copy is what the success record says of the object, if that is known.
pub(crate) fn is_recorded(record: &Record, copy: &ObjectMeta) -> Option<Proof> {
    if record.size.is_some_and(|size| size != copy.size) {
        return None;
    }
    let etag = record.etag.as_deref()?.trim_matches('"');
    if copy.md5().is_some_and(|md5| etag_md5(etag) == Some(md5)) {
        return Some(Proof::Md5);
    }
    carried(copy).is_some_and(|carried| carried.eq_ignore_ascii_case(etag)).then_some(Proof::SourceEtag)
}

/// The same of a copy that was only listed. A listing does not show whether an `ETag` is an MD5; one that is
/// equal to that of the source is.
pub(crate) fn is_listed(record: &Record, copy: &ListedObject) -> Option<Proof> {
    if record.is_removal() || record.size.is_some_and(|size| size != copy.size) {
        return None;
    }
    let of_source = etag_md5(record.etag.as_deref()?.trim_matches('"'))?;
    let of_copy = etag_md5(copy.etag.as_deref()?.trim_matches('"'))?;
    (of_source == of_copy).then_some(Proof::Md5)
}

/// Whether the copy has the content that the source has now.
pub(crate) fn is_same(source: &ObjectMeta, copy: &ObjectMeta) -> Option<Proof> {
    if source.size != copy.size {
        return None;
    }
    let proof = |same: bool, proof| same.then_some(proof);
    match (source.crc64, copy.crc64, source.md5(), copy.md5()) {
        (Some(ours), Some(theirs), ..) => return proof(ours == theirs, Proof::Crc64),
        (_, _, Some(ours), Some(theirs)) => return proof(ours == theirs, Proof::Md5),
        _ => {}
    }
    if let (Some(carried), Some(etag)) = (carried(copy), source.etag.as_deref()) {
        return proof(carried == etag, Proof::SourceEtag);
    }
    let written_since = source.last_modified.zip(copy.last_modified).is_some_and(|(from, to)| to >= from);
    proof(written_since, Proof::Size)
}

/// Whether the copy can be taken for what was accepted where nobody can look at the source.
pub(crate) fn is_plausible(record: &Record, copy: &ObjectMeta) -> Option<Proof> {
    let written = copy.last_modified?;
    let begun = record.event_moment().or_else(|| record.accepted_moment());
    if record.size.is_some_and(|size| size != copy.size) || begun.is_some_and(|begun| written < begun) {
        return None;
    }
    Some(if record.size.is_some() { Proof::Size } else { Proof::Presence })
}

fn carried(copy: &ObjectMeta) -> Option<&str> {
    copy.metadata.iter().find(|(name, _)| name == SOURCE_ETAG).map(|(_, etag)| etag.as_str())
}
