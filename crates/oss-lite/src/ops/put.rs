use bytes::Bytes;
use http::Method;

use super::{SMALL_ANSWER, put_options::PutOptions};
use crate::{
    Bucket, Dialect, Error, ObjectKey, StreamBody,
    bucket::Answered,
    client::{Call, Target},
    meta,
};

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

impl PutOutcome {
    fn read(dialect: Dialect, answer: &Answered) -> Self {
        Self {
            etag: meta::etag(&answer.headers),
            crc64: meta::crc64(dialect, &answer.headers),
            version_id: meta::text(&answer.headers, &dialect.profile().version_id_header),
            request_id: meta::text(&answer.headers, &dialect.profile().request_id_header),
        }
    }
}

impl Bucket {
    /// Stores an object of up to 5 GB, replacing the one that has the key.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/putobject),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0080.html).
    pub async fn put(&self, key: &str, body: Bytes, options: PutOptions) -> Result<PutOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let headers = options.with_digests(dialect)?;
        let call = Call { headers, body, ..Call::new("put", Method::PUT, Target::Object(&key)) };
        self.call(&call, SMALL_ANSWER, |answer| Ok(PutOutcome::read(dialect, answer))).await
    }

    /// The same from a stream, made once: after an error that [is retryable](Error::is_retryable), call again with a new
    /// body. A wrong clock is corrected for that next call.
    ///
    /// There is no limit to the time an upload takes, but [`body_idle`](crate::Timeouts::body_idle) to that in which no
    /// byte moves.
    pub async fn put_stream(
        &self,
        key: &str,
        body: StreamBody,
        options: PutOptions,
    ) -> Result<PutOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let headers = options.with_digests(dialect)?;
        let call = Call { headers, ..Call::new("put", Method::PUT, Target::Object(&key)) };
        self.call_once(&call, body, SMALL_ANSWER, |answer| Ok(PutOutcome::read(dialect, answer))).await
    }
}
