//! What addresses begin with.

use super::half_width;

/// What addresses of objects begin with.
const SCHEMES: [&str; 6] = ["oss", "obs", "s3", "cos", "https", "http"];

/// The scheme of an address, its other half, and whether exactly `://` is between them.
pub fn parts(text: &str) -> Option<(&'static str, &str, bool)> {
    let (scheme, rest) = split(text)?;
    let slashes = text.get(..text.len() - rest.len()).map(half_width);
    let exact = slashes.is_some_and(|start| start.ends_with("://") && !start.ends_with(":///"));
    Some((scheme, rest, exact))
}

/// The scheme of an address and what stands behind its slashes, however many there are.
pub(super) fn split(text: &str) -> Option<(&'static str, &str)> {
    let (before, rest) = text.split_once([':', '\u{ff1a}'])?;
    let before = half_width(before).to_ascii_lowercase();
    let scheme = SCHEMES.into_iter().find(|scheme| *scheme == before)?;
    let inner = rest.trim_start_matches(['/', '\u{ff0f}']);
    (inner.len() < rest.len()).then_some((scheme, inner))
}

/// What text of this machine's paths was meant to be, where it begins as an address does that lacks its
/// slashes, or its colon: `obs:mirror/a`, `obs//mirror/a`. As a path of this machine it would be taken
/// without a word.
pub fn meant(text: &str) -> Option<String> {
    const COPIED: [&str; 5] = ["oss", "obs", "s3", "https", "http"];
    let text = half_width(text);
    let (before, rest) = text.split_at(text.find([':', '/'])?);
    let rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix("//"))?;
    let before = before.to_ascii_lowercase();
    let scheme = COPIED.into_iter().find(|scheme| *scheme == before)?;
    Some(format!("{scheme}://{}", rest.trim_start_matches('/')))
}

/// Whether text is the address of an object, and so no key and no local path: `oss://photos/a`, also with one
/// slash or in full-width characters.
pub fn is_address(text: &str) -> bool {
    split(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_its_slashes_or_its_colon_is_recognised() {
        for (text, address) in [
            ("obs:dst/l", "obs://dst/l"),
            ("obs//dst/l", "obs://dst/l"),
            ("OSS:src", "oss://src"),
            ("obs：dst", "obs://dst"),
            ("s3///src", "s3://src"),
            ("https:h/a", "https://h/a"),
            ("http//h:8/a", "http://h:8/a"),
        ] {
            assert_eq!(meant(text).as_deref(), Some(address), "{text}");
        }
        for text in ["./obs:dst", "obs/dst", "obs", "obsolete:x", "a/obs:b", "/obs//b", "cos:x", ""] {
            assert_eq!(meant(text), None, "{text}");
        }
    }
}
