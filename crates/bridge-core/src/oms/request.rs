//! One request to OMS: body, signature, sending, reading the reply.

use apig_signer::{Credentials, Payload, SigningParams};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use http::header::{CONTENT_TYPE, DATE};
use http::{HeaderMap, HeaderValue, Method};
use http_client::TransportKind;
use oss_lite::SignatureVerdict;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Request;
use tokio::time::Instant;

use super::reply::{ReplyError, Verdict, broken_off, classify, of_signature, taken, too_long};
use super::secrets::Secrets;
use super::target::SyncUrl;
use super::transport::{TIMEOUT, Unread, header, moment, read, transport};
use object_copy::clock::{Clock, Offset};
use object_copy::outcome::EngineError;

/// Longest reply that is read. A good one is empty.
const MAX_REPLY: usize = 64 * 1024;

/// A request that was not accepted.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) error: EngineError,
    /// Request id of the refused request, for questions to the service's support.
    pub(crate) request_id: Option<String>,
    /// What to do about it.
    pub(crate) verdict: Verdict,
    /// The request was signed with a wrong time, and the right one is known from here on.
    pub(crate) clock_was_wrong: bool,
    /// Why the service was not reached, where it was not.
    pub(crate) unreached: Option<TransportKind>,
}

impl Refusal {
    fn local(error: EngineError) -> Self {
        let (request_id, unreached) = (None, None);
        Self { verdict: classify(&error), error, request_id, clock_was_wrong: false, unreached }
    }

    /// No answer. A connection that broke off says that the service is there.
    fn transport(failed: reqwest::Error) -> Self {
        let kind = TransportKind::of(&failed);
        let unreached = Some(kind).filter(|kind| *kind != TransportKind::Other);
        Self { unreached, ..Self::local(transport(failed)) }
    }

    /// Its verdict on the signature. A request that was signed with a wrong time says nothing about the
    /// secret.
    pub(crate) fn signature(&self) -> SignatureVerdict {
        if self.clock_was_wrong { SignatureVerdict::Unknown } else { of_signature(&self.error) }
    }
}

/// RFC 3986's unreserved set stays, everything else is encoded, `/` included. The result decodes to the same
/// key whether the service decodes percent-encoding or form-encoding.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The key in the form that OMS expects.
pub(crate) fn encode(key: &str) -> String {
    utf8_percent_encode(key, KEY).to_string()
}

/// `{"object_keys":["…",…]}`. Encoded keys are plain ASCII without quotes or backslashes.
pub(crate) fn body<'k>(encoded: impl Iterator<Item = &'k str> + Clone) -> Bytes {
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

/// Hands keys to one sync task. Knows the difference between the service's clock and ours once a reply has
/// shown it.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    target: SyncUrl,
    credentials: Credentials,
    clock: Clock,
    clock_offset: Offset,
}

impl Client {
    /// Sends through `http`, which must not follow redirects.
    pub(crate) fn new(
        http: reqwest::Client,
        target: SyncUrl,
        credentials: Credentials,
        clock: Clock,
    ) -> Self {
        Self { http, target, credentials, clock, clock_offset: Offset::default() }
    }

    /// The sync task's id.
    pub(crate) fn task(&self) -> &str {
        self.target.task()
    }

    /// Sends `body` once, freshly signed. Gives the request id of the service that accepted it.
    pub(crate) async fn post(&self, body: Bytes, deadline: Instant) -> Result<Option<String>, Refusal> {
        let signed = self.clock_offset.apply((self.clock)());
        let request = self.sign(body, signed, deadline)?;
        let response = self.http.execute(request).await.map_err(Refusal::transport)?;
        let status = response.status();
        let secrets = Secrets::default().and(self.credentials.security_token());
        let request_id = header(response.headers(), "x-request-id").map(|id| secrets.mask(&id));
        let date = response.headers().get(DATE).cloned();
        let taken = match read(response, MAX_REPLY).await {
            Ok(body) => taken(status, &body, &secrets),
            Err(Unread::BrokeOff(error)) => Err(broken_off(status, error)),
            Err(Unread::TooLong) => Err(too_long(status, MAX_REPLY)),
        };
        let Err(ReplyError { error, request_id: id_in_body }) = taken else {
            return Ok(request_id);
        };
        let verdict = classify(&error);
        let learns = |theirs| self.clock_offset.learn(theirs, signed, (self.clock)());
        let clock_was_wrong =
            verdict == Verdict::Unauthorized && date.as_ref().and_then(moment).is_some_and(learns);
        let request_id = request_id.or(id_in_body);
        Err(Refusal { error, request_id, verdict, clock_was_wrong, unreached: None })
    }

    fn sign(&self, body: Bytes, now: DateTime<Utc>, deadline: Instant) -> Result<Request, Refusal> {
        let mut headers = headers();
        let params = SigningParams::new(&self.credentials, now);
        apig_signer::sign(&Method::POST, self.target.uri(), &mut headers, Payload::Bytes(&body), &params)
            .map_err(|error| {
                Refusal::local(EngineError::local(format!("cannot sign the request: {error}")))
            })?;
        let mut request = Request::new(Method::POST, self.target.url().clone());
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body.into());
        let left = deadline.saturating_duration_since(Instant::now());
        *request.timeout_mut() = Some(left.min(TIMEOUT));
        Ok(request)
    }

    /// Opens the connection; any reply will do.
    pub(crate) async fn warm(&self) -> Result<(), EngineError> {
        let mut url = self.target.url().clone();
        url.set_path("/");
        let request = Request::new(Method::HEAD, url);
        self.http.execute(request).await.map(drop).map_err(transport)
    }
}
