//! The manifest, the newest one of a folder, and where its files are.

use std::fs;

use inventory::Options;

use crate::written::{FOLDER, File, Written, put, read};

const ROW: &str = "\"photos\",\"k\",\"1\",\"2024-04-22T01:11:06Z\",\"\"\n";

async fn address(path: &std::path::Path) -> String {
    read(path, Options::default()).await.unwrap().inventory.address()
}

#[tokio::test]
async fn the_newest_inventory_of_a_folder_is_taken() {
    let written = Written::s3(ROW);
    let newest = written.write();
    let manifest = fs::read(&newest).unwrap();
    let rule = written.path("inv/photos/all");
    for name in ["2025-12-31T23-00Z", "2026-01-31T01-00Z", "hive", "data", "dt=2027", "2027-01-01T00-00Z.old"]
    {
        put(&rule.join(name).join("manifest.json"), &manifest);
    }
    // Its manifest is written last.
    fs::create_dir(rule.join("2026-02-01T00-00Z")).unwrap();
    let expected = newest.to_str().unwrap();
    assert_eq!(address(&rule).await, expected);
    assert_eq!(address(&rule.join("")).await, expected);
    assert_eq!(address(newest.parent().unwrap()).await, expected);
    assert_eq!(address(&newest).await, expected);
}

#[tokio::test]
async fn folders_named_by_days_and_minutes_are_compared_by_their_times() {
    let written = Written::s3(ROW);
    let manifest = fs::read(written.write()).unwrap();
    let rule = written.path("inv/photos/cos");
    for name in ["20260130", "20260201", "2026-01-31-09-30"] {
        put(&rule.join(name).join("manifest.json"), &manifest);
    }
    put(&written.path("inv/photos/cos/data/a.csv.gz"), &written.files[0].bytes);
    assert!(address(&rule).await.ends_with("/cos/20260201/manifest.json"));
}

#[tokio::test]
async fn a_folder_without_an_inventory_says_what_to_name() {
    let written = Written::s3(ROW);
    written.write();
    for below in ["inv", "inv/photos/all/data", "nothing/here", "nothing/here/"] {
        let error = read(&written.path(below), Options::default()).await.unwrap_err().to_string();
        assert!(
            error.contains("name the manifest, or the folder of one rule: …/BUCKET/RULE/"),
            "{below}: {error}"
        );
    }
}

#[tokio::test]
async fn files_are_found_beside_a_manifest_that_was_copied() {
    let written = Written::s3(ROW);
    let manifest = fs::read(written.write()).unwrap();
    let bytes = &written.files[0].bytes;
    for (copy, file) in [
        ("x/manifest.json", "x/a.csv.gz"),
        ("y/T/daily.json", "y/data/a.csv.gz"),
        ("z/m.json", "z/files/a.csv.gz"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join(copy), &manifest);
        put(&folder.path().join(file), bytes);
        let read = read(&folder.path().join(copy), Options::default()).await.unwrap();
        assert_eq!(read.keys(), ["k"], "{copy}");
    }
}

#[tokio::test]
async fn files_of_a_prefix_with_a_slash_at_its_end_are_found() {
    // S3 writes them below two slashes and names them with one.
    let written = Written::s3(ROW);
    let path = written.write();
    let named = written.path("inv/photos/all/data/a.csv.gz");
    fs::create_dir_all(written.path(FOLDER).join("files")).unwrap();
    fs::rename(named, written.path(FOLDER).join("files/a.csv.gz")).unwrap();
    assert_eq!(read(&path, Options::default()).await.unwrap().keys(), ["k"]);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = Written::s3(ROW);
    put(&folder.path().join("secret.csv"), b"x");
    let outside = format!("../../../../../..{}", folder.path().join("secret.csv").display());
    written.files = vec![File { key: outside, bytes: Vec::new(), entry: r#""size":1"#.into() }];
    let path = written.path(FOLDER).join("manifest.json");
    put(&path, written.manifest().as_bytes());
    let error = read(&path, Options::default()).await.unwrap_err().to_string();
    assert!(error.contains("is missing"), "{error}");
}
