//! Copies an object within the service.

use http::{HeaderMap, HeaderValue, Method};

use super::SMALL_ANSWER;
use super::get::quoted;
use super::multipart::{PartOutcome, part_query};
use super::put_options::{PutOptions, insert_crc64};
use crate::bucket::{Answered, Bucket};
use crate::bucket_name::BucketName;
use crate::client::{Call, Target};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind, Retry};
use crate::header;
use crate::key::ObjectKey;
use crate::xml::{self, Node};
use crate::{encoding, meta};

/// What is copied: an object of the same service, in the same region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// The bucket it is in, which the credentials must be able to read.
    pub bucket: BucketName,
    /// Its key.
    pub key: String,
    /// In a versioned bucket. Default: the current version.
    pub version_id: Option<String>,
    /// Only if it has this `ETag`, with or without quotes; else [`ErrorKind::PreconditionFailed`].
    pub if_match: Option<String>,
}

/// What is stored with the copy.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "made once per copy and consumed at once")]
pub enum CopyMetadata {
    /// What is stored with the source.
    Keep,
    /// Replaces the metadata of the source; its tags are kept if none are given here. MD5 does not apply.
    Replace(PutOptions),
}

/// What the service says of a copy just made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CopyOutcome {
    /// Without quotes.
    pub etag: Option<String>,
    /// CRC-64/XZ of the copy as computed by the service; often missing.
    pub crc64: Option<u64>,
    /// What the service's support asks for.
    pub request_id: Option<String>,
}

impl CopySource {
    fn headers(&self, dialect: Dialect) -> Result<HeaderMap, Error> {
        let names = dialect.profile().names;
        let key = ObjectKey::new(dialect, &self.key)?;
        let mut text = format!("/{}/{}", self.bucket, key.encoded());
        if let Some(id) = &self.version_id {
            text.push_str("?versionId=");
            text.extend(encoding::component(id));
        }
        let source = HeaderValue::try_from(text).map_err(|error| {
            Error::new(ErrorKind::InvalidArgument, "the source is no header value").with_source(error)
        })?;
        let mut headers = HeaderMap::new();
        headers.insert(names.copy_source, source);
        if let Some(etag) = &self.if_match {
            headers.insert(names.copy_source_if_match, quoted(etag)?);
        }
        Ok(headers)
    }
}

impl Bucket {
    /// Copies an object within the service, replacing the one that has the key. The answer may take as long
    /// as [`slow_response_head`](crate::Timeouts::slow_response_head) says. Services refuse objects above 5
    /// GB, OSS in many cases above 1 GB: those are copied part by part.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/copyobject),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0082.html).
    pub async fn copy_object(
        &self,
        key: &str,
        source: &CopySource,
        metadata: CopyMetadata,
    ) -> Result<CopyOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let mut headers = source.headers(dialect)?;
        headers.extend(metadata.headers(dialect)?);
        let call = Call {
            headers,
            response_head: Some(self.shared().timeouts.slow_response_head),
            ..Call::new("copy to", Method::PUT, Target::Object(&key))
        };
        self.call(&call, SMALL_ANSWER, |answer| {
            let copied = Copied::read("CopyObjectResult", dialect, answer)?;
            if dialect == Dialect::Obs && copied.etag.is_none() {
                return Err(unreadable("it has no ETag, so the copy failed"));
            }
            let request_id = header::text(&answer.headers, &dialect.profile().request_id_header);
            Ok(CopyOutcome { etag: copied.etag, crc64: copied.crc64, request_id })
        })
        .await
    }

    /// Copies the bytes `first..=last` of an object within the service into a part of a multipart upload,
    /// with the same patience as [`copy_object`](Self::copy_object).
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/uploadpartcopy),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0100.html).
    pub async fn upload_part_copy(
        &self,
        key: &str,
        upload_id: &str,
        number: u32,
        source: &CopySource,
        first: u64,
        last: u64,
    ) -> Result<PartOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let mut headers = source.headers(dialect)?;
        let range = crate::ByteRange { first, last: Some(last) }.header()?;
        headers.insert(dialect.profile().names.copy_source_range, range);
        let call = Call {
            query: part_query(upload_id, number)?,
            headers,
            response_head: Some(self.shared().timeouts.slow_response_head),
            ..Call::new("copy a part to", Method::PUT, Target::Object(&key))
        };
        self.call(&call, SMALL_ANSWER, |answer| {
            let copied = Copied::read("CopyPartResult", dialect, answer)?;
            let outcome = PartOutcome::read(dialect, &answer.headers, copied.etag)?;
            Ok(PartOutcome { crc64: copied.crc64, ..outcome })
        })
        .await
    }
}

impl CopyMetadata {
    fn headers(self, dialect: Dialect) -> Result<HeaderMap, Error> {
        let names = dialect.profile().names;
        let mut headers = HeaderMap::new();
        let directive = match self {
            Self::Keep => "COPY",
            Self::Replace(options) => {
                let crc64 = options.crc64;
                headers = options.stored(dialect)?;
                insert_crc64(&mut headers, dialect, crc64);
                "REPLACE"
            }
        };
        headers.insert(names.metadata_directive, HeaderValue::from_static(directive));
        if dialect == Dialect::Oss && headers.contains_key(names.tagging) {
            headers.insert(names.tagging_directive, HeaderValue::from_static("Replace"));
        }
        Ok(headers)
    }
}

/// What the document of a copy says.
struct Copied {
    etag: Option<String>,
    crc64: Option<u64>,
}

impl Copied {
    fn read(root: &str, dialect: Dialect, answer: &Answered) -> Result<Self, Error> {
        let (mut etag, mut crc64) = (None, None);
        xml::read(&answer.body, root, |node| match node {
            Node::Leaf("ETag", text) => etag = Some(meta::unquoted(&text).to_owned()),
            Node::Leaf("CRC64", text) => crc64 = text.parse().ok(),
            _ => {}
        })
        .map_err(|error| unreadable(&error.to_string()))?;
        let etag = etag.filter(|etag| !etag.is_empty());
        Ok(Self { etag, crc64: meta::crc64(dialect, &answer.headers).or(crc64) })
    }
}

fn unreadable(why: &str) -> Error {
    Error::new(ErrorKind::UnexpectedResponse, format!("unreadable answer to the copy: {why}"))
        .with_retry(Retry::Backoff)
}
