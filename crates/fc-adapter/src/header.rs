//! Headers of requests as text.

use http::HeaderMap;

/// The value of a header, if there is one worth the name.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().filter(|value| !value.is_empty())
}
