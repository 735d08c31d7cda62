//! Reads an object, or a range of it.

use bytes::Bytes;
use http::header::{IF_MATCH, RANGE};
use http::{HeaderMap, HeaderValue, Method};
use serde::de::DeserializeOwned;

use crate::body::ObjectBody;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};
use crate::framing::{ByteRange, ContentRange};
use crate::key::ObjectKey;
use crate::meta::{self, ObjectMeta};
use crate::query::Query;

/// What of an object is read, and on which condition.
#[derive(Clone, Debug, Default)]
pub struct GetOptions {
    /// Default: the whole object.
    pub range: Option<ByteRange>,
    /// Only if the object has this `ETag`, with or without quotes; else [`ErrorKind::PreconditionFailed`].
    pub if_match: Option<String>,
    /// In a versioned bucket. Default: the current version.
    pub version_id: Option<String>,
}

/// An object whose body is on its way.
#[derive(Debug)]
pub struct Object {
    /// What the head of the answer says. The size is that of the whole object, also when only a part of it
    /// follows.
    pub meta: ObjectMeta,
    /// Which part of the object follows; `None` is all of it, even if a part was asked for.
    pub range: Option<ContentRange>,
    /// The bytes as they arrive.
    pub body: ObjectBody,
}

impl Object {
    /// The whole body, if it has at most `limit` bytes; else an error of kind [`ErrorKind::TooLarge`].
    pub async fn bytes(self, limit: usize) -> Result<Bytes, Error> {
        let size = self.range.map_or(self.meta.size, |range| range.size());
        if usize::try_from(size).is_ok_and(|size| size <= limit) {
            return self.body.collect(limit).await;
        }
        let message = format!("the object has {size} bytes, more than {limit}");
        Err(self.body.describe(Error::new(ErrorKind::TooLarge, message)))
    }

    /// The whole body, if it has at most `limit` bytes and is the JSON of a `T`; else an error of kind
    /// [`ErrorKind::TooLarge`] or [`ErrorKind::UnexpectedContent`].
    pub async fn json<T: DeserializeOwned>(self, limit: usize) -> Result<T, Error> {
        let context = self.body.context().to_owned();
        let body = self.bytes(limit).await?;
        serde_json::from_slice(&body).map_err(|error| {
            let message = format!("the object is not the JSON that is expected: {error}");
            Error::new(ErrorKind::UnexpectedContent, message).in_context(|| context)
        })
    }
}

impl Bucket {
    /// Reads a whole object: [`get_with`](Self::get_with) without options.
    pub async fn get(&self, key: &str) -> Result<Object, Error> {
        self.get_with(key, GetOptions::default()).await
    }

    /// Reads an object or a part of it. Tries are over once the head of the answer is here: a body that
    /// breaks off is an error of its stream, retryable by reading again.
    ///
    /// A service may answer with the whole object instead of a range; with another range than asked for it
    /// may not. A range that begins beyond the end is [`ErrorKind::InvalidRange`].
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/getobject),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0083.html).
    pub async fn get_with(&self, key: &str, options: GetOptions) -> Result<Object, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let mut headers = condition(options.if_match.as_deref())?;
        if let Some(range) = options.range {
            headers.insert(RANGE, range.header()?);
            if dialect == Dialect::Oss {
                // Without it, a range beyond the end gets the whole object.
                headers.insert("x-oss-range-behavior", HeaderValue::from_static("standard"));
            }
        }
        let query = version(options.version_id);
        let call = Call { query, headers, ..Call::new("get", Method::GET, Target::Object(&key)) };
        let caller = self.caller();
        let received = caller.run(&call, |received| std::future::ready(Ok(received))).await?;
        let context = caller.context(&call);
        let read = || {
            let mut meta = ObjectMeta::read(dialect, &received.headers)?;
            let range = ContentRange::read(received.status, &received.headers, options.range)?;
            if let Some(range) = range {
                meta.size = range.total;
            }
            Ok((meta, range))
        };
        let (meta, range) = read().map_err(|error: Error| error.in_context(|| context.clone()))?;
        Ok(Object { meta, range, body: received.body.in_context(context) })
    }
}

/// The headers of a conditional read.
pub(super) fn condition(if_match: Option<&str>) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::new();
    if let Some(etag) = if_match {
        headers.insert(IF_MATCH, quoted(etag)?);
    }
    Ok(headers)
}

/// An `ETag` in quotes, whether it has some or not.
pub(super) fn quoted(etag: &str) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(format!("\"{}\"", meta::unquoted(etag))).map_err(|error| {
        Error::new(ErrorKind::InvalidArgument, "the ETag is no header value").with_source(error)
    })
}

pub(super) fn version(version_id: Option<String>) -> Query {
    Query::new(version_id.map(|id| ("versionId", id)))
}
