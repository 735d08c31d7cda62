//! `reconcile`: compares two sides.

mod estimate;
mod files;
mod inventories;
mod plan;
mod remaining;
mod repair_plan;
mod repaired;
mod result;
mod same_task;
mod task_failure;
mod tasks;
mod watcher;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tokio::time::Instant;

use self::estimate::EstimateArgs;
use self::inventories::InventoryArgs;
use self::plan::Plan;
use self::remaining::Remaining;
use self::repair_plan::{PlannedRepair, RepairArgs};
use self::result::ComparisonEnding;
use self::watcher::Watcher;
use super::run_metrics::{MetricsArgs, RunMetrics};
use super::{Ended, exit};
use crate::failure::Failure;
use bridge_config::{SettingsOf, WithSettings};
use http_client::{self, Proxies};
use object_copy::stop::Stop;
use reconcile::report::ReportFormat;
use reconcile::{Check, Totals};
use repair::Repaired;
use settings::{Invalid, Reader, Values, parse, size};
use terminal::interrupts::Interrupts;
use terminal::stats::StatsArgs;

/// Compares two sides that should hold the same objects, and makes them equal if it is told to.
///
/// SRC and DST are `oss://bucket/folder`, `obs://bucket/folder`, `s3://bucket/folder` or a local folder. Both
/// are listed, and keys are compared by what stands behind the folder: by size, and then by CRC-64, MD5 or
/// the source's `ETag` in the copy, whichever both sides have. Two objects of one size of which nothing else
/// is known are undecided, and not equal: `--check full` asks for each of them.
///
/// Either side may be an inventory that the service wrote of a bucket:
/// `inventory:oss://bucket/manifest.json`, or a folder of inventories, of which the newest is taken. It is
/// checked before anything is reported.
///
/// Exit code 0 means that all is equal; 3 that something is different, missing, extra, undecided or could not
/// be looked at, or that nothing was compared. A listing that fails or contradicts itself ends the run, and
/// nothing is concluded from it. What lies in OMS's own folder `oms/`, or is a record of this program, is
/// left out where only one side has it.
///
/// With `--fix` or `--delete-extra` both sides are compared again at the end, and the exit code says what is
/// the case then.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge reconcile oss://photos/ obs://mirror/
  oms-bridge reconcile oss://photos/raw/ obs://mirror/raw/ \\
    --report differences.txt --check full
  oms-bridge reconcile oss://photos/ obs://mirror/ \\
    --checkpoint run.json
  oms-bridge reconcile oss://photos/ obs://mirror/ \\
    --check full --estimate
  oms-bridge reconcile inventory:oss://logs/photos/daily/ \\
    obs://mirror/
  oms-bridge reconcile oss://photos/ obs://mirror/ \\
    --fix auto --delete-extra --max-delete 20 --dry-run"))]
pub(super) struct ReconcileArgs {
    /// What should be at the destination.
    #[arg(value_name = "SRC")]
    source: String,
    /// What is compared with it.
    #[arg(value_name = "DST")]
    destination: String,
    /// How far objects are checked.
    #[arg(long, value_enum, default_value = "listing", value_name = "HOW")]
    check: CheckChoice,
    /// Write a line for each key to this file, which is replaced, or to standard output (`-`): `=` equal, `*`
    /// different, `+` only in SRC, `-` only in DST, `?` undecided, `!` could not be looked at.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Form of the report: those signs, or JSON objects that say by what each key was judged.
    #[arg(
        long,
        value_enum,
        default_value = "text",
        value_name = "FORM",
        requires = "report",
        hide_short_help = true
    )]
    report_format: FormatChoice,
    /// Only objects that changed at this time or later: 2026-01-05T10:00:00Z, 2026-01-05, or an age such as
    /// 2h.
    #[arg(long, visible_alias = "newer-than", value_name = "TIME")]
    since: Option<String>,
    /// Comma-separated globs: only what matches one is compared. They are compared with names below SRC and
    /// DST: `2024/*`, `*.jpg`; a `*` matches slashes, too.
    #[arg(long, value_name = "GLOBS", hide_short_help = true)]
    include: Option<String>,
    /// Comma-separated globs: what matches one is not compared, likewise.
    #[arg(long, value_name = "GLOBS", hide_short_help = true)]
    exclude: Option<String>,
    #[command(flatten)]
    repair: RepairArgs,
    /// Keep in this file how far the comparison is, and go on from there if the file exists. It is removed
    /// at the end.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["fix", "delete_extra"])]
    checkpoint: Option<PathBuf>,
    /// Requests at the same time, of both sides together.
    #[arg(long, value_name = "N", default_value_t = REQUESTS, value_parser = requests, hide_short_help = true)]
    concurrency: usize,
    /// Bytes read per second at most, such as 10M, with `--check content`.
    #[arg(long, value_name = "RATE", value_parser = size::parse, hide_short_help = true)]
    bwlimit: Option<u64>,
    #[command(flatten)]
    inventories: InventoryArgs,
    #[command(flatten)]
    estimate: EstimateArgs,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stats: StatsArgs,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
    #[command(flatten)]
    pub(super) settings: SettingsOf<ReconcileArgs>,
}

impl WithSettings for ReconcileArgs {
    const NAME: &'static str = "reconcile";
    const HEADING: Option<&'static str> = Some("Access");
}

/// Requests at the same time by default: enough for eight ranges of keys at once.
const REQUESTS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CheckChoice {
    /// By listings alone.
    Listing,
    /// What listings do not settle is asked for: a HEAD at each side. Local files are read.
    Full,
    /// Both sides are read to the last byte.
    Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatChoice {
    /// A sign, a blank and the key.
    Text,
    /// One JSON object a line.
    Json,
}

fn requests(text: &str) -> Result<usize, Invalid> {
    parse::number(text, 2..=1000)
}

impl ReconcileArgs {
    /// The settings. With `--fix` the pipeline reads its own by itself, so that none has no effect.
    pub(super) fn values(&self) -> Values {
        let values = self.settings.values();
        if self.repair.changes_sides() { values.unmissed() } else { values }
    }

    fn check(&self) -> Check {
        match self.check {
            CheckChoice::Listing => Check::Listing,
            CheckChoice::Full => Check::Full,
            CheckChoice::Content => Check::Content,
        }
    }

    fn report_format(&self) -> ReportFormat {
        match self.report_format {
            FormatChoice::Text => ReportFormat::Text,
            FormatChoice::Json => ReportFormat::Json,
        }
    }
}

pub(super) async fn run(args: ReconcileArgs, reader: Reader, run: &RunMetrics) -> Ended {
    let http = http_client::build(Proxies::FromEnvironment).map_err(Failure::internal)?;
    if args.estimate.is_wanted() {
        return estimate::run(&args, reader, &http).await;
    }
    let planned = PlannedRepair::new(&args, &http).await?;
    let Plan { comparison, records, ends, inventories, .. } = Plan::new(&args, reader, &http).await?;
    let progress = args.stats.progress("comparing", "key");
    run.watch(&progress);
    let mut watcher = Watcher::new(progress.clone(), &records);
    let ending = ComparisonEnding::new(&args, &comparison, ends, inventories);
    let remaining = Remaining::new(&comparison);
    let (stop, mut interrupts, started) = (Stop::default(), Interrupts::of_process(), Instant::now());
    let work = async {
        match &planned {
            Some(planned) => {
                let repaired = planned.repair.run(comparison, records, &mut watcher, &stop).await;
                repaired.map_err(|error| planned.ended(&error, &ending))
            }
            None => Ok((reconcile::run(comparison, records, &mut watcher, &stop).await, Repaired::default())),
        }
    };
    let others = |level| planned.iter().for_each(|planned| planned.repair.stop(level));
    let result = tokio::select! {
        result = work => result,
        never = remaining.show(&progress) => match never {},
        never = stop.raise_at(async || interrupts.next().await, others) => match never {},
    };
    watcher.finish();
    let (outcome, repaired) = result?;
    // Of a comparison that ended early nothing is said.
    if outcome.stopped.is_none() {
        run.keys(outcomes(&outcome.totals, &repaired));
    }
    let failure = planned.as_ref().and_then(|planned| planned.failure(&repaired));
    ending.print(outcome, &repaired, failure, started.elapsed())
}

/// The keys by outcome, for metrics: those of the last comparison, and those that were changed before it.
fn outcomes(totals: &Totals, repaired: &Repaired) -> [(&'static str, u64); 8] {
    let forwarded = repaired.forwarded.as_ref().map_or(0, |forwarded| forwarded.report.accepted as u64);
    let by_tasks = repaired.tasks.map_or(0, |tasks| tasks.succeeded);
    [
        ("equal", totals.equal),
        ("different", totals.different),
        ("missing", totals.missing),
        ("extra", totals.extra),
        ("undecided", totals.undecided),
        ("failed", totals.failed),
        ("fixed", forwarded + by_tasks),
        ("deleted", repaired.deleted.unwrap_or_default()),
    ]
}
