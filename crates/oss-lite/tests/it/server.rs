//! A server on loopback that answers what a test says and keeps the bytes it was sent.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use oss_lite::{Bucket, Client, ClientConfig, Credentials, Dialect, RetryPolicy, Timeouts};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) const SECRET: &str = "the-secret-of-the-test";
pub(crate) const TOKEN: &str = "the+token/of==the-test";

/// What the server does with one request.
pub(crate) enum Reply {
    /// Sends these bytes and keeps the connection.
    Bytes(Vec<u8>),
    /// Sends these bytes and closes the connection.
    Last(Vec<u8>),
    /// Sends these bytes, then nothing, with the connection open.
    Stall(Vec<u8>),
}

/// An answer with a body and its length.
pub(crate) fn reply(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n{}\r\n", body.len(), lines.concat());
    Reply::Bytes([head.as_bytes(), body].concat())
}

/// An answer to HEAD: a length, and no body.
pub(crate) fn head_reply(status: &str, headers: &[(&str, &str)]) -> Reply {
    let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    Reply::Bytes(format!("HTTP/1.1 {status}\r\n{}\r\n", lines.concat()).into_bytes())
}

pub(crate) fn ok() -> Reply {
    reply("200 OK", &[], "")
}

pub(crate) fn error(status: &str, code: &str) -> Reply {
    reply(status, &[], format!("<Error><Code>{code}</Code><Message>so it is</Message></Error>"))
}

/// The answer of a service that has no such object, or no such bucket.
pub(crate) fn missing(code: &str) -> Reply {
    let document =
        format!("<Error><Code>{code}</Code><Message>no</Message><RequestId>ID1</RequestId></Error>");
    reply("404 Not Found", &[], document)
}

/// What arrived on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    /// Method and request target, byte for byte.
    pub(crate) fn request_line(&self) -> &str {
        self.head.lines().next().expect("a request line")
    }

    pub(crate) fn target(&self) -> &str {
        self.request_line().split(' ').nth(1).expect("a target")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn header_names(&self) -> Vec<String> {
        let names = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        names.map(|(name, _)| name.to_ascii_lowercase()).collect()
    }
}

/// The server; it stops with the test's runtime.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: std::net::SocketAddr,
    requests: Arc<Mutex<Vec<Recorded>>>,
    arrived: Arc<watch::Sender<usize>>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Answers requests in their order of arrival.
    pub(crate) async fn with(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = Self {
            address: listener.local_addr().expect("an address"),
            requests: Arc::default(),
            arrived: Arc::default(),
            connections: Arc::default(),
        };
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, Arc::clone(&replies), accepting.clone()));
            }
        });
        server
    }

    /// Waits until so many requests have arrived.
    pub(crate) async fn received(&self, count: usize) {
        self.arrived.subscribe().wait_for(|arrived| *arrived >= count).await.expect("a server");
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().clone()
    }

    pub(crate) fn only_request(&self) -> Recorded {
        let requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests[0].clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Without waits between tries, at a fixed time.
    pub(crate) fn config(&self, dialect: Dialect) -> ClientConfig {
        let endpoint = format!("http://{}", self.address).parse().expect("an endpoint");
        ClientConfig::new(endpoint, dialect)
            .with_region("cn-hangzhou")
            .with_clock(noon)
            .with_jitter(|| 0.0)
            .with_timeouts(Timeouts {
                response_head: Duration::from_mins(1),
                slow_response_head: Duration::from_mins(1),
                body_idle: Duration::from_mins(1),
            })
    }

    pub(crate) fn bucket(&self, dialect: Dialect) -> Bucket {
        bucket(self.config(dialect))
    }
}

/// 2026-01-01T12:00:00Z
pub(crate) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_268_800, 0).expect("a time")
}

pub(crate) fn http() -> reqwest::Client {
    http_builder().build().expect("a client")
}

/// Redirects are off, as the crate wants it.
pub(crate) fn http_builder() -> reqwest::ClientBuilder {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions of the provider")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).redirect(reqwest::redirect::Policy::none())
}

pub(crate) fn bucket(config: ClientConfig) -> Bucket {
    bucket_of(&Client::new(http(), config).expect("a client"))
}

pub(crate) fn bucket_of(client: &Client) -> Bucket {
    let credentials = Credentials::new("the-id", SECRET).with_security_token(TOKEN);
    client.bucket(&"examplebucket".parse().expect("a name"), Arc::new(credentials))
}

pub(crate) fn tries(attempts: u32) -> RetryPolicy {
    RetryPolicy::default().with_attempts(attempts)
}

async fn serve(mut stream: TcpStream, replies: Arc<Mutex<VecDeque<Reply>>>, server: Server) {
    let mut buffer = Vec::new();
    while let Some(recorded) = receive(&mut stream, &mut buffer).await {
        server.requests.lock().push(recorded);
        server.arrived.send_modify(|arrived| *arrived += 1);
        let reply = replies.lock().pop_front();
        match reply {
            Some(Reply::Bytes(bytes)) => {
                if stream.write_all(&bytes).await.is_err() {
                    return;
                }
            }
            Some(Reply::Last(bytes)) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Some(Reply::Stall(bytes)) => {
                let _ = stream.write_all(&bytes).await;
                std::future::pending::<()>().await;
            }
            None => panic!("a request more than the test has replies for"),
        }
    }
}

async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Recorded> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).expect("an ASCII head");
    let recorded = Recorded { head, body: Vec::new() };
    let length = recorded.header("content-length").map_or(0, |length| length.parse().expect("a length"));
    while buffer.len() < length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(Recorded { body: buffer.drain(..length).collect(), ..recorded })
}
