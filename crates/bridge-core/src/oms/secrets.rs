//! Secrets that a request carried, hidden wherever an answer repeats them.
//!
//! That is done before a text is cut to the length that is kept: of a secret that the cut divides the first
//! part would stay otherwise.

use std::fmt;

/// What stands in place of a secret.
const MASK: &str = "******";

/// So many first characters of a secret are hidden even where the rest is missing, as in a text that the
/// service has cut.
const BEGINNING: usize = 8;

/// So many backslashes before a character are taken for its escape. Twice escaped JSON has three; without a
/// limit a text of nothing else would be read once for each.
const BACKSLASHES: usize = 16;

/// The secrets of a request. `Debug` shows none.
#[derive(Clone, Default)]
pub(super) struct Secrets<'s>(Vec<&'s str>);

impl<'s> Secrets<'s> {
    /// Those of another part of the same request as well.
    pub(super) fn and(mut self, others: impl IntoIterator<Item = &'s str>) -> Self {
        self.0.extend(others.into_iter().filter(|secret| !secret.is_empty()));
        self
    }

    /// `text` without any of them, plain or in the escapes of JSON and URLs.
    pub(super) fn mask(&self, text: &str) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let repeated = self.0.iter().filter_map(|secret| repeated(rest, secret)).max();
            match repeated {
                Some(_) => masked.push_str(MASK),
                None => masked.push(first),
            }
            rest = &rest[repeated.unwrap_or(first.len_utf8())..];
        }
        masked
    }
}

impl fmt::Debug for Secrets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Bytes at the beginning of `text` that repeat `secret`, or enough of its beginning.
fn repeated(text: &str, secret: &str) -> Option<usize> {
    let (mut bytes, mut characters) = (0, 0);
    for wanted in secret.chars() {
        let Some(length) = written(&text[bytes..], wanted) else { break };
        bytes += length;
        characters += 1;
    }
    let all = characters == secret.chars().count();
    (all || characters >= BEGINNING).then_some(bytes)
}

/// Bytes that `wanted` takes at the beginning of `text`: as it is, as `\/`, `\u002f` or `%2F`, and escaped
/// more than once.
fn written(text: &str, wanted: char) -> Option<usize> {
    let is_wanted = |digits: &str| u32::from_str_radix(digits, 16) == Ok(u32::from(wanted));
    if let Some(digits) = text.strip_prefix('%').and_then(|rest| rest.get(..2))
        && is_wanted(digits)
    {
        return Some(3);
    }
    let slashes = text.bytes().take(BACKSLASHES).take_while(|byte| *byte == b'\\').count();
    let plain = &text[slashes..];
    let digits = plain.strip_prefix('u').and_then(|rest| rest.get(..4));
    if slashes > 0 && digits.is_some_and(is_wanted) {
        return Some(slashes + 5);
    }
    plain.starts_with(wanted).then(|| slashes + wanted.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "ab/cd+ef==gh\"ij";

    fn masked(text: &str) -> String {
        Secrets::default().and([SECRET, "", "hush"]).mask(text)
    }

    #[test]
    fn secrets_are_hidden_in_every_form_that_a_body_repeats_them_in() {
        let json = serde_json::to_string(SECRET).unwrap();
        let twice = serde_json::to_string(&json).unwrap();
        for form in [
            SECRET,
            json.trim_matches('"'),
            &twice[3..twice.len() - 3],
            r#"ab\/cd+ef==gh\"ij"#,
            r"ab/cd\u002Bef\u003d\u003dgh\u0022ij",
            "ab%2Fcd%2bef%3D%3Dgh%22ij",
        ] {
            assert_eq!(masked(&format!("sk é={form}&x")), "sk é=******&x", "{form}");
        }
        assert_eq!(masked("hush, hush"), "******, ******");
    }

    #[test]
    fn the_beginning_of_a_secret_is_hidden_and_other_text_is_not() {
        assert_eq!(masked("sk=ab/cd+ef=…"), "sk=******…");
        for text in ["", "sk=ab/cd", "hus", r"\\ %2 %zz \u00", "é"] {
            assert_eq!(masked(text), text);
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        assert_eq!(format!("{:?}", Secrets::default().and([SECRET])), "Secrets(1)");
    }
}
