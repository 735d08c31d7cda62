//! What people and their tools make of input: settings, addresses, lists.
//!
//! | module | concern |
//! |---|---|
//! | (this one) | text of settings: blanks, marks, quotes, full-width characters; what may be shown of a URL |
//! | `address` | buckets, places in them, and addresses in the place of keys |
//! | `endpoint` | regions and endpoints |
//! | `list` | lists of keys: byte order marks, encodings |
//! | `scheme` | what addresses begin with |
//! | `vendor` | whose host it is, and which regions have one |
//!
//! Rules:
//!
//! - What has one meaning only is taken by it. What may be meant in two ways is an error that names the
//!   setting or the line, and says what was probably meant.
//! - A setting that is set and blank is not set, every one of them, and so is one of nothing but quotes.
//! - Keys are anything: nothing in a key is mended. An address in the place of a key is recognised, since no
//!   key begins as one.
//! - Problems of a setting are reported without user, password and query of any URL in it ([`shown_url`]).

mod address;
mod endpoint;
mod list;
mod scheme;
mod vendor;

use std::borrow::Cow;

pub use self::address::{KeyBucket, bucket, key, named_key, place};
pub use self::endpoint::{aws_region, endpoint, region, s3_endpoint};
pub use self::list::{MARK, Start, marked};
pub use self::scheme::{is_address, meant, parts};
pub use self::vendor::{no_region, slip, slip_of_amazon};

/// The value of a setting as it was meant: without blanks around, and without the quotes that some readers of
/// env files leave on. `None` where nothing is left.
pub fn setting(text: &str) -> Option<&str> {
    let text = trimmed(text);
    let text = in_quotes(text).map_or(text, trimmed);
    (!text.is_empty()).then_some(text)
}

/// Without what editors and web pages put around text: blanks, also such that are none for the eye.
fn trimmed(text: &str) -> &str {
    let invisible = |c: char| {
        c.is_whitespace()
            || matches!(c, '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{202a}'..='\u{202e}')
    };
    text.trim_matches(invisible)
}

/// Text between quotes, if it contains no quote.
pub fn in_quotes(text: &str) -> Option<&str> {
    const PAIRS: [(char, char); 4] =
        [('"', '"'), ('\'', '\''), ('\u{201c}', '\u{201d}'), ('\u{2018}', '\u{2019}')];
    PAIRS.iter().find_map(|&(open, close)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        (!inner.contains([open, close])).then_some(inner)
    })
}

/// Text that must be ASCII, with full-width forms of an input method replaced by what they stand for.
pub fn half_width(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        '\u{3002}' => '.',
        _ => c,
    };
    Cow::Owned(text.chars().map(narrow).collect())
}

/// A URL as messages show it: without user, password, query and fragment, each of which may be a secret. Text
/// that is no URL is shown by the same rule.
pub fn shown_url(text: &str) -> String {
    oss_lite::without_secrets(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_and_env_files_put_around_a_value_is_no_part_of_it() {
        for text in
            ["v4", " v4\r", "\u{feff}v4", "\"v4\"", "' v4 '", "“v4”", "\u{a0}v4\u{200b}", "\"v4\"\r\n"]
        {
            assert_eq!(setting(text), Some("v4"), "{text:?}");
        }
        for text in ["", " ", "\"\"", "' '", "\r\n", "\u{feff}"] {
            assert_eq!(setting(text), None, "{text:?}");
        }
        for text in ["\"a\",\"b\"", "\"a", "a'b'", "'a'b'"] {
            assert_eq!(setting(text), Some(text));
        }
    }

    #[test]
    fn full_width_characters_stand_for_ascii() {
        assert_eq!(half_width("ｈｔｔｐｓ：／／oss。com　x"), "https://oss.com x");
        assert!(matches!(half_width("plain"), Cow::Borrowed(_)));
        assert_eq!(half_width("测"), "测");
    }

    #[test]
    fn nothing_of_a_url_is_shown_that_may_be_a_secret() {
        for (text, shown) in [
            ("https://h:1/p", "https://h:1/p"),
            ("https://user:p@ss/w?rd@h/p?sig=1#f", "https://***@h/p?***"),
            ("user:pw@h", "***@h"),
            ("h?token=1", "h?***"),
            ("https://h#secret", "https://h?***"),
            ("mysql://u:p@h/d", "mysql://***@h/d"),
            ("", ""),
        ] {
            assert_eq!(shown_url(text), shown, "{text}");
        }
    }
}
