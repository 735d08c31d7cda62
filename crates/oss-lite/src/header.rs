//! Headers of replies as text.

use http::HeaderMap;
use http::header::AsHeaderName;

/// A header that cannot be read as text counts as missing.
pub(crate) fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok().map(str::to_owned)
}
