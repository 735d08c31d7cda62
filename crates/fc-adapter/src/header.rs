//! Headers of requests as text.

use http::HeaderMap;

/// The value of a header; an empty or unreadable one counts as absent.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|value| !value.is_empty())
}
