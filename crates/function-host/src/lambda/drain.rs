//! Shutdown after all invocations are answered.
//!
//! The runtime asks for the next event as soon as one is answered, and cannot be told to stop. So this layer
//! holds the answered invocation back once shutdown was requested: no further event is requested, and every
//! event that was received is answered.

use std::future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lambda_runtime::tower::Layer;
use lambda_runtime::{Error, LambdaInvocation, Service};
use tokio::sync::watch;

#[derive(Clone, Debug, Default)]
pub(super) struct Drain(Arc<watch::Sender<DrainState>>);

#[derive(Clone, Copy, Debug, Default)]
struct DrainState {
    in_hand: usize,
    taken: usize,
    stopping: bool,
}

impl Drain {
    /// Waits for `stop`, and then until all invocations in flight are answered.
    pub(super) async fn after(self, stop: impl Future<Output = ()>) {
        stop.await;
        self.0.send_modify(|state| state.stopping = true);
        tracing::info!("stopping");
        // The sender is in `self`, so this does not end early.
        let _ = self.0.subscribe().wait_for(|state| state.in_hand == 0).await;
    }

    /// Number of invocations received so far.
    pub(super) fn taken(&self) -> usize {
        self.0.borrow().taken
    }

    fn begin(&self) {
        self.0.send_modify(|state| {
            state.in_hand += 1;
            state.taken += 1;
        });
    }

    async fn end(&self) {
        self.0.send_modify(|state| state.in_hand -= 1);
        if self.0.borrow().stopping {
            future::pending::<()>().await;
        }
    }
}

impl<S> Layer<S> for Drain {
    type Service = Drained<S>;

    fn layer(&self, inner: S) -> Drained<S> {
        Drained { inner, drain: self.clone() }
    }
}

/// A service whose calls end when the invocation is answered.
#[derive(Clone, Debug)]
pub(super) struct Drained<S> {
    inner: S,
    drain: Drain,
}

impl<S> Service<LambdaInvocation> for Drained<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let drain = self.drain.clone();
        drain.begin();
        let call = self.inner.call(invocation);
        Box::pin(async move {
            let answered = call.await;
            drain.end().await;
            answered
        })
    }
}
