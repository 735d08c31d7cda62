//! Listings: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>.
//!
//! Rules:
//!
//! - Keys are requested unencoded, and character references in them are decoded, also those that XML 1.0 does
//!   not allow. URL encoding is requested only if a page cannot be parsed or has a replaced character
//!   (U+FFFD): some servers claim to encode and do not (`s3s-fs` 0.14.1), and others continue in the wrong
//!   place if encoding is requested (`LocalStack` 4.12).
//! - A page that claims to be encoded is decoded only if all its keys look encoded: one key with a byte that
//!   an encoder would have escaped shows that none is. If the same page was read unencoded, the keys must
//!   agree.
//! - Pages must be consistent: no repeated keys, no fewer keys than the page claims, no empty page where more
//!   was announced. Otherwise the listing continues after the last key instead of with the token, and fails
//!   if that is inconsistent too.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use chrono::DateTime;
use futures_util::{Stream, TryStreamExt as _, stream};
use http::{HeaderMap, Method};
use oss_lite::ListedObject;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use tokio::time::timeout;

use super::address::component;
use super::request::S3Request;
use super::{S3Bucket, SERVER};
use crate::transfer::error::TransferError;
use crate::transfer::response::{PATIENCE, transport};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    /// Required: otherwise an error document, or a page of another server, would look like an empty bucket.
    is_truncated: bool,
    next_continuation_token: Option<String>,
    encoding_type: Option<String>,
    key_count: Option<usize>,
    #[serde(default)]
    contents: Vec<Contents>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Contents {
    key: String,
    size: u64,
    #[serde(rename = "ETag")]
    etag: Option<String>,
    last_modified: Option<String>,
    storage_class: Option<String>,
}

/// Objects of a page: the most that the service gives.
pub(super) const PAGE: usize = 1000;

/// Position in a listing.
#[derive(Clone, Debug, Default)]
struct Position {
    /// Objects of a page.
    size: usize,
    token: Option<String>,
    /// Whether the tokens of this server were inconsistent, so that the last key is used.
    by_key: bool,
    /// The last key so far.
    last: Option<String>,
    /// Hash of the first key of each page so far: a listing that returns to one of them would never end.
    begun: HashSet<u64, BuildHasherDefault<DefaultHasher>>,
    /// Whether the listing is complete.
    end: bool,
}

impl Position {
    /// Moves past this page.
    fn advance(&mut self, listed: &ListedPage) {
        self.begun.extend(listed.objects.first().map(|object| self.begun.hasher().hash_one(&object.key)));
        if let Some(last) = listed.objects.last() {
            self.last = Some(last.key.clone());
        }
        self.token.clone_from(&listed.next);
        self.end = listed.next.is_none();
    }

    /// Why the next page is inconsistent with the earlier ones, if it is.
    fn contradicted(&self, listed: &ListedPage) -> Option<&'static str> {
        let last = self.last.as_deref()?;
        if !self.by_key && listed.next.is_some() && listed.next == self.token {
            return Some("it does not advance");
        }
        // Not every server lists in byte order, so a key out of order is no contradiction.
        let again = |key: &str| key == last || self.begun.contains(&self.begun.hasher().hash_one(key));
        match listed.objects.first() {
            Some(first) if again(&first.key) => Some("keys come again"),
            None if listed.next.is_none() => Some("there was to be more"),
            _ => None,
        }
    }
}

/// The objects after the key `after`, in pages of `size`.
pub(super) fn pages(
    bucket: S3Bucket,
    prefix: String,
    after: Option<String>,
    size: usize,
) -> impl Stream<Item = Result<Vec<ListedObject>, TransferError>> + Send + use<> {
    let start = (bucket, prefix, Position { size, last: after, ..Position::default() });
    stream::try_unfold(start, |(bucket, prefix, mut position)| async move {
        if position.end {
            return Ok(None);
        }
        let listed = Box::pin(page(&bucket, &prefix, &mut position)).await?;
        position.advance(&listed);
        Ok::<_, TransferError>(Some((listed.objects, (bucket, prefix, position))))
    })
}

pub(super) fn objects(
    bucket: S3Bucket,
    prefix: String,
) -> impl Stream<Item = Result<ListedObject, TransferError>> + Send + use<> {
    let pages = pages(bucket, prefix, None, PAGE);
    pages.map_ok(|objects| stream::iter(objects.into_iter().map(Ok))).try_flatten()
}

/// A page of a listing.
#[derive(Debug, PartialEq)]
struct ListedPage {
    objects: Vec<ListedObject>,
    next: Option<String>,
}

/// The query for a page.
#[derive(Clone, Copy, Debug)]
struct ListQuery<'q> {
    size: usize,
    prefix: &'q str,
    after: PageStart<'q>,
    encoded: bool,
}

#[derive(Clone, Copy, Debug)]
enum PageStart<'q> {
    Nothing,
    Token(&'q str),
    Key(&'q str),
}

impl ListQuery<'_> {
    fn text(self) -> String {
        // The signature needs the parameters in byte order.
        let token = match self.after {
            PageStart::Token(token) => format!("continuation-token={}&", component(token)),
            PageStart::Nothing | PageStart::Key(_) => String::new(),
        };
        let key = match self.after {
            PageStart::Key(key) => format!("&start-after={}", component(key)),
            PageStart::Nothing | PageStart::Token(_) => String::new(),
        };
        let encoding = if self.encoded { "encoding-type=url&" } else { "" };
        let (size, prefix) = (self.size, component(self.prefix));
        format!("{token}{encoding}list-type=2&max-keys={size}&prefix={prefix}{key}")
    }
}

/// The next page: by the token, or by the last key if the page of the token is inconsistent.
async fn page(bucket: &S3Bucket, prefix: &str, position: &mut Position) -> Result<ListedPage, TransferError> {
    let first = match (position.by_key, &position.last, &position.token) {
        (true, Some(last), _) => PageStart::Key(last),
        (_, _, Some(token)) => PageStart::Token(token),
        // The first page of a part of the bucket.
        (false, Some(after), None) => PageStart::Key(after),
        (_, None, None) => PageStart::Nothing,
    };
    let query = |after| ListQuery { size: position.size, prefix, after, encoded: false };
    let listed = readable(bucket, query(first)).await?;
    let Some(why) = position.contradicted(&listed) else { return Ok(listed) };
    let contradiction =
        || TransferError::transient(format!("the listing of {} contradicts itself: {why}", bucket.name));
    let last = position.last.as_deref().filter(|_| !position.by_key).ok_or_else(contradiction)?;
    let again = readable(bucket, query(PageStart::Key(last))).await?;
    // If both are empty, the remaining keys were deleted in the meantime.
    let all = |listed: &ListedPage| listed.objects.is_empty() && listed.next.is_none();
    if all(&again) && all(&listed) {
        return Ok(again);
    }
    position.by_key = true;
    if all(&again) || position.contradicted(&again).is_some() {
        return Err(contradiction());
    }
    tracing::warn!(
        bucket = &*bucket.name,
        why,
        "pages of a listing contradict each other: continuing after the last key"
    );
    Ok(again)
}

/// Fetches a page, encoded if its keys cannot be represented otherwise.
async fn readable(bucket: &S3Bucket, query: ListQuery<'_>) -> Result<ListedPage, TransferError> {
    let plain = read(&fetched(bucket, query).await?);
    let replaced = |object: &ListedObject| object.key.contains(char::REPLACEMENT_CHARACTER);
    let lossy = match &plain {
        Ok(listed) => listed.objects.iter().any(replaced),
        Err(_) => true,
    };
    if !lossy {
        return plain;
    }
    let encoded = read(&fetched(bucket, ListQuery { encoded: true, ..query }).await?);
    match (plain, encoded) {
        // The server ignored the request to encode, or failed.
        (Ok(plain), Err(_)) => Ok(plain),
        (Ok(plain), Ok(encoded)) if !agree(&plain, &encoded) => Ok(plain),
        (_, encoded) => encoded,
    }
}

/// Whether two versions of one page may have the same keys.
fn agree(plain: &ListedPage, encoded: &ListedPage) -> bool {
    let alike = |(plain, encoded): (&ListedObject, &ListedObject)| {
        plain.key == encoded.key || plain.key.contains(char::REPLACEMENT_CHARACTER)
    };
    plain.objects.len() == encoded.objects.len() && plain.objects.iter().zip(&encoded.objects).all(alike)
}

async fn fetched(bucket: &S3Bucket, query: ListQuery<'_>) -> Result<String, TransferError> {
    let ask = S3Request { method: Method::GET, key: "", query: query.text(), headers: HeaderMap::new() };
    let response = bucket.ask(&ask).await.map_err(|abort| abort.into_error(&bucket.name))?;
    match timeout(PATIENCE, response.text()).await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(transport(error, SERVER)),
        Err(_) => Err(TransferError::transient(format!("{SERVER} stopped sending"))),
    }
}

fn read(text: &str) -> Result<ListedPage, TransferError> {
    let unreadable = |why: &str| TransferError::transient(format!("unreadable listing of {SERVER}: {why}"));
    let page: Page =
        quick_xml::de::from_str(&with_returns(text)).map_err(|error| unreadable(&error.to_string()))?;
    if page.key_count.is_some_and(|count| count > page.contents.len()) {
        return Err(unreadable("it has fewer keys than its count says"));
    }
    let encoded = page.encoding_type.as_deref() == Some("url")
        && page.contents.iter().all(|entry| may_be_encoded(&entry.key));
    let objects = page.contents.into_iter().map(|entry| object(entry, encoded));
    let objects: Option<Vec<_>> = objects.collect();
    let objects = objects.ok_or_else(|| unreadable("a key is not UTF-8"))?;
    match (page.is_truncated, page.next_continuation_token) {
        (false, _) => Ok(ListedPage { objects, next: None }),
        (true, Some(next)) => Ok(ListedPage { objects, next: Some(next) }),
        (true, None) => Err(unreadable("it is truncated, but has no continuation token")),
    }
}

/// XML parsers normalise a carriage return to a line feed; the key has the byte.
fn with_returns(text: &str) -> Cow<'_, str> {
    if !text.contains('\r') {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split("<Key>");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (key, rest) = part.split_once("</Key>").unwrap_or((part, ""));
        kept.extend(["<Key>", &key.replace('\r', "&#13;"), "</Key>", rest]);
    }
    Cow::Owned(kept)
}

/// Whether a key looks URL-encoded: no blank, no character outside ASCII, and each `%` begins an escape.
fn may_be_encoded(key: &str) -> bool {
    let mut bytes = key.bytes();
    while let Some(byte) = bytes.next() {
        let left = match byte {
            b'%' => [bytes.next(), bytes.next()]
                .into_iter()
                .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit())),
            _ => byte.is_ascii_graphic() && !b"\"<>".contains(&byte),
        };
        if !left {
            return false;
        }
    }
    true
}

fn object(entry: Contents, encoded: bool) -> Option<ListedObject> {
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
        let ListedPage { objects, next } = read(PAGE).unwrap();
        assert_eq!(next.as_deref(), Some("1ueGcxLPRx1Tr"));
        let keys: Vec<_> = objects.iter().map(|object| (object.key.as_str(), object.size)).collect();
        assert_eq!(keys, [("a b+c/测", 434_234), ("z", 0)]);
        assert_eq!(objects[0].etag.as_deref(), Some("fba9dede5f27731c9771645a39863328"));
        assert!(objects[0].last_modified.is_some());
    }

    #[test]
    fn the_last_page_is_the_last_and_no_page_is_an_error() {
        let ListedPage { objects, next } =
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
    fn keys(keys: &str) -> Vec<String> {
        let entry = |key: &str| format!("<Contents><Key>{key}</Key><Size>1</Size></Contents>");
        let entries: String = keys.split('|').map(entry).collect();
        let text = format!(
            "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
        );
        read(&text).unwrap().objects.into_iter().map(|object| object.key).collect()
    }

    #[test]
    fn a_key_with_unescaped_bytes_shows_that_none_is_encoded() {
        assert_eq!(keys("a+b|a%2Bb|a%2541"), ["a b", "a+b", "a%41"]);
        for foreign in ["a b", "测", "100%", "a%4", "a%zz", "&quot;", "&lt;", "&#1;"] {
            let read = keys(&format!("a+b|a%41|{foreign}"));
            assert_eq!(read[..2], ["a+b", "a%41"], "{foreign}");
        }
    }

    #[test]
    fn every_character_of_a_plain_key_is_read() {
        let text = "<ListBucketResult>\r\n<IsTruncated>false</IsTruncated>\r\n<Contents><Key> &#x1;\u{2}a\rb&#xD;\nc&amp; </Key>\
            <Size>1</Size></Contents></ListBucketResult>";
        assert_eq!(read(text).unwrap().objects[0].key, " \u{1}\u{2}a\rb\r\nc& ");
    }

    #[test]
    fn a_page_with_fewer_keys_than_its_count_is_refused() {
        let page = |count| {
            read(&format!(
                "<ListBucketResult><KeyCount>{count}</KeyCount><IsTruncated>false</IsTruncated>\
                 <Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>"
            ))
        };
        assert!(page(1).is_ok() && page(2).is_err());
    }

    #[test]
    fn pages_that_repeat_or_do_not_advance_are_contradictory() {
        let listed = |keys: &[&str], next: Option<&str>| ListedPage {
            objects: keys.iter().map(|key| object_of(key)).collect(),
            next: next.map(str::to_owned),
        };
        let mut position = Position::default();
        assert_eq!(position.contradicted(&listed(&[], None)), None);
        position.advance(&listed(&["a", "m"], Some("t")));
        for good in
            [listed(&["n"], Some("u")), listed(&["n"], None), listed(&[], Some("u")), listed(&["b"], None)]
        {
            assert_eq!(position.contradicted(&good), None, "{good:?}");
        }
        for bad in [
            listed(&["m"], None),
            listed(&["a", "z"], Some("u")),
            listed(&[], None),
            listed(&["n"], Some("t")),
        ] {
            assert!(position.contradicted(&bad).is_some(), "{bad:?}");
        }
    }

    fn object_of(key: &str) -> ListedObject {
        let mut object = ListedObject::default();
        key.clone_into(&mut object.key);
        object
    }
}
