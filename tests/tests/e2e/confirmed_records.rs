//! Records of confirmed keys: out of the way of the next run, and still there for everything else.

use chrono::TimeDelta;
use cloud_twin::{Fault, FaultAction, FaultResponse, Service, Twin};
use e2e::cloud::SOURCE;
use e2e::process::Process;
use e2e::{Answer, Cloud, Function, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};

use crate::confirm::{LATE, accept, cloud, confirm, lose};

async fn json_of(settings: &Settings, arguments: &[&str]) -> Value {
    OmsBridge::new(arguments.iter().copied()).settings(settings.clone()).run().await.json()
}

fn put(cloud: &Cloud, keys: &[&str]) {
    for key in keys {
        cloud.twin.oss().put(SOURCE, key, "abc");
    }
}

#[tokio::test]
async fn what_is_confirmed_costs_the_next_run_nothing_and_is_still_shown() {
    let (cloud, clock, settings) = cloud().await;
    let long = "l".repeat(950);
    let keys = ["a", "a b", "\u{e9}/!x", &long];
    put(&cloud, &keys);
    let lost = lose(&cloud, "a b");
    accept(&cloud, &settings, &keys).await;
    clock.advance(LATE);
    assert_eq!(confirm(&settings).await.1["resent"], 1);
    cloud.twin.faults().clear(lost);
    clock.advance(LATE);
    assert_eq!(confirm(&settings).await.1["copied"], 1);
    let (_, result) = confirm(&settings).await;
    assert_eq!(result["confirmed"], 1, "{result}");
    assert!(cloud.recorded(Shelf::Success).is_empty(), "nothing is left to do");
    assert_eq!(cloud.records().stages("a b"), ["am01", "c001", "r001"]);
    let kept = cloud.records().confirmed("a b").unwrap();
    assert_eq!((&kept["key"], &kept["size"]), (&json!("a b"), &json!(3)), "{kept}");
    let requests = |cloud: &Cloud| {
        let of = |service| ["ListObjects", "GetObject", "HeadObject"].map(|name| cloud.done(service, name));
        (of(Service::Oss), of(Service::Obs))
    };
    let before = requests(&cloud);
    assert_eq!(confirm(&settings).await.1["looked_at"], 0);
    let after = requests(&cloud);
    assert_eq!((after.0[1] - before.0[1], after.1), (1, before.1), "the state of the run before is read");
    let status = json_of(&settings, &["status", "--json"]).await;
    let arrivals = ["confirmed", "resent", "copied", "operations_pending_replication"];
    assert_eq!(arrivals.map(|name| status["arrivals"][name].as_u64()), [4, 1, 1, 0].map(Some), "{status}");
    for key in keys {
        let explained = json_of(&settings, &["explain", "--json", key]).await;
        let content = &explained["records"]["success"]["content"];
        assert_eq!((&content["key"], &content["outcome"]), (&json!(key), &json!("accepted")), "{explained}");
    }
}

#[tokio::test]
async fn keys_that_lie_close_together_are_confirmed_by_a_listing() {
    let (cloud, clock, settings) = cloud().await;
    let keys = event::keys("k", 40);
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    put(&cloud, &keys);
    let lost = lose(&cloud, "k-7");
    accept(&cloud, &settings, &keys).await;
    cloud.twin.faults().clear(lost);
    let made = |cloud: &Cloud| ["HeadObject", "ListObjects"].map(|name| cloud.done(Service::Obs, name));
    // A key that the page does not have, and the first, are asked for; so is each once listing is denied.
    let before = made(&cloud);
    let settings_dry = ["confirm", "--json", "--dry-run"];
    let denied = Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no"));
    let denied = cloud.twin.faults().inject(denied.method("GET").path_contains("max-keys="));
    let result = json_of(&settings, &settings_dry).await;
    assert_eq!(result["confirmed"], 39, "{result}");
    assert_eq!(made(&cloud)[0] - before[0], 39, "what is there");
    cloud.twin.faults().clear(denied);
    let before = made(&cloud);
    let (_, result) = confirm(&settings).await;
    assert_eq!((&result["confirmed"], &result["pending"]), (&json!(39), &json!(1)), "{result}");
    assert_eq!(result["confirmed_by"]["md5"], 39, "{result}");
    assert!(made(&cloud)[0] - before[0] <= 2, "{:?} {before:?}", made(&cloud));
    clock.advance(LATE);
    assert_eq!(confirm(&settings).await.1["resent"], 1);
}

#[tokio::test]
async fn a_kill_while_a_key_is_moved_counts_it_once() {
    let (cloud, clock, settings) = cloud().await;
    put(&cloud, &["k"]);
    accept(&cloud, &settings, &["k"]).await;
    cloud.records().put_arrival("k", "r001", 9_999_999_999, 9_999_999_999);
    // Before the record is written to its new place, between the two, and before the old one is deleted.
    for (method, name) in [("PUT", "confirmed_object/k!r"), ("PUT", "confirmed_object/k!a"), ("POST", "")] {
        let hang = Fault::new(Service::Oss, FaultAction::Hang).method(method);
        let hang = if name.is_empty() { hang.path_contains("delete") } else { hang.key_contains(name) };
        // The run before left an object that the next one deletes once it has its turn.
        let hang = if name.is_empty() { hang.after(1) } else { hang };
        let hang = cloud.twin.faults().inject(hang);
        let mut process = Process::spawn(&["confirm".to_owned()], &settings);
        cloud.until(|twin| twin.faults().hits(hang) > 0).await;
        process.signal("KILL").await;
        process.wait().await;
        cloud.twin.faults().clear(hang);
        assert_eq!(cloud.recorded(Shelf::Success), ["k"], "{name}");
        let counted = json_of(&settings, &["status", "--json"]).await["arrivals"].clone();
        let counted = ["confirmed", "operations_pending_replication", "resent"].map(|it| counted[it].as_u64());
        let confirmed = u64::from(method == "POST");
        assert_eq!(counted, [confirmed, 1 - confirmed, 1].map(Some), "{name}");
        clock.advance(TimeDelta::minutes(6));
    }
    assert_eq!(confirm(&settings).await.1["confirmed"], 1);
    assert!(cloud.recorded(Shelf::Success).is_empty());
    assert_eq!(cloud.records().arrivals().len(), 2, "{:?}", cloud.records().arrivals());
}

#[tokio::test]
async fn what_an_earlier_version_confirmed_is_left_as_it_is() {
    let (cloud, clock, settings) = cloud().await;
    put(&cloud, &["k"]);
    accept(&cloud, &settings, &["k"]).await;
    cloud.records().put_arrival("k", "am00", 500, 1500);
    assert_eq!(confirm(&settings).await.1["looked_at"], 0);
    assert_eq!(json_of(&settings, &["status", "--json"]).await["arrivals"]["confirmed"], 1);
    clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    assert_eq!(confirm(&settings).await.1["forgotten"], 1);
    assert!(cloud.recorded(Shelf::Success).is_empty() && cloud.records().arrivals().is_empty());
}

#[tokio::test]
async fn records_are_looked_through_now_and_then() {
    let (cloud, clock, settings) = cloud().await;
    put(&cloud, &["k"]);
    accept(&cloud, &settings, &["k"]).await;
    let settings = settings.set("KEEP_RECORDS", "8h");
    assert_eq!(confirm(&settings).await.1["confirmed"], 1);
    let listings = |cloud: &Cloud| cloud.done(Service::Oss, "ListObjects");
    let mut made = Vec::new();
    for hours in [0, 1, 8] {
        clock.advance(TimeDelta::hours(hours));
        let before = listings(&cloud);
        assert_eq!(confirm(&settings).await.1["forgotten"], u64::from(hours == 8), "{hours}");
        made.push(listings(&cloud) - before);
    }
    assert!(made[0] < made[1], "each eighth of the time: {made:?}");
    assert!(cloud.records().arrivals().is_empty());
}

#[tokio::test]
async fn a_replay_knows_what_was_confirmed_since() {
    let (cloud, clock, settings) = cloud().await;
    put(&cloud, &["k"]);
    let function = Function::with(settings.clone()).start().await;
    let down = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_invalid()));
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::False);
    cloud.twin.faults().clear(down);
    clock.advance(TimeDelta::minutes(1));
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
    cloud.until(Twin::is_idle).await;
    assert_eq!(confirm(&settings).await.1["confirmed"], 1);
    let replay = json_of(&settings, &["replay", "--json"]).await;
    assert_eq!((&replay["already_done"], &replay["accepted"]), (&json!(1), &json!(0)), "{replay}");
    assert_eq!(cloud.twin.accepted_count("k"), 1);
}

#[tokio::test]
async fn what_a_replay_sent_late_is_late() {
    let (cloud, clock, settings) = cloud().await;
    put(&cloud, &["k"]);
    let function = Function::with(settings.clone()).start().await;
    let down = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_invalid()));
    let object = cloud.twin.oss().get(SOURCE, "k").unwrap();
    let mut element = event::element(SOURCE, "ObjectCreated:PutObject", "k");
    element["eventTime"] = json!(object.last_modified.to_rfc3339());
    element["oss"]["object"]["eTag"] = json!(object.etag);
    assert_eq!(function.invoke(event::of([element])).await, Answer::False);
    clock.advance(LATE);
    // It fails once more: the record is a newer one then, and the event is not.
    json_of(&settings, &["replay", "--json"]).await;
    cloud.twin.faults().clear(down);
    let replay = json_of(&settings, &["replay", "--json"]).await;
    assert_eq!(replay["accepted"], 1, "{replay}");
    cloud.until(Twin::is_idle).await;
    let record = cloud.record(Shelf::Success, "k").unwrap();
    assert_eq!(record["event_time"], json!(object.last_modified.to_rfc3339()), "{record}");
    assert_eq!(confirm(&settings).await.1["confirmed"], 1);
    let arrivals = json_of(&settings, &["status", "--json"]).await["arrivals"].clone();
    assert_eq!(arrivals["operations_replicated_after_threshold"], 1, "{arrivals}");
    assert_eq!(arrivals["share_within_threshold"], 0.0, "{arrivals}");
}

#[tokio::test]
async fn what_is_not_known_of_a_key_is_not_in_time() {
    let cloud = Cloud::start().await;
    for key in ["in time", "late", "unknown"] {
        cloud.records().put(Shelf::Success, key, &json!({"v": 1, "key": key}));
    }
    const UNKNOWN: u64 = 9_999_999_999;
    cloud.records().put_arrival("in time", "am00", 500, 1500);
    cloud.records().put_arrival("late", "am00", UNKNOWN, 901_000);
    cloud.records().put_arrival("unknown", "am00", UNKNOWN, 1500);
    let finished = OmsBridge::new(["status", "--json"]).settings(cloud.settings()).run().await;
    let arrivals = finished.json()["arrivals"].clone();
    let counted = ["arrived_within_threshold", "operations_replicated_after_threshold", "arrived_at_unknown_time"];
    assert_eq!(counted.map(|name| arrivals[name].as_u64()), [1, 1, 1].map(Some), "{arrivals}");
    assert_eq!(arrivals["share_within_threshold"], 0.5, "{arrivals}");
}
