//! Connections: reuse, bodies in all their forms, clients that misbehave.

use std::time::Duration;

use fc_adapter::{Adapter, RawEvent};
use lambda_runtime::{Error, LambdaEvent, service_fn};

use crate::common::{Client, Server};

async fn count(event: LambdaEvent<RawEvent>) -> Result<(usize, u64), Error> {
    let sum = event.payload.0.iter().copied().map(u64::from).sum();
    Ok((event.payload.0.len(), sum))
}

async fn server() -> Server {
    Server::start(Adapter::new(service_fn(count))).await
}

async fn small_server() -> Server {
    Server::start(Adapter::new(service_fn(count)).body_limit(1000)).await
}

/// A body whose bytes tell their order apart.
fn body(length: usize) -> (Vec<u8>, String) {
    let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let sum: u64 = bytes.iter().copied().map(u64::from).sum();
    (bytes, format!("[{length},{sum}]"))
}

#[tokio::test]
async fn one_connection_carries_many_invocations() {
    let server = server().await;
    let mut client = server.client().await;
    for length in 0..200 {
        let (bytes, expected) = body(length);
        client.request("POST", "/invoke", &[], &bytes).await.assert_success(&expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_stays_open_for_hours() {
    let server = server().await;
    let mut client = server.client().await;
    client.request("POST", "/invoke", &[], b"a").await.assert_success("[1,97]");
    for _ in 0..300 {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    client.request("POST", "/invoke", &[], b"b").await.assert_success("[1,98]");
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_may_stay_silent_for_hours() {
    let server = server().await;
    let mut client = server.client().await;
    tokio::time::sleep(Duration::from_hours(5)).await;
    client.request("POST", "/invoke", &[], b"").await.assert_success("[0,0]");
}

#[tokio::test]
async fn a_body_in_many_pieces_arrives_whole() {
    let server = server().await;
    let (bytes, expected) = body(3_000_000);
    server.invoke(&bytes).await.assert_success(&expected);

    let mut client = server.client().await;
    client.send("POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for chunk in bytes.chunks(70_001) {
        client.send(format!("{:x}\r\n", chunk.len())).await;
        client.send(chunk).await;
        client.send("\r\n").await;
    }
    client.send("0\r\n\r\n").await;
    client.reply().await.assert_success(&expected);
}

#[tokio::test]
async fn an_event_of_exactly_the_limit_is_taken() {
    let (bytes, expected) = body(1000);
    small_server().await.invoke(&bytes).await.assert_success(&expected);
}

#[tokio::test]
async fn an_event_over_the_limit_fails_and_the_connection_goes_on() {
    let server = small_server().await;
    let mut client = server.client().await;
    for length in [1001, 3_000_000] {
        let reply = client.request("POST", "/invoke", &[], &body(length).0).await;
        let expected = ("EventTooLarge".into(), "the event exceeds the limit of 1000 bytes".into());
        assert_eq!(reply.assert_failure(), expected);
    }
    client.request("POST", "/invoke", &[], b"a").await.assert_success("[1,97]");
}

#[tokio::test]
async fn a_chunked_event_over_the_limit_fails_and_the_connection_goes_on() {
    let server = small_server().await;
    let mut client = server.client().await;
    client.send("POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for _ in 0..3 {
        client.send(format!("258\r\n{}\r\n", "x".repeat(600))).await;
    }
    client.send("0\r\n\r\n").await;
    assert_eq!(client.reply().await.assert_failure().0, "EventTooLarge");
    client.request("POST", "/invoke", &[], b"a").await.assert_success("[1,97]");
}

#[tokio::test]
async fn an_event_without_end_is_not_read_for_ever() {
    let server = small_server().await;
    let mut client = server.client().await;
    client.send("POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\ncontent-length: 1000000000000\r\n\r\n").await;
    let mebibyte = vec![0; 1 << 20];
    for _ in 0..64 {
        client.send(&mebibyte).await;
    }
    let refused = client.reply().await;
    assert_eq!(refused.assert_failure().0, "EventTooLarge");
    assert_eq!(refused.headers["connection"], "close");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_too_much_is_told_at_once() {
    let server = small_server().await;
    let mut client = server.client().await;
    let head = |length| {
        format!(
            "POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\nexpect: 100-continue\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    client.send(head(1)).await;
    assert_eq!(client.reply().await.status, 100);
    client.send("a").await;
    client.reply().await.assert_success("[1,97]");
    client.send(head(1001)).await;
    let refused = client.reply().await;
    assert_eq!(refused.assert_failure().0, "EventTooLarge");
    assert_eq!(refused.headers["connection"], "close");
    client.assert_closed().await;
}

#[tokio::test]
async fn a_body_cut_short_is_a_failed_invocation() {
    let server = server().await;
    for head in ["content-length: 10\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n5\r\nab"] {
        let mut client = server.client().await;
        client
            .send(format!("POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\n{head}"))
            .await;
        client.finish().await;
        let (kind, message) = client.reply().await.assert_failure();
        assert_eq!(kind, "IncompleteEvent");
        assert!(message.starts_with("the event was not received to its end: "), "{message}");
        client.assert_closed().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_comes_fails_at_the_deadline() {
    let server = server().await;
    let mut client = server.client().await;
    client
        .send(
            "POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\nx-fc-function-timeout: 30\r\ncontent-length: 10\r\n\r\nabc",
        )
        .await;
    let before = tokio::time::Instant::now();
    let late = client.reply().await;
    assert_eq!(late.assert_failure().0, "IncompleteEvent");
    assert_eq!(before.elapsed().as_secs(), 30);
    assert_eq!(late.headers["connection"], "close");
}

#[tokio::test]
async fn nonsense_on_one_connection_leaves_the_others_alone() {
    let server = server().await;
    let mut steady = server.client().await;
    for nonsense in [
        &b"\x16\x03\x01\x02\x00\x01"[..],
        b"POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nbad header\r\n\r\n",
        b"POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\ncontent-length: -1\r\n\r\n",
        b"POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    ] {
        let mut client = server.client().await;
        client.send(nonsense).await;
        assert_eq!(client.reply().await.status, 400);
        steady.request("POST", "/invoke", &[], b"a").await.assert_success("[1,97]");
    }
    let mut client = server.client().await;
    client.send(b"POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nx-fc-request-id: \xff\xfe\r\ncontent-length: 0\r\n\r\n").await;
    client.reply().await.assert_success("[0,0]");
}

#[tokio::test]
async fn clients_that_leave_at_any_point_leave_nothing_behind() {
    let server = server().await;
    let message =
        b"POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\ncontent-length: 3\r\n\r\nabc";
    for sent in 0..=message.len() {
        Client::connect(server.addr).await.send(&message[..sent]).await;
    }
    server.invoke("a").await.assert_success("[1,97]");
    server.stopped().await;
}
