//! Routes and responses.

use std::sync::Arc;

use bytes::Bytes;
use fc_adapter::Busy;
use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use oss_lite::Credentials;
use rustls::crypto::SecureRandom;
use serde::Serialize;
use tokio::time::Instant;

use crate::host::{Host, Invocation};
use crate::jobs::{self, Job, JobObject, Jobs, ObjectState};
use crate::pending::Pending;
use crate::request::{self, RequestError, RequestedObject};
use crate::work::Work;
use bridge_core::pipeline::Budget;
use http_listener::token::Token;
use object_copy::egress::Guard;
use object_copy::header;
use object_events::change::ObjectChange;

const OBJECTS: &str = "/objects";

/// The HTTP interface. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Ingest(Arc<IngestInner>);

#[derive(Debug)]
struct IngestInner {
    host: Host,
    guard: Arc<Guard>,
    token: Token,
    jobs: Jobs,
    random: &'static dyn SecureRandom,
}

/// An error response.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), header: None }
    }

    fn with(self, name: HeaderName, value: &'static str) -> Self {
        Self { header: Some((name, value)), ..self }
    }

    fn unavailable(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).with(RETRY_AFTER, "10")
    }
}

/// When the response is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AnswerTime {
    /// As soon as the request is recorded.
    Promptly,
    /// Once the results are known.
    AtTheEnd,
}

impl AnswerTime {
    fn of(query: Option<&str>) -> Result<Self, Refusal> {
        match query {
            None | Some("" | "wait=false") => Ok(Self::Promptly),
            Some("wait=true") => Ok(Self::AtTheEnd),
            Some(_) => Err(Refusal::new(
                StatusCode::BAD_REQUEST,
                "malformed",
                "the query is neither wait=true nor wait=false",
            )),
        }
    }
}

/// The operation that a request's head names.
enum Operation<'h> {
    /// Fetch objects.
    Take(AnswerTime),
    /// Show `<id>`, or `<id>/<index of the object>`.
    Show(&'h str),
}

impl Ingest {
    /// An interface to the pipeline of `host` for clients that have `token`. `random` makes the ids.
    pub fn new(host: Host, guard: Arc<Guard>, token: Token, random: &'static dyn SecureRandom) -> Self {
        Self(Arc::new(IngestInner { host, guard, token, jobs: Jobs::default(), random }))
    }

    /// Answers one request. Work that continues after the answer holds the [`Busy`] among its extensions.
    pub async fn answer(&self, request: Request<Bytes>, invocation: Invocation) -> Response<Bytes> {
        match self.route(request, invocation).await {
            Ok(response) => response,
            Err(refusal) => refusal.into_response(),
        }
    }

    /// The response to a request that its head already rules out, without the token or for an unknown path,
    /// so that its body need not be received.
    pub fn refuses(&self, head: &Parts) -> Option<Response<Bytes>> {
        self.asked(head).err().map(Refusal::into_response)
    }

    async fn route(
        &self,
        request: Request<Bytes>,
        invocation: Invocation,
    ) -> Result<Response<Bytes>, Refusal> {
        let (head, body) = request.into_parts();
        match self.asked(&head)? {
            Operation::Take(answer) => {
                self.take(answer, body, invocation, head.extensions.get().cloned()).await
            }
            Operation::Show(path) => self.show(path),
        }
    }

    fn asked<'h>(&self, head: &'h Parts) -> Result<Operation<'h>, Refusal> {
        if !self.0.token.opens(header::only(&head.headers, AUTHORIZATION)) {
            return Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "the header Authorization does not carry the bearer token",
            )
            .with(WWW_AUTHENTICATE, "Bearer"));
        }
        match head.uri.path().strip_prefix(OBJECTS) {
            Some("") if head.method == Method::POST => AnswerTime::of(head.uri.query()).map(Operation::Take),
            Some("") => Err(not_allowed("POST")),
            Some(rest) if rest.starts_with('/') => {
                if head.method == Method::GET {
                    Ok(Operation::Show(&rest[1..]))
                } else {
                    Err(not_allowed("GET"))
                }
            }
            _ => Err(not_found("no such path: known are POST /objects and GET /objects/<id>")),
        }
    }

    async fn take(
        &self,
        answer: AnswerTime,
        body: Bytes,
        invocation: Invocation,
        busy: Option<Busy>,
    ) -> Result<Response<Bytes>, Refusal> {
        let IngestInner { host, guard, jobs, random, .. } = &*self.0;
        let wanted = request::parse(&body, guard)?;
        drop(body);
        let credentials = invocation
            .credentials
            .map_err(|error| Refusal::unavailable("no_credentials", error.to_string()))?;
        let id = jobs::id(*random).ok_or_else(|| {
            Refusal::unavailable("unavailable", "the system's random number generator failed")
        })?;
        let job = jobs
            .add(id, wanted.iter().map(|object| object.key.clone()))
            .map_err(|jobs::Full| Refusal::unavailable("busy", "too many objects are in progress"))?;
        let fetches = host.pipeline.engine().reads_urls();
        let work = Work {
            host: host.clone(),
            job: Arc::clone(&job),
            changes: wanted.into_iter().map(|object| change(object, fetches)).collect(),
            pending: Pending::default(),
            credentials,
            budget: Budget::until(invocation.deadline, Instant::now()),
        };
        // Sending keys to OMS takes no longer than an event.
        if fetches && answer == AnswerTime::Promptly {
            self.promise(work, busy).await
        } else {
            work.run().await;
            Ok(ended(&job))
        }
    }

    /// Records the request, responds, and then processes it.
    async fn promise(&self, mut work: Work, busy: Option<Busy>) -> Result<Response<Bytes>, Refusal> {
        let job = Arc::clone(&work.job);
        let journal = self.0.host.pipeline.journal();
        let journal = journal.open(Arc::<Credentials>::clone(&work.credentials), work.budget.journal);
        match Pending::write(&journal, job.id(), &work.changes).await {
            Ok(pending) => work.pending = pending,
            Err(error) => {
                job.end(false);
                let why = format!("the request cannot be recorded: {error}");
                return Err(Refusal::unavailable("journal_unavailable", why));
            }
        }
        tokio::spawn(async move {
            let _busy = busy;
            work.run().await;
        });
        let mut response = json(StatusCode::ACCEPTED, &ShownJob::of(&job));
        if let Ok(location) = HeaderValue::try_from(format!("{OBJECTS}/{}", job.id())) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    }

    /// `<id>`, or `<id>/<number of the object>`.
    fn show(&self, path: &str) -> Result<Response<Bytes>, Refusal> {
        let unknown = || not_found("unknown id: it belongs to another instance, or was dropped");
        let (id, index) = match path.split_once('/') {
            Some((id, index)) => (id, Some(index)),
            None => (path, None),
        };
        let job = self.0.jobs.get(id).ok_or_else(unknown)?;
        match index {
            None => Ok(json(StatusCode::OK, &ShownJob::of(&job))),
            Some(index) => {
                let index: usize = index.parse().map_err(|_| unknown())?;
                let object = job.object(index).ok_or_else(unknown)?;
                Ok(json(StatusCode::OK, &ShownObject::of(&job, index, object)))
            }
        }
    }
}

fn change(RequestedObject { key, url }: RequestedObject, fetches: bool) -> ObjectChange {
    ObjectChange { url: fetches.then_some(url), ..ObjectChange::of_key(key) }
}

/// The JSON form of a request.
#[derive(Serialize)]
struct ShownJob<'j> {
    id: &'j str,
    status_url: String,
    state: Progress,
    objects: Vec<ShownObject>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Progress {
    Pending,
    Done,
    Failed,
}

#[derive(Serialize)]
struct ShownObject {
    #[serde(flatten)]
    object: JobObject,
    status_url: String,
}

impl ShownObject {
    fn of(job: &Job, index: usize, object: JobObject) -> Self {
        Self { object, status_url: format!("{OBJECTS}/{}/{index}", job.id()) }
    }
}

impl<'j> ShownJob<'j> {
    fn of(job: &'j Job) -> Self {
        // Read first, so that nothing is shown as pending once the request has ended.
        let ended = job.has_ended();
        let objects = job.objects();
        let failed = objects.iter().any(|object| matches!(object.state, ObjectState::Failed { .. }));
        let state = match (ended, failed) {
            (false, _) => Progress::Pending,
            (true, false) => Progress::Done,
            (true, true) => Progress::Failed,
        };
        let objects = objects.into_iter().enumerate();
        Self {
            id: job.id(),
            status_url: format!("{OBJECTS}/{}", job.id()),
            state,
            objects: objects.map(|(index, object)| ShownObject::of(job, index, object)).collect(),
        }
    }
}

fn ended(job: &Job) -> Response<Bytes> {
    let shown = ShownJob::of(job);
    let status = if shown.state == Progress::Failed { StatusCode::BAD_GATEWAY } else { StatusCode::OK };
    json(status, &shown)
}

fn not_found(message: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, "not_found", message)
}

fn not_allowed(method: &'static str) -> Refusal {
    let message = format!("this path supports only {method}");
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message).with(ALLOW, method)
}

impl From<RequestError> for Refusal {
    fn from(invalid: RequestError) -> Self {
        match invalid {
            RequestError::Malformed(message) => Self::new(StatusCode::BAD_REQUEST, "malformed", message),
            RequestError::Refused(message) => Self::new(StatusCode::FORBIDDEN, "refused", message),
        }
    }
}

impl Refusal {
    fn into_response(self) -> Response<Bytes> {
        let Self { status, code, message, header } = self;
        tracing::warn!(status = status.as_u16(), code, message, "HTTP request refused");
        let mut response =
            json(status, &serde_json::json!({ "error": { "code": code, "message": message } }));
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    // Serialization fails only for maps whose keys are not strings, and for failing `Serialize`
    // implementations.
    let mut response = Response::new(serde_json::to_vec(body).unwrap_or_default().into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
