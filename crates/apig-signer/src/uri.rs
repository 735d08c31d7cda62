//! Canonical path, canonical query and host of a URI.

use std::borrow::Cow;
use std::cmp::Ordering;

use http::Uri;

use crate::encode::{is_canonical, percent_decode, percent_encode};
use crate::wire::WireText;

/// The path with dot segments removed (RFC 3986, 5.2.4), each segment decoded and encoded again, ending in
/// `/`.
///
/// Empty segments stay: `//` and `/` are different paths to RFC 3986 and to the vendor's SDKs.
pub(crate) struct CanonicalPath<'a>(Vec<&'a str>);

impl<'a> CanonicalPath<'a> {
    pub(crate) fn new(path: &'a str) -> Self {
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut kept = Vec::with_capacity(path.split('/').count());
        for segment in path.split('/') {
            if decodes_to(segment, b"..") {
                kept.pop();
            } else if !decodes_to(segment, b".") {
                kept.push(segment);
            }
        }
        // The empty segment behind a final slash is the slash that is written anyway.
        if path.is_empty() || path.ends_with('/') {
            kept.pop();
        }
        Self(kept)
    }
}

impl WireText for CanonicalPath<'_> {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        sink(b"/");
        for segment in &self.0 {
            if is_canonical(segment) {
                sink(segment.as_bytes());
            } else {
                percent_encode(&percent_decode(segment)).for_each_piece(sink);
            }
            sink(b"/");
        }
    }
}

fn decodes_to(segment: &str, dots: &[u8]) -> bool {
    segment.starts_with(['.', '%']) && percent_encoding::percent_decode_str(segment).eq(dots.iter().copied())
}

/// The `name=value` pairs of the query, sorted by encoded name, then by encoded value.
pub(crate) struct CanonicalQuery<'a>(Vec<Parameter<'a>>);

struct Parameter<'a> {
    name: Cow<'a, [u8]>,
    value: Cow<'a, [u8]>,
}

impl<'a> CanonicalQuery<'a> {
    pub(crate) fn new(query: &'a str) -> Self {
        let mut parameters: Vec<_> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| Parameter { name: percent_decode(name), value: percent_decode(value) })
            .collect();
        parameters.sort_unstable_by(|a, b| {
            compare_encoded(&a.name, &b.name).then_with(|| compare_encoded(&a.value, &b.value))
        });
        Self(parameters)
    }
}

fn compare_encoded(a: &[u8], b: &[u8]) -> Ordering {
    percent_encode(a).bytes().cmp(percent_encode(b).bytes())
}

impl WireText for CanonicalQuery<'_> {
    fn for_each_piece(&self, sink: &mut impl FnMut(&[u8])) {
        for (index, Parameter { name, value }) in self.0.iter().enumerate() {
            if index > 0 {
                sink(b"&");
            }
            percent_encode(name).for_each_piece(sink);
            sink(b"=");
            percent_encode(value).for_each_piece(sink);
        }
    }
}

/// What goes into a `host` header for this URI: host and port, without user information and default port.
pub(crate) fn host(uri: &Uri) -> Option<&str> {
    let authority = uri.authority()?;
    let is_default_port = match (uri.scheme_str(), authority.port_u16()) {
        (_, None) | (Some("http"), Some(80)) | (Some("https"), Some(443)) => true,
        (_, Some(_)) => false,
    };
    if is_default_port {
        return Some(authority.host());
    }
    let text = authority.as_str();
    Some(text.rsplit_once('@').map_or(text, |(_user, host)| host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(wire: &impl WireText) -> String {
        let mut text = Vec::new();
        wire.for_each_piece(&mut |piece| text.extend_from_slice(piece));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn canonical_path() {
        for (path, canonical) in [
            ("", "/"),
            ("/", "/"),
            ("/a", "/a/"),
            ("/a/", "/a/"),
            ("/a//", "/a//"),
            ("//", "//"),
            ("//a", "//a/"),
            ("/a//b", "/a//b/"),
            ("/a/./b", "/a/b/"),
            ("/a/../b", "/b/"),
            ("/a//../b", "/a/b/"),
            ("/a/b/..", "/a/"),
            ("/a/b/.", "/a/b/"),
            ("/../../a", "/a/"),
            ("/..", "/"),
            ("/a/%2e%2E/b", "/b/"),
            ("/a/.%2e", "/"),
            ("/a/...", "/a/.../"),
            ("/a b", "/a%20b/"),
            ("/a%2Fb", "/a%2Fb/"),
            ("/a%2fb", "/a%2Fb/"),
            ("/%7Ea-b_c.d~", "/~a-b_c.d~/"),
            ("/a+b*c", "/a%2Bb%2Ac/"),
            ("/100%", "/100%25/"),
            ("/%zz", "/%25zz/"),
            ("/%25zz", "/%25zz/"),
            ("/ä", "/%C3%A4/"),
            ("/%c3%a4", "/%C3%A4/"),
            ("*", "/%2A/"),
        ] {
            assert_eq!(text(&CanonicalPath::new(path)), canonical, "{path:?}");
        }
    }

    #[test]
    fn canonical_query() {
        for (query, canonical) in [
            ("", ""),
            ("a", "a="),
            ("a=", "a="),
            ("=v", "=v"),
            ("&a=1&&b=2&", "a=1&b=2"),
            ("b=1&a=2", "a=2&b=1"),
            ("a=1&B=2", "B=2&a=1"),
            ("a=2&a=10&a=1", "a=1&a=10&a=2"),
            ("a-b=2&a=1", "a=1&a-b=2"),
            ("a=1=2", "a=1%3D2"),
            ("a=b%20c", "a=b%20c"),
            ("a=b+c", "a=b%2Bc"),
            ("a=%7e/%2f", "a=~%2F%2F"),
            // "%C3" sorts before "~", the byte 0xC3 behind it.
            ("a=~&a=%C3%A4", "a=%C3%A4&a=~"),
        ] {
            assert_eq!(text(&CanonicalQuery::new(query)), canonical, "{query:?}");
        }
    }

    #[test]
    fn host_is_without_default_port_and_user_information() {
        for (uri, expected) in [
            ("https://example.com/", Some("example.com")),
            ("https://example.com:443/", Some("example.com")),
            ("http://example.com:80/", Some("example.com")),
            ("http://example.com:443/", Some("example.com:443")),
            ("https://example.com:8443/", Some("example.com:8443")),
            ("https://me@example.com:8443/", Some("example.com:8443")),
            ("https://[::1]:8443/", Some("[::1]:8443")),
            ("https://[::1]:443/", Some("[::1]")),
            ("/path", None),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(host(&uri), expected, "{uri}");
        }
    }
}
