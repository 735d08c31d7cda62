//! What answers of web servers and of Amazon S3 have in common.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::HeaderMap;
use http::header::{AsHeaderName, LAST_MODIFIED};
use reqwest::Response;
use tokio::time::timeout;

use super::source::Body;
use super::stop::Failed;

/// Time for the head of an answer, and between two pieces of a body.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A header that cannot be read as text counts as missing.
pub(super) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok().map(|text| text.trim().to_owned())
}

pub(super) fn last_modified(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    time(headers, LAST_MODIFIED)
}

/// When the answer was given.
#[cfg(feature = "aws")]
pub(super) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    time(headers, http::header::DATE)
}

fn time(headers: &HeaderMap, name: impl AsHeaderName) -> Option<DateTime<Utc>> {
    let date = text(headers, name)?;
    DateTime::parse_from_rfc2822(&date).ok().map(|date| date.with_timezone(&Utc))
}

/// `bytes 0-9/100`, with `*` for a total that the server does not know.
pub(super) fn content_range(text: &str) -> Option<(u64, u64, Option<u64>)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last, total.parse().ok()))
}

/// The bytes of an answer of `server`, a name for messages.
pub(super) fn body(response: Response, server: &'static str) -> Body {
    let chunks = response.bytes_stream().map_err(move |error| transport(&error.without_url(), server));
    let body = stream::unfold(Some(Box::pin(chunks)), move |chunks| async move {
        let mut chunks = chunks?;
        let next: Option<Result<Bytes, Failed>> = match timeout(PATIENCE, chunks.next()).await {
            Ok(next) => next,
            Err(_) => Some(Err(Failed::transient(format!("{server} sends nothing more")))),
        };
        let next = next?;
        let rest = next.is_ok().then_some(chunks);
        Some((next, rest))
    });
    Box::pin(body.fuse())
}

pub(super) fn transport(error: &reqwest::Error, server: &str) -> Failed {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Failed::transient(format!("the connection to {server} failed: {cause}"))
}
