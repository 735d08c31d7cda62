//! The `Range` of a request.

use std::ops::Range;

use http::{HeaderValue, StatusCode, header};

use super::Call;
use crate::dialect::Dialect;
use crate::error::{ApiError, Outcome};
use crate::wire;

/// The bytes asked for; `None` for the whole object.
///
/// OSS takes a range that does not fit for no range at all, unless `x-oss-range-behavior: standard` is given.
pub(super) fn asked_for(call: &Call<'_>, size: u64) -> Outcome<Option<Range<u64>>> {
    if call.range_header == RangeHeader::Ignored {
        return Ok(None);
    }
    let headers = &call.parts.headers;
    let text = wire::header(headers, "range");
    let Some(asked) = Asked::parse(&text) else {
        return Ok(None);
    };
    let standard = call.dialect == Dialect::Obs
        || headers.get("x-oss-range-behavior").is_some_and(|value| value == "standard");
    let (start, end, fits) = match asked {
        Asked::From(start) => (start, size.saturating_sub(1), start < size),
        Asked::Between(start, end) => (start, end.min(size.saturating_sub(1)), end < size),
        Asked::Last(count) => (size.saturating_sub(count), size.saturating_sub(1), count <= size),
    };
    let satisfiable = start < size && asked != Asked::Last(0);
    match (standard, satisfiable) {
        (true, true) => Ok(Some(start..end + 1)),
        (true, false) => Err(not_satisfiable(size, &text)),
        (false, satisfiable) => Ok((satisfiable && fits).then_some(start..end + 1)),
    }
}

/// Whether a request's `Range` counts; an ordered fault may overlook it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RangeHeader {
    Honoured,
    Ignored,
}

/// One well-formed range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    From(u64),
    Between(u64, u64),
    Last(u64),
}

impl Asked {
    /// `None` for anything but one well-formed range, which both services ignore.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.strip_prefix("bytes=")?.split_once('-')?;
        match (start, end) {
            ("", count) => count.parse().ok().map(Self::Last),
            (start, "") => start.parse().ok().map(Self::From),
            (start, end) => {
                let (start, end) = (start.parse().ok()?, end.parse().ok()?);
                (start <= end).then_some(Self::Between(start, end))
            }
        }
    }
}

pub(super) fn not_satisfiable(size: u64, asked: &str) -> ApiError {
    let error = ApiError::new(
        StatusCode::RANGE_NOT_SATISFIABLE,
        "InvalidRange",
        "The requested range cannot be satisfied.",
    )
    .detail("ActualObjectSize", size.to_string())
    .detail("RangeRequested", asked);
    match HeaderValue::try_from(format!("bytes */{size}")) {
        Ok(value) => error.header(header::CONTENT_RANGE, value),
        Err(_) => error,
    }
}
