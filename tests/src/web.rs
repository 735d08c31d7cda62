//! A web server of plain HTTP that behaves as a test says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::process::Settings;

type Site = dyn Fn(&WebRequest) -> WebReply + Send + Sync;

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct WebServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<WebRequest>>>,
    task: JoinHandle<()>,
}

/// A request.
#[derive(Clone, Debug)]
pub struct WebRequest {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    headers: BTreeMap<String, String>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct WebReply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    framing: Framing,
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length,
    Chunked,
    /// By its length, but the connection breaks after so many bytes.
    Broken(usize),
    /// As [`Framing::Chunked`], but the connection breaks after so many bytes.
    BrokenChunk(usize),
    /// By the end of the connection, after so many bytes.
    Closed(usize),
    /// The connection breaks before anything is said.
    Dropped,
    /// Nothing is said, and the connection stays open.
    Hanging,
}

impl WebRequest {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The bytes of `bytes=first-last` within `len`; `None` without a range.
    fn range(&self, len: usize) -> Option<(usize, usize)> {
        let (first, last) = self.header("range")?.strip_prefix("bytes=")?.split_once('-')?;
        let last = last.parse().unwrap_or(usize::MAX).min(len.saturating_sub(1));
        Some((first.parse().ok()?, last))
    }
}

impl WebReply {
    /// An answer without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), framing: Framing::Length }
    }

    /// `200` with all of `content`.
    pub fn whole(content: &Bytes) -> Self {
        Self { body: content.clone(), ..Self::new(200) }
    }

    /// No answer: the connection breaks.
    pub fn dropped() -> Self {
        Self { framing: Framing::Dropped, ..Self::new(200) }
    }

    /// No answer: the connection stays open until the server stops.
    pub fn hanging() -> Self {
        Self { framing: Framing::Hanging, ..Self::new(200) }
    }

    /// A refusal with `content`.
    pub fn refused(status: u16, content: &Bytes) -> Self {
        Self { status, ..Self::whole(content) }
    }

    /// `206` with `content`.
    pub fn partial(content: &Bytes) -> Self {
        Self { status: 206, ..Self::whole(content) }
    }

    /// What a server of files answers: the whole, or the range that was asked for.
    pub fn file(request: &WebRequest, content: &Bytes) -> Self {
        let Some((first, last)) = request.range(content.len()) else {
            return Self::whole(content).header("accept-ranges", "bytes");
        };
        if first >= content.len() {
            return Self::new(416).header("content-range", format!("bytes */{}", content.len()));
        }
        let part = Self::partial(&content.slice(first..=last));
        part.header("content-range", format!("bytes {first}-{last}/{}", content.len()))
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The length is not told beforehand.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        self.framing = Framing::Chunked;
        self
    }

    /// The connection breaks after so many bytes of the body.
    #[must_use]
    pub fn broken_after(mut self, bytes: usize) -> Self {
        self.framing = Framing::Broken(bytes);
        self
    }

    /// The length is not told beforehand, and the connection breaks after so many bytes.
    #[must_use]
    pub fn broken_chunk(mut self, bytes: usize) -> Self {
        self.framing = Framing::BrokenChunk(bytes);
        self
    }

    /// Nothing tells the length, and the connection ends after so many bytes.
    #[must_use]
    pub fn closed_after(mut self, bytes: usize) -> Self {
        self.framing = Framing::Closed(bytes);
        self
    }

    fn head(&self) -> String {
        let framing = match self.framing {
            Framing::Closed(_) => "x-framing: none".to_owned(),
            Framing::Chunked | Framing::BrokenChunk(_) => "transfer-encoding: chunked".to_owned(),
            Framing::Length | Framing::Broken(_) | Framing::Dropped | Framing::Hanging => {
                format!("content-length: {}", self.body.len())
            }
        };
        let status = format!("HTTP/1.1 {} Test", self.status);
        let mut lines = vec![status, "connection: close".to_owned(), framing];
        lines.extend(self.headers.iter().map(|(name, value)| format!("{name}: {value}")));
        lines.join("\r\n") + "\r\n\r\n"
    }

    async fn send(&self, stream: &mut TcpStream, method: &str) -> std::io::Result<()> {
        if self.framing == Framing::Dropped {
            return stream.shutdown().await;
        }
        if self.framing == Framing::Hanging {
            // Aborted with the server.
            return std::future::pending().await;
        }
        stream.write_all(self.head().as_bytes()).await?;
        if method == "HEAD" {
            return stream.shutdown().await;
        }
        match self.framing {
            Framing::Length | Framing::Dropped | Framing::Hanging => stream.write_all(&self.body).await?,
            Framing::Broken(after) | Framing::Closed(after) => {
                stream.write_all(&self.body[..after.min(self.body.len())]).await?;
            }
            Framing::BrokenChunk(after) => chunks(stream, &self.body[..after.min(self.body.len())]).await?,
            Framing::Chunked => {
                chunks(stream, &self.body).await?;
                stream.write_all(b"0\r\n\r\n").await?;
            }
        }
        stream.shutdown().await
    }
}

async fn chunks(stream: &mut TcpStream, body: &[u8]) -> std::io::Result<()> {
    for chunk in body.chunks(50_000) {
        stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await?;
        stream.write_all(chunk).await?;
        stream.write_all(b"\r\n").await?;
    }
    Ok(())
}

impl WebServer {
    /// Starts one on a free port of the loopback interface.
    pub async fn start(site: impl Fn(&WebRequest) -> WebReply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<WebRequest>>>::default();
        let task = tokio::spawn(serve(listener, Arc::new(site), Arc::clone(&seen)));
        Self { address, seen, task }
    }

    /// The address of `target`, which begins with `/`.
    pub fn url(&self, target: &str) -> String {
        format!("http://{}{target}", self.address)
    }

    /// What has a program read objects of Amazon S3 here.
    pub fn s3(&self) -> Settings {
        Settings::default()
            .set("AWS_REGION", "eu-west-1")
            .set("AWS_ENDPOINT_URL_S3", self.url(""))
            .set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .set("AWS_SECRET_ACCESS_KEY", "made-up-secret")
            .set("NO_PROXY", "*")
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<WebRequest> {
        self.seen.lock().clone()
    }

    /// How many requests there were of a method.
    pub fn count(&self, method: &str) -> usize {
        self.requests().iter().filter(|request| request.method == method).count()
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, site: Arc<Site>, seen: Arc<Mutex<Vec<WebRequest>>>) {
    // Dropped with the task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, Arc::clone(&site), Arc::clone(&seen)));
    }
}

async fn answer(stream: TcpStream, site: Arc<Site>, seen: Arc<Mutex<Vec<WebRequest>>>) {
    let mut stream = BufReader::new(stream);
    let Some(request) = receive(&mut stream).await else { return };
    let reply = site(&request);
    let method = request.method.clone();
    seen.lock().push(request);
    // A client may have enough before the end.
    let _ = reply.send(stream.get_mut(), &method).await;
}

async fn receive(stream: &mut BufReader<TcpStream>) -> Option<WebRequest> {
    let mut lines = stream.lines();
    let first = lines.next_line().await.ok()??;
    let mut words = first.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = BTreeMap::new();
    while let Some(line) = lines.next_line().await.ok()?.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Some(WebRequest { method, target, headers })
}
