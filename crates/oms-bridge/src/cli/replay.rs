//! `replay`: sends again what failed.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use futures_util::TryStreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::{Ended, Exit, Prepared, effort, exit, insisted, print, print_json, say, time};
use crate::assemble;
use crate::config::table::oms::{FORWARD_MODE, OMS_MAX_RPS};
use crate::config::{Command, ForwardMode, SettingsOf};
use crate::failure::{End, Failure, kind_of, store_remedy};
use crate::host::interrupts::Interrupts;
use bridge_core::engine::Engine;
use bridge_core::engine::oms::IN_FLIGHT;
use bridge_core::journal::{OpenJournal, RecordStatus};
use bridge_core::progress::{Log, Observer, ProgressEvent};
use bridge_core::replay::{
    FailureFilter, MAX_ATTEMPTS, ReplayMode, ReplayOptions, ReplaySummary, Stopped, replay,
};
use object_copy::clock;
use object_copy::outcome::FailureClass;
use settings::text::{counted, printable};
use settings::{Invalid, Reader, Values, parse};

/// Sends again what failed: the keys of the failed records in the log bucket.
///
/// A key that is accepted gets its success record first and loses its failed records second, so that a kill
/// at any moment loses nothing and the next run finishes the work. Several failures of one object are sent
/// once. A key that an event has forwarded since it failed is not sent again.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge replay
  oms-bridge replay --class transient --since 2h
  oms-bridge replay --prefix photos/ --dry-run"))]
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
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Send at most N keys.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Engine to send with [default: that of the settings].
    #[arg(long, value_enum, hide_possible_values = true, value_name = "oms|copy|oms-then-copy")]
    engine: Option<ForwardMode>,
    /// OMS requests, and objects that are copied, under way at once.
    #[arg(long, value_name = "N", default_value_t = IN_FLIGHT, value_parser = in_flight)]
    concurrency: usize,
    /// Ceiling on OMS requests per second [default: that of the settings].
    #[arg(long, value_name = "RPS")]
    max_rps: Option<String>,
    /// Replay the keys that were set aside after too many attempts.
    #[arg(long)]
    dead: bool,
    /// Set a key aside when it was refused for good this often. Outages do not count.
    #[arg(long, value_name = "N", default_value_t = MAX_ATTEMPTS, value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: u32,
    /// Only print the keys that would be sent, one a line.
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsOf<ReplayArgs>,
}

impl Command for ReplayArgs {
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

/// Time for the whole replay. It can take as long as there are keys.
const PATIENCE: Duration = Duration::from_hours(24 * 30);

pub(super) async fn run(args: &ReplayArgs, mut reader: Reader) -> Ended {
    let options = args.options(&mut reader);
    let Prepared { mut settings, credentials, http } = Prepared::from(reader)?;
    settings.mode.set_in_flight(args.concurrency);
    let (service, log_bucket) = (settings.oss.clone(), settings.log_bucket.clone());
    let pipeline = assemble::pipeline(settings, &http).map_err(Failure::configuration)?;
    let options = ReplayOptions { source: pipeline.source(), ..options };
    let context = pipeline.engine().context(Some(&credentials));
    let journal = pipeline.journal().open(credentials, options.deadline);
    let bar = bar();
    let output = if args.json { Output::Json } else { Output::Text };
    let (mut first, again) = (Interrupts::from_keyboard(), Interrupts::from_keyboard());
    let observer = Arc::new((Log, Watcher { bar: bar.clone(), output }));
    let replayed = replay(pipeline.engine(), context, &journal, options.clone(), observer, first.next());
    let summary = tokio::select! {
        summary = replayed => summary,
        never = count(&bar, &journal, &options) => match never {},
        () = insisted(again) => return Ok(Exit::Interrupted),
    };
    bar.finish_and_clear();
    Ok(report(&summary, pipeline.engine(), options.mode, output, End::journal(&service, log_bucket.as_str())))
}

impl ReplayArgs {
    /// The settings, of which two have an option of their own here.
    pub(super) fn values(&self) -> Values {
        let mut values = self.settings.values();
        if let Some(mode) = self.engine {
            values.set(&FORWARD_MODE.spec, mode.as_str());
        }
        if let Some(max_rps) = &self.max_rps {
            values.set(&OMS_MAX_RPS.spec, max_rps);
        }
        values
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

/// What goes to stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    Text,
    Json,
}

fn report(
    summary: &ReplaySummary,
    engine: &Engine,
    mode: ReplayMode,
    output: Output,
    log_bucket: End<'_>,
) -> Exit {
    match (output, mode) {
        (Output::Json, _) => print_json(summary),
        // The keys are the result then.
        (Output::Text, ReplayMode::DryRun) => say(describe(summary, engine)),
        (Output::Text, ReplayMode::Send) => print(&describe(summary, engine)),
    }
    if let Some(stopped) = &summary.stopped {
        let stopped = stopped.to_string();
        say(format_args!("stopped early: {}; the rest waits for the next replay", printable(&stopped)));
    }
    match &summary.stopped {
        Some(Stopped::Interrupted) => Exit::Interrupted,
        Some(Stopped::CredentialsRefused(_)) => Exit::CredentialsRefused,
        Some(Stopped::PermissionsRefused(_)) => Exit::Usage,
        Some(Stopped::JournalRefused(error) | Stopped::Journal(error)) => {
            say(format_args!("do: {}", printable(&store_remedy(error, log_bucket, "ListObjects"))));
            kind_of(error).into()
        }
        Some(Stopped::Internal(_)) => Exit::Internal,
        Some(Stopped::OutOfTime | Stopped::Unavailable) => Exit::SomeFailed,
        None if summary.failed > 0 || summary.markers_left > 0 || summary.unreadable > 0 => Exit::SomeFailed,
        None => Exit::Done,
    }
}

fn describe(summary: &ReplaySummary, engine: &Engine) -> String {
    let ReplaySummary { listed, accepted, already_done, failed, skipped, requests, elapsed_s, .. } = summary;
    let mut lines = vec![format!(
        "{}: {accepted} accepted, {already_done} already done, {failed} failed, {skipped} skipped, {}",
        counted(*listed as u64, "record"),
        effort(engine, *requests, *elapsed_s)
    )];
    if summary.set_aside > 0 {
        lines.push(format!(
            "{} of the failed keys were set aside: `replay --dead` sends them again",
            summary.set_aside
        ));
    }
    if summary.unreadable > 0 {
        lines.push(format!(
            "{} of the skipped records cannot be read: see the warnings, and restore them or mend their access",
            summary.unreadable
        ));
    }
    if summary.for_copies > 0 {
        lines.push(format!(
            "{} of the skipped records are not for OMS (removals; objects at URLs, of another service or bucket): `replay --engine copy` \
             forwards them",
            summary.for_copies
        ));
    }
    if summary.markers_left > 0 {
        lines.push(format!(
            "{} accepted keys still have their failed record: the next replay removes it",
            summary.markers_left
        ));
    }
    lines.join("\n")
}

/// The progress bar: on a terminal only.
fn bar() -> ProgressBar {
    const TEMPLATE: &str = "{bar:30} {pos}/{len} keys  {per_sec}  {eta}  {msg}";
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::no_length().with_style(style)
}

/// Counts what there is to do, beside the replay: a listing costs a thousandth of what sending costs, and
/// without the count there is no remaining time. Only where somebody looks.
async fn count(bar: &ProgressBar, journal: &OpenJournal, options: &ReplayOptions) -> Infallible {
    if !bar.is_hidden() {
        let prefix = options.filter.prefix.as_deref().unwrap_or_default();
        let most = options.limit.unwrap_or(usize::MAX) as u64;
        let count = |count: u64, _| async move { Ok(count + 1) };
        if let Ok(found) = journal.failures(options.status, prefix).try_fold(0, count).await {
            bar.set_length(found.min(most));
        }
    }
    std::future::pending().await
}

/// Moves the bar, and prints the keys of a dry run.
struct Watcher {
    bar: ProgressBar,
    output: Output,
}

impl Observer for Watcher {
    fn observe(&self, event: &ProgressEvent<'_>) {
        match event {
            ProgressEvent::Accepted { .. } | ProgressEvent::Skipped { .. } => self.bar.inc(1),
            ProgressEvent::Failed { failure, .. } => {
                self.bar.inc(1);
                self.bar.set_message(format!("last error: {}", printable(&failure.error.to_string())));
            }
            ProgressEvent::Planned { key } if self.output == Output::Text => {
                self.bar.suspend(|| print(&printable(key)));
            }
            ProgressEvent::Planned { .. }
            | ProgressEvent::Rejected { .. }
            | ProgressEvent::RecordLost { .. } => {}
        }
    }
}
