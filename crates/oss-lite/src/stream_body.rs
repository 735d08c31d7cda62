//! Bodies that are sent as they are produced.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Retry};

/// Pieces are handed on no larger, so that a slow connection is seen to move.
const LARGEST_PIECE: usize = 64 * 1024;

type BoxError = Box<dyn StdError + Send + Sync>;
type Source = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

/// A body that is sent as it is produced. It can be read once, so the request is made once; for another try,
/// make another body.
///
/// The stream must yield exactly the announced number of bytes and then end. One that fails, ends early or
/// goes on fails the request with [`ErrorKind::BodyFailed`], and nothing is stored: the last bytes leave only
/// when the stream has ended where it should.
///
/// A stream error that is an [`Error`] of this crate decides by its own [`is_retryable`](Error::is_retryable)
/// whether sending a new body makes sense; after any other it does, and after a wrong length it does not.
///
/// ```
/// # async fn example(source: oss_lite::Bucket, target: oss_lite::Bucket) -> Result<(), oss_lite::Error> {
/// use oss_lite::{PutOptions, StreamBody};
///
/// let object = source.get("video.mp4").await?;
/// let body = StreamBody::new(object.meta.size, object.body);
/// target.put_stream("video.mp4", body, PutOptions::default()).await?;
/// # Ok(())
/// # }
/// ```
pub struct StreamBody {
    length: u64,
    source: Source,
}

impl StreamBody {
    /// A body of `length` bytes.
    pub fn new<S, E>(length: u64, stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self { length, source: Box::pin(stream.map(|item| item.map_err(Into::into))) }
    }

    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    pub(crate) fn metered(self, meter: Arc<Meter>) -> Metered {
        Metered {
            source: self.source,
            length: self.length,
            missing: self.length,
            piece: Bytes::new(),
            ended: false,
            meter,
        }
    }

    /// The transport does not read a body of no bytes, so that it really has none is seen here.
    pub(crate) async fn expect_nothing(self) -> Result<(), Error> {
        let meter = Arc::new(Meter::new(Instant::now()));
        match self.metered(Arc::clone(&meter)).next().await {
            None => Ok(()),
            Some(_) => {
                Err(meter.take_failure().unwrap_or_else(|| StreamFailure::Longer { length: 0 }.into()))
            }
        }
    }
}

impl fmt::Debug for StreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamBody").field("length", &self.length).finish_non_exhaustive()
    }
}

/// A body being sent; it reports its progress to a meter.
pub(crate) struct Metered {
    source: Source,
    length: u64,
    /// What the source has still to yield.
    missing: u64,
    /// Yielded by the source, not yet handed on.
    piece: Bytes,
    /// The source ended, where it should.
    ended: bool,
    meter: Arc<Meter>,
}

/// The error that the transport sees; the meter holds the reason.
#[derive(Debug, thiserror::Error)]
#[error("the body failed")]
pub(crate) struct Broken;

impl Metered {
    fn fail(&mut self, failure: StreamFailure) -> Poll<Option<Result<Bytes, Broken>>> {
        self.ended = true;
        self.piece = Bytes::new();
        self.meter.failed(failure);
        Poll::Ready(Some(Err(Broken)))
    }

    fn hand_on(&mut self) -> Bytes {
        let piece = self.piece.split_to(self.piece.len().min(LARGEST_PIECE));
        self.meter.moved(self.ended && self.piece.is_empty());
        piece
    }
}

impl Stream for Metered {
    type Item = Result<Bytes, Broken>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.meter.asked();
        loop {
            if !this.piece.is_empty() && (this.ended || this.missing > 0) {
                return Poll::Ready(Some(Ok(this.hand_on())));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            match ready!(this.source.as_mut().poll_next(cx)) {
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) => match this.missing.checked_sub(piece.len() as u64) {
                    Some(missing) => {
                        this.missing = missing;
                        this.piece = piece;
                    }
                    None => return this.fail(StreamFailure::Longer { length: this.length }),
                },
                Some(Err(error)) => return this.fail(StreamFailure::Source(error)),
                None if this.missing > 0 => {
                    return this.fail(StreamFailure::Shorter { length: this.length, missing: this.missing });
                }
                None => this.ended = true,
            }
        }
    }
}

/// Why a body could not be sent.
enum StreamFailure {
    Source(BoxError),
    Shorter { length: u64, missing: u64 },
    Longer { length: u64 },
}

impl From<StreamFailure> for Error {
    fn from(failure: StreamFailure) -> Self {
        match failure {
            StreamFailure::Source(source) => {
                let hopeless = source.downcast_ref::<Error>().is_some_and(|error| !error.is_retryable());
                let retry = if hopeless { Retry::Never } else { Retry::Backoff };
                let message = format!("the stream of the body failed: {source}");
                Self::new(ErrorKind::BodyFailed, message).with_retry(retry).with_source(source)
            }
            StreamFailure::Shorter { length, missing } => {
                let message = format!("the stream ended after {} of {length} bytes", length - missing);
                Self::new(ErrorKind::BodyFailed, message)
            }
            StreamFailure::Longer { length } => {
                Self::new(ErrorKind::BodyFailed, format!("the stream went on after {length} bytes"))
            }
        }
    }
}

/// What is known of a body on its way.
pub(crate) struct Meter(Mutex<Reading>);

struct Reading {
    last: Instant,
    /// The transport asked for bytes that are not there yet.
    asked: bool,
    sent: bool,
    failure: Option<StreamFailure>,
}

/// Since when there is nothing new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Moving(Instant),
    Sent(Instant),
}

impl Meter {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Reading { last: now, asked: false, sent: false, failure: None }))
    }

    pub(crate) fn standing(&self) -> Standing {
        let reading = self.reading();
        if reading.sent { Standing::Sent(reading.last) } else { Standing::Moving(reading.last) }
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        self.reading().failure.take().map(Error::from)
    }

    fn asked(&self) {
        let mut reading = self.reading();
        if !reading.asked && !reading.sent {
            reading.asked = true;
            reading.last = Instant::now();
        }
    }

    fn moved(&self, sent: bool) {
        let mut reading = self.reading();
        reading.asked = false;
        reading.sent = sent;
        reading.last = Instant::now();
    }

    fn failed(&self, failure: StreamFailure) {
        self.reading().failure = Some(failure);
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock()
    }
}
