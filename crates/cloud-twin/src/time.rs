//! Times in the forms of headers and documents.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, Utc};

/// `Thu, 17 Nov 2005 18:49:58 GMT`.
pub(crate) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// `2005-11-17T18:49:58.000Z`.
pub(crate) fn xml_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// `20231216T162057Z`.
pub(crate) fn parse_basic_time(text: &str) -> Option<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%Y%m%dT%H%M%SZ").ok().map(|time| time.and_utc())
}

/// `Thu, 17 Nov 2005 18:49:58 GMT`; the weekday is not checked, as no server does. Go's RFC 1123 says `UTC`.
pub(crate) fn parse_http_time(text: &str) -> Option<DateTime<Utc>> {
    let date = text.split_once(", ").map_or(text, |(_, date)| date);
    let date = date.strip_suffix(" UTC").map_or_else(|| date.into(), |date| Cow::from(format!("{date} GMT")));
    DateTime::parse_from_rfc2822(&date).ok().map(|time| time.to_utc())
}
