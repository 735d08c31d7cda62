//! `status`: what failed, how long ago and why; what OMS reports.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep};

use super::listing_limits::ListingLimits;
use super::run_metrics::{MetricsArgs, RunMetrics};
use super::{Ended, Exit, Prepared, exit, journal, print, print_result, say};
use crate::assemble;
use crate::failure::{Failure, FailureKind, of_oms};
use bridge_config::{SettingsOf, WithSettings};
use bridge_core::oms::task::OmsApi;
use object_copy::clock;
use settings::{Invalid, Reader, parse};
use signature_breaker::Breakers;
use status_report::{Huawei, Status, collect};
use terminal::interrupts::Interrupts;
use terminal::stats::StatsArgs;
use terminal::style::Stream;

/// Shows what failed, how long ago and why, and what OMS reports of the sync task.
///
/// OMS counts what it received, copied, skipped and failed:
/// <https://support.huaweicloud.com/api-oms/ListSyncTaskStatistic.html>
#[derive(Args)]
#[command(after_help = exit::help("Examples:
  oms-bridge status
  oms-bridge status --watch
  oms-bridge status --json | jq .failed"))]
pub(super) struct StatusArgs {
    /// Look again every SECONDS seconds, until interrupted.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "5", value_parser = seconds)]
    watch: Option<u64>,
    #[command(flatten)]
    limits: ListingLimits,
    /// Print one JSON object as the result; with --watch one a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stats: StatsArgs,
    #[command(flatten)]
    pub(super) metrics: MetricsArgs,
    #[command(flatten)]
    pub(super) settings: SettingsOf<StatusArgs>,
}

fn seconds(text: &str) -> Result<u64, Invalid> {
    parse::number(text, 1..=86_400)
}

impl WithSettings for StatusArgs {
    const NAME: &'static str = "status";
}

/// Time limit of one look. A listing takes longer the more records there are.
const PATIENCE: Duration = Duration::from_hours(24);

pub(super) async fn run(args: &StatusArgs, reader: Reader, run: &RunMetrics) -> Ended {
    let Prepared { settings, credentials, http } = Prepared::from(reader)?;
    let records = assemble::journal(&settings, &http).map_err(Failure::configuration)?;
    let breakers = Breakers::new(clock::system);
    let host = settings.mode.oms().map_or_else(String::new, |oms| oms.sync_url.host().to_owned());
    let mut huawei = settings.mode.oms().map(|oms| {
        let breaker = breakers.of_oms(&oms.huawei);
        Huawei::new(OmsApi::new(http, &oms.sync_url, oms.huawei.clone(), breaker))
    });
    let mut interrupts = Interrupts::of_process();
    loop {
        let open = records.open(Arc::clone(&credentials), Instant::now() + PATIENCE);
        let progress = args.stats.progress("listing", "failed key");
        run.watch(&progress);
        let limits = args.limits.limits();
        let (task, watch) = (&settings.task, settings.watch);
        let collected = collect(&open, task, huawei.as_mut(), limits, watch, &progress, clock::system());
        let status = tokio::select! {
            status = Box::pin(collected) => status,
            never = progress.show(|_| ()) => match never {},
            () = interrupts.next() => return Ok(Exit::Interrupted),
        };
        progress.finish();
        let ended = match status {
            Ok(status) => {
                let failure = status.oms.as_ref().and_then(|oms| of_oms(oms.error.as_ref()?, &host));
                show(&status, failure.as_ref(), args.json, args.watch.is_some());
                run.set(move |metrics| status.expose(metrics));
                failure.map_or(Ok(Exit::Done), Err)
            }
            Err(error) => Err(journal(&error, &settings, "ListObjects")),
        };
        // An outage of the log bucket must not end a watch.
        let passes = |failure: &Failure| {
            !matches!(failure.kind(), FailureKind::Configuration | FailureKind::Permission)
        };
        let Some(seconds) = args.watch.filter(|_| ended.as_ref().map_or_else(passes, |_| true)) else {
            return ended;
        };
        if let Err(failure) = ended {
            say(format_args!("error: {failure}"));
        }
        tokio::select! {
            () = sleep(Duration::from_secs(seconds)) => {}
            () = interrupts.next() => return Ok(Exit::Interrupted),
        }
    }
}

fn show(status: &Status, failure: Option<&Failure>, json: bool, again: bool) {
    if json {
        print_result(status, failure);
        return;
    }
    if again && Stream::Stdout.is_terminal() {
        // Cursor home, then clear to the end: clearing first would flicker.
        let _ = write!(io::stdout(), "\x1b[H\x1b[J");
    }
    print(status.text(Stream::Stdout.width()).trim_end());
}
