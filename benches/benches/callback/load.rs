//! Callbacks, signed beforehand, over many connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cloud_twin::Twin;
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Result;
use crate::database::{BUCKET, Waiting};

/// Connections at once.
pub(crate) const CONNECTIONS: usize = 64;

/// What a desk did under load.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) took: Duration,
    /// Of each callback, shortest first.
    pub(crate) latencies: Vec<Duration>,
}

/// The requests as OSS would send them.
pub(crate) fn requests(twin: &Twin, rows: &[Waiting]) -> Vec<Vec<u8>> {
    rows.iter().map(|row| request(twin, row)).collect()
}

fn request(twin: &Twin, row: &Waiting) -> Vec<u8> {
    let body = format!(
        r#"{{"upload":"{}","bucket":"{BUCKET}","object":"{}","etag":"900150983CD24FB0D6963F7D28E17F72","size":3,"type":"image/jpeg","crc64":"1","md5":"kAFQmDzST7DWlj99KOF/cg==","request":"559CC9BDC755F95A64485981"}}"#,
        row.id, row.key
    );
    let mut request = format!(
        "POST /callback HTTP/1.1\r\nhost: desk\r\ncontent-length: {}\r\ncontent-type: application/json\r\n",
        body.len()
    );
    for (name, value) in &twin.sign_callback("/callback", &body) {
        if name != "content-length" && name != "content-type" && name != "host" {
            request.push_str(name.as_str());
            request.push_str(": ");
            request.push_str(value.to_str().unwrap_or_default());
            request.push_str("\r\n");
        }
    }
    request.push_str("\r\n");
    request.push_str(&body);
    request.into_bytes()
}

/// Sends them all. Every answer must be a success.
pub(crate) async fn run(desk: SocketAddr, requests: Vec<Vec<u8>>) -> Result<Answers> {
    let requests: Arc<[Vec<u8>]> = requests.into();
    let next = Arc::new(AtomicUsize::new(0));
    let connections = try_join_all((0..CONNECTIONS).map(|_| TcpStream::connect(desk))).await?;
    let begun = Instant::now();
    let tasks = connections.into_iter().map(|stream| {
        let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
        tokio::spawn(caller(stream, requests, next))
    });
    let mut latencies = Vec::with_capacity(requests.len());
    for seen in try_join_all(tasks).await? {
        latencies.extend(seen?);
    }
    let took = begun.elapsed();
    latencies.sort_unstable();
    Ok(Answers { took, latencies })
}

async fn caller(
    mut stream: TcpStream,
    requests: Arc<[Vec<u8>]>,
    next: Arc<AtomicUsize>,
) -> Result<Vec<Duration>> {
    stream.set_nodelay(true)?;
    let (mut latencies, mut answer) = (Vec::new(), Vec::with_capacity(8 << 10));
    while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
        let begun = Instant::now();
        stream.write_all(request).await?;
        answer.clear();
        while !is_whole(&answer) {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err("the desk closed a connection".into());
            }
        }
        latencies.push(begun.elapsed());
        if !answer.starts_with(b"HTTP/1.1 200 ") {
            return Err(format!("a callback failed: {}", String::from_utf8_lossy(&answer)).into());
        }
    }
    Ok(latencies)
}

/// Answers of the desk have a length.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    answer.len() >= end + 4 + length.unwrap_or(0)
}
