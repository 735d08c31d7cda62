use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(format!("{ROOT}/Cargo.toml")).other_options(["--locked".to_owned()]);
    command.exec().unwrap()
}

/// The packages that a build of the product with `flags` is made of, without its tests.
fn parts(flags: &[&str]) -> BTreeSet<String> {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(ROOT).args(["tree", "--locked", "--package", "oms-bridge"]).args(flags);
    command.args(["--edges", "normal,build", "--prefix", "none", "--format", "{lib}"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn member<'m>(metadata: &'m Metadata, name: &str) -> &'m Package {
    let found = metadata.workspace_packages().into_iter().find(|package| package.name.as_str() == name);
    found.unwrap_or_else(|| panic!("no workspace member {name}"))
}

fn members(metadata: &Metadata) -> BTreeSet<String> {
    metadata.workspace_packages().iter().map(|package| package.name.to_string()).collect()
}

/// The workspace members that `name` depends on, for tests and examples too.
fn depends_on(metadata: &Metadata, name: &str) -> BTreeSet<String> {
    let members = members(metadata);
    let dependencies = member(metadata, name).dependencies.iter();
    dependencies.map(|dependency| dependency.name.clone()).filter(|name| members.contains(name)).collect()
}

/// Every member but the product and its benchmarks, with the members that it depends on, for its tests too:
/// only those above it.
const MEMBERS: &[(&str, &[&str])] = &[
    ("apig-signer", &[]),
    ("oss-lite", &[]),
    ("http-client", &[]),
    ("http-listener", &[]),
    ("metrics", &[]),
    ("object-events", &[]),
    ("settings", &["oss-lite"]),
    ("texts", &["settings"]),
    ("terminal", &["settings", "texts"]),
    ("command-failure", &["http-client", "oss-lite", "settings"]),
    ("aws-access", &["http-client"]),
    // There is one rule for slow and silent clients, wherever somebody listens.
    ("fc-adapter", &["http-listener"]),
    ("cloud-twin", &["http-listener"]),
    // The harness of the tests, which knows nothing of the product but its binary.
    ("e2e", &["cloud-twin", "oss-lite"]),
    ("object-copy", &["aws-access", "http-client", "oss-lite", "settings"]),
    ("inventory", &["object-copy", "oss-lite", "settings"]),
    ("reconcile", &["inventory", "object-copy", "oss-lite"]),
    ("signature-breaker", &["apig-signer", "object-copy", "oss-lite", "settings"]),
    (
        "bridge-core",
        &[
            "apig-signer",
            "e2e",
            "http-client",
            "metrics",
            "object-copy",
            "object-events",
            "oss-lite",
            "settings",
            "signature-breaker",
        ],
    ),
    ("arrival", &["bridge-core", "object-copy", "object-events", "oss-lite", "reconcile", "settings"]),
    ("arrival-report", &["arrival", "settings", "texts"]),
    (
        "repair",
        &[
            "apig-signer",
            "bridge-core",
            "e2e",
            "object-copy",
            "object-events",
            "oss-lite",
            "reconcile",
            "signature-breaker",
        ],
    ),
    (
        "status-report",
        &["arrival", "bridge-core", "metrics", "object-copy", "oss-lite", "settings", "terminal"],
    ),
    (
        "sqs-worker",
        &[
            "aws-access",
            "bridge-core",
            "http-client",
            "http-listener",
            "metrics",
            "object-copy",
            "object-events",
            "oss-lite",
            "settings",
        ],
    ),
    (
        "upload-desk",
        &[
            "bridge-core",
            "http-client",
            "http-listener",
            "metrics",
            "object-copy",
            "object-events",
            "oss-lite",
            "settings",
        ],
    ),
    (
        "web-ingest",
        &["bridge-core", "fc-adapter", "http-listener", "object-copy", "object-events", "oss-lite"],
    ),
    (
        "function-host",
        &[
            "arrival",
            "bridge-core",
            "fc-adapter",
            "http-client",
            "http-listener",
            "metrics",
            "object-copy",
            "object-events",
            "oss-lite",
            "settings",
            "web-ingest",
        ],
    ),
    (
        "bridge-config",
        &[
            "apig-signer",
            "arrival",
            "bridge-core",
            "fc-adapter",
            "http-listener",
            "object-copy",
            "object-events",
            "oss-lite",
            "settings",
            "terminal",
            "upload-desk",
        ],
    ),
];

#[test]
fn members_depend_on_those_below_them_alone() {
    let metadata = metadata();
    for (at, (member, below)) in MEMBERS.iter().enumerate() {
        let allowed: BTreeSet<_> = below.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(depends_on(&metadata, member), allowed, "{member}");
        for name in *below {
            assert!(
                MEMBERS[..at].iter().any(|(other, _)| other == name),
                "{name} does not stand above {member}"
            );
        }
    }
    let known: BTreeSet<_> = MEMBERS.iter().map(|(name, _)| *name).chain(["oms-bridge", "bench"]).collect();
    assert_eq!(members(&metadata).iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
}

#[test]
fn the_product_stands_on_the_libraries() {
    let allowed = [
        "arrival",
        "arrival-report",
        "aws-access",
        "bridge-config",
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
        "oss-lite",
        "reconcile",
        "repair",
        "settings",
        "signature-breaker",
        "sqs-worker",
        "status-report",
        "terminal",
        "texts",
        "upload-desk",
        "web-ingest",
    ]
    .map(str::to_owned)
    .into();
    let metadata = metadata();
    let mut below = depends_on(&metadata, "oms-bridge");
    // Its end-to-end tests stand on their harness, which knows nothing of it but the binary.
    assert!(below.remove("e2e") && !depends_on(&metadata, "e2e").contains("oms-bridge"));
    // On itself, for the features of its tests alone.
    let itself = member(&metadata, "oms-bridge").dependencies.iter().find(|it| it.name == "oms-bridge");
    assert!(below.remove("oms-bridge") && itself.unwrap().kind == DependencyKind::Development);
    assert!(below.is_subset(&allowed));
    for member in members(&metadata) {
        assert!(
            ["bench", "oms-bridge"].contains(&&*member)
                || !depends_on(&metadata, &member).contains("oms-bridge"),
            "{member} depends on the product"
        );
    }
}

#[test]
fn what_is_deployed_has_no_local_cloud_no_sdk_of_aws_and_no_database_and_the_usual_build_only_the_first() {
    let metadata = metadata();
    for member in members(&metadata) {
        let may = ["oms-bridge", "e2e", "bench"].contains(&&*member);
        assert!(may || !depends_on(&metadata, &member).contains("cloud-twin"), "{member}");
    }
    let has = |parts: &BTreeSet<String>| {
        ["oss_lite", "cloud_twin", "aws_sdk_sqs", "sqlx", "axum"].map(|part| parts.contains(part))
    };
    let heavy = |parts: &BTreeSet<String>| {
        let heavy =
            |part: &&String| part.starts_with("aws_") || part.starts_with("sqlx") || part.contains("sqlite");
        parts.iter().filter(heavy).cloned().collect::<Vec<_>>()
    };
    let deployed = parts(&["--no-default-features"]);
    assert_eq!((has(&deployed), heavy(&deployed)), ([true, false, false, false, false], vec![]));
    let usual = parts(&[]);
    assert_eq!((has(&usual), heavy(&usual)), ([true, true, false, false, false], vec![]));
    assert_eq!(has(&parts(&["--features", "full"])), [true; 5]);
    let build = fs::read_to_string(format!("{ROOT}/deploy/build.sh")).unwrap();
    assert!(build.contains("--no-default-features"));
}

/// Cargo leaves out a target whose `required-features` are missing, and says nothing.
#[test]
fn no_test_can_be_left_out_for_want_of_a_feature() {
    let metadata = metadata();
    let mut main_files = BTreeSet::new();
    for package in metadata.workspace_packages() {
        for target in &package.targets {
            assert!(target.required_features.is_empty(), "{} {}", package.name, target.name);
            if target.is_test() {
                main_files.insert(fs::canonicalize(&target.src_path).unwrap());
            }
        }
    }
    for folder in fs::read_dir(format!("{ROOT}/tests/tests")).unwrap() {
        let main = fs::canonicalize(folder.unwrap().path().join("main.rs")).unwrap();
        assert!(main_files.contains(&main), "{} is no test of any package", main.display());
    }
    let product = member(&metadata, "oms-bridge");
    let resolved =
        metadata.resolve.as_ref().unwrap().nodes.iter().find(|node| node.id == product.id).unwrap();
    let tested: BTreeSet<&str> = resolved.features.iter().map(|feature| feature.as_str()).collect();
    let all: BTreeSet<&str> = product.features.keys().map(String::as_str).collect();
    assert_eq!(tested, all, "what tests are built with, without flags");
}

#[test]
fn there_is_one_tls_stack() {
    let lock = fs::read_to_string(format!("{ROOT}/Cargo.lock")).unwrap();
    assert!(lock.contains("name = \"rustls\"\n"));
    for other in ["openssl", "openssl-sys", "native-tls", "aws-lc-rs", "aws-lc-sys"] {
        assert!(!lock.contains(&format!("name = \"{other}\"\n")), "{other} is in Cargo.lock");
    }
}

#[test]
fn every_member_inherits_the_lints() {
    for package in metadata().workspace_packages() {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        let lints = manifest.split("\n[lints]\n").nth(1).map(str::trim_start);
        assert!(lints.is_some_and(|lints| lints.starts_with("workspace = true")), "{}", package.name);
    }
}

/// The Rust files in a folder and those below it.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|file| file.extension().is_some_and(|kind| kind == "rs"));
    rust.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// A library or binary with `test = false` costs no test binary, and its unit tests would never run.
#[test]
fn what_is_built_without_unit_tests_has_none() {
    let metadata = metadata();
    let packages = metadata.workspace_packages();
    let untested = packages.iter().flat_map(|package| &package.targets).filter(|target| !target.test);
    for target in untested.filter(|target| target.is_lib() || target.is_bin()) {
        let main = target.src_path.as_std_path();
        let files = if target.is_lib() { sources(main.parent().unwrap()) } else { vec![main.to_owned()] };
        assert!(!files.is_empty(), "{}", target.name);
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("#[cfg(test)]"), "{} would not be tested", file.display());
        }
    }
}
