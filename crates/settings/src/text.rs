//! Text for people: what is fit for a terminal, times, masked keys.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use chrono::{DateTime, SecondsFormat, Utc};

/// Text of others, fit for a terminal: characters that do something there are escaped. Whatever is shown to
/// people goes through this, [`Printable`], [`lines`] or [`json`]; `acts` decides for all of them.
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, acts, |character, text| text.extend(character.escape_default()))
}

/// The same of several lines, which stay lines.
pub fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |c| acts(c) && c != '\n', |character, text| text.extend(character.escape_default()))
}

/// The same of JSON, which stays that JSON: only its strings hold such characters.
pub fn json(text: &str) -> Cow<'_, str> {
    escaped(text, acts, |character, text| {
        let mut units = [0; 2];
        for unit in character.encode_utf16(&mut units) {
            // A string takes whatever is written to it.
            let _ = write!(text, "\\u{unit:04x}");
        }
    })
}

/// Whether a terminal acts on a character instead of showing it: it controls, or turns the direction of what
/// follows, so that one text looks like another.
fn acts(character: char) -> bool {
    let turns = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || turns
}

fn escaped(text: &str, is_bad: impl Fn(char) -> bool, escape: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(&is_bad) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_bad(character) {
            escape(character, &mut escaped);
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Writes text of others so that it is fit for a terminal.
#[derive(Debug)]
pub struct Printable<W>(pub W);

impl<W: fmt::Write> fmt::Write for Printable<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(&printable(text))
    }
}

/// Enough of an access key id to recognise it: its first four characters and the last two.
pub fn masked(id: &str) -> String {
    match (id.get(..4), id.len().checked_sub(2).and_then(|end| id.get(end..))) {
        (Some(start), Some(end)) if id.len() >= 12 => format!("{start}****{end}"),
        _ => "****".to_owned(),
    }
}

/// Text of others, quoted for a shell. It is fit for a terminal as well.
pub fn quoted(text: &str) -> String {
    if !text.contains(acts) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut word = String::from("$'");
    for character in text.chars() {
        match character {
            '\'' | '\\' => word.extend(['\\', character]),
            _ if acts(character) => {
                for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                    // A string takes whatever is written to it.
                    let _ = write!(word, "\\x{byte:02x}");
                }
            }
            _ => word.push(character),
        }
    }
    word.push('\'');
    word
}

/// The same where quotes are needed: a word in which no shell sees anything else stays as it is.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(quoted(text))
    }
}

/// A time, to the second.
pub fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        assert_eq!(printable("a\u{1b}[2J\n测"), "a\\u{1b}[2J\\n测");
        assert!(matches!(printable("plain 'text'"), Cow::Borrowed(_)));
        assert_eq!(printable("exe\u{202e}gpj.\u{9b}\u{7f}"), "exe\\u{202e}gpj.\\u{9b}\\u{7f}");
        assert_eq!(lines("a\nb\u{1b}\r"), "a\nb\\u{1b}\\r");
    }

    #[test]
    fn json_stays_the_same_json() {
        let value = serde_json::Value::from("a\u{1b}\u{7f}\u{9b}2J\u{202e}测");
        let text = json(&value.to_string()).into_owned();
        assert!(!text.contains(acts), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn text_of_others_is_one_word_for_a_shell() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("a\n'\\\u{85}"), r"$'a\x0a\'\\\xc2\x85'");
        assert_eq!(quoted("a\u{202e}"), r"$'a\xe2\x80\xae'");
        assert_eq!(shell_word("--since"), "--since");
        assert_eq!(shell_word("oss://b/a.x:1,2"), "oss://b/a.x:1,2");
        for (text, word) in
            [("", "''"), ("d*", "'d*'"), ("$(x);y", "'$(x);y'"), ("~a", "'~a'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(shell_word(text), word);
        }
    }

    #[test]
    fn an_access_key_is_masked_and_a_short_one_hidden() {
        assert_eq!(masked("LTAI5tAbCdEfGh01"), "LTAI****01");
        for short in ["", "AK", "ABCDEFGHIJK", "ключ"] {
            assert_eq!(masked(short), "****", "{short}");
        }
    }
}
