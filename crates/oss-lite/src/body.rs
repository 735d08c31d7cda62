//! The body of an object as it arrives, against idle time and deadline.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use http_body::Body;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::{Error, ErrorKind, Retry, deadline_passed, transport};

/// The bytes of an object as they arrive.
///
/// Ends with an error, and then ends, when the connection breaks, the body is shorter than announced, nothing
/// arrives for the idle time, or the deadline passes.
pub struct ObjectBody {
    body: reqwest::Body,
    idle: Duration,
    deadline: Option<Instant>,
    context: String,
    /// Runs only while nothing arrives.
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    ended: bool,
}

impl ObjectBody {
    pub(crate) fn new(body: reqwest::Body, idle: Duration, deadline: Option<Instant>) -> Self {
        Self { body, idle, deadline, context: String::new(), timer: None, waiting: false, ended: false }
    }

    /// What errors of this body begin with.
    pub(crate) fn in_context(mut self, context: String) -> Self {
        self.context = context;
        self
    }

    /// What errors of this body begin with.
    pub(crate) fn context(&self) -> &str {
        &self.context
    }

    /// Everything, if it is at most `limit` bytes.
    pub(crate) async fn collect(mut self, limit: usize) -> Result<Bytes, Error> {
        let Some(first) = self.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let mut all = None;
        let mut size = first.len();
        while size <= limit {
            let Some(chunk) = self.next().await.transpose()? else {
                return Ok(all.map_or(first, BytesMut::freeze));
            };
            size += chunk.len();
            all.get_or_insert_with(|| BytesMut::from(&first[..])).extend_from_slice(&chunk);
        }
        Err(self.describe(Error::new(ErrorKind::TooLarge, format!("the body is larger than {limit} bytes"))))
    }

    /// What arrives of the first `limit` bytes.
    pub(crate) async fn up_to(mut self, limit: usize) -> Bytes {
        let mut all = BytesMut::new();
        while all.len() < limit {
            let Some(Ok(chunk)) = self.next().await else { break };
            all.extend_from_slice(&chunk);
        }
        all.truncate(limit);
        all.freeze()
    }

    /// Says whose body the error is about.
    pub(crate) fn describe(&self, error: Error) -> Error {
        if self.context.is_empty() { error } else { error.in_context(|| self.context.clone()) }
    }

    fn fail(&mut self, error: Error) -> Poll<Option<Result<Bytes, Error>>> {
        self.ended = true;
        Poll::Ready(Some(Err(self.describe(error))))
    }

    /// The error to end with if it is time, else arranges to be woken then.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let patience = Instant::now() + self.idle;
        let limit = self.deadline.map_or(patience, |deadline| deadline.min(patience));
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(limit)));
        if !self.waiting {
            timer.as_mut().reset(limit);
            self.waiting = true;
        }
        match timer.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) => {
                Poll::Ready(deadline_passed())
            }
            Poll::Ready(()) => {
                let message = format!("nothing more of the body within {} ms", self.idle.as_millis());
                Poll::Ready(Error::new(ErrorKind::Transport, message).with_retry(Retry::Backoff))
            }
        }
    }
}

impl Stream for ObjectBody {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(None);
        }
        if this.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return this.fail(deadline_passed());
        }
        loop {
            match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    this.waiting = false;
                    if let Ok(data) = frame.into_data()
                        && !data.is_empty()
                    {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => return this.fail(transport(error)),
                Poll::Ready(None) => {
                    this.ended = true;
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    return match this.poll_timer(cx) {
                        Poll::Ready(error) => this.fail(error),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
    }
}

impl fmt::Debug for ObjectBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectBody").field("ended", &self.ended).finish_non_exhaustive()
    }
}
