//! Answers one request.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Request, StatusCode};
use http_listener::{Body, METRICS};
use lambda_runtime::Diagnostic;
use tracing::{Span, error, info_span, warn};

use crate::arrival::Arrival;
use crate::context::FcContext;
use crate::gauge::Gauge;
use crate::handler::Invoke;
use crate::http_hook::{Busy, HttpHook};
use crate::instance::Instance;
use crate::markers::{Marked, Markers, Stage};
use crate::platform::Platform;
use crate::reply::{Connection, HttpResponse, Reply};
use crate::room::Room;
use crate::route::{NoRoute, Route};
use crate::work::{Lost, run_to_end};
use crate::{body, reply, room};

pub(crate) type Hook =
    Box<dyn Fn(Arc<FcContext>) -> Pin<Box<dyn Future<Output = Result<(), Diagnostic>> + Send>> + Send + Sync>;

/// Returns a media type and a text of it.
pub(crate) type Metrics = Box<dyn Fn() -> (&'static str, String) + Send + Sync>;

pub(crate) type Admit = Box<dyn Fn(&HeaderMap) -> bool + Send + Sync>;

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) instance: Instance,
    pub(crate) body_limit: usize,
    pub(crate) body_limit_advice: Option<String>,
    pub(crate) room: Room,
    pub(crate) response_limit: usize,
    pub(crate) markers: Markers,
    pub(crate) on_initialize: Option<Hook>,
    pub(crate) on_pre_stop: Option<Hook>,
    pub(crate) on_http: Option<HttpHook>,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) platform: Platform,
    pub(crate) admit: Option<Admit>,
    /// Handlers and hooks under way, whether or not their client still waits.
    pub(crate) work: Arc<Gauge>,
}

pub(crate) async fn dispatch<I: Invoke>(
    shared: Arc<Shared>,
    handler: I,
    request: Request<Body>,
) -> HttpResponse {
    let (mut head, body) = request.into_parts();
    shared.platform.remove_foreign(&mut head.headers);
    let route = shared.route(&head);
    if !shared.admits(&route, &head.headers) {
        warn!(path = head.uri.path(), "request without the bearer token refused");
        return reply::unauthorized();
    }
    match route {
        Ok(Route::Invoke) => invoke(&shared, handler, head, body).await,
        Ok(Route::Initialize) => {
            let context = shared.context(&head);
            let marked = Marked::start(&shared.markers, Stage::Initialize, &context);
            let span = info_span!("FC runtime initialize", requestId = context.request_id);
            run_hook(&shared, shared.on_initialize.as_ref(), context, span, Some(marked)).await
        }
        Ok(Route::PreStop) => {
            shared.work.idle().await;
            let context = shared.context(&head);
            let span = info_span!("FC runtime pre-stop", requestId = context.request_id);
            run_hook(&shared, shared.on_pre_stop.as_ref(), context, span, None).await
        }
        Ok(Route::PreFreeze) => {
            shared.work.idle().await;
            reply::success(Reply::Empty)
        }
        Ok(Route::Health) => reply::success(Reply::Empty),
        Ok(Route::Metrics) => {
            let (media_type, text) = shared.metrics.as_ref().map(|metrics| metrics()).unwrap_or_default();
            reply::text(media_type, text)
        }
        Err(NoRoute::Outside(refusal)) => match &shared.on_http {
            Some(hook) => match hook.refuses(&head) {
                Some(refusal) => reply::http(refusal),
                None => answer_by_hook(&shared, hook, head, body).await,
            },
            None => refuse(&refusal),
        },
        Err(NoRoute::Wrong(refusal)) => refuse(&refusal),
    }
}

fn refuse(refusal: &Diagnostic) -> HttpResponse {
    warn!("request refused: {}", refusal.error_message);
    reply::failure(refusal, Connection::Keep)
}

impl Shared {
    fn route(&self, head: &Parts) -> Result<Route, NoRoute> {
        match Route::of(head, self.platform)? {
            Route::Metrics if self.metrics.is_none() => Err(NoRoute::unknown(METRICS)),
            route => Ok(route),
        }
    }

    fn admits(&self, route: &Result<Route, NoRoute>, headers: &HeaderMap) -> bool {
        match route {
            Ok(Route::Health) => true,
            Err(NoRoute::Outside(_)) if self.on_http.is_some() => true,
            Ok(_) | Err(_) => self.admit.as_ref().is_none_or(|admit| admit(headers)),
        }
    }

    pub(crate) fn context(&self, head: &Parts) -> Arc<FcContext> {
        Arc::new(FcContext::from_headers(&head.headers, &self.instance, Arrival::now()))
    }
}

async fn invoke<I: Invoke>(shared: &Arc<Shared>, handler: I, head: Parts, body: Body) -> HttpResponse {
    let context = shared.context(&head);
    let marked = Marked::start(&shared.markers, Stage::Invoke, &context);
    let span = info_span!("FC runtime invoke", requestId = context.request_id);
    let received =
        body::receive(body, &head.headers, shared.body_limit, &shared.room, context.deadline).await;
    let (event, taken) = match received {
        Ok(received) => received,
        Err(missing) => {
            let diagnostic = missing.diagnostic_with(shared.body_limit_advice.as_deref());
            span.in_scope(|| error!("{}", diagnostic.error_message));
            return reply::failure(&diagnostic, missing.connection());
        }
    };
    drop(head);
    // It is kilobytes long: anywhere but on the heap, each future around it would copy it again.
    let invoked = handler.invoke(event, context.to_lambda_context(), shared.response_limit);
    let work = Box::pin(room::holding(taken, invoked));
    reply(run_to_end(&shared.work, context, span, Some(marked), work).await)
}

async fn run_hook(
    shared: &Arc<Shared>,
    hook: Option<&Hook>,
    context: Arc<FcContext>,
    span: Span,
    marked: Option<Marked>,
) -> HttpResponse {
    let Some(hook) = hook else {
        return reply::success(Reply::Empty);
    };
    // A closure may panic before it has returned its future.
    let made = std::panic::catch_unwind(AssertUnwindSafe(|| hook(Arc::clone(&context))));
    let work = async move {
        match made {
            Ok(running) => {
                running.await.inspect_err(|failed| error!("hook failed: {}", failed.error_message))
            }
            Err(panic) => std::panic::resume_unwind(panic),
        }
        .map(|()| Reply::Empty)
    };
    reply(run_to_end(&shared.work, context, span, marked, work).await)
}

/// Has the hook answer a request that is no part of the contract.
async fn answer_by_hook(shared: &Arc<Shared>, hook: &HttpHook, head: Parts, body: Body) -> HttpResponse {
    let context = shared.context(&head);
    let marked = Marked::start(&shared.markers, Stage::Invoke, &context);
    let span = info_span!("FC runtime http", requestId = context.request_id);
    let received = body::receive(body, &head.headers, hook.body_limit, &shared.room, context.deadline).await;
    let (body, taken) = match received {
        Ok(received) => received,
        Err(missing) => {
            let diagnostic = missing.diagnostic();
            span.in_scope(|| error!("{}", diagnostic.error_message));
            return reply::http_failure(missing.status(), &diagnostic, missing.connection());
        }
    };
    let mut request = Request::from_parts(head, body);
    request.extensions_mut().insert(Busy { _entry: shared.work.enter() });
    // A closure may panic before it has returned its future.
    let made = std::panic::catch_unwind(AssertUnwindSafe(|| (hook.hook)(request)));
    let work = async move {
        let _taken = taken;
        match made {
            Ok(answering) => Ok(answering.await),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    };
    match run_to_end(&shared.work, context, span, Some(marked), work).await {
        Ok(response) => reply::http(response),
        Err(Lost { diagnostic, connection }) => {
            reply::http_failure(StatusCode::INTERNAL_SERVER_ERROR, &diagnostic, connection)
        }
    }
}

fn reply(ended: Result<Reply, Lost>) -> HttpResponse {
    match ended {
        Ok(reply) => reply::success(reply),
        Err(Lost { diagnostic, connection }) => reply::failure(&diagnostic, connection),
    }
}
