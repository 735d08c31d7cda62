//! URLs of objects: their form without secrets, the object name in them, and their credentials.
//!
//! User, password and query may be secrets, so none of them appears in a message, log line, record or
//! metadata: all of these use [`shown`]. It is also the name of a web object in the metadata of its copy, so
//! its result may not change. Text that is not known to be a URL, such as a setting with a mistake in it, is
//! for `settings::lenient::shown_url`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use percent_encoding::percent_decode_str;
use reqwest::Url;

/// Error message for a URL whose password may continue behind its host. No part of it may be shown.
pub const SPLIT: &str = "a URL with a password and another @ behind it, so that it is unclear where the password ends: \
    write a / in the password as %2F, a ? as %3F, a # as %23, and every @ but the one before the host as %40";

/// Whether a password in a URL may continue behind what a URL parser takes for the host: in
/// `http://user:a@b/c@host/x` it is `a`, or `a@b/c`.
pub fn may_split_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let (authority, behind) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':')) && behind.contains('@')
}

/// A URL without user, password, query and fragment. If the text is no URL, or its password may continue
/// behind the host, only the scheme is kept, since the end of the password is unknown.
pub fn shown(url: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed("") };
    if Url::parse(url).is_err() || may_split_password(url) {
        return Cow::Owned(format!("{scheme}://…"));
    }
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    match authority.rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://{}", &plain[scheme.len() + 3 + at + 1..])),
        None => Cow::Borrowed(plain),
    }
}

/// The name of the object without folders: the last segment of the path, decoded. `%2F` stays encoded, since
/// a slash would make a folder; so does a segment that is not UTF-8. `None` if there is no segment, or it is
/// `.` or `..`.
pub fn name(url: &Url) -> Option<String> {
    let last = url.path_segments()?.next_back()?;
    let name = decoded(last);
    (!name.is_empty() && name != "." && name != "..").then_some(name)
}

/// The path of a URL below a folder, each segment decoded as [`name`] decodes the last. `None` for a URL
/// elsewhere. Queries are ignored.
pub fn below(folder: &Url, url: &Url) -> Option<String> {
    let path = folder.path();
    let path = path.strip_suffix('/').unwrap_or(path);
    let rest = url.path().strip_prefix(path)?.strip_prefix('/')?;
    let same_site = folder.origin() == url.origin();
    same_site.then(|| rest.split('/').map(decoded).collect::<Vec<_>>().join("/"))
}

fn decoded(segment: &str) -> String {
    let mut name = String::with_capacity(segment.len());
    let mut rest = segment;
    while let Some(at) = rest.find("%2F").into_iter().chain(rest.find("%2f")).min() {
        let Ok(text) = percent_decode_str(&rest[..at]).decode_utf8() else { return segment.to_owned() };
        name.push_str(&text);
        name.push_str(&rest[at..at + 3]);
        rest = &rest[at + 3..];
    }
    match percent_decode_str(rest).decode_utf8() {
        Ok(text) => name + &text,
        Err(_) => segment.to_owned(),
    }
}

/// Whether a URL names a user.
pub fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Removes user and password from a URL and returns them as the value of `Authorization`, so that nothing
/// that shows the URL later shows them.
pub(crate) fn take_user(url: &mut Url) -> Option<HeaderValue> {
    if !has_user(url) {
        return None;
    }
    let mut user: Vec<u8> = percent_decode_str(url.username()).collect();
    user.push(b':');
    user.extend(percent_decode_str(url.password().unwrap_or_default()));
    // Neither fails for a URL that has them.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(user))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_user_nor_query_is_shown() {
        for (url, expected) in [
            ("http://h/a/b%20c.pdf", "http://h/a/b%20c.pdf"),
            ("http://h/a?Signature=s#f", "http://h/a"),
            ("http://user:pass@h:80/a?x%40y", "http://h:80/a"),
            ("http://user:pass@h:80/a?x@y", "http://…"),
            ("http://us:bad@word/q@host/x", "http://…"),
            ("http://h:80/@scope/a@1", "http://h:80/@scope/a@1"),
            ("https://user@h/a@b", "https://h/a@b"),
            ("https://u:p@p@h", "https://h"),
            ("https://u:p@h\\a", "https://h\\a"),
            // The host would be `u` with a port that is none.
            ("http://u:pa/ss@h/", "http://…"),
            ("http://u:pa?ss@h/", "http://…"),
            ("http://u:p@", "http://…"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
        }
    }

    #[test]
    fn names_are_decoded_once_and_stay_one_segment() {
        for (url, expected) in [
            ("http://h/dir/%E6%8A%A5%E5%91%8A%201.pdf", Some("报告 1.pdf")),
            ("http://h/报告.pdf?x=/y", Some("报告.pdf")),
            ("http://h/a%2Fb%2fc%25.txt", Some("a%2Fb%2fc%.txt")),
            ("http://h/a%252Fb", Some("a%2Fb")),
            ("http://h/a+b", Some("a+b")),
            ("http://h/caf%E9%20", Some("caf%E9%20")),
            ("http://h/%zz", Some("%zz")),
            ("http://h/dir/", None),
            ("http://h", None),
            ("http://h/a/%2E%2E", None),
        ] {
            assert_eq!(name(&Url::parse(url).unwrap()).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_url_below_a_folder_keeps_its_path_decoded() {
        for (folder, url, expected) in [
            ("http://h/dir/", "http://h/dir/a%20b/%E6%B5%8B.txt?sig=1#f", Some("a b/测.txt")),
            ("http://h/dir", "http://h:80/dir/x%2Fy", Some("x%2Fy")),
            ("http://h/dir/?all", "http://h/dir/", Some("")),
            ("http://h", "http://h/a//b", Some("a//b")),
            ("http://h/dir/", "http://h/dir2/a", None),
            ("http://h/dir/", "http://h/dir/../a", None),
            ("http://h/dir/", "https://h/dir/a", None),
            ("http://h/dir/", "http://h:8080/dir/a", None),
        ] {
            let (folder, url) = (Url::parse(folder).unwrap(), Url::parse(url).unwrap());
            assert_eq!(below(&folder, &url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn a_user_becomes_a_sensitive_header() {
        let mut url = Url::parse("http://us%40er:pa%3Ass@h/a").unwrap();
        let value = take_user(&mut url).unwrap();
        assert_eq!(url.as_str(), "http://h/a");
        assert_eq!(value, format!("Basic {}", STANDARD.encode("us@er:pa:ss")));
        assert!(!format!("{value:?}").contains("Basic"));
        assert_eq!(take_user(&mut url), None);
    }
}
