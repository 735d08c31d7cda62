//! Hooks and the end of the server.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fc_adapter::{Adapter, FcContext};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Service, service_fn};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::common::{Client, Server, refuses};

/// Work that says when it has begun and ends when it is let go.
#[derive(Clone)]
struct Gate {
    begun: Arc<Semaphore>,
    open: Arc<Semaphore>,
    ended: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self {
            begun: Arc::new(Semaphore::new(0)),
            open: Arc::new(Semaphore::new(0)),
            ended: Arc::new(Semaphore::new(0)),
        }
    }

    async fn pass(&self) {
        self.begun.add_permits(1);
        self.open.acquire().await.unwrap().forget();
        self.ended.add_permits(1);
    }

    async fn has_begun(&self) {
        self.begun.acquire().await.unwrap().forget();
    }

    async fn has_ended(&self) {
        self.ended.acquire().await.unwrap().forget();
    }

    fn handler(
        &self,
    ) -> impl Service<LambdaEvent<Value>, Response = &'static str, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static {
        let gate = self.clone();
        service_fn(move |_: LambdaEvent<Value>| {
            let gate = gate.clone();
            async move {
                gate.pass().await;
                Ok("done")
            }
        })
    }
}

async fn idle(_: LambdaEvent<Value>) -> Result<(), Error> {
    Ok(())
}

const INVOKE: &str =
    "POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::test]
async fn initialize_runs_the_hook_with_its_context() {
    let adapter = Adapter::new(service_fn(idle)).on_initialize(|context| async move {
        let current = FcContext::current().ok_or("no current context")?;
        match (context.region.as_deref(), current.region.as_deref()) {
            (Some("cn-hangzhou"), Some("cn-hangzhou")) => Ok(()),
            other => Err(format!("{other:?}").into()),
        }
    });
    let server = Server::start(adapter).await;
    let headers = [("x-fc-request-id", "r-0"), ("x-fc-region", "cn-hangzhou")];
    server.client().await.request("POST", "/initialize", &headers, b"").await.assert_success("");
    assert_eq!(server.log(), "FC Initialize Start RequestId: r-0\nFC Initialize End RequestId: r-0\n");
}

#[tokio::test]
async fn initialize_tells_the_reason_of_its_failure() {
    let adapter = Adapter::new(service_fn(idle)).on_initialize(|_| async {
        Err(Diagnostic { error_type: "Configuration".into(), error_message: "LOG_BUCKET is not set".into() })
    });
    let server = Server::start(adapter).await;
    let reply = server.client().await.request("POST", "/initialize", &[], b"").await;
    assert_eq!(reply.assert_failure(), ("Configuration".into(), "LOG_BUCKET is not set".into()));
    server.invoke("{}").await.assert_success("null");
}

#[tokio::test]
async fn a_panic_in_a_hook_fails_the_hook_only() {
    let adapter = Adapter::new(service_fn(idle)).on_initialize(|_| async { panic!("no luck") }).on_pre_stop(
        |context| {
            assert!(context.region.is_some(), "region is missing");
            async { Ok(()) }
        },
    );
    let server = Server::start(adapter).await;
    let mut client = server.client().await;
    let reply = client.request("POST", "/initialize", &[("x-fc-request-id", "r-0")], b"").await;
    assert_eq!(reply.assert_failure(), ("Panic".into(), "Lambda panicked: no luck".into()));
    assert!(server.log().ends_with("FC Initialize End RequestId: r-0, Error: Unhandled function error\n"));
    let reply = client.request("GET", "/pre-stop", &[], b"").await;
    assert_eq!(reply.assert_failure(), ("Panic".into(), "Lambda panicked: region is missing".into()));
    client.request("POST", "/invoke", &[], b"{}").await.assert_success("null");
}

#[tokio::test]
async fn pre_stop_answers_after_the_work_and_the_hook() {
    let gate = Gate::new();
    let hooked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&hooked);
    let adapter = Adapter::new(gate.handler()).on_pre_stop(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok(()) }
    });
    let server = Server::start(adapter).await;
    let mut working = server.client().await;
    working.send(INVOKE).await;
    gate.has_begun().await;
    let stopping = tokio::spawn({
        let mut client = server.client().await;
        async move { client.request("GET", "/pre-stop", &[], b"").await }
    });
    server.get("/healthz").await.assert_success("");
    assert!(!stopping.is_finished());
    assert_eq!(hooked.load(Ordering::SeqCst), 0, "the hook comes after the work");
    gate.open.add_permits(1);
    stopping.await.unwrap().assert_success("");
    assert_eq!(hooked.load(Ordering::SeqCst), 1);
    working.reply().await.assert_success(r#""done""#);
}

#[tokio::test]
async fn pre_freeze_waits_for_the_work_as_well() {
    let gate = Gate::new();
    let server = Server::start(Adapter::new(gate.handler())).await;
    let mut working = server.client().await;
    working.send(INVOKE).await;
    gate.has_begun().await;
    let freezing = tokio::spawn({
        let mut client = server.client().await;
        async move { client.request("GET", "/pre-freeze", &[], b"").await }
    });
    server.get("/healthz").await.assert_success("");
    assert!(!freezing.is_finished());
    gate.open.add_permits(1);
    freezing.await.unwrap().assert_success("");
    working.reply().await.assert_success(r#""done""#);
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_still_gets_the_answer() {
    let gate = Gate::new();
    let server = Server::start(Adapter::new(gate.handler())).await;
    let mut client = server.client().await;
    client.send(INVOKE).await;
    gate.has_begun().await;
    client.finish().await;
    // By the time another request is answered the server has seen the end of this one's sending side.
    server.get("/healthz").await.assert_success("");
    gate.open.add_permits(1);
    client.reply().await.assert_success(r#""done""#);
    client.assert_closed().await;
}

#[tokio::test]
async fn shutdown_finishes_what_is_in_hand_and_takes_nothing_new() {
    let gate = Gate::new();
    let mut server = Server::start(Adapter::new(gate.handler())).await;
    let mut idle = server.client().await;
    idle.request("GET", "/healthz", &[], b"").await.assert_success("");
    let mut working = server.client().await;
    working.send(INVOKE).await;
    gate.has_begun().await;

    server.ask_to_stop();
    idle.assert_closed().await;
    assert!(tokio::net::TcpStream::connect(server.addr).await.is_err());
    assert!(!server.has_stopped());

    gate.open.add_permits(1);
    let reply = working.reply().await;
    reply.assert_success(r#""done""#);
    assert_eq!(reply.headers["connection"], "close");
    server.stopped().await;
}

#[tokio::test]
async fn shutdown_still_takes_an_event_that_is_on_its_way() {
    let gate = Gate::new();
    gate.open.add_permits(1);
    let mut server = Server::start(Adapter::new(gate.handler())).await;
    let mut client = server.client().await;
    client
        .send("POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{")
        .await;
    assert_eq!(client.reply().await.status, 100);
    server.ask_to_stop();
    refuses(server.addr).await;
    client.send("}").await;
    client.reply().await.assert_success(r#""done""#);
    server.stopped().await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_client_does_not_hold_up_the_shutdown() {
    let mut server = Server::start(Adapter::new(service_fn(idle))).await;
    let mut client = server.client().await;
    client
        .send("POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n{")
        .await;
    assert_eq!(client.reply().await.status, 100);
    let asked = tokio::time::Instant::now();
    server.ask_to_stop();
    client.assert_closed().await;
    assert_eq!(asked.elapsed().as_secs(), 5);
    server.stopped().await;
}

#[tokio::test]
async fn a_server_that_is_dropped_closes_its_connections_and_lets_handlers_finish() {
    let gate = Gate::new();
    let bound = Adapter::new(gate.handler())
        .listen(([127, 0, 0, 1], 0).into())
        .markers(fc_adapter::Markers::Off)
        .bind()
        .await
        .unwrap();
    let addr = bound.local_addr();
    let serving = tokio::spawn(bound.serve(std::future::pending()));
    let mut client = Client::connect(addr).await;
    client.send(INVOKE).await;
    gate.has_begun().await;
    serving.abort();
    client.assert_closed().await;
    gate.open.add_permits(1);
    gate.has_ended().await;
}
