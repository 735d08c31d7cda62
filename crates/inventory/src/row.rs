//! One object as an inventory describes it, and the form in which it is sorted.

use chrono::{DateTime, Utc};
use oss_lite::etag_md5;

use crate::varint;

/// One object as an inventory describes it: the current version of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// The key, decoded.
    pub key: String,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change; `None` where the inventory has none, or none that can be read.
    pub modified: Option<DateTime<Utc>>,
    /// `ETag` without quotes.
    pub etag: Option<String>,
    /// MD5 of the content, where the inventory shows that the `ETag` is one: of an object that was not
    /// uploaded in parts and whose encryption leaves it alone.
    pub md5: Option<[u8; 16]>,
    /// CRC-64/XZ of the content, in inventories of OSS that have the column.
    pub crc64: Option<u64>,
    /// Whether it is a symlink of OSS, whose size and `ETag` are its own and not those of its target.
    pub is_symlink: bool,
}

const HAS_TIME: u8 = 1;
const HAS_CRC64: u8 = 1 << 1;
const IS_MD5: u8 = 1 << 2;
const IS_SYMLINK: u8 = 1 << 3;
/// How the `ETag` is written: not at all, or as the 16 bytes that its hex digits stand for.
const ETAG: u8 = 0b11 << 4;
const LOWER: u8 = 1 << 4;
const UPPER: u8 = 2 << 4;
const TEXT: u8 = 3 << 4;

/// A row before it is written.
pub(crate) struct Parts<'t> {
    pub(crate) size: u64,
    pub(crate) modified: Option<DateTime<Utc>>,
    pub(crate) etag: &'t str,
    pub(crate) is_md5: bool,
    pub(crate) crc64: Option<u64>,
    pub(crate) is_symlink: bool,
}

/// Writes all of a row but its key, in few bytes: what is sorted beside the key.
pub(crate) fn pack(out: &mut Vec<u8>, parts: &Parts<'_>) {
    let md5 = etag_md5(parts.etag);
    let has = |byte: u8| parts.etag.as_bytes().iter().any(|digit| (byte..=byte + 5).contains(digit));
    let etag = match md5 {
        Some(_) if !has(b'A') => LOWER,
        Some(_) if !has(b'a') => UPPER,
        _ if parts.etag.is_empty() => 0,
        _ => TEXT,
    };
    let flags = etag
        | if parts.modified.is_some() { HAS_TIME } else { 0 }
        | if parts.crc64.is_some() { HAS_CRC64 } else { 0 }
        | if parts.is_md5 && md5.is_some() { IS_MD5 } else { 0 }
        | if parts.is_symlink { IS_SYMLINK } else { 0 };
    out.clear();
    out.push(flags);
    // First, and of fixed length: by it the newest of two rows of a key is found.
    if let Some(modified) = parts.modified {
        out.extend_from_slice(&modified.timestamp_millis().to_le_bytes());
    }
    varint::write(out, parts.size);
    if let Some(crc64) = parts.crc64 {
        out.extend_from_slice(&crc64.to_le_bytes());
    }
    match (etag, md5) {
        (LOWER | UPPER, Some(md5)) => out.extend_from_slice(&md5),
        _ => out.extend_from_slice(parts.etag.as_bytes()),
    }
}

/// Time of the last change in milliseconds.
pub(crate) fn modified(payload: &[u8]) -> Option<i64> {
    let (flags, rest) = payload.split_first()?;
    (flags & HAS_TIME != 0).then(|| rest.first_chunk().map(|time| i64::from_le_bytes(*time)))?
}

/// The row that was written; `None` for bytes that were not.
pub(crate) fn unpack(key: &[u8], payload: &[u8]) -> Option<Row> {
    let (&flags, mut rest) = payload.split_first()?;
    let modified = modified(payload);
    if modified.is_some() {
        rest = rest.get(8..)?;
    }
    let size = varint::read(&mut rest)?;
    let mut crc64 = None;
    if flags & HAS_CRC64 != 0 {
        let (bytes, after) = rest.split_first_chunk()?;
        (crc64, rest) = (Some(u64::from_le_bytes(*bytes)), after);
    }
    let etag = match flags & ETAG {
        0 => None,
        LOWER => Some(hex::encode(rest)),
        UPPER => Some(hex::encode_upper(rest)),
        _ => Some(String::from_utf8(rest.to_vec()).ok()?),
    };
    let md5 = if flags & IS_MD5 != 0 { etag.as_deref().and_then(etag_md5) } else { None };
    Some(Row {
        key: String::from_utf8(key.to_vec()).ok()?,
        size,
        modified: modified.and_then(DateTime::from_timestamp_millis),
        etag,
        md5,
        crc64,
        is_symlink: flags & IS_SYMLINK != 0,
    })
}
