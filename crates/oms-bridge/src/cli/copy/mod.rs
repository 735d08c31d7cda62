//! `copy`: direct copies from the command line.

mod bar;
mod entries;
mod filter;
mod keys_from;
mod mapping;
mod metrics_file;
mod next_run;
mod overlap;
mod plan;
mod report;
mod route;
mod stale;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use self::bar::CopyBar;
pub(super) use self::metrics_file::metrics;
use self::plan::{CopyPlan, Selection};
use self::report::CopyReport;
use super::run_metrics::{MetricsArgs, RunMetrics};
use super::{Ended, Exit, exit, say};
use crate::failure::Failure;
use crate::features;
use bridge_config::{SettingsOf, WithSettings};
use http_client::{self, Proxies};
use object_copy::bulk::{self, Mode, Summary};
use object_copy::clock;
use object_copy::failed_list::{self, FailedList};
use object_copy::transfer::{CONCURRENCY, MAX_PART_SIZE, MIN_PART_SIZE};
use settings::{Invalid, Reader, parse, size};
use terminal::interrupts::Interrupts;
use terminal::output::OutputFormat;
use terminal::stats::StatsArgs;

const EXAMPLES: &str = "Examples:
  oms-bridge copy oss://photos/2024/a.jpg obs://mirror/2024/
  oms-bridge copy -r oss://photos/2024/ obs://mirror/2024/
  oms-bridge copy -r s3://photos/2024/ obs://mirror/2024/
  oms-bridge copy https://example.com/big.iso obs://mirror/
  oms-bridge copy -r oss://photos/ obs://mirror/ \\
    --keys-from oms-bridge-failed-20260105T100000Z.txt
  oms-bridge copy --abort-stale obs://mirror/";

fn help() -> String {
    if cfg!(feature = "aws") {
        return exit::help(EXAMPLES);
    }
    exit::help(&format!("{EXAMPLES}\n\nNote: {}.", features::missing("aws", "reading s3://")))
}

/// Copies objects without OMS: between buckets, from any web server, from and to this machine.
///
/// SRC is `oss://bucket/key`, `obs://bucket/key`, `s3://bucket/key`, `https://host/path` or a local path; DST
/// is `oss://…`, `obs://…` or a local path. With `-r` both are folders. A DST that ends in `/`, or names only
/// a bucket, keeps the name of SRC. Objects that are there already are left alone; the next run
/// resumes what was interrupted.
///
/// Everything is copied, up to date, left out by a rule, or failed, and what is left out or failed is named.
/// What was listed or named, and is gone when it is copied, counts as failed (exit code 3). Of this machine
/// only regular files are copied; a directory that cannot be read is one failure. DST must not lie inside
/// SRC. Below a local DST no directory is followed that is a link, and a key that ends in `/` is a folder,
/// which holds no bytes.
#[derive(Args)]
#[command(
    after_help = help(),
    override_usage = "oms-bridge copy [OPTIONS] <SRC> <DST>\n       oms-bridge copy --abort-stale <DST>"
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct CopyArgs {
    /// What to copy.
    #[arg(value_name = "SRC", required_unless_present = "abort_stale")]
    source: Option<String>,
    /// Where to.
    #[arg(value_name = "DST", required_unless_present = "abort_stale")]
    destination: Option<String>,
    /// Everything below SRC.
    #[arg(short, long)]
    recursive: bool,
    /// Streams open at once: objects, and parts of large ones.
    #[arg(long, value_name = "N", default_value_t = CONCURRENCY, value_parser = concurrency)]
    concurrency: usize,
    /// Objects up to this size go in one request, larger ones in parts of it: 100K to 5G.
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = part_size, hide_short_help = true)]
    part_size: u64,
    /// Bytes read per second at most, such as 10M.
    #[arg(long, value_name = "RATE", value_parser = size::parse)]
    bwlimit: Option<u64>,
    /// Only print the keys that would be copied, one a line.
    #[arg(long)]
    dry_run: bool,
    /// With `--dry-run`: exit code 3 if something would be copied.
    #[arg(long, requires = "dry_run", hide_short_help = true)]
    exit_code: bool,
    /// Copy what is there already, too.
    #[arg(long)]
    force: bool,
    /// Links: copy what they stand for under their own name, or leave them out.
    #[arg(
        long,
        visible_alias = "symlinks",
        value_enum,
        default_value = "within",
        value_name = "WHICH",
        hide_short_help = true
    )]
    links: LinkChoice,
    /// What else goes along; each costs a request per object.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "WHAT", hide_short_help = true)]
    preserve: Vec<PreserveChoice>,
    /// Comma-separated globs: only what matches one is copied. They are compared with names below SRC:
    /// `2024/*`, `*.jpg`; a `*` matches slashes, too.
    #[arg(long, value_name = "GLOBS")]
    include: Option<String>,
    /// Comma-separated globs: what matches one is not copied, likewise.
    #[arg(long, value_name = "GLOBS")]
    exclude: Option<String>,
    /// Compare `--include` and `--exclude` with whole keys, the prefix in SRC included.
    #[arg(long, hide_short_help = true)]
    filter_keys: bool,
    /// Copy the keys in this file (or of stdin, if it is `-`) and no others: the list that a failed run left.
    /// A missing key counts as failed. Of a directory, a line that ends in `/` stands for all that is below
    /// it; of a web server, each line is a URL below SRC.
    #[arg(long, value_name = "FILE", requires = "recursive")]
    keys_from: Option<PathBuf>,
    /// Where to write the keys that failed: a new file, tried before anything is copied [default:
    /// oms-bridge-failed-<time>.txt; none with `--dry-run`].
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    failed_list: Option<PathBuf>,
    /// Copy nothing, but remove the parts of uploads below DST that nobody finished.
    #[arg(long, conflicts_with_all = ["recursive", "force", "keys_from", "failed_list", "bwlimit", "include", "exclude", "filter_keys", "preserve", "links", "part_size"], hide_short_help = true)]
    abort_stale: bool,
    /// With `--abort-stale`: only uploads at least this old [default: 1d].
    #[arg(long, value_name = "AGE", hide_short_help = true)]
    older_than: Option<String>,
    /// Print one JSON object as the result.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stats: StatsArgs,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
    #[command(flatten)]
    pub(super) settings: SettingsOf<CopyArgs>,
}

impl WithSettings for CopyArgs {
    const NAME: &'static str = "copy";
    const HEADING: Option<&'static str> = Some("Access");
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LinkChoice {
    /// Follow those that lead to something in SRC; SRC itself may be a link. All symlinks of OSS do.
    Within,
    /// Follow all.
    Follow,
    /// Leave all out.
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PreserveChoice {
    /// Object tags.
    Tags,
    /// The canned ACL.
    Acl,
}

fn concurrency(text: &str) -> Result<usize, Invalid> {
    parse::number(text, 1..=1000)
}

fn part_size(text: &str) -> Result<u64, Invalid> {
    match size::parse(text)? {
        size @ MIN_PART_SIZE..=MAX_PART_SIZE => Ok(size),
        _ => Err(Invalid::new(format_args!("{text:?} is not a size from 100K to 5G, such as 16M"))),
    }
}

pub(super) async fn run(args: CopyArgs, reader: Reader, run: &RunMetrics) -> Ended {
    let http = http_client::build(Proxies::FromEnvironment).map_err(Failure::internal)?;
    if args.abort_stale {
        return stale::run(&args, reader, &http).await;
    }
    let plan = CopyPlan::new(&args, reader, &http).await?;
    // Before anything is copied: afterwards nobody could say what failed.
    if let Some(list) = &args.failed_list
        && let Err(error) = failed_list::check(list)
    {
        return Err(Failure::configuration(error).of_setting("--failed-list"));
    }
    copy(args, plan, run).await
}

async fn copy(args: CopyArgs, plan: CopyPlan, run: &RunMetrics) -> Ended {
    let CopyPlan { transfer, stop, flow, entries, measured, filter, selection, next_run, ends } = plan;
    let mode = if args.dry_run { Mode::DryRun } else { Mode::Copy };
    let output = OutputFormat::of(args.json);
    let progress = args.stats.progress("listing", "object");
    run.watch(&progress);
    let bar = CopyBar::new(progress, flow, mode);
    // A dry run writes one only where it is asked for.
    let keeps_list = mode == Mode::Copy || args.failed_list.is_some();
    let list = keeps_list.then(|| FailedList::new(args.failed_list, clock::system()));
    let mut report = CopyReport::new(list, transfer.clone(), mode, output, selection, (next_run, ends), bar);
    let (bar, mut interrupts) = (report.bar(), Interrupts::of_process());
    let summary = tokio::select! {
        summary = bulk::run(&transfer, entries, args.concurrency, mode, &mut report, &stop) => summary,
        never = bar.measure(measured) => match never {},
        // The transfer has the same one.
        never = stop.raise_at(async || interrupts.next().await, |_| {}) => match never {},
    };
    let source = match &args.keys_from {
        Some(list) => format!("--keys-from {:?}", list.display()),
        None => format!("{:?}", args.source.unwrap_or_default()),
    };
    run.keys(outcomes(&summary, mode));
    if mode == Mode::Copy {
        run.bytes(summary.bytes);
    }
    let failure = report.failure(&summary);
    report.finish(&summary, filter.filtered(), &source, failure.as_ref());
    // Of one object that was named, nothing was done.
    let left_out = selection == Selection::One && summary.skipped > 0;
    if left_out {
        say("error: SRC is a symlink, or lies behind one, and --links leaves it out");
    }
    match (failure, &summary.stopped) {
        (Some(failure), _) => Err(failure),
        (None, Some(_)) => Ok(Exit::Interrupted),
        (None, None) if summary.failed > 0 || left_out => Ok(Exit::SomeFailed),
        (None, None) if args.exit_code && summary.copied > 0 => Ok(Exit::SomeFailed),
        (None, None) => Ok(Exit::Done),
    }
}

/// The objects by outcome, for metrics.
fn outcomes(summary: &Summary, mode: Mode) -> [(&'static str, u64); 5] {
    let copied = if mode == Mode::DryRun { "would_copy" } else { "copied" };
    [
        (copied, summary.copied),
        ("up_to_date", summary.up_to_date),
        ("skipped", summary.skipped),
        ("failed", summary.failed),
        ("unfinished", summary.unfinished),
    ]
}
