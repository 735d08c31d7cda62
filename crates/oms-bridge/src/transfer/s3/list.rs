//! Listings: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>.

use chrono::DateTime;
use futures_util::{Stream, TryStreamExt as _, stream};
use http::{HeaderMap, Method};
use oss_lite::ListedObject;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use tokio::time::timeout;

use super::address::component;
use super::request::Ask;
use super::{S3Bucket, SERVER};
use crate::transfer::answer::{PATIENCE, transport};
use crate::transfer::stop::Failed;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    /// Required: without it an error document, or a page of somebody else, would be the end of an empty bucket.
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
    #[serde(default)]
    contents: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    key: String,
    size: u64,
    #[serde(rename = "ETag")]
    etag: Option<String>,
    last_modified: Option<String>,
    storage_class: Option<String>,
}

/// Where a listing goes on.
enum Position {
    Start,
    After(String),
    End,
}

pub(super) fn objects(
    bucket: S3Bucket,
    prefix: String,
) -> impl Stream<Item = Result<ListedObject, Failed>> + Send + use<> {
    let pages =
        stream::try_unfold((bucket, prefix, Position::Start), |(bucket, prefix, position)| async move {
            let token = match position {
                Position::Start => None,
                Position::After(token) => Some(token),
                Position::End => return Ok(None),
            };
            let (objects, next) = page(&bucket, &prefix, token.as_deref()).await?;
            let next = next.map_or(Position::End, Position::After);
            Ok::<_, Failed>(Some((objects, (bucket, prefix, next))))
        });
    pages.map_ok(|objects| stream::iter(objects.into_iter().map(Ok))).try_flatten()
}

type Listed = (Vec<ListedObject>, Option<String>);

async fn page(bucket: &S3Bucket, prefix: &str, token: Option<&str>) -> Result<Listed, Failed> {
    // The signature wants parameters in byte order.
    let goes_on = token.map(|token| format!("continuation-token={}&", component(token)));
    let query = format!(
        "{}encoding-type=url&list-type=2&max-keys=1000&prefix={}",
        goes_on.as_deref().unwrap_or_default(),
        component(prefix)
    );
    let ask = Ask { method: Method::GET, key: "", query, headers: HeaderMap::new() };
    let response = bucket.ask(&ask).await.map_err(|stop| stop.into_failed(&bucket.name))?;
    let text = match timeout(PATIENCE, response.text()).await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Err(transport(&error.without_url(), SERVER)),
        Err(_) => return Err(Failed::transient(format!("{SERVER} sends nothing more"))),
    };
    let (objects, next) = read(&text)?;
    if next.is_some() && next.as_deref() == token {
        return Err(Failed::transient(format!("the listing of {} does not advance", bucket.name)));
    }
    Ok((objects, next))
}

fn read(text: &str) -> Result<Listed, Failed> {
    let unreadable = |why: &str| Failed::transient(format!("unreadable listing of {SERVER}: {why}"));
    let page: Page = quick_xml::de::from_str(text).map_err(|error| unreadable(&error.to_string()))?;
    let encoded = page.encoding_type.as_deref() == Some("url");
    let objects = page.contents.into_iter().map(|entry| object(entry, encoded));
    let objects: Option<Vec<_>> = objects.collect();
    let objects = objects.ok_or_else(|| unreadable("a key is not UTF-8"))?;
    match (page.is_truncated, page.next_continuation_token) {
        (false, _) => Ok((objects, None)),
        (true, Some(next)) => Ok((objects, Some(next))),
        (true, None) => Err(unreadable("there are more pages, but not where")),
    }
}

fn object(entry: Entry, encoded: bool) -> Option<ListedObject> {
    let mut object = ListedObject::default();
    object.key = if encoded {
        percent_decode_str(&entry.key.replace('+', " ")).decode_utf8().ok()?.into_owned()
    } else {
        entry.key
    };
    object.size = entry.size;
    object.etag = entry.etag.map(|etag| etag.trim_matches('"').to_owned());
    object.last_modified = entry
        .last_modified
        .and_then(|time| DateTime::parse_from_rfc3339(&time).ok())
        .map(|time| time.to_utc());
    object.storage_class = entry.storage_class;
    Some(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
        <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix/>\
        <NextContinuationToken>1ueGcxLPRx1Tr</NextContinuationToken><KeyCount>2</KeyCount><MaxKeys>2</MaxKeys>\
        <EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
        <Contents><Key>a+b%2Bc%2F%E6%B5%8B</Key><LastModified>2026-10-12T17:50:30.000Z</LastModified>\
        <ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag><Size>434234</Size>\
        <StorageClass>STANDARD</StorageClass></Contents>\
        <Contents><Key>z</Key><Size>0</Size></Contents></ListBucketResult>";

    #[test]
    fn a_page_is_read_and_its_keys_are_decoded() {
        let (objects, next) = read(PAGE).unwrap();
        assert_eq!(next.as_deref(), Some("1ueGcxLPRx1Tr"));
        let keys: Vec<_> = objects.iter().map(|object| (object.key.as_str(), object.size)).collect();
        assert_eq!(keys, [("a b+c/测", 434_234), ("z", 0)]);
        assert_eq!(objects[0].etag.as_deref(), Some("fba9dede5f27731c9771645a39863328"));
        assert!(objects[0].last_modified.is_some());
    }

    #[test]
    fn the_last_page_is_the_last_and_no_page_is_an_error() {
        let (objects, next) =
            read("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>").unwrap();
        assert!(objects.is_empty() && next.is_none());
        for text in [
            "",
            "<html>",
            "<html/>",
            "<Error><Code>InternalError</Code></Error>",
            "<ListBucketResult><NextContinuationToken>t</NextContinuationToken></ListBucketResult>",
            "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%FF</Key><Size>1</Size></Contents></ListBucketResult>",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
