//! Uploads in one request.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::DATE;
use http::{HeaderValue, Method};

use super::put_options::PutOptions;
use super::{CALLBACK_ANSWER, SMALL_ANSWER};
use crate::bucket::{Answered, Bucket};
use crate::callback::Callback;
use crate::client::{Call, Target};
use crate::config::Timeouts;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::header;
use crate::key::ObjectKey;
use crate::stream_body::StreamBody;
use crate::{meta, time};

/// What the service says of an object just stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// What the server answered that OSS called, up to 3 MiB; only with a
    /// [`callback`](crate::PutOptions::callback).
    pub callback_answer: Option<Bytes>,
    date: Option<HeaderValue>,
}

impl PutOutcome {
    fn read(dialect: Dialect, answer: &Answered, calls_back: bool) -> Self {
        Self {
            etag: meta::etag(&answer.headers),
            crc64: meta::crc64(dialect, &answer.headers),
            version_id: header::text(&answer.headers, &dialect.profile().version_id_header),
            request_id: header::text(&answer.headers, &dialect.profile().request_id_header),
            callback_answer: calls_back.then(|| answer.body.clone()),
            date: answer.headers.get(DATE).cloned(),
        }
    }

    /// The service's clock when it answered, to the second, as it stands in the answer.
    pub fn date(&self) -> Option<&str> {
        self.date.as_ref()?.to_str().ok()
    }

    /// The same, parsed.
    pub fn server_time(&self) -> Option<DateTime<Utc>> {
        time::parse_http_date(self.date()?)
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
        let expected = Expected::of(options.callback.as_ref(), self.shared().timeouts);
        let headers = options.with_digests(dialect)?;
        let call = Call {
            headers,
            body,
            response_head: expected.response_head,
            ..Call::new("put", Method::PUT, Target::Object(&key))
        };
        self.call(&call, expected.limit, |answer| Ok(PutOutcome::read(dialect, answer, expected.calls_back)))
            .await
    }

    /// The same from a stream, made once: after an error that [is retryable](Error::is_retryable), call again
    /// with a new body. A wrong clock is corrected for that next call.
    ///
    /// There is no limit to the time an upload takes, but [`body_idle`](crate::Timeouts::body_idle) to that
    /// in which no byte moves.
    pub async fn put_stream(
        &self,
        key: &str,
        body: StreamBody,
        options: PutOptions,
    ) -> Result<PutOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let expected = Expected::of(options.callback.as_ref(), self.shared().timeouts);
        let headers = options.with_digests(dialect)?;
        let call = Call {
            headers,
            response_head: expected.response_head,
            ..Call::new("put", Method::PUT, Target::Object(&key))
        };
        let read = |answer: &Answered| Ok(PutOutcome::read(dialect, answer, expected.calls_back));
        self.call_once(&call, body, expected.limit, read).await
    }
}

/// What a callback changes in the answer to an upload: it comes later, and its body is that of the server
/// called.
struct Expected {
    calls_back: bool,
    limit: usize,
    response_head: Option<Duration>,
}

impl Expected {
    fn of(callback: Option<&Callback>, timeouts: Timeouts) -> Self {
        let response_head = callback.map(|callback| timeouts.response_head + callback.patience());
        let limit = if callback.is_some() { CALLBACK_ANSWER } else { SMALL_ANSWER };
        Self { calls_back: callback.is_some(), limit, response_head }
    }
}
