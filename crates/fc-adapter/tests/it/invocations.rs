//! What an invocation answers, depending on what the handler does.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task;
use std::task::Poll;

use bytes::Bytes;
use fc_adapter::{Adapter, FcContext, RawEvent};
use futures_util::stream;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Service, StreamResponse, service_fn};
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_json::{Value, json};
use tokio::sync::{Barrier, oneshot};

use crate::common::{Client, Server, refuses};

async fn echo(event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(event.payload)
}

#[tokio::test]
async fn the_value_of_the_handler_is_the_body_of_a_success() {
    let server = Server::start(Adapter::new(service_fn(echo))).await;
    let reply = server.invoke(r#"{"a":[1,"é"]}"#).await;
    reply.assert_success(r#"{"a":[1,"é"]}"#);
    assert_eq!(reply.headers["content-type"], "application/json");
}

#[tokio::test]
async fn values_are_written_as_lambda_runtime_writes_them() {
    let unit =
        Server::start(Adapter::new(service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>(())))).await;
    unit.invoke("1").await.assert_success("null");
    let text = service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>("quoted".to_owned()));
    Server::start(Adapter::new(text)).await.invoke("1").await.assert_success(r#""quoted""#);
    let truth = service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>(true));
    Server::start(Adapter::new(truth)).await.invoke("1").await.assert_success("true");
}

#[tokio::test]
async fn an_error_of_the_handler_is_a_failed_invocation_with_its_diagnostic() {
    #[derive(Debug)]
    struct Refused;
    impl From<Refused> for Diagnostic {
        fn from(_: Refused) -> Self {
            Self { error_type: "Refused".into(), error_message: "not \"today\"".into() }
        }
    }
    let server =
        Server::start(Adapter::new(service_fn(async |_: LambdaEvent<Value>| Err::<(), _>(Refused)))).await;
    let reply = server.invoke("{}").await;
    assert_eq!(reply.assert_failure(), ("Refused".into(), "not \"today\"".into()));
    assert_eq!(reply.text(), r#"{"errorMessage":"not \"today\"","errorType":"Refused"}"#);
}

#[tokio::test]
async fn a_boxed_error_gives_its_text() {
    let failing = service_fn(async |_: LambdaEvent<Value>| Err::<(), Error>("out of luck".into()));
    let (_, message) = Server::start(Adapter::new(failing)).await.invoke("{}").await.assert_failure();
    assert_eq!(message, "out of luck");
}

#[tokio::test]
async fn an_event_of_the_wrong_shape_names_the_path_and_never_reaches_the_handler() {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "items")]
        _items: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        #[serde(rename = "size")]
        _size: u32,
    }
    let handler = service_fn(async |_: LambdaEvent<Event>| -> Result<(), Error> { panic!("called") });
    let server = Server::start(Adapter::new(handler)).await;
    let (kind, message) = server.invoke(r#"{"items":[{"size":1},{"size":"x"}]}"#).await.assert_failure();
    assert_eq!(kind, "DeserializeError");
    assert_eq!(
        message,
        "failed to deserialize the incoming data into the function's payload type: [items[1].size] \
         invalid type: string \"x\", expected u32 at line 1 column 32"
    );
}

#[tokio::test]
async fn an_event_that_is_no_json_is_a_failed_invocation() {
    let server = Server::start(Adapter::new(service_fn(echo))).await;
    for (event, reason) in [
        (&b""[..], "EOF while parsing a value at line 1 column 0"),
        (b"\xff\xfe", "expected value at line 1 column 1"),
        (b"{} {}", "trailing characters at line 1 column 4"),
    ] {
        let (kind, message) = server.invoke(event).await.assert_failure();
        assert_eq!(kind, "DeserializeError");
        let context = "failed to deserialize the incoming data into the function's payload type";
        assert_eq!(message, format!("{context}: {reason}"));
    }
}

#[tokio::test]
async fn a_raw_handler_gets_the_exact_bytes() {
    let lengths = service_fn(async |event: LambdaEvent<RawEvent>| Ok::<_, Error>(event.payload.0.to_vec()));
    let server = Server::start(Adapter::new(lengths)).await;
    server.invoke(b"\x00\xff{").await.assert_success("[0,255,123]");
    server.invoke(b"").await.assert_success("[]");
}

#[tokio::test]
async fn a_panic_fails_its_invocation_only() {
    let handler = service_fn(async |event: LambdaEvent<String>| match event.payload.as_str() {
        "literal" => panic!("boom"),
        "formatted" => panic!("boom {}", 2),
        "other" => std::panic::panic_any(7),
        "ok" => Ok::<_, Error>("alive"),
        _ => Err("unexpected".into()),
    });
    let server = Server::start(Adapter::new(handler)).await;
    let mut client = server.client().await;
    for (event, said) in [
        (r#""literal""#, "Lambda panicked: boom"),
        (r#""formatted""#, "Lambda panicked: boom 2"),
        (r#""other""#, "Lambda panicked"),
    ] {
        let reply = client.request("POST", "/invoke", &[], event.as_bytes()).await;
        assert_eq!(reply.assert_failure(), ("Panic".into(), said.into()));
    }
    client.request("POST", "/invoke", &[], br#""ok""#).await.assert_success(r#""alive""#);
}

/// A service that misbehaves where the event says: the first event arms `poll_ready` of every later clone.
#[derive(Clone, Default)]
struct Moody {
    poll_ready: Arc<Mutex<Option<&'static str>>>,
}

impl Service<LambdaEvent<String>> for Moody {
    type Response = &'static str;
    type Error = Error;
    type Future = Ready<Result<&'static str, Error>>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> Poll<Result<(), Error>> {
        let mood = self.poll_ready.lock().take();
        match mood {
            Some("panic") => panic!("not ready, ever"),
            Some(error) => Poll::Ready(Err(error.into())),
            None => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, event: LambdaEvent<String>) -> Self::Future {
        assert_ne!(event.payload, "panic in call", "called");
        ready(Ok("called"))
    }
}

#[tokio::test]
async fn readiness_is_asked_before_each_call_and_its_failures_stay_with_the_invocation() {
    let moody = Moody::default();
    let server = Server::start(Adapter::new(moody.clone())).await;
    let set = |mood| *moody.poll_ready.lock() = Some(mood);

    set("panic");
    let (_, message) = server.invoke(r#""x""#).await.assert_failure();
    assert_eq!(message, "Lambda panicked: not ready, ever");
    set("overloaded");
    let (_, message) = server.invoke(r#""x""#).await.assert_failure();
    assert_eq!(message, "overloaded");
    let (kind, _) = server.invoke(r#""panic in call""#).await.assert_failure();
    assert_eq!(kind, "Panic");
    server.invoke(r#""x""#).await.assert_success(r#""called""#);
}

#[tokio::test]
async fn a_response_that_cannot_be_serialised_is_a_failed_invocation() {
    struct Opaque;
    impl Serialize for Opaque {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(ser::Error::custom("too secret to tell"))
        }
    }
    let handler = service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>(Opaque));
    let (kind, message) = Server::start(Adapter::new(handler)).await.invoke("1").await.assert_failure();
    assert_eq!(kind, "SerializeError");
    assert_eq!(message, "failed to serialize the function's response: too secret to tell");
}

#[tokio::test]
async fn a_stream_is_collected_into_one_body() {
    let handler = service_fn(async |event: LambdaEvent<Vec<String>>| {
        let chunks = event.payload.into_iter().map(|chunk| match chunk.as_str() {
            "fail" => Err(Error::from("source dried up")),
            _ => Ok(Bytes::from(chunk)),
        });
        Ok::<_, Error>(StreamResponse::from(stream::iter(chunks)))
    });
    let server = Server::start(Adapter::new(handler).response_limit(6)).await;

    let whole = server.invoke(r#"["abc","","def"]"#).await;
    whole.assert_success("abcdef");
    assert_eq!(whole.headers["content-type"], "application/octet-stream");

    let (_, message) = server.invoke(r#"["abc","fail"]"#).await.assert_failure();
    assert_eq!(message, "source dried up");
    let (kind, message) = server.invoke(r#"["abc","def","g"]"#).await.assert_failure();
    assert_eq!(
        (kind.as_str(), message.as_str()),
        ("ResponseTooLarge", "the streamed response exceeds the limit of 6 bytes")
    );
}

async fn meet(server: &Server, parties: usize) {
    let together: Vec<_> = (0..parties)
        .map(|_| {
            let addr = server.addr;
            tokio::spawn(
                async move { Client::connect(addr).await.request("POST", "/invoke", &[], b"1").await },
            )
        })
        .collect();
    for invocation in together {
        invocation.await.unwrap().assert_success("1");
    }
}

fn barrier(
    parties: usize,
) -> impl Service<LambdaEvent<u8>, Response = u8, Error = Infallible, Future: Send> + Clone + Send + 'static {
    let barrier = Arc::new(Barrier::new(parties));
    service_fn(move |event: LambdaEvent<u8>| {
        let barrier = Arc::clone(&barrier);
        async move {
            barrier.wait().await;
            Ok(event.payload)
        }
    })
}

#[tokio::test]
async fn invocations_run_at_the_same_time_on_one_thread() {
    let server = Server::start(Adapter::new(barrier(50))).await;
    meet(&server, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invocations_run_at_the_same_time_on_several_threads() {
    let server = Server::start(Adapter::new(barrier(50))).await;
    meet(&server, 50).await;
}

#[tokio::test]
async fn the_handler_sees_both_contexts_of_its_own_request() {
    let handler = service_fn(async |event: LambdaEvent<Value>| {
        tokio::task::yield_now().await;
        let fc = FcContext::current().ok_or("no context")?;
        let credentials = fc.credentials.as_ref().ok_or("no credentials")?;
        Ok::<_, Error>(json!({
            "ids": [fc.request_id, event.context.request_id],
            "region": fc.region.as_deref(),
            "qualifier": fc.qualifier.as_deref(),
            "retries": fc.retry_count,
            "key": [credentials.access_key_id, credentials.access_key_secret.expose_secret()],
            "arn": event.context.invoked_function_arn,
            "function": event.context.env_config.function_name,
            "seconds_left": fc.deadline.duration_since(tokio::time::Instant::now()).as_secs() / 100,
            "deadlines_agree": fc.deadline_at.duration_since(event.context.deadline())?.as_millis(),
        }))
    });
    let server = Server::start(Adapter::new(handler).timeout(std::time::Duration::from_secs(999))).await;
    let headers = [
        ("x-fc-request-id", "r-7"),
        ("x-fc-region", "cn-hangzhou"),
        ("x-fc-account-id", "42"),
        ("x-fc-function-name", "sync"),
        ("x-fc-qualifier", "LATEST"),
        ("x-fc-retry-count", "1"),
        ("x-fc-function-timeout", "999"),
        ("x-fc-access-key-id", "STS.id"),
        ("x-fc-access-key-secret", "secret"),
        ("x-fc-security-token", "token"),
    ];
    let reply = server.client().await.request("POST", "/invoke", &headers, b"{}").await;
    let seen: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        seen,
        json!({
            "ids": ["r-7", "r-7"],
            "region": "cn-hangzhou",
            "qualifier": "LATEST",
            "retries": 1,
            "key": ["STS.id", "secret"],
            "arn": "acs:fc:cn-hangzhou:42:functions/sync/LATEST",
            "function": "sync",
            "seconds_left": 9,
            "deadlines_agree": 0,
        })
    );
    assert!(FcContext::current().is_none(), "outside of a handler there is none");
}

#[tokio::test]
async fn the_configured_timeout_makes_the_deadline_when_the_platform_is_silent() {
    let handler = service_fn(async |_: LambdaEvent<Value>| {
        let fc = FcContext::current().ok_or("no context")?;
        Ok::<_, Error>(fc.deadline.duration_since(tokio::time::Instant::now()).as_secs().div_ceil(100))
    });
    let timeout = std::time::Duration::from_secs(800);
    let server = Server::start(Adapter::new(handler).timeout(timeout)).await;
    server.invoke("1").await.assert_success("8");
}

#[tokio::test]
async fn a_handler_comes_to_its_end_when_the_client_has_gone() {
    let (entered, was_entered) = oneshot::channel();
    let (release, released) = oneshot::channel::<()>();
    let (ended, has_ended) = oneshot::channel();
    let once = Arc::new(Mutex::new(Some((entered, released, ended))));
    let handler = service_fn(move |_: LambdaEvent<Value>| {
        let taken = once.lock().take();
        async move {
            let (entered, released, ended) = taken.ok_or("second call")?;
            let _ = entered.send(());
            let _ = released.await;
            let _ = ended.send(());
            Ok::<_, Error>(())
        }
    });
    let mut server = Server::start(Adapter::new(handler)).await;
    let mut client = server.client().await;
    client
        .send(
            "POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\ncontent-length: 2\r\n\r\n{}",
        )
        .await;
    was_entered.await.unwrap();
    drop(client);
    // A shutdown waits for it, though no connection is left.
    server.ask_to_stop();
    refuses(server.addr).await;
    assert!(!server.has_stopped());
    release.send(()).unwrap();
    has_ended.await.unwrap();
    server.stopped().await;
}
