use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES},
};

use super::SMALL_ANSWER;
use crate::{
    Bucket, Dialect, Error, ErrorKind, ObjectKey, Query,
    client::{Call, Target},
    meta,
};

/// Both services have a default of their own, and not the same one.
const DEFAULT_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/octet-stream");
static CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// What is stored with an object.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// Default: `application/octet-stream`.
    pub content_type: Option<String>,
    /// MD5 of the body: the service refuses a body that has another.
    pub content_md5: Option<[u8; 16]>,
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
    /// User metadata: names of `a-z`, `0-9` and `-` without the `x-oss-meta-` or `x-obs-meta-` prefix, at most 8 KB
    /// together. Values without control characters, in ASCII on OBS.
    pub metadata: Vec<(String, String)>,
}

/// What the service says of an object just stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PutOutcome {
    /// Without quotes; MD5 of the body in hex, upper case on OSS, lower case on OBS, unless encrypted.
    pub etag: Option<String>,
    /// CRC-64/XZ of the body as computed by the service.
    pub crc64: Option<u64>,
    /// In a versioned bucket.
    pub version_id: Option<String>,
    /// What the service's support asks for.
    pub request_id: Option<String>,
}

impl Bucket {
    /// Stores an object of up to 5 GB, replacing the one that has the key.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/putobject),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0080.html).
    pub async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<PutOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let call = Call {
            operation: "put",
            method: Method::PUT,
            target: Target::Object(&key),
            query: Query::default(),
            headers: headers(dialect, options)?,
            body,
        };
        self.call(&call, SMALL_ANSWER, |answer| {
            Ok(PutOutcome {
                etag: meta::etag(&answer.headers),
                crc64: meta::crc64(dialect, &answer.headers),
                version_id: meta::text(&answer.headers, &dialect.profile().version_id_header),
                request_id: meta::text(&answer.headers, &dialect.profile().request_id_header),
            })
        })
        .await
    }
}

fn headers(dialect: Dialect, options: PutOptions) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, DEFAULT_CONTENT_TYPE);
    if let Some(md5) = options.content_md5 {
        headers.insert(CONTENT_MD5.clone(), value("content-md5", BASE64.encode(md5))?);
    }
    for (name, text) in [
        (CONTENT_TYPE, options.content_type),
        (CACHE_CONTROL, options.cache_control),
        (CONTENT_DISPOSITION, options.content_disposition),
        (CONTENT_ENCODING, options.content_encoding),
        (CONTENT_LANGUAGE, options.content_language),
        (EXPIRES, options.expires),
        (dialect.profile().storage_class_header.clone(), options.storage_class),
    ] {
        if let Some(text) = text {
            let value = value(name.as_str(), text)?;
            headers.insert(name, value);
        }
    }
    for (name, text) in options.metadata {
        if dialect == Dialect::Obs && !text.is_ascii() {
            return Err(bad(&name, "is not ASCII, as OBS wants it"));
        }
        let full = metadata_name(dialect, &name)?;
        let value = value(&name, text)?;
        headers.insert(full, value);
    }
    Ok(headers)
}

fn metadata_name(dialect: Dialect, name: &str) -> Result<HeaderName, Error> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(good) {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("metadata name {name:?} is not made of a-z, 0-9 and '-'"),
        ));
    }
    let full = [dialect.profile().meta_prefix, name].concat();
    HeaderName::try_from(full).map_err(|error| bad(name, "is no header name").with_source(error))
}

fn value(name: &str, text: String) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(text.into_bytes())
        .map_err(|error| bad(name, "holds control characters").with_source(error))
}

fn bad(name: &str, why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("the value of {name:?} {why}"))
}
