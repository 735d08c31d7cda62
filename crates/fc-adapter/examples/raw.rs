//! Takes any bytes as the event and asks the host for details: on Function Compute the event need not be
//! JSON.

use fc_adapter::{FcContext, RawEvent};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let handler = service_fn(describe);
    match std::env::var_os("AWS_LAMBDA_RUNTIME_API") {
        Some(_) => lambda_runtime::run_concurrent(handler).await,
        None => fc_adapter::run(handler).await,
    }
}

async fn describe(event: LambdaEvent<RawEvent>) -> Result<Value, Error> {
    let retries = FcContext::current().map(|context| context.retry_count);
    Ok(json!({ "bytes": event.payload.0.len(), "retries": retries }))
}
