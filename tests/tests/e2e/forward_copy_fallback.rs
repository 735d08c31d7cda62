//! `FORWARD_MODE=oms-then-copy`: what OMS does not take for reasons of its own is copied.

use cloud_twin::{Fault, FaultAction, FaultResponse, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Function, FunctionSetup, OmsBridge, Shelf, event};
use serde_json::{Value, json};

fn both(cloud: &Cloud) -> FunctionSetup {
    // OMS gets half of what is left after the time for records.
    Function::with(cloud.oms_then_copy_settings()).timeout(4)
}

fn oms(response: FaultResponse) -> Fault {
    Fault::respond(Service::Oms, response)
}

fn destination_down() -> Fault {
    Fault::respond(Service::Obs, FaultResponse::error(503, "ServiceUnavailable", "away"))
}

fn put(cloud: &Cloud, keys: &[&str]) {
    for key in keys {
        cloud.twin.oss().put(SOURCE, key, format!("content of {key}"));
    }
}

fn record(cloud: &Cloud, shelf: Shelf, key: &str) -> Value {
    cloud.record(shelf, key).unwrap_or_else(|| panic!("no record of {key:?}"))
}

/// Asserts that each key was copied, and by the copy engine.
fn assert_copied(cloud: &Cloud, keys: &[&str]) {
    for key in keys {
        assert_eq!(cloud.mirrored(key).expect("a copy").body, format!("content of {key}"));
        assert_eq!(record(cloud, Shelf::Success, key)["engine"], "copy", "{key}");
        assert_eq!((cloud.twin.accepted_count(key), cloud.record(Shelf::Failed, key)), (0, None));
    }
}

#[tokio::test]
async fn what_oms_takes_is_not_touched() {
    let cloud = Cloud::start().await;
    put(&cloud, &["a", "b"]);
    assert_eq!(both(&cloud).start().await.invoke(event::put(["a", "b"])).await, Answer::True);
    cloud.until(Twin::is_idle).await;
    for key in ["a", "b"] {
        assert_eq!(
            (cloud.twin.accepted_count(key), &record(&cloud, Shelf::Success, key)["engine"]),
            (1, &json!("oms"))
        );
    }
    let stats = cloud.twin.stats();
    assert_eq!(
        (stats.requests(Service::Oss, "GetObject"), stats.requests(Service::Oss, "HeadObject")),
        (0, 0)
    );
    assert_eq!(cloud.connections(Service::Obs), 0);
}

#[tokio::test]
async fn an_outage_of_oms_is_bridged_by_copies() {
    for outage in [oms(FaultResponse::oms_unavailable()), Fault::new(Service::Oms, FaultAction::Hang)] {
        let cloud = Cloud::start().await;
        put(&cloud, &["a", "b"]);
        cloud.twin.faults().inject(outage);
        assert_eq!(both(&cloud).start().await.invoke(event::put(["a", "b"])).await, Answer::True);
        assert_copied(&cloud, &["a", "b"]);
    }
}

#[tokio::test]
async fn keys_that_oms_refuses_with_everybody_are_copied() {
    for (status, code) in [(400, "OMS.0054"), (401, "APIGW.0301"), (403, "OMS.0206"), (404, "OMS.0066")] {
        let cloud = Cloud::start().await;
        put(&cloud, &["a", "b"]);
        cloud.twin.faults().inject(oms(FaultResponse::error(status, code, "no")));
        let function = both(&cloud).start().await;
        assert_eq!(function.invoke(event::put(["a"])).await, Answer::True, "{status}");
        assert_eq!(function.invoke(event::put(["b"])).await, Answer::True, "{status}");
        assert_copied(&cloud, &["a", "b"]);
    }
}

#[tokio::test]
async fn wrong_keys_do_not_insist_while_copies_go_on() {
    let cloud = Cloud::start().await;
    let keys = event::keys("k", 12);
    put(&cloud, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    let huawei = cloud.twin.huawei_account();
    let own = [("DEST_AK", &*huawei.access_key), ("DEST_SK", &*huawei.secret_key), ("HW_SK", "wrong")];
    let setup = own.into_iter().fold(both(&cloud), |setup, (name, value)| setup.set(name, value));
    let function = setup.start().await;
    for key in &keys {
        assert_eq!(function.invoke(event::put([key])).await, Answer::True);
    }
    assert!(cloud.twin.stats().bad_signatures[&Service::Oms] <= 2);
    assert_eq!(cloud.twin.obs().len(MIRROR), 12);
}

#[tokio::test]
async fn a_key_that_oms_refuses_alone_stays_failed() {
    let cloud = Cloud::start().await;
    put(&cloud, &["good", "bad", "fine"]);
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    assert_eq!(both(&cloud).start().await.invoke(event::put(["good", "bad", "fine"])).await, Answer::False);
    cloud.until(Twin::is_idle).await;
    let failed = record(&cloud, Shelf::Failed, "bad");
    assert_eq!((&failed["engine"], &failed["class"]), (&json!("oms"), &json!("permanent")), "{failed}");
    assert_eq!(failed["error"]["status"], 400);
    for key in ["good", "fine"] {
        assert_eq!(record(&cloud, Shelf::Success, key)["engine"], "oms");
    }
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["fine", "good"]);
    assert_eq!(cloud.done(Service::Oss, "GetObject"), 0);
}

#[tokio::test]
async fn with_both_down_the_record_is_of_the_copy() {
    let cloud = Cloud::start().await;
    put(&cloud, &["a"]);
    cloud.twin.faults().inject(oms(FaultResponse::oms_unavailable()));
    cloud.twin.faults().inject(destination_down());
    assert_eq!(both(&cloud).start().await.invoke(event::put(["a"])).await, Answer::False);
    let failed = record(&cloud, Shelf::Failed, "a");
    assert_eq!((&failed["engine"], &failed["class"]), (&json!("copy"), &json!("transient")), "{failed}");
    assert_eq!(failed["error"]["status"], 503, "{failed}");
}

#[tokio::test]
async fn a_replay_takes_whichever_engine_serves() {
    for oms_stays_down in [true, false] {
        let cloud = Cloud::start().await;
        put(&cloud, &["a", "b"]);
        let refused = cloud.twin.faults().inject(oms(FaultResponse::oms_forbidden()));
        let down = cloud.twin.faults().inject(destination_down());
        assert_eq!(both(&cloud).start().await.invoke(event::put(["a", "b"])).await, Answer::False);
        let lifted = if oms_stays_down { down } else { refused };
        cloud.twin.faults().clear(lifted);
        let run = OmsBridge::new(["replay", "--json"]).settings(cloud.oms_then_copy_settings());
        let finished = run.run().await;
        assert_eq!((finished.code, &finished.json()["accepted"]), (Some(0), &json!(2)), "{finished:?}");
        assert_eq!(cloud.recorded(Shelf::Failed), [""; 0]);
        if oms_stays_down {
            assert_copied(&cloud, &["a", "b"]);
        } else {
            assert_eq!(record(&cloud, Shelf::Success, "a")["engine"], "oms");
        }
    }
}

#[tokio::test]
async fn keys_without_a_bucket_go_to_oms_and_a_copy_asks_for_one() {
    let cloud = Cloud::start().await;
    put(&cloud, &["a", "b"]);
    let send = |key: &str, bucket: Option<&str>| {
        let settings = cloud.oms_then_copy_settings();
        let settings =
            bucket.into_iter().fold(settings, |settings, name| settings.set("SOURCE_BUCKET", name));
        OmsBridge::new(["send", "--json", key]).settings(settings).run()
    };
    assert_eq!(send("a", None).await.code, Some(0));
    cloud.twin.faults().inject(oms(FaultResponse::oms_forbidden()));
    assert_eq!(send("b", None).await.code, Some(3));
    let failed = record(&cloud, Shelf::Failed, "b");
    assert!(failed["error"]["message"].as_str().unwrap().contains("set SOURCE_BUCKET"), "{failed}");
    assert_eq!(send("b", Some(SOURCE)).await.code, Some(0));
    assert_eq!(cloud.mirrored("b").unwrap().body, "content of b");
}
