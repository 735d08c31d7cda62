//! Hosts that keep the desk waiting, and hosts that are none.

use bytes::Bytes;
use e2e::desk::{ERIC, MIA};
use e2e::{Cloud, Desk, WebReply, WebServer};
use futures_util::FutureExt as _;
use serde_json::json;
use tokio::net::TcpListener;

use crate::support::metric;

/// More than all places of the worker, those of fetches among them.
const MANY: usize = 100;

#[tokio::test]
async fn the_slow_hosts_of_one_user_delay_nobody_else() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    let desk = setup.set("INGEST_DOMAINS", "127.0.0.1").set("INGEST_ALLOW_PRIVATE", "true").start().await;
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a", silent.local_addr().unwrap());
    for _ in 0..MANY {
        let fetching = desk.post(ERIC, "/uploads/from-url", json!({"url": url})).await;
        assert_eq!(fetching.status, 202, "{fetching:?}");
    }
    let refused = desk.post(ERIC, "/uploads/from-url", json!({"url": url})).await;
    assert_eq!((refused.status, refused.code()), (429, "too_many_fetches"), "{refused:?}");
    let mut held = vec![silent.accept().await.unwrap()];

    let quick = WebServer::start(|request| WebReply::file(request, &Bytes::from_static(b"quick"))).await;
    let fetching = desk.post(MIA, "/uploads/from-url", json!({"url": quick.url("/b")})).await;
    assert_eq!(fetching.status, 202, "{fetching:?}");
    desk.until_forwarded(MIA, &fetching.id()).await;
    // Nobody had to give up first: no more are waited for than one user may have.
    while let Some(Ok(connection)) = silent.accept().now_or_never() {
        held.push(connection);
    }
    assert!(held.len() <= 4, "{} connections", held.len());
    for user in [MIA, ERIC] {
        let stored = desk.upload(user, "c.txt", "text/plain", b"abc").await;
        desk.until_forwarded(user, &stored.id()).await;
        assert_eq!(desk.delete(user, &format!("/objects/{}", stored.id())).await.status, 204);
    }
    cloud.until(|twin| twin.oss().len(e2e::cloud::SOURCE) == 1).await;
}

#[tokio::test]
async fn a_fetch_that_waited_and_was_deleted_is_not_begun() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    let desk = setup.set("INGEST_DOMAINS", "127.0.0.1").set("INGEST_ALLOW_PRIVATE", "true").start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a", silent.local_addr().unwrap());
    let mut held = Vec::new();
    // All places of the user, and each is taken.
    for _ in 0..4 {
        desk.post(ERIC, "/uploads/from-url", json!({"url": url})).await;
        held.push(silent.accept().await.unwrap());
    }
    let site = WebServer::start(|request| WebReply::file(request, &Bytes::from_static(b"x"))).await;
    let waiting = desk.post(ERIC, "/uploads/from-url", json!({"url": site.url("/b")})).await;
    let last = desk.post(ERIC, "/uploads/from-url", json!({"url": site.url("/c")})).await;
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", waiting.id())).await.status, 204);
    // The hosts give up, which is a reason to try again later: their places are free.
    drop(held);
    drop(silent);
    desk.until_forwarded(ERIC, &last.id()).await;
    assert!(site.requests().iter().all(|request| request.target == "/c"), "{:?}", site.requests());
}

#[tokio::test]
async fn a_host_within_no_reach_is_refused_before_anything_is_written() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.set("INGEST_DOMAINS", "localhost").start().await;
    let refused = desk.post(ERIC, "/uploads/from-url", json!({"url": "https://localhost/a"})).await;
    assert_eq!((refused.status, refused.code()), (403, "refused"), "{refused:?}");
    let message = refused.body["error"]["message"].as_str().unwrap();
    assert_eq!(message, "\"localhost\" has no public address");
    assert_eq!(metric(&desk, ERIC, "uploads_allowed").await, 0);
}
