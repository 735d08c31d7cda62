//! Deletes up to 1000 objects in one request.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use md5::{Digest, Md5};

use crate::bucket::Bucket;
use crate::client::{Call, Target};
use crate::encoding;
use crate::error::{Error, ErrorKind, Retry};
use crate::query::Query;
use crate::xml::{self, Node};

/// Both services refuse more.
const MOST_KEYS: usize = 1000;
/// OSS refuses bodies above 2 MB.
const LARGEST_BODY: usize = 2_000_000;
/// 1000 keys, percent-encoded, and what surrounds them.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;
/// Requests at a time for keys that no XML can carry.
const SINGLE_DELETES: usize = 16;
const HEAD: &str = "<Delete><Quiet>false</Quiet>";
const TAIL: &str = "</Delete>";
static CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// What became of each key.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct DeleteOutcome {
    /// Removed, or not there in the first place.
    pub deleted: Vec<String>,
    /// Not removed, or not known to be.
    pub failed: Vec<(String, Error)>,
}

/// What one reply lists.
#[derive(Default)]
struct Listed {
    deleted: HashSet<String>,
    errors: HashMap<String, (String, String)>,
}

impl Bucket {
    /// Removes up to 1000 objects, in one request where possible; each key ends up in the outcome.
    ///
    /// Keys that an XML document cannot carry safely (control characters, blanks at an end) are removed one
    /// by one. An error of the whole means that some keys may be removed and some not; calling again is safe.
    ///
    /// [OSS](https://www.alibabacloud.com/help/en/oss/developer-reference/deletemultipleobjects),
    /// [OBS](https://support.huaweicloud.com/intl/en-us/api-obs/obs_04_0086.html).
    pub async fn delete_multiple(&self, keys: &[impl AsRef<str>]) -> Result<DeleteOutcome, Error> {
        if keys.len() > MOST_KEYS {
            let message = format!("{} keys to delete, at most {MOST_KEYS} are possible", keys.len());
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let max = self.dialect().max_key_bytes();
        let (batched, single): (Vec<&str>, Vec<&str>) =
            keys.iter().map(AsRef::as_ref).partition(|key| travels_in_xml(key) && key.len() <= max);
        let mut outcome = DeleteOutcome::default();
        for batch in batches(&batched) {
            let listed = self.delete_batch(batch).await?;
            for key in batch {
                match listed.verdict(key) {
                    Ok(()) => outcome.deleted.push((*key).to_owned()),
                    Err(error) => outcome.failed.push(((*key).to_owned(), error)),
                }
            }
        }
        // Made before the first is awaited: a closure over borrowed keys that lives across an await is not
        // `Send` enough.
        let deletes: Vec<_> = single.into_iter().map(|key| self.delete_single(key)).collect();
        let mut results = stream::iter(deletes).buffered(SINGLE_DELETES);
        while let Some((key, result)) = results.next().await {
            match result {
                Ok(()) => outcome.deleted.push(key),
                Err(error) => outcome.failed.push((key, error)),
            }
        }
        Ok(outcome)
    }

    async fn delete_single(&self, key: &str) -> (String, Result<(), Error>) {
        (key.to_owned(), self.delete(key).await)
    }

    async fn delete_batch(&self, keys: &[&str]) -> Result<Listed, Error> {
        let mut body = HEAD.to_owned();
        for key in keys {
            body.push_str("<Object><Key>");
            xml::escape_into(&mut body, key);
            body.push_str("</Key></Object>");
        }
        body.push_str(TAIL);
        let digest = BASE64.encode(Md5::digest(&body));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        headers.insert(
            CONTENT_MD5.clone(),
            HeaderValue::try_from(digest).map_err(|error| {
                Error::new(ErrorKind::InvalidArgument, "the digest is no header value").with_source(error)
            })?,
        );
        let params = [("delete", "")].into_iter().chain(self.dialect().profile().key_encoding);
        let call = Call {
            query: Query::new(params),
            headers,
            body: Bytes::from(body),
            action: "DeleteObject",
            ..Call::new("delete keys in", Method::POST, Target::Bucket)
        };
        self.call(&call, LARGEST_ANSWER, |answer| Listed::read(&answer.body)).await
    }
}

impl Listed {
    /// An empty body lists nothing: it is what a service sends that took the request as a quiet one.
    fn read(body: &[u8]) -> Result<Self, Error> {
        let mut listed = Self::default();
        if body.trim_ascii().is_empty() {
            return Ok(listed);
        }
        let mut encoded = false;
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        let (mut key, mut code, mut message) = (String::new(), String::new(), String::new());
        xml::read(body, "DeleteResult", |node| match node {
            Node::Leaf("EncodingType", text) => encoded = text == "url",
            Node::Leaf("Deleted/Key" | "Error/Key", text) => key = text,
            Node::Leaf("Error/Code", text) => code = text,
            Node::Leaf("Error/Message", text) => message = text,
            Node::Close("Deleted") => deleted.push(std::mem::take(&mut key)),
            Node::Close("Error") => errors
                .push((std::mem::take(&mut key), (std::mem::take(&mut code), std::mem::take(&mut message)))),
            _ => {}
        })
        .map_err(|error| unreadable(&error.to_string()))?;
        let decode = |key: String| {
            if encoded {
                encoding::decode_reply(&key).ok_or_else(|| unreadable("a key is not UTF-8"))
            } else {
                Ok(key)
            }
        };
        for key in deleted {
            listed.deleted.insert(decode(key)?);
        }
        for (key, error) in errors {
            listed.errors.insert(decode(key)?, error);
        }
        Ok(listed)
    }

    fn verdict(&self, key: &str) -> Result<(), Error> {
        if let Some((code, message)) = self.errors.get(key) {
            return Err(Error::of_code(code, &format!("{code}: {message}")));
        }
        if self.deleted.contains(key) {
            return Ok(());
        }
        let error =
            Error::new(ErrorKind::UnexpectedResponse, "the reply to the delete does not list the key");
        Err(error.with_retry(Retry::Backoff))
    }
}

fn unreadable(why: &str) -> Error {
    Error::new(ErrorKind::UnexpectedResponse, format!("unreadable reply to the delete: {why}"))
        .with_retry(Retry::Backoff)
}

/// Blanks at an end could be trimmed by a reader, which would remove another object.
fn travels_in_xml(key: &str) -> bool {
    !key.chars().any(|c| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'))
        && key.trim().len() == key.len()
        && !key.is_empty()
}

/// Runs of keys whose document stays below the limit.
fn batches<'a, 'b>(keys: &'a [&'b str]) -> impl Iterator<Item = &'a [&'b str]> {
    let mut rest = keys;
    std::iter::from_fn(move || {
        let mut size = HEAD.len() + TAIL.len();
        let fits = rest
            .iter()
            .take_while(|key| {
                let escaped = key.bytes().map(|b| if matches!(b, b'&' | b'<' | b'>') { 5 } else { 1 });
                size += "<Object><Key></Key></Object>".len() + escaped.sum::<usize>();
                size <= LARGEST_BODY
            })
            .count();
        let (batch, after) = rest.split_at(fits);
        rest = after;
        (!batch.is_empty()).then_some(batch)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_a_reader_of_xml_could_change_go_alone() {
        for key in ["", "\u{1}", "a\nb", "a\tb", "a\r", " a", "a ", "\u{a0}a", "a\u{85}", "\u{ffff}"] {
            assert!(!travels_in_xml(key), "{key:?}");
        }
        for key in ["a b", "a&<b>\"'", "测试", "a//b/", "..", "😀"] {
            assert!(travels_in_xml(key), "{key:?}");
        }
    }

    #[test]
    fn long_documents_are_split() {
        let key = "&".repeat(1023);
        let keys = vec![key.as_str(); 1000];
        let sizes: Vec<usize> = batches(&keys).map(<[_]>::len).collect();
        assert!(sizes.len() > 1, "{sizes:?}");
        assert_eq!(sizes.iter().sum::<usize>(), 1000);
        assert_eq!(batches(&["a"; 1000]).count(), 1);
        assert_eq!(batches(&[]).count(), 0);
    }
}
