//! Objects of any web server.

use std::error::Error as _;
use std::fmt;
use std::iter::successors;
use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_TYPE, ETAG, IF_MATCH, LOCATION, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::{Response, Url};
use tokio::time::timeout;

use super::answer::{PATIENCE, body, content_range, last_modified, text, transport};
use super::facts::{ContentHeaders, Facts, Identity};
use super::source::{Opened, Want};
use super::stop::{Failed, Stop};
use crate::engine::{EngineError, FailureClass};

const REDIRECTS: usize = 10;

/// What servers are called in messages.
const SERVER: &str = "the web server";

/// Objects of any web server. The key is the URL.
///
/// What a server says about its answer stays here: of its headers only content type, disposition, encoding and language
/// are taken over.
#[derive(Clone, Debug)]
pub struct Web {
    http: reqwest::Client,
    admission: Option<Arc<dyn Admission>>,
}

/// Says which URLs may be asked: the first, and each that a redirect leads to.
pub trait Admission: fmt::Debug + Send + Sync {
    /// Judges a URL before it is asked.
    ///
    /// # Errors
    ///
    /// Why it must not be.
    fn admit(&self, url: &Url) -> Result<(), Inadmissible>;
}

/// A URL that must not be asked, or a name that must not be connected to: a permanent failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inadmissible(String);

impl Inadmissible {
    /// For this reason.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Inadmissible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Inadmissible {}

impl Web {
    /// Reads through `http`, which must not follow redirects and not decompress.
    pub fn new(http: reqwest::Client) -> Self {
        Self { http, admission: None }
    }

    /// The same, where `admission` is asked before each request. Names are the matter of the client's resolver, which may
    /// give [`Inadmissible`] as its error.
    pub fn guarded(http: reqwest::Client, admission: Arc<dyn Admission>) -> Self {
        Self { http, admission: Some(admission) }
    }

    pub(super) async fn look(&self, url: &str) -> Result<Facts, Stop> {
        let response = self.send(Method::HEAD, url, HeaderMap::new()).await?;
        if response.status().is_success() {
            return Ok(facts(&response));
        }
        if response.status() == StatusCode::NOT_FOUND || response.status() == StatusCode::GONE {
            return Err(Stop::Gone);
        }
        // Some servers, and URLs signed for GET, know no HEAD.
        self.open(url, &Want::Span(0..1), None).await.map(|opened| opened.facts)
    }

    pub(super) async fn open(&self, url: &str, want: &Want, pin: Option<&Facts>) -> Result<Opened, Stop> {
        let mut headers = HeaderMap::new();
        let range = match want {
            Want::Whole => None,
            Want::Span(span) => Some(format!("bytes={}-{}", span.start, span.end.saturating_sub(1))),
        };
        let asked = range.is_some();
        if let Some(range) = range.and_then(|range| HeaderValue::try_from(range).ok()) {
            headers.insert(RANGE, range);
        }
        if let Some(etag) = pin.and_then(|pin| pin.identity.etag.as_deref())
            && let Ok(etag) = HeaderValue::try_from(format!("\"{etag}\""))
        {
            headers.insert(IF_MATCH, etag);
        }
        let response = self.send(Method::GET, url, headers).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => partial(url, response),
            StatusCode::RANGE_NOT_SATISFIABLE if asked && pin.is_none() => {
                // An empty object has no first byte.
                Box::pin(self.open(url, &Want::Whole, None)).await
            }
            StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE => Err(Stop::Changed),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(Stop::Gone),
            status if status.is_success() => {
                let facts = facts(&response);
                Ok(Opened { first: 0, end: facts.size(), facts, body: body(response, SERVER) })
            }
            status => Err(refused(url, status).into()),
        }
    }

    /// Sends a request and follows redirects, never from https to http.
    async fn send(&self, method: Method, url: &str, headers: HeaderMap) -> Result<Response, Stop> {
        let mut url = Url::parse(url).map_err(|error| Failed::permanent(format!("not a URL: {error}")))?;
        for _ in 0..REDIRECTS {
            if let Some(admission) = &self.admission {
                admission.admit(&url).map_err(|error| Failed::permanent(error.to_string()))?;
            }
            let mut request = reqwest::Request::new(method.clone(), url.clone());
            *request.headers_mut() = headers.clone();
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let response = match timeout(PATIENCE, self.http.execute(request)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => {
                    let refused = refusal(&error);
                    return Err(refused.unwrap_or_else(|| transport(&error.without_url(), SERVER)).into());
                }
                Err(_) => return Err(Failed::transient("the web server does not answer").into()),
            };
            let Some(next) = redirect(&url, &response)? else { return Ok(response) };
            url = next;
        }
        Err(Failed::permanent(format!("more than {REDIRECTS} redirects")).into())
    }
}

/// What a guarded client's resolver said against a name, if that is what is behind the error.
fn refusal(error: &reqwest::Error) -> Option<Failed> {
    let causes = successors(error.source(), |&cause| cause.source());
    let mut refusals = causes.filter_map(|cause| cause.downcast_ref::<Inadmissible>());
    refusals.next().map(|refused| Failed::permanent(refused.to_string()))
}

fn redirect(url: &Url, response: &Response) -> Result<Option<Url>, Failed> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = text(response.headers(), LOCATION);
    let next = location.and_then(|location| url.join(&location).ok());
    let next = next.ok_or_else(|| Failed::permanent("a redirect to nowhere"))?;
    if next.scheme() != url.scheme() && next.scheme() != "https" {
        return Err(Failed::permanent("a redirect from https to another scheme is not followed"));
    }
    Ok(Some(next))
}

fn facts(response: &Response) -> Facts {
    let headers = response.headers();
    let size = text(headers, CONTENT_LENGTH).and_then(|size| size.parse().ok());
    of_headers(headers, size)
}

fn of_headers(headers: &HeaderMap, size: Option<u64>) -> Facts {
    let tag = text(headers, ETAG);
    let weak = tag.as_deref().and_then(|tag| tag.strip_prefix("W/"));
    let (etag, weak_etag) = if weak.is_some() { (None, weak) } else { (tag.as_deref(), None) };
    let unquoted = |tag: &str| tag.trim_matches('"').to_owned();
    Facts {
        identity: Identity {
            size,
            etag: etag.map(unquoted),
            weak_etag: weak_etag.map(unquoted),
            last_modified: last_modified(headers),
        },
        content: ContentHeaders {
            content_type: text(headers, CONTENT_TYPE),
            disposition: text(headers, CONTENT_DISPOSITION),
            encoding: text(headers, CONTENT_ENCODING),
            language: text(headers, CONTENT_LANGUAGE),
            ..ContentHeaders::default()
        },
        ..Facts::default()
    }
}

fn partial(url: &str, response: Response) -> Result<Opened, Stop> {
    let range = text(response.headers(), CONTENT_RANGE);
    let Some((first, last, total)) = range.as_deref().and_then(content_range) else {
        return Err(refused(url, StatusCode::PARTIAL_CONTENT).into());
    };
    let facts = of_headers(response.headers(), total);
    Ok(Opened { facts, first, end: Some(last + 1), body: body(response, SERVER) })
}

fn refused(url: &str, status: StatusCode) -> Failed {
    let class = match status.as_u16() {
        401 | 403 => FailureClass::Auth,
        429 => FailureClass::Throttled,
        408 | 500..=599 => FailureClass::Transient,
        _ => FailureClass::Permanent,
    };
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let message = format!("{host} answers {status}");
    Failed::of(class, EngineError { status: Some(status.as_u16()), code: None, message })
}
