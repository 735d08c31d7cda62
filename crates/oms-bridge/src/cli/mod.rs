//! The commands. On stdout: results only. On stderr: logs, progress, warnings.

#[cfg(feature = "completions")]
mod completions;
mod confirm;
#[cfg(feature = "aws")]
mod consume;
mod copy;
#[cfg(feature = "demo")]
mod demo;
#[cfg(feature = "desk")]
mod desk;
#[cfg(feature = "demo")]
mod dev;
mod doctor;
mod exit;
mod explain;
mod help;
mod json_failure;
mod json_list;
#[cfg(not(all(feature = "aws", feature = "completions", feature = "demo", feature = "desk")))]
mod left_out;
mod listing_limits;
mod places;
mod reconcile;
#[cfg(test)]
mod reference;
mod replay;
mod report;
mod run_metrics;
mod send;
mod serve;
mod start;
mod status;
mod stdout;

use std::env;
use std::fmt::Display;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::{Parser, Subcommand};
use oss_lite::Credentials;
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

pub use self::exit::Exit;
use crate::failure::{self, End, Failure};
use bridge_config::table::serve::LOG_FORMAT;
use bridge_config::{Settings, keys, table};
use bridge_core::credentials::SourceCredentials;
use bridge_core::engine::Engine;
use http_client::{self, Proxies};
use settings::text;
use settings::{Problem, Reader, Values, lenient};
use terminal::logging;
use terminal::numbers::{counted, elapsed};
use terminal::{language, stderr, style};

const EXAMPLE: &str =
    if cfg!(feature = "demo") { "Example:\n  oms-bridge demo" } else { "Example:\n  oms-bridge doctor" };

/// The output of `--version`; `-V` prints the first line. `build.rs` provides it.
const LONG_VERSION: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    "\ncommit:   ",
    env!("BUILD_COMMIT"),
    "\nfeatures: ",
    env!("BUILD_FEATURES"),
    "\ntarget:   ",
    env!("BUILD_TARGET")
);

/// Forwards object events of Alibaba Cloud OSS to Huawei Cloud OMS, or copies the objects itself, so that
/// nothing is lost.
#[derive(Parser)]
#[command(name = "oms-bridge", version, long_version = LONG_VERSION, after_help = exit::help(EXAMPLE), subcommand_required = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[arg(
        long,
        global = true,
        env = LOG_FORMAT.spec.name,
        value_name = LOG_FORMAT.spec.value,
        hide_env_values = true,
        hide_short_help = true,
        help = LOG_FORMAT.spec.help()
    )]
    log_format: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Send(send::SendArgs),
    Replay(replay::ReplayArgs),
    Confirm(confirm::ConfirmArgs),
    Status(status::StatusArgs),
    Report(report::ReportArgs),
    Doctor(doctor::DoctorArgs),
    Explain(explain::ExplainArgs),
    Copy(copy::CopyArgs),
    Reconcile(reconcile::ReconcileArgs),
    #[cfg(feature = "aws")]
    Consume(consume::ConsumeArgs),
    #[cfg(feature = "desk")]
    Desk(Box<desk::DeskArgs>),
    #[cfg(feature = "demo")]
    Demo(demo::DemoArgs),
    #[cfg(feature = "demo")]
    Dev(dev::DevArgs),
    #[cfg(feature = "completions")]
    Completions(completions::CompletionsArgs),
    #[cfg(feature = "completions")]
    Man(completions::ManArgs),
    #[cfg(not(all(feature = "aws", feature = "completions", feature = "demo", feature = "desk")))]
    #[command(flatten)]
    LeftOut(left_out::LeftOut),
    Help(help::HelpArgs),
}

impl Command {
    /// The log filter unless `RUST_LOG` is set.
    fn log_filter(&self) -> &'static str {
        match self {
            Self::Serve(_) | Self::Send(_) | Self::Replay(_) | Self::Confirm(_) => "info",
            // The SDK's own lines are shown only on request.
            Self::Copy(_) | Self::Reconcile(_) => {
                "info,aws_config=error,aws_runtime=error,aws_smithy_runtime=error"
            }
            #[cfg(feature = "aws")]
            Self::Consume(_) => "info,aws_config=error,aws_runtime=error,aws_smithy_runtime=error",
            #[cfg(feature = "desk")]
            Self::Desk(_) => "info",
            // Their result already lists what is wrong.
            Self::Status(_) | Self::Report(_) | Self::Doctor(_) | Self::Explain(_) => "warn",
            // They print their failures themselves, which are intended.
            #[cfg(feature = "demo")]
            Self::Demo(_) | Self::Dev(_) => "error",
            Self::Help(_) => "error",
            #[cfg(feature = "completions")]
            Self::Completions(_) | Self::Man(_) => "error",
            #[cfg(not(all(feature = "aws", feature = "completions", feature = "demo", feature = "desk")))]
            Self::LeftOut(_) => "error",
        }
    }
}

/// The texts of all help, for the test that holds the table of their translations complete.
#[cfg(feature = "chinese")]
pub fn texts_of_help() -> std::collections::BTreeSet<String> {
    language::texts_of(help::command(), &table::named)
}

/// The table of translations as this program uses it, for the tests that hold messages to it.
#[cfg(feature = "chinese")]
pub fn catalogue() -> texts::catalogue::Catalogue {
    texts::catalogue::Catalogue::chinese().with(language::described(table::all()))
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    style::start();
    language::start(variable, table::all());
    let arguments = start::arguments();
    let cli = match start::command_line(&arguments) {
        Ok(cli) => cli,
        Err(exit) => return stdout::exit(exit).into(),
    };
    let values = Values::default().with(&LOG_FORMAT.spec, cli.log_format.as_deref().unwrap_or_default());
    let mut reader = Reader::new(values);
    let format = reader.get(&LOG_FORMAT);
    logging::start(
        format.unwrap_or_else(start::usual_format),
        variable("RUST_LOG").as_deref().unwrap_or(cli.command.log_filter()),
    );
    match cli.command.runtime() {
        Ok(runtime) => {
            let exit = runtime.block_on(run(cli.command, reader.into_problems()));
            if start::asks_for_json(&arguments) {
                json_failure::print_unless_printed(exit);
            }
            stdout::exit(exit).into()
        }
        Err(error) => {
            say(format_args!("error: {}", Failure::internal(error)));
            Exit::Internal.into()
        }
    }
}

/// Runs a command. `early` are problems of the settings of the process, which are reported together with
/// those of the command.
async fn run(command: Command, early: Vec<Problem>) -> Exit {
    match Box::pin(ended(command, early)).await {
        Ok(exit) => exit,
        Err(failure) => {
            say(format_args!("error: {failure}"));
            let exit = failure.kind().into();
            json_failure::keep(failure);
            exit
        }
    }
}

/// How a command ends: with an exit code of its own, or with a failure, which all commands report the same
/// way.
type Ended = Result<Exit, Failure>;

async fn ended(command: Command, early: Vec<Problem>) -> Ended {
    let reader = |values| Reader::new(values).with(early.clone());
    match command {
        Command::Serve(args) => serve::run(&args, reader(args.settings.values())).await,
        Command::Send(args) => {
            let reader = reader(args.settings.values());
            let run = args.metrics.of("send");
            run.during(async |run| send::run(args, reader, run).await).await
        }
        Command::Replay(args) => {
            let reader = reader(args.values());
            let run = args.metrics.of("replay");
            run.during(async |run| replay::run(&args, reader, run).await).await
        }
        Command::Status(args) => {
            let reader = reader(args.settings.values());
            let run = args.metrics.of("status");
            run.during(async |run| status::run(&args, reader, run).await).await
        }
        Command::Confirm(args) => {
            let reader = reader(args.settings.values());
            let run = args.metrics.of("confirm");
            Box::pin(run.during(async |run| confirm::run(&args, reader, run).await)).await
        }
        Command::Report(args) => report::run(&args, reader(args.settings.values())).await,
        Command::Doctor(args) => Box::pin(doctor::run(&args, reader(args.settings.values()))).await,
        Command::Explain(args) => explain::run(&args, reader(args.settings.values())).await,
        Command::Copy(args) => {
            let mut reader = reader(args.settings.values());
            let run = copy::metrics(&args, &mut reader);
            Box::pin(run.during(async |run| copy::run(args, reader, run).await)).await
        }
        Command::Reconcile(args) => {
            let mut reader = reader(args.values());
            let run = args.metrics(&mut reader);
            run.during(async |run| Box::pin(reconcile::run(args, reader, run)).await).await
        }
        #[cfg(feature = "aws")]
        Command::Consume(args) => Box::pin(consume::run(&args, reader(args.settings.values()))).await,
        #[cfg(feature = "desk")]
        Command::Desk(args) => Box::pin(desk::run(&args, reader(args.settings.values()))).await,
        #[cfg(feature = "demo")]
        Command::Demo(args) => {
            reader(Values::default()).finish(Some(()))?;
            demo::run(args).await
        }
        #[cfg(feature = "demo")]
        Command::Dev(args) => dev::run(&args, reader(args.settings.values())).await,
        #[cfg(feature = "completions")]
        Command::Completions(args) => Ok(completions::completions(&args)),
        #[cfg(feature = "completions")]
        Command::Man(args) => completions::man(&args),
        #[cfg(not(all(feature = "aws", feature = "completions", feature = "demo", feature = "desk")))]
        Command::LeftOut(asked) => Err(left_out::failure(&asked)),
        Command::Help(args) => help::run(&args),
    }
}

impl Command {
    /// One thread needs a third less CPU per key than two that pass work to each other, and fragments memory
    /// less. Only servers with more than one CPU get more; a function usually has a fraction of one.
    fn runtime(&self) -> io::Result<Runtime> {
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        let mut builder = match self {
            Self::Serve(_) | Self::Copy(_) | Self::Reconcile(_) if cpus > 1 => Builder::new_multi_thread(),
            #[cfg(feature = "aws")]
            Self::Consume(_) if cpus > 1 => Builder::new_multi_thread(),
            #[cfg(feature = "desk")]
            Self::Desk(_) if cpus > 1 => Builder::new_multi_thread(),
            #[cfg(feature = "demo")]
            Self::Demo(_) | Self::Dev(_) if cpus > 1 => Builder::new_multi_thread(),
            _ => Builder::new_current_thread(),
        };
        builder.enable_all().build()
    }
}

/// What every command needs that sends requests.
struct Prepared {
    settings: Settings,
    credentials: Arc<Credentials>,
    http: reqwest::Client,
}

impl Prepared {
    /// Checks the settings, finds the credentials of the environment and builds the HTTP client.
    fn from(mut reader: Reader) -> Result<Self, Failure> {
        let settings = Settings::read(&mut reader);
        Self::with(reader, settings)
    }

    /// The same with settings that were read already.
    fn with(mut reader: Reader, settings: Option<Settings>) -> Result<Self, Failure> {
        keys::need_oss(&mut reader);
        let settings = reader.finish(settings)?;
        let found = SourceCredentials::new(variable).from_environment();
        let credentials = found.map_err(Failure::configuration)?;
        let http = http_client::build(Proxies::FromEnvironment).map_err(Failure::internal)?;
        Ok(Self { settings, credentials, http })
    }
}

/// Effort of a command, for its summary. Request counts are meaningful only for OMS.
fn effort(engine: &Engine, requests: u64, elapsed_s: f64) -> String {
    match engine {
        Engine::Oms(_) => format!("in {} and {}", counted(requests, "request"), elapsed(elapsed_s)),
        Engine::Copy(_) | Engine::OmsThenCopy(..) => format!("in {}", elapsed(elapsed_s)),
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().and_then(|value| lenient::setting(&value).map(str::to_owned))
}

/// Prints the one machine-readable result of a command. Where a list of keys is open on stdout, the members
/// of `result` are the rest of its object.
fn print_json(result: &impl Serialize) {
    let json = serde_json::to_string(result).unwrap_or_default();
    let json = text::json(&json);
    if json_failure::result_is_printed() {
        print(&format!("],{}", json.trim_start_matches('{')));
    } else {
        print(&json);
    }
}

/// The same of a command that returns `failure`, where it does.
fn print_result(result: &impl Serialize, failure: Option<&Failure>) {
    print_json(&json_failure::WithError::new(result, failure));
}

/// Prints a result of one or more lines, with control characters escaped.
fn print(text: &str) {
    stdout::write(format!("{}\n", text::lines(text)).as_bytes());
}

/// Prints a message to stderr, escaped likewise.
fn say(what: impl Display) {
    let what = what.to_string();
    match what.strip_prefix("error: ") {
        Some(why) => {
            json_failure::said(why);
            stderr::error(why);
        }
        None => stderr::say(what),
    }
}

/// The failure of a command that needs the log bucket, which refused `action`.
fn journal(error: &oss_lite::Error, settings: &Settings, action: &str) -> Failure {
    let bucket = settings.log_bucket.as_str();
    failure::of_store(error, End::journal(&settings.oss, bucket), action)
}
