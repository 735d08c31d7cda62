//! `status`: what is counted, what OMS reports, how it is shown.

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultResponse, ManualClock, Service, Twin};
use e2e::cloud::LOGS;
use e2e::process::Process;
use e2e::{Cloud, Finished, OmsBridge, Settings, Shelf};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

async fn status(settings: Settings, arguments: &[&str]) -> Finished {
    OmsBridge::new(["status"].iter().chain(arguments).copied()).settings(settings).run().await
}

fn mark(cloud: &Cloud, key: &str, class: &str) {
    let record = json!({
        "v": 1, "key": key, "engine": "oms", "outcome": "failed", "class": class, "attempts": 2,
        "error": {"status": 503, "code": "OMS.2004", "message": format!("of {key}")}, "request_id": "r1",
    });
    cloud.twin.oss().put(LOGS, &cloud.record_name(Shelf::Failed, key), record.to_string());
}

/// Failures of every class and age, an empty marker, and a key that was set aside.
async fn troubled() -> Cloud {
    let clock = ManualClock::new(Utc::now());
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    for (age, key, class) in [
        (TimeDelta::days(30), "old", "permanent"),
        (TimeDelta::days(2), "days", "auth"),
        (TimeDelta::hours(2), "hours", "throttled"),
        (TimeDelta::minutes(20), "minutes\n", "transient"),
        (TimeDelta::minutes(1), "new", "transient"),
    ] {
        clock.set(Utc::now() - age);
        mark(&cloud, key, class);
    }
    clock.set(Utc::now());
    cloud.twin.oss().put(LOGS, &cloud.record_name(Shelf::Failed, "vendor"), "");
    let dead = cloud.record_name(Shelf::Failed, "dead").replace("failed_object", "dead_object");
    cloud.twin.oss().put(LOGS, &dead, "");
    cloud
}

macro_rules! assert_shown {
    ($finished:expr) => {
        insta::with_settings!({filters => [(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"), (r"for (\d+m )?\d+s", "for AGE")]}, {
            insta::assert_snapshot!($finished.stdout);
        })
    };
}

#[tokio::test]
async fn nothing_failed_is_said_in_a_line() {
    let cloud = Cloud::start().await;
    let finished = status(cloud.settings(), &[]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_shown!(finished);
}

#[tokio::test]
async fn everything_is_shown_at_a_glance() {
    let cloud = troubled().await;
    let finished = status(cloud.settings(), &[]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_shown!(finished);
}

#[tokio::test]
async fn everything_is_counted() {
    let cloud = troubled().await;
    let result = status(cloud.settings(), &["--json"]).await.json();
    assert_eq!((&result["failed"], &result["read"], &result["dead"]), (&json!(6), &json!(6), &json!(1)));
    let classes = json!({"transient": 2, "throttled": 1, "auth": 1, "permanent": 1, "unknown": 1});
    assert_eq!(result["by_class"], classes);
    let ages = json!({
        "under_10_minutes": 2, "under_1_hour": 1, "under_1_day": 1, "under_1_week": 1, "older": 1,
    });
    assert_eq!(result["by_age"], ages);
    assert_eq!(result["oldest"]["key"], "old");
    assert!(result["oldest"]["age_s"].as_i64().unwrap() >= 30 * 86_400);
    let latest: Vec<&str> =
        result["latest"].as_array().unwrap().iter().map(|one| one["key"].as_str().unwrap()).collect();
    assert_eq!(latest, ["vendor", "new", "minutes\n", "hours", "days"]);
    assert_eq!(result["latest"][1]["error"]["message"], "of new");
    assert_eq!(result["oms"]["task"]["status"], "SYNCHRONIZING");
}

#[tokio::test]
async fn the_first_failure_counts_for_the_oldest() {
    let cloud = Cloud::start().await;
    mark(&cloud, "b", "auth");
    let record = json!({"key": "a", "first_failed_at": "2020-01-01T00:00:00Z", "class": "auth"});
    cloud.twin.oss().put(LOGS, &cloud.record_name(Shelf::Failed, "a"), record.to_string());
    let result = status(cloud.settings(), &["--json"]).await.json();
    assert_eq!(result["oldest"]["since"], "2020-01-01T00:00:00Z");
    assert_eq!(result["by_age"]["under_10_minutes"], 2, "ages are those of the last failure");
}

#[tokio::test]
async fn a_key_too_long_for_a_name_is_told_by_its_record() {
    let cloud = Cloud::start().await;
    let key = "k".repeat(1000);
    let hash = hex::encode(Sha256::digest(&key));
    let name = cloud.record_name(Shelf::Failed, "").replace("failed_object/", "failed_object_long/") + &hash;
    cloud.twin.oss().put(LOGS, &name, json!({"v": 1, "key": key, "class": "auth"}).to_string());
    let result = status(cloud.settings(), &["--json"]).await.json();
    assert_eq!((&result["failed"], &result["latest"][0]["key"]), (&json!(1), &json!(key)));
    assert_eq!(result["oldest"]["key"], key);
}

#[tokio::test]
async fn no_more_records_are_read_than_asked_for() {
    let cloud = Cloud::start().await;
    for number in 0..2500 {
        mark(&cloud, &format!("k{number}"), "transient");
    }
    let finished = status(cloud.settings(), &["--read", "10"]).await;
    assert!(finished.stdout.contains("2,500 keys failed"), "{finished:?}");
    assert!(finished.stdout.contains("by class, 10 of 2,500 read"), "{finished:?}");
    let read = cloud.twin.stats().requests(Service::Oss, "GetObject");
    assert_eq!(read, 15, "the five latest are read for what they say");
    let none = status(cloud.settings(), &["--json", "--read", "0"]).await.json();
    assert_eq!((&none["failed"], &none["read"]), (&json!(2500), &json!(0)));
}

#[tokio::test]
async fn records_that_cannot_be_read_are_counted_and_told() {
    let cloud = Cloud::start().await;
    mark(&cloud, "good", "auth");
    cloud.twin.oss().put(LOGS, &cloud.record_name(Shelf::Failed, "broken"), "no record");
    let finished = status(cloud.settings(), &["--json"]).await;
    let result = finished.json();
    assert_eq!((finished.code, &result["by_class"]["unknown"]), (Some(0), &json!(1)));
    assert!(result["unreadable"].as_str().unwrap().contains("not a record"), "{result}");
}

#[tokio::test]
async fn what_oms_reports_is_shown() {
    let cloud = Cloud::start().await;
    cloud.upload("here", "12345").await;
    OmsBridge::new(["send", "here", "nowhere"]).settings(cloud.settings()).run().await;
    cloud.until(Twin::is_idle).await;
    let result = status(cloud.settings(), &["--json"]).await.json();
    let expected = json!({"requested": 2, "succeeded": 1, "failed": 1, "skipped": 0, "bytes": 5});
    assert_eq!(result["oms"]["last_day"], expected);
    assert_eq!(result["oms"]["task"]["monthly_acceptance_request"], 2);
}

#[tokio::test]
async fn missing_permissions_at_oms_are_no_failure() {
    let cloud = troubled().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let finished = status(cloud.settings(), &[]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    for action in ["oms:synctask:get", "oms:synctask:statistics"] {
        assert!(finished.stdout.contains(&format!("not permitted: grant {action}")), "{finished:?}");
    }
    assert!(finished.stdout.contains("6 keys failed"), "{finished:?}");
}

#[tokio::test]
async fn refused_credentials_end_with_four_and_are_tried_once() {
    let cloud = troubled().await;
    let finished = status(cloud.settings().set("HW_SK", "wrong-secret"), &[]).await;
    assert_eq!(finished.code, Some(4), "{finished:?}");
    assert_eq!(cloud.twin.stats().bad_signatures[&Service::Oms], 1);
    assert!(finished.stdout.contains("6 keys failed"), "the log bucket is shown all the same: {finished:?}");
    assert!(!finished.stdout.contains("wrong-secret"));

    let finished = status(cloud.settings().set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong"), &[]).await;
    assert_eq!((finished.code, &*finished.stdout), (Some(4), ""), "{finished:?}");
}

#[tokio::test]
async fn without_a_log_bucket_there_is_no_status() {
    let cloud = Cloud::start().await;
    let finished = status(cloud.settings().set("LOG_BUCKET", "no-such-bucket"), &[]).await;
    assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{finished:?}");
    assert!(finished.stderr.contains("no-such-bucket"), "{finished:?}");
}

#[tokio::test]
async fn watching_goes_on_until_interrupted_and_never_locks_the_key() {
    let cloud = troubled().await;
    let arguments = ["status", "--json", "--watch", "1"].map(str::to_owned);
    let settings = cloud.settings().set("HW_SK", "wrong");
    let mut watching = Process::spawn(&arguments, &settings);
    let again = |line: &str| {
        let status: Value = serde_json::from_str(line).ok()?;
        status["oms"]["notes"][0].as_str()?.starts_with("not asked again").then_some(status)
    };
    let second = watching.stdout_line(again).await;
    assert_eq!(second["failed"], 6);
    watching.signal("INT").await;
    assert_eq!(watching.wait().await.code(), Some(130), "{}", watching.stderr());
    assert_eq!(cloud.twin.stats().bad_signatures[&Service::Oms], 1);
}

#[tokio::test]
async fn watching_outlasts_an_outage_of_the_log_bucket() {
    let cloud = troubled().await;
    let outage = FaultResponse::error(400, "Outage", "for a while");
    let fault = cloud.twin.faults().inject(Fault::respond(Service::Oss, outage));
    let arguments = ["status", "--json", "--watch", "1"].map(str::to_owned);
    let watching = Process::spawn(&arguments, &cloud.settings());
    watching.line(|line| line.contains("for a while").then_some(())).await;
    cloud.twin.faults().clear(fault);
    watching.stdout_line(|line| line.contains("\"failed\":6").then_some(())).await;
}

#[tokio::test]
async fn a_key_that_failed_for_several_events_counts_once() {
    let cloud = Cloud::start().await;
    let outage = Fault::respond(Service::Oms, FaultResponse::oms_forbidden());
    cloud.twin.faults().inject(outage);
    for keys in [&["a", "b"][..], &["a"], &["a"]] {
        OmsBridge::new(["send", "--"].iter().chain(keys).copied()).settings(cloud.settings()).run().await;
    }
    let finished = status(cloud.settings(), &["--json"]).await;
    let shown = finished.json();
    assert_eq!(
        (&shown["failed"], &shown["records"], &shown["read"]),
        (&json!(2), &json!(4), &json!(2)),
        "{shown}"
    );
    assert_eq!(shown["by_class"]["auth"], 2);
    let text = status(cloud.settings(), &[]).await.stdout;
    assert!(text.contains("2 keys failed and wait for a replay, with 4 records"), "{text}");
}

#[tokio::test]
async fn one_failure_is_told_and_not_counted() {
    let cloud = Cloud::start().await;
    mark(&cloud, "photos/a.jpg", "transient");
    let finished = status(cloud.settings(), &[]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_shown!(finished);
}

#[tokio::test]
async fn a_large_number_of_failures_is_bounded_in_requests_and_lines() {
    let cloud = Cloud::with(Twin::builder().clock(ManualClock::new(Utc::now()))).await;
    for number in 0..12_000 {
        let code = if number % 3 == 0 { "OMS.2004" } else { "OMS.1001" };
        let record = json!({
            "v": 1, "key": format!("k{number:05}"), "engine": "oms", "outcome": "failed", "class": "permanent",
            "error": {"status": 400, "code": code, "message": format!("of {number}")},
        });
        let name = cloud.record_name(Shelf::Failed, &format!("k{number:05}"));
        cloud.twin.oss().put(LOGS, &name, record.to_string());
    }
    let finished = status(cloud.settings(), &["--list", "10000", "--read", "300"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_shown!(finished);
    let lists = cloud.twin.stats().requests(Service::Oss, "ListObjects");
    assert!((14..=20).contains(&lists), "a thousand keys a request, and no more: {lists}");
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "GetObject"), 305);
    let result = status(cloud.settings(), &["--list", "0", "--read", "300", "--json"]).await.json();
    assert_eq!((&result["failed"], &result["complete"]), (&json!(12_000), &json!(true)));
    let reasons = result["reasons"].as_array().unwrap();
    assert_eq!((reasons.len(), &reasons[0]["keys"], &reasons[1]["keys"]), (2, &json!(200), &json!(100)));
    assert_eq!(reasons[0]["error"], "400 OMS.1001 of 1");
}
