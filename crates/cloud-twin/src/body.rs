//! Bodies of requests and replies.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, SizeHint};

use crate::connection::Aborted;
use crate::content::{Content, Pieces};

/// Body of a reply: content sent piece by piece, without copying it.
#[derive(Debug, Default)]
pub(crate) struct ReplyBody(Pieces);

impl ReplyBody {
    pub(crate) fn content(&self) -> &Content {
        self.0.content()
    }
}

impl<T: Into<Content>> From<T> for ReplyBody {
    fn from(content: T) -> Self {
        Self(Pieces::of(content.into()))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.next_piece(usize::MAX).map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.left())
    }
}

/// Body of a request to an object service, which an ordered fault may tamper with.
#[derive(Debug)]
pub(crate) struct RequestBody {
    body: http_listener::Body,
    /// Bytes before the one to tamper with.
    flip_after: Option<u64>,
}

impl RequestBody {
    pub(crate) fn new(body: http_listener::Body) -> Self {
        Self { body, flip_after: None }
    }

    /// The length by `Content-Length`; none for a chunked body.
    pub(crate) fn announced(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// Flips one bit of the byte in the middle, or of the first one where the length is not known.
    pub(crate) fn corrupt(&mut self) {
        self.flip_after = Some(self.announced().unwrap_or_default() / 2);
    }

    pub(crate) async fn piece(&mut self) -> Option<Result<Bytes, Aborted>> {
        loop {
            match self.body.frame().await? {
                Ok(frame) => {
                    if let Ok(piece) = frame.into_data() {
                        return Some(Ok(self.tampered(piece)));
                    }
                }
                Err(_) => return Some(Err(Aborted)),
            }
        }
    }

    fn tampered(&mut self, piece: Bytes) -> Bytes {
        let Some(after) = self.flip_after else {
            return piece;
        };
        let position = usize::try_from(after).unwrap_or(usize::MAX);
        if position >= piece.len() {
            self.flip_after = Some(after - piece.len() as u64);
            return piece;
        }
        self.flip_after = None;
        let mut bytes = piece.to_vec();
        bytes[position] ^= 1;
        bytes.into()
    }

    /// Reads what is left, so that the connection can go on after an early answer.
    pub(crate) async fn drain(mut self) {
        while let Some(Ok(_)) = self.piece().await {}
    }

    /// Reads about half of what was announced.
    pub(crate) async fn drain_half(&mut self) {
        let half = self.announced().unwrap_or_default().div_ceil(2);
        let mut read = 0;
        while read < half
            && let Some(Ok(piece)) = self.piece().await
        {
            read += piece.len() as u64;
        }
    }
}
