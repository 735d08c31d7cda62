//! The check itself, on small made-up sources: what it must find, and what it must not take for anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::allowed::{self, Allowed};
use crate::arrows::{self, Arrows};
use crate::names::Crate;
use crate::source::Source;

/// A crate of these files.
fn read(files: &[(&str, &str)]) -> Crate {
    let files: BTreeMap<_, _> = files.iter().map(|(path, text)| (PathBuf::from(path), *text)).collect();
    Crate::from_files("lib.rs".into(), &|file: &Path| files.get(file).map(|text| (*text).to_owned()))
}

fn arrows_in(read: &Crate, folder: &[&str]) -> Arrows {
    let folder: Vec<_> = folder.iter().map(|name| (*name).to_owned()).collect();
    arrows::between_neighbours(&read.references()).remove(&folder).unwrap_or_default()
}

/// Who names whom at the top, as `a>b`.
fn top(files: &[(&str, &str)]) -> Vec<String> {
    arrows_in(&read(files), &[]).into_keys().map(|(from, to)| format!("{from}>{to}")).collect()
}

const ROOT: (&str, &str) = ("lib.rs", "mod a; mod b; mod c;");
const B: (&str, &str) = ("b.rs", "pub struct B; pub fn f() {}");
const C: (&str, &str) = ("c.rs", "pub struct C;");

#[track_caller]
fn assert_names(a: &str, expected: &[&str]) {
    assert_eq!(top(&[ROOT, ("a.rs", a), B, C]), expected, "{a}");
}

#[test]
fn every_way_to_name_another_module_is_found() {
    for text in [
        "use crate::b::B;",
        "use crate::b;",
        "use super::b::{self, B};",
        "use crate::{b::B as Other};",
        "use crate::b::*;",
        "pub(crate) use crate::b::B;",
        "fn g() { crate::b::f(); }",
        "fn g() { use crate::b::f; f(); }",
        "fn g(b: &crate::b::B) {}",
        "fn g() { assert!(vec![1].is_empty(), \"{:?}\", crate::b::B); }",
        "impl Into<crate::b::B> for u8 { fn into(self) -> crate::b::B { self.0 } }",
        "macro_rules! m { () => { $crate::b::f() } }",
        "mod inner { use crate::b::B; }",
        "mod inner { mod deeper { use super::super::super::b::B; } }",
        "use super::b as other; fn g() { other::f(); }",
        "#[cfg(feature = \"x\")] use crate::b::B;",
    ] {
        assert_names(text, &["a>b"]);
    }
    assert_names("use crate::{b::{B, f}, c::C};", &["a>b", "a>c"]);
}

#[test]
fn text_tests_and_other_crates_are_no_imports() {
    for text in [
        "// use crate::b::B;",
        "/// [`crate::b::B`]\nstruct A;",
        "//! use crate::b::B;",
        "/* use crate::b::B; */",
        "const A: &str = \"use crate::b::B;\";",
        "const A: &str = r#\"use crate::b::B;\"#;",
        "#[cfg(test)] mod tests { use crate::b::B; }",
        "#[cfg(test)] use crate::b::B;",
        "#[cfg(test)] fn g() { crate::b::f(); }",
        "use b::B;",
        "use ::b::B;",
        "pub(in crate::a) struct A;",
        "fn g(x: X) { x.b::<u8>(); }",
        "use self::inner::A; mod inner { pub struct A; }",
    ] {
        assert_names(text, &[]);
    }
}

#[test]
fn what_follows_a_part_for_tests_is_read_again() {
    assert_names("#[cfg(test)] mod tests { fn f() {} } use crate::b::B;", &["a>b"]);
    assert_names("#[cfg(test)] use crate::c::{C}; use crate::b::B;", &["a>b"]);
    assert_names("struct A { #[cfg(test)] c: crate::c::C, b: crate::b::B }", &["a>b"]);
}

#[test]
fn a_re_export_leads_to_the_module_that_defines() {
    let through = |root: &str| top(&[("lib.rs", root), ("a.rs", "use crate::B;"), B, C]);
    assert_eq!(through("mod a; mod b; mod c; pub use b::B;"), ["a>b"]);
    assert_eq!(through("mod a; mod b; mod c; pub use crate::{b::B as B, c::C};"), ["a>b"]);
    assert_eq!(through("mod a; mod b; mod c; pub use b::*;"), ["a>b"]);
    // The module that hands it on is named as well: whoever imports from it depends on both.
    let chain = [ROOT, ("a.rs", "use crate::c::B;"), B, ("c.rs", "pub use crate::b::B;")];
    assert_eq!(top(&chain), ["a>b", "c>b"]);
}

#[test]
fn the_root_is_named_by_what_it_declares_itself() {
    let files = [("lib.rs", "mod a; mod b; mod c; pub struct R;"), ("a.rs", "use crate::R;"), B, C];
    assert_eq!(top(&files), ["a>(root)"]);
    let allowed = Allowed::parse("a:\nb:\nc:").unwrap();
    let read = read(&files);
    let problems = allowed.problems(&read.top_level(), &arrows_in(&read, &[]));
    assert!(problems.len() == 1 && problems[0].starts_with("a names what the root declares"), "{problems:?}");
}

#[test]
fn re_exports_in_a_circle_end() {
    let files = [
        ROOT,
        ("a.rs", "use crate::b::X; fn g() { X::new(); }"),
        ("b.rs", "pub use crate::c::X;"),
        ("c.rs", "pub use crate::b::X;"),
    ];
    assert!(top(&files).contains(&"b>c".to_owned()));
}

#[test]
fn a_circle_is_found_however_long_it_is() {
    let c = ("c.rs", "pub struct C; use crate::a::A;");
    let files = [ROOT, ("a.rs", "pub struct A; use crate::b::B;"), ("b.rs", "use crate::c::C;"), c];
    let arrows = arrows_in(&read(&files), &[]);
    assert_eq!(arrows::circle(&arrows), Some(vec!["a", "b", "c"]));
    let text = arrows::describe(&arrows, &["a", "b", "c"]);
    assert!(text.contains("c names a: c.rs:1 crate::a::A"), "{text}");
    let straight = [ROOT, ("a.rs", "use crate::b::B; use crate::c::C;"), ("b.rs", "use crate::c::C;"), C];
    assert_eq!(arrows::circle(&arrows_in(&read(&straight), &[])), None);
}

#[test]
fn neighbours_within_a_folder_form_circles_too_and_a_parent_is_none() {
    let root = ("lib.rs", "mod a;");
    let parent = ("a/mod.rs", "mod x; mod y; pub struct P; use x::X;");
    let y = ("a/y.rs", "use super::P; pub struct Y;");
    let straight = read(&[root, parent, ("a/x.rs", "pub struct X; use super::{P, y::Y};"), y]);
    assert_eq!(arrows::circle(&arrows_in(&straight, &["a"])), None);
    let y = ("a/y.rs", "pub struct Y; use super::super::a::x::X;");
    let round = read(&[root, parent, ("a/x.rs", "pub struct X; use super::y::Y;"), y]);
    assert_eq!(arrows::circle(&arrows_in(&round, &["a"])), Some(vec!["x", "y"]));
}

#[test]
fn a_forbidden_arrow_a_missing_module_and_a_stale_line_are_problems() {
    let read = read(&[ROOT, ("a.rs", "use crate::b::B;"), B, ("c.rs", "use crate::b::B;")]);
    let (modules, arrows) = (read.top_level(), arrows_in(&read, &[]));
    let problems = |table: &str| Allowed::parse(table).unwrap().problems(&modules, &arrows);
    assert_eq!(problems("b:\na: b\nc: b"), [""; 0]);
    assert_eq!(problems("b:\na:\nc: b"), ["a may not name b: a.rs:1 crate::b::B"]);
    assert_eq!(problems("b:\nc: b\na: b c"), ["the table allows a to name c, which it does not"]);
    assert_eq!(problems("b:\nz:\na: b\nc: b"), ["the table has z, which is no module"]);
    let missing = problems("b:\na: b");
    assert_eq!(missing, ["c may not name b: c.rs:1 crate::b::B", "the table lacks c"]);
    assert_eq!(allowed::table(&modules, &arrows), "b:\na: b\nc: b\n");
}

#[test]
fn a_table_holds_no_circle() {
    assert_eq!(Allowed::parse("a: b\nb: a"), Err("a: b does not stand above it".to_owned()));
    assert_eq!(Allowed::parse("a: a"), Err("a: a does not stand above it".to_owned()));
    assert_eq!(Allowed::parse("a:\na:"), Err("a is there twice".to_owned()));
    assert!(Allowed::parse("no line of a table").is_err());
    let table = Allowed::parse("# comment\n\nd:\nc: d\nb: c\na: b\n").unwrap();
    assert_eq!(table.below("b"), ["c", "d"].into());
}

#[test]
fn what_comes_from_other_crates_is_known_by_module() {
    let a = "use other::{Thing, deep::Other}; fn g() { other::call(); }";
    let read = read(&[ROOT, ("a.rs", a), B, ("c.rs", "mod other { }")]);
    let names = read.taken_from("other");
    let a = "a".to_owned();
    assert_eq!(
        names,
        [(a.clone(), "Thing".to_owned()), (a.clone(), "call".to_owned()), (a, "deep::Other".to_owned())]
            .into()
    );
}

#[test]
fn lines_of_code_are_neither_blank_nor_comments() {
    let text = "//! Module.\n\n/// Item.\nfn f() { // why\n    let x = \"a\n\n// in text\nb\"; /* c */\n}\n/* long\n\
                comment */\n#[cfg(test)]\nmod tests {\n    // why\n    fn t() {}\n}\n";
    let source = Source::read(text);
    assert_eq!(source.code, [4, 5, 7, 8, 9, 12, 13, 15, 16].into());
    assert_eq!(source.of_tests, [12, 13, 15, 16].into());
}

#[test]
fn only_comments_that_can_be_broken_are_too_wide() {
    let words = "word ".repeat(30);
    let (long, url) = (words.trim_end(), format!("https://{}", "a".repeat(120)));
    let wide = |text: String| Source::read(&text).wide;
    assert_eq!(wide(format!("fn f() {{}}\n    // {long}\n/// {long}\nstruct A;")), [2, 3]);
    assert_eq!(wide(format!("//! {long}\n")), [1]);
    for fine in [
        format!("/// {url}\nstruct A;"),
        format!("/// | {long} |\nstruct A;"),
        format!("/// ```\n/// {long}\n/// ```\nstruct A;"),
        format!("const A: &str = \"\n// {long}\";"),
        "// short\n".to_owned(),
    ] {
        assert_eq!(wide(fine.clone()), [0; 0], "{fine}");
    }
}

#[test]
fn traits_are_derived_in_one_order() {
    let unordered = |text: &str| Source::read(text).unordered;
    assert_eq!(unordered("#[derive(Clone, Debug, Eq, Other)]\nstruct A;\n#[derive()]\nstruct B;"), [0; 0]);
    assert_eq!(unordered("#[derive(Debug, Clone)]\nstruct A;\n#[derive(Other, Debug)]\nstruct B;"), [1, 3]);
}

#[test]
fn an_import_is_of_one_module() {
    let nested = |text: &str| Source::read(text).nested;
    assert_eq!(nested("use a::b::{self, C, D as E};\nuse a::*;\nuse a;\nfn f() { use a::{B, C}; }"), [0; 0]);
    assert_eq!(nested("use a::B;\nuse a::{b::C, D};\nuse {a, b::{C}};"), [2, 3]);
}
