//! A text with placeholders, as `format!` and `thiserror` write them.

use std::collections::{BTreeMap, HashSet};

use crate::quotes;

/// A text with placeholders: `{host}`, `{host:?}`, `{}`. Those without a name are counted: `{0}`, `{1}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place { name: String, value: Value, is_quoted: bool },
}

/// What a value in a translation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    /// Anything, and it stays as it is.
    Any,
    /// A message itself.
    Message,
    /// A text that is translated as a whole, else the template is another's.
    Word,
    /// A number, else the template is another's.
    Number,
}

impl Template {
    /// Reads a template. In a translation, `{cause:tr}` stands for a value that is a message itself,
    /// `{0:word}` for one that has an entry of its own, and `{0:number}` for a number: without, the text is
    /// no such message.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let (mut rest, mut count) = (text, 0_usize);
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let doubled = rest[at..].starts_with("{{") || rest[at..].starts_with("}}");
            let end = rest[at..].find('}').filter(|_| rest[at..].starts_with('{') && !doubled);
            let Some(end) = end else {
                literal.push_str(&rest[at..=at]);
                rest = &rest[at + if doubled { 2 } else { 1 }..];
                continue;
            };
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            let inside = &rest[at + 1..at + end];
            let (name, how) = inside.split_once(':').unwrap_or((inside, ""));
            let name = if name.is_empty() {
                count += 1;
                (count - 1).to_string()
            } else {
                name.to_owned()
            };
            let value = match how {
                "tr" => Value::Message,
                "word" => Value::Word,
                "number" => Value::Number,
                _ => Value::Any,
            };
            pieces.push(Piece::Place { name, value, is_quoted: how == "?" });
            rest = &rest[at + end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        Self { pieces }
    }

    /// The names of its placeholders.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place { name, .. } => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The name of the placeholder that it ends with, if it does.
    pub(crate) fn last_place(&self) -> Option<&str> {
        match self.pieces.last()? {
            Piece::Place { name, .. } => Some(name),
            Piece::Text(_) => None,
        }
    }

    /// The same, if a message is there.
    pub(crate) fn last_message(&self) -> Option<&str> {
        let is_message = matches!(self.pieces.last()?, Piece::Place { value: Value::Message, .. });
        self.last_place().filter(|_| is_message)
    }

    /// Whether a message is at this placeholder.
    pub(crate) fn has_message(&self, wanted: &str) -> bool {
        let is_it = |piece: &Piece| matches!(piece, Piece::Place { name, value: Value::Message, .. } if name == wanted);
        self.pieces.iter().any(is_it)
    }

    /// How much of it is text: what has more of it is the closer match.
    pub fn weight(&self) -> usize {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.len(),
            Piece::Place { .. } => 0,
        };
        self.pieces.iter().map(text).sum()
    }

    /// What stands in `text` for each placeholder, if it was made of this template.
    pub fn matched<'t>(&self, text: &'t str) -> Option<BTreeMap<&str, &'t str>> {
        let is_lacking =
            |piece: &Piece| matches!(piece, Piece::Text(literal) if !text.contains(literal.as_str()));
        if self.pieces.iter().any(is_lacking) {
            return None;
        }
        let mut values = Vec::new();
        fits(&self.pieces, text, &mut values, &mut HashSet::new()).then_some(())?;
        let mut named = BTreeMap::new();
        for (name, value) in self.places().zip(values) {
            if *named.entry(name).or_insert(value) != value {
                return None;
            }
        }
        Some(named)
    }

    /// The text with these values, if they are what this translation wants. `message` translates a message,
    /// `word` a text that has an entry.
    pub fn filled<'v>(
        &self,
        values: &BTreeMap<&str, &'v str>,
        message: impl Fn(&'v str) -> String,
        word: impl Fn(&'v str) -> Option<String>,
    ) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            let (name, kind) = match piece {
                Piece::Text(literal) => {
                    push(&mut text, literal);
                    continue;
                }
                Piece::Place { name, value, .. } => (name.as_str(), value),
            };
            let value = values.get(name).copied().unwrap_or_default();
            match kind {
                Value::Any => push(&mut text, value),
                Value::Message => push(&mut text, &message(value)),
                Value::Word => push(&mut text, &word(value)?),
                Value::Number if is_number(value) => push(&mut text, value),
                Value::Number => return None,
            }
        }
        Some(text)
    }
}

/// Appends `more`. Between a Chinese character and a Latin letter or digit there is a blank, whatever stands
/// for a placeholder.
fn push(text: &mut String, more: &str) {
    let is_chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    if let (Some(before), Some(next)) = (text.chars().next_back(), more.chars().next())
        && (is_chinese(before) && next.is_ascii_alphanumeric()
            || before.is_ascii_alphanumeric() && is_chinese(next))
    {
        text.push(' ');
    }
    text.push_str(more);
}

/// Whether it is a number as `terminal::numbers` writes it: `2,000`, `17.7k`.
fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || ",.kMG".contains(c))
}

/// Whether it can be what `{:?}` makes of a string.
fn is_in_quotes(text: &str) -> bool {
    text.starts_with('"') && quotes::are_around(text)
}

/// Whether the whole of `text` can be made of `pieces`. The values of the placeholders are the shortest.
/// `unfit` are the ends of both that are known not to fit, by their lengths: each is tried once.
fn fits<'t>(
    pieces: &[Piece],
    text: &'t str,
    values: &mut Vec<&'t str>,
    unfit: &mut HashSet<(usize, usize)>,
) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Text(literal), rest @ ..] => {
            text.strip_prefix(literal.as_str()).is_some_and(|left| fits(rest, left, values, unfit))
        }
        [Piece::Place { is_quoted, .. }] => {
            values.push(text);
            !is_quoted || is_in_quotes(text)
        }
        [Piece::Place { is_quoted, .. }, rest @ ..] => {
            let known = values.len();
            let mut ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.any(|at| {
                let next = &text[at..];
                let may_fit =
                    !matches!(rest, [Piece::Text(literal), ..] if !next.starts_with(literal.as_str()));
                if !may_fit
                    || unfit.contains(&(rest.len(), next.len()))
                    || *is_quoted && !is_in_quotes(&text[..at])
                {
                    return false;
                }
                values.truncate(known);
                values.push(&text[..at]);
                let does_fit = fits(rest, next, values, unfit);
                if !does_fit {
                    unfit.insert((rest.len(), next.len()));
                }
                does_fit
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(from: &str, to: &str, text: &str) -> Option<String> {
        let (from, to) = (Template::parse(from), Template::parse(to));
        let word = |text: &str| (text == "word").then(|| "WORD".to_owned());
        from.matched(text).and_then(|values| to.filled(&values, str::to_uppercase, word))
    }

    #[test]
    fn values_move_to_where_the_other_template_has_them() {
        for (from, to, text, expected) in [
            (
                "cannot connect to {host}: {cause}",
                "{cause} @ {host}",
                "cannot connect to h:1: refused",
                Some("refused @ h:1"),
            ),
            ("{} is {region}, not {}", "{1}/{region}/{0}", "A is B, not C", Some("C/B/A")),
            ("{x:?} is {x:?}", "={x}", "\"a\" is \"a\"", Some("=\"a\"")),
            ("{x:?} is {x:?}", "={x}", "\"a\" is \"b\"", None),
            ("{:?} is bad", "bad: {0}", "\"a\" is bad", Some("bad: \"a\"")),
            ("{:?} is bad", "bad: {0}", "X: \"a\" is bad", None),
            ("a {{b}} {c}", "{{{c}}}", "a {b} d", Some("{d}")),
            ("not {why}", "!{why:tr}", "not here", Some("!HERE")),
            ("{} bucket {}", "{1}: {0:word}", "word bucket b", Some("b: WORD")),
            ("{} bucket {}", "{1}: {0:word}", "other bucket b", None),
            ("{} keys", "={0:number}", "2,000 keys", Some("=2,000")),
            ("{} keys", "={0:number}", "two keys", None),
            ("whole", "all", "whole", Some("all")),
            ("whole", "all", "wholesale", None),
            ("{a}, {b}", "{b}{a}", "one, two, three", Some("two, threeone")),
            ("{} keys", "将发送{0}键", "2 keys", Some("将发送 2 键")),
            ("not {why}", "不{why}。", "要 keys", None),
            ("not {why}", "不{why}。", "not 要", Some("不要。")),
        ] {
            assert_eq!(moved(from, to, text).as_deref(), expected, "{from}");
        }
    }
}
