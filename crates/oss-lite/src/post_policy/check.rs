//! What a policy must keep to before it is signed.

use std::time::Duration;

use super::{ContentTypes, KeyRule, PostPolicy};
use crate::config::SignatureVersion;
use crate::dialect::Dialect;
use crate::error::{Error, ErrorKind};
use crate::key::ObjectKey;

/// Also of `PutObject`.
const LARGEST_OBJECT: u64 = 5 * 1024 * 1024 * 1024;
const LONGEST_V4: Duration = Duration::from_hours(7 * 24);
const LONGEST_NAME: usize = 8 * 1024;
const LONGEST_VALUE: usize = 2 * 1024 * 1024;
/// Replaced by the name of the file.
pub(super) const FILE_NAME: &str = "${filename}";

/// Fields of the form itself, in lower case.
const RESERVED: &[&str] = &[
    "bucket",
    "content-length-range",
    "file",
    "key",
    "ossaccesskeyid",
    "policy",
    "signature",
    "x-oss-credential",
    "x-oss-date",
    "x-oss-security-token",
    "x-oss-signature",
    "x-oss-signature-version",
];

pub(super) fn bad(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message)
}

impl PostPolicy {
    pub(super) fn check(&self, version: SignatureVersion) -> Result<(), Error> {
        self.check_key()?;
        self.check_validity(version)?;
        self.check_size()?;
        self.check_types()
    }

    fn check_key(&self) -> Result<(), Error> {
        let (text, what) = match &self.key {
            KeyRule::Exact(key) => {
                ObjectKey::new(Dialect::Oss, key)?;
                (key, "key")
            }
            KeyRule::Prefix(prefix) => (prefix, "prefix"),
        };
        let max = Dialect::Oss.max_key_bytes();
        let invalid = |why: &str| Err(Error::new(ErrorKind::InvalidKey, format!("the {what} {why}")));
        if text.is_empty() {
            return invalid("is empty, which would allow every key of the bucket");
        }
        if text.len() > max {
            return invalid(&format!("has {} bytes, and keys have at most {max}", text.len()));
        }
        if text.starts_with(['/', '\\']) {
            return invalid("begins with a slash or a backslash, which OSS refuses");
        }
        if text.contains(FILE_NAME) {
            return invalid("contains ${filename}, for which OSS puts the name of the file");
        }
        if text.chars().any(char::is_control) {
            return invalid("holds control characters, which forms do not carry unchanged");
        }
        Ok(())
    }

    fn check_validity(&self, version: SignatureVersion) -> Result<(), Error> {
        if self.valid_for.as_secs() == 0 {
            return Err(bad("a form must be valid for at least one second"));
        }
        if version == SignatureVersion::V4 && self.valid_for > LONGEST_V4 {
            return Err(bad("a form signed by V4 is valid for at most 7 days"));
        }
        Ok(())
    }

    fn check_size(&self) -> Result<(), Error> {
        let Some(range) = &self.size else {
            return Ok(());
        };
        let (min, max) = (*range.start(), *range.end());
        if min > max {
            return Err(bad(format!("the smallest size allowed, {min}, is above the largest, {max}")));
        }
        if max > LARGEST_OBJECT {
            return Err(bad(format!("a form carries at most {LARGEST_OBJECT} bytes, not {max}")));
        }
        Ok(())
    }

    fn check_types(&self) -> Result<(), Error> {
        let types = match &self.content_types {
            None => return Ok(()),
            Some(ContentTypes::Exact(one) | ContentTypes::Prefix(one)) => std::slice::from_ref(one),
            Some(ContentTypes::OneOf(types)) if types.is_empty() => {
                return Err(bad("the list of content types is empty, so no upload would be allowed"));
            }
            Some(ContentTypes::OneOf(types)) => types,
        };
        if types.iter().any(String::is_empty) {
            return Err(bad("a content type is empty"));
        }
        types.iter().try_for_each(|one| check_value("Content-Type", one))
    }

    pub(super) fn check_fields<'a>(
        &self,
        fields: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), Error> {
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in fields {
            check_name(name)?;
            check_value(name, value)?;
            let folded = name.to_ascii_lowercase();
            let typed = folded == "content-type" && self.content_types.is_some();
            if typed || RESERVED.contains(&folded.as_str()) {
                return Err(bad(format!("the field {name} is set by the policy itself")));
            }
            if seen.contains(&folded) {
                return Err(bad(format!("there are two fields named {name}")));
            }
            seen.push(folded);
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    let good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'$');
    if name.is_empty() || !name.bytes().all(good) {
        return Err(bad(format!("{name:?} is no name of a field")));
    }
    if name.len() > LONGEST_NAME {
        return Err(bad(format!("the name of a field has {} bytes, more than {LONGEST_NAME}", name.len())));
    }
    let custom = name.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("x:"));
    if custom && name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(bad(format!("the custom variable {name} must be in lower case")));
    }
    Ok(())
}

pub(super) fn check_value(name: &str, value: &str) -> Result<(), Error> {
    if value.len() > LONGEST_VALUE {
        return Err(bad(format!("the field {name} has {} bytes, more than {LONGEST_VALUE}", value.len())));
    }
    if value.chars().any(char::is_control) {
        return Err(bad(format!(
            "the field {name} holds control characters, which forms do not carry unchanged"
        )));
    }
    Ok(())
}
