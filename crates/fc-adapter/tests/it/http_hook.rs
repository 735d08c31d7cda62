//! Requests outside of the platform's contract, answered by a hook.

use std::sync::Arc;

use bytes::Bytes;
use fc_adapter::{Adapter, Busy, FcContext};
use http::{Request, Response};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use parking_lot::Mutex;
use serde_json::Value;

use crate::common::Server;

const LIMIT: usize = 8;

/// Says what it was asked, and by which request.
async fn describe(request: Request<Bytes>) -> Response<Bytes> {
    assert_ne!(request.uri().path(), "/panic", "as asked");
    let context = FcContext::current().unwrap();
    let body = String::from_utf8_lossy(request.body());
    let text = format!("{} {} {body} {}", request.method(), request.uri(), context.request_id);
    Response::builder().status(202).header("x-own", "yes").body(text.into()).unwrap()
}

async fn server() -> Server {
    let handler = service_fn(async |event: LambdaEvent<Value>| Ok::<_, Error>(event.payload));
    Server::start(Adapter::new(handler).on_http(LIMIT, describe)).await
}

#[tokio::test]
async fn paths_outside_the_contract_are_answered_by_the_hook_as_it_says() {
    let server = server().await;
    let id = ("x-fc-request-id", "r-7");
    let trigger = ("x-fc-control-path", "/http-invoke");
    for (path, headers) in
        [("/a?b=c", &[id][..]), ("/a", &[id, trigger][..]), ("/invoke", &[id, trigger][..])]
    {
        let reply = server.client().await.request("PUT", path, headers, b"body").await;
        assert_eq!((reply.status, reply.text()), (202, &*format!("PUT {path} body r-7")));
        assert_eq!((reply.headers["x-own"].as_str(), reply.fc_status()), ("yes", None));
    }
    assert!(server.log().contains("FC Invoke Start RequestId: r-7"), "{}", server.log());
}

#[tokio::test]
async fn the_contract_itself_is_served_beside_a_hook() {
    let server = server().await;
    server.invoke("7").await.assert_success("7");
    server.get("/healthz").await.assert_success("");
    let health = [("x-fc-control-path", "/http-invoke")];
    server.client().await.request("GET", "/healthz", &health, b"").await.assert_success("");
    let (kind, _) = server.get("/invoke").await.assert_failure();
    assert_eq!(kind, "MethodNotAllowed");
    let unknown = [("x-fc-control-path", "/other")];
    let (kind, _) = server.client().await.request("GET", "/", &unknown, b"").await.assert_failure();
    assert_eq!(kind, "NotFound");
}

#[tokio::test]
async fn a_body_over_the_limit_of_the_hook_is_413() {
    let server = server().await;
    let mut client = server.client().await;
    let reply = client.request("POST", "/a", &[], &[b'x'; LIMIT + 1]).await;
    assert_eq!((reply.status, reply.fc_status()), (413, None));
    let kept = client.request("POST", "/a", &[], &[b'x'; LIMIT]).await;
    assert_eq!(kept.status, 202);
}

#[tokio::test]
async fn a_panic_of_the_hook_is_500_and_ends_nothing() {
    let server = server().await;
    let reply = server.get("/panic").await;
    assert_eq!((reply.status, reply.fc_status()), (500, None));
    assert!(reply.text().contains("as asked"), "{}", reply.text());
    assert_eq!(server.get("/a").await.status, 202);
}

#[tokio::test]
async fn the_end_waits_for_work_that_goes_on_after_the_answer() {
    let keep = Arc::new(Mutex::new(None));
    let taken = Arc::clone(&keep);
    let handler = service_fn(async |event: LambdaEvent<Value>| Ok::<_, Error>(event.payload));
    let adapter = Adapter::new(handler).on_http(LIMIT, move |request| {
        *taken.lock() = request.extensions().get::<Busy>().cloned();
        async { Response::new(Bytes::new()) }
    });
    let server = Server::start(adapter).await;
    assert_eq!(server.get("/a").await.status, 200);
    let mut waiting = server.client().await;
    waiting.send("GET /pre-stop HTTP/1.1\r\nhost: fc\r\ncontent-length: 0\r\n\r\n").await;
    let works = || keep.lock().is_some();
    let (worked_on, ()) = tokio::join!(
        async {
            waiting.reply().await.assert_success("");
            works()
        },
        async {
            // Time enough for an answer that does not wait.
            for _ in 0..10 {
                assert_eq!(server.get("/healthz").await.status, 200);
            }
            assert!(works());
            keep.lock().take();
        }
    );
    assert!(!worked_on);
}
