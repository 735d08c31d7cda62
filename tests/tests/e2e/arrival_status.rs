//! `status`: what it says of accepted keys, from markers in the log bucket.

use chrono::{TimeDelta, Utc};
use cloud_twin::{ManualClock, Twin};
use e2e::cloud::LOGS;
use e2e::{Cloud, OmsBridge, Settings, Shelf};
use serde_json::json;

/// A cloud whose clock stands `age` before now.
async fn cloud(age: TimeDelta) -> (Cloud, ManualClock) {
    let clock = ManualClock::new(Utc::now() - age);
    (Cloud::with(Twin::builder().clock(clock.clone())).await, clock)
}

fn accept(cloud: &Cloud, key: &str, size: u64) {
    let record = json!({"v": 1, "key": key, "size": size, "engine": "oms", "outcome": "accepted"});
    cloud.records().put(Shelf::Success, key, &record);
}

async fn status(settings: Settings, arguments: &[&str]) -> e2e::Finished {
    OmsBridge::new(["status"].iter().chain(arguments).copied()).settings(settings).run().await
}

#[tokio::test]
async fn arrivals_are_counted_from_names_alone() {
    let (cloud, clock) = cloud(TimeDelta::minutes(20)).await;
    let records = cloud.records();
    // Keys in an order that is not that of their names with a suffix.
    for key in ["a", "a b", "a!b", "a\u{1}", "a/b"] {
        accept(&cloud, key, 7);
        records.put_arrival(key, "am00", 500, 1500);
    }
    accept(&cloud, "late", 7);
    records.put_arrival("late", "ae01", 1000, 900_000);
    records.put_arrival("late", "r001", 9_999_999_999, 9_999_999_999);
    accept(&cloud, "overdue", 100);
    accept(&cloud, "dead", 7);
    records.put_arrival("dead", "d001", 9_999_999_999, 9_999_999_999);
    clock.set(Utc::now());
    accept(&cloud, "young", 11);
    // Accepted once more since: what the marker is about is another record.
    accept(&cloud, "a/b", 13);
    cloud.twin.oss().put(
        LOGS,
        &format!("{}foreign", records.name(Shelf::Success, "").replace("success", "arrival")),
        "",
    );

    let result = status(cloud.settings(), &["--json"]).await.json();
    let arrivals = &result["arrivals"];
    assert_eq!(arrivals["confirmed"], 6, "{arrivals:#}");
    assert_eq!(arrivals["confirmed_by"]["md5"], 5);
    assert_eq!(arrivals["operations_pending_replication"], 3);
    assert_eq!(arrivals["bytes_pending_replication"], 100 + 11 + 13);
    assert_eq!(arrivals["operations_missed_threshold"], 1);
    assert_eq!(arrivals["operations_replicated_after_threshold"], 1);
    assert_eq!(arrivals["operations_failed_replication"], 1);
    assert_eq!(arrivals["resent"], 1);
    // Five of eight: one arrived late, one is overdue, one was given up.
    assert_eq!(arrivals["share_within_threshold"], 5.0 / 8.0);
    assert_eq!(arrivals["oldest_unconfirmed"]["key"], "overdue");
    assert_eq!(arrivals["replication_latency"]["max_s"], 901.0);
    assert_eq!(arrivals["accepted_to_arrived"]["p50_s"], 1.535);
    assert_eq!(arrivals["event_to_accepted"]["count"], 6);
    assert_eq!(arrivals["complete"], true);

    let finished = status(cloud.settings(), &[]).await;
    insta::with_settings!({filters => [(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"), (r"for (\d+m )?\d+s", "for AGE"), ("for 20m", "for AGE")]}, {
        insta::assert_snapshot!(finished.stdout);
    });
}

#[tokio::test]
async fn a_longer_time_to_arrive_makes_less_late() {
    let (cloud, clock) = cloud(TimeDelta::minutes(20)).await;
    accept(&cloud, "old", 7);
    clock.set(Utc::now());
    for (within, missed) in [("15m", 1), ("30m", 0)] {
        let settings = cloud.settings().set("ARRIVE_WITHIN", within);
        let result = status(settings, &["--json"]).await.json();
        assert_eq!(result["arrivals"]["operations_missed_threshold"], missed, "{within}");
    }
    let settings = cloud.settings().set("ARRIVE_WITHIN", "15");
    let finished = status(settings, &[]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("ARRIVE_WITHIN"), "{finished:?}");
}
