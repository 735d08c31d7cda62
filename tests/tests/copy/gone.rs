//! What is listed, or named, and is not there when it is copied.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use e2e::{OmsBridge, WebReply, WebRequest, WebServer};
use tempfile::TempDir;

/// Says of a bucket of Amazon S3 what a server said that lists other names than it gives.
fn answer(request: &WebRequest) -> WebReply {
    if request.target.contains("list-type=2") {
        let object = |key: &&str| format!("<Contents><Key>{key}</Key><Size>5</Size></Contents>");
        let objects = ["a+b", "plain", "wrong"].iter().map(object).collect::<String>();
        let page = format!("<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>");
        return WebReply::whole(&Bytes::from(page));
    }
    let key = request.target.rsplit('/').next().unwrap_or_default();
    if key == "plain" || key == "a%2Bb" {
        return WebReply::file(request, &Bytes::from_static(b"plain")).header("etag", "\"e\"");
    }
    let missing = "<Error><Code>NoSuchKey</Code><Message>none</Message><RequestId>R1</RequestId></Error>";
    WebReply::refused(404, &Bytes::from(missing)).header("x-amz-request-id", "R1")
}

#[tokio::test]
async fn a_listed_object_that_a_server_does_not_give_is_named_and_counted() {
    let server = Arc::new(WebServer::start(answer).await);
    let folder = TempDir::new().unwrap();
    let settings = server.s3();
    let (to, list) = (folder.path().join("to"), folder.path().join("list"));
    let arguments = [
        "copy",
        "-r",
        "s3://photos/",
        to.to_str().unwrap(),
        "--json",
        "--failed-list",
        list.to_str().unwrap(),
    ];
    let finished = OmsBridge::new(arguments).settings(settings).run().await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let result = finished.json();
    let numbers = ["copied", "skipped", "failed", "gone"].map(|name| result[name].as_u64().unwrap());
    assert_eq!(numbers, [2, 0, 1, 1], "{finished:?}");
    assert!(finished.stderr.contains("failed key=\"wrong\""), "{finished:?}");
    assert_eq!(fs::read_to_string(&list).unwrap(), "wrong\n");
}
