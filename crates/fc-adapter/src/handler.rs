//! One invocation of the user's service: decode, call, encode.

use std::fmt;
use std::fmt::Debug;
use std::future::Future;
use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use lambda_runtime::{
    Context, Diagnostic, Error, FunctionResponse, IntoFunctionResponse, LambdaEvent, Service, StreamResponse,
};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;
use tracing::error;

use crate::reply::Reply;
use crate::{failure, raw};

/// An invocation with the types of event and response taken away, so that the server needs to know none of
/// them.
pub(crate) trait Invoke: Clone + Send + 'static {
    /// `response_limit` bounds what is collected of a stream, in bytes.
    fn invoke(
        self,
        event: Bytes,
        context: Context,
        response_limit: usize,
    ) -> impl Future<Output = Result<Reply, Diagnostic>> + Send;
}

pub(crate) struct Handler<F, Types> {
    service: F,
    types: PhantomData<fn() -> Types>,
}

impl<F, Types> Handler<F, Types> {
    pub(crate) fn new(service: F) -> Self {
        Self { service, types: PhantomData }
    }
}

impl<F: Clone, Types> Clone for Handler<F, Types> {
    fn clone(&self) -> Self {
        Self::new(self.service.clone())
    }
}

impl<A, F, R, B, S, D, E> Invoke for Handler<F, (A, R, B, S, D, E)>
where
    F: Service<LambdaEvent<A>, Response = R> + Clone + Send + 'static,
    F::Future: Future<Output = Result<R, F::Error>> + Send + 'static,
    F::Error: Into<Diagnostic> + fmt::Debug,
    A: for<'de> Deserialize<'de> + Send + 'static,
    R: IntoFunctionResponse<B, S> + Send + 'static,
    B: Serialize + Send + 'static,
    S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
    D: Into<Bytes> + Send + 'static,
    E: Into<Error> + Send + Debug + 'static,
{
    async fn invoke(
        mut self,
        event: Bytes,
        context: Context,
        response_limit: usize,
    ) -> Result<Reply, Diagnostic> {
        let payload = decode(&event)?;
        drop(event);
        let service = self.service.ready().await.map_err(report)?;
        let called = service.call(LambdaEvent::new(payload, context));
        let response = called.await.map_err(report)?;
        match response.into_response() {
            FunctionResponse::BufferedResponse(value) => encode(&value),
            FunctionResponse::StreamingResponse(stream) => collect(stream, response_limit).await,
        }
    }
}

fn decode<A: for<'de> Deserialize<'de>>(event: &Bytes) -> Result<A, Diagnostic> {
    raw::from_body(event).map_err(|error| {
        let diagnostic = failure::undecodable::<A>(event, &error);
        error!("{}", diagnostic.error_message);
        diagnostic
    })
}

/// Logs the error with all its detail, as `lambda_runtime` does, before it shrinks to what the caller may
/// see.
fn report(error: impl Into<Diagnostic> + Debug) -> Diagnostic {
    error!("{error:?}");
    error.into()
}

fn encode(value: &impl Serialize) -> Result<Reply, Diagnostic> {
    match serde_json::to_vec(value) {
        Ok(json) => Ok(Reply::Json(json.into())),
        Err(error) => {
            error!(%error, "the response cannot be written as JSON");
            Err(failure::diagnostic(
                "SerializeError",
                format!("failed to serialize the function's response: {error}"),
            ))
        }
    }
}

async fn collect<S, D, E>(response: StreamResponse<S>, limit: usize) -> Result<Reply, Diagnostic>
where
    S: Stream<Item = Result<D, E>> + Unpin,
    D: Into<Bytes>,
    E: Into<Error>,
{
    let mut stream = response.stream;
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| report(error.into()))?.into();
        if body.len() + chunk.len() > limit {
            let message = format!("the streamed response exceeds the limit of {limit} bytes");
            error!("{message}");
            return Err(failure::diagnostic("ResponseTooLarge", message));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Reply::Bytes(body.freeze()))
}
