//! An application server that is called back: it answers as told, keeps connections, and checks signatures
//! with code of its own.

use std::collections::VecDeque;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use num_bigint::BigUint;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

#[derive(Clone, Debug)]
pub(crate) enum Reaction {
    /// These bytes.
    Answer(Vec<u8>),
    /// Nothing, ever.
    Silence,
    /// The usual answer once [`CallbackServer::release`] was called.
    Wait,
}

impl Reaction {
    /// A proper answer with this body.
    pub(crate) fn body(body: impl AsRef<[u8]>) -> Self {
        Self::with_head("200 OK", "content-type: application/json", body)
    }

    pub(crate) fn with_head(status: &str, header: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 {status}\r\n{header}\r\ncontent-length: {}\r\n\r\n", body.len());
        Self::Answer([head.as_bytes(), body].concat())
    }

    pub(crate) fn raw(text: &str) -> Self {
        Self::Answer(text.as_bytes().to_vec())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) target: String,
    head: String,
    pub(crate) body: String,
}

impl Callback {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether the signature is right, by the public key in PEM.
    pub(crate) fn is_genuine(&self, pem: &str) -> bool {
        verify(pem, &self.target, self.body.as_bytes(), self.header("authorization").unwrap())
    }
}

/// As the documentation tells application servers to check.
pub(crate) fn verify(pem: &str, target: &str, body: &[u8], authorization: &str) -> bool {
    let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let der = STANDARD.decode(der).unwrap();
    // The modulus of 64 bytes stands before the exponent, which is the last number.
    let modulus = BigUint::from_bytes_be(&der[der.len() - 69..der.len() - 5]);
    let signature = BigUint::from_bytes_be(&STANDARD.decode(authorization).unwrap());
    let message = signature.modpow(&BigUint::from(65_537_u32), &modulus).to_bytes_be();
    let (path, query) =
        target.split_once('?').map_or((target, String::new()), |(path, query)| (path, format!("?{query}")));
    let signed = [unescape(path), query.into_bytes(), b"\n".to_vec(), body.to_vec()].concat();
    let info = hex::decode("3020300c06082a864886f70d020505000410").unwrap();
    let digest = Md5::digest(signed);
    let padding = vec![0xff; 64 - 3 - info.len() - digest.len()];
    // The leading zero is gone, as it is no digit of the number.
    message == [&[1][..], &padding, &[0], &info, &digest].concat()
}

fn unescape(path: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        if let (b'%', [high, low, after @ ..]) = (first, tail) {
            out.extend(hex::decode([*high, *low]).unwrap());
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

pub(crate) struct CallbackServer {
    pub(crate) url: String,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Shared {
    reactions: Mutex<VecDeque<Reaction>>,
    seen: Mutex<Vec<Callback>>,
    connections: Mutex<usize>,
    came: Notify,
    released: Notify,
}

impl CallbackServer {
    /// One reaction for each request; afterwards it answers `{"Status":"OK"}`.
    pub(crate) async fn start(reactions: impl IntoIterator<Item = Reaction>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Shared::default());
        shared.reactions.lock().extend(reactions);
        let mut tasks = JoinSet::new();
        let serving = Arc::clone(&shared);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *serving.connections.lock() += 1;
                connections.spawn(converse(Arc::clone(&serving), stream));
            }
        });
        Self { url, shared, _tasks: tasks }
    }

    pub(crate) fn seen(&self) -> Vec<Callback> {
        self.shared.seen.lock().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.lock()
    }

    /// Returns once a callback has come.
    pub(crate) async fn came(&self) {
        self.shared.came.notified().await;
    }

    pub(crate) fn release(&self) {
        self.shared.released.notify_one();
    }
}

async fn converse(shared: Arc<Shared>, mut stream: TcpStream) {
    let mut received = Vec::new();
    while let Some(callback) = read(&mut stream, &mut received).await {
        shared.seen.lock().push(callback);
        shared.came.notify_one();
        let reaction = shared.reactions.lock().pop_front();
        let answer = match reaction.unwrap_or_else(|| Reaction::body(r#"{"Status":"OK"}"#)) {
            Reaction::Answer(bytes) => bytes,
            Reaction::Silence => std::future::pending().await,
            Reaction::Wait => {
                shared.released.notified().await;
                let Reaction::Answer(bytes) = Reaction::body(r#"{"Status":"OK"}"#) else { return };
                bytes
            }
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

/// `None` when the connection was closed.
async fn read(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<Callback> {
    loop {
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(received[..end].to_vec()).unwrap();
            let target = head.split(' ').nth(1).unwrap().to_owned();
            let callback = Callback { target, head, body: String::new() };
            let length: usize = callback.header("content-length").unwrap().parse().unwrap();
            if received.len() >= end + 4 + length {
                let body = String::from_utf8(received[end + 4..end + 4 + length].to_vec()).unwrap();
                received.drain(..end + 4 + length);
                return Some(Callback { body, ..callback });
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => received.extend(&piece[..count]),
        }
    }
}
