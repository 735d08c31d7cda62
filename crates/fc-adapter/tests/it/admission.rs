//! Who is let in, and whose word the headers are, on a platform and elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use fc_adapter::{Adapter, FcContext, Platform};
use http::{HeaderMap, Request, Response};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

use crate::common::{Reply, Server};

const ELSEWHERE: [Platform; 2] = [Platform::Elsewhere, Platform::TencentCloud];

const CLAIMED: [(&str, &str); 6] = [
    ("x-fc-request-id", "claimed-id"),
    ("x-fc-access-key-id", "claimed-key"),
    ("x-fc-access-key-secret", "claimed-secret"),
    ("x-fc-security-token", "claimed-token"),
    ("x-fc-retry-count", "7"),
    ("x-fc-account-id", "claimed-account"),
];

/// Says what the context holds.
async fn describe(_: LambdaEvent<Value>) -> Result<Value, Error> {
    let context = FcContext::current().ok_or("no context")?;
    Ok(json!([
        context.request_id.starts_with("claimed"),
        context.credentials.is_some(),
        context.retry_count,
        context.account_id.is_some()
    ]))
}

fn has_token(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| value == "Bearer open")
}

async fn ask(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    server.client().await.request(method, path, headers, b"7").await
}

#[tokio::test]
async fn headers_of_function_compute_say_nothing_elsewhere() {
    for platform in ELSEWHERE {
        let server = Server::start_on(platform, Adapter::new(service_fn(describe))).await;
        ask(&server, "POST", "/invoke", &CLAIMED).await.assert_success("[false,false,0,false]");
        let routed = [("x-fc-control-path", "/pre-stop")];
        ask(&server, "POST", "/invoke", &routed).await.assert_success("[false,false,0,false]");
    }
    let server = Server::start(Adapter::new(service_fn(describe))).await;
    ask(&server, "POST", "/invoke", &CLAIMED).await.assert_success("[true,true,7,true]");
}

#[tokio::test]
async fn a_hook_sees_no_such_header_either() {
    let hook = async |request: Request<Bytes>| {
        let claimed = request.headers().keys().filter(|name| name.as_str().starts_with("x-fc-")).count();
        Response::new(claimed.to_string().into())
    };
    for (platform, seen) in [(Platform::Elsewhere, "0"), (Platform::FunctionCompute, "6")] {
        let adapter = Adapter::new(service_fn(describe)).on_http(8, hook);
        let server = Server::start_on(platform, adapter).await;
        assert_eq!(ask(&server, "POST", "/objects", &CLAIMED).await.text(), seen, "{platform:?}");
    }
}

#[tokio::test]
async fn only_admitted_requests_reach_a_handler_or_a_hook() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = |calls: &Arc<AtomicUsize>| {
        let calls = Arc::clone(calls);
        move |_: Arc<FcContext>| {
            calls.fetch_add(1, Ordering::Relaxed);
            async { Ok(()) }
        }
    };
    let handled = Arc::clone(&calls);
    let handler = service_fn(move |event: LambdaEvent<Value>| {
        handled.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, Error>(event.payload) }
    });
    let adapter =
        Adapter::new(handler).on_initialize(counted(&calls)).on_pre_stop(counted(&calls)).admit(has_token);
    let server = Server::start_on(Platform::Elsewhere, adapter).await;
    let all = [
        ("POST", "/invoke"),
        ("POST", "/event-invoke"),
        ("POST", "/initialize"),
        ("GET", "/pre-stop"),
        ("GET", "/pre-freeze"),
        ("GET", "/other"),
        ("GET", "/invoke"),
        ("POST", "/healthz"),
    ];
    for (method, path) in all {
        for headers in [&[][..], &[("authorization", "Bearer shut")], &[("x-fc-control-path", "/healthz")]] {
            let reply = ask(&server, method, path, headers).await;
            assert_eq!((reply.status, reply.fc_status()), (401, Some("404")), "{method} {path} {headers:?}");
            assert_eq!(reply.headers["www-authenticate"], "Bearer");
            assert!(reply.text().contains("Unauthorized"), "{reply:?}");
        }
    }
    assert_eq!((calls.load(Ordering::Relaxed), server.log().as_str()), (0, ""));
    server.get("/healthz").await.assert_success("");

    for (method, path) in all {
        assert_ne!(ask(&server, method, path, &[("authorization", "Bearer open")]).await.status, 401);
    }
    assert_eq!(calls.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_the_body() {
    let server = Server::start(Adapter::new(service_fn(describe)).admit(has_token)).await;
    let mut client = server.client().await;
    client.send("POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\ncontent-length: 1000000\r\n\r\n").await;
    assert_eq!(client.reply().await.status, 401);
}

#[tokio::test]
async fn a_hook_for_other_paths_lets_in_whom_it_wants() {
    let hook = async |_: Request<Bytes>| Response::new(Bytes::from_static(b"hook"));
    let adapter = Adapter::new(service_fn(describe)).on_http(8, hook).admit(|_| false);
    let server = Server::start_on(Platform::Elsewhere, adapter).await;
    assert_eq!(ask(&server, "POST", "/objects", &[]).await.text(), "hook");
    assert_eq!(ask(&server, "POST", "/invoke", &[]).await.status, 401);
    assert_eq!(ask(&server, "GET", "/objects", &[("x-fc-control-path", "/invoke")]).await.text(), "hook");
}
