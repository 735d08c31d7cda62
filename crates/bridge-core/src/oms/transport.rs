//! What every request to OMS has in common: how long it may take, what is read of its answer, and why there
//! was none.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::DATE;
use http::{HeaderMap, HeaderValue};
use reqwest::Response;

use object_copy::outcome::EngineError;

/// Longest time one try may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// Why a reply was not read to its end.
#[derive(Debug)]
pub(super) enum Unread {
    /// It broke off.
    BrokeOff(reqwest::Error),
    /// It is longer than it may be.
    TooLong,
}

/// Reads a reply of at most `most` bytes to its end, so that the connection can serve the next request. The
/// beginning of a longer one is no reply: it may end within a key, a number or a secret.
pub(super) async fn read(mut response: Response, most: usize) -> Result<Vec<u8>, Unread> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Unread::BrokeOff)? {
        if body.len() + chunk.len() > most {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The time of the service, if its reply has a date.
pub(super) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    moment(headers.get(DATE)?)
}

/// The time that a `Date` header names.
pub(super) fn moment(date: &HeaderValue) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(date.to_str().ok()?).ok().map(|date| date.to_utc())
}

/// An error without a reply of OMS.
pub(super) fn transport(error: reqwest::Error) -> EngineError {
    EngineError::local(format!("no reply from OMS: {}", oss_lite::describe_transport(error).0))
}

/// The innermost cause, without the URL: its query may contain secrets.
pub(super) fn cause(error: reqwest::Error) -> String {
    oss_lite::root_cause(&error.without_url())
}
