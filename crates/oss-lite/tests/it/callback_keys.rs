//! Public keys as they are fetched. The host is fixed, so the server of the tests is an HTTP proxy to it.

use std::sync::mpsc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use oss_lite::callback::{CallbackError, CallbackErrorKind, CallbackKeys};
use tokio::time::advance;

use crate::callback_signatures::RECORDED;
use crate::server::{Reply, Server, http_builder, reply};

fn keys(server: &Server) -> CallbackKeys {
    let proxy = reqwest::Proxy::http(format!("http://{}", server.address)).expect("a proxy");
    CallbackKeys::new(http_builder().proxy(proxy).build().expect("a client"))
}

fn header(name: &str) -> String {
    BASE64.encode(format!("http://gosspublic.alicdn.com/{name}"))
}

fn pem(name: &str) -> Reply {
    reply("200 OK", &[], &RECORDED.keys[name])
}

/// Time stands still until it is advanced, also while the network is waited for.
struct Frozen {
    _until_dropped: mpsc::Sender<()>,
}

fn freeze() -> Frozen {
    let (until_dropped, dropped) = mpsc::channel::<()>();
    tokio::task::spawn_blocking(move || dropped.recv().is_err());
    tokio::time::pause();
    Frozen { _until_dropped: until_dropped }
}

async fn verify(keys: &CallbackKeys, id: &str, header: &str) -> Result<(), CallbackError> {
    keys.verify(&RECORDED.case(id).parts(header)).await
}

async fn kind(keys: &CallbackKeys, header: &str) -> CallbackErrorKind {
    verify(keys, "plain-512", header).await.expect_err("refused").kind()
}

#[tokio::test]
async fn the_published_key_is_never_fetched() {
    let server = Server::with([]).await;
    let keys = keys(&server);
    for scheme in ["http", "https"] {
        let url = BASE64.encode(format!("{scheme}://gosspublic.alicdn.com/callback_pub_key_v1.pem"));
        verify(&keys, "cb-1-doc", &url).await.expect("taken");
        let error = verify(&keys, "cb-4-tampered-query", &url).await.expect_err("tampered");
        assert_eq!(error.kind(), CallbackErrorKind::Forged);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn another_key_is_fetched_once_and_kept() {
    let server = Server::with([pem("test-512")]).await;
    let keys = keys(&server);
    for _ in 0..3 {
        verify(&keys.clone(), "plain-512", &header("v2.pem")).await.expect("taken");
    }
    let line = server.only_request().request_line().to_owned();
    assert_eq!(line, "GET http://gosspublic.alicdn.com/v2.pem HTTP/1.1");
}

#[tokio::test]
async fn calls_that_come_together_share_one_fetch() {
    let server = Server::with([pem("test-512")]).await;
    let (keys, header) = (keys(&server), header("v2.pem"));
    let calls = (0..20).map(|_| verify(&keys, "plain-512", &header));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.expect("taken");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nobody_is_asked_for_what_cannot_be_good() {
    let server = Server::with([]).await;
    let keys = keys(&server);
    assert_eq!(
        kind(&keys, &BASE64.encode("http://gosspublic.alicdn.com.evil/k")).await,
        CallbackErrorKind::UntrustedKey
    );
    assert_eq!(kind(&keys, "@").await, CallbackErrorKind::Malformed);
    let header = header("v2.pem");
    let mut parts = RECORDED.case("plain-512").parts(&header);
    parts.authorization = "no signature";
    assert_eq!(keys.verify(&parts).await.expect_err("malformed").kind(), CallbackErrorKind::Malformed);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn what_is_no_key_is_not_kept() {
    let _frozen = freeze();
    let endless = ["HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", &" ".repeat(9000)].concat();
    for bad in [
        reply("404 Not Found", &[], "no"),
        reply("500 Oops", &[], &RECORDED.keys["test-512"]),
        reply("302 Found", &[("location", "http://gosspublic.alicdn.com/other.pem")], ""),
        reply("200 OK", &[], "<html>"),
        reply("200 OK", &[], b"\xff"),
        Reply::Stall(endless.into_bytes()),
        Reply::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n-----BEGIN".to_vec()),
        Reply::Last(Vec::new()),
    ] {
        let server = Server::with([bad, pem("test-512")]).await;
        let keys = keys(&server);
        let header = header("v2.pem");
        let error = verify(&keys, "plain-512", &header).await.expect_err("no key");
        assert_eq!((error.kind(), error.status()), (CallbackErrorKind::KeyUnavailable, 503));
        assert!(error.to_string().contains("http://gosspublic.alicdn.com/v2.pem"), "{error}");

        assert_eq!(kind(&keys, &header).await, CallbackErrorKind::KeyUnavailable);
        assert_eq!(server.requests().len(), 1, "held back");
        advance(Duration::from_secs(1)).await;
        verify(&keys, "plain-512", &header).await.expect("fetched after a while");
    }
}

#[tokio::test]
async fn a_key_from_elsewhere_is_not_taken_even_if_the_client_follows() {
    let moved = reply("302 Found", &[("location", "http://gosspublic.alicdn.com/other.pem")], "");
    let server = Server::with([moved, pem("test-512")]).await;
    let proxy = reqwest::Proxy::http(format!("http://{}", server.address)).expect("a proxy");
    let following = http_builder().proxy(proxy).redirect(reqwest::redirect::Policy::limited(3));
    let keys = CallbackKeys::new(following.build().expect("a client"));
    assert_eq!(kind(&keys, &header("v2.pem")).await, CallbackErrorKind::KeyUnavailable);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_silent_is_given_up() {
    let server = Server::with([Reply::Stall(Vec::new())]).await;
    let keys = keys(&server);
    let before = tokio::time::Instant::now();
    assert_eq!(kind(&keys, &header("v2.pem")).await, CallbackErrorKind::KeyUnavailable);
    assert_eq!(before.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn a_call_that_goes_away_leaves_the_key_to_the_next() {
    let server = Server::with([Reply::Stall(Vec::new()), pem("test-512")]).await;
    let (keys, header) = (keys(&server), header("v2.pem"));
    let gone = tokio::spawn({
        let (keys, header) = (keys.clone(), header.clone());
        async move { verify(&keys, "plain-512", &header).await }
    });
    server.received(1).await;
    gone.abort();
    assert!(gone.await.expect_err("gone").is_cancelled());
    verify(&keys, "plain-512", &header).await.expect("taken");
}

#[tokio::test]
async fn names_made_up_by_the_caller_are_tried_within_limits() {
    let server =
        Server::with((0..14).map(|_| reply("404 Not Found", &[], "")).chain([pem("test-512")])).await;
    let _frozen = freeze();
    let keys = keys(&server);
    for at in 0..40 {
        assert_eq!(kind(&keys, &header(&format!("made-up-{at}"))).await, CallbackErrorKind::KeyUnavailable);
    }
    assert_eq!(server.requests().len(), 14, "two places are those of the published key");
    let published = RECORDED.pub_key_url.as_str();
    verify(&keys, "cb-1-doc", published).await.expect("known all the same");
    advance(Duration::from_secs(1)).await;
    verify(&keys, "plain-512", &header("v2.pem")).await.expect("there is room again");
}
