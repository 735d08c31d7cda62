//! A text with placeholders, as `format!` and `thiserror` write them.

use std::collections::BTreeMap;

/// A text with placeholders: `{host}`, `{host:?}`, `{}`. Those without a name are counted: `{0}`, `{1}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place { name: String, is_message: bool },
}

impl Template {
    /// Reads a template. In a translation, `{cause:tr}` stands for a value that is a message itself.
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
            pieces.push(Piece::Place { name, is_message: how == "tr" });
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
        let mut values = Vec::new();
        fits(&self.pieces, text, &mut values).then_some(())?;
        let mut named = BTreeMap::new();
        for (name, value) in self.places().zip(values) {
            if *named.entry(name).or_insert(value) != value {
                return None;
            }
        }
        Some(named)
    }

    /// The text with these values; `translated` is applied to those that are messages.
    pub fn filled(&self, values: &BTreeMap<&str, &str>, translated: impl Fn(&str) -> String) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Place { name, is_message } => {
                    let value = values.get(name.as_str()).copied().unwrap_or_default();
                    if *is_message {
                        text.push_str(&translated(value));
                    } else {
                        text.push_str(value);
                    }
                }
            }
        }
        text
    }
}

/// Whether the whole of `text` can be made of `pieces`. The values of the placeholders are the shortest.
fn fits<'t>(pieces: &[Piece], text: &'t str, values: &mut Vec<&'t str>) -> bool {
    match pieces {
        [] => text.is_empty(),
        [Piece::Text(literal), rest @ ..] => {
            text.strip_prefix(literal.as_str()).is_some_and(|left| fits(rest, left, values))
        }
        [Piece::Place { .. }] => {
            values.push(text);
            true
        }
        [Piece::Place { .. }, rest @ ..] => {
            let known = values.len();
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| {
                values.truncate(known);
                values.push(&text[..at]);
                let next = &text[at..];
                let may_fit =
                    !matches!(rest, [Piece::Text(literal), ..] if !next.starts_with(literal.as_str()));
                may_fit && fits(rest, next, values)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(from: &str, to: &str, text: &str) -> Option<String> {
        let (from, to) = (Template::parse(from), Template::parse(to));
        from.matched(text).map(|values| to.filled(&values, str::to_uppercase))
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
            ("a {{b}} {c}", "{{{c}}}", "a {b} d", Some("{d}")),
            ("not {why}", "!{why:tr}", "not here", Some("!HERE")),
            ("whole", "all", "whole", Some("all")),
            ("whole", "all", "wholesale", None),
            ("{a}, {b}", "{b}{a}", "one, two, three", Some("two, threeone")),
        ] {
            assert_eq!(moved(from, to, text).as_deref(), expected, "{from}");
        }
    }
}
