//! Headers that may occur once.
//!
//! Two lines of such a header contradict each other, and readers differ in which one they use: a proxy may
//! take the first, a browser the last. So neither is used. Headers that hold lists may have several lines
//! ([RFC 9110, 5.3](https://www.rfc-editor.org/rfc/rfc9110#section-5.3)).

use http::header::AsHeaderName;
use http::{HeaderMap, HeaderValue};

/// The header of a request, if it occurs exactly once.
pub fn only(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Two lines that differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction;

/// The header of a response; equal lines count once. One that cannot be read as text counts as missing.
pub(crate) fn agreed(headers: &HeaderMap, name: impl AsHeaderName) -> Result<Option<String>, Contradiction> {
    let mut values = headers.get_all(name).iter().map(|value| value.as_bytes().trim_ascii());
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) {
        return Err(Contradiction);
    }
    Ok(std::str::from_utf8(first).ok().map(str::to_owned))
}

/// All lines of a header that holds a list. One that cannot be read as text counts as missing.
pub(crate) fn list(headers: &HeaderMap, name: impl AsHeaderName) -> Option<String> {
    let lines =
        headers.get_all(name).iter().map(|value| std::str::from_utf8(value.as_bytes()).map(str::trim));
    let lines = lines.collect::<Result<Vec<_>, _>>().ok()?;
    (!lines.is_empty()).then(|| lines.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (http::header::VIA, HeaderValue::from_static(line))).collect()
    }

    #[test]
    fn several_lines_are_none_one_or_a_list() {
        for (lines, once, same, all) in [
            (&[][..], None, Ok(None), None),
            (&["a"], Some("a"), Ok(Some("a")), Some("a")),
            (&["a", "a "], None, Ok(Some("a")), Some("a, a")),
            (&["a", "b"], None, Err(Contradiction), Some("a, b")),
            (&["a", ""], None, Err(Contradiction), Some("a, ")),
            (&["", "a"], None, Err(Contradiction), Some(", a")),
            (&["a", "a", "b"], None, Err(Contradiction), Some("a, a, b")),
        ] {
            let headers = headers(lines);
            assert_eq!(
                only(&headers, "via").map(HeaderValue::as_bytes),
                once.map(str::as_bytes),
                "{lines:?}"
            );
            assert_eq!(agreed(&headers, "via"), same.map(|text| text.map(str::to_owned)), "{lines:?}");
            assert_eq!(list(&headers, "via").as_deref(), all, "{lines:?}");
        }
    }
}
