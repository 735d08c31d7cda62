//! Memory for events: who waits for whom.

use std::sync::Arc;

use fc_adapter::{Adapter, RawEvent, keep_memory};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use tokio::sync::Notify;

use crate::common::{Client, Server};

const LARGE: usize = 1 << 20;

async fn count(event: LambdaEvent<RawEvent>) -> Result<usize, Error> {
    Ok(event.payload.0.len())
}

/// With room for one large event.
async fn server() -> Server {
    Server::start(Adapter::new(service_fn(count)).body_limit(LARGE).memory(LARGE * 4 / 3, |length| length))
        .await
}

async fn half(server: &Server, framing: &str, begin: &str) -> Client {
    let mut client = server.client().await;
    let head = format!(
        "POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\n{framing}\r\n\r\n{begin}"
    );
    client.send(head).await;
    client
}

#[tokio::test]
async fn a_small_event_waits_for_no_body_that_has_paused() {
    let server = server().await;
    let mut paused = Vec::new();
    for _ in 0..4 {
        paused.push(half(&server, "transfer-encoding: chunked", "2\r\n  \r\n").await);
        paused.push(half(&server, "content-length: 1000000", "  ").await);
        let chunk = format!("{:x}\r\n{}\r\n", 300_000, " ".repeat(300_000));
        paused.push(half(&server, "transfer-encoding: chunked", &chunk).await);
    }
    for _ in 0..20 {
        server.invoke(&[b' '; 10_000]).await.assert_success("10000");
    }
}

#[tokio::test]
async fn large_events_of_unknown_length_are_taken_one_after_the_other() {
    let server = server().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(half(&server, "transfer-encoding: chunked", "2\r\n  \r\n").await);
    }
    let all = clients.into_iter().map(|mut client| async move {
        for _ in 0..100 {
            client.send(format!("{:x}\r\n{}\r\n", 10_000, " ".repeat(10_000))).await;
        }
        client.send("0\r\n\r\n").await;
        client.reply().await.assert_success("1000002");
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn a_handler_that_keeps_less_lets_the_next_in() {
    let second = Arc::new(Notify::new());
    let handler = service_fn(move |event: LambdaEvent<RawEvent>| {
        let second = Arc::clone(&second);
        async move {
            let first = event.payload.0[0] == b'1';
            drop(event);
            keep_memory(0);
            if first {
                second.notified().await;
            } else {
                second.notify_one();
            }
            Ok::<_, Error>(first)
        }
    });
    let server = Server::start(Adapter::new(handler).memory(LARGE * 4 / 3, |length| length)).await;
    let (one, other) = (vec![b'1'; LARGE], vec![b'2'; LARGE]);
    let (one, other) = tokio::join!(server.invoke(&one), server.invoke(&other));
    one.assert_success("true");
    other.assert_success("false");
}

#[tokio::test]
async fn an_event_over_the_limit_is_told_what_to_do() {
    let adapter = Adapter::new(service_fn(count)).body_limit(1000).body_limit_advice("send less");
    let server = Server::start(adapter).await;
    let expected = ("EventTooLarge".into(), "the event exceeds the limit of 1000 bytes: send less".into());
    assert_eq!(server.invoke(&[0; 1001]).await.assert_failure(), expected);
}
