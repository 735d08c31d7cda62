//! The engine against a scripted server on loopback. Backoff waits are zero here (`random` gives 0).

mod refusals;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicUsize;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use signature_breaker::Breakers;

/// A request as the server saw it.
#[derive(Clone, Debug)]
struct Seen {
    head: String,
    keys: Vec<String>,
}

enum Reply {
    Status(u16, &'static str),
    WithDate(u16, &'static str, DateTime<Utc>),
    /// A body of so many bytes more than these is announced, then the connection ends.
    BrokenOff(u16, &'static str),
    Reset,
}

const OK: Reply = Reply::Status(200, "");

type Script = dyn Fn(usize, &Seen) -> Reply + Send + Sync;

struct Server {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    async fn start(script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v2/p/sync-tasks/t/events", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, number, requests): (Arc<Script>, _, _) =
            (Arc::new(script), Arc::new(AtomicUsize::new(0)), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (script, number, requests) =
                    (Arc::clone(&script), Arc::clone(&number), Arc::clone(&requests));
                tokio::spawn(async move { connection(stream, &*script, &number, &requests).await });
            }
        });
        Self { url, seen, task }
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    fn engine(&self) -> OmsEngine {
        self.engine_with(&Breakers::new(noon), noon)
    }

    fn engine_with(&self, breakers: &Breakers, clock: Clock) -> OmsEngine {
        let credentials = Credentials::new("AK", "SK");
        OmsEngine::new(
            reqwest_client(),
            OmsConfig {
                target: SyncUrl::parse(&self.url).unwrap(),
                breaker: breakers.of_oms(&credentials),
                credentials,
                batch: 10,
                max_rps: None,
                in_flight: IN_FLIGHT,
                clock,
                random: || 0.0,
            },
        )
    }
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn reqwest_client() -> reqwest::Client {
    http_client::build(http_client::Proxies::None).unwrap()
}

async fn connection(
    mut stream: TcpStream,
    script: &Script,
    number: &AtomicUsize,
    requests: &Mutex<Vec<Seen>>,
) {
    let mut buffer = Vec::new();
    while let Some(seen) = request(&mut stream, &mut buffer).await {
        let reply = script(number.fetch_add(1, Ordering::SeqCst), &seen);
        requests.lock().push(seen);
        let (status, body, date) = match reply {
            Reply::Reset => return,
            Reply::BrokenOff(status, body) => {
                let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 9);
                stream.write_all(head.as_bytes()).await.unwrap();
                return;
            }
            Reply::Status(status, body) => (status, body, None),
            Reply::WithDate(status, body, date) => (status, body, Some(date)),
        };
        let date = date
            .map(|date| format!("date: {}\r\n", date.format("%a, %d %b %Y %H:%M:%S GMT")))
            .unwrap_or_default();
        let reply = format!(
            "HTTP/1.1 {status} X\r\n{date}x-request-id: r-1\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(reply.as_bytes()).await.unwrap();
    }
}

async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec()).unwrap().to_lowercase();
            let length: usize = head
                .split("content-length: ")
                .nth(1)
                .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
            if buffer.len() >= end + 4 + length {
                let body = buffer.drain(..end + 4 + length).skip(end + 4).collect::<Vec<_>>();
                let keys: BTreeMap<String, Vec<String>> = serde_json::from_slice(&body).unwrap_or_default();
                return Some(Seen { head, keys: keys.get("object_keys").cloned().unwrap_or_default() });
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

async fn outcomes(engine: &OmsEngine, keys: &[&str]) -> BTreeMap<String, Outcome> {
    outcomes_until(engine, keys, Instant::now() + Duration::from_mins(1)).await
}

async fn outcomes_until(engine: &OmsEngine, keys: &[&str], deadline: Instant) -> BTreeMap<String, Outcome> {
    let mut settled = BTreeMap::new();
    let mut outcomes = engine.submit(keys.iter().copied(), deadline);
    while let Some((index, outcome)) = outcomes.next().await {
        assert!(settled.insert(keys[index].to_owned(), outcome).is_none(), "settled twice");
    }
    assert_eq!(settled.len(), keys.len());
    settled
}

async fn failure(engine: &OmsEngine) -> Failure {
    match outcomes(engine, &["k"]).await.remove("k") {
        Some(Outcome::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

fn accepted(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Accepted(_))
}

#[tokio::test]
async fn ninety_five_keys_go_out_in_ten_full_requests() {
    let server = Server::start(|_, _| OK).await;
    let engine = server.engine();
    let keys: Vec<String> = (0..95).map(|n| format!("dir/{n} +.txt")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    assert!(outcomes(&engine, &keys).await.values().all(accepted));
    let seen = server.seen();
    assert_eq!((seen.len(), engine.requests()), (10, 10));
    let mut sizes: Vec<usize> = seen.iter().map(|request| request.keys.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [5, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
    assert!(seen.iter().all(|request| {
        request.keys.iter().all(|key| key.starts_with("dir%2F") && key.ends_with("%20%2B.txt"))
    }));
    assert!(seen[0].head.contains("authorization: sdk-hmac-sha256 access=ak, signedheaders="));
}

#[tokio::test]
async fn keys_of_invocations_that_arrive_together_share_a_request() {
    let server = Server::start(|_, _| OK).await;
    let engine = server.engine();
    let (a, b) = tokio::join!(outcomes(&engine, &["a", "same"]), outcomes(&engine, &["b", "same"]));
    assert!(a.values().chain(b.values()).all(accepted));
    let mut keys: Vec<Vec<String>> = server.seen().into_iter().map(|seen| seen.keys).collect();
    keys.sort();
    assert_eq!(keys, [vec!["a", "same", "b"], vec!["same"]], "a key stands once in a request");
}

#[tokio::test]
async fn transient_errors_are_retried() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Status(503, r#"{"error_code":"OMS.2004","error_msg":"later"}"#),
        1 => Reply::Reset,
        2 => Reply::Status(200, r#"{"error_code":"OMS.1","error_msg":"a lie"}"#),
        3 => Reply::Status(429, r#"{"error_code":"APIGW.0308","error_msg":"too many"}"#),
        _ => OK,
    })
    .await;
    assert_eq!(
        outcomes(&server.engine(), &["k"]).await["k"],
        Outcome::Accepted(Acceptance { request_id: Some("r-1".to_owned()), ..Acceptance::default() })
    );
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn persistent_errors_end_after_six_tries() {
    let server =
        Server::start(|_, _| Reply::Status(503, r#"{"error_code":"OMS.2004","error_msg":"later"}"#)).await;
    let failure = failure(&server.engine()).await;
    assert_eq!(failure.class, FailureClass::Transient);
    assert_eq!(failure.error.to_string(), "503 OMS.2004 later");
    assert_eq!(failure.request_id.as_deref(), Some("r-1"));
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test]
async fn an_unreachable_service_is_a_transient_error() {
    let server = Server::start(|_, _| Reply::Reset).await;
    let failure = failure(&server.engine()).await;
    assert_eq!((failure.class, failure.error.status), (FailureClass::Transient, None));
    // Host and port, which is what there is to check, and no more of the URL.
    let (message, address) = (failure.error.message, server.url.split('/').nth(2).unwrap());
    assert!(
        message.starts_with(&format!("no reply from OMS: the connection to {address} failed: ")),
        "{message}"
    );
    assert!(!message.contains("http://") && !message.contains("sync-tasks"), "{message}");
}

#[tokio::test]
async fn a_bad_key_is_found_by_halving_and_the_others_arrive() {
    let server = Server::start(|_, seen| {
        if seen.keys.iter().any(|key| key.starts_with("bad")) {
            return Reply::Status(
                400,
                r#"{"error_code":"OMS.0064","error_msg":"Invalid request parameters."}"#,
            );
        }
        OK
    })
    .await;
    let keys = ["a", "b", "c", "bad1", "d", "e", "f", "bad2", "g", "h"];
    for (key, outcome) in outcomes(&server.engine(), &keys).await {
        match outcome {
            Outcome::Accepted(_) => assert!(!key.starts_with("bad"), "{key}"),
            Outcome::Failed(failure) => {
                assert!(key.starts_with("bad"), "{key}");
                assert_eq!((failure.class, failure.error.status), (FailureClass::Permanent, Some(400)));
            }
        }
    }
    assert!(server.seen().len() <= 15, "{}", server.seen().len());
}

#[tokio::test]
async fn refused_credentials_cost_two_requests_for_any_number_of_keys() {
    let server = Server::start(|_, _| {
        Reply::Status(401, r#"{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information: verify aksk signature fail, canonicalRequest:POST|x"}"#)
    })
    .await;
    let engine = server.engine();
    let keys: Vec<String> = (0..200).map(|n| n.to_string()).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for outcome in outcomes(&engine, &keys).await.into_values() {
        let Outcome::Failed(failure) = outcome else { panic!("accepted") };
        assert_eq!(failure.class, FailureClass::Auth);
        assert!(!failure.error.message.contains("canonicalRequest"));
    }
    assert!(failure(&engine).await.error.message.contains("sending resumes at 2023-11-14T22:"));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_locked_access_key_costs_one_request() {
    let server =
        Server::start(|_, _| Reply::Status(401, "AK access failed to reach the limit,forbidden")).await;
    let engine = server.engine();
    assert_eq!(failure(&engine).await.class, FailureClass::Auth);
    assert_eq!(failure(&engine).await.class, FailureClass::Auth);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_off_is_corrected_from_the_reply() {
    let server = Server::start(|_, seen| {
        if seen.head.contains("x-sdk-date: 20231114t231320z") {
            return OK;
        }
        let date = DateTime::from_timestamp(1_700_003_600, 0).unwrap();
        Reply::WithDate(401, r#"{"error_code":"APIGW.0301","error_msg":"signature expired"}"#, date)
    })
    .await;
    let engine = server.engine();
    assert!(accepted(&outcomes(&engine, &["k"]).await["k"]));
    assert!(accepted(&outcomes(&engine, &["l"]).await["l"]));
    assert_eq!(server.seen().len(), 3, "the correction is kept");
}

#[tokio::test]
async fn a_stated_window_past_the_deadline_is_not_waited_for() {
    let server = Server::start(|_, _| {
        Reply::Status(
            429,
            r#"{"error_code":"APIGW.0308","error_msg":"policy user over ratelimit,limit:20,time:1 minute"}"#,
        )
    })
    .await;
    let engine = server.engine();
    let deadline = Instant::now() + Duration::from_secs(30);
    for key in ["a", "b"] {
        let outcome = outcomes_until(&engine, &[key], deadline).await.remove(key);
        let Some(Outcome::Failed(failure)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(failure.class, FailureClass::Throttled);
    }
    assert_eq!(server.seen().len(), 1, "nobody sends inside the window");
}

#[tokio::test]
async fn a_stated_window_is_respected_and_then_the_request_goes() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Status(
            429,
            r#"{"error_code":"APIGW.0308","error_msg":"over ratelimit,limit:200,time:1 second"}"#,
        ),
        _ => OK,
    })
    .await;
    let start = Instant::now();
    assert!(accepted(&outcomes(&server.engine(), &["k"]).await["k"]));
    assert!(start.elapsed() >= Duration::from_secs(1), "the whole window passes first");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn replies_that_no_retry_can_change_are_final() {
    for (status, class) in [
        (403, FailureClass::Auth),
        (404, FailureClass::Permanent),
        (302, FailureClass::Permanent),
        (400, FailureClass::Permanent),
    ] {
        let server = Server::start(move |_, _| Reply::Status(status, "")).await;
        let failure = failure(&server.engine()).await;
        assert_eq!((failure.class, server.seen().len()), (class, 1), "{status}");
    }
}

#[tokio::test]
async fn a_key_too_long_for_oms_fails_alone_and_unsent() {
    let server = Server::start(|_, _| OK).await;
    let long = "é".repeat(3000);
    let outcomes = outcomes(&server.engine(), &["k", &long]).await;
    assert!(accepted(&outcomes["k"]));
    assert!(matches!(&outcomes[&long], Outcome::Failed(failure) if failure.class == FailureClass::Permanent));
    assert_eq!(server.seen()[0].keys, ["k"]);
}
