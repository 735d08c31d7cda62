//! What is tried again, how often, and what is not.

use std::time::Duration;

use chrono::TimeDelta;
use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::{Answer, Cloud, Function, Shelf, event};

fn oms(response: FaultResponse) -> Fault {
    Fault::respond(Service::Oms, response)
}

/// Class and status in the failure record of `key`.
fn failure(cloud: &Cloud, key: &str) -> (String, Option<u64>) {
    let record = cloud.record(Shelf::Failed, key).unwrap_or_else(|| panic!("{key} has no record"));
    (record["class"].as_str().unwrap().to_owned(), record["error"]["status"].as_u64())
}

fn class(class: &str, status: impl Into<Option<u64>>) -> (String, Option<u64>) {
    (class.to_owned(), status.into())
}

fn bad_signatures(cloud: &Cloud) -> u64 {
    cloud.twin.stats().bad_signatures[&Service::Oms]
}

#[tokio::test]
async fn an_unavailable_service_is_tried_again_until_it_accepts() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(FaultResponse::oms_unavailable()).times(3));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    let statuses: Vec<u16> = cloud.twin.oms_batches().iter().map(|batch| batch.status).collect();
    assert_eq!(statuses, [503, 503, 503, 200]);
    assert_eq!(cloud.recorded(Shelf::Failed), Vec::<String>::new());
}

#[tokio::test]
async fn every_status_that_may_pass_is_tried_again_freshly_signed() {
    let cloud = Cloud::start().await;
    for status in [500, 502, 503, 504] {
        cloud.twin.faults().inject(oms(FaultResponse::error(status, "X", "later")).times(1));
    }
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    // Only requests with a good signature are among the batches.
    let statuses: Vec<u16> = cloud.twin.oms_batches().iter().map(|batch| batch.status).collect();
    assert_eq!(statuses, [500, 502, 503, 504, 200]);
}

#[tokio::test]
async fn a_service_that_stays_away_is_given_up_and_the_key_recorded() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(FaultResponse::oms_unavailable()));
    let function = Function::on(&cloud).timeout(2).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::False);
    assert_eq!(failure(&cloud, "a"), class("transient", 503));
    assert!((2..=6).contains(&cloud.oms_requests()), "{}", cloud.oms_requests());
}

#[tokio::test]
async fn a_reset_connection_is_tried_again() {
    let cloud = Cloud::start().await;
    let before = Fault::new(Service::Oms, FaultAction::ResetBeforeReading).times(2);
    let id = cloud.twin.faults().inject(before);
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!((cloud.twin.faults().hits(id), cloud.twin.accepted_count("a")), (2, 1));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_acceptance() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::ResetMidResponse).times(1));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!(cloud.twin.accepted_count("a"), 2, "sent again: twice is harmless, never is not");
}

#[tokio::test]
async fn a_success_whose_body_is_an_error_is_no_acceptance() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(FaultResponse::error(200, "OMS.2004", "later")).times(1));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!((cloud.sent("a"), cloud.twin.accepted_count("a")), (2, 1));
}

#[tokio::test]
async fn throttling_without_a_window_is_tried_again() {
    let cloud = Cloud::start().await;
    let throttled = FaultResponse::error(429, "APIGW.0308", "The throttling threshold has been reached");
    cloud.twin.faults().inject(oms(throttled).times(2));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!(cloud.sent("a"), 3);
}

#[tokio::test]
async fn a_stated_window_inside_the_budget_is_waited_out() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(FaultResponse::oms_throttled(5, "1 second")).times(1));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    let times: Vec<_> = cloud.twin.oms_batches().iter().map(|batch| batch.time).collect();
    let [refused, accepted] = times.try_into().unwrap();
    // The twin notes the time of a refusal before the answer is on its way, so the window cannot be shorter here.
    assert!(accepted - refused >= TimeDelta::seconds(1), "{}", accepted - refused);
}

#[tokio::test]
async fn a_stated_window_beyond_the_budget_sends_the_key_to_the_journal_at_once() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(FaultResponse::oms_throttled(20, "1 minute")));
    let function = Function::on(&cloud).timeout(50).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::False);
    assert_eq!(failure(&cloud, "a"), class("throttled", 429));
    assert_eq!(function.invoke(event::put(["b"])).await, Answer::False);
    assert_eq!(failure(&cloud, "b"), class("throttled", None), "not even sent");
    assert_eq!(cloud.oms_requests(), 1);
}

#[tokio::test]
async fn a_key_that_oms_refuses_is_singled_out_of_its_batch() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::poison_key("poison"));
    let function = Function::on(&cloud).start().await;
    let mut keys = event::keys("k", 9);
    keys.insert(6, "poison".to_owned());
    assert_eq!(function.invoke(event::put(keys)).await, Answer::False);
    for key in event::keys("k", 9) {
        assert_eq!(cloud.twin.accepted_count(&key), 1, "{key}");
    }
    assert_eq!(cloud.recorded(Shelf::Failed), ["poison"]);
    assert_eq!(failure(&cloud, "poison"), class("permanent", 400));
    assert_eq!(cloud.recorded(Shelf::Success), event::keys("k", 9));
}

#[tokio::test]
async fn refused_credentials_are_tried_twice_at_most_and_then_not_for_minutes() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set("HW_SK", "not-the-secret").start().await;
    let keys = event::keys("k", 35);
    assert_eq!(function.invoke(event::put(&keys)).await, Answer::False);
    assert_eq!(cloud.recorded(Shelf::Failed).len(), 35);
    for key in &keys {
        assert_eq!(failure(&cloud, key).0, "auth", "{key}");
    }
    let refused = bad_signatures(&cloud);
    assert!((1..=2).contains(&refused), "{refused} of the five that lock the key for everybody");

    assert_eq!(function.invoke(event::put(["later"])).await, Answer::False);
    assert_eq!(bad_signatures(&cloud), refused, "the breaker is open");
    let record = cloud.record(Shelf::Failed, "later").unwrap();
    assert_eq!(record["class"], "auth");
    assert!(record["error"]["message"].as_str().unwrap().contains("not sent"), "{record}");
}

#[tokio::test]
async fn many_invocations_at_once_do_not_lock_the_access_key_either() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set("HW_SK", "not-the-secret").set("OMS_BATCH", "1").start().await;
    let invocations = event::keys("k", 40).into_iter().map(|key| function.invoke(event::put([key])));
    for answer in futures_util::future::join_all(invocations).await {
        assert_eq!(answer, Answer::False);
    }
    assert!(bad_signatures(&cloud) <= 2, "{}", bad_signatures(&cloud));
    assert_eq!(cloud.recorded(Shelf::Failed).len(), 40);
}

#[tokio::test]
async fn a_locked_access_key_is_left_alone() {
    let cloud = Cloud::start().await;
    let text = "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden";
    cloud.twin.faults().inject(oms(FaultResponse::error(401, "APIGW.0301", text)));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::False);
    assert_eq!(function.invoke(event::put(["b"])).await, Answer::False);
    assert_eq!(failure(&cloud, "a"), class("auth", 401));
    assert_eq!(cloud.oms_requests(), 1);
}

#[tokio::test]
async fn missing_permissions_are_not_tried_again() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(FaultResponse::oms_forbidden()));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::False);
    assert_eq!(failure(&cloud, "a"), class("auth", 403));
    assert_eq!(cloud.oms_requests(), 1);
}

#[tokio::test]
async fn a_task_that_does_not_exist_is_not_tried_again() {
    let cloud = Cloud::start().await;
    let url = cloud.twin.sync_url(&cloud.task).replace(&cloud.task.sync_task_id, "no-such-task");
    let function = Function::on(&cloud).set("SYNC_URL", url).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::False);
    assert_eq!(cloud.oms_requests(), 1);
    let record = cloud.records_of("no-such-task").get(Shelf::Failed, "a").unwrap();
    assert_eq!((&record["class"], &record["error"]["status"]), (&"permanent".into(), &404.into()));
}

#[tokio::test]
async fn a_journal_that_is_briefly_away_is_tried_again() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(FaultResponse::oms_forbidden()));
    let away = Fault::respond(Service::Oss, FaultResponse::oss_unavailable()).method("PUT").times(2);
    cloud.twin.faults().inject(away);
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::False);
    assert_eq!(cloud.recorded(Shelf::Failed), ["a"]);
    let stats = cloud.twin.stats();
    assert_eq!((stats.answered(Service::Oss, 503), stats.requests(Service::Oss, "PutObject")), (2, 3));
}

/// Seconds that the platform gives an invocation.
const TIMEOUT: u64 = 3;

/// The answer to an invocation, while what hangs goes on hanging: so the function ended it by its own budget.
/// How long that took is not looked at, since a busy machine answers late. That it ends in time is held by
/// tests of the parts, none of the whole: `records_and_the_reply_have_a_share_of_any_time` and
/// `a_job_whose_engine_hangs_fails_at_the_deadline_and_is_recorded` (`bridge-core`), and for the records
/// `a_deadline_cuts_a_silent_try_short` (`oss-lite`).
async fn by_itself(answer: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(Duration::from_mins(1), answer).await.expect("an answer while the service hangs")
}

#[tokio::test]
async fn a_service_that_hangs_costs_the_budget_and_the_key_is_recorded_in_time() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hang));
    let function = Function::on(&cloud).timeout(TIMEOUT).start().await;
    assert_eq!(by_itself(function.invoke(event::put(["a"]))).await, Answer::False);
    assert_eq!(failure(&cloud, "a"), class("transient", None));
}

#[tokio::test]
async fn the_time_that_the_platform_states_is_kept_rather_than_the_default() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hang));
    let function = Function::on(&cloud).timeout(600).start().await;
    let event = e2e::Invocation::event(event::put(["a"])).header("x-fc-function-timeout", "2");
    let reply = tokio::time::timeout(Duration::from_mins(1), function.send(event)).await;
    assert_eq!(reply.expect("long before 600 seconds").answer(), Answer::False);
    assert_eq!(failure(&cloud, "a").0, "transient");
}

#[tokio::test]
async fn a_journal_that_hangs_fails_the_invocation_in_time() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms(FaultResponse::oms_forbidden()));
    cloud.twin.faults().inject(Fault::new(Service::Oss, FaultAction::Hang));
    let function = Function::on(&cloud).timeout(TIMEOUT).start().await;
    let message = by_itself(function.invoke(event::put(["a"]))).await.failure();
    assert!(message.contains("not in the journal"), "{message}");
}
