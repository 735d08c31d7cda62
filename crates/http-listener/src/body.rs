//! Bodies: of requests, with their timeouts; of responses, which keep their place until they are sent.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;

use crate::gate::{Stage, Turn};
use crate::watched::Alarm;

/// The body of a request. It fails if it arrives too slowly.
pub struct Body {
    incoming: Incoming,
    whole: Alarm,
    pause: (Duration, Alarm),
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It was not complete in time, or paused for too long.
    #[error("the body came too slowly")]
    TooSlow,
    /// It broke off, or its framing is not valid HTTP.
    #[error(transparent)]
    Broken(hyper::Error),
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Body").field(&self.incoming).finish()
    }
}

impl Body {
    pub(crate) fn new(body: Incoming, whole: Duration, pause: Duration) -> Self {
        let mut alarm = Alarm::default();
        if !http_body::Body::is_end_stream(&body) {
            alarm.set(whole);
        }
        Self { incoming: body, whole: alarm, pause: (pause, Alarm::default()) }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.whole.is_over(context) {
            return Poll::Ready(Some(Err(BodyError::TooSlow)));
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(context) {
            self.pause.1.unset();
            return Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Broken)));
        }
        let (pause, alarm) = &mut self.pause;
        if alarm.is_over_after(*pause, context) {
            Poll::Ready(Some(Err(BodyError::TooSlow)))
        } else {
            Poll::Pending
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

/// The current request of a connection. When this is dropped its response is complete, though part of that
/// may still be in buffers.
pub(crate) struct CurrentRequest {
    turn: Arc<Turn>,
    place: Option<OwnedSemaphorePermit>,
}

impl CurrentRequest {
    pub(crate) fn new(turn: Arc<Turn>, place: Option<OwnedSemaphorePermit>) -> Self {
        turn.enter(Stage::Request);
        Self { turn, place }
    }
}

impl Drop for CurrentRequest {
    fn drop(&mut self) {
        self.turn.answered(self.place.take());
    }
}

/// The body of a response.
pub(crate) struct Reply<B> {
    body: B,
    _request: CurrentRequest,
}

impl<B> Reply<B> {
    pub(crate) fn new(body: B, request: CurrentRequest) -> Self {
        Self { body, _request: request }
    }
}

impl<B: http_body::Body + Unpin> http_body::Body for Reply<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
