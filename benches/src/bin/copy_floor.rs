//! The floor of the benchmark `copy`: the same requests over the same sockets, and nothing decided.
//!
//! `copy_floor SOURCE DESTINATION CONNECTIONS LISTINGS REQUESTS`: two addresses, connections to each of them, and a file
//! of requests that were signed beforehand, none with a body. The file begins with so many listings, the destination's
//! and then page after page of the source's; three for each object follow: its GET, the PUT that takes what the GET
//! gives, and a HEAD at the source. Says that it is ready, and begins when it is sent a line.
//!
//! It knows of HTTP what it needs to find the end of an answer, and uses nothing of the product.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Bytes moved at once.
const BUFFER: usize = 256 << 10;

/// Objects on a page.
const PAGE: usize = 1000;

const END: &[u8] = b"\r\n\r\n";

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Floor {
    source: SocketAddr,
    destination: SocketAddr,
    listings: Vec<Bytes>,
    copies: Vec<[Bytes; 3]>,
    next: AtomicUsize,
    /// One permit for each object that was listed; closed when all are.
    listed: Semaphore,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [source, destination, connections, listings, requests] = &arguments[..] else {
        return Err("copy_floor SOURCE DESTINATION CONNECTIONS LISTINGS REQUESTS".into());
    };
    let mut all = split(fs::read(requests)?.into());
    let copies = all.split_off(listings.parse()?);
    let floor = Arc::new(Floor {
        source: source.parse()?,
        destination: destination.parse()?,
        listings: all,
        copies: copies.as_chunks().0.to_vec(),
        next: AtomicUsize::new(0),
        listed: Semaphore::new(0),
    });
    writeln!(io::stdout(), "ready")?;
    io::stdin().read_line(&mut String::new())?;
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&floor).list());
    for _ in 0..connections.parse()? {
        tasks.spawn(Arc::clone(&floor).copy());
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(())
}

/// Messages without a body, one after another.
fn split(mut text: Bytes) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while let Some(end) = end_of_head(&text) {
        messages.push(text.split_to(end));
    }
    messages
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(END.len()).position(|window| window == END).map(|at| at + END.len())
}

impl Floor {
    async fn list(self: Arc<Self>) -> Result<()> {
        if let Some((first, pages)) = self.listings.split_first() {
            Connection::open(self.destination).await?.exchange(first).await?;
            let mut source = Connection::open(self.source).await?;
            for page in pages {
                source.exchange(page).await?;
                self.listed.add_permits(PAGE);
            }
        }
        self.listed.close();
        Ok(())
    }

    async fn copy(self: Arc<Self>) -> Result<()> {
        let mut source = Connection::open(self.source).await?;
        let mut destination = Connection::open(self.destination).await?;
        loop {
            if let Ok(permit) = self.listed.acquire().await {
                permit.forget();
            }
            let Some([get, put, head]) = self.copies.get(self.next.fetch_add(1, Ordering::Relaxed)) else {
                return Ok(());
            };
            source.pipe(get, &mut destination, put).await?;
            source.stream.write_all(head).await?;
            source.head().await?;
        }
    }
}

struct Connection {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: BytesMut::with_capacity(BUFFER) })
    }

    /// Sends a request and drops the answer.
    async fn exchange(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request).await?;
        self.finish().await
    }

    /// Sends a GET, and what it gives as the body of a PUT.
    async fn pipe(&mut self, get: &[u8], to: &mut Self, put: &[u8]) -> Result<()> {
        self.stream.write_all(get).await?;
        let mut left = self.head().await?;
        to.buffer.clear();
        to.buffer.extend_from_slice(put);
        to.buffer.extend_from_slice(&self.buffer);
        to.stream.write_all(&to.buffer).await?;
        left -= self.buffer.len();
        while left > 0 {
            left -= self.read_anew().await?;
            to.stream.write_all(&self.buffer).await?;
        }
        to.finish().await
    }

    /// Reads an answer to its end.
    async fn finish(&mut self) -> Result<()> {
        let mut left = self.head().await? - self.buffer.len();
        while left > 0 {
            left -= self.read_anew().await?;
        }
        Ok(())
    }

    /// Reads the head of an answer, and gives the length of the body that it announces. The buffer holds what came of
    /// that already.
    async fn head(&mut self) -> Result<usize> {
        self.read_anew().await?;
        loop {
            if let Some(end) = end_of_head(&self.buffer) {
                let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
                if !head.starts_with("http/1.1 2") {
                    return Err(head.into());
                }
                self.buffer.advance(end);
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
                return Ok(length.map_or(Ok(0), |length| length.trim().parse())?);
            }
            self.read().await?;
        }
    }

    async fn read_anew(&mut self) -> Result<usize> {
        self.buffer.clear();
        self.buffer.reserve(BUFFER);
        self.read().await
    }

    async fn read(&mut self) -> Result<usize> {
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err("a connection was closed".into()),
            count => Ok(count),
        }
    }
}
