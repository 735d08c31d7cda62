//! Requests that are no part of the platform's contract, for a hook to answer.

use std::{future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request::Parts};
use http_listener::Body;
use tracing::{error, info_span};

use crate::{
    body,
    dispatch::{Lost, Shared, run_to_end},
    gauge::Entry,
    markers::{Marked, Stage},
    reply::{self, HttpResponse},
};

type Answering = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// What [`Adapter::on_http`](crate::Adapter::on_http) was given.
pub(crate) struct HttpHook {
    body_limit: usize,
    hook: Box<dyn Fn(Request<Bytes>) -> Answering + Send + Sync>,
    look: Look,
}

/// Says why a request is not to be taken, by its head.
pub(crate) type Look = Box<dyn Fn(&Parts) -> Option<Response<Bytes>> + Send + Sync>;

impl HttpHook {
    pub(crate) fn new<H, W>(body_limit: usize, hook: H) -> Self
    where
        H: Fn(Request<Bytes>) -> W + Send + Sync + 'static,
        W: Future<Output = Response<Bytes>> + Send + 'static,
    {
        Self { body_limit, hook: Box::new(move |request| Box::pin(hook(request))), look: Box::new(|_| None) }
    }

    pub(crate) fn look(self, look: Look) -> Self {
        Self { look, ..self }
    }

    pub(crate) fn refuses(&self, head: &Parts) -> Option<Response<Bytes>> {
        (self.look)(head)
    }
}

/// Stands for work that goes on after its request was answered.
///
/// While one of its clones lives, `GET /pre-stop` and `GET /pre-freeze` are not answered, and the end of the server
/// waits. A platform that freezes instances without asking may do so all the same.
#[derive(Clone, Debug)]
pub struct Busy {
    _entry: Entry,
}

pub(crate) async fn answer(shared: &Arc<Shared>, hook: &HttpHook, head: Parts, body: Body) -> HttpResponse {
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
    match run_to_end(shared, context, span, Some(marked), work).await {
        Ok(response) => reply::http(response),
        Err(Lost { diagnostic, connection }) => {
            reply::http_failure(StatusCode::INTERNAL_SERVER_ERROR, &diagnostic, connection)
        }
    }
}
