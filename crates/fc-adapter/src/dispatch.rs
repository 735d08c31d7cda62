//! Answers one request.

use std::{future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use futures_util::FutureExt;
use http::{HeaderMap, Request, request::Parts};
use http_listener::Body;
use lambda_runtime::Diagnostic;
use tracing::{Instrument, Span, error, info_span, warn};

use crate::{
    Arrival, FcContext, Instance, Markers, Platform, body, failure,
    gauge::Gauge,
    handler::Invoke,
    http_hook::{self, HttpHook},
    markers::{Marked, Stage},
    reply::{self, Connection, HttpResponse, Reply},
    room::{self, Room},
    route::{NoRoute, Route},
};

pub(crate) type Hook =
    Box<dyn Fn(Arc<FcContext>) -> Pin<Box<dyn Future<Output = Result<(), Diagnostic>> + Send>> + Send + Sync>;

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
    let route = Route::of(&head, shared.platform);
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
        Err(NoRoute::Outside(refusal)) => match &shared.on_http {
            Some(hook) => match hook.refuses(&head) {
                Some(refusal) => reply::http(refusal),
                None => http_hook::answer(&shared, hook, head, body).await,
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
    reply(run_to_end(shared, context, span, Some(marked), work).await)
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
    reply(run_to_end(shared, context, span, marked, work).await)
}

fn reply(ended: Result<Reply, Lost>) -> HttpResponse {
    match ended {
        Ok(reply) => reply::success(reply),
        Err(Lost { diagnostic, connection }) => reply::failure(&diagnostic, connection),
    }
}

/// Work that gave no answer.
pub(crate) struct Lost {
    pub(crate) diagnostic: Diagnostic,
    pub(crate) connection: Connection,
}

/// Runs `work` on a task of its own, so that it comes to its end even if the client goes away, and turns a panic
/// into a failure of this request only.
pub(crate) async fn run_to_end<T: Send + 'static>(
    shared: &Arc<Shared>,
    context: Arc<FcContext>,
    span: Span,
    mut marked: Option<Marked>,
    work: impl Future<Output = Result<T, Diagnostic>> + Send + 'static,
) -> Result<T, Lost> {
    let entry = shared.work.enter();
    let guarded = async move {
        let _entry = entry;
        let result = AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| {
            let diagnostic = failure::panicked(&*panic);
            error!("{}", diagnostic.error_message);
            if let Some(marked) = &mut marked {
                marked.unhandled();
            }
            Err(diagnostic)
        });
        // The instance may be frozen as soon as it has answered.
        drop(marked);
        result
    };
    let task = tokio::spawn(FcContext::scope(context, guarded.instrument(span)));
    match task.await {
        Ok(result) => result.map_err(|diagnostic| Lost { diagnostic, connection: Connection::Keep }),
        Err(lost) => {
            let diagnostic = match lost.try_into_panic() {
                Ok(panic) => failure::panicked(&*panic),
                Err(cancelled) => {
                    failure::diagnostic("Cancelled", format!("the invocation was cut off: {cancelled}"))
                }
            };
            Err(Lost { diagnostic, connection: Connection::Close })
        }
    }
}
