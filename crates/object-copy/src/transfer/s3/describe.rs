//! Metadata from the headers of S3.

use http::HeaderMap;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES,
};
use oss_lite::{Dialect, etag_md5, header_text};

use crate::transfer::metadata::read_s3;
use crate::transfer::response::{identity, text};
use crate::transfer::source_info::{ContentHeaders, ObjectKind, SourceInfo, StorageClass};

const METADATA: &str = "x-amz-meta-";

pub(super) fn info(headers: &HeaderMap, size: Option<u64>) -> SourceInfo {
    let identity = identity(headers, size);
    let mut metadata: Vec<_> = headers
        .keys()
        .filter_map(|full| {
            let name = full.as_str().strip_prefix(METADATA)?;
            // A header that occurs twice is a list: RFC 9110, 5.3.
            let values = headers.get_all(full).iter().map(|value| header_text(value.as_bytes()));
            Some((name.to_owned(), values.collect::<Vec<_>>().join(", ")))
        })
        .collect();
    metadata.sort_unstable();
    SourceInfo {
        // The `ETag`s of directory buckets are no MD5s, nor are those of some S3-compatible services.
        md5: None,
        likely_md5: identity.etag.as_deref().filter(|_| may_tell_md5(headers)).and_then(etag_md5),
        // `x-amz-checksum-crc64nvme` uses another polynomial than the destinations.
        crc64: None,
        identity,
        content: ContentHeaders {
            content_type: text(headers, CONTENT_TYPE),
            cache_control: text(headers, CACHE_CONTROL),
            disposition: text(headers, CONTENT_DISPOSITION),
            encoding: text(headers, CONTENT_ENCODING),
            language: text(headers, CONTENT_LANGUAGE),
            expires: text(headers, EXPIRES),
        },
        metadata: read_s3(metadata),
        storage_class: Some(storage_class(text(headers, "x-amz-storage-class").as_deref())),
        kind: ObjectKind::Object,
    }
}

/// The `ETag` of an object encrypted by KMS, or by a customer's key, is no MD5, though it looks like one.
fn may_tell_md5(headers: &HeaderMap) -> bool {
    let encryption = text(headers, "x-amz-server-side-encryption");
    encryption.is_none_or(|method| method == "AES256")
        && !headers.contains_key("x-amz-server-side-encryption-customer-algorithm")
}

/// In the names of OBS's S3 dialect. `GLACIER_IR` can be read immediately; at the destinations, infrequent
/// access is the coldest class that can.
fn storage_class(name: Option<&str>) -> StorageClass {
    let name = match name {
        Some("INTELLIGENT_TIERING") => "INTELLIGENT_TIERING",
        Some("STANDARD_IA" | "ONEZONE_IA" | "GLACIER_IR") => "STANDARD_IA",
        Some("GLACIER") => "GLACIER",
        Some("DEEP_ARCHIVE") => "DEEP_ARCHIVE",
        _ => "STANDARD",
    };
    StorageClass { dialect: Dialect::Obs, name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use oss_lite::storage_class as counterpart;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    const MD5: (&str, &str) = ("etag", "\"9a0364b9e99bb480dd25e1f0284c8555\"");

    #[test]
    fn an_etag_may_be_an_md5_unless_it_is_multipart_or_encrypted() {
        let md5 = |pairs: &[_]| info(&headers(pairs), None).likely_md5.is_some();
        assert!(md5(&[MD5]));
        assert!(md5(&[MD5, ("x-amz-server-side-encryption", "AES256")]));
        assert!(!md5(&[MD5, ("x-amz-server-side-encryption", "aws:kms")]));
        assert!(!md5(&[MD5, ("x-amz-server-side-encryption", "aws:kms:dsse")]));
        assert!(!md5(&[MD5, ("x-amz-server-side-encryption-customer-algorithm", "AES256")]));
        assert!(!md5(&[("etag", "\"9a0364b9e99bb480dd25e1f0284c8555-2\"")]));
    }

    #[test]
    fn content_headers_and_metadata_are_read_and_a_foreign_checksum_is_not() {
        let info = info(
            &headers(&[
                MD5,
                ("content-type", "text/plain"),
                ("content-encoding", "aws-chunked,gzip"),
                ("x-amz-meta-b", "2"),
                ("x-amz-meta-a", "1"),
                ("x-amz-checksum-crc64nvme", "rosUhgp5mIg="),
                ("last-modified", "Wed, 21 Oct 2026 07:28:00 GMT"),
            ]),
            Some(7),
        );
        assert_eq!(info.size(), Some(7));
        assert_eq!(info.crc64, None);
        assert_eq!(info.content.cleaned().encoding.as_deref(), Some("gzip"));
        assert_eq!(info.metadata, [("a".into(), "1".into()), ("b".into(), "2".into())]);
        assert!(info.identity.last_modified.is_some());
    }

    #[test]
    fn a_value_that_is_not_utf_8_loses_no_byte() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-amz-meta-a", &b"caf\xe9"[..]), ("x-amz-meta-b", "café".as_bytes())] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        let metadata = info(&headers, None).metadata;
        assert_eq!(metadata, [("a".into(), "café".into()), ("b".into(), "café".into())]);
    }

    #[test]
    fn storage_classes_map_to_classes_that_can_be_read_as_soon() {
        for (name, obs, oss) in [
            (None, "STANDARD", "Standard"),
            (Some("REDUCED_REDUNDANCY"), "STANDARD", "Standard"),
            (Some("INTELLIGENT_TIERING"), "INTELLIGENT_TIERING", "Standard"),
            (Some("STANDARD_IA"), "WARM", "IA"),
            (Some("ONEZONE_IA"), "WARM", "IA"),
            (Some("GLACIER_IR"), "WARM", "IA"),
            (Some("GLACIER"), "COLD", "Archive"),
            (Some("DEEP_ARCHIVE"), "DEEP_ARCHIVE", "ColdArchive"),
        ] {
            let class = storage_class(name);
            let to = |dialect| counterpart(class.dialect, &class.name, dialect);
            assert_eq!((to(Dialect::Obs), to(Dialect::Oss)), (Some(obs), Some(oss)), "{name:?}");
        }
    }
}
