//! `send`: passes keys to the same pipeline as events.

use std::collections::BTreeMap;
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::run_metrics::{MetricsArgs, RunMetrics};
use super::{Ended, Exit, effort, exit, print, print_result, say, variable};
use crate::assemble;
use crate::failure::{End, EngineEnds, Failure, of_store};
use bridge_config::{Settings, SettingsOf, WithSettings, keys};
use bridge_core::credentials::SourceCredentials;
use bridge_core::engine::Engine;
use bridge_core::pipeline::{NotRecorded, SkipCounts};
use bridge_core::progress::{Log, Observer, ProgressEvent};
use bridge_core::send::input::{Input, Separator};
use bridge_core::send::{SendStopped, SentKeys, send};
use http_client::{self, Proxies};
use object_copy::stop::Stop;
use settings::text::printable;
use settings::{Invalid, Reader};
use terminal::interrupts::{Interrupts, finishing};
use terminal::numbers::{count, counted};
use terminal::progress::Progress;
use terminal::stats::StatsArgs;

/// Sends keys as if their objects had just been uploaded.
///
/// OMS takes them by CreateSyncEvents:
/// <https://support.huaweicloud.com/intl/en-us/api-oms/CreateSyncEvents.html>
#[derive(Args)]
#[expect(clippy::doc_markdown, reason = "it is the help text, which shows backticks as they are")]
#[command(after_help = exit::help("Examples:
  oms-bridge send photos/a.jpg 'photos/b c.jpg'
  ossutil ls oss://src/photos/ -s \\
    | sed -n 's|^oss://src/||p' | oms-bridge send -
  find . -type f -printf '%P\\0' | oms-bridge send -0 -"))]
pub(super) struct SendArgs {
    /// Object keys, or `-` to read them from stdin, one per line.
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    /// Keys on stdin end with a NUL byte instead of a line feed, so that they may contain line feeds.
    #[arg(short = '0', long = "null")]
    null: bool,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stats: StatsArgs,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
    #[command(flatten)]
    pub(super) settings: SettingsOf<SendArgs>,
}

impl WithSettings for SendArgs {
    const NAME: &'static str = "send";
}

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct SendSummary {
    keys: usize,
    accepted: usize,
    failed: usize,
    /// Keys of large objects whose copy ended at a part; they have a failed record.
    #[serde(skip_serializing_if = "is_zero")]
    unfinished: usize,
    /// Only where sending was interrupted.
    #[serde(skip_serializing_if = "is_zero")]
    not_begun: usize,
    skipped: usize,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    skipped_for: BTreeMap<&'static str, usize>,
    unrecorded: usize,
    /// Accepted keys without a success record, where there are any.
    #[serde(skip_serializing_if = "is_zero")]
    success_records_missing: usize,
    requests: u64,
    elapsed_s: f64,
}

pub(super) async fn run(args: SendArgs, mut reader: Reader, run: &RunMetrics) -> Ended {
    let settings = Settings::read(&mut reader);
    if let Some(Err(problem)) = settings.as_ref().map(Settings::serve_bare_keys) {
        reader.add(problem);
    }
    keys::need_oss(&mut reader);
    let bucket = bridge_config::source_bucket(&mut reader).map(|bucket| bucket.to_string());
    let keys = match (args.keys.as_slice(), args.null) {
        ([dash], true) if dash == "-" => KeyArguments::OnStdin(Separator::Null),
        ([dash], false) if dash == "-" => KeyArguments::OnStdin(Separator::Line),
        (_, is_null) => {
            if is_null {
                let what = Invalid::new("has no effect here, only on keys that are read from stdin");
                reader.problem("--null", what.with_remedy("leave it out, or give - as the only KEY"));
            }
            let keys = reader.accept("KEY", Input::keys(args.keys, bucket.as_deref()));
            KeyArguments::Named(keys)
        }
    };
    let settings = reader.finish(settings)?;
    let credentials = SourceCredentials::new(variable);
    let http = http_client::build(Proxies::FromEnvironment).map_err(Failure::internal)?;
    let records = format!("oss://{}/oms_source_record/{}/", settings.log_bucket, settings.task);
    let ends = EngineEnds::of(&settings);
    let (log_bucket, log_service) = (settings.log_bucket.clone(), settings.oss.clone());
    let pipeline = assemble::pipeline(settings, &http).map_err(Failure::configuration)?;
    let input = match keys {
        KeyArguments::OnStdin(separator) => Input::stdin(separator, bucket),
        KeyArguments::Named(Some(input)) => input,
        // Invalid keys are reported already.
        KeyArguments::Named(None) => return Ok(Exit::Usage),
    };
    let started = Instant::now();
    let progress = args.stats.progress("sending", "key");
    run.watch(&progress);
    if let Some(keys) = input.length() {
        progress.set_total(keys);
    }
    let watcher = (Log, SendWatcher(progress.clone()));
    let (stop, mut interrupts) = (Stop::default(), Interrupts::of_process());
    let sent = tokio::select! {
        sent = send(&pipeline, &credentials, input, &watcher, &stop) => sent,
        never = progress.show(|_| ()) => match never {},
        never = stop.raise_at(async || interrupts.next().await, |level| pipeline.engine().stop(level)) => match never {},
    };
    progress.finish();
    let summary = SendSummary::new(&sent, pipeline.engine().requests(), started);
    run.keys(summary.outcomes());
    let ended = exit_of(&sent, &ends);
    if args.json {
        print_result(&summary, ended.as_ref().err());
    } else {
        print(&summary.describe(pipeline.engine(), &records));
    }
    for line in interruption(&sent) {
        say(line);
    }
    if sent.keys == 0 && sent.stopped.is_none() {
        say("nothing to send: no key was given on standard input");
    }
    let log_bucket = End::journal(&log_service, log_bucket.as_str());
    if let Some(why) = &sent.report.not_recorded {
        let missing = sent.report.success_records_missing as u64;
        if missing > 0 {
            let keys = counted(missing, "key");
            say(unrecorded(why, log_bucket)
                .saying(format_args!("{keys} accepted without a success record, which is harmless: {why}")));
        }
        if let Some(first) = sent.report.first_unrecorded.as_ref().filter(|_| sent.report.unrecorded > 0) {
            say(format_args!("error: {}", unrecorded(why, log_bucket).saying(first)));
        }
    }
    ended
}

/// The failure to write a record to the log bucket.
fn unrecorded(why: &NotRecorded, log_bucket: End<'_>) -> Failure {
    let endpoint = log_bucket.service.endpoint_setting;
    match why.store_error() {
        Some(error) => of_store(error, log_bucket, error.action().unwrap_or("PutObject")),
        None => Failure::configuration(why).of_setting(endpoint).with_remedy(format_args!(
            "check that {endpoint} names the service, and that no proxy answers in its place"
        )),
    }
}

/// What is left to do after an interrupt.
fn interruption(sent: &SentKeys) -> Vec<String> {
    let keys = |count: usize| counted(count as u64, "key");
    let mut lines = Vec::new();
    if sent.cut_off > 0 {
        lines.push(format!("{} sent without waiting for the result, and not recorded", keys(sent.cut_off)));
    }
    if sent.not_begun > 0 {
        lines.push(format!("{} not begun", keys(sent.not_begun)));
    }
    if sent.rest_unread {
        lines.push("the rest of stdin was not read".to_owned());
    }
    if let Some(first) = &sent.first_open {
        lines.push(format!(
            "to continue, send the keys from {} on; sending a key twice is harmless",
            printable(first)
        ));
    }
    lines
}

/// Where keys come from.
enum KeyArguments {
    OnStdin(Separator),
    /// `None` if one of them is invalid.
    Named(Option<Input>),
}

fn exit_of(sent: &SentKeys, ends: &EngineEnds) -> Ended {
    let report = &sent.report;
    let of_all = if report.accepted == 0 { report.cause.of_all(report.failed) } else { None };
    let refused = report.cause.first().filter(|_| report.refused_credentials > 0);
    match &sent.stopped {
        Some(SendStopped::Input(error)) => {
            Err(Failure::configuration(error).of_setting("KEY").with_remedy("give one key a line, in UTF-8"))
        }
        Some(SendStopped::Interrupted | SendStopped::Aborted) => Ok(Exit::Interrupted),
        None => match refused.or(of_all) {
            Some(failed) => match ends.outage(failed) {
                Some(outage) => {
                    say(outage);
                    Ok(Exit::SomeFailed)
                }
                None => Err(ends.failure(failed)),
            },
            None if report.failed > 0 => Ok(Exit::SomeFailed),
            None => Ok(Exit::Done),
        },
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The reasons that there are, by their names in `--json`.
fn by_reason(SkipCounts { filtered, duplicates, own_copies }: SkipCounts) -> BTreeMap<&'static str, usize> {
    let reasons = [("filter", filtered), ("duplicate", duplicates), ("own_copy", own_copies)];
    reasons.into_iter().filter(|(_, keys)| *keys > 0).collect()
}

impl SendSummary {
    fn new(sent: &SentKeys, requests: u64, started: Instant) -> Self {
        let SentKeys { keys, report, .. } = sent;
        Self {
            keys: *keys,
            accepted: report.accepted,
            failed: report.failed - report.unfinished,
            unfinished: report.unfinished,
            not_begun: sent.not_begun,
            skipped: report.skipped,
            skipped_for: by_reason(report.skipped_for),
            unrecorded: report.unrecorded,
            success_records_missing: report.success_records_missing,
            requests,
            elapsed_s: (started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }

    /// The keys by outcome, for metrics.
    fn outcomes(&self) -> [(&'static str, u64); 6] {
        [
            ("accepted", self.accepted as u64),
            ("failed", self.failed as u64),
            ("unfinished", self.unfinished as u64),
            ("not_begun", self.not_begun as u64),
            ("skipped", self.skipped as u64),
            ("unrecorded", self.unrecorded as u64),
        ]
    }

    fn describe(&self, engine: &Engine, records: &str) -> String {
        let Self { keys, accepted, failed, skipped, requests, elapsed_s, unrecorded, .. } = self;
        let mut lines = vec![format!(
            "{}: {} accepted, {} failed, {} skipped, {}",
            counted(*keys as u64, "key"),
            count(*accepted as u64),
            count(*failed as u64),
            count(*skipped as u64),
            effort(engine, *requests, *elapsed_s)
        )];
        for (reason, keys) in &self.skipped_for {
            let keys = count(*keys as u64);
            lines.push(match *reason {
                "filter" => format!("skipped: {keys} left out by INCLUDE or EXCLUDE"),
                "duplicate" => format!("skipped: {keys} named more than once"),
                _ => format!("skipped: {keys} below DEST, where copies are written to"),
            });
        }
        if self.unfinished > 0 {
            lines.push(format!(
                "{} of large objects ended at a part: `oms-bridge replay` resumes them",
                counted(self.unfinished as u64, "copy")
            ));
        }
        if failed > unrecorded {
            lines.push(format!("failed keys are recorded under {records}failed_object/"));
        }
        if *unrecorded > 0 {
            let keys = counted(*unrecorded as u64, "key");
            lines.push(format!("{keys} failed without a record: send again what failed"));
        }
        lines.join("\n")
    }
}

/// Counts settled keys for the progress.
struct SendWatcher(Progress);

impl Observer for SendWatcher {
    fn observe(&self, event: &ProgressEvent<'_>) {
        match event {
            ProgressEvent::Accepted { .. } | ProgressEvent::Skipped { .. } => self.0.add(1),
            ProgressEvent::Failed { failure, .. } => {
                self.0.add(1);
                self.0.note(format!("last error: {}", failure.error));
            }
            ProgressEvent::Stopping { keys } => say(finishing(*keys as u64, "key")),
            ProgressEvent::Planned { .. }
            | ProgressEvent::Rejected { .. }
            | ProgressEvent::RecordLost { .. } => {}
        }
    }
}
