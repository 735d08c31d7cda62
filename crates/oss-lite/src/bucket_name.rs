//! Names of buckets.

use std::fmt;
use std::str::FromStr;

use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};

/// A name that the service can accept: 3 to 63 characters of `a-z`, `0-9` and `-`, with a letter or digit at
/// both ends.
///
/// [OSS rules](https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions). OBS also
/// allows dots inside a name, see [`BucketName::parse`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(String);

impl BucketName {
    /// Checks a name by the rules of one service. A name with dots is valid on OBS, but no wildcard
    /// certificate covers it: over HTTPS such a bucket needs a custom domain.
    pub fn parse(name: &str, dialect: Dialect) -> Result<Self, Error> {
        let inner = |byte: u8| match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => true,
            b'.' => dialect == Dialect::Obs,
            _ => false,
        };
        let ends_well = |edge: Option<&u8>| edge.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = name.as_bytes();
        let good = (3..=63).contains(&bytes.len())
            && bytes.iter().copied().all(inner)
            && ends_well(bytes.first())
            && ends_well(bytes.last())
            && !["..", ".-", "-."].iter().any(|pair| name.contains(pair));
        if good {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::new(
                ErrorKind::InvalidBucketName,
                format!(
                    "bucket name {name:?} is not 3 to 63 characters of a-z, 0-9 and '-' that begin and end with a \
                     letter or digit"
                ),
            ))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BucketName {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::parse(name, Dialect::Oss)
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_the_rules_are_accepted() {
        for name in ["abc", "a-b", "0bucket9", &"x".repeat(63)] {
            assert_eq!(name.parse::<BucketName>().expect(name).to_string(), name);
        }
    }

    #[test]
    fn names_against_the_rules_are_refused() {
        for name in ["", "ab", "-ab", "ab-", "Abc", "a_b", "a.b", "a/b", "bücket", &"x".repeat(64)] {
            let error = name.parse::<BucketName>().expect_err(name);
            assert_eq!(error.kind(), ErrorKind::InvalidBucketName);
        }
    }

    #[test]
    fn dots_are_for_obs_only() {
        assert!(BucketName::parse("a.b", Dialect::Obs).is_ok());
        for name in ["a..b", "a.-b", ".ab", "ab."] {
            assert!(BucketName::parse(name, Dialect::Obs).is_err(), "{name}");
        }
    }
}
