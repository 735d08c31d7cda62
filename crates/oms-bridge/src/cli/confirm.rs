//! `confirm`: whether what was accepted arrived.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::json_list::JsonList;
use super::run_metrics::{MetricsArgs, RunMetrics};
use super::{Ended, Exit, Prepared, exit, print, print_result, say};
use crate::assemble;
use crate::failure::{End, EngineEnds, Failure, of_engine, of_store};
use arrival::confirm::{ConfirmMode, ConfirmOptions, ConfirmSummary, Step, Stopped, Walk, Watcher, confirm};
use bridge_config::table::copy::{DEST, DEST_ENDPOINT};
use bridge_config::table::oms::requests_per_second;
use bridge_config::{DestinationSettings, Settings, SettingsOf, WithSettings};
use object_copy::stop::{Stop, StopLevel};
use object_copy::transfer::Side;
use settings::service::Service;
use settings::text::printable;
use settings::{Invalid, Reader, parse};
use terminal::interrupts::{AGAIN, Interrupts};
use terminal::numbers::{bytes, count, counted, elapsed};
use terminal::output::OutputFormat;
use terminal::progress::Progress;
use terminal::stats::StatsArgs;

/// Confirms that accepted keys arrived at the destination.
///
/// A key that is not there within ARRIVE_WITHIN is sent again, then copied directly where DEST and its keys
/// allow it, then set aside for `replay --dead`. The timer of a function does the same.
#[derive(Args)]
#[expect(clippy::doc_markdown, reason = "it is the help text, which shows backticks as they are")]
#[command(after_help = exit::help("Examples:
  oms-bridge confirm
  oms-bridge confirm --dry-run --prefix photos/
  oms-bridge confirm --max-rps 100 --json"))]
pub(super) struct ConfirmArgs {
    /// Only keys that begin with this.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Look at N keys at most.
    #[arg(long, value_name = "N", value_parser = parse::positive::<usize>)]
    limit: Option<usize>,
    /// Ceiling on requests per second to destination and source.
    #[arg(long, value_name = "RPS", value_parser = requests_per_second)]
    max_rps: Option<f64>,
    /// Change nothing: print what would be done for keys that are late, one per line.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stats: StatsArgs,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
    #[command(flatten)]
    pub(super) settings: SettingsOf<ConfirmArgs>,
}

impl WithSettings for ConfirmArgs {
    const NAME: &'static str = "confirm";
}

/// Time limit of a whole run, which takes longer the more keys there are.
const PATIENCE: Duration = Duration::from_hours(24 * 30);

pub(super) async fn run(args: &ConfirmArgs, mut reader: Reader, run: &RunMetrics) -> Ended {
    let settings = Settings::read_with_destination(&mut reader);
    if settings.as_ref().is_some_and(|settings| settings.destination().is_none()) {
        for spec in [&DEST.spec, &DEST_ENDPOINT.spec] {
            if !reader.is_set(spec) {
                reader.problem(spec.name, Invalid::new("missing: it says where copies are looked for"));
            }
        }
    }
    let Prepared { settings, credentials, http } = Prepared::with(reader, settings)?;
    let services = ConfirmServices::of(&settings);
    let (pipeline, arrivals) = assemble::confirming(settings, &http).map_err(Failure::configuration)?;
    let Ok(confirmer) = arrivals.confirmer else {
        return Err(Failure::configuration("no destination").of_setting(DEST.spec.name));
    };
    let deadline = Instant::now() + PATIENCE;
    let journal = pipeline.journal().open(Arc::clone(&credentials), deadline);
    let options = ConfirmOptions {
        prefix: args.prefix.clone().unwrap_or_default(),
        limit: args.limit,
        max_rps: args.max_rps,
        mode: if args.dry_run { ConfirmMode::DryRun } else { ConfirmMode::Act },
        walk: Walk::Start,
        deadline,
    };
    let planned = JsonList::new(OutputFormat::of(args.json));
    let progress = args.stats.progress("looking at", "key");
    run.watch(&progress);
    let watcher = ConfirmWatcher { progress: progress.clone(), planned };
    let (stop, mut interrupts) = (Stop::default(), Interrupts::of_process());
    let (engine, copies) = (confirmer.engine.clone(), confirmer.copies.clone());
    let stops = |level| {
        if level == StopLevel::BeginNothing {
            say(format_args!("interrupted: finishing what is under way; {AGAIN}"));
        }
        engine.stop(level);
        if let Some(copies) = &copies {
            copies.stop(level);
        }
    };
    let confirmed = confirm(&confirmer, &journal, &credentials, options, &watcher, &stop);
    let summary = tokio::select! {
        summary = Box::pin(confirmed) => summary,
        never = progress.show(|_| ()) => match never {},
        never = stop.raise_at(async || interrupts.next().await, stops) => match never {},
    };
    progress.finish();
    run.keys(outcomes(&summary));
    report(&summary, args, &watcher.planned, &services)
}

/// The keys by outcome, for metrics.
fn outcomes(summary: &ConfirmSummary) -> [(&'static str, u64); 8] {
    [
        ("confirmed", summary.confirmed),
        ("pending", summary.pending),
        ("resent", summary.resent),
        ("copied", summary.copied),
        ("dead", summary.dead),
        ("removed", summary.removed),
        ("failed", summary.failed),
        ("unknown", summary.unknown),
    ]
}

/// The result of a dry run, as `--json` prints it behind the keys.
#[derive(Serialize)]
struct ConfirmPreview<'s> {
    dry_run: bool,
    would_send: u64,
    #[serde(flatten)]
    summary: &'s ConfirmSummary,
}

fn report(
    summary: &ConfirmSummary,
    args: &ConfirmArgs,
    planned: &JsonList,
    services: &ConfirmServices,
) -> Ended {
    let failure = summary.stopped.as_ref().and_then(|stopped| services.failure(stopped));
    match (planned.output(), args.dry_run) {
        (OutputFormat::Json, false) => print_result(summary, failure.as_ref()),
        (OutputFormat::Json, true) => {
            let preview = ConfirmPreview { dry_run: true, would_send: planned.len(), summary };
            planned.finish(&super::json_failure::WithError::new(&preview, failure.as_ref()));
        }
        // The keys are the result then.
        (OutputFormat::Text, true) => say(describe(summary, true, args.prefix.as_deref())),
        (OutputFormat::Text, false) => print(&describe(summary, false, args.prefix.as_deref())),
    }
    if let Some(stopped) = summary.stopped.as_ref().filter(|_| failure.is_none()) {
        let stopped = stopped.to_string();
        say(format_args!("stopped early: {}", printable(&stopped)));
    }
    match (failure, &summary.stopped) {
        (Some(failure), _) => Err(failure),
        (None, Some(Stopped::Interrupted)) => Ok(Exit::Interrupted),
        (None, Some(Stopped::Limit) | None) if summary.is_good() => Ok(Exit::Done),
        (None, _) => Ok(Exit::SomeFailed),
    }
}

fn describe(summary: &ConfirmSummary, dry_run: bool, prefix: Option<&str>) -> String {
    let ConfirmSummary { looked_at, confirmed, pending, requests, elapsed_s, .. } = summary;
    let mut lines = vec![format!(
        "{} looked at: {} confirmed, {} with time left, {} late, in {} and {}",
        counted(*looked_at, "key"),
        count(*confirmed),
        count(*pending),
        count(summary.late()),
        counted(*requests, "request"),
        elapsed(*elapsed_s)
    )];
    if *looked_at == 0 && summary.stopped.is_none() {
        lines.push(match prefix {
            Some(prefix) => format!("no accepted key that begins with {prefix:?} waits to be confirmed"),
            None => "no accepted key waits to be confirmed".to_owned(),
        });
    }
    if summary.bytes_pending > 0 {
        lines.push(format!("{} have time left to arrive", bytes(summary.bytes_pending)));
    }
    let would = |done: &'static str, planned: &'static str| if dry_run { planned } else { done };
    for (keys, what) in [
        (summary.resent, would("sent again", "would be sent again")),
        (summary.copied, would("copied directly", "would be copied directly")),
        (summary.dead, would("given up: `replay --dead` sends them again", "would be given up")),
        (summary.failed, "late, and could not be sent: the next run tries again"),
        (summary.removed, "gone from the source"),
        (summary.unknown, "could not be looked at: see the warnings"),
        (summary.not_watched, "accepted too long ago to be looked at"),
    ] {
        if keys > 0 {
            lines.push(format!("{} {what}", counted(keys, "key")));
        }
    }
    if summary.forgotten > 0 {
        lines.push(format!("{} of confirmed keys deleted", counted(summary.forgotten, "record")));
    }
    lines.join("\n")
}

/// The services, as messages about them name them.
struct ConfirmServices {
    ends: EngineEnds,
    log_bucket: (Service, String),
    destination: Option<DestinationSettings>,
}

impl ConfirmServices {
    fn of(settings: &Settings) -> Self {
        Self {
            ends: EngineEnds::of(settings),
            log_bucket: (settings.oss.clone(), settings.log_bucket.to_string()),
            destination: settings.destination().cloned(),
        }
    }

    /// Why the run failed as a whole, where it did.
    fn failure(&self, stopped: &Stopped) -> Option<Failure> {
        let failure = match stopped {
            Stopped::Destination(error) => {
                let end = match &self.destination {
                    Some(to) => End::destination(&to.service, to.place.bucket.as_str()),
                    None => self.ends.end(Side::Destination),
                };
                of_store(error, end, "GetObject")
            }
            Stopped::Source(error) => of_store(error, self.ends.end(Side::Source), "GetObject"),
            Stopped::Journal(error) => {
                let (service, bucket) = &self.log_bucket;
                of_store(error, End::journal(service, bucket), error.action().unwrap_or("ListObjects"))
            }
            Stopped::Engine(engine, concern) => of_engine(*engine, *concern, None),
            Stopped::NotRecorded(_) => Failure::out_of_reach(stopped),
            Stopped::Interrupted
            | Stopped::OutOfTime
            | Stopped::Limit
            | Stopped::Others(_)
            | Stopped::Superseded(_) => return None,
        };
        Some(failure.saying(stopped))
    }
}

/// Counts keys for the progress, and prints those of a dry run.
struct ConfirmWatcher {
    progress: Progress,
    planned: JsonList,
}

impl Watcher for ConfirmWatcher {
    fn looked_at(&self) {
        self.progress.add(1);
    }

    fn planned(&self, key: &str, step: Step) {
        let what = match step {
            Step::Resend => "send again",
            Step::Copy => "copy",
            Step::GiveUp => "give up",
        };
        self.planned.add(key, &format!("{what}  {}", printable(key)));
    }
}
