//! `consume` on a queue that is quiet, and on one that cannot be reached. Three minutes of both are in `tests/aws`.

use std::time::Duration;

use e2e::process::Process;
use e2e::sqs::{Sqs, SqsReply, SqsRequest};
use e2e::{Cloud, OmsBridge};
use serde_json::json;

/// More than the SDK gives an upload that it does not see going on.
const QUIET: Duration = Duration::from_secs(9);

fn quiet(request: &SqsRequest) -> SqsReply {
    match &*request.action {
        "ReceiveMessage" => SqsReply::After(QUIET, json!({})),
        _ => SqsReply::Done(request.succeeded()),
    }
}

#[tokio::test]
async fn a_long_poll_that_finds_nothing_is_an_answer() {
    let (cloud, sqs) = (Cloud::start().await, Sqs::start(quiet).await);
    // The defaults, and nothing else.
    let finished = OmsBridge::new(["consume", "--drain", "--json"])
        .settings(cloud.settings().and(sqs.settings()))
        .run()
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(!finished.stderr.contains("WARN"), "{finished:?}");
    let polls = sqs.requests("ReceiveMessage");
    // One of each poller.
    assert_eq!(polls.len(), 8);
    assert_eq!(polls[0].body["WaitTimeSeconds"], 20);
    assert_eq!(polls[0].body["VisibilityTimeout"], 120);
    assert_eq!(polls[0].body["MaxNumberOfMessages"], 10);
}

#[tokio::test]
async fn requests_go_to_the_host_in_the_url_of_the_queue_where_that_is_not_amazons() {
    let (cloud, sqs) = (Cloud::start().await, Sqs::start(|_| SqsReply::Done(json!({}))).await);
    let settings = cloud.settings().and(sqs.settings()).unset("AWS_ENDPOINT_URL");
    let finished = OmsBridge::new(["consume", "--drain", "--wait", "1"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(sqs.requests("ReceiveMessage").len(), 8);
    // What is set stands above it.
    let elsewhere = Sqs::start(|_| SqsReply::Done(json!({}))).await;
    let settings = cloud.settings().and(elsewhere.settings()).and(sqs.settings().unset("QUEUE_URL"));
    let finished = OmsBridge::new(["consume", "--drain", "--wait", "1"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!((sqs.requests("ReceiveMessage").len(), elsewhere.requests("ReceiveMessage").len()), (16, 0));
}

#[tokio::test]
async fn a_queue_that_cannot_be_reached_is_one_line_until_it_answers() {
    let sqs = Sqs::start(|request| match (&*request.action, request.number) {
        // Each poller more than once, and each time as often as the SDK tries.
        ("ReceiveMessage", 0..=60) => SqsReply::Broken,
        ("ReceiveMessage", 61..=80) => SqsReply::Done(json!({})),
        ("ReceiveMessage", _) => SqsReply::After(Duration::from_secs(1), json!({})),
        _ => SqsReply::Done(request.succeeded()),
    })
    .await;
    let cloud = Cloud::start().await;
    let arguments = ["consume".to_owned()];
    let mut worker = Process::spawn(&arguments, &cloud.settings().and(sqs.settings()));
    worker.line(|line| line.contains("the queue answers again").then_some(())).await;
    worker.signal("TERM").await;
    assert_eq!(worker.wait().await.code(), Some(0), "{}", worker.stderr());
    let log = worker.stderr();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("ReceiveMessage")).collect();
    let [line] = lines[..] else { panic!("{log}") };
    let server = sqs.origin();
    assert!(line.contains(&format!("ReceiveMessage: {server} cannot be reached: ")), "{line}");
    assert!(!log.contains("DispatchFailure") && !log.contains("ConnectorError"), "{log}");
}

#[tokio::test]
async fn nobody_listening_is_said_with_who_and_why() {
    let cloud = Cloud::start().await;
    let sqs = Sqs::start(|_| SqsReply::Broken).await;
    let settings = cloud.settings().and(sqs.settings());
    let settings =
        settings.set("QUEUE_URL", "http://127.0.0.1:1/123456789012/uploads").unset("AWS_ENDPOINT_URL");
    let mut worker = Process::spawn(&["consume".to_owned()], &settings);
    worker
        .line(|line| {
            let said =
                "ReceiveMessage: http://127.0.0.1:1 cannot be reached: Connection refused (os error 111)";
            line.contains(said).then_some(())
        })
        .await;
    worker.signal("TERM").await;
    assert_eq!(worker.wait().await.code(), Some(0), "{}", worker.stderr());
}
