//! `consume` on a queue that is quiet.

use std::time::Duration;

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
