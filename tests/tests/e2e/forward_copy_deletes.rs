//! Removals: carried over only on demand, only of what the source says is gone, and only so many at once.

use std::time::Duration;

use cloud_twin::{Fault, FaultAction, FaultResponse, Notification, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Finished, Function, FunctionSetup, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};

fn carrying_over(cloud: &Cloud) -> Settings {
    cloud.copy_settings().set("PROPAGATE_DELETES", "true")
}

fn function(cloud: &Cloud) -> FunctionSetup {
    Function::with(carrying_over(cloud))
}

async fn replay(settings: Settings) -> Finished {
    OmsBridge::new(["replay", "--json"]).settings(settings).run().await
}

fn removed<K: AsRef<str>>(keys: impl IntoIterator<Item = K>) -> String {
    event::of(keys.into_iter().map(|key| event::element(SOURCE, "ObjectRemoved:DeleteObject", key.as_ref())))
}

fn mirror(cloud: &Cloud, keys: &[&str]) {
    for key in keys {
        cloud.put_copy(key, key, "a copy");
    }
}

fn looks_at_the_source() -> Fault {
    Fault::new(Service::Oss, FaultAction::Hang).method("HEAD").path_contains("/source/")
}

fn success(cloud: &Cloud, key: &str) -> Value {
    cloud.copy_records().get(Shelf::Success, key).unwrap_or_else(|| panic!("no record of {key:?}"))
}

#[tokio::test]
async fn unless_asked_for_removals_lead_to_nothing() {
    let cloud = Cloud::start().await;
    mirror(&cloud, &["k"]);
    for settings in [cloud.copy_settings(), carrying_over(&cloud).set("PROPAGATE_DELETES", "false")] {
        let function = Function::with(settings).start().await;
        assert_eq!(function.invoke(removed(["k"])).await, Answer::True);
    }
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["k"]);
    assert_eq!((cloud.connections(Service::Oss), cloud.connections(Service::Obs)), (0, 0));
}

#[tokio::test]
async fn a_removed_object_is_removed_from_the_destination() {
    let cloud = Cloud::start().await;
    let function = function(&cloud).start().await;
    let every = ["oss:ObjectCreated:*", "oss:ObjectRemoved:*"];
    cloud.twin.notify_with(Notification::new(SOURCE, function.url()).events(every)).unwrap();
    for key in ["a", "b", "up/../x"] {
        cloud.upload(key, "x").await;
    }
    cloud.until(|twin| twin.is_idle() && twin.obs().len(MIRROR) == 3).await;
    for key in ["a", "up/../x"] {
        cloud.remove(key).await;
    }
    cloud.until(Twin::is_idle).await;
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["b"]);
    let record = success(&cloud, "a");
    assert_eq!((&record["event"], &record["engine"]), (&json!("ObjectRemoved:DeleteObject"), &json!("copy")));
    assert_eq!(record["note"], "gone from the source, removed");
    assert!(cloud.twin.failure_destination().is_empty());
}

#[tokio::test]
async fn only_the_copy_in_the_folder_of_the_destination_is_removed() {
    let cloud = Cloud::start().await;
    mirror(&cloud, &["k"]);
    cloud.put_copy("backup/k", "k", "a copy");
    cloud.put_copy("backup/k2", "k2", "a copy");
    let function = function(&cloud).set("DEST", "obs://mirror/backup").start().await;
    assert_eq!(function.invoke(removed(["k"])).await, Answer::True);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["backup/k2", "k"]);
}

#[tokio::test]
async fn removals_go_to_the_copy_engine_even_where_oms_is_first() {
    let cloud = Cloud::start().await;
    mirror(&cloud, &["gone"]);
    cloud.twin.oss().put(SOURCE, "new", "x");
    let settings = cloud.oms_then_copy_settings().set("PROPAGATE_DELETES", "true");
    let function = Function::with(settings).start().await;
    let elements = [("ObjectRemoved:DeleteObjects", "gone"), ("ObjectCreated:PutObject", "new")];
    let event = event::of(elements.map(|(name, key)| event::element(SOURCE, name, key)));
    assert_eq!(function.invoke(event).await, Answer::True);
    cloud.until(Twin::is_idle).await;
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["new"]);
    assert_eq!((cloud.sent("gone"), cloud.sent("new")), (0, 1));
}

#[tokio::test]
async fn what_the_source_still_has_is_kept_and_copied() {
    let cloud = Cloud::start().await;
    mirror(&cloud, &["same", "older"]);
    cloud.twin.oss().put(SOURCE, "same", "a copy");
    cloud.twin.oss().put(SOURCE, "older", "written again");
    let function = function(&cloud).start().await;
    assert_eq!(function.invoke(removed(["same", "older"])).await, Answer::True);
    assert_eq!(cloud.mirrored("same").unwrap().body, "a copy");
    assert_eq!(cloud.mirrored("older").unwrap().body, "written again");
    assert_eq!(cloud.twin.stats().requests(Service::Obs, "DeleteObject"), 0);
}

#[tokio::test]
async fn what_is_made_again_during_the_removal_is_there_in_the_end() {
    let cloud = Cloud::start().await;
    mirror(&cloud, &["k"]);
    let again = FaultAction::ReplaceFirst { body: "made again".to_owned() };
    let again = Fault { action: again, ..looks_at_the_source() };
    cloud.twin.faults().inject(again.after(1).times(1));
    assert_eq!(function(&cloud).start().await.invoke(removed(["k"])).await, Answer::True);
    assert_eq!(cloud.mirrored("k").unwrap().body, "made again");
}

#[tokio::test]
async fn a_removal_told_together_with_a_later_upload_is_none() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "new");
    let elements = ["ObjectRemoved:DeleteObject", "ObjectCreated:PutObject"];
    let event = event::of(elements.map(|name| event::element(SOURCE, name, "k")));
    assert_eq!(function(&cloud).start().await.invoke(event).await, Answer::True);
    assert_eq!(cloud.mirrored("k").unwrap().body, "new");
    assert_eq!(success(&cloud, "k")["event"], "ObjectRemoved:DeleteObject");
}

#[tokio::test]
async fn nothing_is_removed_unless_the_source_says_that_the_object_is_gone() {
    let error = |status, code: &str| FaultAction::Respond(FaultResponse::error(status, code, "no"));
    for (action, class) in [
        (error(503, "ServiceUnavailable"), "transient"),
        (error(500, "InternalError"), "transient"),
        (error(403, "AccessDenied"), "auth"),
        (error(404, "NoSuchBucket"), "permanent"),
        (error(301, "PermanentRedirect"), "permanent"),
        (FaultAction::ResetBeforeReading, "transient"),
    ] {
        let cloud = Cloud::start().await;
        mirror(&cloud, &["k"]);
        cloud.twin.faults().inject(Fault { action: action.clone(), ..looks_at_the_source() });
        assert_eq!(function(&cloud).start().await.invoke(removed(["k"])).await, Answer::False, "{action:?}");
        assert_eq!(cloud.twin.obs().keys(MIRROR), ["k"], "{action:?}");
        let record = cloud.copy_records().get(Shelf::Failed, "k").unwrap();
        assert_eq!((&record["class"], &record["engine"]), (&json!(class), &json!("copy")), "{record}");
        assert_eq!(record["event"], "ObjectRemoved:DeleteObject");

        cloud.twin.faults().clear_all();
        let finished = replay(carrying_over(&cloud)).await;
        assert_eq!((finished.code, cloud.twin.obs().len(MIRROR)), (Some(0), 0), "{finished:?}");
        assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
    }
}

#[tokio::test]
async fn a_source_that_does_not_answer_has_nothing_removed_either_and_in_time() {
    const TIMEOUT: u64 = 3;
    let cloud = Cloud::start().await;
    mirror(&cloud, &["k"]);
    cloud.twin.faults().inject(looks_at_the_source());
    let function = function(&cloud).timeout(TIMEOUT).start().await;
    let answer = tokio::time::timeout(Duration::from_secs(TIMEOUT), function.invoke(removed(["k"]))).await;
    assert_eq!(answer.expect("answered before the platform gives up"), Answer::False);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["k"]);
    assert_eq!(cloud.copy_records().get(Shelf::Failed, "k").unwrap()["class"], "transient");
}

#[tokio::test]
async fn a_source_bucket_that_is_gone_empties_nothing() {
    let cloud = Cloud::start().await;
    mirror(&cloud, &["k"]);
    let event = event::of([event::element("vanished", "ObjectRemoved:DeleteObject", "k")]);
    assert_eq!(function(&cloud).start().await.invoke(event).await, Answer::False);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["k"]);
}

#[tokio::test]
async fn no_more_are_removed_at_once_than_the_limit_says() {
    let cloud = Cloud::start().await;
    let keys = ["a", "b", "c", "d", "e"];
    mirror(&cloud, &keys);
    let settings = carrying_over(&cloud).set("MAX_DELETES", "2");
    let function = Function::with(settings.clone()).start().await;
    assert_eq!(function.invoke(removed(keys)).await, Answer::False);
    let failed = cloud.copy_records().keys(Shelf::Failed);
    assert_eq!((cloud.twin.obs().keys(MIRROR), failed.len()), (failed.clone(), 3));
    assert_eq!(cloud.copy_records().keys(Shelf::Success).len(), 2);
    let record = cloud.copy_records().get(Shelf::Failed, &failed[0]).unwrap();
    assert!(record["error"]["message"].as_str().unwrap().contains("which is the limit"), "{record}");

    for left in [1, 0] {
        let finished = replay(settings.clone()).await;
        let code = if left == 0 { 0 } else { 3 };
        assert_eq!((finished.code, cloud.twin.obs().len(MIRROR)), (Some(code), left), "{finished:?}");
        assert_eq!(cloud.copy_records().keys(Shelf::Failed).len(), left);
    }
    let finished = replay(settings).await;
    assert_eq!((finished.code, &finished.json()["listed"]), (Some(0), &json!(0)));
}

#[tokio::test]
async fn waiting_for_the_next_replay_is_no_reason_to_set_a_removal_aside() {
    let cloud = Cloud::start().await;
    let keys = event::keys("k", 5);
    mirror(&cloud, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let settings = carrying_over(&cloud).set("MAX_DELETES", "1");
    assert_eq!(Function::with(settings.clone()).start().await.invoke(removed(&keys)).await, Answer::False);
    for left in (0..4).rev() {
        let run = OmsBridge::new(["replay", "--max-attempts", "2"]).settings(settings.clone());
        let finished = run.run().await;
        assert_eq!(cloud.twin.obs().len(MIRROR), left, "{finished:?}");
        assert_eq!(cloud.copy_records().keys(Shelf::Dead), [""; 0]);
    }
}

#[tokio::test]
async fn a_destination_that_refuses_to_remove_leaves_a_record() {
    let cloud = Cloud::start().await;
    mirror(&cloud, &["k"]);
    let denied =
        Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no")).method("DELETE");
    cloud.twin.faults().inject(denied);
    assert_eq!(function(&cloud).start().await.invoke(removed(["k"])).await, Answer::False);
    let record = cloud.copy_records().get(Shelf::Failed, "k").unwrap();
    assert_eq!(
        (&record["class"], &record["error"]["code"]),
        (&json!("auth"), &json!("AccessDenied")),
        "{record}"
    );
}

#[tokio::test]
async fn a_failed_removal_is_not_carried_over_once_that_is_switched_off() {
    let cloud = Cloud::start().await;
    mirror(&cloud, &["k"]);
    let down = Fault::respond(Service::Obs, FaultResponse::error(503, "ServiceUnavailable", "away"));
    cloud.twin.faults().inject(down.clone());
    assert_eq!(function(&cloud).start().await.invoke(removed(["k"])).await, Answer::False);
    cloud.twin.faults().clear_all();
    let finished = replay(cloud.copy_settings()).await;
    assert_eq!(
        (finished.code, cloud.twin.obs().keys(MIRROR)),
        (Some(0), vec!["k".to_owned()]),
        "{finished:?}"
    );
    assert_eq!(success(&cloud, "k")["note"], "removals are not propagated");
}

#[tokio::test]
async fn a_journal_that_cannot_be_listed_has_nothing_removed() {
    let cloud = Cloud::start().await;
    mirror(&cloud, &["k"]);
    let record =
        json!({"v": 1, "key": "k", "bucket": SOURCE, "event": "ObjectRemoved:DeleteObject", "attempts": 1});
    cloud.copy_records().put(Shelf::Failed, "k", &record);
    let listing = Fault::respond(Service::Oss, FaultResponse::oss_unavailable()).path_contains("list-type=2");
    cloud.twin.faults().inject(listing);
    assert_eq!(replay(carrying_over(&cloud)).await.code, Some(5));
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["k"]);
}
