//! `serve`: the event function.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use fc_adapter::Markers;

use super::{Exit, exit, internal, usage, variable};
use crate::assemble;
use crate::config::{Settings, SettingsArgs};
use crate::credentials::SourceCredentials;
use crate::host::{self, DEFAULT_TIMEOUT, Function};
use crate::http_client::{self, Proxies};

/// Runs the event function on Function Compute's custom runtime.
///
/// Listens on 0.0.0.0, on the port that Function Compute names, else 9000.
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
    let settings = match Settings::resolve(&args.settings, variable("FC_REGION").as_deref()) {
        Ok(settings) => settings,
        Err(error) => return usage(&error),
    };
    let key_encoding = settings.key_encoding;
    let http = match http_client::build(Proxies::FromEnvironment) {
        Ok(http) => http,
        Err(error) => return internal(&error),
    };
    let pipeline = match assemble::pipeline(settings, &http) {
        Ok(pipeline) => pipeline,
        Err(error) => return usage(&error),
    };
    let function = Function::new(pipeline, SourceCredentials::new(variable), key_encoding);
    let mut adapter = host::adapter(function.clone()).default_timeout(Duration::from_secs(args.timeout));
    if let Some(listen) = args.listen {
        adapter = adapter.listen(listen);
    }
    if args.json {
        adapter = adapter.markers(Markers::Off);
    }
    let served = adapter.run().await;
    if args.json {
        super::print_json(&function.totals());
    }
    match served {
        Ok(()) => Exit::Done,
        Err(error) => internal(&error),
    }
}
