//! What a replay makes of records: those it cannot read or forward, those that others are done with, those that are no records.

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{LOGS, SOURCE};
use e2e::process::Process;
use e2e::{Answer, Cloud, Finished, Function, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};

async fn replay(settings: Settings, arguments: &[&str]) -> Finished {
    let run = OmsBridge::new(["replay", "--json"].iter().chain(arguments).copied());
    run.settings(settings).run().await
}

fn counts(finished: &Finished) -> [u64; 5] {
    let result = finished.json();
    ["listed", "accepted", "already_done", "failed", "skipped"].map(|name| result[name].as_u64().unwrap())
}

fn put(cloud: &Cloud, name: &str, body: impl Into<Vec<u8>>) {
    let body: Vec<u8> = body.into();
    cloud.twin.oss().put(LOGS, name, body);
}

/// A failure of each of `keys`, written by the function.
async fn fail(cloud: &Cloud, settings: Settings, keys: &[&str]) {
    let outage = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let function = Function::with(settings).start().await;
    assert_eq!(function.invoke(event::put(keys.iter().copied())).await, Answer::False);
    cloud.twin.faults().clear(outage);
}

#[tokio::test]
async fn what_is_no_record_is_skipped_named_and_kept() {
    let cloud = Cloud::start().await;
    let folder = cloud.record_name(Shelf::Failed, "");
    for (name, body) in [
        ("notes.txt", b"do not delete".to_vec()),
        ("data.json", b"{\"mine\":true}".to_vec()),
        ("huge.bin", vec![b'x'; 70 * 1024]),
    ] {
        put(&cloud, &format!("{folder}{name}"), body);
    }
    put(&cloud, &format!("{folder}good"), "");
    for settings in [cloud.settings(), cloud.oms_then_copy_settings()] {
        cloud.twin.oss().put(SOURCE, "good", "x");
        let finished = replay(settings, &[]).await;
        assert_eq!((finished.code, counts(&finished)[4]), (Some(0), 3), "{finished:?}");
        for name in ["notes.txt", "data.json", "huge.bin"] {
            assert!(finished.stderr.contains(name), "{name} is not named: {finished:?}");
            assert_eq!(cloud.sent(name), 0);
        }
        assert_eq!(cloud.recorded(Shelf::Failed), ["data.json", "huge.bin", "notes.txt"]);
    }
    assert_eq!(cloud.sent("good"), 1);
}

#[tokio::test]
async fn a_record_that_vanishes_does_not_end_a_replay() {
    let cloud = Cloud::start().await;
    fail(&cloud, cloud.settings(), &["a", "b", "c"]).await;
    let gone = cloud.records().names(Shelf::Failed, "b").remove(0);
    let reading =
        Fault::new(Service::Oss, FaultAction::RemoveFirst).method("GET").key_contains("failed_object/b");
    cloud.twin.faults().inject(reading.times(1));
    let finished = replay(cloud.settings(), &["--class", "auth"]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [3, 2, 0, 0, 1]), "{finished:?}");
    assert!(finished.stderr.contains(&gone), "{finished:?}");
}

/// Both hold the same records when the first of them is done.
#[tokio::test]
async fn two_replays_at_once_end_well() {
    let cloud = Cloud::start().await;
    let keys: Vec<String> = (0..300).map(|number| format!("k{number:03}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    fail(&cloud, cloud.settings(), &keys).await;
    let both = cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hold));
    let spawn = || Process::spawn(&["replay".to_owned()], &cloud.settings());
    let (mut one, mut other) = (spawn(), spawn());
    cloud.until(|twin| twin.faults().hits(both) >= 2).await;
    cloud.twin.faults().clear(both);
    for process in [&mut one, &mut other] {
        assert_eq!(process.wait().await.code(), Some(0), "{}", process.stderr());
    }
    assert_eq!((cloud.recorded(Shelf::Failed).len(), cloud.recorded(Shelf::Success).len()), (0, 300));
}

/// One of two replays fails after the other one was done: what it held is done, so there is nothing to write down.
#[tokio::test]
async fn a_replay_that_fails_after_another_was_done_leaves_nothing_behind() {
    let cloud = Cloud::start().await;
    fail(&cloud, cloud.settings(), &["k"]).await;
    let invalid = FaultResponse::oms_invalid();
    let late = cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hold).times(1));
    let mut slow = Process::spawn(&["replay".to_owned()], &cloud.settings());
    cloud.until(|twin| twin.faults().hits(late) > 0).await;
    assert_eq!(replay(cloud.settings(), &[]).await.code, Some(0));
    assert_eq!(cloud.recorded(Shelf::Failed), [""; 0]);
    // What is held does its work when it is let go, so the answer is spoilt on its way back: the replay asks again, and is refused.
    cloud.twin.faults().inject(Fault::respond(Service::Oms, invalid));
    cloud.twin.faults().clear(late);
    slow.wait().await;
    assert_eq!(cloud.recorded(Shelf::Failed), [""; 0], "{}", slow.stderr());
}

#[tokio::test]
async fn what_oms_cannot_forward_stays_and_is_said() {
    let cloud = Cloud::start().await;
    let settings = cloud.oms_then_copy_settings().set("PROPAGATE_DELETES", "true");
    let function = Function::with(settings.clone()).start().await;
    let down = [
        Fault::respond(Service::Obs, FaultResponse::error(403, "AccessDenied", "no")),
        Fault::respond(Service::Oms, FaultResponse::oms_forbidden()),
    ];
    let down = down.map(|fault| cloud.twin.faults().inject(fault));
    cloud.twin.oss().put(SOURCE, "created", "x");
    let element = |name, key| event::element(SOURCE, name, key);
    let both =
        [element("ObjectCreated:PutObject", "created"), element("ObjectRemoved:DeleteObject", "removed")];
    assert_eq!(function.invoke(event::of(both)).await, Answer::False);
    for fault in down {
        cloud.twin.faults().clear(fault);
    }
    // Written by the copy engine for other places than OMS reads.
    let record = |extra: Value| {
        let mut record =
            json!({"v": 1, "engine": "copy", "outcome": "failed", "class": "transient", "attempts": 1});
        record.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        record
    };
    cloud.records().put(Shelf::Failed, "url", &record(json!({"key": "url", "url": "https://x.example/url"})));
    cloud.records().put(
        Shelf::Failed,
        "s3",
        &record(json!({"key": "s3", "provider": "s3", "bucket": "elsewhere"})),
    );

    for (settings, arguments) in [(settings.clone(), &["--engine", "oms"][..]), (cloud.settings(), &[])] {
        let finished = replay(settings, arguments).await;
        assert_eq!((finished.code, counts(&finished)[4]), (Some(0), 3), "{finished:?}");
        assert!(finished.stderr.contains("OMS cannot forward"), "{finished:?}");
        assert_eq!(cloud.recorded(Shelf::Failed), ["removed", "s3", "url"]);
        assert_eq!(["removed", "s3", "url"].map(|key| cloud.sent(key)), [0; 3]);
    }
    assert_eq!(cloud.twin.accepted_count("created"), 1);
}

/// Keys that are refused for good say nothing about the service.
#[tokio::test]
async fn thousands_of_refused_keys_do_not_keep_good_ones_from_being_sent() {
    let cloud = Cloud::start().await;
    for number in 0..4000 {
        put(&cloud, &cloud.record_name(Shelf::Failed, &format!("bad{number:04}")), "");
    }
    for number in 0..20 {
        put(&cloud, &cloud.record_name(Shelf::Failed, &format!("good{number:02}")), "");
    }
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    let finished = replay(cloud.settings(), &[]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(3), [4020, 20, 0, 4000, 0]), "{:?}", finished.code);
}

/// Something on the way refuses some keys with 403: the others are sent all the same, in the first run.
#[tokio::test]
async fn thousands_of_forbidden_keys_do_not_keep_good_ones_from_being_sent() {
    let cloud = Cloud::start().await;
    for number in 0..2500 {
        put(&cloud, &cloud.record_name(Shelf::Failed, &format!("bad{number:04}")), "");
    }
    for number in 0..20 {
        put(&cloud, &cloud.record_name(Shelf::Failed, &format!("good{number:02}")), "");
    }
    let forbidden = FaultResponse::error(403, "", "").body("<html>blocked</html>");
    cloud.twin.faults().inject(Fault::respond(Service::Oms, forbidden).key_contains("bad"));
    let finished = replay(cloud.settings(), &[]).await;
    let [_, accepted, _, failed, _] = counts(&finished);
    // Keys of a last batch of bad ones may take some of the first good ones along.
    assert!(accepted >= 10 && failed >= 2500, "{accepted} {failed}");
    for _ in 0..5 {
        replay(cloud.settings(), &["--prefix", "good"]).await;
    }
    assert!(cloud.recorded(Shelf::Failed).iter().all(|key| key.starts_with("bad")));
}

/// Fifty ticks of an outage, then of a refusal.
#[tokio::test]
async fn only_permanent_failures_set_a_key_aside() {
    let cloud = Cloud::start().await;
    fail(&cloud, cloud.settings(), &["k"]).await;
    let unavailable = Fault::respond(Service::Oms, FaultResponse::error(500, "x", "down"));
    let down = cloud.twin.faults().inject(unavailable.header_contains("host", ""));
    // One try is enough for a failure: the time of the tick is short.
    let function = Function::on(&cloud).timeout(1).start().await;
    let tick = || json!({"triggerName": "t", "payload": "{\"action\":\"replay\"}"}).to_string();
    let attempts = || cloud.record(Shelf::Failed, "k").unwrap()["attempts"].as_u64().unwrap();
    function.invoke(tick()).await;
    let first = attempts();
    cloud.twin.faults().clear(down);
    cloud.twin.faults().inject(Fault::poison_key("k"));
    let record = cloud.record(Shelf::Failed, "k").unwrap();
    assert_eq!(record["permanent_failures"], Value::Null, "{record}");
    for name in cloud.records().names(Shelf::Failed, "k") {
        cloud.twin.oss().delete(LOGS, &name);
    }
    // As after fifty such ticks.
    let record = json!({"v": 1, "key": "k", "class": "transient", "attempts": first + 60});
    cloud.records().put(Shelf::Failed, "k", &record);
    let finished = replay(cloud.settings(), &["--max-attempts", "2"]).await;
    assert_eq!((finished.code, cloud.recorded(Shelf::Dead)), (Some(3), Vec::new()), "{finished:?}");
    assert_eq!(cloud.record(Shelf::Failed, "k").unwrap()["permanent_failures"], 1);
    replay(cloud.settings(), &["--max-attempts", "2"]).await;
    assert_eq!(
        (cloud.recorded(Shelf::Failed), cloud.recorded(Shelf::Dead)),
        (Vec::new(), vec!["k".to_owned()])
    );
}

/// The answer of something that is not the log bucket proves nothing.
#[tokio::test]
async fn a_record_is_durable_only_when_the_answer_names_its_checksum() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let function = Function::on(&cloud).start().await;
    let portal = FaultResponse::error(200, "", "").body("<html>Please log in</html>");
    let lie = Fault::respond(Service::Oss, portal).method("PUT").key_contains("failed_object");
    let lie = cloud.twin.faults().inject(lie);
    let answer = function.invoke(event::put(["k"])).await;
    let Answer::Failure { kind, message } = answer else { panic!("{answer:?}") };
    assert!(kind == "JournalUnavailable" && message.contains("checksum"), "{kind}: {message}");
    cloud.twin.faults().clear(lie);
    let corrupt =
        Fault::new(Service::Oss, FaultAction::CorruptRequest).method("PUT").key_contains("failed_object");
    cloud.twin.faults().inject(corrupt.times(1));
    assert_eq!(function.invoke(event::put(["k"])).await, Answer::False, "written once more");
    assert_eq!(cloud.record(Shelf::Failed, "k").unwrap()["key"], "k");
}

/// Success records lie so far apart that each takes a listing of its own: these are made at the same time.
#[tokio::test]
async fn success_records_far_apart_are_looked_up_at_the_same_time() {
    let cloud = Cloud::start().await;
    for key in 0..30 {
        put(&cloud, &cloud.record_name(Shelf::Failed, &format!("k{key:02}")), "");
        for filler in 0..1001 {
            put(&cloud, &cloud.record_name(Shelf::Success, &format!("k{key:02}-{filler:04}")), "x");
        }
    }
    let first = Fault::new(Service::Oss, FaultAction::Hold).method("GET").path_contains("success_object");
    let listings = cloud.twin.faults().inject(first.after(1));
    let mut process = Process::spawn(&["replay".to_owned()], &cloud.settings());
    cloud.until(|twin| twin.faults().hits(listings) >= 15).await;
    cloud.twin.faults().clear(listings);
    assert_eq!(process.wait().await.code(), Some(0), "{}", process.stderr());
    assert_eq!(cloud.twin.accepted().len(), 30);
}

/// So many names lie between that of a key and the text just before it that a page holds none but these.
#[tokio::test]
async fn a_listing_of_success_records_always_advances() {
    let cloud = Cloud::start().await;
    let record = |key: &str| put(&cloud, &cloud.record_name(Shelf::Success, key), "x");
    for number in 0..25 {
        record(&format!("xb\u{10ffff}{number:02}"));
    }
    // Names so long that nothing can be added to the text before them.
    let long = "p".repeat(930);
    for number in ["1", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19"] {
        record(&format!("{long}{number}"));
    }
    for number in 100..120 {
        record(&format!("{long}{number}"));
    }
    for number in 0..1001 {
        record(&format!("good-{number:04}"));
    }
    let keys = ["good", &format!("{long}2"), "xc"];
    for key in keys {
        put(&cloud, &cloud.record_name(Shelf::Failed, key), "");
    }
    let finished = replay(cloud.settings(), &[]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [3, 3, 0, 0, 0]), "{finished:?}");
}

#[tokio::test]
async fn one_record_that_cannot_be_read_does_not_end_a_replay() {
    let cloud = Cloud::start().await;
    let folder = cloud.record_name(Shelf::Failed, "");
    for key in ["archived", "theirs"] {
        put(&cloud, &format!("{folder}{key}"), json!({"v": 1, "key": key}).to_string());
    }
    put(&cloud, &format!("{folder}z"), "");
    for (key, code) in [("archived", "InvalidObjectState"), ("theirs", "AccessDenied")] {
        let refused = Fault::respond(Service::Oss, FaultResponse::error(403, code, "no"));
        cloud.twin.faults().inject(refused.method("GET").key_contains(format!("failed_object/{key}")));
    }
    let finished = replay(cloud.settings(), &[]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(3), [3, 1, 0, 0, 2]), "{finished:?}");
    assert!(finished.stderr.contains("archived") && finished.stderr.contains("theirs"), "{finished:?}");
    assert_eq!(cloud.recorded(Shelf::Failed), ["archived", "theirs"]);
}

/// OMS reads one bucket: a failure of another is not done by sending its key.
#[tokio::test]
async fn failures_of_another_bucket_are_not_handed_to_oms() {
    let cloud = Cloud::start().await;
    let record =
        json!({"v": 1, "key": "k", "bucket": "second", "engine": "oms", "class": "transient", "attempts": 1});
    cloud.records().put(Shelf::Failed, "k", &record);
    cloud.twin.create_oss_bucket("second");
    cloud.twin.oss().put("second", "k", "of the second");
    let settings = cloud.settings().set("SOURCE_BUCKET", SOURCE);
    let finished = replay(settings, &[]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [1, 0, 0, 0, 1]), "{finished:?}");
    assert_eq!((cloud.sent("k"), cloud.recorded(Shelf::Failed)), (0, vec!["k".to_owned()]));

    let both = cloud.oms_then_copy_settings().set("SOURCE_BUCKET", SOURCE);
    let finished = replay(both, &[]).await;
    assert_eq!((finished.code, cloud.sent("k")), (Some(0), 0), "{finished:?}");
    assert_eq!(
        cloud.mirrored("k").unwrap().body.to_vec(),
        b"of the second",
        "the copy engine reads it there"
    );
}

#[tokio::test]
async fn a_file_below_the_hashes_that_is_about_another_key_is_no_record() {
    let cloud = Cloud::start().await;
    let folder = cloud.record_name(Shelf::Failed, "").replace("failed_object/", "failed_object_long/");
    put(&cloud, &format!("{folder}backup.json"), json!({"key": "a"}).to_string());
    let finished = replay(cloud.settings(), &[]).await;
    assert_eq!((finished.code, counts(&finished)), (Some(0), [1, 0, 0, 0, 1]), "{finished:?}");
    assert_eq!((cloud.sent("a"), cloud.twin.oss().keys(LOGS).len()), (0, 1));
}
