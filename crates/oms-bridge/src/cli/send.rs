//! `send`: hands keys to the same pipeline as events.

mod input;

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use self::input::{Chunk, Input};
use super::{Exit, internal, usage, variable};
use crate::assemble;
use crate::change::ObjectChange;
use crate::config::{Settings, SettingsArgs};
use crate::credentials::SourceCredentials;
use crate::http_client::{self, Proxies};
use crate::pipeline::{Budget, Pipeline, Report};
use crate::progress::{Event, Log, Observer};

/// Sends keys to OMS, as if their objects had just been uploaded.
#[derive(Args)]
#[command(after_help = "Examples:
  oms-bridge send photos/a.jpg 'photos/b c.jpg'
  ossutil ls oss://src/photos/ -s | sed -n 's|^oss://src/||p' | oms-bridge send -
  find . -type f -printf '%P\\0' | oms-bridge send -0 -")]
pub(super) struct SendArgs {
    /// Object keys, or `-` to read them from stdin, one a line.
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    /// Keys on stdin end in a NUL byte instead of a line feed, so that they may hold line feeds.
    #[arg(short = '0', long = "null")]
    null: bool,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Longest time one chunk of keys may take: long enough to wait out the gateway's throttling windows.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// The result, as `--json` prints it.
#[derive(Debug, Default, Serialize)]
struct Summary {
    keys: usize,
    accepted: usize,
    failed: usize,
    skipped: usize,
    unrecorded: usize,
    requests: u64,
    elapsed_s: f64,
}

pub(super) async fn run(args: SendArgs) -> Exit {
    let settings = match Settings::resolve(args.settings, variable("FC_REGION")) {
        Ok(settings) => settings,
        Err(error) => return usage(&error),
    };
    let credentials = SourceCredentials::new(variable);
    if let Err(error) = credentials.from_environment() {
        return usage(&error);
    }
    let http = match http_client::build(Proxies::FromEnvironment) {
        Ok(http) => http,
        Err(error) => return internal(&error),
    };
    let log_bucket = settings.log_bucket.to_string();
    let pipeline = match assemble::pipeline(settings, &http) {
        Ok(pipeline) => pipeline,
        Err(error) => return usage(&error),
    };
    let input = Input::open(args.keys, args.null);
    let progress = Progress::new(input.length());
    let sent = send(&pipeline, &credentials, input, &progress).await;
    progress.bar.finish_and_clear();
    sent.print(args.json, &pipeline, &log_bucket)
}

/// What became of the whole input.
struct Sent {
    report: Report,
    keys: usize,
    started: Instant,
    interrupted: bool,
    input_error: Option<String>,
}

async fn send(pipeline: &Pipeline, credentials: &SourceCredentials, mut input: Input, progress: &Progress) -> Sent {
    let mut sent =
        Sent { report: Report::default(), keys: 0, started: Instant::now(), interrupted: false, input_error: None };
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    loop {
        let chunk = tokio::select! {
            biased;
            _ = &mut interrupt => {
                sent.interrupted = true;
                break;
            }
            chunk = input.next() => chunk,
        };
        let Some(Chunk { keys, rejected, error }) = chunk else { break };
        sent.keys += keys.len() + rejected.len();
        for rejected in rejected {
            progress.print(&format!("not sent: {rejected}"));
            sent.report.failed += 1;
            sent.report.unrecorded += 1;
        }
        let now = tokio::time::Instant::now();
        let changes = keys.into_iter().map(ObjectChange::of_key).collect();
        let budget = Budget::until(now + CHUNK_TIMEOUT, now);
        match pipeline.run(changes, credentials.from_environment(), budget, &(Log, progress)).await {
            Ok(report) => sent.report.add(report),
            // Keys that were handed over have no bucket, so there is no loop to detect.
            Err(error) => sent.input_error = Some(error.to_string()),
        }
        sent.input_error = sent.input_error.or(error);
    }
    sent
}

impl Sent {
    fn print(self, json: bool, pipeline: &Pipeline, log_bucket: &str) -> Exit {
        let report = &self.report;
        let summary = Summary {
            keys: self.keys,
            accepted: report.accepted,
            failed: report.failed,
            skipped: report.skipped,
            unrecorded: report.unrecorded,
            requests: pipeline.engine().requests(),
            elapsed_s: (self.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        };
        let text = if json {
            serde_json::to_string(&summary).unwrap_or_default()
        } else {
            summary.describe(pipeline.engine().task(), log_bucket)
        };
        // A closed stdout is the reader's choice; the exit code still tells.
        let _ = writeln!(std::io::stdout(), "{text}");
        if let Some(first) = &report.first_unrecorded {
            eprintln!("error: {first}");
        }
        if let Some(error) = &self.input_error {
            eprintln!("error: {error}");
            return Exit::Internal;
        }
        match (self.interrupted, report.refused_credentials, report.failed) {
            (true, ..) => Exit::Interrupted,
            (_, 1.., _) => Exit::CredentialsRefused,
            (_, _, 1..) => Exit::SomeFailed,
            _ => Exit::Done,
        }
    }
}

impl Summary {
    fn describe(&self, task: &str, log_bucket: &str) -> String {
        let mut text = format!(
            "{} keys: {} accepted, {} failed, {} skipped, in {} requests and {:.1} s",
            self.keys, self.accepted, self.failed, self.skipped, self.requests, self.elapsed_s
        );
        if self.failed > self.unrecorded {
            text += &format!("\nfailed keys are recorded under oss://{log_bucket}/oms_source_record/{task}/failed_object/");
        }
        if self.unrecorded > 0 {
            text += &format!("\n{} failed keys are recorded nowhere: send them again", self.unrecorded);
        }
        text
    }
}

/// The progress bar: on a terminal only.
struct Progress {
    bar: ProgressBar,
}

impl Progress {
    fn new(length: Option<u64>) -> Self {
        let bar = match length {
            _ if !std::io::stderr().is_terminal() => ProgressBar::hidden(),
            Some(length) => ProgressBar::new(length).with_style(style("{bar:30} {pos}/{len} keys  {per_sec}  {eta}  {msg}")),
            None => ProgressBar::new_spinner().with_style(style("{spinner} {pos} keys  {per_sec}  {msg}")),
        };
        Self { bar }
    }

    fn print(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Observer for &Progress {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Accepted { .. } | Event::Skipped { .. } => self.bar.inc(1),
            Event::Failed { failure, .. } => {
                self.bar.inc(1);
                self.bar.set_message(format!("last error: {}", failure.error));
            }
            Event::RecordLost { .. } => {}
        }
    }
}
