//! `GetObject`, `HeadObject` and `GetObjectMeta`: conditions, ranges, headers.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;

use super::put::write_headers;
use super::{Call, Dialect};
use crate::error::{ApiError, Outcome, Reply, insert_text};
use crate::store::{ObjectKind, StoredObject};
use crate::wire;

pub(super) fn get_object(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let object = call.bucket()?.get(key).ok_or_else(|| ApiError::no_such_key(key))?;
    if let Some(reply) = unmet_condition(call, &object)? {
        return Ok(reply);
    }
    let mut reply = Response::new(Full::default());
    object_headers(call, &object, reply.headers_mut());
    let mut body = object.body.clone();
    if let Some(range) = range(call, object.body.len())? {
        let content_range = format!("bytes {}-{}/{}", range.start(), range.end(), object.body.len());
        insert_text(reply.headers_mut(), header::CONTENT_RANGE, &content_range);
        *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
        body = body.slice(range);
    }
    reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if call.parts.method != Method::HEAD {
        *reply.body_mut() = Full::new(body);
    }
    Ok(reply)
}

/// `HEAD ?objectMeta`: only what is cheap to know.
pub(super) fn object_meta(call: &Call<'_>, key: &str) -> Outcome<Reply> {
    let object = call.bucket()?.get(key).ok_or_else(|| ApiError::no_such_key(key))?;
    let mut reply = Response::new(Full::default());
    write_headers(call, &object, reply.headers_mut());
    insert_text(reply.headers_mut(), header::LAST_MODIFIED, &http_date(object.last_modified));
    reply.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(object.body.len()));
    Ok(reply)
}

fn object_headers(call: &Call<'_>, object: &StoredObject, headers: &mut HeaderMap) {
    write_headers(call, object, headers);
    insert_text(headers, header::LAST_MODIFIED, &http_date(object.last_modified));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let kept = &object.headers;
    let content_type = kept.content_type.clone();
    headers.insert(
        header::CONTENT_TYPE,
        content_type.unwrap_or_else(|| HeaderValue::from_static(call.dialect.default_content_type())),
    );
    for (name, value) in &kept.standard {
        headers.insert(name.clone(), value.clone());
    }
    for (name, value) in &kept.user {
        headers.insert(call.prefix.name(&format!("meta-{name}")), value.clone());
    }
    let class = kept.storage_class.as_deref();
    match call.dialect {
        Dialect::Oss => {
            let kind = match object.kind {
                ObjectKind::Normal => "Normal",
                ObjectKind::Multipart => "Multipart",
            };
            headers.insert("x-oss-object-type", HeaderValue::from_static(kind));
            insert_text(headers, call.prefix.name("storage-class"), class.unwrap_or("Standard"));
        }
        // OBS leaves the header out for its standard class.
        Dialect::Obs => {
            if let Some(class) = class.filter(|class| *class != "STANDARD") {
                insert_text(headers, call.prefix.name("storage-class"), class);
            }
        }
    }
    override_headers(call, headers);
}

fn override_headers(call: &Call<'_>, headers: &mut HeaderMap) {
    for (name, value) in call.query.iter() {
        let Some(name) = name.strip_prefix("response-") else {
            continue;
        };
        let name = if name == "expires" { Ok(header::EXPIRES) } else { HeaderName::try_from(name) };
        // Text that is not ASCII travels as its UTF-8 bytes.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            headers.insert(name, value);
        }
    }
}

pub(crate) fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn unmet_condition(call: &Call<'_>, object: &StoredObject) -> Outcome<Option<Reply>> {
    let given = |name: &str| Some(wire::header(&call.parts.headers, name)).filter(|value| !value.is_empty());
    let time = |name: &str| given(name).and_then(|text| DateTime::parse_from_rfc2822(&text).ok());
    let names = |list: &str| list.split(',').any(|tag| matches_etag(tag.trim(), &object.etag));
    // HTTP dates have whole seconds.
    let modified_after = |limit: DateTime<_>| object.last_modified.timestamp() > limit.timestamp();
    if given("if-match").is_some_and(|list| !names(&list)) {
        return Err(ApiError::precondition_failed("If-Match"));
    }
    if time("if-unmodified-since").is_some_and(modified_after) {
        return Err(ApiError::precondition_failed("If-Unmodified-Since"));
    }
    let unchanged = given("if-none-match").is_some_and(|list| names(&list))
        || time("if-modified-since").is_some_and(|limit| !modified_after(limit));
    if !unchanged {
        return Ok(None);
    }
    let mut reply = Response::new(Full::default());
    *reply.status_mut() = StatusCode::NOT_MODIFIED;
    write_headers(call, object, reply.headers_mut());
    insert_text(reply.headers_mut(), header::LAST_MODIFIED, &http_date(object.last_modified));
    Ok(Some(reply))
}

fn matches_etag(tag: &str, etag: &str) -> bool {
    tag == "*" || tag.trim_matches('"').eq_ignore_ascii_case(etag)
}

/// The bytes asked for; `None` for the whole object.
///
/// OSS takes a range that does not fit for no range at all, unless `x-oss-range-behavior: standard` is given.
fn range(call: &Call<'_>, size: usize) -> Outcome<Option<RangeInclusive<usize>>> {
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
        (true, true) => Ok(Some(start..=end)),
        (true, false) => Err(not_satisfiable(size, &text)),
        (false, satisfiable) => Ok((satisfiable && fits).then_some(start..=end)),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    From(usize),
    Between(usize, usize),
    Last(usize),
}

impl Asked {
    /// `None` for anything but one well-formed range, which both services ignore.
    fn parse(text: &str) -> Option<Self> {
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

fn not_satisfiable(size: usize, asked: &str) -> ApiError {
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
