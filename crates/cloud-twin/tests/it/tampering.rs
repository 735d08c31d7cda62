//! Faults that change what travels instead of refusing it.

use std::io::ErrorKind;

use cloud_twin::{Fault, FaultAction, Service, Twin};

use crate::http::{Body, exchange};
use crate::sign::{call, get, md5_base64, oms, post_keys, put, task_path};

async fn twin(action: FaultAction) -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.oss().put("bucket", "k", "0123456789");
    twin.faults().inject(Fault::new(Service::Oss, action));
    twin
}

#[tokio::test]
async fn a_corrupted_answer_has_the_right_headers_and_a_wrong_byte() {
    let twin = twin(FaultAction::CorruptResponse).await;
    let object = twin.oss().get("bucket", "k").unwrap();
    let answer = get("bucket", "k").oss(&twin).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "0123446789"));
    assert_eq!(answer.header("x-oss-hash-crc64ecma"), Some(object.crc64.unwrap().to_string().as_str()));
    let part = get("bucket", "k").header("range", "bytes=0-2").oss(&twin).await.unwrap();
    assert_eq!((part.status, part.text().as_str()), (206, "002"));
    assert_eq!(call("HEAD", "bucket", "k").oss(&twin).await.unwrap().header("content-length"), Some("10"));
    assert_eq!(object.body, "0123456789", "the object itself is whole");
}

#[tokio::test]
async fn a_corrupted_request_is_stored_corrupted_unless_a_checksum_came_with_it() {
    let twin = twin(FaultAction::CorruptRequest).await;
    let guarded = put("bucket", "new", "0123456789").header("content-md5", &md5_base64(b"0123456789"));
    guarded.oss(&twin).await.unwrap().is_refusal(400, "InvalidDigest");
    let answer = put("bucket", "new", "0123456789").oss(&twin).await.unwrap();
    let object = twin.oss().get("bucket", "new").unwrap();
    assert_eq!(object.body, "0123446789");
    assert_eq!(answer.header("x-oss-hash-crc64ecma"), Some(object.crc64.unwrap().to_string().as_str()));
    let chunked = call("PUT", "bucket", "new").chunked(&["01", "23"]).oss(&twin).await.unwrap();
    assert_eq!(chunked.status, 200);
    assert_eq!(twin.oss().get("bucket", "new").unwrap().body, "1123");
    assert_eq!(put("bucket", "new", "").oss(&twin).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_truncated_answer_lies_about_its_length_only() {
    let twin = twin(FaultAction::TruncateResponse).await;
    let answer = get("bucket", "k").header("range", "bytes=0-7").oss(&twin).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (206, "0123"));
    assert_eq!(answer.header("content-length"), Some("4"));
    assert_eq!(answer.header("content-range"), Some("bytes 0-7/10"));
    assert_eq!(call("HEAD", "bucket", "k").oss(&twin).await.unwrap().header("content-length"), Some("10"));
}

#[tokio::test]
async fn a_range_can_be_overlooked() {
    let twin = twin(FaultAction::IgnoreRange).await;
    let ask = get("bucket", "k").header("range", "bytes=2-3").header("x-oss-range-behavior", "standard");
    let answer = ask.oss(&twin).await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "0123456789"));
    assert_eq!(answer.header("content-range"), None);
}

#[tokio::test]
async fn a_connection_can_be_reset_in_the_middle_of_a_request() {
    let twin = twin(FaultAction::ResetMidRequest).await;
    let large = vec![7; 1 << 20];
    let error = call("PUT", "bucket", "new").body(&large).oss(&twin).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    assert_eq!(twin.oss().keys("bucket"), ["k"]);
    assert_eq!(twin.stats().answered(Service::Oss, 0), 1);
}

#[tokio::test]
async fn an_object_can_change_or_vanish_between_two_reads() {
    let twin = Twin::builder().start().await.unwrap();
    twin.oss().put("bucket", "k", "0123456789");
    let etag = twin.oss().get("bucket", "k").unwrap().etag;
    let replace = FaultAction::ReplaceFirst { body: "replaced".to_owned() };
    let fault = Fault::new(Service::Oss, replace).method("GET").header_contains("range", "bytes=");
    twin.faults().inject(fault.after(1).times(1));
    let read = |range: &str| get("bucket", "k").header("range", range).header("if-match", &etag);
    assert_eq!(read("bytes=0-4").oss(&twin).await.unwrap().text(), "01234");
    read("bytes=5-9").oss(&twin).await.unwrap().is_refusal(412, "PreconditionFailed");
    assert_eq!(get("bucket", "k").oss(&twin).await.unwrap().text(), "replaced");

    twin.faults().inject(Fault::new(Service::Oss, FaultAction::RemoveFirst).times(1));
    let copied = put("bucket", "copy", "").header("x-oss-copy-source", "/bucket/k").oss(&twin).await.unwrap();
    copied.is_refusal(404, "NoSuchKey");
    assert_eq!(twin.oss().len("bucket"), 0, "the source of a copy is what vanishes");
    let missing = FaultAction::ReplaceFirst { body: String::new() };
    twin.faults().inject(Fault::new(Service::Oss, missing).times(1));
    get("nowhere", "k").oss(&twin).await.unwrap().is_refusal(404, "NoSuchBucket");
}

#[tokio::test]
async fn oms_can_be_tampered_with_too() {
    let twin = Twin::builder().start().await.unwrap();
    let task = twin.create_sync_task("bucket", "copy");
    twin.faults().inject(Fault::new(Service::Oms, FaultAction::CorruptRequest).times(1));
    twin.faults().inject(Fault::new(Service::Oms, FaultAction::ResetMidRequest).times(1));
    twin.faults().inject(Fault::new(Service::Oms, FaultAction::TruncateResponse).times(1));
    assert_eq!(post_keys(&twin, &task, &["k"]).await.unwrap().status, 401, "the body is signed");
    assert_eq!(post_keys(&twin, &task, &["k"]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(twin.accepted_count("k"), 0);
    let account = twin.huawei_account();
    let cut = oms(&twin, account, "GET", &task_path(&task), "").await.unwrap();
    let whole = oms(&twin, account, "GET", &task_path(&task), "").await.unwrap();
    assert_eq!(cut.text(), whole.text()[..whole.body.len() / 2]);
}

#[tokio::test]
async fn every_action_and_condition_can_be_ordered_as_json() {
    let twin = Twin::builder().start().await.unwrap();
    let actions = [
        r#""corrupt_response""#,
        r#""corrupt_request""#,
        r#""truncate_response""#,
        r#""ignore_range""#,
        r#""reset_mid_request""#,
        r#"{"replace_first": {"body": "new"}}"#,
        r#""remove_first""#,
        r#""lose_callback""#,
        r#""repeat_callback""#,
        r#"{"delay_callback": {"millis": 5}}"#,
    ];
    for action in actions {
        let rule = format!(
            r#"{{"service": "oss", "header": ["range", "bytes=0-"], "skip": 1, "action": {action}}}"#
        );
        let body = Body::Sized(rule.into_bytes());
        let answer = exchange(&twin.admin_url(), "POST", "/faults", &[], &body).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let (_, fault, _) = twin.faults().list().swap_remove(5);
    let replace = FaultAction::ReplaceFirst { body: "new".to_owned() };
    assert_eq!(fault, Fault::new(Service::Oss, replace).header_contains("range", "bytes=0-").after(1));
}
