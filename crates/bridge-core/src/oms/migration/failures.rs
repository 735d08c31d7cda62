//! The list of objects that OMS could not copy, as it leaves it in the destination bucket.
//!
//! A line has the reason, the time, the key URL-encoded, the key as it is, and the error code of the source.
//! What separates them is not documented, and keys may have any of it in them. So a line is believed only
//! where it proves itself: a word that, decoded, is what follows it.

use percent_encoding::percent_decode_str;

/// An object that could not be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedObject {
    /// Its key in the source.
    pub key: String,
    /// What OMS says: reason, and the error code of the source where there is one.
    pub reason: String,
}

/// Reads one line; `None` if no key in it proves itself.
pub fn parse(line: &str) -> Option<FailedObject> {
    let line = line.trim_end_matches(['\r', '\n']);
    words(line).find_map(|(start, end)| {
        let after = line[end..].trim_start_matches(is_separator);
        // At least one separator between the two forms of the key.
        (after.len() < line.len() - end).then_some(())?;
        let word = &line[start..end];
        let key = [percent(word), form(word)].into_iter().flatten().find(|key| follows(after, key))?;
        let code = after[key.len()..].trim_matches(is_separator);
        let reason = line[..start].split(is_separator).find(|word| !word.is_empty()).unwrap_or_default();
        let reason = if code.is_empty() { reason.to_owned() } else { format!("{reason} {code}") };
        Some(FailedObject { key, reason })
    })
}

fn is_separator(c: char) -> bool {
    matches!(c, '\t' | ',' | ' ' | '|' | ';' | '"')
}

/// Start and end of the words of a line.
fn words(line: &str) -> impl Iterator<Item = (usize, usize)> {
    let starts = line
        .char_indices()
        .filter(|&(at, c)| !is_separator(c) && line[..at].chars().next_back().is_none_or(is_separator));
    starts.map(|(at, _)| (at, at + line[at..].find(is_separator).unwrap_or(line.len() - at)))
}

fn percent(word: &str) -> Option<String> {
    percent_decode_str(word).decode_utf8().ok().map(Into::into)
}

fn form(word: &str) -> Option<String> {
    word.contains('+').then(|| percent(&word.replace('+', " "))).flatten()
}

/// Whether `key` is what `text` begins with, to its end or to a separator.
fn follows(text: &str, key: &str) -> bool {
    let rest = text.strip_prefix(key).filter(|_| !key.is_empty());
    rest.is_some_and(|rest| rest.chars().next().is_none_or(is_separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(String, String)> {
        parse(line).map(|failed| (failed.key, failed.reason))
    }

    #[test]
    fn lines_are_read_whatever_separates_them() {
        for line in [
            "TRF.0152\t2026-11-29 10:00:00\ta%2Fb%20c\ta/b c\tAccessDenied\r\n",
            "TRF.0152,2026-11-29 10:00:00,a%2Fb%20c,a/b c,AccessDenied",
            "TRF.0152 2026-11-29 10:00:00 a%2Fb+c a/b c AccessDenied",
            "\"TRF.0152\",\"2026-11-29 10:00:00\",\"a/b%20c\",\"a/b c\",\"AccessDenied\"",
            "TRF.0152 | 2026-11-29T10:00:00Z | a%2Fb%20c | a/b c | AccessDenied",
        ] {
            let expected = ("a/b c".to_owned(), "TRF.0152 AccessDenied".to_owned());
            assert_eq!(read(line), Some(expected), "{line}");
        }
    }

    #[test]
    fn keys_may_have_separators_in_them_and_the_code_may_be_missing() {
        let (key, reason) = read("gone\t2026\ta%2C%20b%3B%09c\ta, b;\tc\t").unwrap();
        assert_eq!((&*key, &*reason), ("a, b;\tc", "gone"));
        assert_eq!(read("gone 2026 plain plain").unwrap(), ("plain".into(), "gone".into()));
    }

    #[test]
    fn what_does_not_prove_itself_is_not_believed() {
        for line in ["", "reason\ttime\tkey", "a b c d e", "r\tt\ta%2Fb\ta/bc\te", "a%2Fba/b"] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
