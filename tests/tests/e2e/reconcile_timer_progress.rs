//! The timer `reconcile` moves on: neither a rate nor single keys hold it at one place, and what a round counted
//! is kept.

use chrono::TimeDelta;
use cloud_twin::{Fault, FaultAction, FaultResponse, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::{Answer, Cloud, Function, Invocation, OmsBridge, Shelf};
use serde_json::{Value, json};

use crate::confirm::LATE;
use crate::reconcile_timer::{cloud, counts, last, put_unnoticed, state, tick, tick_of};
use crate::reconcile_timer_faults::{KEYS, hang_behind_the_first_page, key, large, once};

/// The round that is under way.
fn current(cloud: &Cloud) -> Value {
    state(cloud, &cloud.task.sync_task_id)["current"].clone()
}

fn denied() -> FaultResponse {
    FaultResponse::error(403, "AccessDenied", "no").header("x-obs-request-id", "1")
}

#[tokio::test]
async fn what_was_looked_at_in_time_is_sent_and_the_next_tick_goes_on_behind_it() {
    let (cloud, clock, settings) = cloud().await;
    let keys: Vec<String> = (0..60).map(key).collect();
    put_unnoticed(&cloud, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    clock.advance(LATE);
    let function = Function::with(settings.clone()).timeout(6).start().await;
    // All of them would take twelve seconds.
    let slow = json!({"action": "reconcile", "max_rps": 10});
    assert_eq!(function.invoke(tick_of(&slow)).await, Answer::True);
    let so_far = state(&cloud, &cloud.task.sync_task_id);
    let [compared, missing, sent] = counts(&so_far["current"], ["compared", "missing", "sent"]);
    assert!((1..60).contains(&sent) && sent == missing && sent == compared, "{so_far}");
    assert_eq!(so_far["after_key"], key(usize::try_from(sent).unwrap() - 1), "{so_far}");
    assert_eq!(cloud.twin.accepted(), once(&(0..usize::try_from(sent).unwrap()).collect::<Vec<_>>()));
    let function = Function::with(settings).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(counts(&last(&cloud), ["slices", "compared", "missing", "sent"]), [2, 60, 60, 60]);
    assert_eq!(cloud.twin.accepted(), once(&(0..60).collect::<Vec<_>>()));
}

#[tokio::test]
async fn a_request_that_hangs_does_not_take_the_time_of_other_keys() {
    let (cloud, clock, settings) = cloud().await;
    put_unnoticed(&cloud, &["h/0", "h/1", "h/2"]);
    clock.advance(LATE);
    let function = Function::with(settings).timeout(20).start().await;
    let hang = Fault::new(Service::Obs, FaultAction::Hang).method("HEAD").key_contains("h/0");
    cloud.twin.faults().inject(hang);
    assert_eq!(function.invoke(tick()).await, Answer::False, "it is not known of a key");
    let round = last(&cloud);
    assert_eq!(counts(&round, ["compared", "missing", "sent", "unknown"]), [3, 2, 2, 1], "{round}");
    assert_eq!(cloud.twin.accepted().into_keys().collect::<Vec<_>>(), ["h/1", "h/2"]);
}

#[tokio::test]
async fn a_tick_that_did_nothing_is_no_success() {
    let (cloud, clock, settings) = cloud().await;
    put_unnoticed(&cloud, &["a"]);
    clock.advance(LATE);
    let function = Function::with(settings).timeout(2).start().await;
    cloud.twin.faults().inject(Fault::new(Service::Obs, FaultAction::Hang).method("GET"));
    assert_eq!(function.invoke(tick()).await, Answer::False);
    let log = function.log();
    assert!(log.contains("the time budget ended before a single key was done"), "{log}");
}

#[tokio::test]
async fn keys_that_are_refused_for_their_own_sake_hold_nothing_up() {
    let (cloud, clock, settings) = cloud().await;
    // With the folder of the destination before them they are no keys.
    let long = |number: usize| format!("long/{number:02}{}", "x".repeat(1000));
    let keys: Vec<String> = (0..30).map(long).chain(["long/z".to_owned()]).collect();
    put_unnoticed(&cloud, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    clock.advance(LATE);
    let settings = settings.set("DEST", format!("obs://{MIRROR}/{}", "p".repeat(40)));
    let function = Function::with(settings).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::False);
    let round = last(&cloud);
    assert_eq!(counts(&round, ["missing", "sent", "unknown"]), [1, 1, 30], "{round}");
    assert_eq!(cloud.twin.accepted().into_keys().collect::<Vec<_>>(), ["long/z"]);
}

#[tokio::test]
async fn a_folder_that_may_not_be_looked_at_holds_nothing_up() {
    let (cloud, clock, settings) = cloud().await;
    let keys: Vec<String> = (0..30).map(|number| format!("d/{number:02}")).collect();
    put_unnoticed(&cloud, &keys.iter().map(String::as_str).collect::<Vec<_>>());
    put_unnoticed(&cloud, &["z"]);
    clock.advance(LATE);
    cloud.twin.faults().inject(Fault::respond(Service::Obs, denied()).method("HEAD").key_contains("d/"));
    let function = Function::with(settings).start().await;
    for (missing, watched) in [(1, 0), (0, 0)] {
        assert_eq!(function.invoke(tick()).await, Answer::False);
        let round = last(&cloud);
        // In the second round no other key differs: one that does not is asked for.
        let found = counts(&round, ["missing", "sent", "watched", "unknown", "slices"]);
        assert_eq!(found, [missing, missing, watched, 30, 1], "{round}");
        cloud.until(Twin::is_idle).await;
    }
    assert_eq!(cloud.twin.accepted().into_keys().collect::<Vec<_>>(), ["z"]);
}

#[tokio::test]
async fn an_etag_that_is_no_md5_makes_no_difference_each_round() {
    let (cloud, clock, settings) = cloud().await;
    cloud.twin.oss().put_appendable(SOURCE, "log", "abcd");
    cloud.twin.oss().put(SOURCE, "plain", "abc");
    clock.advance(LATE);
    let denied = Fault::respond(Service::Oss, denied()).method("HEAD").path_contains(SOURCE);
    cloud.twin.faults().inject(denied);
    let function = Function::with(settings.clone()).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    cloud.until(Twin::is_idle).await;
    OmsBridge::new(["confirm", "--json"]).settings(settings).run().await;
    let sent = cloud.twin.accepted();
    assert_eq!(sent.len(), 2);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    assert_eq!(cloud.twin.accepted(), sent);
    let round = last(&cloud);
    assert_eq!(counts(&round, ["equal", "undecided", "different"]), [1, 1, 0], "{round}");
}

#[tokio::test]
async fn one_key_that_is_not_accepted_does_not_end_the_tick() {
    let (cloud, _, settings) = large(&[500, 1500, 2400]).await;
    cloud.twin.faults().inject(Fault::poison_key(key(500)));
    let function = Function::with(settings).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::False);
    let round = last(&cloud);
    let found = counts(&round, ["slices", "compared", "missing", "sent", "failed"]);
    assert_eq!(found, [1, KEYS as u64, 3, 2, 1], "{round}");
    assert_eq!(cloud.twin.accepted(), once(&[1500, 2400]));
}

#[tokio::test]
async fn keys_that_are_compared_once_more_are_counted_once() {
    let missing: Vec<usize> = (0..500).collect();
    let (cloud, _, settings) = large(&missing).await;
    let function = Function::with(settings.set("EXCLUDE", "k-09*")).start().await;
    let down = cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()));
    assert_eq!(function.invoke(tick()).await, Answer::False);
    let round = current(&cloud);
    let [missing, sent, failed] = counts(&round, ["missing", "sent", "failed"]);
    assert_eq!(missing, sent + failed, "{round}");
    cloud.twin.faults().clear(down);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    let [compared, equal, filtered] = counts(&round, ["compared", "equal", "filtered"]);
    assert_eq!([compared, equal, filtered], [KEYS as u64 - 100, KEYS as u64 - 600, 100], "{round}");
    let [missing, waiting, sent] = counts(&round, ["missing", "waiting", "sent"]);
    assert_eq!((missing + waiting, sent), (500, missing), "{round}");
    assert_eq!(cloud.recorded(Shelf::Failed).len() as u64, waiting, "{round}");
}

#[tokio::test]
async fn a_kill_does_not_lose_what_was_counted() {
    let (cloud, clock, settings) = large(&[10, 1100]).await;
    let hang = hang_behind_the_first_page(&cloud);
    let function = Function::with(settings.clone()).start().await;
    let ticked = async { function.send(Invocation::event(tick())).await };
    tokio::select! {
        reply = ticked => panic!("{reply:?}"),
        // The next page may hang before the keys of the first one are sent.
        () = cloud.until(|twin| twin.faults().hits(hang) > 0 && current(&cloud)["sent"] == 1) => {}
    }
    function.kill().await;
    cloud.twin.faults().clear(hang);
    assert_eq!(counts(&current(&cloud), ["slices", "missing", "sent"]), [1, 1, 1]);
    clock.advance(TimeDelta::seconds(301));
    let function = Function::with(settings).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    assert_eq!(counts(&round, ["slices", "compared", "missing", "sent"]), [2, KEYS as u64, 2, 2], "{round}");
}

#[tokio::test]
async fn two_timers_with_other_prefixes_do_not_begin_each_others_round_again() {
    let (cloud, _, settings) = large(&[10, 1100]).await;
    let hang = hang_behind_the_first_page(&cloud);
    let function = Function::with(settings).timeout(4).start().await;
    assert_eq!(function.invoke(tick()).await, Answer::True);
    cloud.twin.faults().clear(hang);
    let other = json!({"action": "reconcile", "prefix": "k-2"});
    assert_eq!(function.invoke(tick_of(&other)).await, Answer::True);
    assert_eq!(counts(&last(&cloud), ["slices", "compared"]), [1, 500]);
    assert_eq!(function.invoke(tick()).await, Answer::True);
    let round = last(&cloud);
    assert_eq!(counts(&round, ["slices", "compared", "missing"]), [2, KEYS as u64, 2], "{round}");
}
