//! Requests that are no part of the platform's contract, for a hook to answer.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};

use crate::gauge::Entry;

type HookAnswer = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// What [`Adapter::on_http`](crate::Adapter::on_http) was given.
pub(crate) struct HttpHook {
    pub(crate) body_limit: usize,
    pub(crate) hook: Box<dyn Fn(Request<Bytes>) -> HookAnswer + Send + Sync>,
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
/// While one of its clones lives, `GET /pre-stop` and `GET /pre-freeze` are not answered, and the end of the
/// server waits. A platform that freezes instances without asking may still do so.
#[derive(Clone, Debug)]
pub struct Busy {
    pub(crate) _entry: Entry,
}
