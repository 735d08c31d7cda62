//! Objects of any web server.
//!
//! Each response describes itself only. The framing of a GET response is read by [`oss_lite::Framing`] and
//! compared with the bytes; a body that is complete by its framing is the object. HEAD, its length and the
//! validators of other responses are hints: they may be from another machine or an error page, or be wrong.

use std::error::Error as _;
use std::fmt;
use std::iter::successors;
use std::sync::Arc;

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE,
    LOCATION, TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use oss_lite::{Framing, content_length};
use reqwest::{Response, Url};
use tokio::time::timeout;

use super::error::{Abort, TransferError};
use super::opened::{Opened, at_least};
use super::range::GetRange;
use super::response::{PATIENCE, add_condition, add_range, body, identity, single, transport};
use super::retry::Retries;
use super::source_info::{ContentHeaders, Identity, SourceInfo};
use crate::outcome::{EngineError, FailureClass};
use crate::{header, web_url};

const REDIRECTS: usize = 10;

/// Name of the server in messages.
const SERVER: &str = "the web server";

/// Objects of any web server. The key is the URL.
///
/// Of the response headers only content type, disposition, encoding and language are copied.
#[derive(Clone, Debug)]
pub struct Web {
    http: reqwest::Client,
    admission: Option<Arc<dyn Admission>>,
}

/// Decides which URLs may be requested: the first one, and each redirect.
pub trait Admission: fmt::Debug + Send + Sync {
    /// Checks a URL before it is requested.
    ///
    /// # Errors
    ///
    /// Why it must not be requested.
    fn admit(&self, url: &Url) -> Result<(), Inadmissible>;
}

/// A URL that must not be requested, or a name that must not be connected to: a permanent failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Inadmissible(String);

impl Inadmissible {
    /// A refusal for this reason.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Web {
    /// Reads through `http`, which must not follow redirects and not decompress.
    pub fn new(http: reqwest::Client) -> Self {
        Self { http, admission: None }
    }

    /// The same, where `admission` checks each request. Names are checked by the client's resolver, which may
    /// fail with [`Inadmissible`].
    pub fn guarded(http: reqwest::Client, admission: Arc<dyn Admission>) -> Self {
        Self { http, admission: Some(admission) }
    }

    pub(super) async fn look(&self, url: &str) -> Result<SourceInfo, Abort> {
        let response = self.once(Method::HEAD, url, &HeaderMap::new()).await;
        if let Ok(response) = &response
            && response.status().is_success()
        {
            return Ok(info(response.headers(), content_length(response.headers()))?);
        }
        // Some servers, and URLs signed for GET, do not support HEAD, and report that in various ways.
        match self.open(url, &GetRange::Span(0..1), None).await {
            Err(Abort::RangesIgnored) => self.open(url, &GetRange::Whole, None).await,
            answer => answer,
        }
        .map(|opened| opened.info)
    }

    /// The response to HEAD, if it succeeds, without retries.
    pub(super) async fn hint(&self, url: &str) -> Option<Identity> {
        let response = self.once(Method::HEAD, url, &HeaderMap::new()).await.ok()?;
        let headers = response.headers();
        // Many servers send a length of 0, since the response has no body.
        let size = content_length(headers).filter(|size| *size > 0);
        response.status().is_success().then(|| identity(headers, size))
    }

    /// The headers of a GET of the first byte, if it succeeds, without retries.
    pub(super) async fn first_byte(&self, url: &str) -> Option<Identity> {
        let (range, mut headers) = (GetRange::Span(0..1), HeaderMap::new());
        add_range(&mut headers, &range);
        let response = self.once(Method::GET, url, &headers).await.ok()?;
        let framing = Framing::read(response.status(), response.headers(), range.byte_range()).ok()?;
        Some(identity(response.headers(), framing.total))
    }

    pub(super) async fn open(
        &self,
        url: &str,
        range: &GetRange,
        pin: Option<&SourceInfo>,
    ) -> Result<Opened, Abort> {
        let mut headers = HeaderMap::new();
        add_range(&mut headers, range);
        add_condition(&mut headers, pin);
        let response = self.get(url, &headers).await?;
        match response.status() {
            StatusCode::RANGE_NOT_SATISFIABLE if *range != GetRange::Whole && pin.is_none() => {
                // An empty object has no first byte.
                Box::pin(self.open(url, &GetRange::Whole, None)).await
            }
            StatusCode::PRECONDITION_FAILED | StatusCode::RANGE_NOT_SATISFIABLE => Err(Abort::Changed),
            StatusCode::NOT_FOUND | StatusCode::GONE => Err(Abort::Gone),
            status if status.is_success() => {
                let framing = Framing::read(status, response.headers(), range.byte_range())
                    .map_err(|contradiction| Abort::contradicted(&contradiction, SERVER, range))?;
                let info = info(response.headers(), framing.total)?;
                // Such a body ends with the connection, also if that broke: only the length from HEAD can
                // detect that.
                let unframed = framing.end.is_none() && ends_with_connection(&response);
                let mut body = body(response, SERVER);
                if unframed && let Some(least) = self.hint(url).await.and_then(|hint| hint.size) {
                    body = at_least(body, least);
                }
                Ok(Opened { info, first: framing.first, end: framing.end, body })
            }
            status => Err(refused(url, status).into()),
        }
    }

    /// Sends a GET, with retries.
    async fn get(&self, url: &str, headers: &HeaderMap) -> Result<Response, Abort> {
        let mut retries = Retries::of_read(fastrand::f64);
        loop {
            let failed = match self.once(Method::GET, url, headers).await {
                Ok(response) if may_pass(response.status()) => refused(url, response.status()),
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            retries.wait(failed).await?;
        }
    }

    /// Sends a request and follows redirects, never from https to http. Credentials in the URL are sent to
    /// its own origin only.
    async fn once(&self, method: Method, url: &str, headers: &HeaderMap) -> Result<Response, TransferError> {
        let mut url =
            Url::parse(url).map_err(|error| TransferError::permanent(format!("not a URL: {error}")))?;
        let mut user = None;
        for _ in 0..REDIRECTS {
            if let Some(admission) = &self.admission {
                admission.admit(&url).map_err(|error| TransferError::permanent(error.to_string()))?;
            }
            user = web_url::take_user(&mut url).or(user);
            let mut request = reqwest::Request::new(method.clone(), url.clone());
            *request.headers_mut() = headers.clone();
            request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            if let Some(user) = &user {
                request.headers_mut().insert(AUTHORIZATION, user.clone());
            }
            let response = match timeout(PATIENCE, self.http.execute(request)).await {
                Ok(Ok(response)) => response,
                Ok(Err(error)) => {
                    let refused = refusal(&error);
                    return Err(refused.unwrap_or_else(|| transport(error, SERVER)));
                }
                Err(_) => {
                    let host = url.host_str().unwrap_or_default();
                    return Err(TransferError::network(format!("{SERVER} {host} does not respond")));
                }
            };
            let Some(next) = redirect(&url, &response)? else { return Ok(response) };
            if next.origin() != url.origin() {
                user = None;
            }
            url = next;
        }
        Err(TransferError::permanent(format!("more than {REDIRECTS} redirects")))
    }
}

/// The refusal of a guarded client's resolver, if it caused the error.
fn refusal(error: &reqwest::Error) -> Option<TransferError> {
    let causes = successors(error.source(), |&cause| cause.source());
    let mut refusals = causes.filter_map(|cause| cause.downcast_ref::<Inadmissible>());
    refusals.next().map(|refused| TransferError::permanent(refused.to_string()))
}

fn redirect(url: &Url, response: &Response) -> Result<Option<Url>, TransferError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = single(response.headers(), &LOCATION, SERVER)?;
    let next = location.and_then(|location| url.join(&location).ok());
    let next = next.ok_or_else(|| TransferError::permanent("a redirect to nowhere"))?;
    if next.scheme() != url.scheme() && next.scheme() != "https" {
        return Err(TransferError::permanent("a redirect from https to another scheme is not followed"));
    }
    Ok(Some(next))
}

/// Whether only the end of the connection ends a body of unknown length.
fn ends_with_connection(response: &Response) -> bool {
    response.version() < Version::HTTP_2 && !response.headers().contains_key(TRANSFER_ENCODING)
}

fn info(headers: &HeaderMap, size: Option<u64>) -> Result<SourceInfo, TransferError> {
    Ok(SourceInfo {
        identity: identity(headers, size),
        content: ContentHeaders {
            content_type: single(headers, &CONTENT_TYPE, SERVER)?,
            disposition: single(headers, &CONTENT_DISPOSITION, SERVER)?,
            encoding: header::list(headers, CONTENT_ENCODING),
            language: header::list(headers, CONTENT_LANGUAGE),
            ..ContentHeaders::default()
        },
        ..SourceInfo::default()
    })
}

fn class(status: StatusCode) -> FailureClass {
    match status.as_u16() {
        401 | 403 => FailureClass::Auth,
        429 => FailureClass::Throttled,
        408 | 500..=599 => FailureClass::Transient,
        _ => FailureClass::Permanent,
    }
}

fn may_pass(status: StatusCode) -> bool {
    class(status).may_pass()
}

fn refused(url: &str, status: StatusCode) -> TransferError {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let message = format!("{host} answers {status}");
    TransferError::of(class(status), EngineError { status: Some(status.as_u16()), code: None, message })
}
