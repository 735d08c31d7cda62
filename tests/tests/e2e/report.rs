//! `report`: the page about arrivals and its numbers. How it looks is tried by `tests/desk/browser`.

use std::fs;

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, ManualClock, Service, Twin};
use e2e::{Cloud, Finished, OmsBridge, Settings, Shelf};
use serde_json::json;
use tempfile::TempDir;

/// A key that would be markup, if it were not escaped.
const HOSTILE: &str = "<img src=x onerror=alert(1)>&.jpg";

async fn report(settings: Settings, arguments: &[&str]) -> Finished {
    OmsBridge::new(["report"].iter().chain(arguments).copied()).settings(settings).run().await
}

/// Keys that arrived in time and late, one that is late and not there, one that failed.
async fn world() -> Cloud {
    let clock = ManualClock::new(Utc::now() - TimeDelta::minutes(20));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    let records = cloud.records();
    let accept = |key: &str| {
        let record = json!({"v": 1, "key": key, "size": 7, "engine": "oms", "outcome": "accepted"});
        records.put(Shelf::Success, key, &record);
    };
    for key in ["a", "b", "c"] {
        accept(key);
        records.put_arrival(key, "am00", 500, 1500);
    }
    accept("slow");
    records.put_arrival("slow", "am01", 1000, 1_800_000);
    accept(HOSTILE);
    clock.set(Utc::now());
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    let sent = OmsBridge::new(["send", "bad"]).settings(cloud.settings()).run().await;
    assert_eq!(sent.code, Some(3), "{sent:?}");
    cloud
}

#[tokio::test]
async fn the_page_and_the_numbers_say_the_same_in_both_languages() {
    let cloud = world().await;
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("arrival.html");
    let compared = folder.path().join("differences.jsonl");
    let lines =
        [json!({"key": "a", "result": "equal", "by": "crc64"}), json!({"key": HOSTILE, "result": "missing"})];
    fs::write(&compared, lines.map(|line| format!("{line}\n")).concat()).unwrap();
    let arguments = ["--html", page.to_str().unwrap(), "--reconciled", compared.to_str().unwrap(), "--json"];
    let finished = report(cloud.settings(), &arguments).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let numbers = finished.json();
    assert_eq!(numbers["arrivals"]["confirmed"], 4, "{numbers:#}");
    assert_eq!(numbers["arrivals"]["operations_missed_threshold"], 1);
    assert_eq!(numbers["arrivals"]["share_within_threshold"], 3.0 / 5.0);
    assert_eq!(numbers["failures"]["waiting"], 1);
    assert_eq!(numbers["failures"]["hours"][0]["failed"], 1);
    assert_eq!((&numbers["reconciled"]["equal"], &numbers["reconciled"]["missing"]), (&json!(1), &json!(1)));
    let hour = numbers["arrivals"]["hours"].as_array().unwrap().iter().find(|hour| hour["late"] == 1);
    let hour = hour.expect("the hour of the late one");
    // A quantile is at most a sixteenth too large.
    let p99 = hour["p99_s"].as_f64().unwrap();
    assert!((1801.0..1914.0).contains(&p99), "{hour}");

    let english = fs::read_to_string(&page).unwrap();
    for part in ["<html lang=\"en\">", ">60 %<", "goal missed", ">refused<", "crc64 1"] {
        assert!(english.contains(part), "{part}");
    }
    // It is the oldest that is not confirmed, and missing by the comparison.
    assert_eq!(english.matches("&lt;img src=x onerror=alert(1)&gt;&amp;.jpg").count(), 2);
    assert!(!english.contains("<img") && !english.contains("http"));

    for (settings, arguments) in [
        (cloud.settings().set("LC_ALL", "zh_CN.UTF-8"), &["--html", page.to_str().unwrap()][..]),
        (cloud.settings(), &["--html", page.to_str().unwrap(), "--lang", "zh"]),
    ] {
        let finished = report(settings, arguments).await;
        assert_eq!((finished.code, &*finished.stdout), (Some(0), ""), "{finished:?}");
        let chinese = fs::read_to_string(&page).unwrap();
        for part in ["<html lang=\"zh-CN\">", ">60 %<", "未达目标", "被拒绝"] {
            assert!(chinese.contains(part), "{part}");
        }
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "something is left beside the page");
}

#[tokio::test]
async fn what_cannot_be_read_or_written_is_said_before_anything_is_listed() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let other = folder.path().join("other.txt");
    fs::write(&other, "= a\nno report\n").unwrap();
    let arguments = ["--json", "--html", "/no/such/folder/a.html", "--reconciled", other.to_str().unwrap()];
    let finished = report(cloud.settings(), &arguments).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    for part in [
        "--html: \"/no/such/folder/a.html\": No such file or directory (os error 2): name a file in a folder",
        "line 2 is not one of a report of reconcile: name the file that `reconcile --report` wrote",
    ] {
        assert!(finished.stderr.contains(part), "{part}: {finished:?}");
    }
    assert_eq!(cloud.done(Service::Oss, "ListObjectsV2"), 0);
    let finished = report(cloud.settings(), &[]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(
        finished.stderr.contains("Usage: oms-bridge report [OPTIONS] <--html <FILE>|--json>"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn a_journal_with_nothing_in_it_makes_a_page_too() {
    let cloud = Cloud::start().await;
    let folder = TempDir::new().unwrap();
    let page = folder.path().join("arrival.html");
    let finished = report(cloud.settings(), &["--html", page.to_str().unwrap()]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("no key confirmed yet") && !html.contains("<svg role"), "{html}");
    let missing = report(cloud.settings().set("LOG_BUCKET", "no-such-bucket"), &["--json"]).await;
    assert_eq!(missing.code, Some(2), "{missing:?}");
}
