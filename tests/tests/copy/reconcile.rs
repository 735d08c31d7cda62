//! `reconcile`: what it finds, by what it judges, and what that costs.

use std::fs;

use cloud_twin::{ObsCrc64, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Cloud, Copy};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{comparison, ends_with, put_both, uploaded_in_parts};

/// Requests other than those of listings.
fn looks(cloud: &Cloud) -> [u64; 4] {
    let stats = cloud.twin.stats();
    [
        stats.requests(Service::Oss, "HeadObject"),
        stats.requests(Service::Obs, "HeadObject"),
        stats.requests(Service::Oss, "GetObject"),
        stats.requests(Service::Obs, "GetObject"),
    ]
}

/// Numbers of the result: equal, different, missing, extra, undecided, failed.
fn found(result: &Value) -> [u64; 6] {
    ["equal", "different", "missing", "extra", "undecided", "failed"]
        .map(|name| result[name].as_u64().unwrap())
}

/// The lines of a report, sorted.
async fn report(code: i32, run: Copy, more: &[&str]) -> (Vec<String>, Value) {
    let directory = TempDir::new().unwrap();
    let run = run.with(["--json", "--report", "report"]).with(more.iter().copied());
    let finished = run.run_in(directory.path()).await;
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let text = fs::read_to_string(directory.path().join("report")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    (lines, finished.json())
}

async fn unequal() -> Cloud {
    let cloud = Cloud::start().await;
    for (key, source, mirror) in [
        ("same", "same", "same"),
        ("shorter", "long", "lo"),
        ("other", "abcd", "abce"),
        ("missing", "m", ""),
        ("extra", "", "e"),
        ("parts", "in parts", "in parts"),
        ("with\nline", "l", ""),
    ] {
        put_both(&cloud, key, source, mirror);
    }
    uploaded_in_parts(&cloud, "parts");
    cloud
}

#[tokio::test]
async fn every_key_gets_its_sign_and_listings_alone_are_asked_for() {
    let cloud = unequal().await;
    let (lines, result) = report(3, comparison(&cloud), &[]).await;
    assert_eq!(
        lines,
        ["* other", "* shorter", "+ \"with\\nline\"", "+ missing", "- extra", "= same", "? parts"]
    );
    assert_eq!(found(&result), [1, 2, 2, 1, 1, 0]);
    assert_eq!(result["identical"], false);
    assert_eq!(result["equal_by"], json!({"md5": 1}));
    assert_eq!(result["different_by"], json!({"size": 1, "etag": 1}));
    assert_eq!(result["undecided_by"], json!({"size_only": 1}));
    assert_eq!(result["bytes_to_copy"], 4 + 4 + 1 + 1);
    assert_eq!(looks(&cloud), [0; 4]);
}

#[tokio::test]
async fn a_full_check_asks_only_for_what_listings_do_not_settle() {
    let cloud = unequal().await;
    // An encrypted object has an `ETag` that looks like an MD5 and is none.
    put_both(&cloud, "encrypted", "secret", "secret");
    cloud.twin.oss().modify(SOURCE, "encrypted", |object| object.etag = "0".repeat(32));
    let (lines, result) =
        report(3, comparison(&cloud), &["--check", "full", "--report-format", "json"]).await;
    let of = |key: &str| -> Value {
        let mut all = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.find(|line| line["key"] == key).unwrap_or_else(|| panic!("{key}: {lines:?}"))
    };
    for (key, result, by) in [
        ("same", "equal", "md5"),
        ("parts", "equal", "crc64"),
        ("encrypted", "equal", "crc64"),
        ("other", "different", "crc64"),
        ("shorter", "different", "size"),
    ] {
        assert_eq!((&of(key)["result"], &of(key)["by"]), (&json!(result), &json!(by)), "{key}");
    }
    assert_eq!((&of("missing")["result"], &of("missing")["source"]["size"]), (&json!("missing"), &json!(1)));
    assert_eq!(found(&result), [3, 2, 2, 1, 0, 0]);
    assert_eq!(looks(&cloud), [3, 3, 0, 0]);
}

#[tokio::test]
async fn content_is_read_where_nothing_else_would_show_the_difference() {
    let cloud = Cloud::with(Twin::builder().obs_crc64(ObsCrc64::Absent)).await;
    put_both(&cloud, "same", "content", "content");
    put_both(&cloud, "rotten", "content", "c0ntent");
    for key in ["same", "rotten"] {
        uploaded_in_parts(&cloud, key);
    }
    let (lines, result) = report(3, comparison(&cloud), &["--check", "full"]).await;
    assert_eq!((lines, found(&result)), (vec!["? rotten".into(), "? same".into()], [0, 0, 0, 0, 2, 0]));
    let (lines, result) = report(3, comparison(&cloud), &["--check", "content"]).await;
    assert_eq!(lines, ["* rotten", "= same"]);
    assert_eq!(result["equal_by"], json!({"content": 1}));
    put_both(&cloud, "rotten", "", "content");
    assert_eq!(report(0, comparison(&cloud), &["--check", "content"]).await.1["identical"], true);
}

#[tokio::test]
async fn a_copy_of_this_program_is_known_by_the_etag_of_its_source() {
    let cloud = Cloud::with(Twin::builder().obs_crc64(ObsCrc64::Absent)).await;
    put_both(&cloud, "a", "content", "");
    cloud.twin.oss().modify(SOURCE, "a", |object| object.etag = "0123456789ABCDEF0123456789ABCDEF-2".into());
    ends_with(0, crate::support::all_to_mirror(&cloud)).await;
    cloud.twin.obs().modify(MIRROR, "a", |object| object.etag = "fedcba9876543210fedcba9876543210-3".into());
    let (lines, result) = report(0, comparison(&cloud), &["--check", "full"]).await;
    assert_eq!((lines, &result["equal_by"]), (vec!["= a".into()], &json!({"source_etag": 1})));
}

#[tokio::test]
async fn folders_globs_and_times_choose_what_is_compared() {
    let cloud = Cloud::start().await;
    for key in ["x/a.jpg", "x/b.txt", "x/old.jpg", "y/c"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    cloud.twin.oss().modify(SOURCE, "x/old.jpg", |object| object.last_modified -= chrono::TimeDelta::days(9));
    cloud.twin.obs().put(MIRROR, "copy/a.jpg", "x/a.jpg");
    let (from, to) = (format!("oss://{SOURCE}/x"), format!("obs://{MIRROR}/copy/"));
    let run = || Copy::new(&cloud.twin, &from, &to).comparing();
    let (lines, _) = report(3, run(), &[]).await;
    assert_eq!(lines, ["+ b.txt", "+ old.jpg", "= a.jpg"]);
    let (lines, result) = report(3, run(), &["--exclude", "*.txt"]).await;
    assert_eq!((lines, &result["filtered"]), (vec!["+ old.jpg".into(), "= a.jpg".into()], &json!(1)));
    let (lines, result) = report(0, run(), &["--include", "*.jpg", "--newer-than", "2d"]).await;
    assert_eq!((lines, &result["older"]), (vec!["= a.jpg".into()], &json!(1)));
}

#[tokio::test]
async fn what_oms_and_this_program_keep_for_themselves_is_left_out() {
    let cloud = Cloud::start().await;
    put_both(&cloud, "a", "a", "a");
    put_both(&cloud, "oms/sync_task/1/success_object_lists/l", "", "list");
    put_both(&cloud, "oms_source_record/1/failed_object/k", "record", "");
    let (lines, result) = report(0, comparison(&cloud), &[]).await;
    assert_eq!((lines, &result["left_out"]), (vec!["= a".into()], &json!(2)));
    // Objects of one's own of that name are compared.
    put_both(&cloud, "oms/mine", "mine", "other");
    let (lines, _) = report(3, comparison(&cloud), &[]).await;
    assert_eq!(lines, ["* oms/mine", "= a"]);
}

#[tokio::test]
async fn keys_that_look_alike_are_different_keys() {
    let cloud = Cloud::start().await;
    put_both(&cloud, "caf\u{e9}", "x", "");
    put_both(&cloud, "cafe\u{301}", "", "x");
    // Between these two the order of bytes and that of UTF-16 differ.
    for key in ["\u{ff5e}", "\u{1f600}", "a//b", "/a", "a b+%2F", "x\u{1}"] {
        put_both(&cloud, key, "x", "x");
    }
    let (lines, result) = report(3, comparison(&cloud), &[]).await;
    assert_eq!(
        lines.iter().filter(|line| !line.starts_with('=')).collect::<Vec<_>>(),
        ["+ caf\u{e9}", "- cafe\u{301}"]
    );
    assert_eq!(found(&result), [6, 0, 1, 1, 0, 0]);
}

#[tokio::test]
async fn a_local_folder_is_walked_in_the_order_of_keys() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    fs::create_dir_all(folder.path().join("a/b")).unwrap();
    fs::create_dir_all(folder.path().join("empty")).unwrap();
    for key in ["a-1", "a.txt", "a/b/c", "a/b.txt", "a/z", "a0"] {
        fs::write(folder.path().join(key), key).unwrap();
        cloud.twin.obs().put(MIRROR, key, key);
    }
    for key in ["empty/", "none/"] {
        cloud.twin.obs().put(MIRROR, key, "");
    }
    let (from, to) = (folder.path().display().to_string(), format!("obs://{MIRROR}"));
    let run = || Copy::new(&cloud.twin, &from, &to).comparing();
    let (lines, _) = report(3, run(), &["--check", "full"]).await;
    assert_eq!(lines, ["- none/", "= a-1", "= a.txt", "= a/b.txt", "= a/b/c", "= a/z", "= a0", "= empty/"]);
    fs::write(folder.path().join("a/z"), "a/y").unwrap();
    let (lines, result) = report(3, run(), &["--check", "full"]).await;
    assert!(lines.contains(&"* a/z".to_owned()), "{lines:?}");
    assert_eq!(result["different_by"], json!({"crc64": 1}));
    // The other way round; a listing alone says nothing of a file but its size.
    for key in ["a-1", "a.txt", "a/b/c", "a/b.txt", "a/z", "a0"] {
        let file = fs::File::options().write(true).open(folder.path().join(key)).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        cloud.twin.obs().modify(MIRROR, key, |object| object.last_modified -= chrono::TimeDelta::hours(1));
    }
    let back = Copy::new(&cloud.twin, &to, &from).comparing();
    let (lines, _) = report(3, back, &[]).await;
    assert!(lines.contains(&"? a-1".to_owned()) && lines.contains(&"+ none/".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn the_object_of_a_folder_is_not_missing_in_a_local_folder() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    for key in ["f/", "f/a"] {
        cloud.twin.obs().put(MIRROR, key, if key == "f/" { "" } else { "a" });
    }
    fs::write(folder.path().join("a"), "a").unwrap();
    let (local, remote) = (folder.path().display().to_string(), format!("obs://{MIRROR}/f/"));
    for (from, to) in [(&local, &remote), (&remote, &local)] {
        let run = Copy::new(&cloud.twin, from, to).comparing();
        let (lines, result) = report(0, run, &["--check", "full"]).await;
        assert_eq!((lines, &result["left_out"]), (vec!["= a".into()], &json!(1)));
    }
}

#[tokio::test]
async fn a_side_that_is_empty_or_not_there_is_said() {
    let cloud = Cloud::start().await;
    put_both(&cloud, "a", "a", "");
    let finished = ends_with(3, comparison(&cloud)).await;
    assert!(finished.stderr.contains(&format!("obs://{MIRROR}/ is empty")), "{finished:?}");
    assert!(finished.stdout.starts_with("1 key: 0 equal, 0 different, 1 missing, 0 extra"), "{finished:?}");
    for (from, to) in [("/nowhere/at/all", "obs://mirror"), ("oss://source", "/nowhere/at/all")] {
        let finished = ends_with(2, Copy::new(&cloud.twin, from, to).comparing()).await;
        assert!(finished.stderr.contains("name a folder that is there"), "{finished:?}");
    }
    let same = Copy::new(&cloud.twin, "oss://source/a", "oss://source/a").comparing();
    let finished = ends_with(2, same).await;
    assert!(finished.stderr.contains("SRC and DST are the same"), "{finished:?}");
}
