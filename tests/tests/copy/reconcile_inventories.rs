//! `reconcile` with an inventory in the place of a bucket.

use std::fs;
use std::io::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Cloud, Copy, Finished};
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::put_both;

/// An inventory that is complete to ten minutes ago.
fn of_now() -> DateTime<Utc> {
    Utc::now() + TimeDelta::hours(24) - TimeDelta::minutes(10)
}

/// Where the inventory of the source bucket is in the log bucket.
const RULE: &str = "inventory/source/daily/";

/// The MD5 that an object of this text has as its `ETag`.
fn md5(text: impl AsRef<[u8]>) -> String {
    hex(&Md5::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().concat()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// A row of OSS for an object of this text, an hour old.
fn row(key: &str, text: &str) -> String {
    let time = (Utc::now() - TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%S.000Z");
    format!("\"{SOURCE}\",\"{key}\",{},\"{time}\",\"{}\"\n", text.len(), md5(text))
}

/// The files of an inventory of OSS by their keys, the manifest last.
fn oss_inventory(time: DateTime<Utc>, rows: &str) -> Vec<(String, Vec<u8>)> {
    let (file, data) = (format!("{RULE}data/a.csv.gz"), gzip(rows));
    let manifest = json!({
        "creationTimestamp": time.timestamp().to_string(),
        "destinationBucket": LOGS,
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, LastModifiedDate, ETag",
        "files": [{"MD5checksum": md5(&data), "key": file, "size": data.len()}],
        "sourceBucket": SOURCE,
        "version": "2019-09-01",
    });
    let manifest = manifest.to_string();
    let folder = format!("{RULE}2026-01-31T02-00Z/");
    // The time of the folder is earlier than that of the manifest only where both are real.
    let folder = folder.replace("2026-01-31T02-00Z", &time.format("%Y-%m-%dT%H-%MZ").to_string());
    vec![
        (file, data),
        (format!("{folder}manifest.checksum"), md5(&manifest).into_bytes()),
        (format!("{folder}manifest.json"), manifest.into_bytes()),
    ]
}

/// Puts an inventory of the source bucket into the log bucket.
fn put(cloud: &Cloud, files: &[(String, Vec<u8>)]) {
    for (key, body) in files {
        cloud.twin.oss().put(LOGS, key, body.clone());
    }
}

fn run(cloud: &Cloud) -> Copy {
    Copy::new(&cloud.twin, format!("inventory:oss://{LOGS}/{RULE}"), format!("obs://{MIRROR}")).comparing()
}

/// The lines of the report, sorted, and the end of the run.
async fn report(code: i32, run: Copy, more: &[&str]) -> (Vec<String>, Finished) {
    let directory = TempDir::new().unwrap();
    let run = run.with(["--json", "--report", "report"]).with(more.iter().copied());
    let finished = run.run_in(directory.path()).await;
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let text = fs::read_to_string(directory.path().join("report")).unwrap_or_default();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    (lines, finished)
}

/// HEAD requests to both services, and listings of the source bucket's service.
fn asked(cloud: &Cloud) -> [u64; 3] {
    let stats = cloud.twin.stats();
    [
        stats.requests(Service::Oss, "HeadObject"),
        stats.requests(Service::Obs, "HeadObject"),
        stats.requests(Service::Oss, "ListObjects"),
    ]
}

#[tokio::test]
async fn the_newest_inventory_of_a_folder_stands_for_its_bucket() {
    let cloud = Cloud::start().await;
    for (key, text) in [("same", "same"), ("a+b c", "plus"), ("longer", "short"), ("extra", "e")] {
        put_both(&cloud, key, "", text);
    }
    let rows = [row("same", "same"), row("a+b%20c", "plus"), row("missing", "m"), row("longer", "longer")];
    put(&cloud, &oss_inventory(of_now() - TimeDelta::days(1), "damaged"));
    put(&cloud, &oss_inventory(of_now(), &rows.concat()));
    let (lines, finished) = report(3, run(&cloud), &[]).await;
    assert_eq!(lines, ["* longer", "+ missing", "- extra", "= a+b c", "= same"]);
    let result = finished.json();
    assert_eq!(result["equal_by"], json!({"md5": 2}));
    let inventory = &result["inventories"][0];
    assert_eq!((&inventory["argument"], &inventory["rows"]), (&json!("SRC"), &json!(4)));
    let manifest = inventory["manifest"].as_str().unwrap();
    assert!(finished.stderr.contains(&format!("SRC: the inventory {manifest} of ")), "{finished:?}");
    assert!(finished.stderr.contains("--check full asks for each"), "{finished:?}");
    // One listing finds the newest inventory. Neither is the source bucket listed, nor an object asked for.
    assert_eq!(asked(&cloud), [0, 0, 1]);
    // The folder of one time, and the manifest itself.
    let folder = manifest.strip_suffix("manifest.json").unwrap();
    for place in [folder, manifest] {
        let run = Copy::new(&cloud.twin, format!("inventory:{place}"), format!("obs://{MIRROR}")).comparing();
        assert_eq!(report(3, run, &[]).await.0, lines);
    }
}

#[tokio::test]
async fn what_is_newer_than_the_inventory_is_asked_for() {
    let cloud = Cloud::start().await;
    put(&cloud, &oss_inventory(of_now(), &[row("old", "old"), row("replaced", "before")].concat()));
    put_both(&cloud, "old", "old", "old");
    for (key, source, mirror) in
        [("new", "new", "new"), ("replaced", "after it", "after it"), ("only there", "", "x")]
    {
        if !source.is_empty() {
            cloud.twin.oss().put(SOURCE, key, source);
        }
        cloud.twin.obs().put(MIRROR, key, mirror);
    }
    let (lines, finished) = report(3, run(&cloud), &[]).await;
    assert_eq!(lines, ["- only there", "= new", "= old", "= replaced"]);
    assert_eq!(finished.json()["looks"], 6);
    assert_eq!(asked(&cloud)[1], 3);
}

#[tokio::test]
async fn what_is_newer_stays_undecided_where_the_bucket_cannot_be_asked() {
    let cloud = Cloud::start().await;
    put_both(&cloud, "old", "", "old");
    cloud.twin.obs().put(MIRROR, "new", "new");
    let directory = TempDir::new().unwrap();
    for (key, body) in oss_inventory(of_now(), &[row("old", "old"), row("missing", "m")].concat()) {
        let path = directory.path().join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, body).unwrap();
    }
    let place = format!("inventory:{}", directory.path().join(RULE).display());
    let local = || Copy::new(&cloud.twin, &place, format!("obs://{MIRROR}")).comparing();
    let nothing = local().settings(|settings| settings.unset("OSS_ENDPOINT"));
    let (lines, finished) = report(3, nothing, &[]).await;
    assert_eq!(lines, ["+ missing", "= old", "? new"]);
    assert_eq!(finished.json()["undecided_by"], json!({"newer": 1}));
    assert!(finished.stderr.contains("undecided: 1 key newer than an inventory"), "{finished:?}");
    // With the endpoint of its service the bucket is asked.
    let (lines, _) = report(3, local(), &[]).await;
    assert_eq!(lines, ["+ missing", "- new", "= old"]);
}

#[tokio::test]
async fn a_full_check_looks_at_every_difference_again() {
    let cloud = Cloud::start().await;
    put(&cloud, &oss_inventory(of_now(), &[row("deleted since", "d"), row("missing", "m")].concat()));
    put_both(&cloud, "missing", "m", "");
    assert_eq!(report(3, run(&cloud), &[]).await.0, ["+ deleted since", "+ missing"]);
    let (lines, finished) = report(3, run(&cloud), &["--check", "full"]).await;
    assert_eq!((lines, &finished.json()["vanished"]), (vec!["+ missing".into()], &json!(1)));
}

#[tokio::test]
async fn nothing_is_concluded_from_a_damaged_inventory() {
    let cloud = Cloud::start().await;
    let files = oss_inventory(of_now(), &[row("a", "a"), row("b", "b")].concat());
    let (manifest, data) = (files[2].clone(), files[0].clone());
    let other = gzip(&row("a", "a"));
    let text = String::from_utf8(manifest.1.clone()).unwrap();
    let no_data: Vec<_> = files.iter().filter(|(key, _)| !key.contains("/data/")).cloned().collect();
    for (files, part) in [
        (vec![(data.0.clone(), other), files[1].clone(), manifest.clone()], "and the manifest says"),
        (no_data, "the file that the manifest names is missing"),
        (
            vec![
                data.clone(),
                files[1].clone(),
                (manifest.0.clone(), text.replace("CSV", "csv").into_bytes()),
            ],
            "it is being written, or was changed",
        ),
        (
            vec![data.clone(), (manifest.0.clone(), text.replace("CSV", "ORC").into_bytes())],
            "set the output format of the inventory's rule to CSV",
        ),
        (vec![], "name the manifest, or the folder of one rule"),
    ] {
        let cloud = Cloud::start().await;
        put(&cloud, &files);
        let (lines, finished) = report(2, run(&cloud), &[]).await;
        assert_eq!(lines, Vec::<String>::new(), "{part}");
        assert!(finished.stderr.contains(part), "{part}: {finished:?}");
    }
    drop(cloud);
}

#[tokio::test]
async fn an_inventory_of_obs_stands_for_the_destination() {
    let cloud = Cloud::start().await;
    for key in ["dir/a b", "dir/c", "d"] {
        put_both(&cloud, key, key, "");
    }
    let time = (Utc::now() - TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%SZ");
    let line = |key: &str, latest: bool, marker: bool, text: &str| {
        format!("{MIRROR},{key},v,{latest},{marker},{},{time},{}\n", text.len(), md5(text).to_lowercase())
    };
    let rows = [
        line("dir/a+b", true, false, "dir/a b"),
        line("dir/c", true, true, ""),
        line("dir/c", false, false, "dir/c"),
        line("d", true, false, "d"),
    ];
    let rows = rows.concat();
    let folder = format!("BucketInventory/{MIRROR}/all/{}/", of_now().format("%Y-%m-%dT%H-%MZ"));
    let manifest = json!({
        "sourceBucket": MIRROR,
        "destinationBucket": "inventories",
        "version": "2019-01-03",
        "fileFormat": "CSV",
        "fileSchema": "Bucket,Key,VersionId,IsLatest,IsDeleteMarker,Size,LastModifiedDate,ETag",
        "files": [{
            "key": format!("{folder}files/A_0.csv").replace('/', "%2F"),
            "size": rows.len().to_string(),
            "inventoriedRecord": 4,
        }],
    });
    cloud.twin.create_obs_bucket("inventories");
    cloud.twin.obs().put("inventories", &format!("{folder}files/A_0.csv"), rows);
    cloud.twin.obs().put("inventories", &format!("{folder}manifest.json"), manifest.to_string());
    let to = format!("inventory:obs://inventories/BucketInventory/{MIRROR}/all");
    let run =
        |from: &str| Copy::new(&cloud.twin, from, &to).comparing().set("DEST_ENDPOINT", cloud.twin.obs_url());
    let (lines, finished) = report(3, run(&format!("oss://{SOURCE}")), &[]).await;
    assert_eq!(lines, ["+ dir/c", "= d", "= dir/a b"]);
    let inventory: &Value = &finished.json()["inventories"][0];
    assert_eq!((&inventory["old_versions"], &inventory["delete_markers"]), (&json!(1), &json!(1)));
    for left_out in ["1 row (earlier versions)", "1 row (deleted keys)"] {
        let said = format!("left out of the inventory DST: {left_out}");
        assert!(finished.stderr.contains(&said), "{finished:?}");
    }
    // A part of it beside a folder.
    let (lines, _) = report(3, run(&format!("oss://{SOURCE}/dir/")), &["--inventory-prefix", "dir/"]).await;
    assert_eq!(lines, ["+ c", "= a b"]);
    // With another encoding a `+` is a `+`.
    let (lines, _) = report(3, run(&format!("oss://{SOURCE}")), &["--inventory-keys", "percent"]).await;
    assert_eq!(lines, ["+ dir/a b", "+ dir/c", "- dir/a+b", "= d"]);
}

#[tokio::test]
async fn rows_in_any_order_are_compared_page_by_page_and_resumed() {
    let cloud = Cloud::start().await;
    let rows: Vec<String> = (0..2500).rev().map(|number| row(&format!("k/{number:04}"), "x")).collect();
    put(&cloud, &oss_inventory(of_now(), &rows.concat()));
    for number in 0..2500 {
        put_both(&cloud, &format!("k/{number:04}"), "", if number % 1000 == 0 { "xx" } else { "x" });
    }
    let (lines, finished) = report(3, run(&cloud), &["--checkpoint", "checkpoint"]).await;
    assert_eq!(lines.len(), 2500);
    assert_eq!(&lines[..3], ["* k/0000", "* k/1000", "* k/2000"]);
    assert_eq!(finished.json()["equal"], 2497);
}

#[tokio::test]
async fn a_checkpoint_is_of_one_reading_of_the_keys() {
    let cloud = Cloud::start().await;
    put(&cloud, &oss_inventory(of_now(), &row("a+b", "x")));
    let directory = TempDir::new().unwrap();
    let refused = Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no"));
    let refused = cloud.twin.faults().inject(refused);
    let run =
        |keys: &str| run(&cloud).with(["--json", "--checkpoint", "checkpoint", "--inventory-keys", keys]);
    let finished = run("percent").run_in(directory.path()).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    cloud.twin.faults().clear(refused);
    let other = run("form").run_in(directory.path()).await;
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(other.stderr.contains("is of another comparison"), "{other:?}");
    let finished = run("percent").run_in(directory.path()).await;
    assert_eq!((finished.code, &finished.json()["missing"]), (Some(3), &json!(1)), "{finished:?}");
}

#[tokio::test]
async fn arguments_that_name_no_inventory_are_refused() {
    let cloud = Cloud::start().await;
    for (place, part) in [
        ("inventory:", "names no inventory"),
        ("inventory:obs:logs/x", "inventory:obs://logs/x"),
        ("inventory:/nowhere/at/all", "name the manifest, or the folder of one rule"),
    ] {
        let run = Copy::new(&cloud.twin, place, format!("obs://{MIRROR}")).comparing();
        let (_, finished) = report(2, run, &[]).await;
        assert!(finished.stderr.contains(part), "{place}: {finished:?}");
    }
}
