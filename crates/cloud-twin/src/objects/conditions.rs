//! Conditions on an object that is read, by a client or for a copy.

use chrono::DateTime;
use http::HeaderMap;

use crate::error::{ApiError, Outcome};
use crate::object::StoredObject;
use crate::wire;

/// What conditions that do not fail come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConditionVerdict {
    Met,
    /// By `If-None-Match` or `If-Modified-Since`, the caller has this very object.
    Unchanged,
}

/// Checks `if-match` and its like, each name with `prefix` before it.
pub(super) fn check(headers: &HeaderMap, prefix: &str, object: &StoredObject) -> Outcome<ConditionVerdict> {
    let given = |name: &str| {
        Some(wire::header(headers, &format!("{prefix}{name}"))).filter(|value| !value.is_empty())
    };
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
    Ok(if unchanged { ConditionVerdict::Unchanged } else { ConditionVerdict::Met })
}

fn matches_etag(tag: &str, etag: &str) -> bool {
    tag == "*" || tag.trim_matches('"').eq_ignore_ascii_case(etag)
}
