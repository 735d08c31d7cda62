//! The table of outcomes: before success is answered, each key is accepted or in the journal.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::LOGS;
use e2e::{Answer, Cloud, Function, Invocation, Shelf, event};
use serde_json::{Value, json};

fn oms_down() -> Fault {
    Fault::respond(Service::Oms, FaultResponse::oms_forbidden())
}

fn log_bucket_down() -> Fault {
    Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no")).method("PUT")
}

#[tokio::test]
async fn accepted_keys_give_true_and_a_success_record() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["photos/a.jpg", "b.jpg"])).await, Answer::True);
    assert_eq!((cloud.twin.accepted_count("photos/a.jpg"), cloud.twin.accepted_count("b.jpg")), (1, 1));
    assert_eq!(cloud.oms_requests(), 1);
    assert_eq!(cloud.recorded(Shelf::Success), ["b.jpg", "photos/a.jpg"]);
    assert_eq!(cloud.recorded(Shelf::Failed), Vec::<String>::new());

    let record = cloud.record(Shelf::Success, "photos/a.jpg").unwrap();
    let expected = json!({
        "v": 1, "key": "photos/a.jpg", "bucket": "source", "event": "ObjectCreated:PutObject",
        "event_time": "2024-05-01T10:00:00.000Z", "etag": "900150983CD24FB0D6963F7D28E17F72", "size": 3,
        "engine": "oms", "outcome": "accepted",
    });
    assert_contains(&record, &expected);
}

#[tokio::test]
async fn failed_keys_that_are_recorded_give_false() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down());
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["photos/a.jpg"])).await, Answer::False);
    assert_eq!(cloud.recorded(Shelf::Failed), ["photos/a.jpg"]);
    assert_eq!(cloud.recorded(Shelf::Success), Vec::<String>::new());

    let record = cloud.record(Shelf::Failed, "photos/a.jpg").unwrap();
    let expected = json!({
        "v": 1, "key": "photos/a.jpg", "bucket": "source", "event": "ObjectCreated:PutObject",
        "event_time": "2024-05-01T10:00:00.000Z", "etag": "900150983CD24FB0D6963F7D28E17F72", "size": 3,
        "engine": "oms", "outcome": "failed", "class": "auth", "attempts": 1,
    });
    assert_contains(&record, &expected);
    assert_contains(&record["error"], &json!({"status": 403, "code": "OMS.0206"}));
    assert!(record["error"]["message"].as_str().unwrap().starts_with("Insufficient permissions"));
    assert!(!record["request_id"].as_str().unwrap().is_empty());
    let times = ["first_failed_at", "last_failed_at"].map(|name| record[name].as_str().unwrap());
    assert_eq!(times[0], times[1]);
    assert!(chrono::DateTime::parse_from_rfc3339(times[0]).is_ok(), "{times:?}");
    let names = cloud.records().names(Shelf::Failed, "photos/a.jpg");
    let stored = cloud.twin.oss().get(LOGS, &names[0]).unwrap();
    assert_eq!(stored.headers.content_type.unwrap(), "application/json");
}

#[tokio::test]
async fn of_some_keys_that_failed_each_is_recorded_where_it_belongs() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down().key_contains("bad"));
    let function = Function::on(&cloud).set("OMS_BATCH", "1").start().await;
    assert_eq!(function.invoke(event::put(["good", "bad", "fine"])).await, Answer::False);
    assert_eq!(cloud.recorded(Shelf::Success), ["fine", "good"]);
    assert_eq!(cloud.recorded(Shelf::Failed), ["bad"]);
}

#[tokio::test]
async fn with_oms_and_the_log_bucket_down_the_invocation_fails() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down());
    cloud.twin.faults().inject(log_bucket_down());
    let function = Function::on(&cloud).start().await;
    let Answer::Failure { kind, message } = function.invoke(event::put(["a", "b"])).await else { panic!() };
    assert_eq!(kind, "JournalUnavailable");
    for part in ["2 of 2 failed keys are not in the journal", "OMS.0206", "AccessDenied"] {
        assert!(message.contains(part), "{part}: {message}");
    }

    cloud.twin.faults().clear_all();
    assert_eq!(function.invoke(event::put(["a", "b"])).await, Answer::True, "the platform's retry succeeds");
}

#[tokio::test]
async fn one_failure_that_cannot_be_recorded_fails_the_invocation() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down().key_contains("bad"));
    cloud.twin.faults().inject(log_bucket_down().key_contains("bad-2"));
    let function = Function::on(&cloud).set("OMS_BATCH", "1").start().await;
    let message = function.invoke(event::put(["good", "bad-1", "bad-2"])).await.failure();
    assert!(message.contains("1 of 2 failed keys") && message.contains("bad-2"), "{message}");
    assert_eq!(cloud.recorded(Shelf::Failed), ["bad-1"]);
}

#[tokio::test]
async fn a_success_record_that_cannot_be_written_does_not_fail_an_accepted_key() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(log_bucket_down());
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
    assert_eq!(cloud.twin.accepted_count("a"), 1);
    assert_eq!(cloud.recorded(Shelf::Success), Vec::<String>::new());
    function.logged("the success record could not be written").await;
}

#[tokio::test]
async fn nothing_to_do_gives_true_and_no_request() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    for nothing in [
        event::put::<String>([]),
        "[]".to_owned(),
        event::of([event::element("source", "ObjectRemoved:DeleteObject", "gone")]),
    ] {
        assert_eq!(function.invoke(nothing).await, Answer::True);
    }
    assert_eq!(cloud.oms_requests(), 0);
    assert_eq!(cloud.twin.oss().keys(LOGS), Vec::<String>::new());
}

#[tokio::test]
async fn malformed_events_fail_and_nothing_is_sent() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let Answer::Failure { kind, message } = function.invoke("{\"events\":[{}]}").await else { panic!() };
    assert_eq!((&*kind, &*message), ("MalformedEvent", "malformed event: events[0].oss: missing"));
    assert_eq!(cloud.oms_requests(), 0);
}

#[tokio::test]
async fn what_the_function_refuses_comes_back_and_ends_in_the_failure_destination() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down());
    cloud.twin.faults().inject(log_bucket_down().path_contains("/logs/"));
    let function = Function::on(&cloud).start().await;
    cloud.twin.notify("source", &function.url()).unwrap();
    cloud.upload("lost?", "x").await;
    cloud.until(|twin| !twin.failure_destination().is_empty()).await;
    let [failed] = cloud.twin.failure_destination().try_into().unwrap();
    assert_eq!((&*failed.key, failed.attempts, failed.status), ("lost?", 4, Some(404)));
    assert!(failed.response.contains("JournalUnavailable"), "{}", failed.response);

    cloud.twin.faults().clear_all();
    let again = Invocation::event(failed.payload).credentials(cloud.twin.function_account());
    assert_eq!(function.send(again).await.answer(), Answer::True);
    assert_eq!(cloud.twin.accepted_count("lost?"), 1);
}

fn assert_contains(actual: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&actual[name], value, "{name} of {actual}");
    }
}
