use std::io::ErrorKind;

use cloud_twin::{Fault, FaultAction, FaultResponse, Service, Twin, TwinEvent};

use crate::sign::{get, post_keys, put};

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    twin
}

#[tokio::test]
async fn only_the_keys_of_the_rule_fail_and_only_as_often_as_ordered() {
    let twin = twin().await;
    let fault = Fault::respond(Service::Oss, FaultResponse::oss_unavailable().header("retry-after", "1"));
    let id = twin.faults().inject(fault.method("PUT").key_contains("failed_object").times(2));
    let marker = "oms/failed_object/k";
    assert_eq!(put("bucket", "other", "").oss(&twin).await.unwrap().status, 200);
    for _ in 0..2 {
        let answer = put("bucket", marker, "").oss(&twin).await.unwrap();
        assert_eq!((answer.status, answer.element("Code").as_deref()), (503, Some("ServiceUnavailable")));
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
    assert_eq!(twin.oss().get("bucket", marker).map(|object| object.etag), None);
    assert_eq!(put("bucket", marker, "").oss(&twin).await.unwrap().status, 200);
    assert_eq!(twin.faults().hits(id), 2);
}

#[tokio::test]
async fn oms_throttles_and_refuses_poisoned_batches_in_the_documented_words() {
    let twin = twin().await;
    let task = twin.create_sync_task("bucket", "copy");
    let mut events = twin.subscribe();
    let throttled = Fault::respond(Service::Oms, FaultResponse::oms_throttled(20, "1 minute")).times(1);
    twin.faults().inject(throttled);
    twin.faults().inject(Fault::poison_key("po/ison"));
    let answer = post_keys(&twin, &task, &["k"]).await.unwrap();
    assert_eq!((answer.status, answer.json()["error_code"].as_str()), (429, Some("APIGW.0308")));
    let text = answer.json()["error_msg"].as_str().unwrap().to_owned();
    assert!(text.ends_with("limit:20,time:1 minute"), "{text}");
    let answer = post_keys(&twin, &task, &["k", "po%2Fison"]).await.unwrap();
    assert_eq!((answer.status, answer.json()["error_code"].as_str()), (400, Some("OMS.0064")));
    assert_eq!(post_keys(&twin, &task, &["k"]).await.unwrap().status, 200);
    let statuses: Vec<_> = twin.oms_batches().iter().map(|batch| batch.status).collect();
    assert_eq!(statuses, [429, 400, 200]);
    let refusal = events.recv().await.unwrap();
    assert_eq!(refusal, TwinEvent::OmsRefused { status: 429, keys: vec!["k".to_owned()] });
}

#[tokio::test]
async fn work_can_be_done_and_reported_as_failed() {
    let twin = twin().await;
    let response = FaultResponse::error(500, "InternalError", "lost").body("not XML");
    twin.faults().inject(Fault::new(Service::Oss, FaultAction::RespondAfterWork(response)));
    let answer = put("bucket", "k", "body").oss(&twin).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (500, "not XML"));
    assert_eq!(twin.oss().get("bucket", "k").unwrap().body, "body");
}

#[tokio::test]
async fn a_connection_can_be_reset_before_the_work_and_in_the_middle_of_the_answer() {
    let twin = twin().await;
    let before = twin.faults().inject(Fault::new(Service::Oss, FaultAction::ResetBeforeReading));
    let error = put("bucket", "k", "body").oss(&twin).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(twin.oss().len("bucket"), 0);
    assert_eq!(twin.stats().answered(Service::Oss, 0), 1);
    twin.faults().clear(before);

    twin.faults().inject(Fault::new(Service::Oss, FaultAction::ResetMidResponse).method("PUT"));
    assert_eq!(put("bucket", "k", "body").oss(&twin).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(twin.oss().len("bucket"), 1);
    twin.faults().inject(Fault::new(Service::Oss, FaultAction::ResetMidResponse).method("GET"));
    twin.oss().put("bucket", "large", vec![0; 1 << 20]);
    assert_eq!(get("bucket", "large").oss(&twin).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_hanging_request_never_ends_and_a_delayed_one_does() {
    let twin = twin().await;
    twin.oss().put("bucket", "k", "body");
    twin.faults().inject(Fault::new(Service::Oss, FaultAction::Hang).times(1));
    twin.faults().inject(Fault::new(Service::Oss, FaultAction::Delay { millis: 1 }).times(1));
    let hanging = get("bucket", "k").oss(&twin);
    tokio::pin!(hanging);
    let first = tokio::select! {
        biased;
        answer = &mut hanging => panic!("answered: {answer:?}"),
        () = twin.wait_until(|twin| twin.faults().list()[0].2 == 1) => get("bucket", "k").oss(&twin).await.unwrap(),
    };
    assert_eq!(first.text(), "body");
    tokio::select! {
        biased;
        answer = &mut hanging => panic!("answered: {answer:?}"),
        answer = get("bucket", "k").oss(&twin) => assert_eq!(answer.unwrap().status, 200),
    }
}

#[tokio::test]
async fn a_held_request_is_served_once_the_fault_is_lifted() {
    let twin = twin().await;
    let held = twin.faults().inject(Fault::new(Service::Oss, FaultAction::Hold).method("PUT"));
    let write = put("bucket", "k", "body");
    let answer = write.oss(&twin);
    let lifted = async {
        twin.wait_until(|twin| twin.faults().hits(held) == 1).await;
        assert_eq!(twin.oss().len("bucket"), 0);
        assert!(twin.faults().clear(held));
    };
    let (answer, ()) = tokio::join!(answer, lifted);
    assert_eq!((answer.unwrap().status, twin.oss().len("bucket")), (200, 1));
}
