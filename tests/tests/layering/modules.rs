//! The rules for the source of every crate: modules, sizes, widths of comments.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::allowed::{self, Allowed};
use crate::arrows::{self, Arrows};
use crate::names::Crate;
use crate::source::Source;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/layering/allowed");

/// Set to write the tables of `allowed/` from the source, for review in the diff.
const UPDATE: &str = "LAYERING_UPDATE";

/// The most lines of code in a crate: lines of `src/` that are neither blank nor comments, unit tests among
/// them.
const CRATE: usize = 12_000;

/// The most lines of code in a file, counted likewise.
const FILE: usize = 500;

/// Files that may be longer, and why.
const LONG: &[(&str, &str)] = &[];

/// The crates whose comments are wrapped at 110 columns, and whose derived traits are in order: all of them.
const TIDY: &[&str] = &[
    "apig-signer",
    "arrival",
    "arrival-report",
    "aws-access",
    "bridge-core",
    "cloud-twin",
    "command-failure",
    "fc-adapter",
    "function-host",
    "http-client",
    "http-listener",
    "inventory",
    "metrics",
    "object-copy",
    "object-events",
    "oms-bridge",
    "oss-lite",
    "settings",
    "signature-breaker",
    "sqs-worker",
    "terminal",
    "upload-desk",
    "web-ingest",
];

/// Folders whose modules still form a circle. The list gets shorter only.
const CIRCLES: &[&str] = &[];

/// Names of types that a crate declares more than once, and why.
const TWICE: &[(&str, &str, &str)] = &[
    ("oss-lite", "SigningKey", "one of each version of the signature, named by its module"),
    ("oss-lite", "StringToSign", "one of each version of the signature, named by its module"),
];

/// The folders of all crates, by name.
fn crates() -> BTreeMap<String, PathBuf> {
    let folders = fs::read_dir(format!("{ROOT}/crates")).unwrap().map(|entry| entry.unwrap().path());
    let named = folders.filter(|folder| folder.join("Cargo.toml").exists());
    named.map(|folder| (folder.file_name().unwrap().to_str().unwrap().to_owned(), folder)).collect()
}

/// All crates, by name: the modules of their libraries.
static LIBRARIES: LazyLock<BTreeMap<String, Crate>> = LazyLock::new(|| {
    crates().into_iter().map(|(name, folder)| (name, Crate::read(&folder.join("src/lib.rs")))).collect()
});

fn table(name: &str) -> Result<Allowed, String> {
    Allowed::parse(&fs::read_to_string(format!("{TABLES}/{name}.txt")).unwrap_or_default())
}

/// Every Rust file below a folder, but what builds leave there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn relative(file: &Path) -> &str {
    file.strip_prefix(ROOT).unwrap().to_str().unwrap()
}

fn top_level(read: &Crate) -> Arrows {
    arrows::between_neighbours(&read.references()).remove(&Vec::new()).unwrap_or_default()
}

fn none(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn no_modules_of_a_folder_form_a_circle() {
    let mut problems = Vec::new();
    let mut known: BTreeSet<&str> = CIRCLES.iter().copied().collect();
    for (name, library) in &*LIBRARIES {
        for (parent, arrows) in arrows::between_neighbours(&library.references()) {
            let folder = [vec![name.clone()], parent].concat().join("::");
            if let Some(circle) = arrows::circle(&arrows)
                && !known.remove(&*folder)
            {
                problems.push(format!("{folder}: a circle\n{}", arrows::describe(&arrows, &circle)));
            }
        }
    }
    problems.extend(known.iter().map(|folder| format!("{folder} forms no circle: take it off the list")));
    none(&problems);
}

/// Who reads `State` need not ask which one is meant.
#[test]
fn a_name_of_a_type_has_one_meaning_in_its_crate() {
    let mut problems = Vec::new();
    let mut known: BTreeSet<(&str, &str)> = TWICE.iter().map(|(name, of, _)| (*name, *of)).collect();
    for (name, library) in &*LIBRARIES {
        for (declared, places) in library.types().into_iter().filter(|(_, places)| places.len() > 1) {
            if !known.remove(&(&**name, declared)) {
                let places = Vec::from_iter(places).join(", ");
                problems.push(format!("{name}: {declared} is declared in {places}"));
            }
        }
    }
    let gone = known.iter().map(|(name, of)| format!("{name}: {of} is declared once: take it off the list"));
    problems.extend(gone);
    none(&problems);
}

#[test]
fn each_module_names_only_those_that_its_table_allows() {
    let mut problems = Vec::new();
    let mut tables = BTreeSet::new();
    for (name, library) in &*LIBRARIES {
        let (modules, arrows) = (library.top_level(), top_level(library));
        let file = format!("{name}.txt");
        if modules.is_empty() {
            continue;
        }
        if arrows::bottom_up(&modules, &arrows).len() < modules.len() {
            let state =
                "has modules in a circle, or modules that name the root, so that no table can allow all";
            problems.push(format!("{name} {state}"));
            continue;
        }
        if env::var_os(UPDATE).is_some() {
            fs::write(format!("{TABLES}/{file}"), allowed::table(&modules, &arrows)).unwrap();
        }
        let found = table(name).map_or_else(|wrong| vec![wrong], |table| table.problems(&modules, &arrows));
        problems.extend(found.into_iter().map(|problem| format!("{name}: {problem}")));
        tables.insert(file);
    }
    for entry in fs::read_dir(TABLES).unwrap() {
        let table = entry.unwrap().file_name().into_string().unwrap();
        if !tables.contains(&table) {
            problems.push(format!("allowed/{table} is the table of no crate"));
        }
    }
    none(&problems);
}

#[test]
fn engines_know_no_journal_and_nothing_above_it() {
    let core = table("bridge-core").unwrap();
    let below = core.below("engine");
    for above in ["journal", "pipeline", "progress", "replay"] {
        assert!(core.has(above) && !below.contains(above), "engine names {above}, if by others: {below:?}");
    }
}

/// Who has options to put an object can write one. Copies are made by `object-copy`, at the destination.
#[test]
fn the_journal_alone_writes_to_the_log_bucket() {
    let mut writers = BTreeSet::new();
    for name in ["bridge-core", "oms-bridge"] {
        let taken = LIBRARIES[name].taken_from("oss_lite");
        let options = taken.into_iter().filter(|(_, path)| path == "PutOptions");
        writers.extend(options.map(|(module, _)| format!("{name}::{module}")));
    }
    // `doctor` tries whether the destination can be written to, `demo` uploads to the local cloud.
    let allowed = ["bridge-core::journal", "oms-bridge::demo", "oms-bridge::doctor"];
    assert_eq!(writers, allowed.map(str::to_owned).into());
}

/// Printed with `--nocapture`.
#[test]
fn no_crate_is_over_12_000_lines_of_code() {
    let mut table = format!("{:16}{:>7}{:>10}{:>8}\n", "crate", "code", "of tests", "files");
    let mut problems = Vec::new();
    for (name, library) in &*LIBRARIES {
        let code: usize = library.files.values().map(|file| file.code.len()).sum();
        let of_tests: usize = library.files.values().map(|file| file.of_tests.len()).sum();
        let _ = writeln!(table, "{name:16}{code:>7}{of_tests:>10}{:>8}", library.files.len());
        if code > CRATE {
            problems.push(format!("{name} has {code} lines of code, more than {CRATE}"));
        }
    }
    println!("{table}");
    none(&problems);
}

#[test]
fn no_file_is_over_500_lines_of_code() {
    let mut problems = Vec::new();
    for folder in ["crates", "tests", "benches"] {
        for file in files(&Path::new(ROOT).join(folder)) {
            let lines = Source::read(&fs::read_to_string(&file).unwrap()).code.len();
            let named = LONG.iter().any(|(long, _)| *long == relative(&file));
            if named != (lines > FILE) {
                let named = if named { "is named as long" } else { "is not named as long" };
                problems.push(format!("{} has {lines} lines of code and {named}", relative(&file)));
            }
        }
    }
    none(&problems);
}

#[test]
fn comments_imports_and_derived_traits_have_one_form() {
    let mut problems = Vec::new();
    for (name, folder) in crates() {
        for file in files(&folder) {
            let source = Source::read(&fs::read_to_string(&file).unwrap());
            let mut found = |lines: &[usize], problem: &str| {
                problems.extend(lines.iter().map(|line| format!("{}:{line}: {problem}", relative(&file))));
            };
            if TIDY.contains(&&*name) {
                found(&source.wide, "a comment of more than 110 columns (.ci/wrap-comments)");
                found(
                    &source.unordered,
                    "derived traits in another order than Clone, Copy, Debug, Default, PartialEq, …",
                );
            }
            found(&source.nested, "an import of several modules in one statement");
        }
    }
    none(&problems);
}
