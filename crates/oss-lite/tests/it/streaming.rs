//! Bodies that are sent as they are produced.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use oss_lite::{Dialect, ErrorKind, PutOptions, StreamBody, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::server::{Reply, Server, bucket, error, missing, ok, reply};

fn pieces(pieces: &'static [&'static str]) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
    stream::iter(pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes()))))
}

fn endless(length: u64) -> StreamBody {
    StreamBody::new(length, pieces(&["begin"]).chain(stream::pending()))
}

fn brief(server: &Server) -> oss_lite::Bucket {
    let limit = Duration::from_millis(100);
    let timeouts = Timeouts { response_head: limit, body_idle: limit, ..Timeouts::default() };
    bucket(server.config(Dialect::Oss).with_timeouts(timeouts))
}

#[tokio::test]
async fn a_stream_goes_out_with_its_exact_length_and_headers() {
    let answer = [("etag", "\"5B3C\""), ("x-oss-hash-crc64ecma", "7"), ("x-oss-request-id", "ID1")];
    let server = Server::with([reply("200 OK", &answer, "")]).await;
    let options = PutOptions { content_md5: Some([0; 16]), ..PutOptions::default() };
    let body = StreamBody::new(10, pieces(&["", "abc", "", "defg", "hij", ""]));
    let outcome = server.bucket(Dialect::Oss).put_stream("k", body, options).await.expect("stored");
    assert_eq!((outcome.etag.as_deref(), outcome.crc64), (Some("5B3C"), Some(7)));
    assert_eq!(outcome.request_id.as_deref(), Some("ID1"));
    let request = server.only_request();
    assert_eq!(request.request_line(), "PUT /examplebucket/k HTTP/1.1");
    assert_eq!(request.header("content-length"), Some("10"));
    assert_eq!(request.header("transfer-encoding"), None);
    assert_eq!(request.header("content-md5"), Some("AAAAAAAAAAAAAAAAAAAAAA=="));
    assert_eq!(request.body, b"abcdefghij");
}

#[tokio::test]
async fn large_pieces_arrive_whole() {
    let bytes: Vec<u8> = (0..=250).cycle().take(3_000_001).collect();
    let body = Bytes::from(bytes.clone());
    let server = Server::with([reply("200 OK", &[("etag", "e")], "")]).await;
    let body = StreamBody::new(3_000_001, stream::iter([Ok::<_, Infallible>(body)]));
    let outcome = server.bucket(Dialect::Obs).upload_part_stream("k", "U", 3, body, None).await;
    assert_eq!(outcome.expect("stored").etag, "e");
    let request = server.only_request();
    assert_eq!(request.target(), "/examplebucket/k?partNumber=3&uploadId=U");
    assert!(request.body == bytes, "other bytes arrived");
}

#[tokio::test]
async fn an_empty_stream_stores_an_empty_object() {
    let server = Server::with([ok()]).await;
    let body = StreamBody::new(0, pieces(&["", ""]));
    server.bucket(Dialect::Oss).put_stream("k", body, PutOptions::default()).await.expect("stored");
    assert_eq!(server.only_request().header("content-length"), Some("0"));
}

#[tokio::test]
async fn a_stream_of_another_length_stores_nothing() {
    for (length, chunks, message) in [
        (10, &["abc", "def"][..], "ended after 6 of 10 bytes"),
        (5, &["abc", "def"], "went on after 5 bytes"),
        (6, &["abc", "def", "g"], "went on after 6 bytes"),
        (0, &["a"], "went on after 0 bytes"),
        (1, &[], "ended after 0 of 1 bytes"),
    ] {
        let server = Server::with([]).await;
        let body = StreamBody::new(length, pieces(chunks));
        let error = server.bucket(Dialect::Oss).put_stream("k", body, PutOptions::default()).await;
        let error = error.expect_err(message);
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::BodyFailed, false), "{message}");
        assert!(error.to_string().starts_with("put \"k\" in bucket examplebucket: "), "{error}");
        assert!(error.to_string().contains(message), "{error}");
        assert!(server.requests().is_empty(), "{message}: a whole request arrived");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_may_be_sent_anew_unless_its_source_is_hopeless() {
    let server = Server::with([]).await;
    let broken = pieces(&["abc"]).map(|piece| piece.map_err(io::Error::other));
    let broken = broken.chain(stream::iter([Err(io::Error::other("disk on fire"))]));
    let error =
        server.bucket(Dialect::Obs).put_stream("k", StreamBody::new(9, broken), PutOptions::default()).await;
    let error = error.expect_err("broken");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::BodyFailed, true));
    assert!(error.to_string().contains("disk on fire"), "{error}");
    assert!(std::error::Error::source(&error).is_some());

    let source = Server::with([missing("NoSuchKey")]).await;
    let gone = source.bucket(Dialect::Oss).get("k").await.expect_err("gone");
    let body = StreamBody::new(9, stream::iter([Err::<Bytes, _>(gone)]));
    let error = server.bucket(Dialect::Obs).put_stream("k", body, PutOptions::default()).await;
    let error = error.expect_err("gone");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::BodyFailed, false));
    assert!(error.to_string().contains("NoSuchKey"), "{error}");
}

#[tokio::test]
async fn a_body_read_from_one_bucket_is_stored_in_another() {
    let source = Server::with([reply("200 OK", &[], "the bytes")]).await;
    let target = Server::with([ok()]).await;
    let object = source.bucket(Dialect::Oss).get("k").await.expect("there");
    let body = StreamBody::new(object.meta.size, object.body);
    target.bucket(Dialect::Obs).put_stream("k", body, PutOptions::default()).await.expect("stored");
    assert_eq!(target.only_request().body, b"the bytes");
}

#[tokio::test]
async fn a_stream_is_sent_once_and_its_error_says_whether_to_send_another() {
    for (status, code, retryable) in
        [("503 Slow Down", "SlowDown", true), ("403 Forbidden", "AccessDenied", false)]
    {
        let server = Server::with([error(status, code)]).await;
        let body = StreamBody::new(3, pieces(&["abc"]));
        let error = server.bucket(Dialect::Oss).put_stream("k", body, PutOptions::default()).await;
        assert_eq!(error.expect_err("refused").is_retryable(), retryable, "{code}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_clock_found_wrong_is_right_at_the_next_try() {
    let skewed = "<Error><Code>RequestTimeTooSkewed</Code><Message>clock</Message></Error>";
    let date = [("date", "Thu, 01 Jan 2026 13:30:00 GMT")];
    let server = Server::with([reply("403 Forbidden", &date, skewed), ok()]).await;
    let bucket = server.bucket(Dialect::Oss);
    let put = || bucket.put_stream("k", StreamBody::new(3, pieces(&["abc"])), PutOptions::default());
    let error = put().await.expect_err("skewed");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::ClockSkew, true));
    put().await.expect("stored");
    assert_eq!(server.requests()[1].header("x-oss-date"), Some("20260101T133000Z"));
}

#[tokio::test]
async fn a_stream_that_stalls_is_given_up() {
    for length in [10, 0] {
        let server = Server::with([]).await;
        let body = match length {
            0 => StreamBody::new(0, stream::pending::<Result<Bytes, Infallible>>()),
            _ => endless(length),
        };
        let error = brief(&server).put_stream("k", body, PutOptions::default()).await.expect_err("stalled");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Transport, true));
        assert!(server.requests().is_empty());
    }
}

#[tokio::test]
async fn a_service_that_is_silent_after_the_last_byte_is_given_up() {
    let server = Server::with([Reply::Stall(Vec::new())]).await;
    let body = StreamBody::new(3, pieces(&["abc"]));
    let error = brief(&server).put_stream("k", body, PutOptions::default()).await.expect_err("silent");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Transport, true));
    assert_eq!(server.only_request().body, b"abc");
}

#[tokio::test]
async fn a_deadline_ends_a_streamed_upload() {
    let server = Server::with([]).await;
    let bucket = server.bucket(Dialect::Oss).with_deadline(Instant::now() + Duration::from_millis(100));
    let error = bucket.put_stream("k", endless(10), PutOptions::default()).await.expect_err("late");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
}

/// The error of an upload that never ends, to a service that answers at its first byte.
async fn answered_early(answer: &'static str) -> oss_lite::Error {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.read_u8().await.expect("a request");
        stream.write_all(answer.as_bytes()).await.expect("sent");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let config = oss_lite::ClientConfig::new(endpoint.parse().expect("an endpoint"), Dialect::Obs);
    bucket(config).put_stream("k", endless(10), PutOptions::default()).await.expect_err("no whole body")
}

#[tokio::test]
async fn success_before_the_last_byte_is_not_believed() {
    let error = answered_early("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
}

#[tokio::test]
async fn a_refusal_before_the_last_byte_is_told_at_once() {
    let error = answered_early(
        "HTTP/1.1 403 Forbidden\r\ncontent-length: 40\r\n\r\n<Error><Code>AccessDenied</Code></Error>",
    )
    .await;
    assert_eq!((error.code(), error.is_retryable()), (Some("AccessDenied"), false));
}

#[tokio::test]
async fn streamed_uploads_can_be_spawned() {
    let server = Server::with([ok()]).await;
    let bucket = server.bucket(Dialect::Oss);
    let upload = async move {
        bucket.put_stream("k", StreamBody::new(3, pieces(&["abc"])), PutOptions::default()).await
    };
    tokio::spawn(upload).await.expect("no panic").expect("stored");
}
