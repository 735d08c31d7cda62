//! `serve`: the event function.

use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use fc_adapter::Markers;
use rustls::crypto::ring;

use super::{Exit, exit, internal, variable};
use crate::assemble;
use crate::config::{IngestSettings, Settings, SettingsArgs};
use crate::credentials::SourceCredentials;
use crate::host::interrupts::Interrupts;
use crate::host::lambda::{self, RuntimeApi};
use crate::host::{self, DEFAULT_TIMEOUT, Function};
use crate::http_client::{self, Proxies};
use crate::ingest::{Ingest, MAX_BODY};

/// Runs the event function on Function Compute's custom runtime, or on AWS Lambda.
///
/// Listens on 0.0.0.0, on the port that Function Compute names, else 9000. On Lambda it asks for its events
/// instead, and is told the timeout.
#[derive(Args)]
#[command(after_help = exit::help("Example:
  oms-bridge serve --listen 127.0.0.1:9000
  curl --data-binary @event.json http://127.0.0.1:9000/invoke"))]
pub(super) struct ServeArgs {
    /// Address to listen on instead.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Option<SocketAddr>,
    /// Seconds an invocation may take when the platform does not say: the function's timeout.
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_TIMEOUT.as_secs(), value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// Print one JSON object when the function stops, and nothing else, on stdout.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) async fn run(args: ServeArgs) -> Exit {
    let lambda = RuntimeApi::find(variable);
    let (function, ingest) = match function(&args.settings, lambda.as_ref()) {
        Ok(made) => made,
        Err(NotStarted { exit, why }) => {
            eprintln!("error: {why}");
            if let Some(lambda) = lambda {
                lambda.report_init_error(&why).await;
            }
            return exit;
        }
    };
    let json = args.json;
    let served = match lambda {
        Some(_) => {
            if ingest.is_some() {
                tracing::warn!("INGEST_TOKEN is set, but POST /objects is not served on AWS Lambda");
            }
            on_lambda(function.clone()).await
        }
        None => on_function_compute(args, function.clone(), ingest).await,
    };
    if json {
        super::print_json(&function.totals());
    }
    match served {
        Ok(()) => Exit::Done,
        Err(error) => internal(&error),
    }
}

/// Why there is no function.
struct NotStarted {
    exit: Exit,
    why: String,
}

/// The function, and what is served over HTTP beside it.
fn function(
    settings: &SettingsArgs,
    lambda: Option<&RuntimeApi>,
) -> Result<(Function, Option<Ingest>), NotStarted> {
    let usage = |error: &dyn Display| NotStarted { exit: Exit::Usage, why: error.to_string() };
    if let Some(lambda) = lambda {
        lambda.check(variable).map_err(|error| usage(&error))?;
    }
    let settings =
        Settings::resolve(settings, variable("FC_REGION").as_deref()).map_err(|error| usage(&error))?;
    let key_encoding = settings.key_encoding;
    let ingest = settings.ingest.clone();
    let http = http_client::build(Proxies::FromEnvironment)
        .map_err(|error| NotStarted { exit: Exit::Internal, why: error.to_string() })?;
    let pipeline = assemble::pipeline(settings, &http).map_err(|error| usage(&error))?;
    let function = Function::new(pipeline, SourceCredentials::new(variable), key_encoding);
    let random = ring::default_provider().secure_random;
    let ingest = ingest.and_then(|IngestSettings { guard, token }| {
        Some(Ingest::new(function.clone(), guard, token?, random))
    });
    Ok((function, ingest))
}

async fn on_function_compute(
    args: ServeArgs,
    function: Function,
    ingest: Option<Ingest>,
) -> Result<(), lambda_runtime::Error> {
    let mut adapter = host::adapter(function).default_timeout(Duration::from_secs(args.timeout));
    if let Some(ingest) = ingest {
        adapter = adapter.on_http(MAX_BODY, move |request| {
            let ingest = ingest.clone();
            async move { ingest.answer(request).await }
        });
    }
    if let Some(listen) = args.listen {
        adapter = adapter.listen(listen);
    }
    if args.json {
        adapter = adapter.markers(Markers::Off);
    }
    Ok(adapter.run().await?)
}

async fn on_lambda(function: Function) -> Result<(), lambda_runtime::Error> {
    let mut signals = Interrupts::from_outside();
    lambda::run(function, signals.next()).await
}
