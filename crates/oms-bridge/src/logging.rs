//! Log lines, on stderr.

use std::io::{self, IsTerminal as _};

use fc_adapter::Platform;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line: for log services.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    /// The form that fits where the process runs.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let on_lambda = variable("AWS_LAMBDA_FUNCTION_NAME").is_some();
        let collected = on_lambda || Platform::detect(variable) == Platform::FunctionCompute;
        if collected { Self::Json } else { Self::Text }
    }
}

/// Starts logging at the levels of `filter` (`info`, or `oms_bridge=debug,hyper=warn`). Says what is wrong with it when
/// it cannot be read, and logs at `info` then.
///
/// A second call changes nothing.
pub fn start(format: LogFormat, filter: &str) {
    let (targets, problem) = match filter.parse::<Targets>() {
        Ok(targets) => (targets, None),
        Err(error) => (Targets::new().with_default(tracing::Level::INFO), Some(error)),
    };
    let layer = fmt::layer().with_writer(io::stderr);
    let layer = match format {
        LogFormat::Json => layer.json().flatten_event(true).with_span_list(false).boxed(),
        LogFormat::Text => layer.with_target(false).with_ansi(io::stderr().is_terminal()).boxed(),
    };
    let started = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
    if let (Ok(()), Some(error)) = (started, problem) {
        tracing::warn!(%error, filter, "RUST_LOG cannot be read; logging at info");
    }
}
