//! Metadata of an object, read from headers.

use chrono::{DateTime, Utc};
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG, EXPIRES,
    LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue};

use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};
use crate::framing::content_length;
use crate::header::text;
use crate::{encoding, time};

/// What the service says of an object.
///
/// Text that is not UTF-8 counts as missing, except in user metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectMeta {
    /// Size in bytes.
    pub size: u64,
    /// Without quotes. Only of an object stored whole and not encrypted is it the MD5, upper case on OSS,
    /// lower case on OBS.
    pub etag: Option<String>,
    /// Time of the last change, to the second.
    pub last_modified: Option<DateTime<Utc>>,
    /// As stored.
    pub content_type: Option<String>,
    /// `Cache-Control` as stored.
    pub cache_control: Option<String>,
    /// `Content-Disposition` as stored; on OSS it may hold UTF-8.
    pub content_disposition: Option<String>,
    /// `Content-Encoding` as stored.
    pub content_encoding: Option<String>,
    /// `Content-Language` as stored.
    pub content_language: Option<String>,
    /// `Expires` as stored.
    pub expires: Option<String>,
    /// CRC-64/XZ of the content; missing on some copied or old objects.
    pub crc64: Option<u64>,
    /// The vendor's name of the class.
    pub storage_class: Option<String>,
    /// `Normal`, `Multipart`, `Appendable` or `Symlink` on OSS, where a symlink is described by its target in
    /// all else; on OBS only `Appendable`.
    pub object_type: Option<String>,
    /// State of the restoration of an archived object, in the form
    /// `ongoing-request="false", expiry-date="..."`.
    pub restore: Option<String>,
    /// The multipart upload that made the object, on OBS only.
    pub upload_id: Option<String>,
    /// Method of server-side encryption; `None` if not encrypted.
    pub encryption: Option<String>,
    /// Number of tags, if there are any.
    pub tagging_count: Option<u32>,
    /// What the service's support asks for.
    pub request_id: Option<String>,
    /// User metadata by lower-case name without prefix, sorted. A value that is not UTF-8 is taken as
    /// ISO-8859-1. Values of OBS are percent-decoded, as its SDKs do: see
    /// [`PutOptions::metadata`](crate::PutOptions::metadata).
    pub metadata: Vec<(String, String)>,
    /// In a versioned bucket.
    pub version_id: Option<String>,
}

impl ObjectMeta {
    pub(crate) fn read(dialect: Dialect, headers: &HeaderMap) -> Result<Self, Error> {
        let profile = dialect.profile();
        let names = profile.names;
        let size = content_length(headers).ok_or_else(|| {
            Error::new(ErrorKind::UnexpectedResponse, "the answer does not say how large the object is")
        })?;
        let decoded = |value: &HeaderValue| match dialect {
            Dialect::Oss => encoding::header_text(value.as_bytes()).into_owned(),
            Dialect::Obs => encoding::decode_obs_header(value.as_bytes()).into_owned(),
        };
        let mut metadata: Vec<_> = headers
            .keys()
            .filter_map(|full| {
                let name = full.as_str().strip_prefix(profile.meta_prefix)?;
                // A header that comes twice is a list: RFC 9110, 5.3.
                let values = headers.get_all(full).iter().map(decoded).collect::<Vec<_>>();
                Some((name.to_owned(), values.join(", ")))
            })
            .collect();
        metadata.sort_unstable();
        Ok(Self {
            size,
            etag: etag(headers),
            last_modified: text(headers, LAST_MODIFIED).and_then(|date| time::parse_http_date(&date)),
            content_type: text(headers, CONTENT_TYPE),
            cache_control: text(headers, CACHE_CONTROL),
            content_disposition: text(headers, CONTENT_DISPOSITION),
            content_encoding: text(headers, CONTENT_ENCODING),
            content_language: text(headers, CONTENT_LANGUAGE),
            expires: text(headers, EXPIRES),
            crc64: crc64(dialect, headers),
            storage_class: text(headers, &profile.storage_class_header)
                .or_else(|| profile.unnamed_storage_class.map(str::to_owned)),
            object_type: text(headers, names.object_type),
            restore: text(headers, names.restore),
            upload_id: text(headers, names.upload_id),
            encryption: text(headers, names.encryption)
                .or_else(|| text(headers, names.encryption_by_customer)),
            tagging_count: text(headers, names.tagging_count).and_then(|count| count.parse().ok()),
            request_id: text(headers, &profile.request_id_header),
            metadata,
            version_id: text(headers, &profile.version_id_header),
        })
    }
}

impl ObjectMeta {
    /// The MD5 of the content, if the `ETag` is one: 32 hex digits, of an object stored whole and not
    /// encrypted.
    pub fn md5(&self) -> Option<[u8; 16]> {
        let whole = self.object_type.as_deref().is_none_or(|kind| kind.eq_ignore_ascii_case("Normal"));
        if !whole || self.encryption.is_some() {
            return None;
        }
        etag_md5(self.etag.as_deref()?)
    }
}

/// The MD5 that an unquoted `ETag` looks like: 32 hex digits. Whether it is one depends on how the object was
/// stored.
pub fn etag_md5(etag: &str) -> Option<[u8; 16]> {
    let mut md5 = [0; 16];
    hex::decode_to_slice(etag, &mut md5).ok()?;
    Some(md5)
}

pub(crate) fn etag(headers: &HeaderMap) -> Option<String> {
    text(headers, ETAG).map(|etag| unquoted(&etag).to_owned())
}

pub(crate) fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}

pub(crate) fn crc64(dialect: Dialect, headers: &HeaderMap) -> Option<u64> {
    dialect.profile().crc64_headers.iter().find_map(|name| headers.get(*name)?.to_str().ok()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static [u8])]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static [u8])| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).expect("a header value"))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn headers_that_are_not_text_do_no_harm() {
        let headers = headers(&[
            ("content-length", b"3"),
            ("etag", b"\xff\xfe"),
            ("last-modified", b"yesterday"),
            ("x-oss-hash-crc64ecma", b"many"),
            ("x-oss-meta-name", b"caf\xe9"),
        ]);
        let meta = ObjectMeta::read(Dialect::Oss, &headers).expect("readable");
        assert_eq!((meta.size, meta.etag, meta.last_modified, meta.crc64), (3, None, None, None));
        assert_eq!(meta.metadata, [("name".to_owned(), "caf\u{e9}".to_owned())]);
    }

    #[test]
    fn obs_names_the_checksum_in_two_ways_and_standard_not_at_all() {
        for name in ["x-obs-checksum-crc64ecma", "x-obs-hash-crc64ecma"] {
            let headers = headers(&[("content-length", b"9"), (name, b"11051210869376104954")]);
            let meta = ObjectMeta::read(Dialect::Obs, &headers).expect("readable");
            assert_eq!(meta.crc64, Some(11_051_210_869_376_104_954), "{name}");
            assert_eq!(meta.storage_class.as_deref(), Some("STANDARD"));
        }
    }

    #[test]
    fn an_answer_without_size_is_refused() {
        let error = ObjectMeta::read(Dialect::Oss, &HeaderMap::new()).expect_err("no size");
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    }
}
