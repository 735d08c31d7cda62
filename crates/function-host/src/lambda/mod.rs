//! The function on AWS Lambda, with AWS's own runtime.
//!
//! | module | concern |
//! |---|---|
//! | `environment` | Lambda's environment variables; the report of a failed start |
//! | `reply` | the responses to Lambda |
//! | `drain` | shutdown after all invocations are answered |
//! | `deadline` | deadlines of invocations |
//! | `reach` | whether the runtime API can be reached |
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

mod deadline;
mod drain;
mod environment;
mod reach;
mod reply;

use std::sync::Arc;
use std::time::Duration;

use fc_adapter::RawEvent;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use tokio::time::Instant;

use self::deadline::Deadlines;
use self::drain::Drain;
pub use self::environment::RuntimeApi;
use self::reach::Reach;
use self::reply::Reply;
use crate::function::Function;
use bridge_core::warm;

/// Runs `function` until `stop`, and until events in flight are answered.
///
/// Connections are opened before the first event is requested, as far as possible.
///
/// `timeout` is the time for an invocation whose deadline had passed when it arrived.
///
/// # Errors
///
/// When the runtime API cannot be reached, or no longer, with any number of concurrent invocations.
///
/// # Panics
///
/// When Lambda's variables are missing; call [`RuntimeApi::check`] first.
pub async fn run(
    function: Function,
    api: &RuntimeApi,
    timeout: Duration,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let drain = Drain::default();
    let reach = Reach::of(api, reach::PAUSE);
    reach.found().await?;
    function.warm(Instant::now() + warm::LONGEST).await;
    let (runtime, counted) = (serve(function, Deadlines::new(timeout), drain.clone()), drain.clone());
    tokio::select! {
        biased;
        ended = runtime => ended,
        lost = reach.lost(|| counted.taken()) => Err(lost.into()),
        () = drain.after(stop) => Ok(()),
    }
}

async fn serve(function: Function, deadlines: Deadlines, drain: Drain) -> Result<(), Error> {
    let deadlines = Arc::new(deadlines);
    let handler = service_fn(move |LambdaEvent { payload, context }: LambdaEvent<RawEvent>| {
        let function = function.clone();
        let deadline = deadlines.of(context.deadline());
        async move { function.invoke_by_message(payload, deadline).await.map(Reply::from) }
    });
    Runtime::new(handler).layer(TracingLayer::new()).layer(drain).run_concurrent().await
}
