//! Encoded words, the form in which Amazon S3 returns metadata that is not ASCII: [RFC
//! 2047](https://www.rfc-editor.org/rfc/rfc2047).

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Some writers add the padding, some do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes a value with encoded words. `None` if there are none, or if one cannot be decoded: then the value
/// is literal.
pub(super) fn decode(value: &str) -> Option<String> {
    let mut text = String::new();
    let mut pending: Option<(Charset, Vec<u8>)> = None;
    let mut rest = value;
    let mut found = false;
    while let Some(at) = rest.find("=?") {
        let (plain, word) = rest.split_at(at);
        // Blanks between two encoded words are not part of the text.
        if pending.is_none() || !plain.trim().is_empty() {
            text.push_str(&finished(pending.take())?);
            text.push_str(plain);
        }
        let (charset, bytes, after) = encoded_word(word)?;
        match &mut pending {
            // A character may be spread over two words.
            Some((other, bytes_before)) if *other == charset => bytes_before.extend(bytes),
            _ => {
                text.push_str(&finished(pending.take())?);
                pending = Some((charset, bytes));
            }
        }
        rest = after;
        found = true;
    }
    text.push_str(&finished(pending)?);
    text.push_str(rest);
    (found && !text.contains(|c: char| c.is_control() && c != '\t')).then_some(text)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    Utf8,
    Latin1,
}

fn finished(word: Option<(Charset, Vec<u8>)>) -> Option<Cow<'static, str>> {
    match word {
        None => Some(Cow::Borrowed("")),
        Some((Charset::Utf8, bytes)) => String::from_utf8(bytes).ok().map(Cow::Owned),
        Some((Charset::Latin1, bytes)) => Some(bytes.into_iter().map(char::from).collect::<String>().into()),
    }
}

/// Splits off `=?charset?encoding?text?=`.
fn encoded_word(text: &str) -> Option<(Charset, Vec<u8>, &str)> {
    let (charset, rest) = text.strip_prefix("=?")?.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let (word, rest) = rest.split_once("?=")?;
    // A language may follow the charset: RFC 2231.
    let charset = charset.split('*').next().unwrap_or_default().to_ascii_lowercase();
    let charset = match charset.as_str() {
        "utf-8" | "utf8" | "us-ascii" => Charset::Utf8,
        "iso-8859-1" => Charset::Latin1,
        _ => return None,
    };
    let bytes = match encoding {
        "B" | "b" => BASE64.decode(word).ok()?,
        "Q" | "q" => quoted(word)?,
        _ => return None,
    };
    Some((charset, bytes, rest))
}

fn quoted(word: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word.as_bytes();
    loop {
        rest = match rest {
            [] => return Some(bytes),
            [b'=', high, low, tail @ ..] => {
                let mut byte = [0];
                hex::decode_to_slice([*high, *low], &mut byte).ok()?;
                bytes.push(byte[0]);
                tail
            }
            [b'=', ..] => return None,
            [b'_', tail @ ..] => {
                bytes.push(b' ');
                tail
            }
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encoded_words_of_s3_are_text() {
        for (value, text) in [
            ("=?UTF-8?B?5rWL6K+V?=", "测试"),
            ("=?UTF-8?Q?=E6=B5=8B_a?=", "测 a"),
            ("=?utf-8?b?5rWL6K+V?= and more", "测试 and more"),
            ("=?UTF-8?B?5rWL?= =?UTF-8?B?6K+V?=", "测试"),
            // A character in two words.
            ("=?UTF-8?B?5rU=?= =?UTF-8?B?iw==?=", "测"),
            ("=?UTF-8?B?5rWL6K+V?=\t=?ISO-8859-1?Q?caf=E9?=", "测试café"),
            ("=?UTF-8*zh?Q?=E6=B5=8B?=", "测"),
            ("a =?UTF-8?Q?b?= c", "a b c"),
        ] {
            assert_eq!(decode(value).as_deref(), Some(text), "{value}");
        }
        for value in [
            "plain",
            "=?",
            "=?UTF-8?B?5rWL",
            "=?UTF-8?B?*?=",
            "=?UTF-8?Q?=E6?=",
            "=?UTF-8?Q?=?=",
            "=?GB18030?B?suI=?=",
            "=?UTF-8?X?a?=",
            // Line feeds would be refused everywhere.
            "=?UTF-8?Q?a=0Ab?=",
        ] {
            assert_eq!(decode(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_value_makes_the_decoder_panic(value in "(=\\?|\\?=|\\?|utf-8|[QB]|[a-zA-Z0-9+/=_ 测]){0,20}") {
            let _ = decode(&value);
        }
    }
}
