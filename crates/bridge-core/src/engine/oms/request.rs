//! One request to OMS: body, signature, sending, reading the reply.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use apig_signer::{Payload, SigningParams};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::{Request, Response};
use tokio::time::Instant;

use super::reply::{broken_off, taken};
use super::{Acceptance, Shared};
use crate::engine::{EngineName, Failure};
use object_copy::outcome::{Attempt, EngineError, FailureClass};

/// Longest time one try may take.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(15);

/// Longest reply that is read. A good one is empty.
const MAX_REPLY: usize = 64 * 1024;

/// A request that was not accepted.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: EngineError,
    request_id: Option<String>,
    /// The service's clock.
    pub(super) date: Option<DateTime<Utc>>,
}

impl Refusal {
    fn local(error: EngineError) -> Self {
        Self { error, request_id: None, date: None }
    }

    pub(super) fn into_failure(self, class: FailureClass) -> Failure {
        let Self { error, request_id, .. } = self;
        Failure { engine: EngineName::Oms, class, error, request_id, attempt: Attempt::Made, open: None }
    }
}

/// `{"object_keys":["…",…]}`. Encoded keys are plain ASCII without quotes or backslashes.
pub(super) fn body<'k>(encoded: impl Iterator<Item = &'k str> + Clone) -> Bytes {
    const FRAME: &str = r#"{"object_keys":[]}"#;
    let length = FRAME.len() + encoded.clone().map(|key| key.len() + 3).sum::<usize>();
    let mut body = String::with_capacity(length);
    body.push_str(r#"{"object_keys":["#);
    for (index, key) in encoded.enumerate() {
        body.push_str(if index == 0 { "\"" } else { ",\"" });
        body.push_str(key);
        body.push('"');
    }
    body.push_str("]}");
    body.into()
}

/// The headers of every request, before it is signed.
pub(super) fn headers() -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(6);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

impl Shared {
    /// Sends `body` once, freshly signed.
    pub(super) async fn post(&self, body: Bytes, deadline: Instant) -> Result<Acceptance, Refusal> {
        let request = self.sign(body, deadline)?;
        let response = self.http.execute(request).await.map_err(|error| Refusal::local(transport(error)))?;
        let status = response.status();
        let request_id = header(response.headers(), "x-request-id");
        let date = response.headers().get(DATE).cloned();
        let taken = match read(response, MAX_REPLY).await {
            Ok(body) => taken(status, &body),
            Err(error) => Err(broken_off(status, error)),
        };
        let Err((error, id_in_body)) = taken else {
            return Ok(Acceptance { request_id, ..Acceptance::default() });
        };
        Err(Refusal { error, request_id: request_id.or(id_in_body), date: date.as_ref().and_then(moment) })
    }

    fn sign(&self, body: Bytes, deadline: Instant) -> Result<Request, Refusal> {
        let target = &self.config.target;
        let mut headers = headers();
        let now = self.clock_offset.apply((self.config.clock)());
        let params = SigningParams::new(&self.config.credentials, now);
        apig_signer::sign(&Method::POST, target.uri(), &mut headers, Payload::Bytes(&body), &params)
            .map_err(|error| {
                Refusal::local(EngineError::local(format!("cannot sign the request: {error}")))
            })?;
        let mut request = Request::new(Method::POST, target.url().clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        let left = deadline.saturating_duration_since(Instant::now());
        *request.timeout_mut() = Some(left.min(TIMEOUT));
        Ok(request)
    }

    pub(super) async fn warm(&self) -> Result<(), EngineError> {
        let mut url = self.config.target.url().clone();
        url.set_path("/");
        let request = Request::new(Method::HEAD, url);
        self.http.execute(request).await.map(drop).map_err(transport)
    }
}

/// Reads a reply to its end, so that the connection can serve the next request. Of a longer one than `most` bytes the beginning.
pub(crate) async fn read(mut response: Response, most: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

pub(crate) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// The time of the service, where its reply tells.
pub(crate) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    moment(headers.get(DATE)?)
}

fn moment(date: &HeaderValue) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(date.to_str().ok()?).ok().map(|date| date.to_utc())
}

/// The whole chain of causes in one line: reqwest's own text ends at "error sending request".
pub(crate) fn transport(error: reqwest::Error) -> EngineError {
    EngineError::local(format!("no reply from OMS: {}", chain(error)))
}

/// An error with all of its causes.
pub(super) fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let _ = write!(message, ": {inner}");
        cause = inner.source();
    }
    message
}
