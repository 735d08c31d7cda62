//! OMS and OSS as sinks: they read every request to its end and answer success, the same to both sides.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use oss_lite::Crc64;

use super::wire::Connection;

const OMS_REPLY: &[u8] = b"HTTP/1.1 200 OK\r\n\
    date: Tue, 02 Jan 2024 03:04:05 GMT\r\n\
    content-length: 0\r\n\
    server: api-gateway\r\n\
    x-request-id: 0a1b2c3d4e5f60718293a4b5c6d7e8f9\r\n\r\n";

/// Up to the checksum, which has to be that of what was sent: a record counts as written only then.
const OSS_REPLY: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Server: AliyunOSS\r\n\
    Date: Tue, 02 Jan 2024 03:04:05 GMT\r\n\
    Content-Length: 0\r\n\
    Connection: keep-alive\r\n\
    x-oss-request-id: 65937A25B2C9F03637F5D4E1\r\n\
    ETag: \"5EB63BBBE01EEED093CB22BB8F5ACDC3\"\r\n\
    Content-MD5: XrY7u+Ae7tCTyyK7j1rNww==\r\n\
    x-oss-server-time: 7\r\n\
    x-oss-hash-crc64ecma: ";

/// What a sink answers to a request.
type Answer = fn(&[u8]) -> Vec<u8>;

fn of_oms(_: &[u8]) -> Vec<u8> {
    OMS_REPLY.to_vec()
}

fn of_oss(request: &[u8]) -> Vec<u8> {
    let head = request.windows(4).position(|window| window == b"\r\n\r\n").map_or(request.len(), |at| at + 4);
    let mut crc64 = Crc64::new();
    crc64.update(&request[head..]);
    [OSS_REPLY, format!("{}\r\n\r\n", crc64.value()).as_bytes()].concat()
}

/// A service that accepts everything.
#[derive(Debug)]
pub struct Sink {
    address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    connections: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
    first: OnceLock<String>,
}

/// What reached a sink.
#[derive(Clone, Copy, Debug, Default)]
pub struct Traffic {
    /// New connections.
    pub connections: u64,
    /// Requests.
    pub requests: u64,
    /// Bytes of the requests, heads included.
    pub bytes: u64,
}

impl Sink {
    /// One that answers as OMS.
    ///
    /// # Errors
    ///
    /// When it cannot listen.
    pub fn oms() -> io::Result<Self> {
        Self::start(of_oms)
    }

    /// One that answers as OSS.
    ///
    /// # Errors
    ///
    /// When it cannot listen.
    pub fn oss() -> io::Result<Self> {
        Self::start(of_oss)
    }

    /// A thread for each connection: the cheapest server there is, and it shares no CPU with what is measured.
    fn start(answer: Answer) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let seen = Arc::clone(&shared);
                thread::spawn(move || seen.serve(stream, answer));
            }
        });
        Ok(Self { address, seen })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came since this was last asked.
    pub fn take(&self) -> Traffic {
        let take = |counter: &AtomicU64| counter.swap(0, Ordering::Relaxed);
        Traffic {
            connections: take(&self.seen.connections),
            requests: take(&self.seen.requests),
            bytes: take(&self.seen.bytes),
        }
    }

    /// The first request that ever came, as it went over the wire.
    pub fn first_request(&self) -> Option<&str> {
        self.seen.first.get().map(String::as_str)
    }
}

impl Seen {
    fn serve(&self, stream: TcpStream, answer: Answer) -> io::Result<()> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let mut connection = Connection::new(stream)?;
        while let Some(request) = connection.read()? {
            self.requests.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(request.len() as u64, Ordering::Relaxed);
            self.first.get_or_init(|| String::from_utf8_lossy(request).into_owned());
            let reply = answer(request);
            connection.write(&reply)?;
        }
        Ok(())
    }
}
