//! `FORWARD_MODE=copy` when something breaks: before success is answered, each key is copied or in the journal.

use cloud_twin::{Fault, FaultAction, FaultResponse, ObjectHeaders, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Finished, Function, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};

async fn copying(cloud: &Cloud) -> Function {
    Function::with(cloud.copy_settings()).start().await
}

async fn replay(settings: Settings, arguments: &[&str]) -> Finished {
    let run = OmsBridge::new(["replay", "--json"].iter().chain(arguments).copied());
    run.settings(settings).run().await
}

fn destination_down() -> Fault {
    Fault::respond(Service::Obs, FaultResponse::error(503, "ServiceUnavailable", "away"))
}

fn denied(service: Service) -> Fault {
    Fault::respond(service, FaultResponse::error(403, "AccessDenied", "no"))
}

fn failure(cloud: &Cloud, key: &str) -> Value {
    cloud.copy_records().get(Shelf::Failed, key).unwrap_or_else(|| panic!("no record of {key:?}"))
}

/// Asserts that `key` arrived, and that the journal says so and nothing else.
fn assert_healed(cloud: &Cloud, key: &str, body: &str) {
    assert_eq!(cloud.mirrored(key).unwrap_or_else(|| panic!("{key:?} was not copied")).body, body);
    assert_eq!(cloud.copy_records().get(Shelf::Failed, key), None);
    let record = cloud.copy_records().get(Shelf::Success, key).unwrap();
    assert_eq!((&record["engine"], &record["outcome"]), (&"copy".into(), &"accepted".into()), "{record}");
}

#[tokio::test]
async fn a_destination_that_is_down_leaves_a_record_that_a_replay_heals() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a/k", "x");
    let down = cloud.twin.faults().inject(destination_down());
    assert_eq!(copying(&cloud).await.invoke(event::put(["a/k"])).await, Answer::False);
    let record = failure(&cloud, "a/k");
    let expected = json!({
        "v": 1, "key": "a/k", "bucket": SOURCE, "event": "ObjectCreated:PutObject", "engine": "copy", "outcome": "failed",
        "class": "transient", "attempts": 1, "upload": null,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&record[name], value, "{name} of {record}");
    }
    assert_eq!(record["error"]["status"], 503);
    assert!(record["error"]["message"].as_str().unwrap().contains("in bucket mirror"), "{record}");
    assert_eq!(cloud.copy_records().keys(Shelf::Success), [""; 0]);

    let still = replay(cloud.copy_settings(), &[]).await;
    assert_eq!((still.code, &still.json()["failed"]), (Some(3), &json!(1)), "{still:?}");
    assert_eq!(failure(&cloud, "a/k")["attempts"], 2);
    cloud.twin.faults().clear(down);
    let healed = replay(cloud.copy_settings(), &[]).await;
    assert_eq!((healed.code, &healed.json()["accepted"]), (Some(0), &json!(1)), "{healed:?}");
    assert_healed(&cloud, "a/k", "x");
}

#[tokio::test]
async fn a_destination_that_takes_no_writes_until_time_is_up_is_named_in_the_record() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "x");
    cloud.twin.faults().inject(destination_down().method("PUT"));
    assert_eq!(copying(&cloud).await.invoke(event::put(["k"])).await, Answer::False);
    let record = failure(&cloud, "k");
    assert_eq!(
        (&record["class"], &record["error"]["status"]),
        (&json!("transient"), &json!(503)),
        "{record}"
    );
    cloud.twin.faults().clear_all();
    assert_eq!(replay(cloud.copy_settings(), &["--engine", "copy"]).await.code, Some(0));
    assert_healed(&cloud, "k", "x");
}

#[tokio::test]
async fn a_short_outage_is_passed_within_the_invocation() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "x");
    cloud.twin.faults().inject(destination_down().times(2));
    cloud.twin.faults().inject(Fault::new(Service::Obs, FaultAction::ResetMidRequest).method("PUT").times(1));
    let broken = Fault::new(Service::Oss, FaultAction::ResetMidResponse).method("GET").key_contains("k");
    cloud.twin.faults().inject(broken.times(1));
    assert_eq!(copying(&cloud).await.invoke(event::put(["k"])).await, Answer::True);
    assert_healed(&cloud, "k", "x");
}

#[tokio::test]
async fn damaged_bytes_never_pass_for_a_copy() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "precious content");
    cloud.twin.faults().inject(Fault::new(Service::Obs, FaultAction::CorruptRequest).method("PUT"));
    assert_eq!(copying(&cloud).await.invoke(event::put(["k"])).await, Answer::False);
    assert_eq!(failure(&cloud, "k")["class"], "transient");
    assert_eq!(cloud.twin.obs().keys(MIRROR), [""; 0]);
    cloud.twin.faults().clear_all();
    assert_eq!(replay(cloud.copy_settings(), &[]).await.code, Some(0));
    assert_healed(&cloud, "k", "precious content");
}

#[tokio::test]
async fn a_refusal_of_either_end_is_one_of_permissions() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "x");
    let function = copying(&cloud).await;
    for refusal in [denied(Service::Obs), denied(Service::Oss).path_contains("/source/")] {
        let refusal = cloud.twin.faults().inject(refusal);
        assert_eq!(function.invoke(event::put(["k"])).await, Answer::False);
        let record = failure(&cloud, "k");
        assert_eq!((&record["class"], &record["error"]["status"]), (&json!("auth"), &json!(403)), "{record}");
        cloud.twin.faults().clear(refusal);
    }
    assert_eq!(replay(cloud.copy_settings(), &["--class", "auth"]).await.code, Some(0));
    assert_healed(&cloud, "k", "x");
}

#[tokio::test]
async fn a_wrong_key_for_the_destination_is_one_of_credentials() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "x");
    let function = Function::with(cloud.copy_settings().set("HW_SK", "wrong-secret")).start().await;
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::False);
    let record = failure(&cloud, "k");
    assert_eq!(record["class"], "auth", "{record}");
    assert!(!record.to_string().contains("wrong-secret") && !function.log().contains("wrong-secret"));
}

#[tokio::test]
async fn a_missing_destination_is_permanent_and_named() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "x");
    let function = Function::with(cloud.copy_settings().set("DEST", "obs://nowhere")).start().await;
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::False);
    let record = failure(&cloud, "k");
    assert_eq!(record["class"], "permanent", "{record}");
    assert!(record["error"]["message"].as_str().unwrap().contains("nowhere"), "{record}");
}

#[tokio::test]
async fn an_archived_object_has_to_be_restored_first() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put_with(SOURCE, "old", "x", ObjectHeaders::default().storage_class("Archive"));
    assert_eq!(copying(&cloud).await.invoke(event::put(["old"])).await, Answer::False);
    let record = failure(&cloud, "old");
    assert_eq!(record["class"], "permanent", "{record}");
    assert!(record["error"]["message"].as_str().unwrap().contains("restore first"), "{record}");

    let until = chrono::Utc::now() + chrono::TimeDelta::days(1);
    cloud.twin.oss().modify(SOURCE, "old", |object| object.restored_until = Some(until));
    assert_eq!(replay(cloud.copy_settings(), &[]).await.code, Some(0));
    assert_healed(&cloud, "old", "x");
}

#[tokio::test]
async fn with_the_log_bucket_down_too_the_platform_keeps_the_event() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "x");
    cloud.twin.faults().inject(destination_down());
    cloud.twin.faults().inject(denied(Service::Oss).method("PUT").path_contains("/logs/"));
    let function = copying(&cloud).await;
    let Answer::Failure { kind, message } = function.invoke(event::put(["k"])).await else { panic!() };
    assert_eq!(kind, "JournalUnavailable");
    for part in ["1 of 1 failed keys", "503", "in bucket mirror", "AccessDenied"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    cloud.twin.faults().clear_all();
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::True, "the platform's retry succeeds");
    assert_healed(&cloud, "k", "x");
}

#[tokio::test]
async fn a_copy_whose_success_record_cannot_be_written_is_no_failure() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "x");
    cloud.twin.faults().inject(denied(Service::Oss).method("PUT").path_contains("/logs/"));
    let function = copying(&cloud).await;
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::True);
    assert_eq!(cloud.mirrored("k").unwrap().body, "x");
    function.logged("the success record could not be written").await;
}

#[tokio::test]
async fn of_some_keys_that_failed_each_is_recorded_where_it_belongs() {
    let cloud = Cloud::start().await;
    for key in ["good", "bad", "fine"] {
        cloud.twin.oss().put(SOURCE, key, "x");
    }
    cloud.twin.faults().inject(denied(Service::Obs).key_contains("bad"));
    assert_eq!(copying(&cloud).await.invoke(event::put(["good", "bad", "fine"])).await, Answer::False);
    assert_eq!(cloud.copy_records().keys(Shelf::Success), ["fine", "good"]);
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), ["bad"]);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["fine", "good"]);
}

#[tokio::test]
async fn a_timer_heals_without_anybody() {
    let cloud = Cloud::start().await;
    let keys = event::keys("k", 20);
    for key in &keys {
        cloud.twin.oss().put(SOURCE, key, "x");
    }
    let down = cloud.twin.faults().inject(destination_down());
    let function = copying(&cloud).await;
    assert_eq!(function.invoke(event::put(&keys)).await, Answer::False);
    cloud.twin.faults().clear(down);
    let tick = json!({"triggerName": "t", "payload": "{\"action\":\"replay\"}"}).to_string();
    assert_eq!(function.invoke(tick).await, Answer::True);
    for key in &keys {
        assert_healed(&cloud, key, "x");
    }
}

#[tokio::test]
async fn a_hanging_source_costs_the_budget_and_the_key_is_recorded_in_time() {
    const TIMEOUT: u64 = 3;
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "x");
    cloud.twin.faults().inject(Fault::new(Service::Oss, FaultAction::Hang).path_contains("/source/"));
    let function = Function::with(cloud.copy_settings()).timeout(TIMEOUT).start().await;
    let time = std::time::Duration::from_secs(TIMEOUT);
    let answer = tokio::time::timeout(time, function.invoke(event::put(["k"]))).await;
    assert_eq!(answer.expect("answered before the platform gives up"), Answer::False);
    let record = failure(&cloud, "k");
    assert_eq!((&record["engine"], &record["class"]), (&json!("copy"), &json!("transient")), "{record}");
    assert!(record["error"]["message"].as_str().unwrap().contains("time budget"), "{record}");
}
