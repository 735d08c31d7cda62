//! Uploads in parts.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};

use super::put_options::{PutOptions, insert_callback, insert_crc64};
use super::{CALLBACK_ANSWER, SMALL_ANSWER};
use crate::bucket::{Answered, Bucket};
use crate::callback::Callback;
use crate::client::{Call, Repeat, Target};
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind, Retry};
use crate::header;
use crate::key::ObjectKey;
use crate::meta;
use crate::query::Query;
use crate::xml::{self, Node};

mod list_parts;
mod list_uploads;
mod upload_part;

pub use list_parts::ListedPart;
pub use list_uploads::ListedUpload;
pub use upload_part::PartOutcome;
pub(super) use upload_part::part_query;

/// Of both services.
const MOST_PARTS: u32 = 10_000;

/// A part as it is listed to complete an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompletedPart {
    /// 1 to 10,000.
    pub number: u32,
    /// As the service gave it when the part was stored.
    pub etag: String,
}

/// The response to the completion of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompleteOutcome {
    /// Without quotes; no MD5 of the content.
    pub etag: Option<String>,
    /// CRC-64/XZ of the whole object as computed by the service.
    pub crc64: Option<u64>,
    /// In a versioned bucket.
    pub version_id: Option<String>,
    /// What the service's support asks for.
    pub request_id: Option<String>,
    /// What the server answered that OSS called, up to 3 MiB; only with a callback.
    pub callback_answer: Option<Bytes>,
}

impl Bucket {
    /// Begins an upload in parts and returns its id. Everything stored with the object is given here; digests
    /// do not apply. Parts are billed until the upload is completed or aborted. A try whose answer got lost
    /// leaves an empty upload behind, which [`list_multipart_uploads`](Self::list_multipart_uploads) and
    /// lifecycle rules find.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/initiatemultipartupload),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0098.html).
    pub async fn initiate_multipart_upload(&self, key: &str, options: PutOptions) -> Result<String, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        let call = Call {
            query: Query::new([("uploads", "")]),
            headers: options.stored(dialect)?,
            ..Call::new("begin the multipart upload of", Method::POST, Target::Object(&key))
        };
        self.call(&call, SMALL_ANSWER, |answer| {
            let mut id = String::new();
            let read = xml::read(&answer.body, "InitiateMultipartUploadResult", |node| {
                if let Node::Leaf("UploadId", text) = node {
                    id = text;
                }
            });
            match read {
                Ok(()) if !id.is_empty() => Ok(std::mem::take(&mut id)),
                Ok(()) => Err(unreadable("it names no upload")),
                Err(error) => Err(unreadable(&error.to_string())),
            }
        })
        .await
    }

    /// Puts the object together from its parts, which must be in ascending order; parts not named are
    /// removed. `crc64` of the whole object is for OBS to check, and not sent to OSS.
    ///
    /// The request is made once, save for the correction of a wrong clock. After an error that [is
    /// retryable](Error::is_retryable), and after [`ErrorKind::NoSuchUpload`], the object may be there all
    /// the same: [`head`](Self::head) tells, before anything else is tried; on OBS
    /// [`upload_id`](crate::ObjectMeta::upload_id) names the upload that made it.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/completemultipartupload),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0102.html).
    pub async fn complete_multipart_upload(
        &self,
        key: &str,
        upload_id: &str,
        parts: &[CompletedPart],
        crc64: Option<u64>,
    ) -> Result<CompleteOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        check_order(parts)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        insert_crc64(&mut headers, dialect, crc64);
        let call = Call { headers, ..self.completing(&key, upload_id, parts)? };
        self.call(&call, SMALL_ANSWER, |answer| completed(dialect, answer)).await
    }

    /// The same with a callback, whose answer takes the place of the service's own: the ETag is known only if
    /// a header says. OSS only.
    ///
    /// If the callback fails, the error is [`ErrorKind::CallbackFailed`] and the object is there.
    pub async fn complete_multipart_upload_with_callback(
        &self,
        key: &str,
        upload_id: &str,
        parts: &[CompletedPart],
        callback: &Callback,
    ) -> Result<CompleteOutcome, Error> {
        let dialect = self.dialect();
        let key = ObjectKey::new(dialect, key)?;
        check_order(parts)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        insert_callback(&mut headers, dialect, callback)?;
        let call = Call { headers, ..self.completing(&key, upload_id, parts)? };
        self.call(&call, CALLBACK_ANSWER, |answer| {
            let callback_answer = Some(answer.body.clone());
            Ok(CompleteOutcome { callback_answer, ..CompleteOutcome::told(dialect, answer, None) })
        })
        .await
    }

    fn completing<'a>(
        &self,
        key: &'a ObjectKey<'a>,
        upload_id: &str,
        parts: &[CompletedPart],
    ) -> Result<Call<'a>, Error> {
        Ok(Call {
            query: upload_query(upload_id)?,
            body: document(self.dialect(), parts).into(),
            repeat: Repeat::Never,
            response_head: Some(self.shared().timeouts.slow_response_head),
            ..Call::new("complete the multipart upload of", Method::POST, Target::Object(key))
        })
    }

    /// Gives an upload up and removes its parts; success also when there is no such upload. A part that is
    /// being stored meanwhile may be left behind.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/abortmultipartupload),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0103.html).
    pub async fn abort_multipart_upload(&self, key: &str, upload_id: &str) -> Result<(), Error> {
        let key = ObjectKey::new(self.dialect(), key)?;
        let call = Call {
            query: upload_query(upload_id)?,
            action: "AbortMultipartUpload",
            ..Call::new("abort the multipart upload of", Method::DELETE, Target::Object(&key))
        };
        match self.call(&call, SMALL_ANSWER, |_| Ok(())).await {
            Err(error) if error.kind() == ErrorKind::NoSuchUpload => Ok(()),
            outcome => outcome,
        }
    }
}

/// An empty id would turn the requests into others: DELETE would remove the object.
fn check_id(upload_id: &str) -> Result<(), Error> {
    if upload_id.is_empty() {
        return Err(Error::new(ErrorKind::InvalidArgument, "the id of the upload is empty"));
    }
    Ok(())
}

fn upload_query(upload_id: &str) -> Result<Query, Error> {
    check_id(upload_id)?;
    Ok(Query::new([("uploadId", upload_id.to_owned())]))
}

fn check_order(parts: &[CompletedPart]) -> Result<(), Error> {
    let bad = |message: String| Err(Error::new(ErrorKind::InvalidArgument, message));
    if parts.is_empty() {
        return bad("an upload is completed with at least one part".to_owned());
    }
    if let Some(part) = parts.iter().find(|part| !(1..=MOST_PARTS).contains(&part.number)) {
        return bad(format!("part numbers are 1 to {MOST_PARTS}, not {}", part.number));
    }
    match parts.windows(2).find(|pair| pair[0].number >= pair[1].number) {
        Some(pair) => bad(format!("part {} follows part {}", pair[1].number, pair[0].number)),
        None => Ok(()),
    }
}

fn document(dialect: Dialect, parts: &[CompletedPart]) -> String {
    // In the form of each vendor's own documentation.
    let quote = if dialect == Dialect::Oss { "\"" } else { "" };
    let mut text = String::with_capacity(64 + parts.len() * 96);
    text.push_str("<CompleteMultipartUpload>");
    for part in parts {
        text.push_str("<Part><PartNumber>");
        text.push_str(&part.number.to_string());
        text.push_str("</PartNumber><ETag>");
        text.push_str(quote);
        xml::escape_into(&mut text, meta::unquoted(&part.etag));
        text.push_str(quote);
        text.push_str("</ETag></Part>");
    }
    text.push_str("</CompleteMultipartUpload>");
    text
}

fn completed(dialect: Dialect, answer: &Answered) -> Result<CompleteOutcome, Error> {
    let mut etag = None;
    xml::read(&answer.body, "CompleteMultipartUploadResult", |node| {
        if let Node::Leaf("ETag", text) = node {
            etag = Some(meta::unquoted(&text).to_owned());
        }
    })
    .map_err(|error| unreadable(&error.to_string()))?;
    Ok(CompleteOutcome::told(dialect, answer, etag))
}

impl CompleteOutcome {
    fn told(dialect: Dialect, answer: &Answered, etag: Option<String>) -> Self {
        Self {
            etag: etag.filter(|etag| !etag.is_empty()).or_else(|| meta::etag(&answer.headers)),
            crc64: meta::crc64(dialect, &answer.headers),
            version_id: header::text(&answer.headers, &dialect.profile().version_id_header),
            request_id: header::text(&answer.headers, &dialect.profile().request_id_header),
            callback_answer: None,
        }
    }
}

fn unreadable(why: &str) -> Error {
    Error::new(ErrorKind::UnexpectedResponse, format!("unreadable answer of the multipart upload: {why}"))
        .with_retry(Retry::Backoff)
}
