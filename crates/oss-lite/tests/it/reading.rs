//! Reading objects.

use std::time::Duration;

use futures_util::StreamExt;
use oss_lite::{Dialect, ErrorKind, ObjectMeta, Timeouts};
use tokio::time::Instant;

use crate::server::{Reply, Server, bucket, head_reply, reply};

const OSS_HEADERS: &[(&str, &str)] = &[
    ("etag", "\"5B3C1A2E053D763E1B002CC607C5A0FE\""),
    ("last-modified", "Fri, 24 Feb 2012 06:07:48 GMT"),
    ("content-type", "image/jpg"),
    ("x-oss-hash-crc64ecma", "11051210869376104954"),
    ("x-oss-storage-class", "IA"),
    ("x-oss-meta-b", "2"),
    ("x-oss-meta-a", "1"),
    ("x-oss-version-id", "v7"),
];

fn check(meta: &ObjectMeta, size: u64) {
    assert_eq!(meta.size, size);
    assert_eq!(meta.etag.as_deref(), Some("5B3C1A2E053D763E1B002CC607C5A0FE"));
    assert_eq!(meta.last_modified.map(|time| time.timestamp()), Some(1_330_063_668));
    assert_eq!(meta.content_type.as_deref(), Some("image/jpg"));
    assert_eq!(meta.crc64, Some(11_051_210_869_376_104_954));
    assert_eq!(meta.storage_class.as_deref(), Some("IA"));
    assert_eq!(
        meta.metadata,
        [("a", "1"), ("b", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    assert_eq!(meta.version_id.as_deref(), Some("v7"));
}

#[tokio::test]
async fn head_tells_size_and_all_else_without_a_body() {
    let headers: Vec<_> = OSS_HEADERS.iter().copied().chain([("content-length", "344606")]).collect();
    let server = Server::with([head_reply("200 OK", &headers)]).await;
    check(&server.bucket(Dialect::Oss).head("k").await.expect("there"), 344_606);
    assert_eq!(server.only_request().request_line(), "HEAD /examplebucket/k HTTP/1.1");
}

#[tokio::test]
async fn get_gives_the_same_and_the_bytes() {
    let server = Server::with([reply("200 OK", OSS_HEADERS, "\u{0}bytes")]).await;
    let object = server.bucket(Dialect::Oss).get("k").await.expect("there");
    check(&object.meta, 6);
    assert_eq!(object.bytes(6).await.expect("small enough"), "\u{0}bytes");
}

#[tokio::test]
async fn an_empty_object_reads_as_no_bytes() {
    let server = Server::with([reply("200 OK", &[], "")]).await;
    let object = server.bucket(Dialect::Obs).get("k").await.expect("there");
    assert_eq!(object.bytes(0).await.expect("small enough"), "");
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_unread() {
    let server = Server::with([reply("200 OK", &[], "12345")]).await;
    let object = server.bucket(Dialect::Oss).get("k").await.expect("there");
    let error = object.bytes(4).await.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().starts_with("get \"k\" in bucket examplebucket: "), "{error}");
}

#[tokio::test]
async fn a_body_of_unannounced_size_is_refused() {
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n".to_vec();
    let server = Server::with([Reply::Bytes(chunked)]).await;
    let error = server.bucket(Dialect::Oss).get("k").await.expect_err("no size");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
}

#[tokio::test]
async fn a_body_that_is_shorter_than_announced_ends_in_an_error() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345".to_vec();
    let server = Server::with([Reply::Last(cut)]).await;
    let mut body = server.bucket(Dialect::Oss).get("k").await.expect("there").body;
    assert_eq!(body.next().await.expect("a piece").expect("good"), "12345");
    let error = body.next().await.expect("an end").expect_err("too short");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Transport, true));
    assert!(error.to_string().contains("\"k\""), "{error}");
    assert!(body.next().await.is_none());
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let stalled = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345".to_vec();
    let server = Server::with([Reply::Stall(stalled)]).await;
    let brief = Timeouts { body_idle: Duration::from_millis(100), ..Timeouts::default() };
    let object = bucket(server.config(Dialect::Oss).with_timeouts(brief)).get("k").await.expect("there");
    let error = object.bytes(100).await.expect_err("stalled");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Transport, true));
}

#[tokio::test]
async fn a_deadline_ends_a_body_as_well() {
    let stalled = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345".to_vec();
    let server = Server::with([Reply::Stall(stalled)]).await;
    let bucket = server.bucket(Dialect::Oss).with_deadline(Instant::now() + Duration::from_millis(300));
    let object = bucket.get("k").await.expect("there");
    let error = object.bytes(100).await.expect_err("late");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
}

#[tokio::test]
async fn an_object_may_look_like_an_error_document() {
    let text = "<Error><Code>NoSuchKey</Code></Error>";
    let server = Server::with([reply("200 OK", &[], text)]).await;
    let object = server.bucket(Dialect::Oss).get("k").await.expect("there");
    assert_eq!(object.bytes(100).await.expect("small enough"), text);
}
