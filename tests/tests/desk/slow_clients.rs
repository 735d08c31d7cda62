//! Clients of the desk that are slow, silent or many.

use std::net::SocketAddr;

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
    assert_eq!(ask(address, &half_a_body("wrong-token-0123456789")).await, "HTTP/1.1 401 Unauthorized");
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
}
