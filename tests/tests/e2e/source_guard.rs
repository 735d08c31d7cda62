//! Which buckets events are taken from: never the log bucket, and where a source is configured, that one only.

use e2e::cloud::{LOGS, SOURCE};
use e2e::sqs::{Sqs, SqsReply};
use e2e::{Answer, Cloud, Function, Lambda, LambdaAnswer, OmsBridge, event};
use serde_json::{Value, json};

use crate::lambda::{record, records, sqs};

const CREATED: &str = "ObjectCreated:PutObject";

fn s3(bucket: &str, key: &str) -> Value {
    record("ObjectCreated:Put", bucket, key, "01")
}

fn refusal(answer: Answer) -> String {
    let Answer::Failure { kind, message } = answer else { panic!("{answer:?}") };
    assert_eq!(kind, "OtherSource", "{message}");
    message
}

#[tokio::test]
async fn an_event_of_another_bucket_is_refused_and_nothing_is_sent() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set("SOURCE_BUCKET", SOURCE).start().await;
    let event = event::of([SOURCE, "pictures"].map(|bucket| event::element(bucket, CREATED, "a")));
    let message = refusal(function.invoke(event).await);
    for part in ["\"pictures\" of OSS", "SOURCE_BUCKET is \"source\"", "\"a\"", "trigger"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!((cloud.oms_requests(), cloud.twin.oss().len(LOGS)), (0, 0));
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
}

#[tokio::test]
async fn the_source_is_a_bucket_of_its_service() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set("SOURCE_BUCKET", SOURCE).start().await;
    let message = refusal(function.invoke(records([s3(SOURCE, "a")])).await);
    assert!(message.contains("\"source\" of Amazon S3") && message.contains("of OSS"), "{message}");
    assert_eq!(cloud.oms_requests(), 0);
}

#[tokio::test]
async fn the_source_may_be_a_bucket_of_amazon_s3() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set("SOURCE_BUCKET", "s3://source").start().await;
    assert_eq!(function.invoke(records([s3(SOURCE, "a")])).await, Answer::True);
    assert!(
        refusal(function.invoke(records([s3("pictures", "b")])).await).contains("\"source\" of Amazon S3")
    );
    refusal(function.invoke(event::put(["c"])).await);
    assert_eq!(cloud.oms_requests(), 1);
}

#[tokio::test]
async fn without_a_configured_source_any_bucket_will_do() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let event = event::of([event::element("pictures", CREATED, "a")]);
    assert_eq!(function.invoke(event).await, Answer::True);
    assert_eq!(function.invoke(records([s3("anything", "b")])).await, Answer::True);
    assert_eq!((cloud.sent("a"), cloud.sent("b")), (1, 1));
}

#[tokio::test]
async fn keys_that_are_handed_over_are_the_sources() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("SOURCE_BUCKET", SOURCE);
    assert_eq!(OmsBridge::new(["send", "a"]).settings(settings).run().await.code, Some(0));
    assert_eq!(cloud.sent("a"), 1);
}

#[tokio::test]
async fn a_message_of_another_bucket_goes_back_and_stops_no_other() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::with(cloud.settings().set("SOURCE_BUCKET", SOURCE)).await;
    let wrong = event::of([SOURCE, "pictures"].map(|bucket| event::element(bucket, CREATED, "beside")));
    let batch = sqs([("wrong", wrong), ("s3", records([s3(SOURCE, "b")])), ("good", event::put(["a"]))]);
    assert_eq!(lambda.invoke(batch).await.failed_messages(), ["wrong", "s3"]);
    lambda.logged("source guard").await;
    assert_eq!((cloud.sent("a"), cloud.oms_requests()), (1, 1));
}

#[tokio::test]
async fn a_worker_leaves_such_messages_to_the_queue() {
    let cloud = Cloud::start().await;
    let sqs = Sqs::start(|request| match (&*request.action, request.number) {
        ("ReceiveMessage", 0) => SqsReply::Done(Sqs::messages(&[("m", "r", "a")])),
        ("ReceiveMessage", _) => SqsReply::Done(json!({})),
        _ => SqsReply::Done(request.succeeded()),
    });
    let sqs = sqs.await;
    let settings = cloud.settings().set("SOURCE_BUCKET", SOURCE).and(sqs.settings());
    let finished =
        OmsBridge::new(["consume", "--drain", "--json", "--wait", "1"]).settings(settings).run().await;
    assert!(finished.stderr.contains("source guard"), "{finished:?}");
    assert!(sqs.requests("DeleteMessageBatch").is_empty());
    assert_eq!(cloud.oms_requests(), 0);
}

#[tokio::test]
async fn a_bucket_of_another_service_that_is_called_like_the_log_bucket_is_no_loop() {
    let cloud = Cloud::start().await;
    let lambda = Lambda::on(&cloud).await;
    let answer = lambda.invoke(records([s3(LOGS, "a")])).await;
    assert!(!matches!(answer, LambdaAnswer::Error { .. }), "{answer:?}");
    assert_eq!(lambda.invoke(sqs([("m", records([s3(LOGS, "b")]))])).await.failed_messages(), [""; 0]);
    assert_eq!((cloud.sent("a"), cloud.sent("b")), (1, 1));
}

#[tokio::test]
async fn a_bucket_at_another_endpoint_that_is_called_like_the_log_bucket_is_no_loop() {
    let cloud = Cloud::start().await;
    let event = || event::of([event::element(LOGS, CREATED, "a")]);
    let elsewhere = Function::on(&cloud).set("SOURCE_ENDPOINT", "http://127.0.0.1:1").start().await;
    assert_eq!(elsewhere.invoke(event()).await, Answer::True);
    let same = Function::on(&cloud).set("SOURCE_ENDPOINT", cloud.twin.oss_url()).start().await;
    assert!(same.invoke(event()).await.failure().contains("loop guard"));
    assert_eq!(cloud.sent("a"), 1);
}
