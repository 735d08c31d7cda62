//! What is sent, and how long a try may go without anything moving.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use crate::error::{Error, ErrorKind, Retry, deadline_passed, silent};
use crate::stream_body::{Meter, Standing, StreamBody};

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

    /// The body for the transport, and a view of how much of it was sent.
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
    /// Piece by piece: no byte may be waited for longer than `idle`, and the answer no longer than
    /// `response_head`.
    Streamed { meter: Arc<Meter>, response_head: Duration, idle: Duration },
}

impl Progress {
    /// Of a body that is only waited for.
    pub(crate) fn of_nothing(idle: Duration) -> Self {
        Self::Streamed { meter: Arc::new(Meter::new(Instant::now())), response_head: idle, idle }
    }

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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;

    use futures_util::stream;
    use http_body::Body;
    use tokio::time::sleep;

    use super::*;

    const HEAD: Duration = Duration::from_secs(7);
    const IDLE: Duration = Duration::from_secs(20);

    /// One byte at a time, each after a wait.
    fn slow(waits: Vec<Duration>) -> StreamBody {
        let length = waits.len() as u64;
        let bytes = stream::unfold(waits.into_iter(), |mut waits| async move {
            sleep(waits.next()?).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), waits))
        });
        StreamBody::new(length, bytes)
    }

    /// Takes the body as fast as it comes, and tells when patience with it ended.
    async fn overdue(body: StreamBody, deadline: Option<Duration>) -> (Duration, Error) {
        let start = Instant::now();
        let (body, progress) = Payload::Stream(body).start(HEAD, IDLE);
        tokio::spawn(async move {
            let mut body = body.expect("a body");
            while let Some(Ok(_)) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {}
        });
        let error = progress.overdue(deadline.map(|deadline| start + deadline)).await;
        (start.elapsed(), error)
    }

    fn seconds(seconds: &[u64]) -> Vec<Duration> {
        seconds.iter().copied().map(Duration::from_secs).collect()
    }

    fn near(elapsed: Duration, expected: u64) -> bool {
        elapsed >= Duration::from_secs(expected) && elapsed < Duration::from_secs(expected + 1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_may_take_any_time_as_long_as_it_moves() {
        let (elapsed, error) = overdue(slow(seconds(&[19; 100])), None).await;
        assert!(near(elapsed, 1900 + HEAD.as_secs()), "{elapsed:?}");
        assert!(error.to_string().contains("no answer within 7000 ms"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stands_still_is_given_up_after_the_idle_time() {
        let (elapsed, error) = overdue(slow(seconds(&[3, 21, 1])), None).await;
        assert!(near(elapsed, 3 + IDLE.as_secs()), "{elapsed:?}");
        assert!(error.to_string().contains("no byte of the body moved within 20000 ms"), "{error}");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Transport, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_nobody_takes_is_given_up_as_well() {
        let start = Instant::now();
        let (_body, progress) = Payload::Stream(slow(seconds(&[0]))).start(HEAD, IDLE);
        progress.overdue(None).await;
        assert!(near(start.elapsed(), IDLE.as_secs()), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_waited_for_from_the_last_byte_on() {
        let (elapsed, _) = overdue(slow(seconds(&[1])), None).await;
        assert!(near(elapsed, 1 + HEAD.as_secs()), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_piece_counts_as_sent_with_its_last_byte_only() {
        let piece = Bytes::from(vec![0; 1_000_000]);
        let body = StreamBody::new(1_000_000, stream::iter([Ok::<_, Infallible>(piece)]));
        let (body, progress) = Payload::Stream(body).start(HEAD, IDLE);
        let mut body = body.expect("a body");
        let first = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
        let first = first.expect("a piece").expect("good").into_data().expect("bytes");
        assert!(first.len() < 1_000_000, "{}", first.len());
        let error = progress.overdue(None).await;
        assert!(error.to_string().contains("no byte of the body moved"), "{error}");
        assert!(progress.complete().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_comes_first() {
        let (elapsed, error) = overdue(slow(seconds(&[5; 9])), Some(Duration::from_secs(12))).await;
        assert!(near(elapsed, 12), "{elapsed:?}");
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_in_one_piece_has_the_time_that_its_size_grants() {
        let start = Instant::now();
        let bytes = Bytes::from(vec![0; 640 * 1024]);
        let (_body, progress) = Payload::Bytes(bytes).start(HEAD, IDLE);
        progress.overdue(None).await;
        assert!(near(start.elapsed(), HEAD.as_secs() + 10), "{:?}", start.elapsed());
    }
}
