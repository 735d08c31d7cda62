//! `replay`: what is sent, what is left, what is said.

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultResponse, ManualClock, Service, Twin};
use e2e::{Answer, Cloud, Finished, Function, OmsBridge, Shelf, event};
use serde_json::{Value, json};

async fn replay(cloud: &Cloud, arguments: &[&str]) -> Finished {
    let run = OmsBridge::new(["replay", "--json"].iter().chain(arguments).copied());
    run.settings(cloud.settings()).run().await
}

/// The numbers of the result: listed, accepted, already done, failed, skipped.
fn counts(finished: &Finished) -> [u64; 5] {
    let result = finished.json();
    ["listed", "accepted", "already_done", "failed", "skipped"].map(|name| result[name].as_u64().unwrap())
}

/// Puts an empty marker, as the vendor's function does.
fn mark(cloud: &Cloud, shelf: Shelf, key: &str) {
    cloud.twin.oss().put(e2e::cloud::LOGS, &cloud.record_name(shelf, key), "");
}

fn mark_with(cloud: &Cloud, shelf: Shelf, key: &str, record: &Value) {
    cloud.twin.oss().put(e2e::cloud::LOGS, &cloud.record_name(shelf, key), record.to_string());
}

#[tokio::test]
async fn what_failed_is_accepted_recorded_and_its_marker_removed() {
    let cloud = Cloud::start().await;
    let keys = ["a//b", "dir/", "up/../x", "測 a+b%20c", "\u{1}", " ends ", "q?#&", "<&>\"'", "z"];
    let outage = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let function = Function::on(&cloud).start().await;
    function.invoke(event::put(keys)).await;
    cloud.twin.faults().clear(outage);
    assert_eq!(cloud.recorded(Shelf::Failed).len(), keys.len());

    let finished = replay(&cloud, &[]).await;

    assert_eq!(finished.code, Some(0), "{finished:?}");
    let mut result = finished.json();
    assert!(result["elapsed_s"].take().as_f64().unwrap() >= 0.0);
    let expected = json!({
        "listed": 9, "accepted": 9, "already_done": 0, "failed": 0, "skipped": 0, "requests": 1, "elapsed_s": null,
    });
    assert_eq!(result, expected);
    let mut sorted = keys;
    sorted.sort_unstable();
    assert_eq!(cloud.recorded(Shelf::Success), sorted);
    assert_eq!(cloud.recorded(Shelf::Failed), [""; 0]);
}

#[tokio::test]
async fn empty_markers_are_replayed_in_full_batches() {
    let cloud = Cloud::start().await;
    for number in 0..2345 {
        mark(&cloud, Shelf::Failed, &format!("k{number:04}"));
    }
    let finished = replay(&cloud, &[]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [2345, 2345, 0, 0, 0]), "{finished:?}");
    assert_eq!(cloud.oms_requests(), 235, "as few requests as keys of ten allow");
    assert_eq!(cloud.recorded(Shelf::Failed), [""; 0]);
    assert_eq!(cloud.recorded(Shelf::Success).len(), 2345);
    let stats = cloud.twin.stats();
    assert_eq!(stats.requests(Service::Oss, "GetObject"), 0, "no record has to be read");
    assert!(stats.requests(Service::Oss, "DeleteMultipleObjects") <= 3);
}

#[tokio::test]
async fn a_key_too_long_for_a_name_is_found_in_its_record() {
    let cloud = Cloud::start().await;
    let key = "l".repeat(1000);
    let outage = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    Function::on(&cloud).start().await.invoke(event::put([key.clone()])).await;
    cloud.twin.faults().clear(outage);
    let finished = replay(&cloud, &["--prefix", "ll"]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [1, 1, 0, 0, 0]), "{finished:?}");
    assert_eq!(cloud.sent(&key), 2);
    let names = cloud.twin.oss().keys(e2e::cloud::LOGS);
    assert!(names.len() == 1 && names[0].contains("/success_object_long/"), "{names:?}");
}

#[tokio::test]
async fn a_key_forwarded_since_is_not_sent_again() {
    let clock = ManualClock::new(Utc::now() - TimeDelta::minutes(2));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    let function = Function::on(&cloud).start().await;
    let outage = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    assert_eq!(function.invoke(event::put(["done", "never done"])).await, Answer::False);
    cloud.twin.faults().clear(outage);
    // The function knows the log bucket's time from the records that it wrote.
    clock.advance(TimeDelta::seconds(10));
    assert_eq!(function.invoke(event::put(["other"])).await, Answer::True);
    assert_eq!(function.invoke(event::put(["done"])).await, Answer::True);
    let (done, never_done) = (cloud.sent("done"), cloud.sent("never done"));

    let finished = replay(&cloud, &[]).await;

    assert_eq!((finished.code, counts(&finished)), (Some(0), [2, 1, 1, 0, 0]), "{finished:?}");
    assert_eq!((cloud.sent("done"), cloud.sent("never done")), (done, never_done + 1));
    assert_eq!(cloud.recorded(Shelf::Failed), [""; 0]);
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "HeadObject"), 0);
}

/// A success says nothing of failures by the time at which it was written: it may tell of an attempt that began before them.
#[tokio::test]
async fn a_success_record_that_is_only_newer_keeps_nothing_from_being_sent() {
    let clock = ManualClock::new(Utc::now() - TimeDelta::minutes(2));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    mark(&cloud, Shelf::Failed, "by the vendor");
    mark_with(&cloud, Shelf::Failed, "by 0.1.0", &json!({"v": 1, "key": "by 0.1.0", "class": "transient"}));
    clock.advance(TimeDelta::seconds(10));
    mark(&cloud, Shelf::Success, "by the vendor");
    mark_with(&cloud, Shelf::Success, "by 0.1.0", &json!({"v": 1, "key": "by 0.1.0", "outcome": "accepted"}));
    let finished = replay(&cloud, &[]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [2, 2, 0, 0, 0]), "{finished:?}");
}

#[tokio::test]
async fn a_key_that_fails_again_keeps_its_marker_brought_up_to_date() {
    let cloud = Cloud::start().await;
    let first = json!({
        "v": 1, "key": "a", "bucket": "source", "event": "ObjectCreated:PutObject", "size": 7, "engine": "oms",
        "outcome": "failed", "class": "transient", "attempts": 4,
        "first_failed_at": "2026-01-01T00:00:00.000Z", "last_failed_at": "2026-01-01T00:10:00.000Z",
        "error": {"status": 503, "message": "old"}, "unknown": true,
    });
    mark_with(&cloud, Shelf::Failed, "a", &first);
    mark(&cloud, Shelf::Failed, "empty");
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));

    let finished = replay(&cloud, &[]).await;

    assert_eq!((finished.code, counts(&finished)[3]), (Some(2), 2), "{finished:?}");
    let record = cloud.record(Shelf::Failed, "a").unwrap();
    assert_eq!((&record["attempts"], &record["size"]), (&json!(5), &json!(7)));
    assert_eq!(record["first_failed_at"], "2026-01-01T00:00:00.000Z");
    assert!(record["last_failed_at"].as_str() > Some("2026-01-01T00:10:00.000Z"));
    assert_eq!((&record["class"], &record["error"]["status"]), (&json!("auth"), &json!(403)));
    let filled = cloud.record(Shelf::Failed, "empty").unwrap();
    assert_eq!((&filled["key"], &filled["attempts"]), (&json!("empty"), &json!(2)));
}

#[tokio::test]
async fn too_many_attempts_set_a_key_aside_until_it_is_asked_for() {
    let cloud = Cloud::start().await;
    mark_with(
        &cloud,
        Shelf::Failed,
        "poison",
        &json!({"key": "poison", "attempts": 2, "class": "permanent"}),
    );
    mark(&cloud, Shelf::Failed, "good");
    let poison = cloud.twin.faults().inject(Fault::poison_key("poison"));
    let finished = replay(&cloud, &["--max-attempts", "3"]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(3), [2, 1, 0, 1, 0]), "{finished:?}");
    assert_eq!(
        (cloud.recorded(Shelf::Failed).len(), cloud.recorded(Shelf::Dead)),
        (0, vec!["poison".into()])
    );
    assert_eq!(cloud.record(Shelf::Dead, "poison").unwrap()["attempts"], 3);

    assert_eq!(counts(&replay(&cloud, &[]).await), [0; 5], "a dead key is not replayed by itself");
    let still = replay(&cloud, &["--dead"]).await;
    assert_eq!(
        (still.code, cloud.record(Shelf::Dead, "poison").unwrap()["attempts"].clone()),
        (Some(3), json!(4))
    );
    cloud.twin.faults().clear(poison);
    let finished = replay(&cloud, &["--dead"]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [1, 1, 0, 0, 0]), "{finished:?}");
    assert_eq!((cloud.recorded(Shelf::Dead).len(), cloud.recorded(Shelf::Success).len()), (0, 2));
}

#[tokio::test]
async fn filters_choose_and_the_rest_stays() {
    let clock = ManualClock::new(Utc::now() - TimeDelta::minutes(10));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    let record = |key: &str, class: &str| json!({"key": key, "class": class});
    mark_with(&cloud, Shelf::Failed, "a/old", &record("a/old", "transient"));
    clock.advance(TimeDelta::minutes(5));
    mark_with(&cloud, Shelf::Failed, "a/new", &record("a/new", "auth"));
    mark_with(&cloud, Shelf::Failed, "b/new", &record("b/new", "transient"));
    mark(&cloud, Shelf::Failed, "b/empty");
    clock.advance(TimeDelta::minutes(5));

    for (arguments, keys) in [
        (&["--prefix", "a/"][..], &["a/new", "a/old"][..]),
        (&["--class", "transient"], &["a/old", "b/new"]),
        (&["--since", "7m"], &["a/new", "b/empty", "b/new"]),
        (&["--until", "7m"], &["a/old"]),
        (&["--since", "7m", "--class", "transient"], &["b/new"]),
        (&["--limit", "2"], &["a/new", "a/old"]),
    ] {
        let run = OmsBridge::new(["replay", "--dry-run"].iter().chain(arguments).copied());
        let finished = run.settings(cloud.settings()).run().await;
        let mut printed: Vec<&str> = finished.stdout.lines().collect();
        printed.sort_unstable();
        assert_eq!((finished.code, printed), (Some(0), keys.to_vec()), "{arguments:?}: {finished:?}");
    }
    assert_eq!(
        (cloud.oms_requests(), cloud.recorded(Shelf::Failed).len()),
        (0, 4),
        "a dry run changes nothing"
    );

    let finished = replay(&cloud, &["--class", "auth"]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [4, 1, 0, 0, 3]), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Failed), ["a/old", "b/empty", "b/new"]);
}

#[tokio::test]
async fn a_dry_run_with_json_prints_only_the_object() {
    let cloud = Cloud::start().await;
    mark(&cloud, Shelf::Failed, "k");
    let finished = replay(&cloud, &["--dry-run"]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [1, 0, 0, 0, 0]), "{finished:?}");
}

#[tokio::test]
async fn bad_arguments_are_usage_errors() {
    let cloud = Cloud::start().await;
    for (arguments, wanted) in [
        (&["--since", "yesterday"][..], "--since: \"yesterday\" is neither a time"),
        (&["--class", "bad"], "possible values: transient, permanent, auth, throttled"),
        (&["--engine", "bad"], "possible values: oms, copy, oms-then-copy"),
        (&["--concurrency", "0"], "not a number from 1 to 1000"),
        (&["--max-rps", "0"], "OMS_MAX_RPS"),
    ] {
        let finished = replay(&cloud, arguments).await;
        assert_eq!(finished.code, Some(2), "{arguments:?}");
        assert!(finished.stderr.contains(wanted), "{arguments:?}: {finished:?}");
    }
}

#[tokio::test]
async fn a_timer_makes_the_function_replay() {
    let cloud = Cloud::start().await;
    for number in 0..25 {
        mark(&cloud, Shelf::Failed, &format!("k{number}"));
    }
    let function = Function::on(&cloud).start().await;
    let timer = |payload: &str| {
        json!({"triggerTime": "2026-01-05T10:00:00Z", "triggerName": "replay", "payload": payload})
            .to_string()
    };
    assert_eq!(function.invoke(timer(r#"{"action":"replay"}"#)).await, Answer::True);
    assert_eq!((cloud.recorded(Shelf::Failed).len(), cloud.recorded(Shelf::Success).len()), (0, 25));
    assert_eq!(function.invoke(timer(r#"{"action":"replay"}"#)).await, Answer::True, "nothing to do");

    mark(&cloud, Shelf::Failed, "again");
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_invalid()));
    assert_eq!(function.invoke(timer(r#"{"action":"replay"}"#)).await, Answer::False);
    assert_eq!(cloud.recorded(Shelf::Failed), ["again"]);
    let refused = function.invoke(timer(r#"{"action":"sing"}"#)).await;
    assert!(
        matches!(&refused, Answer::Failure { message, .. } if message.contains("\"sing\"")),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_tick_ends_in_its_time_and_the_next_goes_on() {
    let cloud = Cloud::start().await;
    for number in 0..30 {
        mark(&cloud, Shelf::Failed, &format!("k{number:02}"));
    }
    let hang = cloud.twin.faults().inject(Fault::new(Service::Oms, cloud_twin::FaultAction::Hang));
    let function = Function::on(&cloud).timeout(2).start().await;
    let tick = json!({"triggerName": "t", "payload": "{\"action\":\"replay\"}"}).to_string();
    function.invoke(tick.clone()).await;
    assert_eq!(cloud.recorded(Shelf::Failed).len(), 30, "what time did not reach is as it was");
    cloud.twin.faults().clear(hang);
    assert_eq!(function.invoke(tick).await, Answer::True);
    assert_eq!((cloud.recorded(Shelf::Failed).len(), cloud.recorded(Shelf::Success).len()), (0, 30));
}
