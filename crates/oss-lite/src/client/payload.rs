//! What is sent, and how long a try may go without anything moving.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::call::{deadline_passed, silent};
use crate::{
    Error, ErrorKind,
    error::Retry,
    stream_body::{Meter, Standing, StreamBody},
};

/// An upload slower than this is taken for a hanging one.
const SLOWEST_UPLOAD_BYTES_PER_SECOND: u64 = 64 * 1024;

/// The body of one try.
pub(crate) enum Payload {
    Bytes(Bytes),
    Stream(StreamBody),
}

impl Payload {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream(stream) => stream.len(),
        }
    }

    /// The body for the transport, and what tells how far it got.
    pub(crate) fn start(self, response_head: Duration, idle: Duration) -> (Option<reqwest::Body>, Progress) {
        let now = Instant::now();
        match self {
            Self::Bytes(bytes) => {
                let patience =
                    response_head + Duration::from_secs(bytes.len() as u64 / SLOWEST_UPLOAD_BYTES_PER_SECOND);
                let body = (!bytes.is_empty()).then(|| bytes.into());
                (body, Progress::Whole { until: now + patience, patience })
            }
            Self::Stream(stream) => {
                let meter = Arc::new(Meter::new(now));
                let body = reqwest::Body::wrap_stream(stream.metered(Arc::clone(&meter)));
                (Some(body), Progress::Streamed { meter, response_head, idle })
            }
        }
    }
}

/// How far a try got.
pub(crate) enum Progress {
    /// In one piece: the time that its size grants.
    Whole { until: Instant, patience: Duration },
    /// Piece by piece: no byte may be waited for longer than `idle`, and the answer no longer than `response_head`.
    Streamed { meter: Arc<Meter>, response_head: Duration, idle: Duration },
}

impl Progress {
    /// Ends when the try has been silent for too long, or the deadline is here.
    pub(crate) async fn overdue(&self, deadline: Option<Instant>) -> Error {
        loop {
            let (due, look_again) = self.due();
            let wake = due.min(look_again);
            sleep_until(deadline.map_or(wake, |deadline| deadline.min(wake))).await;
            let now = Instant::now();
            if deadline.is_some_and(|deadline| deadline <= now) {
                return deadline_passed();
            }
            if self.due().0 <= now {
                return self.silence();
            }
        }
    }

    /// When patience ends as things stand, and when to see whether they still stand so.
    fn due(&self) -> (Instant, Instant) {
        match self {
            Self::Whole { until, .. } => (*until, *until),
            Self::Streamed { meter, response_head, idle } => match meter.standing() {
                Standing::Sent(at) => (at + *response_head, at + *response_head),
                // Once the last byte is taken, the limit may be a shorter one.
                Standing::Moving(at) => (at + *idle, Instant::now() + *response_head),
            },
        }
    }

    fn silence(&self) -> Error {
        match self {
            Self::Whole { patience, .. } => silent(*patience),
            Self::Streamed { meter, response_head, idle } => match meter.standing() {
                Standing::Sent(_) => silent(*response_head),
                Standing::Moving(_) => {
                    let message = format!("no byte of the body moved within {} ms", idle.as_millis());
                    Error::new(ErrorKind::Transport, message).with_retry(Retry::Backoff)
                }
            },
        }
    }

    /// Why the body could not be read to its end, if that is why the request failed.
    pub(crate) fn failure(&self) -> Option<Error> {
        match self {
            Self::Whole { .. } => None,
            Self::Streamed { meter, .. } => meter.take_failure(),
        }
    }

    /// Refuses success that was answered before the body was sent: it cannot be about this object.
    pub(crate) fn complete(&self) -> Result<(), Error> {
        match self {
            Self::Whole { .. } => Ok(()),
            Self::Streamed { meter, .. } => match meter.standing() {
                Standing::Sent(_) => Ok(()),
                Standing::Moving(_) => Err(self.failure().unwrap_or_else(|| {
                    let message = "the service answered before it had the whole body";
                    Error::new(ErrorKind::UnexpectedResponse, message).with_retry(Retry::Backoff)
                })),
            },
        }
    }
}
