//! What responses of web servers and of Amazon S3 have in common.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{AsHeaderName, ETAG, HeaderName, IF_MATCH, LAST_MODIFIED, RANGE};
use http::{HeaderMap, HeaderValue};
use reqwest::Response;
use tokio::time::timeout;

use super::error::TransferError;
use super::opened::Body;
use super::range::GetRange;
use super::source_info::{Identity, SourceInfo};
use crate::header;

/// Timeout for the head of a response, and between two chunks of a body.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A header that is not text counts as missing, and so does one that occurs twice with different values.
pub(super) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    header::agreed(headers, name).ok().flatten()
}

/// As [`text`], for headers that are copied.
///
/// # Errors
///
/// When it occurs twice with different values. A retry would not help.
pub(super) fn single(
    headers: &HeaderMap,
    name: &HeaderName,
    server: &str,
) -> Result<Option<String>, TransferError> {
    header::agreed(headers, name).map_err(|header::Contradiction| {
        TransferError::permanent(format!("{server} sends two different headers {name}"))
    })
}

/// The version of the object in a response.
pub(super) fn identity(headers: &HeaderMap, size: Option<u64>) -> Identity {
    let tag = text(headers, ETAG).filter(|tag| !tag.is_empty());
    let weak = tag.as_deref().and_then(|tag| tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/")));
    let unquoted = |tag: &str| tag.trim_matches('"').to_owned();
    let weak_etag = weak.map(unquoted);
    let strong = tag.filter(|_| weak_etag.is_none());
    Identity {
        size,
        etag: strong.as_deref().map(unquoted),
        etag_as_sent: strong,
        weak_etag,
        last_modified: time(headers, LAST_MODIFIED),
    }
}

/// Requests the pinned version only, by its `ETag` as received.
pub(super) fn add_condition(headers: &mut HeaderMap, pin: Option<&SourceInfo>) {
    if let Some(etag) = pin.and_then(|pin| pin.identity.etag_as_sent.as_deref())
        && let Ok(etag) = HeaderValue::try_from(etag)
    {
        headers.insert(IF_MATCH, etag);
    }
}

/// Requests a range, unless the whole object is wanted.
pub(super) fn add_range(headers: &mut HeaderMap, range: &GetRange) {
    if let Some(range) = range.byte_range().and_then(|range| range.header().ok()) {
        headers.insert(RANGE, range);
    }
}

/// The time of the response.
#[cfg(feature = "s3")]
pub(super) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    time(headers, http::header::DATE)
}

fn time(headers: &HeaderMap, name: impl AsHeaderName) -> Option<DateTime<Utc>> {
    date_of(&text(headers, name)?)
}

/// A time in any of the three formats of [RFC 9110,
/// 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7).
fn date_of(text: &str) -> Option<DateTime<Utc>> {
    let old = |form| NaiveDateTime::parse_from_str(text, form).ok().map(|date| date.and_utc());
    let current = DateTime::parse_from_rfc2822(text).ok().map(|date| date.with_timezone(&Utc));
    current.or_else(|| old("%A, %d-%b-%y %H:%M:%S GMT")).or_else(|| old("%a %b %e %H:%M:%S %Y"))
}

/// The body of a response. `server` is its name in messages.
pub(super) fn body(response: Response, server: &'static str) -> Body {
    let chunks = response.bytes_stream().map_err(move |error| transport(error, server));
    let body = stream::unfold(Some(Box::pin(chunks)), move |chunks| async move {
        let mut chunks = chunks?;
        let next: Option<Result<Bytes, TransferError>> = match timeout(PATIENCE, chunks.next()).await {
            Ok(next) => next,
            Err(_) => Some(Err(TransferError::transient(format!("{server} stopped sending")))),
        };
        let next = next?;
        let rest = next.is_ok().then_some(chunks);
        Some((next, rest))
    });
    Box::pin(body.fuse())
}

pub(super) fn transport(error: reqwest::Error, server: &str) -> TransferError {
    let connects = error.is_connect();
    let (message, error) = oss_lite::describe_transport(error);
    let message = format!("{server}: {message}");
    let failed = if connects { TransferError::network(message) } else { TransferError::transient(message) };
    failed.with_source_error(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_each_of_its_forms() {
        let expected = DateTime::from_timestamp(784_111_777, 0);
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(date_of(text), expected, "{text}");
        }
        assert_eq!(date_of("yesterday"), None);
    }

    #[test]
    fn etags_are_compared_by_what_is_in_the_quotes_and_go_back_as_they_came() {
        for (tag, strong, weak) in [
            ("\"v1\"", Some("v1"), None),
            ("v1", Some("v1"), None),
            ("\"\"v1\"\"", Some("v1"), None),
            ("W/\"v1\"", None, Some("v1")),
            ("w/v1", None, Some("v1")),
            ("", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ETAG, HeaderValue::from_static(tag));
            let found = identity(&headers, None);
            assert_eq!((found.etag.as_deref(), found.weak_etag.as_deref()), (strong, weak), "{tag}");
            let (info, mut asked) =
                (SourceInfo { identity: found, ..SourceInfo::default() }, HeaderMap::new());
            add_condition(&mut asked, Some(&info));
            let condition = asked.get(IF_MATCH).and_then(|value| value.to_str().ok());
            assert_eq!(condition, strong.map(|_| tag));
        }
    }
}
