//! Globs on whole keys, and lists of them.
//!
//! | in a glob | matches |
//! |---|---|
//! | `*` | any text, `/` included |
//! | `?` | one character, whatever its length in bytes |
//! | `[abc]`, `[a-z]`, `[!a]`, `[^a]` | one character of the class, or one that is not in it |
//! | `{a,b}`, `{a,}` | either; one of them may be empty, and they nest |
//! | `**/` at the start, `/**/`, `/**` at the end | any number of folders, none included; at the end everything below |
//! | `\x` | the character `x` itself |
//!
//! Rules: a glob is made of characters and matches characters, never bytes. A glob that would not match what
//! its author meant is refused when the settings are read, since a filter that leaves out a key loses it
//! without a trace.

use std::iter::Peekable;
use std::str::Chars;

use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;
use thiserror::Error;

use settings::lenient;

/// A list of globs: a key matches if one of them does.
#[derive(Debug)]
pub(super) struct Globs {
    regex: Regex,
    /// As they were given.
    texts: Vec<String>,
}

/// A glob that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the glob {glob:?} {problem}")]
pub struct BadGlob {
    glob: String,
    problem: Problem,
}

/// What is wrong with a glob.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum Problem {
    #[error("is an address, but globs match keys, which have no service and bucket")]
    Address,
    #[error("contains its quotes: probably {0} is meant")]
    Quotes(String),
    #[error("has a }} that nothing opens")]
    NotOpened,
    #[error("has a {0} that nothing closes")]
    NotClosed(char),
    #[error("has the range {0}-{1}, which is empty")]
    EmptyRange(char, char),
    #[error("ends in a \\ that escapes nothing")]
    LoneBackslash,
    #[error("has more than {DEEPEST} nested braces")]
    TooDeep,
    #[error("cannot be used: {0}")]
    Regex(String),
}

impl Globs {
    /// Reads a list with commas between its globs. `None` if there are none.
    pub(super) fn parse(list: &str) -> Result<Option<Self>, BadGlob> {
        let globs = split(list);
        let patterns = globs
            .iter()
            .map(|glob| pattern(glob).map_err(|problem| BadGlob { glob: (*glob).to_owned(), problem }));
        let patterns = patterns.collect::<Result<Vec<_>, _>>()?;
        if patterns.is_empty() {
            return Ok(None);
        }
        // Characters, not bytes. The size of a glob is bounded by the limit of the regex engine.
        let syntax = syntax::Config::new().unicode(true).utf8(true).dot_matches_new_line(true);
        let regex = meta::Builder::new().syntax(syntax).build_many(&patterns);
        let too_large = |error: meta::BuildError| BadGlob {
            glob: error
                .pattern()
                .and_then(|at| globs.get(at.as_usize()))
                .map_or(list, |glob| glob)
                .to_owned(),
            problem: Problem::Regex(error.to_string()),
        };
        let texts = globs.iter().map(|glob| (*glob).to_owned()).collect();
        Ok(Some(Self { regex: regex.map_err(too_large)?, texts }))
    }

    /// The globs, without blanks around them.
    pub(super) fn texts(&self) -> &[String] {
        &self.texts
    }

    pub(super) fn matches(&self, key: &str) -> bool {
        self.regex.is_match(key)
    }
}

/// Splits at commas outside braces and classes; drops blanks around items, and empty items.
fn split(list: &str) -> Vec<&str> {
    let (mut items, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let mut characters = list.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '[' => skip_class(&mut characters),
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.push(&list[start..]);
    items.into_iter().map(str::trim).filter(|item| !item.is_empty()).collect()
}

fn skip_class(characters: &mut impl Iterator<Item = (usize, char)>) {
    let (mut negates, mut first) = (true, true);
    for (_, character) in characters {
        match character {
            // One mark alone turns the class round: the next is a member.
            '!' | '^' if std::mem::take(&mut negates) => {}
            ']' if !first => return,
            _ => (negates, first) = (false, false),
        }
    }
}

/// A glob as an anchored regex.
fn pattern(glob: &str) -> Result<String, Problem> {
    if lenient::is_address(glob) {
        return Err(Problem::Address);
    }
    if let Some(inner) = lenient::in_quotes(glob) {
        return Err(Problem::Quotes(inner.to_string()));
    }
    let mut parser = Parser { rest: glob.chars().peekable(), depth: 0 };
    let body = parser.sequence()?;
    match parser.rest.next() {
        Some(_) => Err(Problem::NotOpened),
        None => Ok(format!("\\A(?:{body})\\z")),
    }
}

struct Parser<'g> {
    rest: Peekable<Chars<'g>>,
    depth: usize,
}

/// A piece of a pattern. The first three are what `**` after a slash goes together with.
enum Piece {
    Slash,
    /// `**/` at the start.
    Prefix,
    /// `/**/`
    Between,
    Other(String),
}

impl Piece {
    fn any() -> Self {
        Self::Other(".*".to_owned())
    }

    fn text(&self) -> &str {
        match self {
            Self::Slash => "/",
            Self::Prefix => "(?:/?|.*/)",
            Self::Between => "(?:/|/.*/)",
            Self::Other(text) => text,
        }
    }
}

/// Braces may nest, but a glob is no program.
const DEEPEST: usize = 20;

impl Parser<'_> {
    /// Up to the end of the glob, or of an alternative.
    fn sequence(&mut self) -> Result<String, Problem> {
        let mut pieces: Vec<Piece> = Vec::new();
        while let Some(&character) = self.rest.peek() {
            if character == '}' || (character == ',' && self.depth > 0) {
                break;
            }
            self.rest.next();
            match character {
                '?' => pieces.push(Piece::Other(".".to_owned())),
                '*' => self.star(&mut pieces),
                '[' => pieces.push(Piece::Other(self.class()?)),
                '{' => pieces.push(Piece::Other(self.alternatives()?)),
                '\\' => {
                    let literal = self.rest.next().ok_or(Problem::LoneBackslash)?;
                    pieces.push(Piece::Other(escaped(literal)));
                }
                '/' => pieces.push(Piece::Slash),
                literal => pieces.push(Piece::Other(escaped(literal))),
            }
        }
        if matches!(pieces[..], [Piece::Prefix]) && self.depth == 0 {
            // Any number of folders, and no name: everything.
            return Ok(".*".to_owned());
        }
        Ok(pieces.iter().map(Piece::text).collect())
    }

    fn star(&mut self, pieces: &mut Vec<Piece>) {
        if self.rest.next_if_eq(&'*').is_none() {
            return pieces.push(Piece::any());
        }
        let ends = match self.rest.peek() {
            None | Some('}') => true,
            Some(',') => self.depth > 0,
            Some(_) => false,
        };
        let goes_on = self.rest.peek() == Some(&'/');
        match pieces.last() {
            None if goes_on => {
                self.rest.next();
                pieces.push(Piece::Prefix);
            }
            Some(Piece::Slash | Piece::Between) if goes_on => {
                self.rest.next();
                pieces.pop();
                pieces.push(Piece::Between);
            }
            Some(Piece::Prefix) if goes_on => {
                self.rest.next();
            }
            Some(Piece::Slash | Piece::Between) if ends => {
                pieces.pop();
                pieces.push(Piece::Other("/.*".to_owned()));
            }
            Some(Piece::Prefix) if ends => {
                pieces.pop();
                pieces.push(Piece::any());
            }
            _ => pieces.push(Piece::any()),
        }
    }

    fn class(&mut self) -> Result<String, Problem> {
        let negated = self.rest.next_if(|next| matches!(next, '!' | '^')).is_some();
        let mut text = String::from(if negated { "[^" } else { "[" });
        let mut first = true;
        loop {
            let from = match self.rest.next() {
                None => return Err(Problem::NotClosed('[')),
                Some(']') if !first => break,
                Some(from) => from,
            };
            first = false;
            text.push_str(&escaped(from));
            // A `-` before the end of the class stands for itself.
            let mut ahead = self.rest.clone();
            if ahead.next() == Some('-')
                && let Some(to) = ahead.next().filter(|to| *to != ']')
            {
                if to < from {
                    return Err(Problem::EmptyRange(from, to));
                }
                self.rest = ahead;
                text.push('-');
                text.push_str(&escaped(to));
            }
        }
        text.push(']');
        Ok(text)
    }

    fn alternatives(&mut self) -> Result<String, Problem> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Problem::TooDeep);
        }
        let mut text = String::from("(?:");
        loop {
            text.push_str(&self.sequence()?);
            match self.rest.next() {
                Some(',') => text.push('|'),
                Some(_) => break,
                None => return Err(Problem::NotClosed('{')),
            }
        }
        self.depth -= 1;
        text.push(')');
        Ok(text)
    }
}

/// A character that stands for itself, in a class and outside.
fn escaped(character: char) -> String {
    // `\<` and `\>` are no characters for the regex engine, but where words begin and end.
    let escapes = character.is_ascii_punctuation() && !matches!(character, '<' | '>');
    if escapes { format!("\\{character}") } else { character.to_string() }
}

#[cfg(test)]
mod tests {
    use globset::GlobBuilder;
    use proptest::prelude::*;

    use super::*;

    fn matches(glob: &str, key: &str) -> bool {
        Globs::parse(glob).unwrap().unwrap().matches(key)
    }

    #[test]
    fn characters_are_matched_and_not_bytes() {
        for (glob, key) in [
            ("第?章/*", "第一章/a.txt"),
            ("a[é测].txt", "a测.txt"),
            ("a[é测].txt", "aé.txt"),
            ("[а-я].txt", "ж.txt"),
            ("[!a]", "测"),
            ("??", "e\u{301}"),
            ("𝄞?", "𝄞𝄞"),
            ("a?b", "a\nb"),
        ] {
            assert!(matches(glob, key), "{glob} {key}");
        }
        for (glob, key) in [("???", "测"), ("?", "测试"), ("a[é测].txt", "aè.txt"), ("[!测]", "测")] {
            assert!(!matches(glob, key), "{glob} {key}");
        }
    }

    #[test]
    fn an_alternative_may_be_empty() {
        for (glob, taken) in [
            ("b.jp{,e}g", "b.jpg b.jpeg"),
            ("b.jp{e,}g", "b.jpg b.jpeg"),
            ("b{}", "b"),
            ("{,}b", "b"),
            ("{a,{b,}c}d", "ad bcd cd"),
            ("x{[,],\\,}y", "x,y"),
        ] {
            assert!(taken.split(' ').all(|key| matches(glob, key)), "{glob}");
        }
        assert!(!matches("b.jp{,e}g", "b.jpeeg"));
    }

    #[test]
    fn lists_are_split_where_a_comma_is_no_part_of_a_glob() {
        assert_eq!(split(" a ,, {b,c}d,[,]e,f\\,g , "), ["a", "{b,c}d", "[,]e", "f\\,g"]);
        assert_eq!(split("[],]a,[!],]b"), ["[],]a", "[!],]b"]);
        assert_eq!(split("[!^],c.txt"), ["[!^]", "c.txt"]);
        assert_eq!(split("[!!],b,[^!]"), ["[!!]", "b", "[^!]"]);
    }

    #[test]
    fn every_printable_character_stands_for_itself() {
        for character in (b' '..=b'~').map(char::from) {
            let (key, inside) = (format!("a{character}b"), format!("a[x{character}]b"));
            let outside = match character {
                '*' | '?' | '[' | ']' | '{' | '}' | ',' | '\\' => format!("a\\{character}b"),
                _ => key.clone(),
            };
            assert!(matches(&outside, &key), "{outside}");
            if !matches!(character, ']' | '\\' | '-') {
                assert!(matches(&inside, &key), "{inside}");
            }
        }
    }

    #[test]
    fn globs_that_cannot_be_meant_are_refused() {
        for (glob, why) in [
            ("a[", "a [ that nothing closes"),
            ("{a,b", "a { that nothing closes"),
            ("a}", "a } that nothing opens"),
            ("a\\", "a \\ that escapes nothing"),
            ("[z-a]", "the range z-a"),
            ("oss://photos/*", "is an address"),
            ("x,'*.jpg'", "probably *.jpg"),
            (&"{".repeat(30), "more than 20 nested braces"),
        ] {
            let error = Globs::parse(glob).unwrap_err().to_string();
            assert!(error.contains(why), "{glob}: {error}");
        }
    }

    #[test]
    fn folders_are_any_number_between_two_stars() {
        for (glob, taken, left) in [
            ("**", "a a/b", ""),
            ("**/a", "a x/a x/y/a", "xa a/b"),
            ("a/**", "a/b a/b/c", "a ab"),
            ("a/**/b", "a/b a/x/b a/x/y/b", "ab a/xb"),
            ("a/**/**/b", "a/b a/x/b", "ab"),
            ("{**/x,y}z", "xz a/xz yz", "axz"),
            ("a**b", "ab a/b", "abc"),
        ] {
            for key in taken.split_whitespace() {
                assert!(matches(glob, key), "{glob} {key}");
            }
            for key in left.split_whitespace() {
                assert!(!matches(glob, key), "{glob} {key}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        /// Of ASCII the meaning is that of `globset`, by which the settings of earlier versions were read.
        #[test]
        fn ascii_globs_match_as_globset_does(
            parts in prop::collection::vec("[ab./]|\\*|\\?|\\*\\*/|/\\*\\*|\\[[!^]?[ab-]{1,3}\\]|\\{[ab*]{1,2}(,[ab?]{0,2}){0,2}\\}|\\\\[*?a]", 0..6),
            key in "[ab./*-]{0,8}",
        ) {
            let glob = parts.concat();
            // `globset` reads `**/**` and `/**` beside one of its own as less than everything.
            if glob.is_empty() || glob.contains("**/**") || glob.contains("***") {
                return Ok(());
            }
            let Ok(theirs) = GlobBuilder::new(&glob).empty_alternates(true).backslash_escape(true).build() else {
                prop_assert!(pattern(&glob).is_err(), "{}", glob);
                return Ok(());
            };
            prop_assert_eq!(matches(&glob, &key), theirs.compile_matcher().is_match(&key), "{} {}", glob, key);
        }
    }
}
