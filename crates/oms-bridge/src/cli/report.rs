//! `report`: a page about the arrival of objects.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrival_report::reconciled::Reconciled;
use arrival_report::{AgeBand, FailureKind, Failures, OldestWaiting, Report};
use clap::{ArgGroup, Args, ValueEnum};
use texts::language::Language;
use tokio::time::Instant;

use super::listing_limits::ListingLimits;
use super::{Ended, Exit, Prepared, exit, journal, print_json, say, variable};
use crate::assemble;
use crate::failure::Failure;
use bridge_config::{SettingsOf, WithSettings};
use metrics::file;
use object_copy::clock;
use settings::{Invalid, Reader};
use status_report::{RecordCounts, Status, collect};
use terminal::interrupts::Interrupts;
use terminal::stats::StatsArgs;

/// Makes a page that shows how long objects take to arrive, and what failed.
///
/// The page is one file that loads nothing: lag and outcomes by hour, classes and ages of failures, the
/// share of objects that arrived in time, what `reconcile` found. It is made from listings of the log bucket
/// and changes nothing.
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge report --html arrival.html
  oms-bridge report --html arrival.html --lang zh \\
    --reconciled differences.jsonl
  oms-bridge report --json \\
    | jq .arrivals.share_within_threshold"))]
#[command(group = ArgGroup::new("result").required(true).multiple(true).args(["html", "json"]))]
pub(super) struct ReportArgs {
    /// Write the page to FILE, which is replaced in one step.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Language of the page [default: that of the locale].
    #[arg(long, value_enum, value_name = "LANG")]
    lang: Option<PageLanguage>,
    /// Also show what a comparison found: FILE is what `reconcile --report` wrote.
    #[arg(long, value_name = "FILE")]
    reconciled: Option<PathBuf>,
    #[command(flatten)]
    limits: ListingLimits,
    /// Print the numbers as one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stats: StatsArgs,
    #[command(flatten)]
    pub(super) settings: SettingsOf<ReportArgs>,
}

impl WithSettings for ReportArgs {
    const NAME: &'static str = "report";
}

/// The languages of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PageLanguage {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

/// Time limit of the listings, which take longer the more records there are.
const PATIENCE: Duration = Duration::from_hours(24);

pub(super) async fn run(args: &ReportArgs, mut reader: Reader) -> Ended {
    // Before anything is listed, which may take long.
    let reconciled = args.reconciled.as_deref().and_then(|path| reader.accept("--reconciled", read(path)));
    if let Some(page) = &args.html
        && let Err(error) = file::check(page)
    {
        let why = Invalid::new(format!("{:?}: {error}", page.display()));
        reader.problem("--html", why.with_remedy("name a file in a folder that can be written to"));
    }
    let Prepared { settings, credentials, http } = Prepared::from(reader)?;
    let records = assemble::journal(&settings, &http).map_err(Failure::configuration)?;
    let open = records.open(Arc::clone(&credentials), Instant::now() + PATIENCE);
    let progress = args.stats.progress("listing", "failed key");
    let limits = args.limits.limits();
    let now = clock::system();
    let collected = collect(&open, &settings.task, None, limits, settings.watch, &progress, now);
    let mut interrupts = Interrupts::of_process();
    let status = tokio::select! {
        status = Box::pin(collected) => status,
        never = progress.show(|_| ()) => match never {},
        () = interrupts.next() => {
            progress.finish();
            say("interrupted: nothing was written");
            return Ok(Exit::Interrupted);
        }
    };
    progress.finish();
    let status = status.map_err(|error| journal(&error, &settings, "ListObjects"))?;
    let Status { task, log_bucket, records, arrivals, reconcile, .. } = status;
    let failures = failures(records);
    let report = Report { checked_at: now, task, log_bucket, arrivals, failures, reconciled, reconcile };
    if let Some(page) = &args.html {
        let html = arrival_report::page(&report, args.language());
        file::write(page, &html).map_err(|error| {
            let failure = Failure::configuration(format_args!("{:?}: {error}", page.display()));
            failure.of_setting("--html").with_remedy("make room there, or name another file")
        })?;
        say(format_args!("the page is {:?}", page.display()));
    }
    if args.json {
        print_json(&report);
    }
    Ok(Exit::Done)
}

impl ReportArgs {
    fn language(&self) -> Language {
        match self.lang {
            Some(PageLanguage::En) => Language::English,
            Some(PageLanguage::Zh) => Language::Chinese,
            None => Language::of(variable),
        }
    }
}

fn read(path: &Path) -> Result<Reconciled, Invalid> {
    let named = |error: &dyn std::fmt::Display| Invalid::new(format!("{:?}: {error}", path.display()));
    let file = File::open(path).map_err(|error| named(&error).with_remedy("name a file that can be read"))?;
    Reconciled::read(BufReader::new(file))
        .map_err(|error| named(&error).with_remedy("name the file that `reconcile --report` wrote"))
}

fn failures(records: RecordCounts) -> Failures {
    let (class, age) = (records.by_class, records.by_age);
    Failures {
        waiting: records.failed,
        complete: records.complete,
        dead: records.dead,
        by_class: vec![
            (FailureKind::Transient, class.transient),
            (FailureKind::Throttled, class.throttled),
            (FailureKind::Auth, class.auth),
            (FailureKind::Permanent, class.permanent),
            (FailureKind::Unknown, class.unknown),
        ],
        by_age: vec![
            (AgeBand::Under10Minutes, age.under_10_minutes),
            (AgeBand::Under1Hour, age.under_1_hour),
            (AgeBand::Under1Day, age.under_1_day),
            (AgeBand::Under1Week, age.under_1_week),
            (AgeBand::Older, age.older),
        ],
        oldest: records.oldest.map(|oldest| OldestWaiting { key: oldest.key, age_s: oldest.age_s }),
        reasons: records
            .reasons
            .into_iter()
            .filter(|reason| !reason.error.is_empty())
            .map(|reason| (reason.error, reason.keys))
            .collect(),
        hours: records.hours,
    }
}
