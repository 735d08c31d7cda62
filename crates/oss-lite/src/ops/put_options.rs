//! What is stored with an object.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES,
};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::callback::Callback;
use crate::dialect::Dialect;
use crate::encoding;
use crate::error::{Error, ErrorKind};

/// Both services have a default of their own, and not the same one.
const DEFAULT_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/octet-stream");
const CONTENT_MD5: &str = "content-md5";

/// What is stored with an object.
///
/// OBS takes only ASCII for text. There, a value that is not ASCII goes out percent-encoded, just as Huawei's
/// Python SDK writes it, and stays so: only user metadata is decoded again when read.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// Default: `application/octet-stream`.
    pub content_type: Option<String>,
    /// MD5 of the body: the service refuses a body that has another. Only with requests that carry the body.
    pub content_md5: Option<[u8; 16]>,
    /// CRC-64/XZ of the body, for OBS to check. OSS knows no such header, it is left out there.
    pub crc64: Option<u64>,
    /// `Cache-Control` of later reads.
    pub cache_control: Option<String>,
    /// `Content-Disposition` of later reads.
    pub content_disposition: Option<String>,
    /// `Content-Encoding` of later reads.
    pub content_encoding: Option<String>,
    /// `Content-Language` of later reads.
    pub content_language: Option<String>,
    /// `Expires` of later reads.
    pub expires: Option<String>,
    /// The vendor's name of the class, such as `IA` (OSS) or `WARM` (OBS). Default: that of the bucket.
    pub storage_class: Option<String>,
    /// A canned ACL, such as `private` or `public-read`. Default: that of the bucket.
    pub acl: Option<String>,
    /// Tags in the form `A=1&B=2`, names and values percent-encoded.
    pub tagging: Option<String>,
    /// User metadata: names without the `x-oss-meta-` or `x-obs-meta-` prefix, of `a-z`, `0-9` and `-`, on
    /// OBS of `_` and `.` too, at most 8 KB together. OSS
    /// [refuses](https://help.aliyun.com/en/oss/user-guide/0011-00000004) any other. Values without control
    /// characters.
    ///
    /// Huawei's SDKs decode percent escapes when they read metadata, and so does this crate; on OBS a value
    /// with a percent sign is therefore encoded as well.
    pub metadata: Vec<(String, String)>,
    /// OSS calls a server when the object is stored, and answers only then. A try whose answer got lost is
    /// made again, and so is the callback. Only with requests that carry the whole object; OSS only.
    pub callback: Option<Callback>,
    /// An object that exists is not replaced: the request ends with
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists). A try whose answer got lost may be the one that
    /// created it. OSS only; [buckets with
    /// versioning](https://www.alibabacloud.com/help/en/oss/developer-reference/putobject) replace it all the
    /// same.
    pub forbid_overwrite: bool,
}

impl PutOptions {
    /// All headers of a request that carries the whole object.
    pub(super) fn with_digests(mut self, dialect: Dialect) -> Result<HeaderMap, Error> {
        let (md5, crc64) = (self.content_md5, self.crc64);
        let callback = self.callback.take();
        let mut headers = self.stored(dialect)?;
        if let Some(callback) = callback {
            insert_callback(&mut headers, dialect, &callback)?;
        }
        insert_md5(&mut headers, md5)?;
        insert_crc64(&mut headers, dialect, crc64);
        Ok(headers)
    }

    /// The headers of what is stored, without those that speak of the body.
    pub(super) fn stored(self, dialect: Dialect) -> Result<HeaderMap, Error> {
        let profile = dialect.profile();
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(CONTENT_TYPE, DEFAULT_CONTENT_TYPE);
        match (self.forbid_overwrite, dialect) {
            (true, Dialect::Oss) => {
                headers.insert("x-oss-forbid-overwrite", HeaderValue::from_static("true"));
            }
            (true, Dialect::Obs) => {
                let message = "OBS replaces objects that exist";
                return Err(Error::new(ErrorKind::InvalidArgument, message));
            }
            (false, _) => {}
        }
        for (name, text) in [
            (CONTENT_TYPE, self.content_type),
            (CACHE_CONTROL, self.cache_control),
            (CONTENT_DISPOSITION, self.content_disposition),
            (CONTENT_ENCODING, self.content_encoding),
            (CONTENT_LANGUAGE, self.content_language),
            (EXPIRES, self.expires),
            (profile.storage_class_header.clone(), self.storage_class),
            (HeaderName::from_static(profile.names.acl), self.acl),
            (HeaderName::from_static(profile.names.tagging), self.tagging),
        ] {
            if let Some(text) = text {
                let encode = dialect.encodes(&text);
                let value = value(name.as_str(), text, encode)?;
                headers.insert(name, value);
            }
        }
        for (name, text) in self.metadata {
            let full = metadata_name(dialect, &name)?;
            let encode = dialect == Dialect::Obs && (!text.is_ascii() || text.contains('%'));
            let value = value(&name, text, encode)?;
            headers.insert(full, value);
        }
        Ok(headers)
    }
}

pub(super) fn insert_md5(headers: &mut HeaderMap, md5: Option<[u8; 16]>) -> Result<(), Error> {
    if let Some(md5) = md5 {
        headers.insert(CONTENT_MD5, value(CONTENT_MD5, BASE64.encode(md5), false)?);
    }
    Ok(())
}

/// OSS has no header by which it would check.
pub(super) fn insert_crc64(headers: &mut HeaderMap, dialect: Dialect, crc64: Option<u64>) {
    if let (Dialect::Obs, Some(crc64)) = (dialect, crc64) {
        headers.insert("x-obs-checksum-crc64ecma", HeaderValue::from(crc64));
    }
}

pub(super) fn insert_callback(
    headers: &mut HeaderMap,
    dialect: Dialect,
    callback: &Callback,
) -> Result<(), Error> {
    match dialect {
        Dialect::Oss => callback.insert_headers(headers),
        Dialect::Obs => {
            Err(Error::new(ErrorKind::InvalidArgument, "upload callbacks of this form are of OSS only"))
        }
    }
}

fn metadata_name(dialect: Dialect, name: &str) -> Result<HeaderName, Error> {
    if name.is_empty() || !name.bytes().all(|byte| dialect.allows_in_metadata_name(byte)) {
        let more = if dialect == Dialect::Obs { ", '_', '.'" } else { "" };
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("metadata name {name:?} is not made of a-z, 0-9{more} and '-'"),
        ));
    }
    let full = [dialect.profile().meta_prefix, name].concat();
    HeaderName::try_from(full).map_err(|error| bad(name, "is no header name").with_source(error))
}

fn value(name: &str, text: String, encode: bool) -> Result<HeaderValue, Error> {
    if text.chars().any(|c| c.is_ascii_control() && c != '\t') {
        return Err(bad(name, "holds control characters"));
    }
    let text = if encode { encoding::obs_header(&text).to_string() } else { text };
    HeaderValue::try_from(text.into_bytes())
        .map_err(|error| bad(name, "holds control characters").with_source(error))
}

fn bad(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("the value of {name:?} {why}"))
}
