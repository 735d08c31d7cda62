//! Clients that are slow, silent or many, at each of the listeners. The desk's is in `desk/slow_clients.rs`.

use std::net::SocketAddr;

use bytes::Bytes;
use e2e::process::Process;
use e2e::sqs::{Sqs, SqsReply};
use e2e::stalled::{Stalled, ask, impatient};
use e2e::{Answer, Cloud, Function, FunctionSetup, Invocation, Settings, event};
use reqwest::Method;
use serde_json::{Value, json};

use crate::ingest;

const TOKEN: &str = "serve-token-0123456789";
const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";
const HALF_A_HEAD: &str = "POST /invoke HTTP/1.1\r\nhost: h\r\nx-a: ";
const OK: &str = "HTTP/1.1 200 OK";

fn server(settings: Settings) -> FunctionSetup {
    Function::with(settings.set("SERVE_TOKEN", TOKEN)).off_the_platform()
}

fn address(function: &Function) -> SocketAddr {
    address_of(&function.url())
}

fn address_of(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// The head and the first byte of a body, by somebody who may ask.
fn half_a_body(path: &str, token: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\ncontent-length: 1000\r\n\r\n["
    )
}

fn put(key: &str) -> Invocation {
    Invocation::event(event::put([key])).header("authorization", format!("Bearer {TOKEN}"))
}

#[tokio::test]
async fn four_hundred_stalled_connections_are_closed_and_keep_nobody_out() {
    let cloud = Cloud::start().await;
    let function = server(ingest::private(&cloud).and(impatient())).start().await;
    let address = address(&function);
    let stalled = Stalled::default()
        .and(address, 100, "")
        .await
        .and(address, 100, HALF_A_HEAD)
        .await
        .and(address, 100, &half_a_body("/invoke", TOKEN))
        .await
        .and(address, 100, &half_a_body("/objects", ingest::TOKEN))
        .await;
    assert_eq!(ask(address, HEALTH).await, OK);
    assert_eq!(function.send(put("a")).await.answer(), Answer::True);
    let said = stalled.closed().await;
    // What had a whole head is told why.
    assert_eq!(said.iter().filter(|said| said.is_empty()).count(), 200, "{said:?}");
    assert_eq!(said.iter().filter(|said| said.contains("IncompleteEvent")).count(), 200, "{said:?}");
    assert_eq!(said.iter().filter(|said| said.starts_with("HTTP/1.1 408")).count(), 100, "{said:?}");
    assert_eq!(function.send(put("b")).await.answer(), Answer::True);
}

#[tokio::test]
async fn health_is_answered_while_all_places_are_taken() {
    let cloud = Cloud::start().await;
    let setup = server(cloud.settings().set("LISTEN_MAX_CONNECTIONS", "8"));
    let function = setup.start().await;
    let address = address(&function);
    let asking =
        half_a_body("/invoke", TOKEN).replace("content-length", "expect: 100-continue\r\ncontent-length");
    let mut stalled = Stalled::default().and(address, 4, asking.trim_end_matches('[')).await;
    // The bodies are being waited for from here on.
    assert_eq!(stalled.answered().await, ["HTTP/1.1 100 Continue"; 4]);
    for _ in 0..20 {
        assert_eq!(ask(address, HEALTH).await, OK);
    }
    let refused = function.send(put("a")).await;
    // A failure by Function Compute's reading, so that no event is lost.
    assert_eq!((refused.status, refused.fc_status.as_deref()), (503, Some("404")), "{refused:?}");
    assert!(refused.body.contains("too many requests at once"), "{refused:?}");
    // Those who say nothing make room for those who do.
    let silent = Stalled::default().and(address, 100, HALF_A_HEAD).await;
    assert_eq!(ask(address, HEALTH).await, OK);
    drop((stalled, silent));
    while function.send(put("a")).await.status == 503 {
        tokio::task::yield_now().await;
    }
    assert_eq!(cloud.twin.accepted_count("a"), 1);
}

#[tokio::test]
async fn a_silent_client_makes_room_for_the_next_one() {
    let cloud = Cloud::start().await;
    let function = server(cloud.settings().set("LISTEN_MAX_CONNECTIONS", "8")).start().await;
    let oldest = Stalled::default().and(address(&function), 4, "").await;
    let _newer = Stalled::default().and(address(&function), 8, HALF_A_HEAD).await;
    assert_eq!(oldest.closed().await, [""; 4]);
}

#[tokio::test]
async fn a_token_is_looked_at_before_the_body_is_read() {
    let cloud = Cloud::start().await;
    let function = server(ingest::private(&cloud)).start().await;
    for path in ["/invoke", "/event-invoke", "/initialize", "/objects", "/objects?wait=true", "/other"] {
        for token in ["wrong-token-0123456789", ""] {
            let refused = ask(address(&function), &half_a_body(path, token)).await;
            assert_eq!(refused, "HTTP/1.1 401 Unauthorized", "{path} {token:?}");
        }
    }
    for (request, answer) in [
        (half_a_body("/other", ingest::TOKEN), "HTTP/1.1 404 Not Found"),
        (half_a_body("/objects/x", ingest::TOKEN), "HTTP/1.1 405 Method Not Allowed"),
        (half_a_body("/objects?wait=maybe", ingest::TOKEN), "HTTP/1.1 400 Bad Request"),
    ] {
        assert_eq!(ask(address(&function), &request).await, answer, "{request}");
    }
}

#[tokio::test]
async fn on_the_platform_a_connection_may_be_silent_and_a_head_may_not_be_slow() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set("LISTEN_HEAD_TIMEOUT", "1").start().await;
    let address = address(&function);
    let mut silent = Stalled::default().and(address, 1, "").await;
    assert_eq!(Stalled::default().and(address, 10, HALF_A_HEAD).await.closed().await, [""; 10]);
    silent.say(HEALTH).await;
    assert_eq!(silent.answered().await, [OK]);
}

#[tokio::test]
async fn limits_that_are_none_are_mistakes_in_the_settings() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("SERVE_TOKEN", TOKEN).set("LISTEN_HEAD_TIMEOUT", "soon");
    let finished = e2e::OmsBridge::new(["serve", "--listen", "127.0.0.1:0"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(
        finished.stderr.contains("LISTEN_HEAD_TIMEOUT: \"soon\" is not a number of seconds"),
        "{finished:?}"
    );
}

#[tokio::test]
async fn every_listener_of_the_local_cloud_closes_stalled_connections() {
    let arguments = ["dev", "--port", "0", "--json"].map(str::to_owned);
    let dev = Process::spawn(&arguments, &impatient());
    let told: Value = dev.stdout_line(|line| serde_json::from_str(line).ok()).await;
    let url =
        |pointer: &str| told.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{told}"));
    let sync_url: reqwest::Url = url("/oms/sync_url").parse().unwrap();
    let oms = format!("http://{}:{}", sync_url.host_str().unwrap(), sync_url.port().unwrap());
    let (function, admin, desk) = (url("/function_url"), url("/admin_url"), url("/desk/url"));
    let all = [function, url("/oss/endpoint"), url("/obs/endpoint"), &oms, admin, desk].map(address_of);
    let mut stalled = Stalled::default();
    for address in all {
        stalled = stalled.and(address, 33, "").await.and(address, 34, HALF_A_HEAD).await;
    }
    for address in [function, admin, desk].map(address_of) {
        assert_eq!(ask(address, HEALTH).await, OK, "{address}");
    }
    assert_eq!(stalled.closed().await.len(), 6 * 67);
}

#[tokio::test]
async fn the_health_of_a_worker_is_told_among_stalled_connections() {
    let (cloud, sqs) = (Cloud::start().await, Sqs::start(|_| SqsReply::Done(json!({}))).await);
    let arguments = ["consume", "--listen", "127.0.0.1:0"].map(str::to_owned);
    let settings = cloud.settings().set("LOG_FORMAT", "json").and(sqs.settings()).and(impatient());
    let worker = Process::spawn(&arguments, &settings);
    let address: SocketAddr = worker
        .line(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            (line["message"] == "/healthz and /metrics").then(|| line["address"].as_str()?.parse().ok())?
        })
        .await;
    let stalled = Stalled::default().and(address, 200, "").await.and(address, 200, HALF_A_HEAD).await;
    assert_eq!(ask(address, HEALTH).await, OK);
    assert_eq!(stalled.closed().await.len(), 400);
    assert_eq!(ask(address, HEALTH).await, OK);
}

#[tokio::test]
async fn events_that_are_in_hand_leave_room_for_health_and_wait_for_each_other() {
    let cloud = Cloud::start().await;
    let function = server(cloud.settings()).start().await;
    // Together they are more than what all events may take, so they are taken one after the other.
    let large = format!("{{\"events\":[{}{{}}]}}", "{\"oss\":{\"object\":{\"key\":\"k\"}}},".repeat(200_000));
    let event = |body: &str| {
        let invocation = Invocation::event(Bytes::copy_from_slice(body.as_bytes()));
        function.send(invocation.header("authorization", format!("Bearer {TOKEN}")))
    };
    let (one, two, three, four) = tokio::join!(event(&large), event(&large), event(&large), event(&large));
    for reply in [one, two, three, four] {
        assert!(reply.answer().failure().contains("more than 10000 elements"), "refused");
    }
    let health = Invocation::request(Method::GET, "/healthz", Bytes::new());
    assert_eq!(function.send(health).await.status, 200);
}
