//! Reads a source file as tokens: modules, imports, paths, lines of code.
//!
//! Tokens rather than a syntax tree, as paths inside macro calls (`assert!(crate::a::B)`) are plain tokens in
//! the tree of `syn` as well, and would be overlooked. What is compiled for tests alone (`#[cfg(test)]`) is
//! counted, but its imports are not read: a test may use whatever it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// `crate::a::B`, as written; a leading `::` is an empty first segment.
pub(crate) type Path = Vec<String>;

/// What one module says, apart from the modules inside it.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Modules in files of their own: `mod name;`.
    pub(crate) files: Vec<Declared>,
    /// Modules in braces.
    pub(crate) inline: BTreeMap<String, Scope>,
    /// The names of functions, types, traits, constants and macros.
    pub(crate) items: BTreeSet<String>,
    /// The names of structs, enums, unions and traits, and the lines that declare them.
    pub(crate) types: Vec<(String, usize)>,
    /// What each imported name stands for. Several where `cfg` chooses, or a macro and a type share a name.
    pub(crate) imports: BTreeMap<String, Vec<Path>>,
    /// `use a::*`.
    pub(crate) globs: Vec<Path>,
    /// Every path of at least two segments, and every import.
    pub(crate) references: Vec<(Path, usize)>,
}

/// `mod name;`
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    pub(crate) of_tests: bool,
}

/// One file.
#[derive(Debug, Default)]
pub(crate) struct Source {
    pub(crate) scope: Scope,
    /// The numbers of the lines that hold code: neither blank nor comment alone.
    pub(crate) code: BTreeSet<usize>,
    /// Those of them that are compiled for tests alone.
    pub(crate) of_tests: BTreeSet<usize>,
    /// Comment lines that are too wide and could be broken.
    pub(crate) wide: Vec<usize>,
    /// Imports from several modules in one statement.
    pub(crate) nested: Vec<usize>,
    /// Derived traits in another order than the usual one.
    pub(crate) unordered: Vec<usize>,
}

/// The order in which traits are derived; any others come after them.
const DERIVED: [&str; 9] =
    ["Clone", "Copy", "Debug", "Default", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"];

/// The widest line of a comment, as for code in `rustfmt.toml`.
pub(crate) const COLUMNS: usize = 110;

impl Source {
    /// Panics on text that is no Rust, as the compiler would.
    pub(crate) fn read(text: &str) -> Self {
        let tokens: Vec<_> = TokenStream::from_str(text).unwrap().into_iter().collect();
        let mut reader = Reader { lines: text.lines().collect(), source: Self::default() };
        let mut scope = Scope::default();
        reader.read(&tokens, &mut scope);
        let literals = reader.literals(&tokens);
        reader.source.wide = wide(&reader.lines, &literals);
        reader.source.scope = scope;
        reader.source
    }
}

struct Reader<'t> {
    lines: Vec<&'t str>,
    source: Source,
}

impl Reader<'_> {
    fn read(&mut self, tokens: &[TokenTree], scope: &mut Scope) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            at +=
                match token {
                    TokenTree::Punct(mark) if mark.as_char() == '#' => match attribute(rest) {
                        Some((_, width)) if self.is_comment(rest) => width,
                        Some((group, width)) if text_of(group) == "cfg(test)" => {
                            let item = end_of_item(&rest[width..]);
                            self.count(&rest[..width + item], true);
                            test_module(&rest[width..width + item], scope);
                            width + item
                        }
                        Some((group, _)) => {
                            if !in_order(group) {
                                self.source.unordered.push(group.span_open().start().line);
                            }
                            self.one(rest)
                        }
                        None => self.one(rest),
                    },
                    TokenTree::Ident(word) => match &*word.to_string() {
                        "use" if !is_mark(rest.get(1), '<') => self.import(rest, scope),
                        "mod" => self.module(rest, scope),
                        "pub" => self.visibility(rest),
                        keyword @ ("fn" | "struct" | "enum" | "trait" | "type" | "const" | "static"
                        | "union") => self.item(keyword, rest, scope),
                        "macro_rules" if is_mark(rest.get(1), '!') => {
                            scope.items.extend(rest.get(2).map(ToString::to_string));
                            self.one(rest)
                        }
                        _ => self.path(tokens, at, scope),
                    },
                    TokenTree::Group(group) => {
                        self.count_edges(group);
                        let inside: Vec<_> = group.stream().into_iter().collect();
                        self.read(&inside, scope);
                        1
                    }
                    TokenTree::Punct(mark) if mark.as_char() == ':' => self.path(tokens, at, scope),
                    TokenTree::Punct(_) | TokenTree::Literal(_) => self.one(rest),
                };
        }
    }

    fn one(&mut self, rest: &[TokenTree]) -> usize {
        self.count(&rest[..1], false);
        1
    }

    /// Whether the attribute was written as a comment: `///` and its like are attributes to the compiler.
    fn is_comment(&self, rest: &[TokenTree]) -> bool {
        let start = rest[0].span().start();
        let line = self.lines.get(start.line - 1).copied().unwrap_or_default();
        let from: String = line.chars().skip(start.column).take(2).collect();
        from == "//" || from == "/*"
    }

    fn item(&mut self, keyword: &str, rest: &[TokenTree], scope: &mut Scope) -> usize {
        if let Some(TokenTree::Ident(name)) = rest.get(1)
            && !(keyword == "const" && name == "fn")
        {
            scope.items.insert(name.to_string());
            if matches!(keyword, "struct" | "enum" | "union" | "trait") {
                scope.types.push((name.to_string(), name.span().start().line));
            }
            self.count(&rest[..2], false);
            return 2;
        }
        self.one(rest)
    }

    /// `pub(in path)` names the ancestor that may see the item: no dependency.
    fn visibility(&mut self, rest: &[TokenTree]) -> usize {
        let width = match rest.get(1) {
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis => 2,
            _ => 1,
        };
        self.count(&rest[..width], false);
        width
    }

    fn module(&mut self, rest: &[TokenTree], scope: &mut Scope) -> usize {
        let Some(TokenTree::Ident(name)) = rest.get(1) else { return self.one(rest) };
        let name = name.to_string();
        match rest.get(2) {
            Some(TokenTree::Group(group)) => {
                self.count(&rest[..2], false);
                self.count_edges(group);
                let inside: Vec<_> = group.stream().into_iter().collect();
                self.read(&inside, scope.inline.entry(name).or_default());
                3
            }
            Some(end) if is_mark(Some(end), ';') => {
                scope.files.push(Declared { name, of_tests: false });
                self.count(&rest[..3], false);
                3
            }
            _ => self.one(rest),
        }
    }

    fn import(&mut self, rest: &[TokenTree], scope: &mut Scope) -> usize {
        let line = rest[0].span().start().line;
        let width = rest.iter().position(|token| is_mark(Some(token), ';')).map_or(rest.len(), |end| end + 1);
        self.count(&rest[..width], false);
        let tree: Vec<_> =
            rest[1..width].iter().filter(|token| !is_mark(Some(token), ';')).cloned().collect();
        if tree.iter().any(is_nested) {
            self.source.nested.push(line);
        }
        for (path, name) in leaves(&tree, &[]) {
            scope.references.push((path.clone(), line));
            match name {
                Some(name) => scope.imports.entry(name).or_default().push(path),
                None => scope.globs.push(path),
            }
        }
        width
    }

    /// A path that starts at `at`, or one token.
    fn path(&mut self, tokens: &[TokenTree], at: usize, scope: &mut Scope) -> usize {
        // `value.method::<T>()` is none.
        let after_dot = at.checked_sub(1).is_some_and(|before| is_mark(tokens.get(before), '.'));
        let (path, width) = segments(&tokens[at..]);
        let line = tokens[at].span().start().line;
        self.count(&tokens[at..at + width.max(1)], false);
        if path.len() > 1 && !after_dot {
            scope.references.push((path, line));
        }
        width.max(1)
    }

    fn count_edges(&mut self, group: &Group) {
        let (open, close) = (group.span_open().start().line, group.span_close().start().line);
        self.source.code.extend([open, close]);
    }

    fn count(&mut self, tokens: &[TokenTree], of_tests: bool) {
        let mut found = Vec::new();
        self.each_token(tokens, &mut |lines, _| found.push(lines));
        for lines in found {
            self.mark(lines, of_tests);
        }
    }

    /// Calls `seen` with the lines of every token, delimiters among them but no comments, and whether it is a
    /// literal.
    fn each_token(&self, tokens: &[TokenTree], seen: &mut dyn FnMut(RangeInclusive<usize>, bool)) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Group(group) => {
                    for edge in [group.span_open(), group.span_close()] {
                        seen(edge.start().line..=edge.end().line, false);
                    }
                    let inside: Vec<_> = group.stream().into_iter().collect();
                    self.each_token(&inside, seen);
                }
                TokenTree::Punct(mark) if mark.as_char() == '#' && self.is_comment(&tokens[at - 1..]) => {
                    at += attribute(&tokens[at - 1..]).map_or(0, |(_, width)| width - 1);
                }
                TokenTree::Literal(_) => seen(token.span().start().line..=token.span().end().line, true),
                _ => seen(token.span().start().line..=token.span().end().line, false),
            }
        }
    }

    fn mark(&mut self, lines: RangeInclusive<usize>, of_tests: bool) {
        let blank = |line: &usize| self.lines.get(line - 1).is_none_or(|line| line.trim().is_empty());
        let lines: Vec<_> = lines.filter(|line| !blank(line)).collect();
        if of_tests {
            self.source.of_tests.extend(&lines);
        }
        self.source.code.extend(lines);
    }

    /// The lines inside literals that go over several: what looks like a comment there is none.
    fn literals(&self, tokens: &[TokenTree]) -> BTreeSet<usize> {
        let mut inside = BTreeSet::new();
        self.each_token(tokens, &mut |lines, literal| {
            if literal {
                inside.extend(lines.skip(1));
            }
        });
        inside
    }
}

/// Notes a file of tests.
fn test_module(item: &[TokenTree], scope: &mut Scope) {
    if let [.., TokenTree::Ident(keyword), TokenTree::Ident(name), end] = item
        && keyword == "mod"
        && is_mark(Some(end), ';')
    {
        scope.files.push(Declared { name: name.to_string(), of_tests: true });
    }
}

/// The brackets of an attribute at the start, and how many tokens it takes.
fn attribute(rest: &[TokenTree]) -> Option<(&Group, usize)> {
    let inner = usize::from(is_mark(rest.get(1), '!'));
    match rest.get(1 + inner) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => Some((group, 2 + inner)),
        _ => None,
    }
}

fn text_of(group: &Group) -> String {
    group.stream().to_string().split_whitespace().collect()
}

fn is_mark(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// The words that an item begins with.
const ITEMS: &[&str] = &[
    "async",
    "const",
    "enum",
    "extern",
    "fn",
    "impl",
    "let",
    "macro_rules",
    "mod",
    "pub",
    "static",
    "struct",
    "trait",
    "type",
    "union",
    "unsafe",
    "use",
];

/// How many tokens the item, field or arm at the start takes.
fn end_of_item(rest: &[TokenTree]) -> usize {
    let mut at = 0;
    while is_mark(rest.get(at), '#')
        && let Some((_, width)) = attribute(&rest[at..])
    {
        at += width;
    }
    let is_item = matches!(rest.get(at), Some(TokenTree::Ident(word)) if ITEMS.contains(&&*word.to_string()));
    let is_import = rest[at..].iter().take(3).any(|token| token.to_string() == "use");
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => is_item && !is_import && group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(mark) => mark.as_char() == ';' || (!is_item && mark.as_char() == ','),
        _ => false,
    };
    rest[at..].iter().position(ends).map_or(rest.len(), |end| at + end + 1)
}

/// `a::b::c` at the start, and how many tokens it takes.
fn segments(tokens: &[TokenTree]) -> (Path, usize) {
    let mut path = Path::new();
    let mut at = 0;
    if separator(tokens) {
        // What goes on after generics, `Vec::<T>::new`, is no path of its own.
        return match tokens.get(2) {
            Some(TokenTree::Ident(_)) => {
                let (rest, width) = segments(&tokens[2..]);
                ([vec![String::new()], rest].concat(), width + 2)
            }
            _ => (path, 2),
        };
    }
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        path.push(word.to_string());
        at += 1;
        if !separator(&tokens[at..]) || !matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) {
            break;
        }
        at += 2;
    }
    (path, at)
}

fn separator(tokens: &[TokenTree]) -> bool {
    is_mark(tokens.first(), ':') && is_mark(tokens.get(1), ':')
}

/// Each path that an import names, and the name it gets here; none for `*`.
fn leaves(tree: &[TokenTree], prefix: &[String]) -> Vec<(Path, Option<String>)> {
    let (segments, width) = segments(tree);
    let path = [prefix, &segments].concat();
    let rest = &tree[width..];
    let rest = if separator(rest) { &rest[2..] } else { rest };
    match rest {
        [TokenTree::Group(group), ..] => {
            let inside: Vec<_> = group.stream().into_iter().collect();
            inside
                .split(|token| is_mark(Some(token), ','))
                .filter(|tree| !tree.is_empty())
                .flat_map(|tree| leaves(tree, &path))
                .collect()
        }
        [star, ..] if is_mark(Some(star), '*') => vec![(path, None)],
        [TokenTree::Ident(word), TokenTree::Ident(name), ..] if word == "as" => {
            vec![(without_self(path), Some(name.to_string()))]
        }
        _ => {
            let path = without_self(path);
            let name = path.last().cloned();
            vec![(path, name)]
        }
    }
}

/// Whether an attribute derives the usual traits in the usual order, if it derives any.
fn in_order(attribute: &Group) -> bool {
    let text = text_of(attribute);
    let Some(list) = text.strip_prefix("derive(").and_then(|rest| rest.strip_suffix(')')) else {
        return true;
    };
    let place = |name: &str| DERIVED.iter().position(|usual| *usual == name).unwrap_or(DERIVED.len());
    list.split(',').map(place).is_sorted()
}

/// Braces with paths in them.
fn is_nested(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let mut inside = group.stream().into_iter();
    inside.any(|token| matches!(token, TokenTree::Group(_)) || is_mark(Some(&token), ':'))
}

/// `a::{self}` is `a`.
fn without_self(mut path: Path) -> Path {
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    path
}

/// Comment lines that are too wide, except for tables, code in documentation, and a single long word such as
/// a URL.
fn wide(lines: &[&str], literals: &BTreeSet<usize>) -> Vec<usize> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim_end();
        let Some(comment) = comment(line) else {
            in_code = false;
            continue;
        };
        let fence = comment.starts_with("```");
        in_code ^= fence;
        let may = in_code || fence || comment.starts_with('|') || !comment.contains(' ');
        if line.chars().count() > COLUMNS && !may && !literals.contains(&(index + 1)) {
            found.push(index + 1);
        }
    }
    found
}

/// The text of a line that is nothing but a comment.
fn comment(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("//")?;
    Some(rest.trim_start_matches(['/', '!']).trim_start())
}
