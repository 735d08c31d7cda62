//! The function on AWS Lambda: a stand-in of its runtime API hands the events of Amazon S3 to the binary, in every wrapping.

use std::time::Duration;

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::LOGS;
use e2e::{Cloud, Lambda, LambdaAnswer, OmsBridge, Shelf, event};
use serde_json::{Value, json};

use crate::lifecycle::{Nowhere, under_way};

const BUCKET: &str = "photos-on-s3";

pub(crate) fn record(name: &str, bucket: &str, key: &str, sequencer: &str) -> Value {
    json!({
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "eu-central-1",
        "eventTime": "2026-01-05T10:00:00.000Z", "eventName": name,
        "s3": {
            "s3SchemaVersion": "1.0", "configurationId": "oms-bridge",
            "bucket": {"name": bucket, "arn": format!("arn:aws:s3:::{bucket}")},
            "object": {"key": key, "size": 3, "eTag": "900150983cd24fb0d6963f7d28e17f72", "sequencer": sequencer},
        },
    })
}

pub(crate) fn records(records: impl IntoIterator<Item = Value>) -> String {
    json!({"Records": records.into_iter().collect::<Vec<_>>()}).to_string()
}

/// An object now exists. Its key is encoded as S3 does it.
fn put(key: &str) -> String {
    records([record("ObjectCreated:Put", BUCKET, key, "0055AED6DCD90281E5")])
}

fn test_event() -> String {
    json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-05T10:00:00.000Z", "Bucket": BUCKET}).to_string()
}

pub(crate) fn sqs<'m>(messages: impl IntoIterator<Item = (&'m str, String)>) -> String {
    let messages = messages.into_iter().map(|(id, body)| {
        json!({
            "messageId": id, "receiptHandle": format!("handle-of-{id}"), "body": body,
            "attributes": {"ApproximateReceiveCount": "1"}, "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:oms-bridge-events",
        })
    });
    records(messages)
}

fn sns_message(message: &str) -> Value {
    json!({
        "Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:eu-central-1:123456789012:t",
        "Subject": "Amazon S3 Notification", "Message": message,
    })
}

fn sns(message: &str) -> String {
    records([json!({"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns_message(message)})])
}

fn event_bridge(key: &str) -> String {
    json!({
        "version": "0", "detail-type": "Object Created", "source": "aws.s3", "time": "2026-01-05T10:00:00Z",
        "detail": {"bucket": {"name": BUCKET}, "object": {"key": key, "size": 3, "etag": "900150983cd24fb0d6963f7d28e17f72"},
            "reason": "PutObject"},
    })
    .to_string()
}

fn oms_down() -> Fault {
    Fault::respond(Service::Oms, FaultResponse::oms_forbidden())
}

fn journal_down() -> Fault {
    Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no")).method("PUT")
}

const TRUE: LambdaAnswer = LambdaAnswer::Response(Value::Bool(true));
const FALSE: LambdaAnswer = LambdaAnswer::Response(Value::Bool(false));

fn sent_keys(cloud: &Cloud) -> Vec<String> {
    cloud.twin.oms_batches().into_iter().flat_map(|batch| batch.keys).collect()
}

#[tokio::test]
async fn an_event_of_s3_is_forwarded_and_its_key_decoded_once() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    assert_eq!(lambda.invoke(put("a+b%2Bc")).await, TRUE);
    assert_eq!(sent_keys(&cloud), ["a b+c"]);
    assert_eq!(cloud.twin.accepted_count("a b+c"), 1);
    let record = cloud.record(Shelf::Success, "a b+c").unwrap();
    assert_eq!((&record["bucket"], &record["event"]), (&json!(BUCKET), &json!("ObjectCreated:Put")));
}

#[tokio::test]
async fn what_stands_around_an_event_does_not_matter() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    assert_eq!(lambda.invoke(sns(&put("by+sns"))).await, TRUE);
    // EventBridge does not encode keys.
    assert_eq!(lambda.invoke(event_bridge("by+bridge%20")).await, TRUE);
    let queued = sqs([
        ("plain", put("by+sqs")),
        ("sns", sns_message(&put("by+sns+and+sqs")).to_string()),
        ("bridge", event_bridge("by bridge and sqs")),
    ]);
    assert_eq!(lambda.invoke(queued).await.failed_messages(), Vec::<String>::new());
    let mut sent = sent_keys(&cloud);
    sent.sort_unstable();
    assert_eq!(sent, ["by bridge and sqs", "by sns", "by sns and sqs", "by sqs", "by+bridge%20"]);
}

#[tokio::test]
async fn the_test_event_of_a_new_notification_is_welcome() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    assert_eq!(lambda.invoke(test_event()).await, TRUE);
    assert_eq!(lambda.invoke(sqs([("m", test_event())])).await.failed_messages(), Vec::<String>::new());
    assert_eq!(cloud.oms_requests(), 0);
}

#[tokio::test]
async fn messages_of_a_batch_share_requests_and_an_empty_list_says_that_all_is_well() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    let ids: Vec<String> = (0..30).map(|number| format!("m-{number}")).collect();
    let messages = ids.iter().map(|id| (&**id, put(id)));
    assert_eq!(lambda.invoke(sqs(messages)).await, LambdaAnswer::Response(json!({"batchItemFailures": []})));
    assert_eq!(cloud.oms_requests(), 3);
    assert_eq!(cloud.recorded(Shelf::Success).len(), 30);
}

#[tokio::test]
async fn only_the_message_that_nobody_understands_goes_back() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    for (poison, wanted) in [
        ("no event at all", "Records[1].body"),
        (r#"{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{}}]}"#, "s3"),
        (r#"{"hello":"world"}"#, "no known event form"),
    ] {
        let batch = sqs([("good-1", put("a")), ("poison", poison.to_owned()), ("good-2", put("b"))]);
        assert_eq!(lambda.invoke(batch).await.failed_messages(), ["poison"], "{poison}");
        lambda.logged(wanted).await;
    }
    assert_eq!((cloud.twin.accepted_count("a"), cloud.twin.accepted_count("b")), (3, 3));
}

#[tokio::test]
async fn a_message_of_the_log_bucket_goes_back_and_stops_no_other() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    let own = event::of([
        event::element(BUCKET, "ObjectCreated:PutObject", "beside"),
        event::element(LOGS, "ObjectCreated:PutObject", "oms_source_record/t/success_object/a"),
    ]);
    assert_eq!(
        lambda.invoke(sqs([("loop", own.clone()), ("good", put("a"))])).await.failed_messages(),
        ["loop"]
    );
    assert_eq!(sent_keys(&cloud), ["a"]);
    lambda.logged("loop guard").await;
    let LambdaAnswer::Error { kind, .. } = lambda.invoke(own).await else { panic!() };
    assert_eq!(kind, "LoopDetected");
}

#[tokio::test]
async fn failures_that_are_recorded_are_settled() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down());
    let lambda = Lambda::on(&cloud).await;
    let batch = sqs([("m-1", put("a")), ("m-2", put("b"))]);
    assert_eq!(lambda.invoke(batch).await.failed_messages(), Vec::<String>::new());
    assert_eq!(cloud.recorded(Shelf::Failed), ["a", "b"]);
    assert_eq!(lambda.invoke(put("c")).await, FALSE);
    assert_eq!(cloud.recorded(Shelf::Failed), ["a", "b", "c"]);
}

#[tokio::test]
async fn only_messages_whose_failure_could_not_be_recorded_go_back() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down().key_contains("bad"));
    cloud.twin.faults().inject(journal_down().key_contains("bad-2"));
    let lambda = Lambda::with(cloud.settings().set("OMS_BATCH", "1")).await;
    let several = records([
        record("ObjectCreated:Put", BUCKET, "good-3", "01"),
        record("ObjectCreated:Put", BUCKET, "bad-2", "01"),
    ]);
    let batch = [
        ("accepted", put("good-1")),
        ("recorded", put("bad-1")),
        ("lost", put("bad-2")),
        ("half", several),
        ("removed", records([record("ObjectRemoved:Delete", BUCKET, "bad-2", "02")])),
        ("nothing", records([])),
    ];
    assert_eq!(lambda.invoke(sqs(batch.clone())).await.failed_messages(), ["lost", "half"]);
    assert_eq!(cloud.recorded(Shelf::Failed), ["bad-1"]);

    cloud.twin.faults().clear_all();
    let again = batch.into_iter().filter(|(id, _)| ["lost", "half"].contains(id));
    assert_eq!(lambda.invoke(sqs(again)).await.failed_messages(), Vec::<String>::new());
    assert_eq!(cloud.twin.accepted_count("bad-2"), 1);
}

#[tokio::test]
async fn messages_with_the_same_key_share_its_fate_and_the_latest_change_counts() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down());
    let lambda = Lambda::on(&cloud).await;
    let change = |name: &str, key: &str, sequencer: &str| records([record(name, BUCKET, key, sequencer)]);
    let batch = || {
        sqs([
            ("late", change("ObjectCreated:Copy", "same", "0055AED6DCD90281E5")),
            ("early", change("ObjectCreated:Put", "same", "0055AED6DCD9")),
        ])
    };
    assert_eq!(lambda.invoke(batch()).await.failed_messages(), Vec::<String>::new());
    assert_eq!(cloud.sent("same"), 1);
    assert_eq!(cloud.record(Shelf::Failed, "same").unwrap()["event"], "ObjectCreated:Copy");

    cloud.twin.faults().inject(journal_down());
    assert_eq!(lambda.invoke(batch()).await.failed_messages(), ["late", "early"]);
}

#[tokio::test]
async fn an_event_that_is_not_settled_fails_so_that_lambda_keeps_it() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down());
    cloud.twin.faults().inject(journal_down());
    let lambda = Lambda::on(&cloud).await;
    for event in [put("a"), sns(&put("a")), event_bridge("a")] {
        let LambdaAnswer::Error { kind, message } = lambda.invoke(event).await else { panic!() };
        assert_eq!(kind, "JournalUnavailable");
        assert!(message.contains("1 of 1 failed keys are not in the journal"), "{message}");
    }
    let LambdaAnswer::Error { kind, .. } = lambda.invoke(r#"{"hello":"world"}"#).await else { panic!() };
    assert_eq!(kind, "MalformedEvent");
    cloud.twin.faults().clear_all();
    assert_eq!(lambda.invoke(put("a")).await, TRUE);
}

#[tokio::test]
async fn what_oms_does_not_answer_in_time_is_recorded_before_lambda_gives_up() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hang).path_contains("/events"));
    let lambda = Lambda::on(&cloud).await;
    // Without the deadline the answer would take longer than the harness waits.
    let answer = lambda.invoke_within(Duration::from_secs(2), sqs([("m", put("a"))])).await;
    assert_eq!(answer.failed_messages(), Vec::<String>::new());
    let record = cloud.record(Shelf::Failed, "a").unwrap();
    assert_eq!(record["class"], "transient");
}

#[tokio::test]
async fn connections_are_open_before_the_first_event() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    let connections = || (cloud.connections(Service::Oms), cloud.connections(Service::Oss));
    assert_eq!(connections(), (1, 1));
    assert_eq!(lambda.invoke(put("a")).await, TRUE);
    assert_eq!(lambda.invoke(put("b")).await, TRUE);
    assert_eq!(connections(), (1, 1));
}

#[tokio::test]
async fn a_start_without_oms_is_a_warning_since_the_journal_takes_its_keys() {
    let cloud = Cloud::start().await;
    let nowhere = Nowhere::new();
    let lambda = Lambda::with(cloud.settings().set("SYNC_URL", nowhere.sync_url())).await;
    lambda.logged("OMS cannot be reached").await;
    let answer = lambda.invoke_within(Duration::from_secs(2), put("a")).await;
    assert_eq!(answer, FALSE);
    assert_eq!(cloud.records_of("t").keys(Shelf::Failed), ["a"]);
}

#[tokio::test]
async fn a_bad_configuration_is_reported_as_the_reason_of_the_failed_start() {
    let cloud = Cloud::start().await;
    for (settings, wanted) in [
        (cloud.settings().unset("LOG_BUCKET").set("OMS_BATCH", "1000"), "LOG_BUCKET: missing"),
        (cloud.settings().set("AWS_LAMBDA_FUNCTION_NAME", ""), "AWS_LAMBDA_FUNCTION_NAME: missing"),
    ] {
        let (finished, reported) = Lambda::failing_to_start(settings).await;
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{finished:?}");
        let reported = reported.expect("a report");
        let message = reported["errorMessage"].as_str().unwrap();
        assert!(message.contains(wanted), "{message}");
        assert_eq!(reported["errorType"], "Runtime.ConfigInvalid");
        // Where the platform is known, what it collects is JSON.
        let line = serde_json::from_str::<Value>(&finished.stderr).ok();
        let said = line.map_or(finished.stderr.clone(), |line| line["message"].as_str().unwrap().to_owned());
        assert!(said.contains(message), "{finished:?}");
    }
}

#[tokio::test]
async fn credentials_of_aws_are_not_sent_to_oss_or_to_the_log() {
    let cloud = Cloud::start().await;
    let mut lambda = Lambda::with(cloud.settings().without_credentials()).await;
    let before = cloud.twin.stats().requests(Service::Oss, "PutObject");
    assert_eq!(lambda.invoke(put("a")).await, TRUE);
    lambda.logged("the success record could not be written").await;
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "PutObject"), before);
    lambda.terminate().await;
    lambda.wait().await;
    assert!(!lambda.log().contains("hush"), "{}", lambda.log());
}

#[tokio::test]
async fn log_lines_are_json_and_name_the_invocation() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(oms_down());
    let lambda = Lambda::on(&cloud).await;
    assert_eq!(lambda.invoke(put("a")).await, FALSE);
    let log = lambda.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let failed = lines.iter().find(|line| line["key"] == "a").unwrap_or_else(|| panic!("{log}"));
    assert_eq!(failed["span"]["requestId"], "8476a536-e9f4-11e8-9739-000000000001", "{failed}");
}

#[tokio::test]
async fn a_schedule_sends_again_what_failed() {
    let cloud = Cloud::start().await;
    let down = cloud.twin.faults().inject(oms_down());
    let lambda = Lambda::on(&cloud).await;
    assert_eq!(lambda.invoke(put("a")).await, FALSE);
    assert!(cloud.twin.faults().clear(down));
    let schedule = json!({"triggerName": "replay", "payload": "{\"action\":\"replay\"}"});
    assert_eq!(lambda.invoke(schedule.to_string()).await, TRUE);
    assert_eq!(cloud.twin.accepted_count("a"), 1);
}

#[tokio::test]
async fn sigterm_ends_an_idle_function_at_once_and_with_success() {
    let cloud = Cloud::start().await;
    let mut lambda = Lambda::on(&cloud).await;
    assert_eq!(lambda.invoke(put("a")).await, TRUE);
    lambda.terminate().await;
    assert_eq!(lambda.wait().await, Some(0));
}

#[tokio::test]
async fn sigterm_lets_an_invocation_be_answered_and_asks_for_no_other() {
    let cloud = Cloud::start().await;
    let mut lambda = Lambda::on(&cloud).await;
    let begun = under_way(&cloud);
    let signalled = async {
        begun.await;
        lambda.terminate().await;
        lambda.logged("stopping").await;
    };
    let (answer, ()) = tokio::join!(lambda.invoke(put("a")), signalled);
    assert_eq!(answer, TRUE);
    assert_eq!(cloud.twin.accepted_count("a"), 1);
    assert_eq!(lambda.wait().await, Some(0));
    assert_eq!(lambda.asks(), 1);
}

#[tokio::test]
async fn the_template_sets_what_the_binary_understands() {
    let template: serde_yaml_ng::Value =
        serde_yaml_ng::from_str(include_str!("../../../deploy/lambda/template.yaml")).unwrap();
    let variables = &template["Resources"]["Forwarder"]["Properties"]["Environment"]["Variables"];
    let help = OmsBridge::new(["serve", "--help-all"]).run().await.stdout;
    for name in variables.as_mapping().unwrap().keys().map(|name| name.as_str().unwrap()) {
        let known = help.contains(&format!("[env: {name}]"))
            || name == "RUST_LOG"
            // Credentials are no options.
            || ["OSS_ACCESS_KEY_ID", "OSS_ACCESS_KEY_SECRET", "OSS_SESSION_TOKEN"].contains(&name);
        assert!(known, "{name} is no setting");
    }
}
