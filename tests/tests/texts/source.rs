//! The messages in the source: literals that people may read.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A literal, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) place: String,
    /// Which of the values behind it, in a macro, are counts of things: `counted(3, "key")`.
    pub(crate) counts: Vec<usize>,
}

/// Macros whose text goes into the log, which is English, or into a panic.
const LOGS: [&str; 12] = [
    "info",
    "warn",
    "error",
    "debug",
    "trace",
    "event",
    "panic",
    "unreachable",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
];

/// All literals in the files of `folder`, apart from tests, log lines and attributes; of these only those of
/// `#[error]`.
pub(crate) fn literals(folder: &str) -> Vec<Message> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    collect(&root.join(folder), &mut files);
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let place = file.strip_prefix(&root).unwrap().display().to_string();
        let tokens: Vec<_> = TokenStream::from_str(&text).unwrap().into_iter().collect();
        read(&tokens, &place, &mut found);
    }
    found
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    for entry in fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())) {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_no_product = ["tests", "examples", "benches", "tests.rs", "build.rs"].contains(&name);
        if !is_no_product && (path.is_dir() || path.extension().is_some_and(|ending| ending == "rs")) {
            collect(&path, files);
        }
    }
}

fn read(tokens: &[TokenTree], place: &str, found: &mut Vec<Message>) {
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = &tokens[at..];
        at += match (token, rest.get(1), rest.get(2)) {
            (TokenTree::Punct(mark), Some(TokenTree::Group(group)), _)
                if mark.as_char() == '#' && group.delimiter() == Delimiter::Bracket =>
            {
                let inside: Vec<_> = group.stream().into_iter().collect();
                match inside.first().map(ToString::to_string).as_deref() {
                    Some("cfg") if group.stream().to_string().contains("(test)") => 2 + item(&rest[2..]),
                    Some("error") => {
                        read(&inside[1..], place, found);
                        2
                    }
                    _ => 2,
                }
            }
            // `#![…]`, which is what `//!` is.
            (TokenTree::Punct(mark), Some(TokenTree::Punct(inner)), Some(TokenTree::Group(_)))
                if mark.as_char() == '#' && inner.as_char() == '!' =>
            {
                3
            }
            (TokenTree::Ident(name), Some(TokenTree::Punct(mark)), Some(TokenTree::Group(_)))
                if mark.as_char() == '!' && LOGS.contains(&&*name.to_string()) =>
            {
                3
            }
            // `text(en, zh)`: a row of the table of settings, which has both.
            (TokenTree::Ident(name), Some(TokenTree::Group(group)), _)
                if *name == "text" && group.to_string().contains(is_chinese) =>
            {
                2
            }
            (TokenTree::Group(group), ..) => {
                let inside: Vec<_> = group.stream().into_iter().collect();
                read(&inside, place, found);
                1
            }
            (TokenTree::Literal(literal), ..) => {
                if let Some(text) = string(&literal.to_string()) {
                    let line = literal.span().start().line;
                    let counts = counts(&rest[1..]);
                    found.push(Message { text, place: format!("{place}:{line}"), counts });
                }
                1
            }
            _ => 1,
        };
    }
}

/// Which of the values behind a literal are made by `counted`.
fn counts(behind: &[TokenTree]) -> Vec<usize> {
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ',');
    let is_counted = |value: &[TokenTree]| match value {
        [name, TokenTree::Group(_), ..] => name.to_string() == "counted",
        _ => false,
    };
    let values = behind.split(is_comma).skip(1).enumerate();
    values.filter(|(_, value)| is_counted(value)).map(|(at, _)| at).collect()
}

/// The tokens of the item behind an attribute: to the end of its braces, or a semicolon.
fn item(tokens: &[TokenTree]) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';',
        _ => false,
    };
    tokens.iter().position(is_end).map_or(tokens.len(), |end| end + 1)
}

/// The text of a string literal. Of bytes and characters nothing.
fn string(literal: &str) -> Option<String> {
    if let Some(raw) = literal.strip_prefix('r') {
        return Some(raw.trim_matches('#').trim_matches('"').to_owned());
    }
    let inside = literal.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut rest = inside.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match rest.next()? {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            '0' => text.push('\0'),
            '\n' => while rest.next_if(|c| c.is_whitespace()).is_some() {},
            'u' => {
                let code: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                text.push(char::from_u32(u32::from_str_radix(&code, 16).ok()?)?);
            }
            'x' => {
                let code: String = rest.by_ref().take(2).collect();
                text.push(char::from(u8::from_str_radix(&code, 16).ok()?));
            }
            other => text.push(other),
        }
    }
    Some(text)
}

fn is_chinese(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

/// Whether it is a text: two words that follow each other.
pub(crate) fn is_message(text: &str) -> bool {
    let without_places = text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    without_places.into_iter().any(|part| {
        let words: Vec<&str> = part.split(' ').collect();
        let is_word = |word: &str| {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic() || "'-".contains(c))
        };
        words.windows(2).any(|pair| is_word(pair[0]) && is_word(pair[1]))
    })
}
