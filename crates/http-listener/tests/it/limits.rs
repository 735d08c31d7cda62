//! Each limit, on real connections.

use std::convert::Infallible;
use std::future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use http_listener::{Body, BodyError, Gate, Handler, Http, Limits};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// More than the buffers of both sockets take.
const LARGE: usize = 32 << 20;

/// What is waited for comes at once, or never.
const PATIENCE: Duration = Duration::from_mins(1);

/// Short enough to wait for.
const SHORT: Duration = Duration::from_millis(50);

const OK: &str = "HTTP/1.1 200 OK";
const BUSY: &str = "HTTP/1.1 503 Service Unavailable";
const TIMEOUT: &str = "HTTP/1.1 408 Request Timeout";

/// Nothing is too slow.
fn patient() -> Limits {
    let day = Duration::from_hours(24);
    Limits { head: day, idle: day, body: day, stalled: day, requests: 4, connections: 8 }
}

#[derive(Clone)]
struct Answering {
    held: Arc<Semaphore>,
    entered: mpsc::UnboundedSender<()>,
}

impl Handler for Answering {
    type Body = Full<Bytes>;
    type Error = Infallible;

    async fn answer(self, request: Request<Body>) -> Result<Response<Self::Body>, Infallible> {
        let (head, body) = request.into_parts();
        let mut response = Response::new(Full::default());
        match head.uri.path() {
            "/large" => *response.body_mut() = Bytes::from(vec![b'x'; LARGE]).into(),
            "/hold" => {
                self.entered.send(()).unwrap();
                self.held.acquire().await.unwrap().forget();
            }
            "/body" => {
                if let Err(BodyError::TooSlow) = body.collect().await {
                    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
                }
            }
            _ => {}
        }
        Ok(response)
    }

    fn busy(&self, _: &Request<Body>) -> Response<Self::Body> {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response
    }
}

/// It stops when it is dropped.
struct Server {
    address: SocketAddr,
    held: Arc<Semaphore>,
    entered: Mutex<mpsc::UnboundedReceiver<()>>,
    ended: Mutex<mpsc::UnboundedReceiver<bool>>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        Self::speaking(Http::default(), limits).await
    }

    async fn speaking(http: Http, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (entered, entries) = mpsc::unbounded_channel();
        let (ended, ends) = mpsc::unbounded_channel();
        let held = Arc::new(Semaphore::new(0));
        let answering = Answering { held: Arc::clone(&held), entered };
        let task = tokio::spawn(async move {
            let gate = Gate::new(limits);
            let mut connections = JoinSet::new();
            loop {
                let (stream, place) = gate.accept(&listener).await;
                let (answering, ended) = (answering.clone(), ended.clone());
                connections.spawn(async move {
                    let served = http_listener::serve(http, stream, place, answering, future::pending());
                    let _ = ended.send(served.await.is_ok());
                });
            }
        });
        Self { address, held, entered: Mutex::new(entries), ended: Mutex::new(ends), task }
    }

    async fn client(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }

    async fn saying(&self, said: &str) -> Client {
        let mut client = self.client().await;
        client.say(said).await;
        client
    }

    async fn asking(&self, path: &str) -> Client {
        self.saying(&get(path)).await
    }

    /// Waits until a request is held.
    async fn holds(&self) {
        within(async { self.entered.lock().await.recv().await }).await.unwrap();
    }

    /// Waits for the end of a connection, and returns whether it was a good one.
    async fn ended_well(&self) -> bool {
        within(async { self.ended.lock().await.recv().await }).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Client(TcpStream);

impl Client {
    async fn say(&mut self, said: &str) {
        self.0.write_all(said.as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, path: &str) -> String {
        self.say(&get(path)).await;
        self.status().await
    }

    /// The first line of an answer without a body; the rest of its head is read.
    async fn status(&mut self) -> String {
        let head = self.head().await;
        head.lines().next().unwrap().to_owned()
    }

    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(self.0.read_u8()).await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// What comes until the connection ends. A reset is an end as well.
    async fn rest(mut self) -> usize {
        let mut rest = Vec::new();
        let _ = within(self.0.read_to_end(&mut rest)).await;
        rest.len()
    }

    /// Reads the body of `/large`.
    async fn take_large(&mut self) {
        let mut body = vec![0; LARGE];
        within(self.0.read_exact(&mut body)).await.expect("all of the answer");
    }
}

async fn within<T>(awaited: impl Future<Output = T>) -> T {
    timeout(PATIENCE, awaited).await.expect("it comes")
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: h\r\n\r\n")
}

#[tokio::test]
async fn a_head_that_is_not_completed_ends_its_connection_and_no_other() {
    let server = Server::start(Limits { head: SHORT, ..patient() }).await;
    let mut silent = server.client().await;
    assert_eq!(server.saying("GET / HTTP/1.1\r\nhost: ").await.rest().await, 0);
    assert!(!server.ended_well().await);
    assert_eq!(silent.ask("/").await, OK);
    silent.say("GET /").await;
    assert_eq!(silent.rest().await, 0, "so it is for a later request");
}

#[tokio::test]
async fn a_connection_without_a_request_ends_whether_or_not_it_had_one() {
    let server = Server::start(Limits { idle: SHORT, ..patient() }).await;
    assert_eq!(server.client().await.rest().await, 0);
    let mut kept = server.asking("/").await;
    assert_eq!(kept.status().await, OK);
    assert_eq!(kept.rest().await, 0);
}

#[tokio::test]
async fn a_request_that_takes_long_to_be_answered_is_not_idle() {
    let server = Server::start(Limits { idle: SHORT, head: SHORT, ..patient() }).await;
    let mut held = server.asking("/hold").await;
    server.holds().await;
    assert_eq!(server.client().await.rest().await, 0, "that one is");
    server.held.add_permits(1);
    assert_eq!(held.status().await, OK);
}

#[tokio::test]
async fn a_body_is_read_for_so_long_as_a_whole_and_between_its_pieces() {
    for limits in [Limits { body: SHORT, ..patient() }, Limits { stalled: SHORT, ..patient() }] {
        let server = Server::start(limits).await;
        let post = "POST /body HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\n";
        let mut slow = server.saying(&format!("{post}x")).await;
        assert_eq!(slow.status().await, TIMEOUT);
        let mut quick = server.saying(&format!("{post}xy")).await;
        assert_eq!(quick.status().await, OK);
    }
}

#[tokio::test]
async fn an_answer_that_nobody_takes_away_ends_its_connection() {
    let server = Server::start(Limits { stalled: SHORT, ..patient() }).await;
    let client = server.asking("/large").await;
    assert!(!server.ended_well().await);
    assert!(client.rest().await < LARGE);
}

#[tokio::test]
async fn requests_have_places_and_health_needs_none() {
    let server = Server::start(Limits { requests: 1, ..patient() }).await;
    let mut held = server.asking("/hold").await;
    server.holds().await;
    let mut refused = server.asking("/").await;
    let head = refused.head().await;
    assert!(head.starts_with(BUSY) && head.contains("connection: close\r\n"), "{head}");
    assert_eq!(refused.rest().await, 0);
    let mut health = server.asking("/healthz").await;
    assert_eq!(health.status().await, OK);
    assert_eq!(health.ask("/healthz").await, OK);
    server.held.add_permits(1);
    assert_eq!(held.status().await, OK);
    until_answered(&server).await;
}

#[tokio::test]
async fn the_one_that_is_silent_for_longest_makes_room() {
    let server = Server::start(Limits { requests: 2, connections: 3, ..patient() }).await;
    let mut first = server.client().await;
    let second = server.saying("GET /").await;
    let mut third = server.client().await;
    assert_eq!(first.ask("/").await, OK, "now it waits for the shortest time");
    assert_eq!(third.ask("/").await, OK);
    let mut fourth = server.asking("/").await;
    assert_eq!(fourth.status().await, OK);
    assert_eq!(second.rest().await, 0);
    for client in [&mut first, &mut third, &mut fourth] {
        assert_eq!(client.ask("/").await, OK);
    }
}

#[tokio::test]
async fn no_request_makes_room() {
    let server = Server::start(Limits { requests: 2, connections: 2, ..patient() }).await;
    let mut held = [server.asking("/hold").await, server.asking("/hold").await];
    server.holds().await;
    server.holds().await;
    assert_eq!(server.client().await.rest().await, 0, "it is closed at once");
    server.held.add_permits(2);
    for client in &mut held {
        assert_eq!(client.status().await, OK);
    }
}

#[tokio::test]
async fn an_answer_on_its_way_makes_no_room_for_others() {
    let server = Server::start(Limits { requests: 1, connections: 1, ..patient() }).await;
    let mut slow = server.asking("/large").await;
    assert_eq!(slow.status().await, OK);
    // All of the answer is in buffers now, and most of it in those of the server.
    assert_eq!(server.client().await.rest().await, 0, "it is closed at once");
    slow.take_large().await;
    assert_eq!(slow.ask("/").await, OK);
}

#[tokio::test]
async fn a_client_that_takes_its_answer_slowly_is_not_idle() {
    for half_close in [true, false] {
        let http = Http { half_close, ..Http::default() };
        let server = Server::speaking(http, Limits { idle: SHORT, head: SHORT, ..patient() }).await;
        let mut slow = server.asking("/large").await;
        assert_eq!(slow.status().await, OK);
        assert_eq!(server.client().await.rest().await, 0, "that one is");
        slow.take_large().await;
        assert_eq!(slow.rest().await, 0, "and so is the other one, in the end");
    }
}

#[tokio::test]
async fn an_answer_holds_the_place_of_its_request_until_it_is_sent() {
    let server = Server::start(Limits { requests: 1, ..patient() }).await;
    let mut slow = server.asking("/large").await;
    assert_eq!(slow.status().await, OK);
    assert_eq!(server.asking("/").await.status().await, BUSY);
    slow.take_large().await;
    until_answered(&server).await;
}

#[tokio::test]
async fn requests_in_a_row_on_one_connection_need_one_place() {
    let server = Server::start(Limits { requests: 1, ..patient() }).await;
    let mut client = server.saying(&get("/").repeat(20)).await;
    for _ in 0..20 {
        assert_eq!(client.status().await, OK);
    }
}

/// A place is free again shortly after the answer has arrived.
async fn until_answered(server: &Server) {
    let answered = async {
        while server.asking("/").await.status().await != OK {
            tokio::task::yield_now().await;
        }
    };
    within(answered).await;
}
