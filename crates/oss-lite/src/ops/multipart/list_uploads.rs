//! Lists the uploads in progress.

use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt, stream};
use http::Method;

use super::unreadable;
use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::encoding;
use crate::error::{Error, ErrorKind};
use crate::query::Query;
use crate::xml::{self, Malformed, Node};

/// 1000 uploads with encoded keys of the longest kind.
const LARGEST_PAGE: usize = 16 * 1024 * 1024;

/// An upload that is neither completed nor aborted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedUpload {
    /// The key, byte for byte.
    pub key: String,
    /// Its id.
    pub upload_id: String,
    /// When it was begun.
    pub initiated: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
struct UploadsPage {
    uploads: Vec<ListedUpload>,
    next: Option<Marker>,
}

/// The upload after which a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Marker {
    key: String,
    upload_id: String,
}

/// Where a listing goes on.
enum UploadsPosition {
    Start,
    After(Marker),
    End,
}

impl Bucket {
    /// Lists uploads that are neither completed nor aborted, of keys that begin with `prefix`, by key and
    /// then by age. A page is asked for only when the stream is polled for it; the stream ends after its
    /// first error.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/listmultipartuploads),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0097.html).
    pub fn list_multipart_uploads(
        &self,
        prefix: &str,
    ) -> impl Stream<Item = Result<ListedUpload, Error>> + Send + use<> {
        let start = (self.clone(), prefix.to_owned(), UploadsPosition::Start);
        let pages = stream::try_unfold(start, |(bucket, prefix, position)| async move {
            let after = match position {
                UploadsPosition::Start => None,
                UploadsPosition::After(marker) => Some(marker),
                UploadsPosition::End => return Ok(None),
            };
            let page = bucket.page_of_uploads(&prefix, after.as_ref()).await?;
            let next = page.next.map_or(UploadsPosition::End, UploadsPosition::After);
            Ok::<_, Error>(Some((stream::iter(page.uploads.into_iter().map(Ok)), (bucket, prefix, next))))
        });
        pages.try_flatten()
    }

    async fn page_of_uploads(&self, prefix: &str, after: Option<&Marker>) -> Result<UploadsPage, Error> {
        let mut params = vec![("uploads", String::new()), ("max-uploads", "1000".to_owned())];
        params.extend(self.dialect().profile().key_encoding.map(|(name, value)| (name, value.to_owned())));
        if !prefix.is_empty() {
            params.push(("prefix", prefix.to_owned()));
        }
        if let Some(after) = after {
            params.push(("key-marker", after.key.clone()));
            params.push(("upload-id-marker", after.upload_id.clone()));
        }
        let call = Call {
            query: Query::new(params),
            action: "ListMultipartUploads",
            ..Call::new("list the multipart uploads in", Method::GET, Target::Bucket)
        };
        self.call(&call, LARGEST_PAGE, |answer| {
            let page = read(&answer.body).map_err(|why| unreadable(&why.to_string()))?;
            match (&page.next, after) {
                (Some(next), Some(after)) if next == after || next.key < after.key => {
                    let message = format!("the list of uploads does not advance beyond {:?}", after.key);
                    Err(Error::new(ErrorKind::UnexpectedResponse, message))
                }
                _ => Ok(page),
            }
        })
        .await
    }
}

fn read(body: &[u8]) -> Result<UploadsPage, Malformed> {
    let mut page = UploadsPage::default();
    let mut upload = ListedUpload::default();
    let (mut encoded, mut truncated) = (false, false);
    let (mut key, mut upload_id) = (None, None);
    xml::read(body, "ListMultipartUploadsResult", |node| match node {
        Node::Leaf("EncodingType", text) => encoded = text == "url",
        Node::Leaf("IsTruncated", text) => truncated = text == "true",
        Node::Leaf("NextKeyMarker", text) => key = Some(text),
        Node::Leaf("NextUploadIdMarker", text) => upload_id = Some(text),
        Node::Leaf("Upload/Key", text) => upload.key = text,
        Node::Leaf("Upload/UploadId", text) => upload.upload_id = text,
        Node::Leaf("Upload/Initiated", text) => {
            upload.initiated = DateTime::parse_from_rfc3339(&text).ok().map(|time| time.to_utc());
        }
        Node::Close("Upload") => page.uploads.push(std::mem::take(&mut upload)),
        _ => {}
    })?;
    if encoded {
        for text in page.uploads.iter_mut().map(|upload| &mut upload.key).chain(&mut key) {
            *text = encoding::decode_reply(text).ok_or_else(|| Malformed::new("a key is not UTF-8"))?;
        }
    }
    if truncated {
        let key = key.filter(|key| !key.is_empty());
        let named = key.map(|key| Marker { key, upload_id: upload_id.unwrap_or_default() });
        let last = page.uploads.last();
        let last = last.map(|upload| Marker { key: upload.key.clone(), upload_id: upload.upload_id.clone() });
        page.next =
            Some(named.or(last).ok_or_else(|| Malformed::new("there are more pages, but not where"))?);
    }
    Ok(page)
}
