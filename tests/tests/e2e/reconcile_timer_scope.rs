//! The timer `reconcile`: records count for the source and the destination that they are about, and a position
//! for the question that it was made for.

use chrono::TimeDelta;
use cloud_twin::{Service, Twin};
use e2e::cloud::SOURCE;
use e2e::{Answer, Cloud, Function, OmsBridge, Settings, Shelf};
use serde_json::{Value, json};

use crate::confirm::{LATE, confirm};
use crate::reconcile_timer::{cloud, counts, last, put_unnoticed, state, tick};
use crate::reconcile_timer_faults::{KEYS, hang_behind_the_first_page, large};

/// A record of an object of `bucket` on its way to `destination`.
fn record(key: &str, bucket: &str, destination: &str) -> Value {
    json!({"v": 1, "key": key, "bucket": bucket, "destination": destination, "engine": "oms", "size": 3})
}

/// Records in each folder about another source, and about another destination.
fn put_records_of_others(cloud: &Cloud, keys: [&str; 2]) {
    let records = [record(keys[0], "other", "obs://mirror/"), record(keys[1], SOURCE, "obs://other/")];
    for (key, record) in keys.into_iter().zip(records) {
        for shelf in [Shelf::Success, Shelf::Failed, Shelf::Dead] {
            cloud.records().put(shelf, key, &record);
        }
    }
}

#[tokio::test]
async fn records_of_another_source_or_destination_leave_no_key_to_anybody() {
    let (cloud, clock, settings) = cloud().await;
    put_unnoticed(&cloud, &["destination", "own", "source"]);
    clock.advance(TimeDelta::seconds(1));
    put_records_of_others(&cloud, ["source", "destination"]);
    cloud.records().put(Shelf::Dead, "own", &record("own", SOURCE, "obs://mirror/"));
    clock.advance(LATE);
    let function = Function::with(settings).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    let found = counts(&round, ["missing", "sent", "watched", "waiting", "given_up"]);
    assert_eq!(found, [2, 2, 0, 0, 1], "{round}");
    assert_eq!(cloud.twin.accepted().into_keys().collect::<Vec<_>>(), ["destination", "source"]);
    let record = cloud.record(Shelf::Success, "source").unwrap();
    assert_eq!(record["destination"], "obs://mirror/", "{record}");
}

#[tokio::test]
async fn what_is_on_its_way_to_elsewhere_is_neither_confirmed_nor_sent() {
    let (cloud, clock, settings) = cloud().await;
    put_unnoticed(&cloud, &["destination", "source"]);
    put_records_of_others(&cloud, ["source", "destination"]);
    clock.advance(LATE);
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["not_ours"], &result["resent"]), (Some(0), &json!(2), &json!(0)), "{result}");
    assert!(cloud.twin.accepted().is_empty());
    let run = async |arguments: &[&str], settings: Settings| {
        OmsBridge::new(arguments.iter().copied()).settings(settings).run().await
    };
    let status = run(&["status", "--json"], settings.clone()).await.json();
    assert_eq!(status["arrivals"]["operations_pending_replication"], 0, "{status}");
    for (key, bucket) in [("source", "other"), ("destination", SOURCE)] {
        let explained = run(&["explain", "--json", key], settings.clone()).await.json();
        let records = &explained["records"];
        for own in ["success", "failed", "dead"] {
            assert!(records[own].is_null(), "{own}: {records}");
        }
        let others = records["others"].as_array().unwrap();
        assert!(others.len() == 3 && others.iter().all(|it| it["content"]["bucket"] == bucket), "{records}");
    }
    let text = run(&["explain", "source"], settings.clone()).await.stdout;
    assert!(text.contains("about another source or destination: it does not count"), "{text}");
    let of_the_other = run(&["explain", "--json", "source", "--bucket", "other"], settings).await.json();
    assert!(of_the_other["records"]["success"].is_object(), "{of_the_other}");
}

#[tokio::test]
async fn another_question_begins_another_round() {
    let (cloud, _, settings) = large(&[10, 1100, 2400]).await;
    let function = Function::with(settings.clone()).timeout(4).start().await;
    let hang = hang_behind_the_first_page(&cloud);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    cloud.twin.faults().clear(hang);
    assert!(state(&cloud, &cloud.task.sync_task_id)["after_key"].is_string());
    cloud.until(Twin::is_idle).await;
    // What was left out, and stands before the position, is compared from now on.
    let other = Function::with(settings.set("INCLUDE", "k-*").set("EXCLUDE", "k-24*")).start().await;
    assert_eq!(other.invoke(tick()).await, Answer::True);
    assert!(other.log().contains("a new round begins at the first key"), "{}", other.log());
    let round = last(&cloud);
    let found = counts(&round, ["slices", "compared", "filtered", "sent"]);
    assert_eq!(found, [1, KEYS as u64 - 100, 100, 1], "{round}");
    assert_eq!((&round["include"], &round["exclude"]), (&json!(["k-*"]), &json!(["k-24*"])), "{round}");
    assert_eq!(round["destination_endpoint"], cloud.twin.obs_url(), "{round}");
}

#[tokio::test]
async fn keys_that_differ_are_asked_for_together() {
    // Far apart among many records that are about other keys.
    let (cloud, clock, settings) = cloud().await;
    let keys: Vec<String> = (0..50).map(|key| format!("k-{key:02}000")).collect();
    put_unnoticed(&cloud, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    for key in (0..5000).filter(|key| key % 100 != 0) {
        let key = format!("k-{:05}", key * 10);
        cloud.records().put(Shelf::Success, &key, &json!({"v": 1, "key": key}));
    }
    clock.advance(LATE);
    let function = Function::with(settings).start().await;
    let listings = |cloud: &Cloud| cloud.done(Service::Oss, "ListObjects");
    let before = listings(&cloud);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(counts(&last(&cloud), ["missing", "sent"]), [50, 50]);
    let made = listings(&cloud) - before;
    assert!(made <= 20, "{made} listings for 50 keys");
}
