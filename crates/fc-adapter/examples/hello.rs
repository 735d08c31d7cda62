//! Runs on AWS Lambda and on Function Compute: `curl -d '{"name":"you"}' localhost:9000/invoke`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let handler = service_fn(hello);
    match std::env::var_os("AWS_LAMBDA_RUNTIME_API") {
        Some(_) => lambda_runtime::run_concurrent(handler).await,
        None => fc_adapter::run(handler).await,
    }
}

async fn hello(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let name = event.payload["name"].as_str().ok_or("the event has no name")?;
    Ok(json!({ "greeting": format!("Hello, {name}"), "request_id": event.context.request_id }))
}
