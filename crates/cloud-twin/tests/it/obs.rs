use chrono::{TimeDelta, Utc};
use cloud_twin::{Account, Clock as _, ManualClock, Twin};

use crate::http::{Body, exchange};
use crate::sign::{call, get, md5_base64, post_keys, put};

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    twin
}

#[tokio::test]
async fn obs_speaks_its_own_dialect() {
    let twin = twin().await;
    let upload =
        put("bucket", "a/b c*.txt", "123456789").header("x-obs-meta-a", "1").obs(&twin).await.unwrap();
    assert_eq!(upload.status, 200, "{}", upload.text());
    assert_eq!(upload.header("etag"), Some("\"25f9e794323b453885f5181f1b624d0b\""));
    assert_eq!(upload.header("x-obs-checksum-crc64ecma"), Some("11051210869376104954"));
    let head = call("HEAD", "bucket", "a/b c*.txt").obs(&twin).await.unwrap();
    assert_eq!(head.header("content-type"), Some("binary/octet-stream"));
    assert_eq!(head.header("x-obs-meta-a"), Some("1"));
    assert_eq!(head.header("x-obs-storage-class"), None, "the standard class goes without saying");
    let list = get("bucket", "").obs(&twin).await.unwrap();
    assert!(list.text().contains("<ListBucketResult xmlns="), "{}", list.text());
    assert_eq!(list.element("MaxKeys").as_deref(), Some("1000"));
    let missing = get("bucket", "none").obs(&twin).await.unwrap();
    assert_eq!(missing.element("Code").as_deref(), Some("NoSuchKey"));
    assert_eq!(missing.element("EC"), None);
    assert_eq!(missing.element("Resource").as_deref(), Some("/bucket/none"));
}

#[tokio::test]
async fn obs_answers_an_aws_v2_caller_in_kind() {
    let twin = twin().await;
    let upload = put("bucket", "k", "body").header("x-amz-meta-a", "1").aws_v2(&twin).await.unwrap();
    assert_eq!(
        (upload.status, upload.header("x-amz-request-id").is_some()),
        (200, true),
        "{}",
        upload.text()
    );
    let head = call("HEAD", "bucket", "k").aws_v2(&twin).await.unwrap();
    assert_eq!(head.header("x-amz-meta-a"), Some("1"));
    assert_eq!(call("HEAD", "bucket", "k").obs(&twin).await.unwrap().header("x-obs-meta-a"), Some("1"));
}

#[tokio::test]
async fn the_dialect_can_be_asked_for_without_a_signature() {
    let twin = twin().await;
    let host = [("host".to_owned(), "bucket.obs.test".to_owned())];
    let answer = exchange(&twin.obs_url(), "HEAD", "/?apiversion", &host, &Body::None).await.unwrap();
    assert_eq!((answer.status, answer.header("x-obs-api")), (200, Some("3.0")));
    let answer = exchange(&twin.obs_url(), "HEAD", "/", &host, &Body::None).await.unwrap();
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn digests_are_checked() {
    let twin = twin().await;
    let upload = |name: &str, value: &str| put("bucket", "k", "123456789").header(name, value);
    let code = async |name: &str, value: &str| upload(name, value).obs(&twin).await.unwrap().element("Code");
    assert_eq!(code("content-md5", &md5_base64(b"other")).await.as_deref(), Some("BadDigest"));
    assert_eq!(code("content-md5", "x").await.as_deref(), Some("InvalidDigest"));
    assert_eq!(code("x-obs-checksum-crc64ecma", "1").await.as_deref(), Some("BadDigest"));
    assert_eq!(code("x-obs-checksum-crc64ecma", "11051210869376104954").await, None);
    let past_the_end = get("bucket", "k").header("range", "bytes=9-").obs(&twin).await.unwrap();
    assert_eq!((past_the_end.status, past_the_end.element("Code").as_deref()), (416, Some("InvalidRange")));
}

#[tokio::test]
async fn a_key_that_signs_wrongly_too_often_is_locked_at_both_services() {
    let clock = ManualClock::new(Utc::now());
    let twin = Twin::builder().clock(clock.clone()).start().await.unwrap();
    twin.create_obs_bucket("bucket");
    let task = twin.create_sync_task("source", "bucket");
    let wrong = Account { secret_key: "wrong".to_owned(), ..twin.huawei_account().clone() };
    let code = async |account: &Account| {
        let listed = get("bucket", "").at(clock.now()).by(account).obs(&twin).await.unwrap();
        listed.element("Code").unwrap_or_default()
    };
    for _ in 0..6 {
        assert_eq!(code(&wrong).await, "SignatureDoesNotMatch");
    }
    assert_eq!(code(twin.huawei_account()).await, "TooManyWrongSignature");
    assert_eq!(post_keys(&twin, &task, &["k"]).await.unwrap().status, 401);
    clock.advance(TimeDelta::minutes(5));
    assert_eq!(code(twin.huawei_account()).await, "");
}
