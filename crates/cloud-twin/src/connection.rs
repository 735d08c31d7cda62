//! Connections that faults can break.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The connection is to be dropped without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was dropped on purpose")]
pub(crate) struct Aborted;

/// The handle by which a request breaks the connection it came on.
#[derive(Clone, Debug)]
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

/// A TCP stream that can be broken on order.
pub(crate) struct FaultyStream {
    stream: TcpStream,
    connection: Connection,
}

impl FaultyStream {
    pub(crate) fn new(stream: TcpStream, connection: Connection) -> Self {
        Self { stream, connection }
    }
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
