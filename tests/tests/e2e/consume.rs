//! `consume` on a queue that answers as each test says. On a queue of somebody else's making it runs in `tests/aws`.

use std::sync::Arc;
use std::time::Duration;

use cloud_twin::{Fault, FaultAction, Service};
use e2e::process::Process;
use e2e::sqs::{Sqs, SqsReply, SqsRequest};
use e2e::{Cloud, OmsBridge, Settings};
use serde_json::json;
use tokio::sync::Semaphore;

const DRAIN: [&str; 5] = ["consume", "--drain", "--json", "--wait", "1"];

fn nothing() -> SqsReply {
    SqsReply::Done(json!({}))
}

/// Answers the first receipt with one message for each key, in the order given, and any batch with success.
fn queue_of(keys: &'static [&'static str]) -> impl Fn(&SqsRequest) -> SqsReply + Send + Sync {
    move |request| match (&*request.action, request.number) {
        ("ReceiveMessage", 0) => {
            let messages: Vec<_> = keys.iter().map(|key| (*key, *key, *key)).collect();
            SqsReply::Done(Sqs::messages(&messages))
        }
        ("ReceiveMessage", _) => nothing(),
        _ => SqsReply::Done(request.succeeded()),
    }
}

#[tokio::test]
async fn messages_are_received_for_free_slots_hidden_and_deleted_once_their_keys_are_accepted() {
    let (cloud, sqs) = (Cloud::start().await, Sqs::start(queue_of(&["a", "b", "c"])).await);
    let finished = OmsBridge::new(DRAIN.into_iter().chain(["--concurrency", "4", "--visibility", "77"]))
        .settings(cloud.settings().and(sqs.settings()))
        .run()
        .await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let summary = finished.json();
    assert_eq!([&summary["received"], &summary["accepted"], &summary["deleted"]], [3, 3, 3]);
    let receive = &sqs.requests("ReceiveMessage")[0].body;
    assert_eq!(receive["MaxNumberOfMessages"], 4);
    assert_eq!(receive["VisibilityTimeout"], 77);
    assert_eq!(receive["WaitTimeSeconds"], 1);
    let deletions = sqs.requests("DeleteMessageBatch");
    let mut deleted: Vec<_> = deletions.iter().flat_map(SqsRequest::receipts).collect();
    deleted.sort();
    assert_eq!(deleted, ["a", "b", "c"]);
    assert_eq!(cloud.oms_requests(), 1);
}

#[tokio::test]
async fn what_the_queue_could_not_delete_is_deleted_again() {
    let inner = queue_of(&["a", "b"]);
    let sqs = Sqs::start(move |request| {
        let receipts = request.receipts();
        if request.action != "DeleteMessageBatch" || !receipts.contains(&"b".to_owned()) || request.number > 1
        {
            return inner(request);
        }
        let of =
            |receipt: &str| receipts.iter().position(|own| own == receipt).map(|index| index.to_string());
        let deleted: Vec<_> = of("a").into_iter().map(|id| json!({"Id": id})).collect();
        let failed = json!({"Id": of("b"), "SenderFault": false, "Code": "InternalError"});
        SqsReply::Done(json!({"Successful": deleted, "Failed": [failed]}))
    })
    .await;
    let cloud = Cloud::start().await;
    let finished = OmsBridge::new(DRAIN).settings(cloud.settings().and(sqs.settings())).run().await;
    assert_eq!((finished.code, &finished.json()["deleted"]), (Some(0), &json!(2)), "{finished:?}");
    let last = sqs.requests("DeleteMessageBatch").pop().unwrap();
    assert_eq!(last.receipts(), ["b"]);
}

#[tokio::test]
async fn a_message_that_comes_again_meanwhile_is_done_once_and_deleted_by_its_last_receipt() {
    let sqs = Sqs::start(|request| match (&*request.action, request.number) {
        ("ReceiveMessage", number @ 0..=1) => {
            SqsReply::Done(Sqs::messages(&[("one", ["first", "second"][number], "k")]))
        }
        ("ReceiveMessage", _) => nothing(),
        _ => SqsReply::Done(request.succeeded()),
    })
    .await;
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::delay(Duration::from_secs(2))));
    // So few that there is one poller, and one answer after the other.
    let finished = OmsBridge::new(DRAIN.into_iter().chain(["--concurrency", "2"]))
        .settings(cloud.settings().and(sqs.settings()))
        .run()
        .await;
    assert_eq!((finished.code, &finished.json()["received"]), (Some(0), &json!(2)), "{finished:?}");
    assert_eq!(sqs.requests("DeleteMessageBatch")[0].receipts(), ["second"]);
    assert_eq!((cloud.oms_requests(), sqs.requests("DeleteMessageBatch").len()), (1, 1));
}

#[tokio::test]
async fn a_poll_is_not_cut_off_and_what_it_brings_to_a_worker_that_stops_is_given_back() {
    let told = Arc::new(Semaphore::new(0));
    let poll = Arc::clone(&told);
    let sqs = Sqs::start(move |request| match &*request.action {
        "ReceiveMessage" => SqsReply::Once(Arc::clone(&poll), Sqs::messages(&[("m", "r", "late")])),
        _ => SqsReply::Done(request.succeeded()),
    })
    .await;
    let cloud = Cloud::start().await;
    let arguments = ["consume", "--concurrency", "1"].map(str::to_owned);
    let mut worker = Process::spawn(&arguments, &cloud.settings().and(sqs.settings()));
    sqs.asked("ReceiveMessage", 1).await;
    worker.signal("TERM").await;
    worker.line(|line| line.contains("stopping").then_some(())).await;
    told.add_permits(1);
    assert_eq!(worker.wait().await.code(), Some(0), "{}", worker.stderr());
    let [given_back] = &sqs.requests("ChangeMessageVisibilityBatch")[..] else {
        panic!("{}", worker.stderr())
    };
    assert_eq!(given_back.receipts(), ["r"]);
    assert_eq!(given_back.body["Entries"][0]["VisibilityTimeout"], 0);
    assert_eq!((cloud.oms_requests(), sqs.requests("DeleteMessageBatch").len()), (0, 0));
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    let sqs = Sqs::start(queue_of(&["stuck"])).await;
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hang));
    let arguments = ["consume", "--concurrency", "10"].map(str::to_owned);
    let mut worker = Process::spawn(&arguments, &cloud.settings().and(sqs.settings()));
    // By then the message of the first answer is in hand.
    sqs.asked("ReceiveMessage", 2).await;
    worker.signal("TERM").await;
    worker.line(|line| line.contains("stopping").then_some(())).await;
    worker.signal("TERM").await;
    assert_eq!(worker.wait().await.code(), Some(130), "{}", worker.stderr());
    assert_eq!(sqs.requests("DeleteMessageBatch").len(), 0);
}

#[tokio::test]
async fn trouble_of_the_queue_passes() {
    let inner = queue_of(&["a"]);
    let sqs = Sqs::start(move |request| match (&*request.action, request.number) {
        // More than the SDK tries by itself.
        ("ReceiveMessage", 0..=3) => SqsReply::Failed(503, "ServiceUnavailable"),
        ("ReceiveMessage", number) => inner(&SqsRequest { number: number - 4, ..request.clone() }),
        _ => inner(request),
    })
    .await;
    let cloud = Cloud::start().await;
    let finished = OmsBridge::new(DRAIN.into_iter().chain(["--concurrency", "1"]))
        .settings(cloud.settings().and(sqs.settings()))
        .run()
        .await;
    assert_eq!((finished.code, &finished.json()["deleted"]), (Some(0), &json!(1)), "{finished:?}");
}

#[tokio::test]
async fn a_queue_that_refuses_the_worker_ends_it_with_the_reason() {
    for (status, code, exit, setting) in [
        (403, "com.amazonaws.sqs#AccessDeniedException", 2, ""),
        (403, "com.amazonaws.sqs#InvalidClientTokenId", 4, ""),
        (400, "com.amazonaws.sqs#QueueDoesNotExist", 2, "QUEUE_URL: "),
    ] {
        let sqs = Sqs::start(move |_| SqsReply::Failed(status, code)).await;
        let cloud = Cloud::start().await;
        let finished = OmsBridge::new(["consume"]).settings(cloud.settings().and(sqs.settings())).run().await;
        assert_eq!(finished.code, Some(exit), "{finished:?}");
        let name = code.rsplit('#').next().unwrap();
        assert!(
            finished.stderr.contains(&format!("error: {setting}the queue: ReceiveMessage: {status}")),
            "{finished:?}"
        );
        assert!(
            finished.stderr.contains(name) && !finished.stderr.contains("made-up-secret"),
            "{finished:?}"
        );
    }
}

fn settings() -> Settings {
    Settings::default()
        .set("SYNC_URL", "https://oms.cn-north-4.myhuaweicloud.com/v2/p/sync-tasks/t/events")
        .set("HW_AK", "AK")
        .set("HW_SK", "SK")
        .set("LOG_BUCKET", "logs")
        .set("OSS_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com")
        .set("OSS_ACCESS_KEY_ID", "AK")
        .set("OSS_ACCESS_KEY_SECRET", "SK")
        .set("AWS_EC2_METADATA_DISABLED", "true")
        .set("QUEUE_URL", "http://127.0.0.1:1/123456789012/uploads")
        .set("AWS_REGION", "eu-west-1")
}

#[tokio::test]
async fn what_is_missing_is_said_before_anything_is_asked() {
    for (settings, said) in [
        (settings().unset("AWS_REGION"), &["AWS_REGION: missing"][..]),
        (settings(), &["no credentials for AWS"]),
        (settings().unset("OSS_ACCESS_KEY_ID"), &["no credentials for OSS"]),
        (settings().set("QUEUE_URL", "uploads"), &["QUEUE_URL: "]),
        (settings().unset("QUEUE_URL").unset("LOG_BUCKET"), &["LOG_BUCKET: missing", "QUEUE_URL: missing"]),
        (
            settings().unset("AWS_REGION").unset("OSS_ACCESS_KEY_ID").unset("LOG_BUCKET"),
            &[
                "LOG_BUCKET: missing",
                "AWS_REGION: missing",
                "no credentials for AWS",
                "no credentials for OSS",
            ],
        ),
    ] {
        let finished = OmsBridge::new(["consume"]).settings(settings).run().await;
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{finished:?}");
        for said in said {
            assert!(finished.stderr.contains(said), "{said}: {}", finished.stderr);
        }
        assert_eq!(finished.stderr.matches("error:").count(), 1, "{}", finished.stderr);
    }
}
