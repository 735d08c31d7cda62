//! One connection from its first request to its end.

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use http::header::{CONNECTION, HeaderValue};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::body::{Body, CurrentRequest, Reply};
use crate::gate::{Place, Turn};
use crate::limits::HEALTH;
use crate::watched::Watched;

/// Answers the requests of a connection; each request gets a clone.
pub trait Handler: Clone {
    /// Body of the responses.
    type Body: http_body::Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin + 'static;
    /// Ends the connection without a response.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Answers a request.
    fn answer(
        self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Self::Error>> + Send;

    /// Responds to a request that exceeds the limit of concurrent requests. The connection is closed
    /// afterwards.
    fn busy(&self, request: &Request<Body>) -> Response<Self::Body>;
}

/// Options of HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Http {
    /// Whether a client that has closed its sending side still gets a response.
    pub half_close: bool,
    /// Whether a `Date` header is added to responses.
    pub date: bool,
    /// Longest head in bytes, and largest piece of a body that is read at once; at least 8192. `None` for
    /// hyper's default.
    pub buffer: Option<usize>,
}

impl Default for Http {
    fn default() -> Self {
        Self { half_close: true, date: true, buffer: Some(64 << 10) }
    }
}

/// Serves a connection until its end; after `draining` resolves, until the current request is answered.
///
/// # Errors
///
/// What ended it early: the client, its slowness, or [`Handler::answer`].
pub async fn serve<S, H>(
    http: Http,
    stream: S,
    place: Place,
    handler: H,
    draining: impl Future<Output = ()>,
) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    H: Handler,
{
    let turn = place.turn;
    let own = Arc::clone(&turn);
    let service =
        service_fn(move |request: Request<Incoming>| answer(Arc::clone(&own), handler.clone(), request));
    let mut builder = http1::Builder::new();
    builder.half_close(http.half_close).auto_date_header(http.date);
    // hyper's timer would also run while no request has begun.
    builder.header_read_timeout(None);
    if let Some(bytes) = http.buffer {
        builder.max_buf_size(bytes);
    }
    let io = TokioIo::new(Watched::new(stream, Arc::clone(&turn)));
    let mut connection = pin!(builder.serve_connection(io, service));
    let mut sent_away = pin!(turn.sent_away());
    tokio::select! {
        biased;
        ended = connection.as_mut() => return ended,
        () = sent_away.as_mut() => return Ok(()),
        () = draining => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        biased;
        ended = connection => ended,
        () = sent_away => Ok(()),
    }
}

async fn answer<H: Handler>(
    turn: Arc<Turn>,
    handler: H,
    request: Request<Incoming>,
) -> Result<Response<Reply<H::Body>>, H::Error> {
    let place = turn.request();
    let is_served = place.is_some() || is_about_health(&request);
    let in_hand = CurrentRequest::new(Arc::clone(&turn), place);
    let limits = turn.limits();
    let request = request.map(|body| Body::new(body, limits.body, limits.stalled));
    let response = if is_served {
        handler.answer(request).await?
    } else {
        let mut response = handler.busy(&request);
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        response
    };
    Ok(response.map(|body| Reply::new(body, in_hand)))
}

fn is_about_health<B>(request: &Request<B>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD) && request.uri().path() == HEALTH
}
