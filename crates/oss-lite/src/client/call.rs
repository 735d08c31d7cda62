//! One call: its tries, the clock, the gate, the reading of the answer.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::Url;
use tokio::time::{Instant, sleep, timeout_at};

use super::payload::{Payload, Progress};
use super::{Shared, Signer};
use crate::body::ObjectBody;
use crate::bucket_name::BucketName;
use crate::dialect::{BucketPath, Dialect};
use crate::endpoint::Addressing;
use crate::error::{Addressed, Answer, Error, ErrorKind, Retry, deadline_passed, from_reply, transport};
use crate::gate::{self, SignaturePass, SignatureVerdict};
use crate::key::ObjectKey;
use crate::query::Query;
use crate::sign::{Resource, SigningRequest};
use crate::stream_body::StreamBody;

/// More of an error document is not read.
const LONGEST_ERROR: usize = 64 * 1024;

/// Services refuse signatures that are further off their clock.
const TOLERATED_SKEW: TimeDelta = TimeDelta::minutes(15);

/// What a call addresses within its bucket.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    Bucket,
    Object(&'a ObjectKey<'a>),
}

/// One request, as often as it may take.
pub(crate) struct Call<'a> {
    /// For messages: what is done, such as "put".
    pub(crate) operation: &'static str,
    /// The action that a policy must allow, as RAM names it.
    pub(crate) action: &'static str,
    pub(crate) method: Method,
    pub(crate) target: Target<'a>,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) repeat: Repeat,
    /// How long the head of the answer may take, if not as long as with most calls.
    pub(crate) response_head: Option<Duration>,
}

/// Whether a call that failed may be made again without looking at what it did.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    ByPolicy,
    Never,
}

impl<'a> Call<'a> {
    /// Without parameters, headers and body, repeated by the policy.
    pub(crate) fn new(operation: &'static str, method: Method, target: Target<'a>) -> Self {
        let action = match (&method, target) {
            (&Method::GET | &Method::HEAD, Target::Object(_)) => "GetObject",
            (&Method::DELETE, Target::Object(_)) => "DeleteObject",
            (_, Target::Object(_)) => "PutObject",
            (_, Target::Bucket) => "ListObjects",
        };
        Self {
            operation,
            action,
            method,
            target,
            query: Query::default(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeat: Repeat::ByPolicy,
            response_head: None,
        }
    }
}

/// An answer whose head is good and whose body is still to be read.
pub(crate) struct Received {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: ObjectBody,
}

/// Everything a call needs to know of its bucket.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) bucket: &'a BucketName,
    pub(crate) base: &'a Base,
    pub(crate) signer: &'a Signer,
    pub(crate) deadline: Option<Instant>,
}

impl Caller<'_> {
    /// Tries a call, reading of its answer included, until it succeeds or the policy says to stop.
    pub(crate) async fn run<T, Finish, Finished>(&self, call: &Call<'_>, finish: Finish) -> Result<T, Error>
    where
        Finish: Fn(Received) -> Finished,
        Finished: Future<Output = Result<T, Error>>,
    {
        let url = self.url(call)?;
        let attempts = match call.repeat {
            Repeat::ByPolicy => self.shared.retry.attempts(),
            Repeat::Never => 1,
        };
        let mut until = Instant::now() + self.shared.retry.total();
        if let Some(deadline) = self.deadline {
            until = until.min(deadline);
        }
        let mut clock_corrected = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = match self.send(call, &url, Payload::Bytes(call.body.clone())).await {
                Ok(received) => finish(received).await,
                Err(error) => Err(error),
            };
            let error = match outcome {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            let wait = match (error.retry(), error.server_time()) {
                (Retry::CorrectClock, Some(server)) if !clock_corrected => {
                    clock_corrected = true;
                    self.shared.adopt_time(server);
                    Some(Duration::ZERO)
                }
                (Retry::Backoff, _) if tries < attempts => {
                    Some(self.shared.retry.delay(tries, &*self.shared.jitter))
                }
                _ => None,
            };
            match wait {
                Some(wait) if Instant::now() + wait < until => {
                    tracing::debug!(operation = call.operation, bucket = %self.bucket, tries, ?wait, %error, "trying again");
                    if !wait.is_zero() {
                        sleep(wait).await;
                    }
                }
                _ => return Err(self.told(error.after_tries(tries), call)),
            }
        }
    }

    /// Makes a call whose body can be read only once. A service that finds the clock wrong corrects it for
    /// the next call.
    pub(crate) async fn once<T, Finished>(
        &self,
        call: &Call<'_>,
        body: StreamBody,
        finish: impl FnOnce(Received) -> Finished,
    ) -> Result<T, Error>
    where
        Finished: Future<Output = Result<T, Error>>,
    {
        let url = self.url(call)?;
        let outcome = async {
            let payload = self.payload(body).await?;
            finish(self.send(call, &url, payload).await?).await
        };
        outcome.await.map_err(|error| {
            if let (Retry::CorrectClock, Some(server)) = (error.retry(), error.server_time()) {
                self.shared.adopt_time(server);
            }
            self.told(error, call)
        })
    }

    async fn payload(&self, body: StreamBody) -> Result<Payload, Error> {
        if body.len() > 0 {
            return Ok(Payload::Stream(body));
        }
        let progress = Progress::of_nothing(self.shared.timeouts.body_idle);
        tokio::select! {
            biased;
            nothing = body.expect_nothing() => nothing.map(|()| Payload::Bytes(Bytes::new())),
            error = progress.overdue(self.deadline) => Err(error),
        }
    }

    /// One try, up to the head of the answer.
    async fn send(&self, call: &Call<'_>, url: &Url, payload: Payload) -> Result<Received, Error> {
        let shared = self.shared;
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(deadline_passed());
        }
        let pass = self.pass().await?;
        let mut request = self.request(call, url, payload.len())?;
        let response_head = call.response_head.unwrap_or(shared.timeouts.response_head);
        let (body, progress) = payload.start(response_head, shared.timeouts.body_idle);
        *request.body_mut() = body;
        let answer = tokio::select! {
            biased;
            answer = shared.http.execute(request) => answer,
            error = progress.overdue(self.deadline) => return Err(error.of_server(url)),
        };
        let response = answer.map_err(|error| progress.failure().unwrap_or_else(|| transport(error)))?;
        if response.url().as_str() != url.as_str() {
            return Err(Error::new(
                ErrorKind::UnexpectedResponse,
                "the HTTP client followed a redirect; build it with redirect::Policy::none()",
            ));
        }
        let status = response.status();
        let (head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let body = ObjectBody::new(body, shared.timeouts.body_idle, self.deadline);
        let received = Received { status, headers: head.headers, body };
        if !matches!(status.as_u16(), 200 | 201 | 202 | 204 | 206) {
            let error = self.refusal(call, received).await;
            tell(pass, || gate::of_error(&error));
            return Err(error);
        }
        tell(pass, || gate::of_success(self.dialect(), &received.headers));
        progress.complete()?;
        Ok(received)
    }

    /// Waits for permission to send a request, if a gate is set. What comes of the request without [`tell`]
    /// says nothing.
    async fn pass(&self) -> Result<Option<Box<dyn SignaturePass>>, Error> {
        let Some(gate) = self.signer.gate() else { return Ok(None) };
        let entered = match self.deadline {
            Some(deadline) => timeout_at(deadline, gate.enter()).await.map_err(|_| deadline_passed())?,
            None => gate.enter().await,
        };
        entered.map(Some).map_err(Error::withheld)
    }

    fn request(&self, call: &Call<'_>, url: &Url, length: u64) -> Result<reqwest::Request, Error> {
        let mut headers = call.headers.clone();
        let request =
            SigningRequest { method: &call.method, resource: self.resource(call.target), query: &call.query };
        self.signer.sign(&request, &mut headers, self.shared.now())?;
        if call.method == Method::PUT || call.method == Method::POST {
            // The transport leaves it out when the body is empty, and the services insist on it.
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        let mut request = reqwest::Request::new(call.method.clone(), url.clone());
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn resource<'b>(&'b self, target: Target<'b>) -> Resource<'b> {
        let bucket = self.shared.endpoint.signed_bucket(self.bucket, self.shared.dialect);
        match target {
            Target::Object(key) => Resource::Object { bucket, key },
            Target::Bucket if self.shared.endpoint.addressing() == Addressing::Path => {
                Resource::BucketInPath(bucket)
            }
            Target::Bucket => Resource::Bucket(bucket),
        }
    }

    fn url(&self, call: &Call<'_>) -> Result<Url, Error> {
        let mut text = String::with_capacity(256);
        text.push_str(&self.base.text);
        match call.target {
            Target::Object(key) => {
                text.push('/');
                text.push_str(&key.wire());
            }
            Target::Bucket if self.is_bare_bucket_path() => {}
            Target::Bucket => text.push('/'),
        }
        if !call.query.as_str().is_empty() {
            text.push('?');
            text.push_str(call.query.as_str());
        }
        self.base.url(&text).map_err(|error| error.in_context(|| self.context(call)))
    }

    fn is_bare_bucket_path(&self) -> bool {
        self.shared.endpoint.addressing() == Addressing::Path
            && self.shared.dialect.profile().bucket_path == BucketPath::Bare
    }

    /// What an answer other than success means. Its body is read as far as it comes.
    async fn refusal(&self, call: &Call<'_>, received: Received) -> Error {
        let Received { status, headers, body } = received;
        let body = body.up_to(LONGEST_ERROR).await;
        self.refused(call, status, &headers, &body)
    }

    /// The error that an answer describes.
    pub(crate) fn refused(
        &self,
        call: &Call<'_>,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Error {
        let error = from_reply(&Answer {
            dialect: self.dialect(),
            addressed: match call.target {
                Target::Bucket => Addressed::Bucket,
                Target::Object(_) => Addressed::Object,
            },
            is_bodiless: call.method == Method::HEAD,
            status,
            headers,
            body,
            security_token: self.signer.security_token(),
        });
        // A HEAD is refused without a word. By a clock that is so far off it would be refused in any case.
        let wordless = error.kind() == ErrorKind::AccessDenied && error.code().is_none();
        let skew = error.server_time().map(|server| server.signed_duration_since(self.shared.now()).abs());
        if wordless && skew.is_some_and(|skew| skew > TOLERATED_SKEW) {
            error.of_wrong_clock()
        } else {
            error
        }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.shared.dialect
    }

    /// The error with what was attempted on what.
    fn told(&self, error: Error, call: &Call<'_>) -> Error {
        let (region, named) = (self.shared.region.as_deref(), self.shared.endpoint.region_hint());
        error.signed_for(region, named).of_action(call.action).in_context(|| self.context(call))
    }

    pub(crate) fn context(&self, call: &Call<'_>) -> String {
        match call.target {
            Target::Bucket => format!("{} bucket {}", call.operation, self.bucket),
            Target::Object(key) => format!("{} {:?} in bucket {}", call.operation, key.as_str(), self.bucket),
        }
    }
}

fn tell(pass: Option<Box<dyn SignaturePass>>, verdict: impl FnOnce() -> SignatureVerdict) {
    if let Some(pass) = pass {
        pass.answered(verdict());
    }
}

/// What the URLs of a bucket begin with.
pub(crate) struct Base {
    /// Without a slash at the end.
    pub(crate) text: String,
    /// The same, parsed once: reading the host costs more than all that follows it.
    parsed: Option<Url>,
}

impl Base {
    pub(crate) fn new(text: String) -> Self {
        Self { parsed: Url::parse(&text).ok(), text }
    }

    /// The URL `text`, which begins with this.
    fn url(&self, text: &str) -> Result<Url, Error> {
        match self.parsed.as_ref().and_then(|parsed| self.extended(parsed, text)) {
            Some(url) => Ok(url),
            None => unchanged_url(text),
        }
    }

    fn extended(&self, parsed: &Url, text: &str) -> Option<Url> {
        let host = self.text.find("://").map(|at| at + 3)?;
        let path = host + text[host..].find('/')?;
        let (path, query) = match text[path..].split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (&text[path..], None),
        };
        let mut url = parsed.clone();
        url.set_path(path);
        url.set_query(query);
        (url.as_str() == text).then_some(url)
    }
}

/// The URL library must not change a byte of the text: what is signed is what is sent.
pub(crate) fn unchanged_url(text: &str) -> Result<Url, Error> {
    match Url::parse(text) {
        Ok(url) if url.as_str() == text => Ok(url),
        Ok(_) => Err(Error::new(ErrorKind::InvalidKey, "no URL can carry the key unchanged")),
        Err(error) => {
            Err(Error::new(ErrorKind::InvalidArgument, "bucket and endpoint make no URL").with_source(error))
        }
    }
}
