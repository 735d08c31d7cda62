//! Clients of the desk that are slow, silent or many.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use e2e::desk::ERIC;
use e2e::stalled::{Stalled, ask, impatient};
use e2e::{Cloud, Desk};

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK";

fn half_a_body(token: &str) -> String {
    format!(
        "POST /uploads HTTP/1.1\r\nhost: h\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\n\r\n{{"
    )
}

/// What OSS sends, as far as its head goes.
fn half_a_callback(headers: &str) -> String {
    format!(
        "POST /callback HTTP/1.1\r\nhost: h\r\n{headers}content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    )
}

fn signed(cloud: &Cloud) -> String {
    let headers = cloud.twin.sign_callback("/callback", "{}");
    let line = |name: &str| format!("{name}: {}\r\n", headers[name].to_str().unwrap());
    line("authorization") + &line("x-oss-pub-key-url")
}

fn address(desk: &Desk) -> SocketAddr {
    desk.address()
}

#[tokio::test]
async fn four_hundred_stalled_connections_are_closed_and_keep_nobody_out() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.settings(|settings| settings.and(impatient())).start().await;
    let address = address(&desk);
    let stalled = Stalled::default()
        .and(address, 133, "")
        .await
        .and(address, 133, "POST /uploads HTTP/1.1\r\nhost: h\r\nx-a: ")
        .await
        .and(address, 134, &half_a_body(ERIC.token))
        .await;
    assert_eq!(ask(address, HEALTH).await, OK);
    assert_eq!(desk.get(ERIC, "/me").await.status, 200);
    let said = stalled.closed().await;
    assert_eq!(said.iter().filter(|said| said.is_empty()).count(), 266, "{said:?}");
    assert_eq!(desk.get(ERIC, "/me").await.status, 200);
}

#[tokio::test]
async fn health_is_answered_while_all_places_are_taken_and_a_token_is_looked_at_before_the_body() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await.settings(|settings| settings.set("LISTEN_MAX_CONNECTIONS", "8"));
    let desk = setup.start().await;
    let address = address(&desk);
    let asking = half_a_body(ERIC.token).replace("content-length", "expect: 100-continue\r\ncontent-length");
    let mut stalled = Stalled::default().and(address, 4, asking.trim_end_matches('{')).await;
    assert_eq!(stalled.answered().await, ["HTTP/1.1 100 Continue"; 4]);
    assert_eq!(ask(address, HEALTH).await, OK);
    let refused = desk.get(ERIC, "/me").await;
    assert_eq!((refused.status, refused.code()), (503, "busy"), "{refused:?}");
    drop(stalled);
    while desk.get(ERIC, "/me").await.status == 503 {
        tokio::task::yield_now().await;
    }
    // At the end: its connection may hold a place for a moment longer than its answer takes.
    assert_eq!(ask(address, &half_a_body("wrong-token-0123456789")).await, "HTTP/1.1 401 Unauthorized");
}

#[tokio::test]
async fn callbacks_that_nobody_signed_are_refused_before_their_body() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await.settings(|settings| {
        settings
            .unset("DESK_CALLBACK_KEY")
            .set("LISTEN_BODY_TIMEOUT", "600")
            .set("LISTEN_MAX_CONNECTIONS", "16")
    });
    let desk = setup.start().await;
    let signature = "authorization: c2lnbmF0dXJl\r\n";
    let key_url = |url: &str| format!("x-oss-pub-key-url: {}\r\n", STANDARD.encode(url));
    let known = key_url("https://gosspublic.alicdn.com/callback_pub_key_v1.pem");
    for (headers, status) in [
        (String::new(), "400 Bad Request"),
        (known.clone(), "400 Bad Request"),
        (signature.to_owned(), "403 Forbidden"),
        (format!("authorization: ?\r\n{known}"), "400 Bad Request"),
        (format!("{signature}{signature}{known}"), "400 Bad Request"),
        (format!("{signature}{}", key_url("https://example.com/callback_pub_key_v1.pem")), "403 Forbidden"),
        (format!("{signature}{}{known}", key_url("https://example.com/k.pem")), "403 Forbidden"),
    ] {
        // More than there are places for requests.
        let mut stalled = Stalled::default().and(desk.address(), 12, &half_a_callback(&headers)).await;
        let answered = stalled.answered().await;
        assert_eq!(answered, vec![format!("HTTP/1.1 {status}"); 12], "{headers}");
        assert_eq!(desk.get(ERIC, "/me").await.status, 200);
    }
}

#[tokio::test]
async fn callbacks_that_do_not_come_to_their_end_keep_out_callbacks_alone_and_not_for_long() {
    let cloud = Cloud::start().await;
    for (connections, places) in [("512", 64), ("16", 4)] {
        let setup = Desk::on(&cloud).await.settings(|settings| {
            settings.set("LISTEN_BODY_TIMEOUT", "600").set("LISTEN_MAX_CONNECTIONS", connections)
        });
        let desk = setup.start().await;
        let half = half_a_callback(&signed(&cloud));
        let waiting = half.replace("content-length", "expect: 100-continue\r\ncontent-length");
        let waiting = waiting.trim_end_matches('{');
        let mut stalled = Stalled::default().and(desk.address(), places, waiting).await;
        // It says so when it begins to read the body.
        assert_eq!(stalled.answered().await, vec!["HTTP/1.1 100 Continue"; places]);
        assert_eq!(ask(desk.address(), &half).await, "HTTP/1.1 503 Service Unavailable");
        assert_eq!(desk.get(ERIC, "/me").await.status, 200);
        assert_eq!(desk.allow(ERIC, "a.txt", "text/plain", b"abc").await.status, 201);
        let said = stalled.closed().await;
        assert!(said.iter().all(|said| said.contains("HTTP/1.1 408 ")), "{said:?}");
        let stored = desk.upload(ERIC, "b.txt", "text/plain", b"b").await;
        assert_eq!(stored.status, 200, "{stored:?}");
    }
}
