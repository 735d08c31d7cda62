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

use std::time::SystemTime;

use fc_adapter::RawEvent;
use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};
use tokio::time::Instant;

use self::drain::Drain;
pub use self::environment::{RuntimeApi, Unusable};
pub use self::reply::{BatchResponse, ItemFailure, Reply};
use super::Function;
use crate::warm;

/// Runs `function` until `stop`, and until what is in hand then is answered.
///
/// Connections are opened before the first event is asked for, as far as that is possible.
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
    function.warm(Instant::now() + warm::LONGEST).await;
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
