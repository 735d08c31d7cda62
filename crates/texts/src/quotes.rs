//! Values in quotes: no part of a message, whatever they say.

/// The places outside of quotes at which the rest of the text is as wanted.
pub(crate) fn outside(text: &str, is_wanted: impl Fn(&str) -> bool) -> std::vec::IntoIter<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    // Once a quote is not closed, neither is a later one of its kind.
    let mut unclosed = Vec::new();
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if is_wanted(rest) {
            places.push(at);
        }
        if !unclosed.contains(&c) && opens(&text[..at], c) {
            if let Some(length) = quoted(rest) {
                at += length;
                continue;
            }
            unclosed.push(c);
        }
        at += c.len_utf8();
    }
    places.into_iter()
}

/// Whether the whole text is one value in quotes.
pub(crate) fn are_around(text: &str) -> bool {
    quoted(text) == Some(text.len())
}

/// Whether a quote behind `before` is at the beginning of a value, and no apostrophe.
fn opens(before: &str, quote: char) -> bool {
    match quote {
        '"' => true,
        '\'' => before.chars().next_back().is_none_or(|c| c.is_whitespace() || "([".contains(c)),
        _ => false,
    }
}

/// The length of the value in quotes that `text` begins with: as `{:?}` writes it, or between `'` as in the
/// messages of clap.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|c| "\"'".contains(*c))?;
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        let ends = c == quote
            && !is_escaped
            && (quote == '"' || !text[at + 1..].starts_with(|c: char| c.is_alphanumeric()));
        if ends {
            return Some(at + 1);
        }
        is_escaped = quote == '"' && c == '\\' && !is_escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_quotes_is_passed_over() {
        for (text, expected) in [
            ("a: b", "a| b"),
            (r#""a: b": c"#, r#""a: b"| c"#),
            (r#""a\": b\\": c"#, r#""a\": b\\"| c"#),
            ("for 'a: b': it's c: d", "for 'a: b'| it's c| d"),
            ("it's a: b's: c", "it's a| b's| c"),
            (r#"" a: b"#, r#"" a| b"#),
            ("' \" é: b", "' \" é| b"),
        ] {
            let mut marked = text.to_owned();
            for at in outside(text, |rest| rest.starts_with(':')).rev() {
                marked.replace_range(at..=at, "|");
            }
            assert_eq!(marked, expected);
        }
        let are = [r#""""#, r#""a""#, "'a b'"];
        let are_not = ["", r#"""#, r#""a" is "b""#, r#"a"b""#, r#""a\""#];
        assert_eq!((are.map(are_around), are_not.map(are_around)), ([true; 3], [false; 5]));
    }
}
