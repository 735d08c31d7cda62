use std::collections::BTreeSet;
use std::fs;

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, Package};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

fn metadata(features: Option<CargoOpt>) -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(format!("{ROOT}/Cargo.toml")).other_options(["--locked".to_owned()]);
    if let Some(features) = features {
        command.features(features);
    }
    command.exec().unwrap()
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

#[test]
fn libraries_know_neither_each_other_nor_the_product() {
    let metadata = metadata(None);
    for library in ["apig-signer", "oss-lite", "fc-adapter", "cloud-twin"] {
        assert_eq!(depends_on(&metadata, library), BTreeSet::new(), "{library}");
    }
}

#[test]
fn the_product_stands_on_the_libraries() {
    let allowed = ["apig-signer", "cloud-twin", "fc-adapter", "oss-lite"].map(str::to_owned).into();
    let metadata = metadata(None);
    let mut below = depends_on(&metadata, "oms-bridge");
    // Its end-to-end tests stand on their harness, which knows nothing of it but the binary.
    assert!(below.remove("e2e") && !depends_on(&metadata, "e2e").contains("oms-bridge"));
    assert!(below.is_subset(&allowed));
    for member in members(&metadata) {
        assert!(
            member == "bench" || !depends_on(&metadata, &member).contains("oms-bridge"),
            "{member} depends on the product"
        );
    }
}

#[test]
fn neither_the_local_cloud_nor_the_sdk_of_aws_nor_a_database_is_part_of_what_is_deployed() {
    let with_defaults = metadata(None);
    let product = member(&with_defaults, "oms-bridge");
    let twin: Vec<_> =
        product.dependencies.iter().filter(|dependency| dependency.name == "cloud-twin").collect();
    let [twin] = twin.as_slice() else { panic!("one entry for the demo") };
    assert!(twin.optional && twin.kind == DependencyKind::Normal);
    for (feature, enables) in &product.features {
        let brings_it = enables.iter().any(|enabled| enabled.contains("cloud-twin"));
        assert!(!brings_it || ["demo", "cloud-twin"].contains(&&**feature), "feature {feature}");
    }
    for member in members(&with_defaults) {
        let may = ["oms-bridge", "e2e", "bench"].contains(&&*member);
        assert!(may || !depends_on(&with_defaults, &member).contains("cloud-twin"), "{member}");
    }

    let deployed = metadata(Some(CargoOpt::NoDefaultFeatures));
    let id = &member(&deployed, "oms-bridge").id;
    let resolved = deployed.resolve.as_ref().unwrap();
    let product = resolved.nodes.iter().find(|node| node.id == *id).unwrap();
    let dependencies: Vec<&str> = product.deps.iter().map(|dependency| &*dependency.name).collect();
    assert!(dependencies.contains(&"oss_lite") && !dependencies.contains(&"cloud_twin"), "{dependencies:?}");
    assert!(!dependencies.iter().any(|name| name.starts_with("aws_")), "{dependencies:?}");
    assert!(!dependencies.iter().any(|name| ["axum", "sqlx"].contains(name)), "{dependencies:?}");
    let build = fs::read_to_string(format!("{ROOT}/deploy/build.sh")).unwrap();
    assert!(build.contains("--no-default-features"));
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
    for package in metadata(None).workspace_packages() {
        let manifest = fs::read_to_string(&package.manifest_path).unwrap();
        let lints = manifest.split("\n[lints]\n").nth(1).map(str::trim_start);
        assert!(lints.is_some_and(|lints| lints.starts_with("workspace = true")), "{}", package.name);
    }
}
