use chrono::{TimeDelta, Utc};
use cloud_twin::{AccessPolicy, Account, Twin};

use crate::sign::{call, get, put};

#[tokio::test]
async fn obs_takes_the_signature_of_clients_of_s3_and_no_other() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    let key = "a b/+&=(*)'目.txt";
    let written = put("bucket", key, "body").header("x-amz-meta-a", "two   words").aws_v4(&twin);
    let written = written.await.unwrap();
    // Blanks in a row count as one.
    written.is_refusal(403, "SignatureDoesNotMatch");
    let written = put("bucket", key, "body").header("x-amz-meta-a", "two words").aws_v4(&twin).await.unwrap();
    assert_eq!(
        (written.status, written.header("x-amz-request-id").is_some()),
        (200, true),
        "{}",
        written.text()
    );
    let read = get("bucket", key).query("response-content-type", "text/a b").aws_v4(&twin).await.unwrap();
    assert_eq!((read.text().as_str(), read.header("x-amz-meta-a")), ("body", Some("two words")));
    assert_eq!(read.header("content-type"), Some("text/a b"));
    let listed =
        get("bucket", "").query("list-type", "2").query("prefix", "a b/").aws_v4(&twin).await.unwrap();
    assert_eq!(listed.element("KeyCount").as_deref(), Some("1"));

    let unsigned = put("bucket", "k", "body").header("x-amz-meta-unsigned", "x").aws_v4(&twin).await.unwrap();
    unsigned.is_refusal(403, "AccessDenied");

    let wrong = Account { secret_key: "wrong".to_owned(), ..twin.huawei_account().clone() };
    get("bucket", key).by(&wrong).aws_v4(&twin).await.unwrap().is_refusal(403, "SignatureDoesNotMatch");
    let stranger = Account { access_key: "nobody".to_owned(), ..wrong };
    get("bucket", key).by(&stranger).aws_v4(&twin).await.unwrap().is_refusal(403, "InvalidAccessKeyId");
    let late = get("bucket", key).at(Utc::now() - TimeDelta::minutes(16)).aws_v4(&twin).await.unwrap();
    late.is_refusal(403, "RequestTimeTooSkewed");
    assert_eq!(
        get("bucket", key).at(Utc::now() - TimeDelta::minutes(14)).aws_v4(&twin).await.unwrap().status,
        200
    );
}

#[tokio::test]
async fn content_is_what_the_signature_says() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    let upload = |sha256: &str| put("bucket", "k", "body").header("x-amz-content-sha256", sha256);
    let of_another = hex::encode([7; 32]);
    upload(&of_another).aws_v4(&twin).await.unwrap().is_refusal(400, "XAmzContentSHA256Mismatch");
    assert!(twin.obs().keys("bucket").is_empty());
    upload("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        .aws_v4(&twin)
        .await
        .unwrap()
        .is_refusal(501, "NotImplemented");
    assert_eq!(upload("UNSIGNED-PAYLOAD").aws_v4(&twin).await.unwrap().status, 200);
    let unsigned = call("HEAD", "bucket", "k").header("authorization", "AWS4-HMAC-SHA256 Credential=x");
    assert_eq!(unsigned.aws_v4(&twin).await.unwrap().status, 400);
}

#[tokio::test]
async fn a_policy_holds_for_this_signature_too() {
    let read = r#"{"Version":"1.1","Statement":[{"Effect":"Allow","Action":["obs:object:GetObject"]}]}"#;
    let twin = Twin::builder().policy_for_all(&AccessPolicy::parse(read).unwrap()).start().await.unwrap();
    twin.create_obs_bucket("bucket");
    put("bucket", "k", "x").aws_v4(&twin).await.unwrap().is_refusal(403, "AccessDenied");
}
