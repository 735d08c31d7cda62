//! Receives the body of an invocation.

use bytes::{Bytes, BytesMut};
use http::header::EXPECT;
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt;
use http_listener::{Body, BodyError};
use lambda_runtime::Diagnostic;
use tokio::time::{Instant, timeout_at};

use crate::failure::diagnostic;
use crate::reply::Connection;
use crate::room::{Room, Taken};

/// How much of a body that is over the limit is read and thrown away, so that a client that only reads after
/// it has written gets its answer instead of a reset connection.
const DISCARDED_AT_MOST: usize = 64 << 20;

/// Why there is no event to run the handler on.
#[derive(Debug)]
pub(crate) enum Missing {
    TooLarge { limit: usize, connection: Connection },
    Broken(BodyError),
    Late,
}

impl Missing {
    pub(crate) fn connection(&self) -> Connection {
        match self {
            Self::TooLarge { connection, .. } => *connection,
            Self::Broken(_) | Self::Late => Connection::Close,
        }
    }

    /// The status for a client that reads it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Broken(BodyError::Broken(_)) => StatusCode::BAD_REQUEST,
            Self::Broken(BodyError::TooSlow) | Self::Late => StatusCode::REQUEST_TIMEOUT,
        }
    }

    /// As [`Missing::diagnostic`], with what to do about an event that is too large.
    pub(crate) fn diagnostic_with(&self, advice: Option<&str>) -> Diagnostic {
        let mut diagnostic = self.diagnostic();
        if let (Self::TooLarge { .. }, Some(advice)) = (self, advice) {
            diagnostic.error_message = format!("{}: {advice}", diagnostic.error_message);
        }
        diagnostic
    }

    pub(crate) fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::TooLarge { limit, .. } => {
                diagnostic("EventTooLarge", format!("the event exceeds the limit of {limit} bytes"))
            }
            Self::Broken(error) => {
                diagnostic("IncompleteEvent", format!("the event was not received to its end: {error}"))
            }
            Self::Late => diagnostic(
                "IncompleteEvent",
                "the event was not received before the deadline of the invocation",
            ),
        }
    }
}

/// The whole body, as long as it has at most `limit` bytes and is complete by `deadline`; and the room it
/// takes. That is waited for before any of it is read, or as it comes where nothing says how long it is.
pub(crate) async fn receive(
    body: Body,
    headers: &HeaderMap,
    limit: usize,
    room: &Room,
    deadline: Instant,
) -> Result<(Bytes, Taken), Missing> {
    let announced = body.size_hint().lower();
    if announced > limit as u64 && headers.contains_key(EXPECT) {
        // The client waits for leave to send the body, and does not get it.
        return Err(Missing::TooLarge { limit, connection: Connection::Close });
    }
    let received = async {
        if announced > limit as u64 {
            return Err(discard(body, limit).await);
        }
        let length = body.size_hint().exact().and_then(|length| usize::try_from(length).ok());
        let mut taken = room.take(length).await;
        let event = collect(body, limit, room, &mut taken).await?;
        room.keep(&mut taken, event.len());
        Ok((event, taken))
    };
    timeout_at(deadline, received).await.unwrap_or(Err(Missing::Late))
}

async fn collect(mut body: Body, limit: usize, room: &Room, taken: &mut Taken) -> Result<Bytes, Missing> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut event = Event::default();
    while let Some(chunk) = next_chunk(&mut body).await.map_err(Missing::Broken)? {
        if event.len() + chunk.len() > limit {
            return Err(discard(body, limit).await);
        }
        room.grow(taken, event.len() + chunk.len(), limit).await;
        event = event.append(chunk, announced);
    }
    Ok(event.into_bytes())
}

async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, BodyError> {
    // Asking a body that is known to be over would cost another turn of the connection's task.
    while !body.is_end_stream()
        && let Some(frame) = body.frame().await.transpose()?
    {
        if let Ok(chunk) = frame.into_data() {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

async fn discard(mut body: Body, limit: usize) -> Missing {
    let mut discarded = 0;
    while discarded < DISCARDED_AT_MOST {
        match next_chunk(&mut body).await {
            Ok(Some(chunk)) => discarded += chunk.len(),
            Ok(None) => {
                return Missing::TooLarge { limit, connection: Connection::Keep };
            }
            Err(_) => break,
        }
    }
    Missing::TooLarge { limit, connection: Connection::Close }
}

/// A body as far as it was received; the usual one arrives whole and is never copied.
enum Event {
    One(Bytes),
    Joined(BytesMut),
}

impl Default for Event {
    fn default() -> Self {
        Self::One(Bytes::new())
    }
}

impl Event {
    fn len(&self) -> usize {
        match self {
            Self::One(bytes) => bytes.len(),
            Self::Joined(bytes) => bytes.len(),
        }
    }

    fn append(self, chunk: Bytes, announced: usize) -> Self {
        let mut joined = match self {
            Self::One(first) if first.is_empty() => return Self::One(chunk),
            Self::One(first) => {
                let mut joined = BytesMut::with_capacity(announced.max(first.len() + chunk.len()));
                joined.extend_from_slice(&first);
                joined
            }
            Self::Joined(joined) => joined,
        };
        joined.extend_from_slice(&chunk);
        Self::Joined(joined)
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::One(bytes) => bytes,
            Self::Joined(bytes) => bytes.freeze(),
        }
    }
}
