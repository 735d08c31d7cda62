//! `replay`: sends failed keys again.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use tokio::time::Instant;

use super::json_failure::WithError;
use super::json_list::JsonList;
use super::run_metrics::{MetricsArgs, RunMetrics};
use super::{Ended, Exit, Prepared, effort, exit, print, print_result, say};
use crate::assemble;
use crate::failure::{End, EngineEnds, Failure, of_engine, of_store};
use bridge_config::table::oms::{FORWARD_MODE, OMS_MAX_RPS};
use bridge_config::{ForwardMode, SettingsOf, WithSettings};
use bridge_core::engine::Engine;
use bridge_core::engine::oms::IN_FLIGHT;
use bridge_core::journal::{OpenJournal, RecordStatus};
use bridge_core::progress::{Log, Observer, ProgressEvent};
use bridge_core::replay::{
    FailureFilter, MAX_ATTEMPTS, ReplayMode, ReplayOptions, ReplaySummary, Stopped, replay,
};
use object_copy::clock;
use object_copy::outcome::FailureClass;
use object_copy::stop::Stop;
use object_copy::transfer::Concern;
use settings::text::printable;
use settings::values::By;
use settings::{Invalid, Reader, Values, parse, time};
use terminal::interrupts::{Interrupts, finishing};
use terminal::numbers::{count, counted};
use terminal::output::OutputFormat;
use terminal::progress::Progress;
use terminal::stats::StatsArgs;

/// Sends failed keys again: those with failed records in the log bucket.
///
/// When a key is accepted, its success record is written before its failed records are deleted, so that a
/// kill at any moment loses nothing and the next run finishes the work. Several failures of one object are
/// sent once. A key that was forwarded by an event since it failed is not sent again.
///
/// The empty markers of the Python function in Huawei's guide are sent, too:
/// <https://support.huaweicloud.com/bestpractice-oms/oms_05_5602.html>
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge replay
  oms-bridge replay --class transient --since 2h
  oms-bridge replay --prefix photos/ --dry-run"))]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct ReplayArgs {
    /// Only keys that begin with this.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Only keys whose last failure was of this class (the vendor's empty markers have none).
    #[arg(long, value_enum)]
    class: Option<Class>,
    /// Only keys that failed last at this time or later: 2026-01-05T10:00:00Z, 2026-01-05, or an age such as
    /// 2h.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only keys that failed last at this time or earlier.
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    until: Option<String>,
    /// Send at most N keys.
    #[arg(long, value_name = "N", value_parser = parse::whole::<usize>)]
    limit: Option<usize>,
    /// Engine to send with [default: that of the settings].
    #[arg(
        long,
        value_enum,
        hide_possible_values = true,
        hide_short_help = true,
        value_name = "oms|copy|oms-then-copy"
    )]
    engine: Option<ForwardMode>,
    /// OMS requests, and copies of objects, at the same time.
    #[arg(long, value_name = "N", default_value_t = IN_FLIGHT, value_parser = in_flight)]
    concurrency: usize,
    /// Ceiling on OMS requests per second [default: that of the settings].
    #[arg(long, value_name = "RPS")]
    max_rps: Option<String>,
    /// Replay the keys that were set aside after too many attempts.
    #[arg(long)]
    dead: bool,
    /// Set a key aside after this many permanent failures. Outages do not count.
    #[arg(long, value_name = "N", default_value_t = MAX_ATTEMPTS, hide_short_help = true, value_parser = parse::positive::<u32>)]
    max_attempts: u32,
    /// Only print the keys that would be sent, one per line.
    #[arg(long)]
    dry_run: bool,
    /// With `--dry-run`: exit code 3 if a key would be sent.
    #[arg(long, requires = "dry_run", hide_short_help = true)]
    exit_code: bool,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stats: StatsArgs,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
    #[command(flatten)]
    settings: SettingsOf<ReplayArgs>,
}

impl WithSettings for ReplayArgs {
    const NAME: &'static str = "replay";
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Class {
    Transient,
    Permanent,
    Auth,
    Throttled,
}

fn in_flight(text: &str) -> Result<usize, Invalid> {
    parse::number(text, 1..=1000)
}

/// Time limit of the whole replay, which takes longer the more keys there are.
const PATIENCE: Duration = Duration::from_hours(24 * 30);

pub(super) async fn run(args: &ReplayArgs, mut reader: Reader, run: &RunMetrics) -> Ended {
    let options = args.options(&mut reader);
    let Prepared { mut settings, credentials, http } = Prepared::from(reader)?;
    settings.mode.set_in_flight(args.concurrency);
    let (service, log_bucket) = (settings.oss.clone(), settings.log_bucket.clone());
    let ends = EngineEnds::of(&settings);
    let pipeline = assemble::pipeline(settings, &http).map_err(Failure::configuration)?;
    let options = ReplayOptions { source: pipeline.source(), ..options };
    let context = pipeline.engine().context(Some(&credentials));
    let journal = pipeline.journal().open(credentials, options.deadline);
    let progress = args.stats.progress("sending", "key");
    run.watch(&progress);
    let planned = Arc::new(JsonList::new(OutputFormat::of(args.json)));
    let (stop, engine, mut interrupts) = (Stop::default(), pipeline.engine(), Interrupts::of_process());
    let observer =
        Arc::new((Log, ReplayWatcher { progress: progress.clone(), planned: Arc::clone(&planned) }));
    let replayed = replay(pipeline.engine(), context, &journal, options.clone(), observer, &stop);
    let summary = tokio::select! {
        summary = replayed => summary,
        never = total(&progress, &journal, &options) => match never {},
        never = progress.show(|_| ()) => match never {},
        never = stop.raise_at(async || interrupts.next().await, |level| engine.stop(level)) => match never {},
    };
    progress.finish();
    run.keys(outcomes(&summary));
    let log_bucket = End::journal(&service, log_bucket.as_str());
    let failure = failure(&summary, log_bucket, &ends);
    let filters = args.filters();
    let shown = Shown { summary: &summary, filters: &filters };
    let exit = report(shown, pipeline.engine(), options.mode, &planned, failure)?;
    if let Some(outage) = summary.cause.as_ref().and_then(|cause| ends.outage(cause)) {
        say(outage);
    }
    Ok(if args.exit_code && exit == Exit::Done && planned.len() > 0 { Exit::SomeFailed } else { exit })
}

impl ReplayArgs {
    /// The settings; two of them have options of their own here.
    pub(super) fn values(&self) -> Values {
        let mut values = self.settings.values();
        if let Some(mode) = self.engine {
            values.set(&FORWARD_MODE.spec, mode.as_str());
        }
        if let Some(max_rps) = &self.max_rps {
            values.set_for(Self::NAME, &OMS_MAX_RPS.spec, max_rps, By::Option("--max-rps".into()));
        }
        values
    }

    /// The options that leave records out, for messages.
    fn filters(&self) -> String {
        let given = [
            ("--prefix", self.prefix.is_some()),
            ("--class", self.class.is_some()),
            ("--since", self.since.is_some()),
            ("--until", self.until.is_some()),
        ];
        let given: Vec<&str> =
            given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect();
        given.join(", ")
    }

    fn options(&self, reader: &mut Reader) -> ReplayOptions {
        let now = clock::system();
        let mut time = |name: &'static str, text: &Option<String>| {
            text.as_deref().and_then(|text| reader.accept(name, time::parse(text, now)))
        };
        let filter = FailureFilter {
            prefix: self.prefix.clone(),
            class: self.class.map(Class::get),
            since: time("--since", &self.since),
            until: time("--until", &self.until),
        };
        ReplayOptions {
            filter,
            limit: self.limit,
            status: if self.dead { RecordStatus::Dead } else { RecordStatus::Failed },
            max_attempts: self.max_attempts,
            mode: if self.dry_run { ReplayMode::DryRun } else { ReplayMode::Send },
            random: fastrand::f64,
            source: None,
            deadline: Instant::now() + PATIENCE,
        }
    }
}

/// What is shown of a replay: its result, and the options that leave records out.
#[derive(Clone, Copy)]
struct Shown<'s> {
    summary: &'s ReplaySummary,
    filters: &'s str,
}

impl Shown<'_> {
    /// The reasons for skipping that there are, by their names in `--json`.
    fn skipped_for(self) -> BTreeMap<&'static str, usize> {
        let ReplaySummary { left_out, for_copies, no_records, unreadable, resolved, .. } = *self.summary;
        let reasons = [
            ("filter", left_out),
            ("not_for_oms", for_copies),
            ("no_record", no_records),
            ("unreadable", unreadable),
            ("resolved", resolved),
        ];
        reasons.into_iter().filter(|(_, records)| *records > 0).collect()
    }
}

/// A result as `--json` prints it.
#[derive(Serialize)]
struct ReplayResult<'s> {
    #[serde(flatten)]
    summary: &'s ReplaySummary,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    skipped_for: BTreeMap<&'static str, usize>,
}

impl Class {
    fn get(self) -> FailureClass {
        match self {
            Self::Transient => FailureClass::Transient,
            Self::Permanent => FailureClass::Permanent,
            Self::Auth => FailureClass::Auth,
            Self::Throttled => FailureClass::Throttled,
        }
    }
}

/// The result of a dry run, as `--json` prints it behind the keys.
#[derive(Serialize)]
struct ReplayPreview<'s> {
    dry_run: bool,
    would_send: u64,
    #[serde(flatten)]
    result: ReplayResult<'s>,
}

fn report(
    shown: Shown<'_>,
    engine: &Engine,
    mode: ReplayMode,
    planned: &JsonList,
    failure: Option<Failure>,
) -> Ended {
    let summary = shown.summary;
    let result = ReplayResult { summary, skipped_for: shown.skipped_for() };
    match (planned.output(), mode) {
        (OutputFormat::Json, ReplayMode::Send) => print_result(&result, failure.as_ref()),
        (OutputFormat::Json, ReplayMode::DryRun) => {
            let preview = ReplayPreview { dry_run: true, would_send: planned.len(), result };
            planned.finish(&WithError::new(&preview, failure.as_ref()));
        }
        // The keys are the result then.
        (OutputFormat::Text, ReplayMode::DryRun) => {
            say(format_args!("{} would be sent", counted(planned.len(), "key")));
            let rest = left(shown);
            if !rest.is_empty() {
                say(rest.join("\n"));
            }
        }
        (OutputFormat::Text, ReplayMode::Send) => print(&describe(shown, engine)),
    }
    if let Some(stopped) =
        summary.stopped.as_ref().filter(|stopped| failure.is_none() || **stopped == Stopped::Unavailable)
    {
        let stopped = stopped.to_string();
        say(format_args!("stopped early: {}; {REST}", printable(&stopped)));
    }
    if let Some(key) = &summary.listed_to {
        say(format_args!("the listing stopped at {}; what follows was not begun", printable(key)));
    }
    match (failure, &summary.stopped) {
        (Some(failure), _) => Err(failure),
        (None, Some(Stopped::Interrupted | Stopped::Aborted)) => Ok(Exit::Interrupted),
        (None, Some(_)) => Ok(Exit::SomeFailed),
        (None, None) if summary.failed > 0 || summary.markers_left > 0 || summary.unreadable > 0 => {
            Ok(Exit::SomeFailed)
        }
        (None, None) => Ok(Exit::Done),
    }
}

const REST: &str = "the rest waits for the next replay";

/// The keys by outcome, for metrics.
fn outcomes(summary: &ReplaySummary) -> [(&'static str, u64); 6] {
    [
        ("accepted", summary.accepted as u64),
        ("already_done", summary.already_done as u64),
        ("failed", summary.failed as u64),
        ("set_aside", summary.set_aside as u64),
        ("skipped", summary.skipped as u64),
        ("not_begun", summary.not_begun as u64),
    ]
}

/// Why the replay failed as a whole, where it did.
fn failure(summary: &ReplaySummary, log_bucket: End<'_>, ends: &EngineEnds) -> Option<Failure> {
    let cause = summary.cause.as_ref().filter(|cause| ends.outage(cause).is_none());
    let cause = cause.map(|cause| ends.failure(cause));
    let Some(stopped) = &summary.stopped else { return cause };
    // Where nothing was tried, nothing more is known than that.
    let refused = |engine, concern| match &summary.refusal {
        Some(refusal) => ends.failure(refusal),
        None => of_engine(engine, concern, None),
    };
    let failure = match stopped {
        Stopped::CredentialsRefused(engine) => refused(*engine, Concern::Credentials),
        Stopped::PermissionsRefused(engine) => refused(*engine, Concern::Permission),
        Stopped::JournalRefused(error) | Stopped::Journal(error) => {
            let action = error.action().unwrap_or("ListObjects");
            of_store(error, log_bucket, action).saying(stopped)
        }
        Stopped::Internal(_) => Failure::internal(stopped),
        Stopped::Unavailable => return cause,
        Stopped::Interrupted | Stopped::Aborted | Stopped::OutOfTime => return None,
    };
    // Nothing waits that is not known.
    Some(if summary.listed > 0 { failure.and_then(REST) } else { failure })
}

/// What is said of a dry run besides the keys that would be sent.
fn left(shown: Shown<'_>) -> Vec<String> {
    let ReplaySummary { listed, already_done, failed, skipped, .. } = *shown.summary;
    let mut lines = Vec::new();
    if already_done + failed + skipped > 0 {
        lines.push(format!(
            "of {}: {} already done, {} failed, {} skipped",
            counted(listed as u64, "record"),
            count(already_done as u64),
            count(failed as u64),
            count(skipped as u64)
        ));
    }
    lines.extend(remarks(shown));
    lines
}

fn describe(shown: Shown<'_>, engine: &Engine) -> String {
    let summary = shown.summary;
    let ReplaySummary { listed, accepted, already_done, failed, skipped, requests, elapsed_s, .. } = summary;
    let mut lines = vec![format!(
        "{}: {} accepted, {} already done, {} failed, {} skipped, {}",
        counted(*listed as u64, "record"),
        count(*accepted as u64),
        count(*already_done as u64),
        count(*failed as u64),
        count(*skipped as u64),
        effort(engine, *requests, *elapsed_s)
    )];
    if summary.unfinished > 0 && summary.stopped == Some(Stopped::Aborted) {
        lines.push(format!(
            "{} sent without waiting for the result: their failed records still exist, so the next replay sends them again",
            counted(summary.unfinished as u64, "key")
        ));
    } else if summary.unfinished > 0 {
        lines.push(format!(
            "{} of large objects ended at a part: the next replay resumes them",
            counted(summary.unfinished as u64, "copy")
        ));
    }
    if summary.not_begun > 0 {
        lines.push(format!("{} listed and not begun", counted(summary.not_begun as u64, "key")));
    }
    lines.extend(remarks(shown));
    lines.join("\n")
}

fn remarks(Shown { summary, filters }: Shown<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if summary.left_out > 0 {
        lines.push(format!("skipped: {} left out by {filters}", count(summary.left_out as u64)));
    }
    if summary.no_records > 0 {
        lines.push(format!(
            "skipped: {} that are no records of failures: see the warnings",
            count(summary.no_records as u64)
        ));
    }
    if summary.resolved > 0 {
        lines.push(format!("skipped: {} resolved by another run meanwhile", count(summary.resolved as u64)));
    }
    if summary.set_aside > 0 {
        lines.push(format!(
            "set aside: {} of the failed keys, after too many attempts: `replay --dead` sends them again",
            count(summary.set_aside as u64)
        ));
    }
    if summary.unreadable > 0 {
        lines.push(format!(
            "not readable: {} of the skipped records: see the warnings, and restore them or fix the access to them",
            count(summary.unreadable as u64)
        ));
    }
    if summary.for_copies > 0 {
        lines.push(format!(
            "not for OMS: {} of the skipped records (removals; objects at URLs, of another service or bucket): `replay --engine copy` \
             forwards them",
            count(summary.for_copies as u64)
        ));
    }
    if summary.markers_left > 0 {
        lines.push(format!(
            "{} accepted whose failed record is still there: the next replay removes it",
            counted(summary.markers_left as u64, "key")
        ));
    }
    lines
}

/// Counts the failures while the replay runs, for the remaining time: listing costs a thousandth of sending.
/// Only if a bar is shown.
async fn total(progress: &Progress, journal: &OpenJournal, options: &ReplayOptions) -> Infallible {
    if progress.is_a_bar() {
        let prefix = options.filter.prefix.as_deref().unwrap_or_default();
        let most = options.limit.unwrap_or(usize::MAX) as u64;
        let count = |count: u64, _| async move { Ok(count + 1) };
        if let Ok(found) = journal.failures(options.status, prefix).try_fold(0, count).await {
            progress.set_total(found.min(most));
        }
    }
    std::future::pending().await
}

/// Counts settled keys for the progress, and prints the keys of a dry run.
struct ReplayWatcher {
    progress: Progress,
    planned: Arc<JsonList>,
}

impl Observer for ReplayWatcher {
    fn observe(&self, event: &ProgressEvent<'_>) {
        match event {
            ProgressEvent::Accepted { .. } | ProgressEvent::Skipped { .. } => self.progress.add(1),
            ProgressEvent::Failed { failure, .. } => {
                self.progress.add(1);
                self.progress.note(format!("last error: {}", failure.error));
            }
            ProgressEvent::Planned { key } => self.planned.add(key, &printable(key)),
            ProgressEvent::Stopping { keys } => say(finishing(*keys as u64, "key")),
            ProgressEvent::Rejected { .. } | ProgressEvent::RecordLost { .. } => {}
        }
    }
}
