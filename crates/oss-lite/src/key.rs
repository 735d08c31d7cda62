//! Keys of objects, encoded once.

use std::borrow::Cow;

use crate::dialect::Dialect;
use crate::encoding;
use crate::error::{Error, ErrorKind};

/// An object key, percent-encoded once for both the signature and the wire.
///
/// Keys are bytes: nothing is trimmed, folded or resolved. URL libraries resolve `.` and `..` segments of a
/// path (also when percent-encoded), so a key that has one travels with its slashes as `%2F`; the signature
/// has `/` either way.
#[derive(Clone, Debug)]
pub struct ObjectKey<'a> {
    raw: &'a str,
    encoded: String,
}

impl<'a> ObjectKey<'a> {
    /// Checks what the service and the transport can take: 1 to 1023 bytes on OSS, 1 to 1024 on OBS, and not
    /// `.` or `..`, which no URL can carry as a path.
    pub fn new(dialect: Dialect, key: &'a str) -> Result<Self, Error> {
        let max = dialect.max_key_bytes();
        if key.is_empty() || key.len() > max {
            return Err(Error::new(
                ErrorKind::InvalidKey,
                format!("a key has 1 to {max} bytes, this one has {}", key.len()),
            ));
        }
        if is_dot_segment(key) {
            return Err(Error::new(ErrorKind::InvalidKey, format!("no URL can carry the key {key:?}")));
        }
        Ok(Self { raw: key, encoded: encoding::path(key).to_string() })
    }

    /// The key as given.
    pub fn as_str(&self) -> &'a str {
        self.raw
    }

    /// The form that is signed: percent-encoded, slashes kept.
    pub fn encoded(&self) -> &str {
        &self.encoded
    }

    /// The form that travels in the path.
    pub(crate) fn wire(&self) -> Cow<'_, str> {
        if self.raw.split('/').any(is_dot_segment) {
            Cow::Owned(self.encoded.replace('/', "%2F"))
        } else {
            Cow::Borrowed(&self.encoded)
        }
    }
}

fn is_dot_segment(segment: &str) -> bool {
    segment == "." || segment == ".."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(key: &str) -> String {
        ObjectKey::new(Dialect::Oss, key).expect("a key that can travel").wire().into_owned()
    }

    #[test]
    fn dot_segments_travel_with_encoded_slashes_and_sign_with_plain_ones() {
        assert_eq!(wire("a/../b"), "a%2F..%2Fb");
        assert_eq!(wire("./c"), ".%2Fc");
        assert_eq!(wire("x/.."), "x%2F..");
        assert_eq!(ObjectKey::new(Dialect::Oss, "a/../b").expect("valid").encoded(), "a/../b");
    }

    #[test]
    fn names_that_merely_contain_dots_keep_their_slashes() {
        assert_eq!(wire("a/...b/.c"), "a/...b/.c");
        assert_eq!(wire("%2e%2e/x"), "%252e%252e/x");
    }

    #[test]
    fn lone_dots_are_refused_for_good() {
        for key in [".", ".."] {
            let error = ObjectKey::new(Dialect::Oss, key).expect_err("cannot travel");
            assert_eq!(error.kind(), ErrorKind::InvalidKey);
            assert!(!error.is_retryable());
        }
    }

    #[test]
    fn length_limits_count_bytes_and_differ_by_service() {
        let longest = "é".repeat(512);
        assert!(ObjectKey::new(Dialect::Obs, &longest).is_ok());
        assert!(ObjectKey::new(Dialect::Oss, &longest).is_err());
        assert!(ObjectKey::new(Dialect::Oss, &longest[..1022]).is_ok());
        assert!(ObjectKey::new(Dialect::Oss, "").is_err());
    }
}
