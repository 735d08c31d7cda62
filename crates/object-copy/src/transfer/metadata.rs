//! Converts user metadata and content headers from and to the form of each service.
//!
//! | service | names | values | content headers |
//! |---|---|---|---|
//! | OSS | `a-z`, `0-9`, `-` ([EC 0011-00000004](https://help.aliyun.com/en/oss/user-guide/0011-00000004)) | UTF-8 | UTF-8 |
//! | OBS | the same, `_` and `.` | ASCII; percent-encoded where there is more, or a `%` | ASCII; percent-encoded where there is more |
//! | Amazon S3, only read | any of a header | ASCII; [RFC 2047](https://www.rfc-editor.org/rfc/rfc2047) where there is more; other servers UTF-8 | as they are |
//! | web servers, only read | none | none | as they are |
//! | directories | none | none | none |
//!
//! Rules:
//!
//! - Metadata is decoded to plain text by the form of the source, and encoded by that of the destination.
//! - A name that the destination does not accept is escaped: each such character becomes `-xHH-`, its byte in
//!   hexadecimal, so that `file_name` is `file-x5f-name` in OSS. Read from there it is `file_name` again. In
//!   a name that only looks escaped, the `-` is escaped. So each name has one form in each service, and no
//!   two names share one ([`escape`]).
//! - A value is decoded only if it is certainly encoded.

use oss_lite::Dialect;
use percent_encoding::percent_decode_str;

#[cfg(feature = "s3")]
use super::encoded_words;

/// User metadata: names without the service's prefix, and values.
pub(super) type Metadata = Vec<(String, String)>;

/// Decodes the metadata of a bucket of `dialect`.
pub(super) fn read(dialect: Dialect, metadata: Metadata) -> Metadata {
    // Values of OBS are decoded by the client already.
    metadata.into_iter().map(|(name, value)| (unescape(dialect, name), value)).collect()
}

/// Decodes the metadata of Amazon S3.
#[cfg(feature = "s3")]
pub(super) fn read_s3(metadata: Metadata) -> Metadata {
    metadata.into_iter().map(|(name, value)| (name, encoded_words::decode(&value).unwrap_or(value))).collect()
}

/// Encodes metadata for a bucket of `dialect`.
pub(super) fn written(dialect: Dialect, metadata: &[(String, String)]) -> Metadata {
    metadata.iter().map(|(name, value)| (escape(dialect, name), value.clone())).collect()
}

/// Decodes a content header of a bucket of `dialect`.
pub(super) fn read_header(dialect: Dialect, text: String) -> String {
    // A file name by RFC 8187 is percent-encoded by its author.
    if dialect == Dialect::Oss || !text.is_ascii() || !text.contains('%') || text.contains("*=") {
        return text;
    }
    let Ok(decoded) = percent_decode_str(&text).decode_utf8() else { return text };
    let meant = !decoded.is_ascii() && !decoded.contains(char::is_control);
    if meant && dialect.stored_text(&decoded) == text { decoded.into_owned() } else { text }
}

/// A name in the form of a service: one to one.
///
/// With `encoded` and `decoded` for the plain substitution both ways, a name is its own form unless it has a
/// character that is not taken, or is the form of another name. That name is shorter, so the recursion ends.
fn escape(dialect: Dialect, name: &str) -> String {
    let taken = name.bytes().all(|byte| dialect.allows_in_metadata_name(byte));
    if taken && original(dialect, name).is_none() { name.to_owned() } else { encoded(dialect, name) }
}

/// The name that has this form.
fn unescape(dialect: Dialect, form: String) -> String {
    original(dialect, &form).unwrap_or(form)
}

/// The other name that this one is the form of, if there is one.
fn original(dialect: Dialect, form: &str) -> Option<String> {
    let name = decoded(form)?;
    (escape(dialect, &name) == form).then_some(name)
}

/// With each character that is not taken as `-xHH-`, and each `-` before an `x` too, so that nothing else
/// reads as an escape.
fn encoded(dialect: Dialect, name: &str) -> String {
    let bytes = name.as_bytes();
    let mut form = String::with_capacity(name.len() + 8);
    for (at, &byte) in bytes.iter().enumerate() {
        let looks_like_an_escape = byte == b'-' && bytes.get(at + 1) == Some(&b'x');
        if dialect.allows_in_metadata_name(byte) && !looks_like_an_escape {
            form.push(char::from(byte));
        } else {
            form.push_str("-x");
            form.push_str(&hex::encode([byte]));
            form.push('-');
        }
    }
    form
}

/// The other way round; `None` for a name without an escape, and for bytes that are no text.
fn decoded(form: &str) -> Option<String> {
    let (mut name, mut rest, mut found) = (Vec::with_capacity(form.len()), form.as_bytes(), false);
    while let [first, tail @ ..] = rest {
        let escape = match rest {
            [b'-', b'x', high, low, b'-', ..] => lower_hex([*high, *low]),
            _ => None,
        };
        if let Some(byte) = escape {
            name.push(byte);
            rest = &rest[5..];
            found = true;
        } else {
            name.push(*first);
            rest = tail;
        }
    }
    if found { String::from_utf8(name).ok() } else { None }
}

fn lower_hex(digits: [u8; 2]) -> Option<u8> {
    let mut byte = [0];
    let lower = digits.iter().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit));
    (lower && hex::decode_to_slice(digits, &mut byte).is_ok()).then_some(byte[0])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_a_service_takes_stay_and_others_are_escaped() {
        for (name, oss, obs) in [
            ("author", "author", "author"),
            ("file-name", "file-name", "file-name"),
            ("file_name", "file-x5f-name", "file_name"),
            ("a.b", "a-x2e-b", "a.b"),
            ("a~b", "a-x7e-b", "a-x7e-b"),
            ("content-xml", "content-xml", "content-xml"),
            ("a_-xml", "a-x5f--x2d-xml", "a_-xml"),
            // These look like escaped names of OSS, but are not.
            ("file-x5f-name", "file-x2d-x5f-name", "file-x5f-name"),
            ("a-x61-b", "a-x61-b", "a-x61-b"),
        ] {
            assert_eq!((&*escape(Dialect::Oss, name), &*escape(Dialect::Obs, name)), (oss, obs), "{name}");
            assert_eq!(unescape(Dialect::Oss, oss.to_owned()), name);
            assert_eq!(unescape(Dialect::Obs, obs.to_owned()), name);
        }
    }

    #[test]
    fn a_content_header_of_obs_is_decoded_where_it_was_encoded() {
        let read = |text: &str| read_header(Dialect::Obs, text.to_owned());
        let stored = Dialect::Obs.stored_text("attachment; filename=\"测.txt\"").into_owned();
        assert!(stored.is_ascii());
        assert_eq!(read(&stored), "attachment; filename=\"测.txt\"");
        for text in ["attachment; filename*=UTF-8''%E6%B5%8B.txt", "a%20b", "100%", "max-age=60", "%FF"] {
            assert_eq!(read(text), text);
        }
        assert_eq!(read_header(Dialect::Oss, stored.clone()), stored);
    }

    proptest! {
        #[test]
        fn each_name_has_one_form_and_each_form_one_name(
            name in "(-x(2d|5f|2e|61)-|[a-x_.~-]){0,12}",
            other in "(-x(2d|5f|2e|61)-|[a-x_.~-]){0,4}",
        ) {
            for dialect in [Dialect::Oss, Dialect::Obs] {
                let form = escape(dialect, &name);
                prop_assert!(form.bytes().all(|byte| dialect.allows_in_metadata_name(byte)), "{}", form);
                prop_assert_eq!(&unescape(dialect, form.clone()), &name);
                prop_assert_eq!(name == other, form == escape(dialect, &other));
                if name.bytes().all(|byte| dialect.allows_in_metadata_name(byte)) {
                    // A name that another program wrote must survive the round trip.
                    prop_assert_eq!(&escape(dialect, &unescape(dialect, name.clone())), &name);
                }
            }
        }
    }
}
