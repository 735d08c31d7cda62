//! `reconcile --estimate`: what it says is what the comparison takes then, and it takes next to nothing itself.

use std::fs;
use std::time::Duration;

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Cloud, Copy, Finished};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::reconcile_tasks::{fixing, unequal};
use crate::support::{comparison, ends_with, put_both, uploaded_in_parts};

/// Keys that need a HEAD, keys that listings settle, and some that only one side has.
async fn cloud(keys: usize) -> Cloud {
    let cloud = Cloud::start().await;
    for number in 0..keys {
        let key = format!("k/{number:05}");
        let mirror = if number % 10 == 0 { "" } else { "text" };
        put_both(&cloud, &key, "text", mirror);
        if number % 10 == 1 {
            uploaded_in_parts(&cloud, &key);
        }
        let hour = chrono::TimeDelta::hours(1);
        cloud.twin.oss().modify(SOURCE, &key, |object| object.last_modified -= hour);
        if !mirror.is_empty() {
            cloud.twin.obs().modify(MIRROR, &key, |object| object.last_modified -= hour);
        }
    }
    cloud
}

async fn estimate(run: Copy) -> (Value, Finished) {
    let finished = ends_with(0, run.with(["--estimate", "--json"])).await;
    (finished.json(), finished)
}

const KINDS: [(&str, &str); 5] = [
    ("list", "ListObjects"),
    ("head", "HeadObject"),
    ("get", "GetObject"),
    ("put", "PutObject"),
    ("delete", "DeleteObject"),
];

fn made(cloud: &Cloud) -> [[u64; 5]; 2] {
    let stats = cloud.twin.stats();
    [Service::Oss, Service::Obs].map(|service| KINDS.map(|(_, name)| stats.requests(service, name)))
}

fn all_requests(cloud: &Cloud) -> u64 {
    cloud.twin.stats().requests.iter().map(|request| request.count).sum()
}

/// Sees that what was made between two counts is within what was said. `but` are requests of another bucket at the
/// service of the source.
fn assert_within(said: &Value, before: [[u64; 5]; 2], after: [[u64; 5]; 2], but: &[&str]) {
    for (at, side) in said["sides"].as_array().unwrap().iter().enumerate() {
        for (kind, (name, _)) in
            KINDS.iter().enumerate().filter(|(_, (name, _))| at == 1 || !but.contains(name))
        {
            let span = &side["requests"][name];
            let made = after[at][kind] - before[at][kind];
            let (from, to) = (span["from"].as_u64().unwrap(), span["to"].as_u64());
            assert!(from <= made && to.is_none_or(|to| made <= to), "{name} of side {at}: {made} of {span}");
        }
    }
}

#[tokio::test]
async fn a_comparison_takes_what_was_said_before() {
    let cloud = cloud(2500).await;
    for check in ["listing", "full", "content"] {
        let run = || comparison(&cloud).with(["--check", check]);
        let before = all_requests(&cloud);
        let (said, _) = estimate(run()).await;
        assert_eq!((all_requests(&cloud) - before, &said["requests_made"]), (2, &json!(2)), "{check}");
        let holds = [0, 1].map(|at| said["sides"][at]["holds"].clone());
        assert_eq!(
            holds.map(|holds| (holds["objects"].clone(), holds["about"].clone(), holds["known_by"].clone())),
            [
                (json!(2500), json!(true), json!("statistics")),
                (json!(2250), json!(true), json!("statistics"))
            ]
        );
        let before = made(&cloud);
        ends_with(3, run()).await;
        assert_within(&said, before, made(&cloud), &[]);
        // A bound that says nothing would hold as well.
        let head = &said["sides"][0]["requests"]["head"]["to"];
        assert_eq!(head, &json!(if check == "full" { 2250 } else { 0 }), "{check}");
        let read = &said["sides"][1]["requests"]["bytes"]["to"];
        assert_eq!(read, &json!(if check == "content" { 2250 * 4 } else { 0 }), "{check}");
    }
}

#[tokio::test]
async fn ranges_of_a_large_bucket_are_within_the_bounds() {
    let cloud = Cloud::start().await;
    for number in 0..20_000 {
        put_both(&cloud, &format!("2024/{number:06}"), "x", "x");
    }
    let (said, _) = estimate(comparison(&cloud)).await;
    let before = made(&cloud);
    ends_with(0, comparison(&cloud)).await;
    assert_within(&said, before, made(&cloud), &[]);
    assert!(said["sides"][0]["requests"]["list"]["to"].as_u64() >= Some(20), "{said}");
}

#[tokio::test]
async fn statistics_that_are_too_high_promise_no_request() {
    let cloud = cloud(2500).await;
    let usage = "<BucketStat><Storage>1048576</Storage><ObjectCount>9000</ObjectCount></BucketStat>";
    // Earlier versions may be among them, and what was deleted in the last hours.
    let high = Fault::respond(Service::Oss, FaultResponse::error(200, "", "").body(usage));
    let high = cloud.twin.faults().inject(high.path_contains("?stat"));
    let (said, _) = estimate(comparison(&cloud)).await;
    let finished = ends_with(0, comparison(&cloud).with(["--estimate"])).await;
    let text = "about 9,000 objects, 1.0 MiB, by the statistics of the bucket, which may be hours old";
    assert!(finished.stdout.contains(text), "{finished:?}");
    cloud.twin.faults().clear(high);
    let before = made(&cloud);
    ends_with(3, comparison(&cloud)).await;
    assert_within(&said, before, made(&cloud), &[]);
}

#[tokio::test]
async fn of_a_part_of_a_bucket_there_is_a_bound_and_what_is_not_known_is_said() {
    let cloud = cloud(1500).await;
    let part = || {
        let (from, to) = (format!("oss://{SOURCE}/k/"), format!("obs://{MIRROR}/k/"));
        Copy::new(&cloud.twin, from, to).comparing()
    };
    let (said, _) = estimate(part().with(["--check", "full"])).await;
    assert_eq!(said["sides"][0]["holds"]["at_most"], true);
    assert_eq!(said["sides"][0]["requests"]["list"], json!({"from": 1, "to": 2}));
    let finished = ends_with(0, part().with(["--estimate"])).await;
    assert!(
        finished.stdout.contains("at most 1,500 objects, 5.8 KiB, by the statistics of the whole bucket"),
        "{finished:?}"
    );

    let denied = Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no"));
    cloud.twin.faults().inject(denied.path_contains("?stat"));
    let (said, _) = estimate(comparison(&cloud).with(["--check", "full"])).await;
    let source = &said["sides"][0];
    assert_eq!(
        (&source["holds"], &source["requests"]["list"]),
        (&Value::Null, &json!({"from": 1, "to": null}))
    );
    assert!(source["not_known"].as_str().unwrap().contains("give --keys"), "{source}");
    // The other side bounds what is asked for at both.
    assert_eq!(source["requests"]["head"], json!({"from": 0, "to": 1350}));
    assert!(source["cost"].get("to").is_none(), "{source}");
    let finished = ends_with(0, comparison(&cloud).with(["--estimate"])).await;
    assert!(finished.stdout.contains("how many objects it holds is not known: "), "{finished:?}");
    assert!(finished.stdout.contains("at least 0.0001 CNY"), "{finished:?}");

    // Of what is known nothing else is taken from the command line.
    let (said, _) = estimate(comparison(&cloud).with(["--keys", "3000"])).await;
    let holds =
        [0, 1].map(|at| (&said["sides"][at]["holds"]["objects"], &said["sides"][at]["holds"]["known_by"]));
    assert_eq!(holds, [(&json!(3000), &json!("given")), (&json!(1350), &json!("statistics"))]);
    assert_eq!(said["sides"][0]["requests"]["list"]["from"], 3);
    cloud.twin.faults().clear_all();
    let (said, _) = estimate(part().with(["--keys", "700"])).await;
    assert_eq!(said["sides"][0]["holds"], json!({"objects": 700, "at_most": false, "known_by": "given"}));
}

#[tokio::test]
async fn what_the_command_would_refuse_is_refused() {
    let cloud = cloud(3).await;
    let folder = TempDir::new().unwrap();
    let between = |to: &str| Copy::new(&cloud.twin, format!("oss://{SOURCE}"), to).comparing();
    let deleting = ["--delete-extra", "--max-delete", "5"];
    let overlapping = format!("oss://{SOURCE}/k/");
    for (run, text) in [
        (
            between(&folder.path().display().to_string()).with(deleting),
            "only deleted in buckets of OSS and OBS",
        ),
        (between(&overlapping).with(deleting), "SRC and DST overlap"),
        (comparison(&cloud).with(["--fix", "copy"]).set("LOG_BUCKET", ""), "LOG_BUCKET"),
        (comparison(&cloud).with(["--metrics", "m.prom"]), "--metrics"),
    ] {
        let before = all_requests(&cloud);
        let finished = run.with(["--estimate"]).run_in(folder.path()).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
        assert_eq!(all_requests(&cloud), before, "{text}");
    }
    assert!(!folder.path().join("m.prom").exists());
}

#[tokio::test]
async fn credentials_that_are_refused_and_services_out_of_reach_end_it_as_they_end_the_comparison() {
    let cloud = cloud(3).await;
    let finished = comparison(&cloud).set("HW_SK", "wrong").with(["--estimate"]).run().await;
    assert_eq!(finished.code, Some(4), "{finished:?}");
    let out_of_reach = format!("http://127.0.0.1:{}", e2e::process::free_port());
    let finished = comparison(&cloud).set("DEST_ENDPOINT", out_of_reach).with(["--estimate"]).run().await;
    assert_eq!(finished.code, Some(5), "{finished:?}");
}

#[tokio::test]
async fn files_are_counted_and_cost_nothing() {
    let cloud = cloud(40).await;
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("k")).unwrap();
    for number in 0..12 {
        fs::write(folder.path().join(format!("k/{number:05}")), "text").unwrap();
    }
    let run = || {
        let from = folder.path().display().to_string();
        Copy::new(&cloud.twin, from, format!("obs://{MIRROR}")).comparing().with(["--check", "full"])
    };
    let (said, _) = estimate(run()).await;
    let source = &said["sides"][0];
    let (counted, _) = estimate(run().with(["--keys", "7"])).await;
    assert_eq!(&counted["sides"][0]["holds"], &source["holds"]);
    assert_eq!(source["holds"], json!({"objects": 12, "at_most": false, "bytes": 48, "known_by": "files"}));
    assert!(source.get("cost").is_none(), "{source}");
    assert_eq!(
        (&said["requests_made"], &said["sides"][1]["requests"]["head"]["to"]),
        (&json!(1), &json!(12))
    );
    let before = made(&cloud);
    ends_with(3, run()).await;
    assert_within(&said, before, made(&cloud), &[]);
}

#[tokio::test]
async fn what_a_checkpoint_has_done_is_not_asked_for_again() {
    let cloud = cloud(6000).await;
    let directory = TempDir::new().unwrap();
    let run = || comparison(&cloud).with(["--checkpoint", "checkpoint", "--json"]);
    let finished = run().with(["--estimate"]).run_in(directory.path()).await;
    let whole = finished.json();
    assert!(!directory.path().join("checkpoint").exists(), "{finished:?}");
    let failing =
        Fault::new(Service::Obs, FaultAction::Respond(FaultResponse::error(403, "AccessDenied", "no")));
    let failing = cloud.twin.faults().inject(failing.path_contains("max-keys=1000").after(3));
    let stopped = run().run_in(directory.path()).await;
    assert_eq!(stopped.code, Some(2), "{stopped:?}");
    cloud.twin.faults().clear(failing);
    let kept = fs::read(directory.path().join("checkpoint")).unwrap();
    let said = run().with(["--estimate"]).run_in(directory.path()).await.json();
    assert_eq!(fs::read(directory.path().join("checkpoint")).unwrap(), kept);
    let (left, all) = (&said["sides"][0], &whole["sides"][0]);
    assert!(left["listed_before"].as_u64().unwrap() > 0, "{left}");
    assert!(left["requests"]["list"]["to"].as_u64() < all["requests"]["list"]["to"].as_u64(), "{left}");
    let before = made(&cloud);
    assert_eq!(run().run_in(directory.path()).await.code, Some(3));
    assert_within(&said, before, made(&cloud), &[]);
}

#[tokio::test]
async fn repairs_are_bounded_and_nothing_is_changed() {
    let cloud = cloud(60).await;
    cloud.twin.obs().put(MIRROR, "extra", "x");
    let repair = || {
        let run = comparison(&cloud).with([
            "--check",
            "full",
            "--fix",
            "copy",
            "--delete-extra",
            "--max-delete",
            "5",
        ]);
        run.set("LOG_BUCKET", LOGS)
    };
    let (keys, records) = (cloud.twin.obs().keys(MIRROR), cloud.twin.oss().keys(LOGS));
    let (said, _) = estimate(repair()).await;
    assert_eq!((cloud.twin.obs().keys(MIRROR), cloud.twin.oss().keys(LOGS)), (keys, records));
    assert_eq!(said["log_bucket"], json!({"from": 0, "to": 60}));
    let before = made(&cloud);
    ends_with(0, repair()).await;
    // The log bucket is at the service of the source.
    assert_within(&said, before, made(&cloud), &["list", "get", "put"]);
    let records = cloud.twin.oss().keys(LOGS).len();
    assert!(records <= 60, "{records}");
    let (said, _) = estimate(repair().with(["--dry-run"])).await;
    assert!(said.get("log_bucket").is_none(), "{said}");
    let through = |how| {
        let run =
            comparison(&cloud).set("LOG_BUCKET", LOGS).set("SYNC_URL", cloud.twin.sync_url(&cloud.task));
        run.with(["--fix", how])
    };
    let before = all_requests(&cloud);
    let (said, _) = estimate(through("oms")).await;
    assert_eq!(said["oms"], json!({"from": 0, "to": 6}));
    // Of the sides, and of the sync task.
    assert_eq!((&said["requests_made"], all_requests(&cloud) - before), (&json!(3), 3));
    let (said, _) = estimate(through("oms-task")).await;
    assert_eq!(
        (&said["oms"], &said["sides"][1]["requests"]["put"]["to"]),
        (&json!({"from": 0, "to": null}), &json!(1))
    );
    let to_folder = Copy::new(&cloud.twin, format!("oss://{SOURCE}"), "/tmp").comparing();
    let finished = ends_with(2, to_folder.with(["--fix", "copy", "--estimate"])).await;
    assert!(finished.stderr.contains("works from a bucket of OSS"), "{finished:?}");
}

#[tokio::test]
async fn looks_at_the_source_of_copies_are_in_the_bounds() {
    let cloud = Cloud::start().await;
    for number in 0..60 {
        let key = format!("k/{number:05}");
        put_both(&cloud, &key, "text", "");
        // So that listings do not settle the copy.
        cloud.twin.oss().modify(SOURCE, &key, |object| object.etag = format!("{number:032X}-2"));
    }
    let repair = || comparison(&cloud).with(["--fix", "copy"]).set("LOG_BUCKET", LOGS);
    let (said, _) = estimate(repair()).await;
    // The log bucket is at the service of the source, so requests for objects of the source alone are counted.
    let counting = ["HEAD", "GET"].map(|method| {
        let fault = Fault::new(Service::Oss, FaultAction::delay(Duration::ZERO));
        cloud.twin.faults().inject(fault.method(method).path_contains(format!("/{SOURCE}/k/")))
    });
    let before = made(&cloud);
    ends_with(0, repair()).await;
    let after = made(&cloud);
    let [heads, gets] = counting.map(|fault| cloud.twin.faults().hits(fault));
    // One after each copy, and one of the second comparison.
    assert_eq!((heads, gets), (120, 60));
    let requests = &said["sides"][0]["requests"];
    assert_eq!((&requests["head"]["to"], &requests["get"]["to"]), (&json!(heads), &json!(gets)));
    assert_within(&said, before, after, &["list", "get", "put"]);
}

#[tokio::test]
async fn looks_for_lists_of_earlier_runs_are_in_the_bounds() {
    let (cloud, _clock) = unequal().await;
    let (said, _) = estimate(fixing(&cloud)).await;
    let listings = || {
        let stats = cloud.twin.stats();
        ["ListObjects", "ListMultipartUploads"].map(|name| stats.requests(Service::Obs, name)).iter().sum()
    };
    let before: u64 = listings();
    ends_with(0, fixing(&cloud)).await;
    let made: u64 = listings() - before;
    // Two comparisons, objects and open uploads.
    assert_eq!((made, &said["sides"][1]["requests"]["list"]), (4, &json!({"from": 3, "to": 4})));
}

#[tokio::test]
async fn an_inventory_knows_its_rows_and_its_own_requests_are_counted() {
    let cloud = cloud(30).await;
    let rows = (0..30).map(|number| format!("b,k/{number:05},4\n")).collect::<Vec<_>>().concat();
    let folder = "inv/source/daily/2026-01-31T02-00Z/";
    for (counted, holds) in [(json!({"inventoriedRecord": 30}), json!(30)), (json!({}), Value::Null)] {
        let mut file = json!({"key": "inv/source/daily/data/a.csv", "size": rows.len()});
        file.as_object_mut().unwrap().extend(counted.as_object().unwrap().clone());
        let manifest = json!({
            "sourceBucket": SOURCE, "version": "2019-09-01", "fileFormat": "CSV", "fileSchema": "Bucket, Key, Size",
            "creationTimestamp": "1769824800", "files": [file],
        });
        cloud.twin.oss().put(LOGS, "inv/source/daily/data/a.csv", rows.clone());
        cloud.twin.oss().put(LOGS, &format!("{folder}manifest.json"), manifest.to_string());
        for place in ["inv/source/daily/", "inv/source/daily", &format!("{folder}manifest.json"), folder] {
            let run =
                Copy::new(&cloud.twin, format!("inventory:oss://{LOGS}/{place}"), format!("obs://{MIRROR}"));
            let before = all_requests(&cloud);
            let (said, _) = estimate(run.comparing()).await;
            assert_eq!(said["requests_made"], all_requests(&cloud) - before, "{place}");
            let source = &said["sides"][0];
            assert_eq!(
                (&source["holds"]["objects"], &source["requests"]["get"]["to"]),
                (&holds, &json!(1)),
                "{place}"
            );
            assert_eq!(source["requests"]["list"]["to"], 0);
        }
    }
}

#[tokio::test]
async fn prices_say_where_they_hold_and_those_of_the_user_go_before_them() {
    let cloud = cloud(3).await;
    let (said, _) = estimate(comparison(&cloud)).await;
    let (source, destination) = (&said["sides"][0]["cost"], &said["sides"][1]["cost"]);
    assert_eq!((&source["currency"], &source["from"]), (&json!("CNY"), &json!(0.000_001)));
    assert!(source["prices_from"].as_str().unwrap().starts_with("https://"), "{source}");
    assert_eq!((&destination["to"], &destination["unpriced"]), (&json!(0.0), &json!(["lists"])));
    let finished = ends_with(0, comparison(&cloud).with(["--estimate"])).await;
    assert!(finished.stdout.contains("cost of SRC: 0.0001 CNY; Standard, Chinese mainland"), "{finished:?}");
    assert!(
        finished.stdout.contains("cost of DST: no list price known of listings and writes"),
        "{finished:?}"
    );
    let own = ["--price", "dst-list=100USD", "--price", "dst-read=1usd"];
    let finished = ends_with(0, comparison(&cloud).with(["--estimate"]).with(own)).await;
    assert!(finished.stdout.contains("cost of DST: 0.0100 USD; as given, by --price"), "{finished:?}");
    for (wrong, text) in [
        (&["--price", "list=1CNY"][..], "write one such as src-list=0.01CNY"),
        (&["--price", "src-list=1CNY", "--price", "src-read=1USD"], "several currencies"),
        (&["--report", "x"], "cannot be used with"),
    ] {
        let finished =
            ends_with(2, comparison(&cloud).with(["--estimate"]).with(wrong.iter().copied())).await;
        assert!(finished.stderr.contains(text), "{text}: {finished:?}");
    }
    let finished = ends_with(2, comparison(&cloud).with(["--keys", "3"])).await;
    assert!(finished.stderr.contains("--estimate"), "{finished:?}");
}
