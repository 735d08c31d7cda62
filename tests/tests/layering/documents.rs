//! The documents of maintainers name what exists: paths, crates and what they are built on, constants, and the file for each of ten
//! typical changes. Links are checked in `tests/tests/docs`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

const ARCHITECTURE: &str = "docs/architecture.md";
const CHANGES: &str = "Where to change what";

/// Those whose paths are checked.
fn documents() -> Vec<String> {
    let named = ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", ARCHITECTURE].map(str::to_owned);
    let files = files();
    let more = files.iter().filter(|path| {
        let path = path.as_str();
        path.starts_with("docs/adr/")
            || path.starts_with("crates/") && path.ends_with("/README.md") && path.split('/').count() == 3
    });
    named.into_iter().chain(more.cloned()).collect()
}

/// Every file of the tree, without what is built or installed.
fn files() -> BTreeSet<String> {
    let root = Path::new(ROOT);
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let hidden = name.starts_with('.') && name != ".ci";
            if hidden || ["target", "node_modules", "__pycache__"].contains(&&*name) {
                continue;
            }
            let path = folder.join(name);
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else {
                found.insert(path.to_str().unwrap().to_owned());
            }
        }
    }
    found
}

/// Files and the folders that they lie in.
fn files_and_folders() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files() {
        for folder in Path::new(&file).ancestors().skip(1) {
            found.insert(folder.to_str().unwrap().to_owned());
        }
        found.insert(file);
    }
    found
}

fn read(document: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

/// The text outside of fenced blocks.
fn prose(text: &str) -> String {
    let mut fenced = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// What stands between backticks.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// `a/{b,c}.rs` is `a/b.rs` and `a/c.rs`.
fn expanded(span: &str) -> Vec<String> {
    match span.split_once('{').and_then(|(head, rest)| Some((head, rest.split_once('}')?))) {
        Some((head, (choices, tail))) => {
            choices.split(',').map(|choice| format!("{head}{choice}{tail}")).collect()
        }
        None => vec![span.to_owned()],
    }
}

/// The paths that a span of code names: from the root on, or the end of one.
fn paths(span: &str, top: &BTreeSet<String>) -> Vec<String> {
    let is_text = |c: char| c.is_ascii_alphanumeric() || "._-/{},".contains(c);
    if !span.chars().all(is_text) {
        return vec![];
    }
    let from_root = span.split_once('/').is_some_and(|(first, _)| top.contains(first));
    let is_file = [".rs", ".toml", ".md", ".json", ".yaml", ".py", ".mjs", ".sh"]
        .iter()
        .any(|end| span.len() > end.len() && span.ends_with(end));
    if from_root || is_file { expanded(span) } else { vec![] }
}

#[test]
fn every_path_that_the_documents_name_exists() {
    let all = files_and_folders();
    let top: BTreeSet<String> =
        all.iter().filter(|path| !path.is_empty() && !path.contains('/')).cloned().collect();
    let mut missing = Vec::new();
    let mut seen = 0;
    for document in documents() {
        let text = prose(&read(&document));
        for span in code(&text) {
            for path in paths(span, &top) {
                seen += 1;
                let path = path.trim_end_matches('/');
                let from_root = all.contains(path);
                let end = format!("/{path}");
                if !from_root
                    && (top.contains(path.split('/').next().unwrap())
                        || !all.iter().any(|it| it.ends_with(&end)))
                {
                    missing.push(format!("{document}: {path}"));
                }
            }
        }
    }
    assert!(seen > 200, "only {seen} paths were recognised");
    assert!(missing.is_empty(), "no such file or folder:\n{}", missing.join("\n"));
}

/// `oms-bridge` is the binary: the README of the project is its own.
#[test]
fn each_library_has_a_readme_with_an_example_that_is_compiled() {
    let folders =
        fs::read_dir(Path::new(ROOT).join("crates")).unwrap().map(|entry| entry.unwrap().file_name());
    let libraries: Vec<String> =
        folders.map(|name| name.into_string().unwrap()).filter(|name| name != "oms-bridge").collect();
    assert!(libraries.len() > 20, "{libraries:?}");
    for library in libraries {
        let readme = read(&format!("crates/{library}/README.md"));
        assert!(readme.contains("\n```rust"), "crates/{library}/README.md has no example");
        assert!(
            !readme.contains(",ignore"),
            "crates/{library}/README.md: an example that nobody compiles gets old"
        );
        let code = read(&format!("crates/{library}/src/lib.rs"));
        assert!(
            code.contains("include_str!(\"../README.md\")"),
            "crates/{library}: its README is no part of its documentation, so its examples are not compiled"
        );
    }
}

/// The section of the architecture under a heading.
fn section(heading: &str) -> String {
    let text = read(ARCHITECTURE);
    let (_, rest) = text.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no {heading:?}"));
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The rows of the first table that has this head.
fn table<'t>(section: &'t str, head: &str) -> Vec<Vec<&'t str>> {
    let lines = section.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// What each member is built on, its tests left out.
fn built_on() -> BTreeMap<String, BTreeSet<String>> {
    let mut command = MetadataCommand::new();
    command.manifest_path(format!("{ROOT}/Cargo.toml")).no_deps().other_options(["--locked".to_owned()]);
    let metadata = command.exec().unwrap();
    let members: BTreeSet<String> =
        metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let of = |package: &cargo_metadata::Package| {
        let dependencies = package.dependencies.iter();
        let own = dependencies.filter(|it| it.kind == DependencyKind::Normal && members.contains(&it.name));
        (package.name.to_string(), own.map(|it| it.name.clone()).collect())
    };
    let crates = metadata.packages.iter().filter(|it| it.manifest_path.as_str().contains("/crates/"));
    crates.map(of).collect()
}

#[test]
fn the_table_of_crates_says_what_each_is_built_on() {
    let actual = built_on();
    let section = section("The crates");
    let rows = table(&section, "| crate |");
    let all: BTreeSet<String> = actual.keys().cloned().collect();
    let told: BTreeMap<String, BTreeSet<String>> = rows
        .iter()
        .map(|row| {
            let name = row[0].trim_matches('`').trim_start_matches("crates/").to_owned();
            let named: BTreeSet<String> = code(row[2]).map(str::to_owned).collect();
            let others = if row[2].starts_with("all but ") {
                all.iter().filter(|other| **other != name && !named.contains(*other)).cloned().collect()
            } else {
                named
            };
            (name, others)
        })
        .collect();
    for (name, others) in &actual {
        assert_eq!(told.get(name), Some(others), "{name}, as {ARCHITECTURE} says, and as it is");
    }
    assert_eq!(told.len(), actual.len());
}

#[test]
fn the_picture_of_crates_shows_the_same_arrows() {
    let actual = built_on();
    let section = section("The crates");
    let picture = section.split("```mermaid").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let mut drawn: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in picture.lines().filter_map(|line| line.trim().split_once(" --> ")) {
        assert!(actual[from].contains(to), "{from} is not built on {to}");
        drawn.entry(from).or_default().insert(to);
    }
    for (from, others) in &actual {
        let reached = reached(from, &drawn);
        for to in others {
            assert!(reached.contains(to.as_str()), "no way from {from} to {to}");
        }
    }
}

fn reached<'d>(from: &str, drawn: &BTreeMap<&'d str, BTreeSet<&'d str>>) -> BTreeSet<&'d str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = drawn.get(from).into_iter().flatten().copied().collect();
    while let Some(crate_name) = next.pop() {
        if found.insert(crate_name) {
            next.extend(drawn.get(crate_name).into_iter().flatten());
        }
    }
    found
}

#[test]
fn the_limits_are_constants_of_the_files_beside_them() {
    let section = section("Concurrency and time");
    let rows = table(&section, "| what |");
    assert!(rows.len() >= 8);
    for row in rows {
        let (name, file) = (row[1].trim_matches('`'), row[2].trim_matches('`'));
        assert!(read(file).contains(&format!("const {name}: ")), "no {name} in {file}");
    }
}

/// What somebody wants to change, the file, and what is to be found there.
const TYPICAL: [(&str, &str, &str); 10] = [
    ("a form that events arrive in", "crates/object-events/src/lib.rs", "pub fn parse("),
    ("what OMS is sent, and what its answers mean", "crates/bridge-core/src/oms/reply.rs", "fn classify("),
    ("when a refused access key is left alone", "crates/signature-breaker/src/breaker.rs", "const WINDOW"),
    ("a record: what it says, its JSON", "crates/bridge-core/src/journal/wire.rs", "struct Json"),
    ("which URLs may be fetched for others", "crates/object-copy/src/egress", "struct AllowList"),
    ("user metadata in each service's form", "crates/object-copy/src/transfer/metadata.rs", "fn escape("),
    ("a command", "crates/oms-bridge/src/cli", "enum Command"),
    ("state transitions of an upload", "crates/upload-desk/src/entry.rs", "struct Entry"),
    ("requests to OSS or OBS", "crates/oss-lite/src/dialect.rs", "enum Dialect"),
    ("what the local cloud does, checks or breaks", "crates/cloud-twin/src", "enum FaultAction"),
];

#[test]
fn ten_typical_changes_lead_to_the_file_that_is_to_be_changed() {
    let section = section(CHANGES);
    let rows = table(&section, "| to change |");
    let all = files();
    for (change, place, found_there) in TYPICAL {
        let row = rows.iter().find(|row| row[0] == change).unwrap_or_else(|| panic!("no row {change:?}"));
        let named: Vec<String> = code(row[1]).flat_map(expanded).collect();
        assert!(named.iter().any(|path| path == place), "{change}: {named:?} lack {place}");
        let folder = format!("{place}/");
        let mut files = all.iter().filter(|file| *file == place || file.starts_with(&folder));
        assert!(
            files.any(|file| read_lossy(file).contains(found_there)),
            "{change}: no {found_there:?} in {place}"
        );
    }
}

fn read_lossy(file: &str) -> String {
    String::from_utf8_lossy(&fs::read(Path::new(ROOT).join(file)).unwrap()).into_owned()
}
