//! Several writers of one key: events, replays, requests over HTTP, each in the middle of another one's work. No failure is lost.

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultAction, FaultId, FaultResponse, ManualClock, Service, Twin};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::process::Process;
use e2e::{Answer, Cloud, Finished, Function, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};

use crate::ingest;

const CREATED: &str = "ObjectCreated:PutObject";
const REMOVED: &str = "ObjectRemoved:DeleteObject";

fn one(name: &str, key: &str) -> String {
    event::of([event::element(SOURCE, name, key)])
}

/// A cloud whose clock the test moves, and a function on it that knows the log bucket's time.
async fn clocked(settings: impl FnOnce(&Cloud) -> Settings) -> (Cloud, ManualClock, Function) {
    let clock = ManualClock::new(Utc::now() - TimeDelta::minutes(2));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    let function = Function::with(settings(&cloud)).start().await;
    cloud.twin.oss().put(SOURCE, "first", "x");
    assert_eq!(function.invoke(event::put(["first"])).await, Answer::True);
    (cloud, clock, function)
}

async fn replay(settings: Settings) -> Finished {
    OmsBridge::new(["replay", "--json"]).settings(settings).run().await
}

/// Requests of that kind wait until the fault is lifted.
fn hold(cloud: &Cloud, service: Service, method: &str, key: &str) -> FaultId {
    cloud.twin.faults().inject(Fault::new(service, FaultAction::Hold).method(method).key_contains(key))
}

fn refuse(cloud: &Cloud, key: &str) -> FaultId {
    let forbidden = Fault::respond(Service::Oms, FaultResponse::oms_forbidden());
    cloud.twin.faults().inject(forbidden.key_contains(key))
}

async fn held(cloud: &Cloud, id: FaultId) {
    cloud.until(|twin| twin.faults().hits(id) > 0).await;
}

/// Version 1 is accepted, and its success record takes long; version 2 fails meanwhile.
#[tokio::test]
async fn a_slow_success_record_does_not_hide_a_later_failure() {
    let (cloud, clock, function) = clocked(Cloud::settings).await;
    let slow = hold(&cloud, Service::Oss, "PUT", "success_object/k");
    let first = function.invoke(event::put(["k"]));
    let meanwhile = async {
        held(&cloud, slow).await;
        let outage = refuse(&cloud, "k");
        assert_eq!(function.invoke(event::put(["k"])).await, Answer::False);
        cloud.twin.faults().clear(outage);
        // The success record is written long after the failure.
        clock.advance(TimeDelta::seconds(10));
        cloud.twin.faults().clear(slow);
    };
    let (first, ()) = tokio::join!(first, meanwhile);
    assert_eq!(first, Answer::True);
    let sent = cloud.sent("k");
    let finished = replay(cloud.settings()).await;
    assert_eq!((finished.code, cloud.sent("k")), (Some(0), sent + 1), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Failed), [""; 0]);
}

/// A replay has sent the first failure of a key when a second one is recorded. `at` is where the replay is stopped meanwhile.
async fn replay_beside_an_event(service: Service, method: &str, at: &str) {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let keys: Vec<String> = (0..1000).map(|number| format!("k{number:04}")).collect();
    let outage = refuse(&cloud, "k");
    assert_eq!(function.invoke(event::put(keys.iter().map(String::as_str))).await, Answer::False);
    cloud.twin.faults().clear(outage);
    let stopped = hold(&cloud, service, method, at);
    let mut process = Process::spawn(&["replay".to_owned()], &cloud.settings());
    held(&cloud, stopped).await;
    // One of the keys that are being replayed. The fault that holds the replay comes first, so this one meets the event alone.
    let late = keys[500].clone();
    let outage = refuse(&cloud, &late);
    assert_eq!(function.invoke(event::put([late.as_str()])).await, Answer::False);
    cloud.twin.faults().clear(outage);
    cloud.twin.faults().clear(stopped);
    assert_eq!(process.wait().await.code(), Some(0), "{}", process.stderr());
    assert_eq!(cloud.recorded(Shelf::Failed), [late.as_str()], "the failure of the event is still there");
    let sent = cloud.sent(&late);
    assert_eq!(replay(cloud.settings()).await.code, Some(0));
    assert_eq!((cloud.sent(&late), cloud.recorded(Shelf::Failed).len()), (sent + 1, 0));
}

#[tokio::test]
async fn an_event_that_fails_while_a_replay_waits_for_oms_is_kept() {
    replay_beside_an_event(Service::Oms, "POST", "k0999").await;
}

#[tokio::test]
async fn an_event_that_fails_while_a_replay_writes_its_success_records_is_kept() {
    replay_beside_an_event(Service::Oss, "PUT", "success_object/k0999").await;
}

/// The multi-delete is under way, or was answered with a failure and is about to be tried again.
#[tokio::test]
async fn an_event_that_fails_while_a_replay_deletes_is_kept() {
    for tries_again in [false, true] {
        let cloud = Cloud::start().await;
        let function = Function::on(&cloud).start().await;
        let outage = refuse(&cloud, "k");
        assert_eq!(function.invoke(event::put(["k"])).await, Answer::False);
        cloud.twin.faults().clear(outage);
        let nothing = FaultResponse::error(200, "", "").body("<DeleteResult></DeleteResult>");
        if tries_again {
            cloud.twin.faults().inject(Fault::respond(Service::Oss, nothing).method("POST").times(1));
        }
        let deleting = Fault::new(Service::Oss, FaultAction::Hold).method("POST").path_contains("delete");
        let deleting = cloud.twin.faults().inject(deleting);
        let mut process = Process::spawn(&["replay".to_owned()], &cloud.settings());
        held(&cloud, deleting).await;
        let outage = refuse(&cloud, "k");
        assert_eq!(function.invoke(event::put(["k"])).await, Answer::False);
        cloud.twin.faults().clear(outage);
        cloud.twin.faults().clear(deleting);
        assert_eq!(process.wait().await.code(), Some(0), "{}", process.stderr());
        assert_eq!(cloud.records().names(Shelf::Failed, "k").len(), 1, "tries again: {tries_again}");
        let sent = cloud.sent("k");
        assert_eq!(replay(cloud.settings()).await.code, Some(0));
        assert_eq!((cloud.sent("k"), cloud.recorded(Shelf::Failed).len()), (sent + 1, 0));
    }
}

/// Two requests of one key were promised. The first one is done and takes its promise back; then the instance dies.
#[tokio::test]
async fn each_of_two_requests_of_one_key_has_a_promise_of_its_own() {
    let (cloud, site) = (Cloud::start().await, ingest::site().await);
    let function = Function::with(ingest::private(&cloud)).start().await;
    let wanted = json!({ "domain": ingest::domain(&site), "key": "a" });
    let first = ingest::post(&function, "/objects", &wanted).await;
    assert_eq!(first.status, 202, "{first:?}");
    // The second one gets no further than its promise.
    cloud.until(|twin| twin.oss().keys(LOGS).iter().all(|name| !name.contains("failed_object"))).await;
    let stuck = hold(&cloud, Service::Obs, "HEAD", "a");
    let second = ingest::post(&function, "/objects", &wanted).await;
    assert_eq!(second.status, 202, "{second:?}");
    held(&cloud, stuck).await;
    let promises = cloud.copy_records().names(Shelf::Failed, "a");
    assert_eq!(promises.len(), 1);
    function.kill().await;
    cloud.twin.faults().clear(stuck);
    assert_eq!(cloud.copy_records().names(Shelf::Failed, "a"), promises);
    let finished = replay(ingest::private(&cloud)).await;
    assert_eq!((finished.code, &finished.json()["accepted"]), (Some(0), &json!(1)), "{finished:?}");
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
}

/// Both requests are under way at once; the first one's end must leave the second one's promise.
#[tokio::test]
async fn taking_back_one_promise_leaves_the_other() {
    let (cloud, site) = (Cloud::start().await, ingest::site().await);
    let function = Function::with(ingest::private(&cloud)).start().await;
    let wanted = json!({ "domain": ingest::domain(&site), "key": "a" });
    // The first is through with its copy when the second one is promised, and takes its promise back afterwards.
    let recording = hold(&cloud, Service::Oss, "PUT", "success_object/a");
    let first = ingest::post(&function, "/objects", &wanted).await;
    held(&cloud, recording).await;
    let stuck = hold(&cloud, Service::Obs, "HEAD", "a");
    let second = ingest::post(&function, "/objects", &wanted).await;
    assert_eq!((first.status, second.status), (202, 202));
    held(&cloud, stuck).await;
    assert_eq!(cloud.copy_records().names(Shelf::Failed, "a").len(), 2);
    cloud.twin.faults().clear(recording);
    cloud
        .until(|twin| twin.oss().keys(LOGS).iter().filter(|name| name.contains("failed_object")).count() == 1)
        .await;
    function.kill().await;
    cloud.twin.faults().clear(stuck);
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), ["a"], "the 202 is kept");
}

fn carrying_removals_over(cloud: &Cloud) -> Settings {
    cloud.copy_settings().set("PROPAGATE_DELETES", "true")
}

/// A removal waits; a creation event that comes late finds nothing to copy, which says nothing of the removal.
#[tokio::test]
async fn a_late_creation_event_does_not_retire_a_removal_that_waits() {
    let (cloud, clock, function) = clocked(carrying_removals_over).await;
    cloud.upload("k", "x").await;
    assert_eq!(function.invoke(one(CREATED, "k")).await, Answer::True);
    cloud.remove("k").await;
    let down = Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no"));
    let down = cloud.twin.faults().inject(down.method("DELETE"));
    assert_eq!(function.invoke(one(REMOVED, "k")).await, Answer::False);
    // One that carries removals over would try the removal itself.
    let other = Function::with(cloud.copy_settings()).start().await;
    clock.advance(TimeDelta::seconds(10));
    assert_eq!(other.invoke(one(CREATED, "first")).await, Answer::True, "it knows the log bucket's time now");
    assert_eq!(other.invoke(one(CREATED, "k")).await, Answer::True, "there is nothing to copy");
    cloud.twin.faults().clear(down);
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), ["k"]);
    assert!(cloud.mirrored("k").is_some());
    let finished = replay(carrying_removals_over(&cloud)).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(cloud.mirrored("k").is_none(), "the removal was carried over");
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
}

/// The destination is down. A replay that holds the creation fails after the removal did.
#[tokio::test]
async fn a_replay_that_fails_does_not_replace_a_newer_removal() {
    let cloud = Cloud::start().await;
    cloud.upload("k", "x").await;
    let function = Function::with(carrying_removals_over(&cloud)).start().await;
    assert_eq!(function.invoke(one(CREATED, "k")).await, Answer::True);
    let denied = || Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no"));
    let down = cloud.twin.faults().inject(denied());
    assert_eq!(function.invoke(one(CREATED, "k")).await, Answer::False);
    cloud.twin.faults().clear(down);
    // The replay has read the record of the creation, and waits for the destination.
    let waiting = cloud.twin.faults().inject(Fault::new(Service::Obs, FaultAction::Hold).times(1));
    let mut process = Process::spawn(&["replay".to_owned()], &carrying_removals_over(&cloud));
    held(&cloud, waiting).await;
    let down = cloud.twin.faults().inject(denied());
    cloud.remove("k").await;
    assert_eq!(function.invoke(one(REMOVED, "k")).await, Answer::False);
    assert_eq!(cloud.copy_records().names(Shelf::Failed, "k").len(), 2);
    cloud.twin.faults().clear(waiting);
    process.wait().await;
    cloud.twin.faults().clear(down);
    let finished = replay(carrying_removals_over(&cloud)).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(cloud.mirrored("k").is_none(), "the removal was carried over");
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0]);
}

/// What cannot be read is not replaced by a record that knows nothing.
#[tokio::test]
async fn a_record_that_cannot_be_read_stays_when_its_key_fails_again() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let outage = refuse(&cloud, "k");
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::False);
    let names = cloud.records().names(Shelf::Failed, "k");
    let hidden = Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no"));
    let hidden = cloud.twin.faults().inject(hidden.method("GET").key_contains("failed_object/k"));
    let finished = replay(cloud.settings()).await;
    assert_ne!(finished.code, Some(0), "{finished:?}");
    assert_eq!(cloud.records().names(Shelf::Failed, "k"), names);
    cloud.twin.faults().clear(hidden);
    cloud.twin.faults().clear(outage);
    assert_eq!(cloud.record(Shelf::Failed, "k").unwrap()["bucket"], SOURCE);
}

/// Several failures of one key are one send, and one record if that fails, with the attempts of the past.
#[tokio::test]
async fn several_failures_of_one_key_are_sent_once() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let outage = refuse(&cloud, "");
    for _ in 0..3 {
        assert_eq!(function.invoke(event::put(["k", "other"])).await, Answer::False);
    }
    let first = cloud.records().names(Shelf::Failed, "k");
    assert_eq!(first.len(), 3);
    let finished = replay(cloud.settings()).await;
    assert_eq!((finished.code, &finished.json()["listed"]), (Some(2), &json!(6)), "{finished:?}");
    let now = cloud.records().names(Shelf::Failed, "k");
    assert_eq!(now.len(), 1);
    assert!(!first.contains(&now[0]), "no record is written again");
    let record: Value = cloud.record(Shelf::Failed, "k").unwrap();
    assert_eq!((&record["attempts"], &record["bucket"]), (&json!(2), &json!(SOURCE)));
    cloud.twin.faults().clear(outage);
    let sent = cloud.sent("k");
    let finished = replay(cloud.settings()).await;
    assert_eq!((finished.code, cloud.sent("k")), (Some(0), sent + 1), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Failed), [""; 0]);
}

/// Equal keys of two buckets in one event.
#[tokio::test]
async fn equal_keys_of_two_buckets_are_two_changes() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket("second");
    cloud.twin.oss().put(SOURCE, "k", "first");
    cloud.twin.oss().put("second", "k", "second");
    let function = Function::on(&cloud).start().await;
    refuse(&cloud, "k");
    let both = event::of([event::element(SOURCE, CREATED, "k"), event::element("second", CREATED, "k")]);
    assert_eq!(function.invoke(both).await, Answer::False);
    let names = cloud.records().names(Shelf::Failed, "k");
    let mut buckets: Vec<String> = names
        .iter()
        .map(|name| {
            let record: Value =
                serde_json::from_slice(&cloud.twin.oss().get(LOGS, name).unwrap().body).unwrap();
            record["bucket"].as_str().unwrap().to_owned()
        })
        .collect();
    buckets.sort_unstable();
    assert_eq!(buckets, ["second", SOURCE]);
}

/// A success of one bucket says nothing of the failure of another one.
#[tokio::test]
async fn a_success_of_one_bucket_does_not_retire_the_failure_of_another() {
    let (cloud, clock, function) = clocked(Cloud::copy_settings).await;
    cloud.twin.create_oss_bucket("second");
    cloud.twin.oss().put(SOURCE, "k", "first");
    cloud.twin.oss().put("second", "k", "second");
    let denied = Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no"));
    let denied = cloud.twin.faults().inject(denied.path_contains("second/"));
    let event = event::of([event::element("second", CREATED, "k")]);
    assert_eq!(function.invoke(event).await, Answer::False);
    cloud.twin.faults().clear(denied);
    clock.advance(TimeDelta::seconds(10));
    assert_eq!(function.invoke(one(CREATED, "first")).await, Answer::True, "it hears the log bucket's time");
    assert_eq!(function.invoke(one(CREATED, "k")).await, Answer::True);
    assert_eq!(cloud.mirrored("k").unwrap().body.to_vec(), b"first");
    let finished = replay(cloud.copy_settings()).await;
    assert_eq!((finished.code, &finished.json()["accepted"]), (Some(0), &json!(1)), "{finished:?}");
    assert_eq!(cloud.twin.obs().get(MIRROR, "k").unwrap().body.to_vec(), b"second");
}
