//! `reconcile` with a bucket of Amazon S3 on either side: the buckets of the local cloud, spoken to as S3 speaks.

use std::fs;
use std::io::Write as _;

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Cloud, Copy, Finished};
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{ends_with, put_both};

/// From the source bucket to the mirror, as a bucket of S3.
fn to_s3(cloud: &Cloud) -> Copy {
    of_s3(cloud, Copy::new(&cloud.twin, format!("oss://{SOURCE}"), format!("s3://{MIRROR}")))
        .set("DEST_ENDPOINT", cloud.twin.obs_url())
}

fn of_s3(cloud: &Cloud, run: Copy) -> Copy {
    let account = cloud.twin.huawei_account();
    run.comparing()
        .set("AWS_REGION", "eu-west-1")
        .set("AWS_ACCESS_KEY_ID", &account.access_key)
        .set("AWS_SECRET_ACCESS_KEY", &account.secret_key)
        .set("AWS_EC2_METADATA_DISABLED", "true")
}

async fn report(code: i32, run: Copy) -> (Vec<String>, Value, Finished) {
    let directory = TempDir::new().unwrap();
    let finished = run.with(["--json", "--report", "report"]).run_in(directory.path()).await;
    assert_eq!(finished.code, Some(code), "{finished:?}");
    let text = fs::read_to_string(directory.path().join("report")).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    (lines, finished.json(), finished)
}

async fn unequal() -> Cloud {
    let cloud = Cloud::start().await;
    for (key, source, mirror) in [
        ("same", "same", "same"),
        ("a b+c/测", "same", "same"),
        ("other", "abcd", "abce"),
        ("missing", "m", ""),
        ("extra", "", "e"),
    ] {
        put_both(&cloud, key, source, mirror);
    }
    cloud
}

#[tokio::test]
async fn a_bucket_of_s3_is_compared_as_dst() {
    let cloud = unequal().await;
    // A HEAD of S3 does not make sure whether an `ETag` is an MD5: not all services of its kind have that.
    for (check, other) in [("listing", "* other"), ("full", "? other"), ("content", "* other")] {
        let (mut lines, result, _) = report(3, to_s3(&cloud).with(["--check", check])).await;
        lines.sort_unstable_by_key(|line| line[2..].to_owned());
        assert_eq!(lines, ["= a b+c/测", "- extra", "+ missing", other, "= same"], "{check}");
        assert_eq!(result["identical"], false);
    }
    for key in ["other", "missing"] {
        cloud.twin.obs().put(MIRROR, key, cloud.twin.oss().get(SOURCE, key).unwrap().body.clone());
    }
    cloud.twin.oss().put(SOURCE, "extra", "e");
    let (_, result, _) = report(0, to_s3(&cloud)).await;
    assert_eq!((&result["identical"], &result["equal_by"]), (&json!(true), &json!({"md5": 5})));
}

#[tokio::test]
async fn both_sides_may_be_in_s3_each_at_its_own_endpoint() {
    let cloud = unequal().await;
    cloud.twin.create_obs_bucket("second");
    cloud.twin.obs().put("second", "same", "same");
    let run = Copy::new(&cloud.twin, format!("s3://{MIRROR}/same"), "s3://second/same");
    let run = of_s3(&cloud, run).set("SOURCE_ENDPOINT", cloud.twin.obs_url());
    let run = run.set("DEST_ENDPOINT", cloud.twin.obs_url());
    let finished = ends_with(3, run.clone()).await;
    assert!(finished.stderr.contains("nothing was compared"), "{finished:?}");
    let whole = Copy::new(&cloud.twin, format!("s3://{MIRROR}"), "s3://second");
    let whole = of_s3(&cloud, whole).set("SOURCE_ENDPOINT", cloud.twin.obs_url());
    let (lines, ..) = report(3, whole.set("DEST_ENDPOINT", cloud.twin.obs_url())).await;
    assert_eq!(lines, ["+ a b+c/测", "+ extra", "+ other", "= same"]);
    // One name at one endpoint is one bucket, and two at two.
    let same = Copy::new(&cloud.twin, format!("s3://{MIRROR}"), format!("s3://{MIRROR}"));
    let same = of_s3(&cloud, same).set("SOURCE_ENDPOINT", cloud.twin.obs_url());
    let finished = ends_with(2, same.clone().set("DEST_ENDPOINT", cloud.twin.obs_url())).await;
    assert!(finished.stderr.contains("SRC and DST are the same"), "{finished:?}");
    let by_name = cloud.twin.obs_url().replace("127.0.0.1", "localhost");
    ends_with(0, same.set("DEST_ENDPOINT", by_name)).await;
}

#[tokio::test]
async fn a_large_bucket_of_s3_is_listed_in_ranges_that_probe_for_one_object() {
    let cloud = Cloud::start().await;
    for number in 0..12_000 {
        put_both(&cloud, &format!("2024/{number:06}"), "x", "x");
    }
    // Probes ask for one object. One that is refused finds no middle, and the range is listed as it is.
    let probe = Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no"));
    let probe = cloud.twin.faults().inject(probe.path_contains("max-keys=1&"));
    // Of two sides that seem equally large the source is probed.
    let run = Copy::new(&cloud.twin, format!("s3://{MIRROR}"), format!("oss://{SOURCE}"));
    let run = of_s3(&cloud, run).set("SOURCE_ENDPOINT", cloud.twin.obs_url());
    let run = run.set("OSS_ENDPOINT", cloud.twin.oss_url());
    let (_, result, _) = report(0, run).await;
    assert_eq!(result["equal"], 12_000);
    assert!(cloud.twin.faults().hits(probe) > 0, "{result}");
}

#[tokio::test]
async fn nothing_is_written_to_s3() {
    let cloud = unequal().await;
    let puts = |cloud: &Cloud| cloud.twin.stats().requests(Service::Obs, "PutObject");
    for (arguments, text) in [
        (&["--fix", "copy"][..], "works from a bucket of OSS to a bucket of OSS or OBS"),
        (&["--delete-extra", "--max-delete", "5"], "objects are only deleted in buckets of OSS and OBS"),
    ] {
        let run = to_s3(&cloud).with(arguments.iter().copied()).set("LOG_BUCKET", LOGS);
        let finished = ends_with(2, run).await;
        assert!(finished.stderr.contains(text), "{finished:?}");
    }
    let copy = Copy::new(&cloud.twin, format!("oss://{SOURCE}"), format!("s3://{MIRROR}")).with(["-r"]);
    let finished = ends_with(2, copy).await;
    assert!(finished.stderr.contains("cannot be in Amazon S3: objects are read there only"), "{finished:?}");
    assert_eq!((puts(&cloud), cloud.twin.obs().keys(MIRROR).len()), (0, 4));
}

#[tokio::test]
async fn failures_name_dst_and_its_settings() {
    let cloud = unequal().await;
    let nowhere = format!("http://127.0.0.1:{}", e2e::process::free_port());
    let missing = Copy::new(&cloud.twin, format!("oss://{SOURCE}"), "s3://no-such-bucket");
    let missing = of_s3(&cloud, missing).set("DEST_ENDPOINT", cloud.twin.obs_url());
    for (run, code, text) in [
        (to_s3(&cloud).set("AWS_SECRET_ACCESS_KEY", "wrong"), 4, "AWS_ACCESS_KEY_ID"),
        (to_s3(&cloud).set("DEST_ENDPOINT", nowhere), 5, "DEST_ENDPOINT"),
        (to_s3(&cloud).set("DEST_ENDPOINT", "http://a b"), 2, "DEST_ENDPOINT"),
        (missing, 2, "correct DST, or set DEST_REGION to its region"),
        // That of the environment is about DEST.
        (
            to_s3(&cloud).set("DEST", format!("obs://{MIRROR}")),
            2,
            "give --dest-endpoint for DST, or unset DEST_ENDPOINT",
        ),
    ] {
        let finished = ends_with(code, run).await;
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
        assert!(!finished.stderr.contains("SOURCE_ENDPOINT"), "{text}: {finished:?}");
    }
}

#[tokio::test]
async fn an_estimate_says_that_s3_does_not_tell() {
    let cloud = unequal().await;
    let said = ends_with(0, to_s3(&cloud).with(["--estimate", "--json"])).await.json();
    let side = &said["sides"][1];
    assert_eq!((&side["holds"], &side["requests"]["list"]), (&Value::Null, &json!({"from": 1, "to": null})));
    // A service that only speaks as Amazon S3 does has prices of its own.
    assert!(side.get("cost").is_none(), "{side}");
    assert_eq!(said["requests_made"], 1);
}

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

/// Puts an inventory as S3 writes it into the mirror: keys encoded as forms are, checksums of all files.
fn put_inventory(cloud: &Cloud, rows: &str, damage: Option<&str>) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(rows.as_bytes()).unwrap();
    let data = encoder.finish().unwrap();
    let file = "inv/source/all/data/0a1b.csv.gz";
    let time = Utc::now() + TimeDelta::hours(24);
    let manifest = json!({
        "sourceBucket": "source-of-s3", "destinationBucket": format!("arn:aws:s3:::{MIRROR}"),
        "version": "2016-11-30", "creationTimestamp": time.timestamp_millis().to_string(), "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, LastModifiedDate, ETag, IsMultipartUploaded, EncryptionStatus",
        "files": [{"key": file, "size": data.len(), "MD5checksum": md5(if damage == Some("file") { b"x" } else { &data })}],
    })
    .to_string();
    let checksum = md5(if damage == Some("manifest") { b"x" } else { manifest.as_bytes() });
    let folder = format!("inv/source/all/{}/", time.format("%Y-%m-%dT%H-%MZ"));
    for (key, body) in [
        (file.to_owned(), data),
        (format!("{folder}manifest.checksum"), checksum.into_bytes()),
        (format!("{folder}manifest.json"), manifest.into_bytes()),
    ] {
        cloud.twin.obs().put(MIRROR, &key, body);
    }
}

fn row(key: &str, text: &str) -> String {
    let time = (Utc::now() - TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%S.000Z");
    format!(
        "\"source-of-s3\",\"{key}\",\"{}\",\"{time}\",\"{}\",\"false\",\"SSE-S3\"\n",
        text.len(),
        md5(text.as_bytes())
    )
}

#[tokio::test]
async fn an_inventory_in_a_bucket_of_s3_stands_for_either_side() {
    let cloud = Cloud::start().await;
    let rows = [row("a+b", "blank"), row("c%2Bd", "plus"), row("%E6%B5%8B/100%25", "text"), row("gone", "x")];
    put_inventory(&cloud, &rows.concat(), None);
    for (key, body) in [("a b", "blank"), ("c+d", "plus"), ("测/100%", "text")] {
        cloud.twin.oss().put(SOURCE, key, body);
    }
    let (place, bucket) = (format!("inventory:s3://{MIRROR}/inv/source/all/"), format!("oss://{SOURCE}"));
    let as_source =
        of_s3(&cloud, Copy::new(&cloud.twin, &place, &bucket)).set("SOURCE_ENDPOINT", cloud.twin.obs_url());
    let as_source =
        as_source.set("OSS_ENDPOINT", cloud.twin.oss_url()).set("DEST_ENDPOINT", cloud.twin.oss_url());
    let as_destination =
        of_s3(&cloud, Copy::new(&cloud.twin, &bucket, &place)).set("DEST_ENDPOINT", cloud.twin.obs_url());
    let equal = ["= a b", "= c+d", "= 测/100%"];
    let (lines, result, _) = report(3, as_source.clone()).await;
    assert_eq!((&lines[..1], &lines[1..]), (&["+ gone".to_owned()][..], &equal.map(str::to_owned)[..]));
    assert_eq!(result["inventories"][0]["rows"], 4);
    let (lines, ..) = report(3, as_destination.clone()).await;
    assert_eq!((&lines[..1], &lines[1..]), (&["- gone".to_owned()][..], &equal.map(str::to_owned)[..]));
    let before: u64 = cloud.twin.stats().requests.iter().map(|request| request.count).sum();
    let said = ends_with(0, as_destination.with(["--estimate", "--json"])).await.json();
    let after: u64 = cloud.twin.stats().requests.iter().map(|request| request.count).sum();
    assert_eq!(
        (&said["requests_made"], &said["sides"][1]["requests"]["get"]["to"]),
        (&json!(after - before), &json!(1))
    );
    for (damage, text) in [("manifest", "it is being written, or was changed"), ("file", "MD5")] {
        put_inventory(&cloud, &rows.concat(), Some(damage));
        let finished = ends_with(2, as_source.clone()).await;
        assert!(finished.stderr.contains(text), "{damage}: {finished:?}");
    }
}
