//! Handlers and hooks, each run to its end.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use lambda_runtime::Diagnostic;
use tracing::{Instrument, Span, error};

use crate::context::FcContext;
use crate::failure;
use crate::gauge::Gauge;
use crate::markers::Marked;
use crate::reply::Connection;

/// Work that gave no answer.
pub(crate) struct Lost {
    pub(crate) diagnostic: Diagnostic,
    pub(crate) connection: Connection,
}

/// Runs `work`, counted by `gauge`, on a task of its own, so that it comes to its end even if the client goes
/// away, and turns a panic into a failure of this request only.
pub(crate) async fn run_to_end<T: Send + 'static>(
    gauge: &Arc<Gauge>,
    context: Arc<FcContext>,
    span: Span,
    mut marked: Option<Marked>,
    work: impl Future<Output = Result<T, Diagnostic>> + Send + 'static,
) -> Result<T, Lost> {
    let entry = gauge.enter();
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
