//! Uploads one part.

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::{MOST_PARTS, SMALL_ANSWER, check_id, unreadable};
use crate::bucket::{Answered, Bucket};
use crate::client::{Call, Target};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};
use crate::header;
use crate::key::ObjectKey;
use crate::meta;
use crate::ops::put_options::insert_md5;
use crate::query::Query;
use crate::stream_body::StreamBody;

const OPERATION: &str = "upload a part of";

/// What the service says of a part just stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartOutcome {
    /// Without quotes, for [`CompletedPart`](crate::CompletedPart); MD5 of the part, unless encrypted or
    /// copied.
    pub etag: String,
    /// CRC-64/XZ of the part as computed by the service.
    pub crc64: Option<u64>,
    /// What the service's support asks for.
    pub request_id: Option<String>,
}

impl PartOutcome {
    pub(crate) fn read(dialect: Dialect, headers: &HeaderMap, etag: Option<String>) -> Result<Self, Error> {
        let etag = etag.filter(|etag| !etag.is_empty()).ok_or_else(|| unreadable("the part has no ETag"))?;
        let request_id = header::text(headers, &dialect.profile().request_id_header);
        Ok(Self { etag, crc64: meta::crc64(dialect, headers), request_id })
    }

    fn of_upload(dialect: Dialect, answer: &Answered) -> Result<Self, Error> {
        Self::read(dialect, &answer.headers, meta::etag(&answer.headers))
    }
}

impl Bucket {
    /// Stores a part of 100 KB to 5 GB (the last one may be smaller) in place of the one that has
    /// the number. Numbers are 1 to 10,000.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/uploadpart),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0099.html).
    pub async fn upload_part(
        &self,
        key: &str,
        upload_id: &str,
        number: u32,
        body: Bytes,
        content_md5: Option<[u8; 16]>,
    ) -> Result<PartOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let call = Call { body, ..call(&key, upload_id, number, content_md5)? };
        self.call(&call, SMALL_ANSWER, |answer| PartOutcome::of_upload(dialect, answer)).await
    }

    /// The same from a stream, made once: after an error that [is retryable](Error::is_retryable), call again
    /// with a new body. A wrong clock is corrected for that next call. For limits of time see
    /// [`put_stream`](Self::put_stream).
    pub async fn upload_part_stream(
        &self,
        key: &str,
        upload_id: &str,
        number: u32,
        body: StreamBody,
        content_md5: Option<[u8; 16]>,
    ) -> Result<PartOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let call = call(&key, upload_id, number, content_md5)?;
        self.call_once(&call, body, SMALL_ANSWER, |answer| PartOutcome::of_upload(dialect, answer)).await
    }
}

fn call<'a>(
    key: &'a ObjectKey<'a>,
    upload_id: &str,
    number: u32,
    content_md5: Option<[u8; 16]>,
) -> Result<Call<'a>, Error> {
    let mut headers = HeaderMap::new();
    insert_md5(&mut headers, content_md5)?;
    let query = part_query(upload_id, number)?;
    Ok(Call { query, headers, ..Call::new(OPERATION, Method::PUT, Target::Object(key)) })
}

pub(in crate::ops) fn part_query(upload_id: &str, number: u32) -> Result<Query, Error> {
    check_id(upload_id)?;
    if !(1..=MOST_PARTS).contains(&number) {
        let message = format!("part numbers are 1 to {MOST_PARTS}, not {number}");
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(Query::new([("partNumber", number.to_string()), ("uploadId", upload_id.to_owned())]))
}
