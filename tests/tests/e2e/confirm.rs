//! `confirm`: whether what OMS accepted arrived, and what is done for what did not.
//!
//! The clock of the cloud stands; a test moves it. The binary has the machine's clock, which says other times: what is
//! late is decided by the log bucket's.

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultAction, FaultResponse, ManualClock, Service, Twin};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::process::Process;
use e2e::{Answer, Cloud, Finished, Function, OmsBridge, Settings, Shelf, event};
use serde_json::{Value, json};

pub(crate) const LATE: TimeDelta = TimeDelta::seconds(901);

/// A cloud whose clock stands an hour before the machine's, and its settings.
pub(crate) async fn cloud() -> (Cloud, ManualClock, Settings) {
    let clock = ManualClock::new(Utc::now() - TimeDelta::hours(1));
    let cloud = Cloud::with(Twin::builder().clock(clock.clone())).await;
    let settings = cloud.settings().set("SOURCE_BUCKET", SOURCE);
    let settings = settings.set("DEST", format!("obs://{MIRROR}")).set("DEST_ENDPOINT", cloud.twin.obs_url());
    (cloud, clock, settings)
}

/// Events of objects as they are at the source, through the function, which OMS accepts.
pub(crate) async fn accept(cloud: &Cloud, settings: &Settings, keys: &[&str]) {
    let elements = keys.iter().map(|key| {
        let object = cloud.twin.oss().get(SOURCE, key).expect("it is at the source");
        let mut element = event::element(SOURCE, "ObjectCreated:PutObject", key);
        element["oss"]["object"]["eTag"] = json!(object.etag);
        element["oss"]["object"]["size"] = json!(object.body.len());
        element["eventTime"] = json!((object.last_modified - TimeDelta::seconds(3)).to_rfc3339());
        element
    });
    let function = Function::with(settings.clone()).start().await;
    assert_eq!(function.invoke(event::of(elements)).await, Answer::True);
    cloud.until(Twin::is_idle).await;
}

pub(crate) fn lose(cloud: &Cloud, key: &str) -> cloud_twin::FaultId {
    let fails = FaultAction::FailCopy { reason: "lost".to_owned() };
    cloud.twin.faults().inject(Fault::new(Service::Oms, fails).key_contains(key))
}

fn obs_denied() -> FaultResponse {
    FaultResponse::error(403, "AccessDenied", "Access Denied")
}

async fn run(settings: &Settings, arguments: &[&str]) -> Finished {
    OmsBridge::new(["confirm"].iter().chain(arguments).copied()).settings(settings.clone()).run().await
}

pub(crate) async fn confirm(settings: &Settings) -> (Option<i32>, Value) {
    let finished = run(settings, &["--json"]).await;
    assert!(!finished.stdout.is_empty(), "{finished:?}");
    (finished.code, finished.json())
}

fn heads(cloud: &Cloud) -> u64 {
    // The first ones are refused: the machine's clock is not that of the cloud.
    cloud.done(Service::Obs, "HeadObject")
}

#[tokio::test]
async fn what_arrived_is_confirmed_once() {
    let (cloud, _, settings) = cloud().await;
    for key in ["a", "a b", "\u{e9}/!x"] {
        cloud.twin.oss().put(SOURCE, key, "abc");
    }
    accept(&cloud, &settings, &["a", "a b", "\u{e9}/!x"]).await;
    let (code, result) = confirm(&settings).await;
    assert_eq!(
        (code, &result["confirmed"], &result["complete"]),
        (Some(0), &json!(3), &json!(true)),
        "{result}"
    );
    assert_eq!(result["confirmed_by"]["md5"], 3, "without a look at the source: {result}");
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "HeadObject"), 0);
    assert_eq!(heads(&cloud), 3);
    let arrivals = cloud.records().arrivals();
    assert_eq!(arrivals.iter().map(|it| it.stage.as_str()).collect::<Vec<_>>(), ["am00"; 3]);
    let waits = |wait: Option<u64>| wait.is_some_and(|wait| (2000..60_000).contains(&wait));
    assert!(arrivals.iter().all(|it| waits(it.wait_ms) && it.current), "{arrivals:?}");
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["looked_at"]), (Some(0), &json!(0)));
    assert_eq!(heads(&cloud), 3, "what is confirmed is not looked at again");
    // Accepted once more: the marker is about another record by now.
    accept(&cloud, &settings, &["a"]).await;
    assert_eq!(confirm(&settings).await.1["confirmed"], 1);
    assert_eq!(cloud.records().stages("a"), ["am00"]);
}

/// Its success record is named by it, and its marker, which would be too long, by its hash.
#[tokio::test]
async fn a_key_that_is_named_in_two_ways_is_counted_once() {
    let (cloud, _, settings) = cloud().await;
    let key = "k".repeat(1023 - cloud.record_name(Shelf::Success, "").len());
    cloud.twin.oss().put(SOURCE, &key, "abc");
    accept(&cloud, &settings, &[&key]).await;
    assert_eq!(confirm(&settings).await.1["confirmed"], 1);
    assert!(cloud.twin.oss().keys(LOGS).iter().any(|name| name.contains("/confirmed_object_long/")));
    let status = OmsBridge::new(["status", "--json"]).settings(cloud.settings()).run().await.json();
    let arrivals = &status["arrivals"];
    assert_eq!((&arrivals["confirmed"], &arrivals["replication_latency"]["count"]), (&json!(1), &json!(1)));
    assert_eq!(confirm(&settings).await.1["looked_at"], 0);
}

#[tokio::test]
async fn what_is_lost_is_sent_again_when_it_is_late_and_not_before() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    let lost = lose(&cloud, "k");
    accept(&cloud, &settings, &["k"]).await;
    clock.advance(LATE - TimeDelta::seconds(2));
    let (code, result) = confirm(&settings).await;
    assert_eq!(
        (code, &result["pending"], &result["bytes_pending"]),
        (Some(0), &json!(1), &json!(3)),
        "{result}"
    );
    assert_eq!(
        cloud.twin.accepted_count("k"),
        1,
        "by the machine's clock it is late, by the log bucket's not"
    );
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "HeadObject"), 0, "nor is the source looked at");
    clock.advance(TimeDelta::seconds(2));
    cloud.twin.faults().clear(lost);
    let before = cloud.record(Shelf::Success, "k");
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["resent"]), (Some(3), &json!(1)), "{result}");
    assert_eq!(cloud.twin.accepted_count("k"), 2);
    assert_eq!(cloud.record(Shelf::Success, "k"), before, "the first acceptance is kept");
    assert_eq!(cloud.records().stages("k"), ["r001"]);
    cloud.until(Twin::is_idle).await;
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["confirmed"]), (Some(0), &json!(1)), "{result}");
    assert_eq!(cloud.records().stages("k"), ["am01", "r001"]);
    let lag = cloud.records().arrivals()[0].lag_ms;
    assert!(lag.is_some(), "{lag:?}");
}

#[tokio::test]
async fn what_stays_lost_is_copied_and_then_confirmed() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    lose(&cloud, "k");
    accept(&cloud, &settings, &["k"]).await;
    for (step, code) in [("resent", 3), ("copied", 3), ("confirmed", 0)] {
        clock.advance(LATE);
        let (ended, result) = confirm(&settings).await;
        assert_eq!((ended, &result[step]), (Some(code), &json!(1)), "{step}: {result}");
    }
    assert_eq!(cloud.twin.accepted_count("k"), 2);
    assert_eq!(cloud.mirrored("k").unwrap().body, *"abc");
    assert_eq!(cloud.records().stages("k"), ["am01", "c001", "r001"]);
    let status = OmsBridge::new(["status", "--json"]).settings(cloud.settings()).run().await.json();
    let arrivals = &status["arrivals"];
    assert_eq!(
        (&arrivals["resent"], &arrivals["copied"], &arrivals["confirmed"]),
        (&json!(1), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn what_cannot_be_copied_either_is_given_up_and_can_be_replayed() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    let lost = lose(&cloud, "k");
    accept(&cloud, &settings, &["k"]).await;
    let denied = obs_denied();
    let denied = cloud.twin.faults().inject(Fault::respond(Service::Obs, denied).method("PUT"));
    clock.advance(LATE);
    assert_eq!(confirm(&settings).await.1["resent"], 1);
    clock.advance(LATE);
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["dead"]), (Some(3), &json!(1)), "{result}");
    let dead = cloud.record(Shelf::Dead, "k").unwrap();
    assert_eq!(dead["error"]["code"], "NotArrived", "{dead}");
    assert!(dead["error"]["message"].as_str().unwrap().contains("refused now"), "{dead}");
    assert_eq!((&dead["attempts"], &dead["etag"]), (&json!(2), &json!("900150983CD24FB0D6963F7D28E17F72")));
    clock.advance(LATE);
    assert_eq!(confirm(&settings).await.1["looked_at"], 0, "the matter has ended");
    for fault in [lost, denied] {
        cloud.twin.faults().clear(fault);
    }
    let replay = OmsBridge::new(["replay", "--dead", "--json"]).settings(settings.clone()).run().await;
    assert_eq!(replay.json()["accepted"], 1, "{replay:?}");
    cloud.until(Twin::is_idle).await;
    assert_eq!(confirm(&settings).await.1["confirmed"], 1);
}

#[tokio::test]
async fn what_the_source_holds_now_counts() {
    let (cloud, clock, settings) = cloud().await;
    for key in ["changed", "gone", "stale"] {
        cloud.twin.oss().put(SOURCE, key, "one");
    }
    lose(&cloud, "gone");
    lose(&cloud, "stale");
    accept(&cloud, &settings, &["changed", "gone", "stale"]).await;
    // Written again, and no event of it came; OMS copied what was there by then.
    cloud.twin.oss().put(SOURCE, "changed", "other");
    cloud.twin.obs().put(MIRROR, "changed", "other");
    cloud.twin.oss().delete(SOURCE, "gone");
    // The destination holds what was there before.
    cloud.twin.obs().put(MIRROR, "stale", "old");
    clock.advance(LATE);
    let (code, result) = confirm(&settings).await;
    assert_eq!(code, Some(3), "{result}");
    let found = ["confirmed", "removed", "resent"].map(|name| result[name].clone());
    assert_eq!(found, [json!(1), json!(1), json!(1)], "{result}");
    assert_eq!(cloud.records().stages("gone"), ["g000"]);
    assert_eq!(cloud.records().stages("stale"), ["r001"]);
    assert_eq!(cloud.twin.accepted_count("gone"), 1, "what is gone is not sent again");
}

#[tokio::test]
async fn a_destination_that_refuses_says_nothing_about_keys() {
    for (response, code) in
        [(obs_denied(), 2), (FaultResponse::error(503, "ServiceUnavailable", "Reduce your request rate."), 5)]
    {
        let (cloud, clock, settings) = cloud().await;
        cloud.twin.oss().put(SOURCE, "k", "abc");
        lose(&cloud, "k");
        accept(&cloud, &settings, &["k"]).await;
        clock.advance(LATE);
        cloud.twin.faults().inject(Fault::respond(Service::Obs, response).method("HEAD"));
        let finished = run(&settings, &["--json"]).await;
        assert_eq!(finished.code, Some(code), "{finished:?}");
        assert_eq!(finished.json()["unknown"], 1);
        assert_eq!(cloud.twin.accepted_count("k"), 1);
        assert!(cloud.records().arrivals().is_empty());
    }
    let (cloud, _, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    accept(&cloud, &settings, &["k"]).await;
    let finished =
        run(&settings.set("DEST_AK", "HPUANOTHERKEY0000000").set("DEST_SK", "x"), &["--json"]).await;
    assert_eq!(finished.code, Some(4), "{finished:?}");
}

#[tokio::test]
async fn an_outage_of_oms_takes_no_step() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    lose(&cloud, "k");
    accept(&cloud, &settings, &["k"]).await;
    clock.advance(LATE);
    let down = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::error(503, "", "")));
    let (code, result) = confirm(&settings).await;
    let taken = ["resent", "copied", "dead", "failed"].map(|step| result[step].clone());
    assert_eq!((code, taken), (Some(3), [0, 0, 0, 1].map(|keys| json!(keys))), "{result}");
    assert!(cloud.records().stages("k").is_empty());
    cloud.twin.faults().clear(down);
    assert_eq!(confirm(&settings).await.1["resent"], 1);
}

#[tokio::test]
async fn a_key_that_oms_refuses_for_its_own_sake_takes_the_next_step_at_once() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    let lost = lose(&cloud, "k");
    accept(&cloud, &settings, &["k"]).await;
    clock.advance(LATE);
    let refused = Fault::poison_key("k").times(1);
    let invalid = cloud.twin.faults().inject(refused);
    let (code, result) = confirm(&settings).await;
    assert_eq!(
        (code, &result["copied"]),
        (Some(3), &json!(1)),
        "refused for its own sake, it goes on: {result}"
    );
    cloud.twin.faults().clear(invalid);
    cloud.twin.faults().clear(lost);
    assert_eq!(confirm(&settings).await.1["confirmed"], 1);
}

#[tokio::test]
async fn a_kill_between_two_requests_loses_nothing_and_tells_nothing_twice() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    lose(&cloud, "k");
    accept(&cloud, &settings, &["k"]).await;
    for stage in ["r001", "d001"] {
        clock.advance(LATE);
        if stage == "d001" {
            // Neither OMS nor the copies bring it there.
            cloud.records().put_arrival("k", "c001", 9_999_999_999, 9_999_999_999);
            clock.advance(LATE);
        }
        let hang = Fault::new(Service::Oss, FaultAction::Hang).method("PUT").key_contains("arrival_object");
        let hang = cloud.twin.faults().inject(hang);
        let mut process = Process::spawn(&["confirm".to_owned()], &settings);
        cloud.until(|twin| twin.faults().hits(hang) > 0).await;
        process.signal("KILL").await;
        process.wait().await;
        cloud.twin.faults().clear(hang);
        assert!(!cloud.records().stages("k").contains(&stage.to_owned()));
        // The killed run still has its lease.
        let (code, result) = confirm(&settings).await;
        assert_eq!((code, &result["looked_at"]), (Some(3), &json!(0)), "{result}");
        clock.advance(TimeDelta::minutes(6));
        confirm(&settings).await;
        assert!(cloud.records().stages("k").contains(&stage.to_owned()));
        assert_eq!(
            cloud.twin.accepted_count("k"),
            3,
            "once by the event, and twice since nobody knew of the first"
        );
    }
    assert_eq!(cloud.records().names(Shelf::Dead, "k").len(), 1, "set aside twice, it is one record");
}

#[tokio::test]
async fn of_two_runs_at_once_one_works() {
    let (cloud, _, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "abc");
    accept(&cloud, &settings, &["k"]).await;
    let hold = cloud.twin.faults().inject(Fault::new(Service::Obs, FaultAction::Hold).method("HEAD"));
    let mut first = Process::spawn(&["confirm".to_owned()], &settings);
    cloud.until(|twin| twin.faults().hits(hold) > 0).await;
    let second = run(&settings, &[]).await;
    assert_eq!(second.code, Some(3), "{second:?}");
    assert!(second.stderr.contains("another run confirms keys"), "{second:?}");
    cloud.twin.faults().clear(hold);
    assert!(first.wait().await.success());
    assert_eq!((heads(&cloud), cloud.records().stages("k")), (1, vec!["am00".to_owned()]));
}

#[tokio::test]
async fn an_event_in_between_is_not_confirmed_by_what_was_seen_before() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put(SOURCE, "k", "one");
    accept(&cloud, &settings, &["k"]).await;
    let hold = Fault::new(Service::Oss, FaultAction::Hold).method("PUT").key_contains("confirmed_object");
    let hold = cloud.twin.faults().inject(hold);
    let mut process = Process::spawn(&["confirm".to_owned()], &settings);
    cloud.until(|twin| twin.faults().hits(hold) > 0).await;
    clock.advance(TimeDelta::seconds(1));
    cloud.twin.oss().put(SOURCE, "k", "two");
    let lost = lose(&cloud, "k");
    accept(&cloud, &settings, &["k"]).await;
    cloud.twin.faults().clear(hold);
    assert!(process.wait().await.success());
    assert!(cloud.records().stages("k").is_empty(), "what was accepted since is not confirmed");
    let (code, result) = confirm(&settings).await;
    assert_eq!((code, &result["pending"]), (Some(0), &json!(1)), "{result}");
    clock.advance(LATE);
    cloud.twin.faults().clear(lost);
    assert_eq!(confirm(&settings).await.1["resent"], 1);
    cloud.until(Twin::is_idle).await;
    assert_eq!(confirm(&settings).await.1["confirmed"], 1);
    assert_eq!(cloud.mirrored("k").unwrap().body, *"two");
}

#[tokio::test]
async fn records_of_confirmed_keys_go_after_their_time() {
    let (cloud, clock, settings) = cloud().await;
    let keys = ["again", "k", "late"];
    for key in keys {
        cloud.twin.oss().put(SOURCE, key, "abc");
    }
    let lost = lose(&cloud, "late");
    accept(&cloud, &settings, &keys).await;
    assert_eq!(confirm(&settings).await.1["confirmed"], 2);
    clock.advance(TimeDelta::days(7) + TimeDelta::seconds(1));
    accept(&cloud, &settings, &["again"]).await;
    let kept = settings.clone().set("KEEP_RECORDS", "0");
    assert_eq!(confirm(&kept).await.1["forgotten"], 0);
    let (_, result) = confirm(&settings).await;
    assert_eq!((&result["forgotten"], &result["not_watched"]), (&json!(2), &json!(1)), "{result}");
    assert_eq!(cloud.recorded(Shelf::Success), ["late"], "what never arrived stays");
    let arrivals = cloud.records().arrivals();
    assert!(arrivals.iter().all(|it| it.key == "again" && it.current), "{arrivals:?}");
    cloud.twin.faults().clear(lost);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let (cloud, clock, settings) = cloud().await;
    for key in ["k", "x"] {
        cloud.twin.oss().put(SOURCE, key, "abc");
    }
    lose(&cloud, "k");
    accept(&cloud, &settings, &["k", "x"]).await;
    clock.advance(LATE);
    let before = cloud.twin.oss().keys(LOGS);
    let finished = run(&settings, &["--dry-run"]).await;
    assert_eq!((finished.code, finished.stdout.trim()), (Some(3), "send again  k"), "{finished:?}");
    assert_eq!(run(&settings, &["--dry-run", "--json"]).await.json()["keys"], json!(["k"]));
    assert_eq!(run(&settings, &["--dry-run", "--prefix", "x"]).await.code, Some(0));
    assert_eq!((cloud.twin.oss().keys(LOGS), cloud.twin.accepted_count("k")), (before, 1));
}

#[tokio::test]
async fn a_timer_confirms_and_goes_on_where_it_ended() {
    let (cloud, clock, settings) = cloud().await;
    let keys = event::keys("k", 3);
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    for key in &names {
        cloud.twin.oss().put(SOURCE, key, "abc");
    }
    let lost = lose(&cloud, "k-2");
    accept(&cloud, &settings, &names).await;
    let function = Function::with(settings.clone()).start().await;
    let tick = || json!({"triggerName": "confirm", "payload": "{\"action\":\"confirm\"}"}).to_string();
    assert_eq!(function.invoke(tick()).await, Answer::True);
    clock.advance(LATE);
    assert_eq!(function.invoke(tick()).await, Answer::False, "a late key is no success");
    cloud.twin.faults().clear(lost);
    clock.advance(LATE);
    // Copied by the timer.
    assert_eq!(function.invoke(tick()).await, Answer::False);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(cloud.records().stages("k-2"), ["am01", "c001", "r001"]);
    // A run that was told to stop at a limit leaves the timer's position as it is.
    accept(&cloud, &settings, &names).await;
    let (_, limited) = confirm_with(&settings, &["--limit", "1"]).await;
    assert_eq!((&limited["looked_at"], &limited["complete"]), (&json!(1), &json!(false)), "{limited}");
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(confirm(&settings).await.1["looked_at"], 0);
}

async fn confirm_with(settings: &Settings, arguments: &[&str]) -> (Option<i32>, Value) {
    let finished = run(settings, &[&["--json"], arguments].concat()).await;
    (finished.code, finished.json())
}

#[tokio::test]
async fn without_a_destination_there_is_nothing_to_confirm() {
    let cloud = Cloud::start().await;
    let finished = run(&cloud.settings(), &[]).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("DEST:") && finished.stderr.contains("DEST_ENDPOINT"), "{finished:?}");
    let function = Function::on(&cloud).start().await;
    let tick = json!({"triggerName": "confirm", "payload": "{\"action\":\"confirm\"}"}).to_string();
    // Templates have the timer in any case: no alarm, but a line of the log.
    assert_eq!(function.invoke(tick).await, Answer::True);
    assert!(function.log().contains("nothing is confirmed: DEST and DEST_ENDPOINT are not set"));
}

#[tokio::test]
async fn nothing_to_confirm_is_said() {
    let (_cloud, _, settings) = cloud().await;
    let all = run(&settings, &[]).await;
    assert_eq!(all.code, Some(0), "{all:?}");
    assert!(all.stdout.ends_with("\nno accepted key waits to be confirmed\n"), "{all:?}");
    let some = run(&settings.set("LANG", "zh_CN.UTF-8"), &["--dry-run", "--prefix", "x/"]).await;
    assert!(some.stdout.is_empty() && some.stderr.contains("查看了 0 个键："), "{some:?}");
    assert!(some.stderr.ends_with("没有以 \"x/\" 开头、等待确认的已接受的键\n"), "{some:?}");
}
