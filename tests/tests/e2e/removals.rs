//! Removals where others are at work on the same key: other events, other instances, a kill, a proxy in between.

use cloud_twin::{Fault, FaultAction, FaultId, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Finished, Function, FunctionSetup, OmsBridge, Settings, Shelf, event};
use futures_util::future::join_all;
use serde_json::json;

const CREATED: &str = "ObjectCreated:PutObject";
const REMOVED: &str = "ObjectRemoved:DeleteObject";

fn settings(cloud: &Cloud) -> Settings {
    cloud.copy_settings().set("PROPAGATE_DELETES", "true")
}

fn instance(cloud: &Cloud) -> FunctionSetup {
    Function::with(settings(cloud))
}

fn told(names: &[&str], key: &str) -> String {
    event::of(names.iter().map(|name| event::element(SOURCE, name, key)))
}

async fn replay(settings: Settings) -> Finished {
    OmsBridge::new(["replay", "--json"]).settings(settings).run().await
}

fn source(action: FaultAction) -> Fault {
    Fault::new(Service::Oss, action).path_contains("/source/")
}

/// Holds the next request with that method to that service for that key.
fn hold(cloud: &Cloud, service: Service, method: &str, path: &str) -> FaultId {
    let held = Fault::new(service, FaultAction::Hold).method(method).path_contains(path);
    cloud.twin.faults().inject(held.times(1))
}

async fn held(cloud: &Cloud, id: FaultId) {
    cloud.until(|twin| twin.faults().hits(id) == 1).await;
}

fn note(cloud: &Cloud, key: &str) -> String {
    cloud.copy_records().get(Shelf::Success, key).unwrap()["note"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_look_that_finds_nothing_is_not_enough() {
    let cloud = Cloud::start().await;
    cloud.put_copy("k", "k", "old");
    cloud.twin.oss().put(SOURCE, "k", "new");
    let gone = FaultResponse::error(404, "NoSuchKey", "The specified key does not exist.");
    cloud.twin.faults().inject(source(FaultAction::Respond(gone)).method("HEAD").times(1));
    assert_eq!(instance(&cloud).start().await.invoke(told(&[REMOVED], "k")).await, Answer::True);
    assert_eq!(cloud.mirrored("k").unwrap().body, "new");
    assert_eq!(cloud.twin.stats().requests(Service::Obs, "DeleteObject"), 0);
}

#[tokio::test]
async fn what_a_proxy_says_removes_nothing() {
    let error = |status, code: &str| FaultResponse::error(status, code, "no");
    for (action, methods, class) in [
        (FaultAction::RespondAsProxy(error(404, "")), &["HEAD", "GET"][..], "transient"),
        (FaultAction::RespondAsProxy(error(404, "")), &["GET"], "transient"),
        (FaultAction::RespondAsProxy(error(404, "").body("<html>not found</html>")), &["GET"], "transient"),
        (
            FaultAction::RespondAsProxy(error(404, "").body("<Error><Code>NoSuchKey</Code></Error>")),
            &["GET"],
            "transient",
        ),
        (FaultAction::Respond(error(503, "ServiceUnavailable")), &["GET"], "transient"),
        (FaultAction::Respond(error(404, "NoSuchBucket")), &["GET"], "permanent"),
        (FaultAction::Respond(error(403, "AccessDenied")), &["GET"], "auth"),
    ] {
        let cloud = Cloud::start().await;
        cloud.put_copy("k", "k", "a copy");
        for method in methods {
            cloud.twin.faults().inject(source(action.clone()).method(*method));
        }
        let answer = instance(&cloud).start().await.invoke(told(&[REMOVED], "k")).await;
        assert_eq!((answer, cloud.twin.obs().len(MIRROR)), (Answer::False, 1), "{action:?}");
        let record = cloud.copy_records().get(Shelf::Failed, "k").unwrap();
        assert_eq!(record["class"], class, "{action:?} {record}");

        cloud.twin.faults().clear_all();
        let finished = replay(settings(&cloud)).await;
        assert_eq!((finished.code, cloud.twin.obs().len(MIRROR)), (Some(0), 0), "{finished:?}");
    }
}

#[tokio::test]
async fn a_look_that_fails_after_the_removal_is_made_up_for() {
    let cloud = Cloud::start().await;
    cloud.put_copy("k", "k", "a copy");
    let away = FaultResponse::error(503, "ServiceUnavailable", "away");
    cloud.twin.faults().inject(source(FaultAction::Respond(away)).method("HEAD").after(1));
    assert_eq!(instance(&cloud).start().await.invoke(told(&[REMOVED], "k")).await, Answer::False);
    assert_eq!(cloud.mirrored("k").map(|copy| copy.body), None);
    cloud.twin.faults().clear_all();
    // Its event was handled before the removal, so nothing else tells of it.
    cloud.twin.oss().put(SOURCE, "k", "made again");
    assert_eq!(replay(settings(&cloud)).await.code, Some(0));
    assert_eq!(cloud.mirrored("k").unwrap().body, "made again");
}

#[tokio::test]
async fn an_object_that_another_instance_hears_is_gone_while_its_copy_runs_is_gone_in_the_end() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "content");
    let (one, other) = (instance(&cloud).start().await, instance(&cloud).start().await);
    let write = hold(&cloud, Service::Obs, "PUT", "/mirror/k");
    let removed = async {
        held(&cloud, write).await;
        cloud.twin.oss().delete(SOURCE, "k");
        assert_eq!(other.invoke(told(&[REMOVED], "k")).await, Answer::True);
        cloud.twin.faults().clear(write);
    };
    let (copied, ()) = tokio::join!(one.invoke(told(&[CREATED], "k")), removed);
    assert_eq!((copied, cloud.twin.obs().keys(MIRROR)), (Answer::True, Vec::new()));
    assert_eq!(cloud.done(Service::Obs, "PutObject"), 1);
    assert_eq!(note(&cloud, "k"), "gone from the source, removed");
}

#[tokio::test]
async fn changes_of_one_key_take_turns_in_an_instance_and_hold_up_no_other_key() {
    const WAITING: usize = 17;
    let cloud = Cloud::start().await;
    for key in ["k", "l"] {
        cloud.twin.oss().put(SOURCE, key, "content");
    }
    let function = instance(&cloud).set("RUST_LOG", "info,oms_bridge=debug").start().await;
    let write = hold(&cloud, Service::Obs, "PUT", "/mirror/k");
    let others = async {
        held(&cloud, write).await;
        cloud.twin.oss().delete(SOURCE, "k");
        // More of them than objects may be under way at once.
        let removals = join_all((0..WAITING).map(|_| function.invoke(told(&[REMOVED], "k"))));
        let lifted = async {
            function.logged_times("waiting for another change of this key", WAITING).await;
            assert_eq!(function.invoke(told(&[CREATED], "l")).await, Answer::True);
            assert_eq!(cloud.twin.stats().requests(Service::Oss, "HeadObject"), 1, "the last look at l");
            cloud.twin.faults().clear(write);
        };
        tokio::join!(removals, lifted).0
    };
    let answers = tokio::join!(function.invoke(told(&[CREATED], "k")), others);
    assert_eq!(answers, (Answer::True, vec![Answer::True; WAITING]));
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["l"]);
}

#[tokio::test]
async fn what_an_instance_wrote_and_could_not_look_after_goes_with_the_next_delivery() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "content");
    let killed = instance(&cloud).start().await;
    let look = hold(&cloud, Service::Oss, "HEAD", "/source/k");
    tokio::select! {
        answer = killed.invoke(told(&[CREATED], "k")) => panic!("{answer:?}"),
        () = held(&cloud, look) => {}
    }
    killed.kill().await;
    assert_eq!(cloud.twin.obs().len(MIRROR), 1);
    cloud.twin.oss().delete(SOURCE, "k");
    cloud.twin.faults().clear(look);
    assert_eq!(instance(&cloud).start().await.invoke(told(&[CREATED], "k")).await, Answer::True);
    assert_eq!(cloud.twin.obs().keys(MIRROR), [""; 0]);
}

#[tokio::test]
async fn unless_removals_are_carried_over_a_copy_whose_source_went_stays() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "k", "content");
    let look = source(FaultAction::RemoveFirst).method("HEAD");
    cloud.twin.faults().inject(look.times(1));
    let function = Function::with(cloud.copy_settings()).start().await;
    assert_eq!(function.invoke(told(&[CREATED], "k")).await, Answer::True);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["k"]);
}

#[tokio::test]
async fn of_a_removal_and_a_creation_in_one_event_the_source_says_which_came_last() {
    for oms_first in [false, true] {
        for order in [[CREATED, REMOVED], [REMOVED, CREATED]] {
            for there in [false, true] {
                let cloud = Cloud::start().await;
                cloud.put_copy("k", "k", "old");
                if there {
                    cloud.twin.oss().put(SOURCE, "k", "new");
                }
                let settings = if oms_first { cloud.oms_then_copy_settings() } else { cloud.copy_settings() };
                let function = Function::with(settings.set("PROPAGATE_DELETES", "true")).start().await;
                assert_eq!(function.invoke(told(&order, "k")).await, Answer::True);
                let copy = cloud.mirrored("k").map(|copy| copy.body);
                let expected = there.then(|| "new".into());
                assert_eq!(copy, expected, "oms first: {oms_first}, {order:?}");
            }
        }
    }
}

#[tokio::test]
async fn one_key_an_event_empties_no_destination_either() {
    let cloud = Cloud::start().await;
    let keys = ["a", "b", "c", "d"];
    for key in keys {
        cloud.put_copy(key, key, "a copy");
    }
    let settings = settings(&cloud).set("MAX_DELETES", "2");
    let function = Function::with(settings.clone()).start().await;
    for (key, answer) in keys.into_iter().zip([Answer::True, Answer::True, Answer::False, Answer::False]) {
        assert_eq!(function.invoke(told(&[REMOVED], key)).await, answer, "{key}");
    }
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["c", "d"]);

    let tick = json!({"triggerTime": "2026-01-05T10:00:00Z", "triggerName": "replay", "payload": "{\"action\":\"replay\"}"});
    assert_eq!(function.invoke(tick.to_string()).await, Answer::False, "the same instance");
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), ["c", "d"]);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["c", "d"]);

    assert_eq!(replay(settings).await.code, Some(0), "another one");
    assert_eq!((cloud.twin.obs().len(MIRROR), cloud.copy_records().keys(Shelf::Failed)), (0, Vec::new()));
}

#[tokio::test]
async fn late_news_of_new_objects_empties_no_destination_either() {
    let cloud = Cloud::start().await;
    for key in ["a", "b"] {
        cloud.put_copy(key, key, "a copy");
    }
    let function = instance(&cloud).set("MAX_DELETES", "1").start().await;
    assert_eq!(function.invoke(told(&[CREATED], "a")).await, Answer::True);
    assert_eq!(function.invoke(told(&[CREATED], "b")).await, Answer::False);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["b"]);
}

#[tokio::test]
async fn what_was_written_just_now_is_removed_whatever_the_limit_says() {
    let cloud = Cloud::start().await;
    cloud.put_copy("a", "a", "a copy");
    cloud.twin.oss().put(SOURCE, "k", "content");
    let function = instance(&cloud).set("MAX_DELETES", "1").start().await;
    assert_eq!(function.invoke(told(&[REMOVED], "a")).await, Answer::True);
    let look = source(FaultAction::RemoveFirst).method("HEAD").key_contains("k");
    cloud.twin.faults().inject(look.times(1));
    assert_eq!(function.invoke(told(&[CREATED], "k")).await, Answer::True);
    assert_eq!(cloud.twin.obs().keys(MIRROR), [""; 0]);
}

#[tokio::test]
async fn only_what_is_removed_counts() {
    let cloud = Cloud::start().await;
    cloud.put_copy("last", "last", "a copy");
    cloud.twin.oss().put(SOURCE, "there", "content");
    let function = instance(&cloud).set("MAX_DELETES", "1").start().await;
    for key in ["never-copied", "there", "last"] {
        assert_eq!(function.invoke(told(&[REMOVED], key)).await, Answer::True, "{key}");
    }
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["there"]);
    assert_eq!(cloud.done(Service::Obs, "DeleteObject"), 1);
}
