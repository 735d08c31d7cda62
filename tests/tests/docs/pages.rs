//! Runs the commands of each page in both languages, and looks at what they did.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cloud_twin::Service;
use serde_json::Value;

use crate::commands::{commands_of, help};
use crate::markdown::{documents, root};
use crate::prose::{first_column, in_backticks};
use crate::session::{Printed, run};
use crate::world::{CHANGED, FAILED, LISTED, MIRROR, OF_AMAZON, QUEUED, SITE, SOURCE, World};

/// The pages that have commands to run, by name. Each has a test below.
const PAGES: [&str; 11] = [
    "arrival",
    "copy",
    "deploy",
    "desk",
    "ingest",
    "install",
    "local-cloud",
    "migrate",
    "moving-over",
    "operations",
    "sources",
];

fn read(path: &Path) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn of_language(name: &str, suffix: &str) -> PathBuf {
    Path::new("docs").join(format!("{name}{suffix}"))
}

/// Runs a page in both languages, each on a world of its own, and has what came of it looked at.
async fn in_both_languages(name: &str, look: impl Fn(&World, &Printed)) {
    assert!(PAGES.contains(&name));
    for suffix in [".md", ".zh-CN.md"] {
        let world = World::start().await;
        let printed = run(&world, &of_language(name, suffix), name).await;
        look(&world, &printed);
    }
}

fn is_mirrored(world: &World, key: &str) -> bool {
    world.twin.obs().get(MIRROR, key).is_some()
}

/// What a block printed that has `command` in it.
fn printed_by<'p>(printed: &'p Printed, part: &str) -> &'p str {
    printed
        .values()
        .find(|text| text.contains(part))
        .unwrap_or_else(|| panic!("{part:?} is not in {printed:?}"))
}

#[tokio::test]
async fn arrival() {
    in_both_languages("arrival", |world, printed| {
        // The report of the first comparison is what is copied.
        assert!(is_mirrored(world, CHANGED));
        let report = std::fs::read_to_string(world.folder().join("all.txt")).unwrap();
        assert!(report.contains(&format!("= {CHANGED}\n")), "{report}");
        assert!(!world.folder().join("progress.json").exists());
        printed_by(printed, "\"arrivals\"");
    })
    .await;
}

#[tokio::test]
async fn copy() {
    in_both_languages("copy", |world, printed| {
        for key in [CHANGED, "iso/big.iso", OF_AMAZON] {
            assert!(is_mirrored(world, key), "{key}");
        }
        assert!(world.twin.oss().get(SITE, "index.html").is_some());
        assert!(world.folder().join("backup").join(CHANGED).exists());
        printed_by(printed, "copied");
    })
    .await;
}

#[tokio::test]
async fn deploy() {
    in_both_languages("deploy", |world, printed| {
        printed_by(printed, "no problems");
        assert_eq!(world.twin.accepted_count(CHANGED), 1);
    })
    .await;
}

#[tokio::test]
async fn desk() {
    in_both_languages("desk", |world, printed| {
        assert_eq!(world.twin.stats().requests(Service::Oss, "PutBucketCors"), 1);
        assert_eq!(documented("desk"), metrics(printed_by(printed, "oms_bridge_desk_")));
        let (_, description) = printed_by(printed, "\"openapi\"").split_once("\n{").unwrap();
        let described = described(&serde_json::from_str(&format!("{{{description}")).unwrap());
        for (suffix, head) in [(".md", "| request |"), (".zh-CN.md", "| 请求 |")] {
            let listed = requests(&read(&of_language("desk", suffix)), head);
            let missing: Vec<_> = described.difference(&listed).collect();
            assert_eq!(missing, ["POST /callback"], "docs/desk{suffix}");
            let others: Vec<_> = listed.difference(&described).collect();
            assert_eq!(others, ["GET /metrics", "GET /openapi.json"], "docs/desk{suffix}");
        }
    })
    .await;
}

#[tokio::test]
async fn ingest() {
    in_both_languages("ingest", |world, _| assert!(is_mirrored(world, "iso/new.iso"))).await;
}

/// The page is one story: its trigger is there from the beginning, and one object fails at the first try.
#[tokio::test]
async fn migrate() {
    for suffix in [".md", ".zh-CN.md"] {
        let world = World::start().await;
        let function = world.deploy("migrate").await;
        world.refuse_once(LISTED);
        run(&world, &of_language("migrate", suffix), "migrate").await;
        let file = |name: &str| std::fs::read_to_string(world.folder().join(name)).unwrap();
        // The trigger forwarded what was uploaded while it was there.
        assert_eq!(world.twin.accepted_count("migration-test.txt"), 1, "{suffix}");
        // What failed is named, and was copied the second time.
        assert_eq!(file("not-copied.txt"), format!("{LISTED}\n"), "{suffix}");
        for key in [FAILED, CHANGED, LISTED, "migration-test.txt"] {
            assert!(is_mirrored(&world, key), "{suffix}: {key}");
        }
        assert!(!world.waits_for_a_replay(), "{suffix}");
        // The proof names every key as equal, and nothing in either direction.
        let compared = file("differences.txt");
        assert!(compared.lines().all(|line| line.starts_with("= ")), "{suffix}: {compared}");
        for key in [FAILED, CHANGED, LISTED, "migration-test.txt"] {
            assert!(compared.contains(&format!("= {key}\n")), "{suffix}: {key} is not in {compared}");
        }
        assert_eq!(file("only-in-obs.txt"), "", "{suffix}");
        // The way back brought what was written after the cut-over, and changed nothing else.
        let of_source = |key: &str| world.twin.oss().get(SOURCE, key).unwrap();
        assert_eq!(of_source("new.txt").body, file("new.txt").as_bytes(), "{suffix}");
        assert_eq!(of_source(CHANGED).body, CHANGED.as_bytes(), "{suffix}");
        function.terminate().await;
    }
}

#[tokio::test]
async fn install() {
    in_both_languages("install", |world, printed| {
        printed_by(printed, "features: ");
        let installed = world.folder().join("home/.local/share");
        let script =
            std::fs::read_to_string(installed.join("bash-completion/completions/oms-bridge")).unwrap();
        assert!(script.contains("--log-bucket"), "{script}");
        for command in commands_of(&help(&[])) {
            assert!(installed.join(format!("man/man1/oms-bridge-{command}.1")).exists(), "{command}");
        }
    })
    .await;
}

#[tokio::test]
async fn local_cloud() {
    in_both_languages("local-cloud", |world, printed| {
        printed_by(printed, "\"met\":true");
        assert_eq!(printed_by(printed, "\"hits\":").matches("\"fault\":").count(), 2);
        assert!(world.twin.faults().list().is_empty());
    })
    .await;
}

#[tokio::test]
async fn moving_over() {
    in_both_languages("moving-over", |world, _| assert_eq!(world.twin.accepted_count(LISTED), 1)).await;
}

#[tokio::test]
async fn operations() {
    in_both_languages("operations", |world, printed| {
        assert_eq!(world.twin.accepted_count(FAILED), 1);
        assert!(!world.waits_for_a_replay());
        printed_by(printed, "string to sign");
    })
    .await;
}

#[tokio::test]
async fn sources() {
    in_both_languages("sources", |world, printed| {
        assert_eq!(world.twin.accepted_count(QUEUED), 1);
        let printed = printed_by(printed, "oms_bridge_messages_received_total");
        assert_eq!(documented("consume"), metrics(printed));
    })
    .await;
}

/// The requests in a description.
fn described(description: &Value) -> BTreeSet<String> {
    let paths = description["paths"].as_object().unwrap().iter();
    let methods = paths.flat_map(|(path, operations)| {
        let names = operations.as_object().unwrap().keys().filter(|name| *name != "parameters");
        names.map(move |name| format!("{} {path}", name.to_uppercase()))
    });
    methods.collect()
}

/// The requests in a table, without their queries. A path without a method has that of the one before.
fn requests(text: &str, head: &str) -> BTreeSet<String> {
    let mut method = String::new();
    let cells = first_column(text, head).join("\n");
    let named = in_backticks(&cells).filter_map(|code| {
        let (named, path) = code.split_once('/')?;
        if !named.is_empty() {
            named.trim_end().clone_into(&mut method);
        }
        Some(format!("{method} /{}", path.split('?').next().unwrap()))
    });
    named.collect()
}

/// The names of the metrics in an exposition, without what they begin with.
fn metrics(exposition: &str) -> BTreeSet<String> {
    let lines = exposition.lines().filter_map(|line| line.strip_prefix("# TYPE oms_bridge_"));
    lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// The names of the metrics of a command in the table of `docs/operations.md`; in both languages the same.
fn documented(command: &str) -> BTreeSet<String> {
    let of = |row: &[BTreeSet<String>; 2]| row[1].contains(command).then(|| row[0].clone());
    table_of_metrics().iter().filter_map(of).flatten().collect()
}

/// The names in the first two columns of the table: metrics, and the commands that have them.
fn table_of_metrics() -> Vec<[BTreeSet<String>; 2]> {
    let names = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let [table, other] = [".md", ".zh-CN.md"].map(|suffix| {
        let text = read(&of_language("operations", suffix));
        let rows = text.lines().skip_while(|line| !line.starts_with("| `oms_bridge_…` |")).skip(2);
        let rows = rows.take_while(|line| line.starts_with('|'));
        let cells = rows.map(|row| row.split('|').skip(1).take(2).map(names).collect::<Vec<BTreeSet<_>>>());
        cells.map(|cells| <[_; 2]>::try_from(cells).unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(table, other);
    table
}

#[test]
fn the_table_of_metrics_names_all_of_them_once() {
    let listed: Vec<_> = table_of_metrics().into_iter().flat_map(|[names, _]| names).collect();
    let mut sorted = listed.clone();
    sorted.sort();
    let mut all: Vec<_> = ::metrics::names::ALL.iter().map(|metric| metric.name).collect();
    all.sort_unstable();
    assert_eq!(sorted, all);
}

#[test]
fn every_page_with_commands_is_run() {
    let documents = documents().into_iter().filter(|document| is_run(&document.path));
    let with_commands = documents.filter(|document| document.blocks.iter().any(|block| block.is("sh")));
    let paths: BTreeSet<_> = with_commands.map(|document| document.path).collect();
    let run: BTreeSet<_> =
        PAGES.iter().flat_map(|name| [".md", ".zh-CN.md"].map(|suffix| of_language(name, suffix))).collect();
    assert_eq!(paths, run, "a page is missing in PAGES, or has no commands any more");
}

/// Whether users read it. Other documents are about the repository itself.
pub(crate) fn is_page(path: &Path) -> bool {
    is_run(path) && !path.starts_with("docs/adr") && path != Path::new("docs/architecture.md")
}

/// Whether its commands are run.
pub(crate) fn is_run(path: &Path) -> bool {
    let name = path.to_str().unwrap();
    name.starts_with("docs/")
        || name.starts_with("deploy/")
        || ["README.md", "README.zh-CN.md"].contains(&name)
}
