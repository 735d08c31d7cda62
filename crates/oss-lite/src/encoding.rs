//! Percent-encoding as both services sign and send it: per byte, upper-case hex, RFC 3986 unreserved
//! characters only.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_decode, utf8_percent_encode};

const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const PATH: &AsciiSet = &COMPONENT.remove(b'/');
/// What Huawei's Python SDK leaves of header values.
const OBS_HEADER: &AsciiSet = &PATH
    .remove(b' ')
    .remove(b';')
    .remove(b'?')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b'\'')
    .remove(b'*');

pub(crate) fn component(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, COMPONENT)
}

pub(crate) fn path(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, PATH)
}

/// A header value as Huawei's SDKs write it, which take only ASCII for text.
pub(crate) fn obs_header(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, OBS_HEADER)
}

/// The other way round, as they read user metadata: what is no escape stays, and so does all where the
/// escapes are not of UTF-8.
pub(crate) fn decode_obs_header(value: &[u8]) -> Cow<'_, str> {
    match percent_decode(value).decode_utf8() {
        Ok(text) => text,
        Err(_) => header_text(value),
    }
}

/// The value of a header as text: UTF-8, and where it is none ISO-8859-1, which every byte is a character of
/// and headers were once said to be in ([RFC 9110, 5.5](https://www.rfc-editor.org/rfc/rfc9110#section-5.5)).
/// So no byte is lost.
pub fn header_text(value: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(value) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.iter().copied().map(char::from).collect()),
    }
}

/// Decodes a value of a reply that was asked for with `encoding-type=url`. A `+` is a blank: a server that
/// encodes by RFC 3986 and one that encodes as a form both write a real plus as `%2B`.
pub(crate) fn decode_reply(text: &str) -> Option<String> {
    let bytes = if text.contains('+') {
        percent_decode(text.replace('+', " ").as_bytes()).collect::<Vec<_>>()
    } else {
        percent_decode(text.as_bytes()).collect()
    };
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn encoded_text_decodes_to_itself(text in any::<String>()) {
            prop_assert_eq!(decode_reply(&component(&text).to_string()), Some(text.clone()));
            prop_assert_eq!(decode_reply(&path(&text).to_string()), Some(text));
        }

        #[test]
        fn encoded_text_holds_unreserved_bytes_and_escapes_only(text in any::<String>()) {
            let encoded = path(&text).to_string();
            prop_assert!(
                encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~/%".contains(&byte)),
                "{}", encoded
            );
        }
    }

    #[test]
    fn only_the_path_form_keeps_slashes() {
        assert_eq!(path("a/b c+~*'").to_string(), "a/b%20c%2B~%2A%27");
        assert_eq!(component("a/b").to_string(), "a%2Fb");
    }

    #[test]
    fn a_plus_in_a_reply_is_a_blank() {
        assert_eq!(decode_reply("a+b%2Bc%20d").as_deref(), Some("a b+c d"));
    }

    #[test]
    fn bytes_that_are_no_utf8_are_refused() {
        assert_eq!(decode_reply("%FF"), None);
    }
}
