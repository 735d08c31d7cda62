//! Enforces the timeouts on the stream of a connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::gate::{Stage, Turn};

/// A stream that fails once its peer is too slow.
pub(crate) struct Watched<S> {
    stream: S,
    turn: Arc<Turn>,
    reading: Alarm,
    /// The number of the stage that `reading` is set for.
    set_for: Option<u64>,
    writing: Alarm,
}

/// A timer that is created when it is first needed.
#[derive(Default)]
pub(crate) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    set: bool,
}

impl Alarm {
    pub(crate) fn set(&mut self, after: Duration) {
        // A year, if the limit exceeds what the clock can represent.
        let now = Instant::now();
        let at = now.checked_add(after).unwrap_or_else(|| now + Duration::from_hours(24 * 365));
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(sleep_until(at))),
        }
        self.set = true;
    }

    pub(crate) fn unset(&mut self) {
        self.set = false;
    }

    /// Whether it has expired. If not, the task is woken when it does.
    pub(crate) fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        self.set && self.sleep.as_mut().is_some_and(|sleep| sleep.as_mut().poll(context).is_ready())
    }

    /// As [`Alarm::is_over`], but sets it first if it is not set.
    pub(crate) fn is_over_after(&mut self, limit: Duration, context: &mut Context<'_>) -> bool {
        if !self.set {
            self.set(limit);
        }
        self.is_over(context)
    }
}

impl<S> Watched<S> {
    pub(crate) fn new(stream: S, turn: Arc<Turn>) -> Self {
        Self { stream, turn, reading: Alarm::default(), set_for: None, writing: Alarm::default() }
    }

    /// Called while the peer sends nothing.
    fn wait_to_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (stage, number) = self.turn.stage();
        let limit = match stage {
            Stage::Waiting => self.turn.limits().idle,
            Stage::Head => self.turn.limits().head,
            // A body has a timer of its own, and nothing else is read meanwhile.
            Stage::Request | Stage::Sending => {
                self.set_for = None;
                return Poll::Pending;
            }
        };
        if self.set_for != Some(number) {
            self.set_for = Some(number);
            self.reading.set(limit);
        }
        if self.reading.is_over(context) {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        } else {
            Poll::Pending
        }
    }

    fn written<T>(&mut self, result: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.writing.unset();
            return result;
        }
        let stalled = self.turn.limits().stalled;
        if self.writing.is_over_after(stalled, context) {
            Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
        } else {
            Poll::Pending
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let Poll::Ready(read) = Pin::new(&mut self.stream).poll_read(context, buffer) else {
            ready!(self.wait_to_read(context))?;
            return Poll::Pending;
        };
        if buffer.filled().len() > before && self.turn.stage().0 == Stage::Waiting {
            self.turn.enter(Stage::Head);
        }
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        // Flushed only after everything in the buffer was written.
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.turn.flushed();
            // A reader that is already waiting is not polled again before bytes arrive.
            if let Poll::Ready(over) = self.wait_to_read(context) {
                return Poll::Ready(over);
            }
        }
        self.written(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.stream).poll_shutdown(context);
        self.written(shut, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.written(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
