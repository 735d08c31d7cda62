//! The timer `reconcile` where something fails: nothing is concluded, nothing is lost, nothing is sent twice.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use cloud_twin::{Fault, FaultAction, FaultId, FaultResponse, ManualClock, Service, Twin};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Answer, Cloud, Function, Settings, Shelf, event};
use serde_json::json;

use crate::confirm::LATE;
use crate::reconcile_timer::{cloud, counts, last, put_unnoticed, state, tick, tick_of};

/// Keys of two pages and a half.
pub(crate) const KEYS: usize = 2500;

/// Longer than a slice may be silent.
const SILENCE: TimeDelta = TimeDelta::seconds(301);

/// A cloud with so many keys at both sides that are the same, but for these, which are at the source alone.
pub(crate) async fn large(missing: &[usize]) -> (Cloud, ManualClock, Settings) {
    let (cloud, clock, settings) = cloud().await;
    for number in 0..KEYS {
        let key = key(number);
        cloud.twin.oss().put(SOURCE, &key, "abc");
        if !missing.contains(&number) {
            cloud.twin.obs().put(MIRROR, &key, "abc");
        }
    }
    clock.advance(LATE);
    (cloud, clock, settings)
}

pub(crate) fn key(number: usize) -> String {
    format!("k-{number:04}")
}

/// Listings of OBS from the second page on are not answered.
pub(crate) fn hang_behind_the_first_page(cloud: &Cloud) -> FaultId {
    let hang = Fault::new(Service::Obs, FaultAction::Hang).method("GET").path_contains("marker=");
    cloud.twin.faults().inject(hang)
}

pub(crate) fn once(keys: &[usize]) -> BTreeMap<String, u64> {
    keys.iter().map(|number| (key(*number), 1)).collect()
}

#[tokio::test]
async fn a_slice_that_ran_out_of_time_is_continued_by_the_next() {
    let (cloud, _, settings) = large(&[10, 1100, 2400]).await;
    let function = Function::with(settings).timeout(4).start().await;
    let hang = hang_behind_the_first_page(&cloud);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert!(function.log().contains("the time budget ended"), "{}", function.log());
    let so_far = state(&cloud, &cloud.task.sync_task_id);
    // The destination has one key less on its first page.
    assert_eq!(so_far["after_key"], key(1000), "{so_far}");
    assert_eq!(counts(&so_far["current"], ["compared", "equal", "sent"]), [1001, 1000, 1]);
    assert!(so_far["last"].is_null(), "no round is whole: {so_far}");
    assert_eq!(cloud.twin.accepted(), once(&[10]));
    cloud.twin.faults().clear(hang);
    let listed = cloud.done(Service::Oss, "ListObjects");
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    let found = counts(&round, ["slices", "compared", "equal", "missing", "sent"]);
    assert_eq!(found, [2, KEYS as u64, KEYS as u64 - 3, 3, 3], "each key once: {round}");
    assert_eq!(cloud.twin.accepted(), once(&[10, 1100, 2400]));
    assert!(listed > 0);
    // The next round begins at the first key.
    cloud.until(Twin::is_idle).await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(counts(&last(&cloud), ["slices", "compared", "watched"]), [1, KEYS as u64, 0]);
    assert_eq!(cloud.twin.accepted(), once(&[10, 1100, 2400]));
}

#[tokio::test]
async fn a_kill_between_two_requests_loses_nothing() {
    // Before the key has a success record it is sent once more; afterwards it is not.
    for (name, sent) in [("success_object", 2), ("reconcile_run", 1)] {
        let (cloud, clock, settings) = cloud().await;
        put_unnoticed(&cloud, &["a"]);
        clock.advance(LATE);
        cloud.twin.faults().inject(Fault::fail_copy("a", "lost"));
        let function = Function::with(settings.clone()).start().await;
        let hang = Fault::new(Service::Oss, FaultAction::Hang).method("PUT").key_contains(name);
        // The slice takes its turn by the first write, and says by the second that its round has begun.
        let hang = if name == "reconcile_run" { hang.after(2) } else { hang };
        let hang = cloud.twin.faults().inject(hang);
        let ticked = async { function.send(e2e::Invocation::event(tick())).await };
        tokio::select! {
            reply = ticked => panic!("{name}: {reply:?}"),
            () = cloud.until(|twin| twin.faults().hits(hang) > 0) => {}
        }
        function.kill().await;
        assert_eq!(cloud.twin.accepted_count("a"), 1, "{name}");
        cloud.twin.faults().clear(hang);
        let function = Function::with(settings).start().await;
        // The killed slice still has its turn.
        assert_eq!(function.invoke(tick()).await, Answer::True);
        assert!(function.log().contains("another slice compares keys"), "{name}: {}", function.log());
        clock.advance(SILENCE);
        assert_eq!(function.invoke(tick()).await, Answer::True);
        assert_eq!(cloud.twin.accepted_count("a"), sent, "{name}");
        assert!(cloud.record(Shelf::Success, "a").is_some(), "{name}");
        assert!(last(&cloud).is_object(), "{name}");
    }
}

#[tokio::test]
async fn of_two_slices_at_once_one_works() {
    let (cloud, clock, settings) = cloud().await;
    put_unnoticed(&cloud, &["a"]);
    clock.advance(LATE);
    let function = Function::with(settings.clone()).start().await;
    let other = Function::with(settings).start().await;
    let hold = Fault::new(Service::Obs, FaultAction::Hold).method("GET").path_contains("max-keys=");
    let hold = cloud.twin.faults().inject(hold);
    let first = function.invoke(tick());
    let second = async {
        cloud.until(|twin| twin.faults().hits(hold) > 0).await;
        let answer = other.invoke(tick()).await;
        cloud.twin.faults().clear(hold);
        answer
    };
    assert_eq!(tokio::join!(first, second), (Answer::True, Answer::True));
    assert!(other.log().contains("another slice compares keys"), "{}", other.log());
    assert_eq!(cloud.twin.accepted_count("a"), 1);
    assert_eq!(counts(&last(&cloud), ["slices", "sent"]), [1, 1]);
}

/// A page of a listing as both services write it.
fn page(keys: &[&str]) -> FaultResponse {
    let entry = |key: &&str| {
        format!(
            "<Contents><Key>{key}</Key><LastModified>2026-01-05T10:00:00.000Z</LastModified><ETag>\"x-1\"</ETag><Size>1</Size></Contents>"
        )
    };
    let entries: String = keys.iter().map(entry).collect();
    let body = format!(
        "<?xml version=\"1.0\"?><ListBucketResult><Name>b</Name><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    );
    FaultResponse::error(200, "", "").header("content-type", "application/xml").body(body)
}

#[tokio::test]
async fn a_listing_that_fails_or_contradicts_itself_concludes_nothing() {
    let denied = || FaultResponse::error(403, "AccessDenied", "no").header("x-obs-request-id", "1");
    let (cloud, _, settings) = large(&[10, 1100]).await;
    let function = Function::with(settings).start().await;
    for (service, path, answer, side, told) in [
        // The first slice gets as far as the second page.
        (Service::Obs, "marker=", denied(), "destination", "no"),
        (Service::Oss, "/source", page(&["k-1050", "k-1040"]), "source", "not the byte order"),
        (Service::Obs, MIRROR, page(&["k-1050", "k-1050"]), "destination", "comes twice"),
        // What is listed already.
        (Service::Obs, MIRROR, page(&["k-0001"]), "destination", "comes behind"),
        (Service::Oss, "/source", FaultResponse::error(404, "NoSuchBucket", "no"), "source", "no"),
    ] {
        let fault = Fault::respond(service, answer).method("GET").path_contains(path);
        let fault = cloud.twin.faults().inject(fault);
        assert_eq!(function.invoke(tick()).await, Answer::False, "{told}");
        let log = function.log();
        let line = log.lines().rfind(|line| line.contains("\"compared\"")).unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains(side) && line.contains(told), "{told}: {line}");
        assert_eq!(cloud.twin.accepted(), once(&[10]), "{told}");
        let so_far = state(&cloud, &cloud.task.sync_task_id);
        assert!(so_far["after_key"].as_str().is_some_and(|after| after >= "k-0999"), "{told}: {so_far}");
        assert_eq!(counts(&so_far["current"], ["missing", "extra"]), [1, 0], "{told}: {so_far}");
        cloud.twin.faults().clear(fault);
    }
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(counts(&last(&cloud), ["compared", "missing", "extra"]), [KEYS as u64, 2, 0]);
    assert_eq!(cloud.twin.accepted(), once(&[10, 1100]));
}

#[tokio::test]
async fn a_side_that_does_not_let_itself_be_looked_at_is_no_difference() {
    let denied = || FaultResponse::error(403, "AccessDenied", "no").header("x-obs-request-id", "1");
    let (cloud, clock, settings) = cloud().await;
    let keys: Vec<String> = (0..30).map(key).collect();
    put_unnoticed(&cloud, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    clock.advance(LATE);
    let function = Function::with(settings).start().await;
    let fault = Fault::respond(Service::Obs, denied()).method("HEAD");
    let fault = cloud.twin.faults().inject(fault);
    assert_eq!(function.invoke(tick()).await, Answer::False);
    assert!(cloud.twin.accepted().is_empty());
    let so_far = state(&cloud, &cloud.task.sync_task_id);
    assert!(so_far["last"].is_null() && so_far["after_key"].is_null(), "a right is missing: {so_far}");
    cloud.twin.faults().clear(fault);
    let fault = Fault::respond(Service::Obs, denied()).method("HEAD").key_contains(key(7));
    let fault = cloud.twin.faults().inject(fault);
    assert_eq!(function.invoke(tick()).await, Answer::False);
    assert_eq!(counts(&last(&cloud), ["missing", "sent", "unknown"]), [29, 29, 1], "one object refuses");
    cloud.twin.faults().clear(fault);
    // Without the right to read the source, its listing counts: OMS has rights of its own.
    cloud.twin.faults().inject(Fault::respond(Service::Oss, denied()).method("HEAD").path_contains("/k-"));
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(counts(&last(&cloud), ["missing", "sent", "unknown"]), [1, 1, 0]);
}

#[tokio::test]
async fn what_records_say_is_found_whatever_the_keys_are() {
    let (cloud, clock, settings) = cloud().await;
    // Names that sort in another order than keys, that begin with one another, and that are too long for a key.
    let long = |length: usize| "l".repeat(length);
    let keys = ["a", "a ", "a!", "a!b", "a\u{e9}", "b/", "b/c", &long(920), &long(950), &long(1000)];
    let function = Function::with(settings).start().await;
    let lost = Fault::new(Service::Oms, FaultAction::FailCopy { reason: "lost".to_owned() });
    cloud.twin.faults().inject(lost);
    let (accepted, failed): (Vec<_>, Vec<_>) = keys.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let of = |keys: &[(usize, &&str)]| keys.iter().map(|(_, key)| (**key).to_owned()).collect::<Vec<_>>();
    put_unnoticed(&cloud, &keys);
    assert_eq!(function.invoke(event::put(of(&accepted))).await, Answer::True);
    let down = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_invalid()));
    assert_eq!(function.invoke(event::put(of(&failed))).await, Answer::False);
    cloud.twin.faults().clear(down);
    clock.advance(LATE);
    let before = cloud.twin.accepted();
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    assert_eq!(counts(&round, ["watched", "waiting", "missing"]), [5, 5, 0], "{round}");
    assert_eq!(cloud.twin.accepted(), before);
}

#[tokio::test]
async fn while_oms_is_down_few_keys_are_tried() {
    let missing: Vec<usize> = (0..500).collect();
    let (cloud, _, settings) = large(&missing).await;
    let function = Function::with(settings).start().await;
    let down = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()));
    assert_eq!(function.invoke(tick()).await, Answer::False);
    let tried = cloud.recorded(Shelf::Failed).len();
    assert!((1..=200).contains(&tried), "{tried}");
    cloud.twin.faults().clear(down);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    assert_eq!(
        counts(&round, ["waiting", "sent", "missing"]),
        [tried as u64, 500 - tried as u64, 500 - tried as u64],
        "{round}"
    );
    assert_eq!(cloud.recorded(Shelf::Failed).len(), tried, "they wait for a replay");
    // The position is that of the timer alone.
    assert!(cloud.twin.oss().keys(LOGS).iter().any(|name| name.contains("/reconcile_run/")));
    let other = json!({"action": "reconcile", "prefix": "none/"});
    assert_eq!(function.invoke(tick_of(&other)).await, Answer::True);
    assert_eq!(counts(&last(&cloud), ["compared"]), [0]);
}
