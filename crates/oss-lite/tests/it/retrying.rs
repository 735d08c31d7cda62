//! When a request is tried again, and when not.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use oss_lite::{Client, Dialect, ErrorKind, PutOptions, Timeouts};
use tokio::time::Instant;

use crate::server::{self, Reply, Server, bucket, error, ok, reply, tries};

const SKEWED: &str = "<Error><Code>RequestTimeTooSkewed</Code><Message>clock</Message></Error>";

fn skewed(date: &str) -> Reply {
    reply("403 Forbidden", &[("date", date)], SKEWED)
}

#[tokio::test]
async fn a_service_that_is_down_for_a_moment_is_asked_again_with_the_same_bytes() {
    let server = Server::with([
        error("503 Service Unavailable", "ServiceUnavailable"),
        error("400 Bad Request", "RequestTimeout"),
        ok(),
    ])
    .await;
    server.bucket(Dialect::Oss).put("k", "body".into(), PutOptions::default()).await.expect("stored at last");
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    for request in requests {
        assert_eq!(
            (request.request_line(), &request.body[..]),
            ("PUT /examplebucket/k HTTP/1.1", &b"body"[..])
        );
    }
}

#[tokio::test]
async fn tries_end_with_the_policy_and_the_error_counts_them() {
    let server = Server::with((0..3).map(|_| error("500 Oops", "InternalError"))).await;
    let error = server.bucket(Dialect::Oss).delete("k").await.expect_err("down");
    assert_eq!(
        (error.kind(), error.status(), error.is_retryable()),
        (ErrorKind::ServerError, Some(500), true)
    );
    assert_eq!(
        error.to_string(),
        "delete \"k\" in bucket examplebucket: 500 InternalError: so it is, after 3 tries"
    );
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn refusals_are_not_tried_again() {
    for (code, kind) in [
        ("InvalidAccessKeyId", ErrorKind::CredentialsRefused),
        ("SignatureDoesNotMatch", ErrorKind::CredentialsRefused),
        ("SecurityTokenExpired", ErrorKind::CredentialsRefused),
        ("AccessDenied", ErrorKind::AccessDenied),
    ] {
        let server = Server::with([error("403 Forbidden", code)]).await;
        let error = server.bucket(Dialect::Oss).delete("k").await.expect_err("refused");
        assert_eq!((error.kind(), error.is_retryable()), (kind, false), "{code}");
        assert_eq!(server.requests().len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_replaced() {
    let server = Server::with([Reply::Last(Vec::new()), Reply::Last(b"HTTP/1.1 2".to_vec()), ok()]).await;
    server.bucket(Dialect::Oss).delete("k").await.expect("deleted at last");
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn nobody_listening_is_a_transport_error() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let endpoint = format!("http://{}", free.expect("a port")).parse().expect("an endpoint");
    let config = oss_lite::ClientConfig::new(endpoint, Dialect::Obs).with_jitter(|| 0.0);
    let error = bucket(config).head("k").await.expect_err("nobody there");
    assert_eq!((error.kind(), error.is_retryable(), error.status()), (ErrorKind::Transport, true, None));
    assert!(error.to_string().ends_with("after 3 tries"), "{error}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up_and_asked_again() {
    let server = Server::with([Reply::Stall(Vec::new()), ok()]).await;
    let brief = Timeouts { response_head: Duration::from_millis(100), ..Timeouts::default() };
    let bucket = bucket(server.config(Dialect::Oss).with_timeouts(brief));
    bucket.delete("k").await.expect("deleted at last");
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let whole = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let cut = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n<ListBucket", whole.len());
    let garbage = reply("200 OK", &[], "<html>hotel wifi</html>");
    let server = Server::with([Reply::Last(cut.into_bytes()), garbage, reply("200 OK", &[], whole)]).await;
    let pages: Vec<_> = server.bucket(Dialect::Oss).list(oss_lite::ListOptions::default()).collect().await;
    assert_eq!(pages.len(), 1);
    assert!(pages[0].is_ok(), "{pages:?}");
}

#[tokio::test]
async fn success_that_carries_an_error_is_tried_again_if_it_says_so() {
    let server = Server::with([error("200 OK", "InternalError"), error("200 OK", "AccessDenied")]).await;
    let error = server.bucket(Dialect::Oss).put("k", Bytes::new(), PutOptions::default()).await;
    assert_eq!(error.expect_err("refused").kind(), ErrorKind::AccessDenied);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_once_and_stays_corrected_for_the_whole_client() {
    let server = Server::with([skewed("Thu, 01 Jan 2026 13:30:00 GMT"), ok(), ok()]).await;
    let config = server.config(Dialect::Oss).with_retry(tries(1));
    let client = Client::new(server::http(), config).expect("a client");
    server::bucket_of(&client).delete("a").await.expect("deleted after the correction");
    server::bucket_of(&client).delete("b").await.expect("deleted at once");
    let dates: Vec<_> =
        server.requests().iter().map(|request| request.header("x-oss-date").map(str::to_owned)).collect();
    let dates: Vec<_> = dates.iter().flatten().collect();
    assert_eq!(dates, ["20260101T120000Z", "20260101T133000Z", "20260101T133000Z"]);
}

#[tokio::test]
async fn a_refusal_without_a_word_is_put_down_to_a_clock_that_is_far_off() {
    let wordless = |date| reply("403 Forbidden", &[("date", date), ("content-length", "0")], "");
    let server = Server::with([wordless("Thu, 01 Jan 2026 13:30:00 GMT"), ok()]).await;
    server.bucket(Dialect::Obs).delete("a").await.expect("deleted after the correction");
    let near = Server::with([wordless("Thu, 01 Jan 2026 12:14:00 GMT")]).await;
    let error = near.bucket(Dialect::Obs).delete("a").await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
}

#[tokio::test]
async fn a_correction_over_midnight_signs_with_the_key_of_the_new_day() {
    let server = Server::with([skewed("Fri, 02 Jan 2026 00:00:01 GMT"), ok()]).await;
    server.bucket(Dialect::Oss).delete("a").await.expect("deleted after the correction");
    let fresh = Server::with([ok()]).await;
    let config =
        fresh.config(Dialect::Oss).with_clock(|| server::noon() + chrono::TimeDelta::seconds(43_201));
    bucket(config).delete("a").await.expect("deleted");
    let corrected = server.requests()[1].header("authorization").map(str::to_owned);
    assert_eq!(corrected.as_deref(), fresh.only_request().header("authorization"));
}

#[tokio::test]
async fn a_clock_that_stays_wrong_is_an_error() {
    let server =
        Server::with([skewed("Thu, 01 Jan 2026 13:30:00 GMT"), skewed("Thu, 01 Jan 2026 13:30:00 GMT")])
            .await;
    let error = server.bucket(Dialect::Obs).delete("k").await.expect_err("skewed");
    assert_eq!(error.kind(), ErrorKind::ClockSkew);
    assert_eq!(server.requests().len(), 2);

    let dateless = Server::with([reply("403 Forbidden", &[], SKEWED)]).await;
    let error = dateless.bucket(Dialect::Oss).delete("k").await.expect_err("skewed");
    assert_eq!(error.kind(), ErrorKind::ClockSkew);
}

#[tokio::test]
async fn a_deadline_cuts_a_silent_try_short() {
    let server = Server::with([Reply::Stall(Vec::new())]).await;
    let bucket = server.bucket(Dialect::Oss).with_deadline(Instant::now() + Duration::from_millis(100));
    let error = bucket.delete("k").await.expect_err("late");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::DeadlineExceeded, false));
    assert!(error.to_string().contains("\"k\""), "{error}");
}

#[tokio::test]
async fn a_deadline_that_has_passed_sends_nothing() {
    let server = Server::with([]).await;
    let error =
        server.bucket(Dialect::Oss).with_deadline(Instant::now()).delete("k").await.expect_err("late");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_wait_that_would_pass_the_deadline_is_not_begun() {
    let server = Server::with([error("503 Slow Down", "SlowDown")]).await;
    let hour = Duration::from_hours(1);
    let config =
        server.config(Dialect::Oss).with_retry(tries(3).with_backoff(hour, hour)).with_jitter(|| 0.5);
    let bucket = bucket(config).with_deadline(Instant::now() + Duration::from_mins(5));
    let error = bucket.delete("k").await.expect_err("throttled");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Throttled, true));
}

#[tokio::test]
async fn the_total_time_of_the_policy_ends_the_tries() {
    let server = Server::with([error("503 Slow Down", "SlowDown")]).await;
    let config = server.config(Dialect::Oss).with_retry(tries(9).with_total(Duration::ZERO));
    let error = bucket(config).delete("k").await.expect_err("throttled");
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn waits_are_the_policys_with_the_injected_jitter() {
    let server = Server::with([error("500 Oops", "InternalError"), ok()]).await;
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let config = server.config(Dialect::Oss).with_jitter(move || {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        0.0
    });
    bucket(config).delete("k").await.expect("deleted at last");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}
