//! The function on AWS Lambda, by AWS's own runtime.
//!
//! | module | concern |
//! |---|---|
//! | `environment` | what Lambda tells the process; what the process tells Lambda when it cannot start |
//! | `reply` | what Lambda is answered |
//! | `drain` | an end that leaves no invocation unanswered |
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

mod drain;
mod environment;
mod reply;

use std::time::{Duration, SystemTime};

use fc_adapter::RawEvent;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use tokio::time::Instant;

use self::drain::Drain;
pub use self::environment::{RuntimeApi, Unusable};
pub use self::reply::{BatchResponse, ItemFailure, Reply};
use super::Function;

/// Time to open the connections before the first event is asked for. Of the ten seconds that Lambda gives a start, most is left.
const WARM: Duration = Duration::from_secs(3);

/// Runs `function` until `stop`, and until what is in hand then is answered.
///
/// Connections that cannot be opened are a warning only: keys that OMS does not take go to the journal, which is what the function is
/// for.
///
/// # Errors
///
/// When the runtime API cannot be reached any more.
///
/// # Panics
///
/// When Lambda's variables are missing; [`RuntimeApi::check`] tells beforehand.
pub async fn run(function: Function, stop: impl Future<Output = ()>) -> Result<(), Error> {
    let drain = Drain::default();
    let runtime = serve(function, drain.clone());
    tokio::select! {
        ended = runtime => ended,
        () = drain.after(stop) => Ok(()),
    }
}

async fn serve(function: Function, drain: Drain) -> Result<(), Error> {
    if let Err(problem) = function.initialize(Instant::now() + WARM).await {
        tracing::warn!(error = problem.error_message, "not all connections are open yet");
    }
    let handler = service_fn(move |LambdaEvent { payload, context }: LambdaEvent<RawEvent>| {
        let function = function.clone();
        async move {
            let deadline = deadline(context.deadline(), SystemTime::now(), Instant::now());
            function.invoke_by_message(payload, deadline).await
        }
    });
    Runtime::new(handler).layer(TracingLayer::new()).layer(drain).run_concurrent().await
}

/// The same moment on the monotonic clock.
fn deadline(at: SystemTime, wall: SystemTime, now: Instant) -> Instant {
    now + at.duration_since(wall).unwrap_or_default()
}
