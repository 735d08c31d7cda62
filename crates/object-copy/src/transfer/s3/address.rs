//! URLs of buckets and keys.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

use super::SERVER;
use crate::transfer::error::TransferError;

/// All characters except those that are never encoded. In a path slashes are kept, too.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &COMPONENT.remove(b'/');

/// The URL of a bucket, without a slash at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(String);

impl Address {
    /// At Amazon: the bucket is in the host name, unless its name has dots, which the certificates do not
    /// cover.
    pub(super) fn of_amazon(region: &str, bucket: &str) -> Self {
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Self(if bucket.contains('.') {
            format!("https://s3.{region}.{domain}/{bucket}")
        } else {
            format!("https://{bucket}.s3.{region}.{domain}")
        })
    }

    /// At another service: the bucket is in the path.
    pub(super) fn at(endpoint: &str, bucket: &str) -> Self {
        Self(format!("{}/{bucket}", endpoint.trim_end_matches('/')))
    }

    /// The URL of an object, or of the bucket with an empty key; the query is encoded already.
    ///
    /// # Errors
    ///
    /// When no URL can carry the key exactly: `.` and `..` alone.
    pub(super) fn target(&self, key: &str, query: &str) -> Result<RequestTarget, TransferError> {
        let path = utf8_percent_encode(key, PATH).to_string();
        let mark = if query.is_empty() { "" } else { "?" };
        let signed = format!("{}/{path}{mark}{query}", self.0);
        // URL libraries resolve dot segments, but not as part of a longer segment.
        let path = if key.split('/').any(is_dots) { path.replace('/', "%2F") } else { path };
        let text = format!("{}/{path}{mark}{query}", self.0);
        let url =
            Url::parse(&text).map_err(|error| TransferError::permanent(format!("{SERVER}: {error}")))?;
        // If the library rewrites anything else, another object would be read.
        if url.path().ends_with(&format!("/{path}")) && url.query().unwrap_or_default() == query {
            Ok(RequestTarget { url, signed })
        } else {
            Err(TransferError::permanent(format!("no URL can carry the key {key:?}")))
        }
    }
}

/// The URL of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestTarget {
    /// The URL as it is sent.
    pub(super) url: Url,
    /// The URL as it is signed: servers decode the path and encode it again with its slashes.
    pub(super) signed: String,
}

fn is_dots(segment: &str) -> bool {
    matches!(segment, "." | "..")
}

/// Encodes a value of a query.
pub(super) fn component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

/// The rules of <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html> as far as
/// needed for a name to be safe in a URL.
pub(super) fn bucket_name(name: &str) -> Result<&str, TransferError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    let good = (3..=63).contains(&bytes.len())
        && bytes.iter().copied().all(allowed)
        && ends(bytes.first())
        && ends(bytes.last())
        && !name.contains("..");
    if good {
        Ok(name)
    } else {
        let shown = settings::lenient::shown_url(name);
        Err(TransferError::permanent(format!("{shown:?} is not a bucket name of {SERVER}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(key: &str) -> Result<String, String> {
        let address = Address::of_amazon("eu-west-1", "photos");
        address.target(key, "").map(|target| target.url.to_string()).map_err(|failed| failed.to_string())
    }

    #[test]
    fn keys_are_encoded_once_and_keep_every_byte() {
        for (key, path) in [
            ("a/b.jpg", "a/b.jpg"),
            ("/lead//double/", "/lead//double/"),
            (" a+b%20c?d#e&f=", "%20a%2Bb%2520c%3Fd%23e%26f%3D"),
            ("测试\u{1}~*'()!", "%E6%B5%8B%E8%AF%95%01~%2A%27%28%29%21"),
            ("dots.../..a/b..", "dots.../..a/b.."),
        ] {
            assert_eq!(url(key), Ok(format!("https://photos.s3.eu-west-1.amazonaws.com/{path}")));
        }
    }

    #[test]
    fn dot_segments_are_sent_with_encoded_slashes_and_signed_with_plain_ones() {
        let address = Address::at("http://h", "photos");
        for (key, sent, signed) in [
            ("./c", ".%2Fc", "./c"),
            ("a/../b c", "a%2F..%2Fb%20c", "a/../b%20c"),
            ("a/..", "a%2F..", "a/.."),
            ("../..", "..%2F..", "../.."),
            ("a/...", "a/...", "a/..."),
        ] {
            let target = address.target(key, "").unwrap();
            assert_eq!(target.url.as_str(), format!("http://h/photos/{sent}"), "{key}");
            assert_eq!(target.signed, format!("http://h/photos/{signed}"), "{key}");
        }
    }

    #[test]
    fn dots_alone_are_refused() {
        for key in ["..", "."] {
            assert!(url(key).unwrap_err().contains("no URL can carry"), "{key}");
        }
    }

    #[test]
    fn a_bucket_is_part_of_the_host_at_amazon_and_of_the_path_elsewhere() {
        let of = |region, bucket| Address::of_amazon(region, bucket).target("k", "").unwrap().signed;
        assert_eq!(of("cn-north-1", "photos"), "https://photos.s3.cn-north-1.amazonaws.com.cn/k");
        assert_eq!(of("eu-west-1", "my.photos"), "https://s3.eu-west-1.amazonaws.com/my.photos/k");
        let own = Address::at("http://127.0.0.1:5000/", "photos");
        assert_eq!(own.target("k", "a=b").unwrap().url.as_str(), "http://127.0.0.1:5000/photos/k?a=b");
    }

    #[test]
    fn names_that_mean_something_else_in_a_url_are_refused() {
        for name in ["photos", "my.photos-2", "abc"] {
            assert_eq!(bucket_name(name).unwrap(), name);
        }
        for name in ["", "ab", "a/b", "a..b", "-ab", "ab.", "Upper", "host@evil", "a:80"] {
            assert!(bucket_name(name).is_err(), "{name}");
        }
    }
}
