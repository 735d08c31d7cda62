//! Listeners and connections.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http::{HeaderValue, Request, StatusCode, header};
use http_listener::{Body, Gate, Handler, Http, Place};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::body::ReplyBody;
use crate::error::Reply;
use crate::objects::{self, Dialect};
use crate::state::Inner;
use crate::{Service, admin, oms};

/// The connection is to be dropped without an answer.
#[derive(Debug)]
pub(crate) struct Aborted;

impl std::fmt::Display for Aborted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection was dropped on purpose")
    }
}

impl std::error::Error for Aborted {}

/// Who answers on a listener.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Front {
    Service(Service),
    Admin,
}

/// Binds `address`, which must be of the loopback interface.
pub(crate) async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let message = format!("{address} is not a loopback address, and a twin is for this machine only");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    TcpListener::bind(address).await
}

/// Accepts until the future is dropped, which also drops every connection.
pub(crate) async fn serve(inner: Arc<Inner>, listener: TcpListener, front: Front) {
    let mut connections = JoinSet::new();
    let gate = Gate::new(inner.config.limits);
    loop {
        tokio::select! {
            (stream, place) = gate.accept(&listener) => {
                if let Front::Service(service) = front {
                    inner.counters.connection(service);
                }
                connections.spawn(converse(Arc::clone(&inner), front, stream, place));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn converse(inner: Arc<Inner>, front: Front, stream: TcpStream, place: Place) {
    let connection = Connection::default();
    let stream = FaultyStream { stream, connection: connection.clone() };
    let answering = Answering { inner, front, connection };
    // Each service says itself what time it is, and large bodies come in large pieces.
    let http = Http { half_close: false, date: false, buffer: None };
    // An error here is the client's or an ordered fault, and either way this connection is over.
    let _ = http_listener::serve(http, stream, place, answering, future::pending()).await;
}

#[derive(Clone)]
struct Answering {
    inner: Arc<Inner>,
    front: Front,
    connection: Connection,
}

impl Handler for Answering {
    type Body = ReplyBody;
    type Error = Aborted;

    async fn answer(self, request: Request<Body>) -> Result<Reply, Aborted> {
        answer(&self.inner, self.front, &self.connection, request).await
    }

    fn busy(&self, _: &Request<Body>) -> Reply {
        let mut reply = Reply::new(ReplyBody::default());
        *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        reply
    }
}

async fn answer(
    inner: &Inner,
    front: Front,
    connection: &Connection,
    request: Request<Body>,
) -> Result<Reply, Aborted> {
    match front {
        Front::Service(Service::Oss) => objects::handle(inner, Dialect::Oss, connection, request).await,
        Front::Service(Service::Obs) => objects::handle(inner, Dialect::Obs, connection, request).await,
        Front::Service(Service::Oms) => oms::handle(inner, connection, request).await,
        Front::Admin => Ok(admin::handle(inner, request).await),
    }
}

/// The handle by which a request breaks the connection it came on.
#[derive(Debug, Clone)]
pub(crate) struct Connection(Arc<Orders>);

#[derive(Debug)]
struct Orders {
    /// Bytes that may still go out; `usize::MAX` for any number.
    allowance: AtomicUsize,
    reset: AtomicBool,
}

impl Default for Connection {
    fn default() -> Self {
        Self(Arc::new(Orders { allowance: AtomicUsize::new(usize::MAX), reset: AtomicBool::new(false) }))
    }
}

impl Connection {
    /// Closes with RST instead of FIN.
    pub(crate) fn reset(&self) {
        self.0.reset.store(true, Ordering::Release);
    }

    /// Lets `bytes` more go out, then resets.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.0.allowance.store(bytes, Ordering::Release);
    }
}

/// A TCP stream that can be told to break.
struct FaultyStream {
    stream: TcpStream,
    connection: Connection,
}

impl Drop for FaultyStream {
    fn drop(&mut self) {
        if self.connection.0.reset.load(Ordering::Acquire) {
            // Where this fails the peer sees an orderly close instead, which no caller can repair.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for FaultyStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for FaultyStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let allowance = self.connection.0.allowance.load(Ordering::Acquire);
        if allowance == 0 {
            self.connection.reset();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, &buf[..buf.len().min(allowance)]);
        if let (Poll::Ready(Ok(count)), true) = (&written, allowance != usize::MAX) {
            self.connection.cut_after(allowance - count);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.connection.0.reset.load(Ordering::Acquire) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.connection.0.allowance.load(Ordering::Acquire) == usize::MAX {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        }
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &**buf);
        self.poll_write(cx, first)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
