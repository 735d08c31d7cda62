//! A stand-in of the Lambda runtime API.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::process::PATIENCE;

const NEXT: &str = "/2018-06-01/runtime/invocation/next";

/// A running API. It stops when it is dropped.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct State {
    /// Events handed over so far.
    invocations: usize,
    waiting: VecDeque<Invocation>,
    asks: usize,
    posts: Vec<Post>,
    hung_up: usize,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    deadline: Duration,
    event: String,
}

/// What the function sent.
#[derive(Clone, Debug)]
pub(super) struct Post {
    pub(super) target: String,
    pub(super) body: String,
}

impl RuntimeApi {
    pub(super) async fn start() -> Self {
        Self::patient_for(Duration::MAX).await
    }

    /// One that closes a connection on which nothing is said for so long.
    pub(super) async fn patient_for(patience: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<watch::Sender<State>>::default();
        let task = tokio::spawn(serve(listener, Arc::clone(&state), patience));
        Self { address, state, task }
    }

    pub(super) fn authority(&self) -> String {
        self.address.to_string()
    }

    /// Hands an event to whoever asks next. Returns the id of the invocation.
    pub(super) fn hand_over(&self, event: String, deadline: Duration) -> String {
        let mut id = String::new();
        self.state.send_modify(|state| {
            state.invocations += 1;
            id = format!("8476a536-e9f4-11e8-9739-{:012}", state.invocations);
            state.waiting.push_back(Invocation { id: id.clone(), deadline, event });
        });
        id
    }

    pub(super) fn asks(&self) -> usize {
        self.state.borrow().asks
    }

    pub(super) fn posts(&self) -> Vec<Post> {
        self.state.borrow().posts.clone()
    }

    /// Waits until the function has asked for events that often.
    pub(super) async fn asked(&self, times: usize) {
        let mut state = self.state.subscribe();
        let asked = timeout(PATIENCE, state.wait_for(|state| state.asks >= times)).await;
        asked.expect("it asks for an event").unwrap();
    }

    /// Waits until that many connections were closed on which nothing was said.
    pub(super) async fn hung_up(&self, times: usize) {
        let mut state = self.state.subscribe();
        let closed = timeout(PATIENCE, state.wait_for(|state| state.hung_up >= times)).await;
        closed.expect("it connects again").unwrap();
    }

    /// Waits for a post.
    pub(super) async fn posted(&self, wanted: impl Fn(&Post) -> bool) -> Post {
        let mut state = self.state.subscribe();
        let state = timeout(PATIENCE, state.wait_for(|state| state.posts.iter().any(&wanted))).await;
        state.expect("it answers").unwrap().posts.iter().find(|post| wanted(post)).unwrap().clone()
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<watch::Sender<State>>, patience: Duration) {
    // Dropped with the task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(BufReader::new(stream), Arc::clone(&state), patience));
    }
}

/// Answers one request after the other, as the real one keeps its connections.
async fn converse(mut stream: BufReader<TcpStream>, state: Arc<watch::Sender<State>>, patience: Duration) {
    if timeout(patience, stream.fill_buf()).await.is_err() {
        drop(stream);
        state.send_modify(|state| state.hung_up += 1);
        return;
    }
    while let Some((method, post)) = receive(&mut stream).await {
        let answer = match (&*method, &*post.target) {
            ("GET", NEXT) => next(&state).await,
            ("POST", _) => {
                state.send_modify(|state| state.posts.push(post));
                "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n".to_owned()
            }
            _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn next(state: &watch::Sender<State>) -> String {
    state.send_modify(|state| state.asks += 1);
    let mut changes = state.subscribe();
    loop {
        let mut taken = None;
        state.send_if_modified(|state| {
            taken = state.waiting.pop_front();
            taken.is_some()
        });
        if let Some(Invocation { id, deadline, event }) = taken {
            return format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
                 Lambda-Runtime-Aws-Request-Id: {id}\r\nLambda-Runtime-Deadline-Ms: {}\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:oms-bridge\r\n\
                 Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0\r\n\r\n{event}",
                event.len(),
                deadline.as_millis(),
            );
        }
        // The sender outlives this.
        let _ = changes.changed().await;
    }
}

async fn receive(stream: &mut BufReader<TcpStream>) -> Option<(String, Post)> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    let mut words = line.split_ascii_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut length = 0;
    loop {
        line.clear();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((method, Post { target, body: String::from_utf8(body).ok()? }))
}
