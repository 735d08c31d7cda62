//! What people and programs see of a comparison.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use object_copy::transfer::TransferError;
use serde::Serialize;

use super::ReconcileArgs;
use super::inventories::{JsonInventory, Used};
use super::repaired::print_repaired;
use crate::cli::places::ends::Ends;
use crate::cli::{Ended, Exit, print, print_result, say};
use crate::failure::Failure;
use reconcile::judge::{Basis, Doubt};
use reconcile::{Check, CompareError, Comparison, Outcome, Totals};
use repair::Repaired;
use settings::text::printable;
use terminal::numbers::{bytes, count, counted, elapsed};
use terminal::output::OutputFormat;

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct ComparisonResult<'t> {
    /// Whether everything was compared and is equal.
    identical: bool,
    #[serde(flatten)]
    totals: &'t Totals,
    #[serde(flatten)]
    repaired: &'t Repaired,
    elapsed_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inventories: Vec<JsonInventory>,
}

/// How the result is printed.
pub(super) struct ComparisonEnding {
    ends: Ends,
    names: [String; 2],
    check: Check,
    report: Option<String>,
    reports_to_stdout: bool,
    checkpoint: Option<PathBuf>,
    /// Whether `--fix` or `--delete-extra` is given, which have no checkpoint.
    repairs: bool,
    inventories: Vec<Used>,
    /// Whether two empty sides are as they should be.
    may_be_empty: bool,
    output: OutputFormat,
}

impl ComparisonEnding {
    pub(super) fn new(
        args: &ReconcileArgs,
        comparison: &Comparison,
        ends: Ends,
        inventories: Vec<Used>,
    ) -> Self {
        Self {
            ends,
            names: [&comparison.source, &comparison.destination].map(|side| side.name.clone()),
            check: comparison.check,
            report: args.report.as_ref().map(|path| path.display().to_string()),
            reports_to_stdout: args.reports_to_stdout(),
            checkpoint: args.checkpoint.clone(),
            repairs: args.repair.changes_sides(),
            inventories,
            may_be_empty: args.repair.may_be_empty(),
            output: OutputFormat::of(args.json),
        }
    }

    /// Prints the result.
    pub(super) fn print(
        self,
        outcome: Outcome,
        repaired: &Repaired,
        of_repair: Option<Failure>,
        took: Duration,
    ) -> Ended {
        let Outcome { totals, stopped } = outcome;
        let interrupted = matches!(stopped, Some(CompareError::Interrupted));
        let failure = stopped.filter(|_| !interrupted).map(|error| self.failure(&error)).or(of_repair);
        let is_empty =
            self.may_be_empty && totals.source == 0 && totals.destination == 0 && totals.compared == 0;
        let identical = failure.is_none() && !interrupted && (totals.all_equal() || is_empty);
        let is_cut_short = interrupted || failure.is_some();
        let elapsed_s = (took.as_secs_f64() * 1000.0).round() / 1000.0;
        match self.output {
            OutputFormat::Json => {
                let is_written = !is_cut_short || totals.compared > 0;
                let report = self.report.clone().filter(|_| is_written);
                let inventories = self.inventories.iter().map(Used::json).collect();
                let result =
                    ComparisonResult { identical, totals: &totals, repaired, elapsed_s, report, inventories };
                print_result(&result, failure.as_ref());
            }
            // Its lines alone are on standard output.
            OutputFormat::Text if self.reports_to_stdout => {
                print_repaired(repaired, |line| say(line));
                print_totals(&totals, elapsed_s, |line| say(line));
            }
            OutputFormat::Text => {
                print_repaired(repaired, print);
                print_totals(&totals, elapsed_s, print);
            }
        }
        self.remark(&totals, is_cut_short);
        match failure {
            Some(failure) => Err(failure),
            None if interrupted => {
                let interrupted = CompareError::Interrupted;
                let next = match &repaired.task_under_way {
                    Some(task) => {
                        format!("task {} goes on at OMS, and the same command follows it", printable(task))
                    }
                    None => self.next().to_owned(),
                };
                say(format_args!("stopped early: {interrupted}; {next}"));
                Ok(Exit::Interrupted)
            }
            None if identical => Ok(Exit::Done),
            None => Ok(Exit::SomeFailed),
        }
    }

    /// Why a side refused a request beside the comparison.
    pub(super) fn of_side(&self, failed: &TransferError) -> Failure {
        self.ends.failure(failed)
    }

    fn failure(&self, error: &CompareError) -> Failure {
        let failure = match error {
            CompareError::Listing(end, failed) => {
                self.ends.failure_at(Some(*end), failed).after("not everything could be listed: ")
            }
            CompareError::Object(failed) => self.ends.failure(failed),
            CompareError::Report(_) => Failure::configuration(error)
                .of_setting("--report")
                .with_remedy("make room there, or name another file"),
            CompareError::Checkpoint(_) => Failure::configuration(error)
                .of_setting("--checkpoint")
                .with_remedy("name a file that can be written"),
            CompareError::Interrupted | CompareError::Internal(_) => Failure::internal(error),
        };
        // These may be why nothing was saved.
        let is_of_files = matches!(error, CompareError::Report(_) | CompareError::Checkpoint(_));
        if self.has_saved() && !is_of_files { failure.and_then(self.next()) } else { failure }
    }

    /// Whether there is something that the same command goes on from.
    fn has_saved(&self) -> bool {
        self.checkpoint
            .as_ref()
            .is_some_and(|path| fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0))
    }

    /// What the same command does next.
    fn next(&self) -> &'static str {
        if self.has_saved() {
            "the same command goes on from here"
        } else if self.checkpoint.is_some() || self.repairs {
            "the same command begins again"
        } else {
            "the same command begins again; with --checkpoint it goes on where it was"
        }
    }

    fn remark(&self, totals: &Totals, is_cut_short: bool) {
        if !is_cut_short {
            for (listed, name) in [totals.source, totals.destination].into_iter().zip(&self.names) {
                if listed == 0 {
                    say(format_args!("{} is empty", printable(name)));
                }
            }
            if totals.compared == 0 {
                let [source, destination] = self.names.each_ref().map(|name| printable(name));
                if totals.filtered + totals.older > 0 {
                    say(format_args!("nothing was compared: nothing matched in {source} and {destination}"));
                } else {
                    say(format_args!("nothing was compared in {source} and {destination}"));
                }
            }
        }
        for (keys, why) in [
            (totals.left_out, "OMS's own folder, records of this program, links"),
            (totals.filtered, "not matched by --include and --exclude"),
            (totals.older, "older than --since"),
            (totals.vanished, "deleted on both sides since they were listed"),
        ] {
            if keys > 0 {
                say(format_args!("left out: {} ({why})", count(keys)));
            }
        }
        let of = |doubt| totals.undecided_by.get(&doubt).copied().unwrap_or(0);
        let (alike, newer) = (of(Doubt::SizeOnly), of(Doubt::Newer));
        if alike > 0 && self.check == Check::Listing {
            say(format_args!(
                "undecided: {} of the same size, of which listings say nothing else; --check full asks for each",
                counted(alike, "key")
            ));
        } else if alike > 0 && self.check == Check::Full {
            say(format_args!(
                "undecided: {} of the same size, of which the services say nothing else; --check content reads them",
                counted(alike, "key")
            ));
        }
        if newer > 0 {
            say(format_args!(
                "undecided: {} newer than an inventory of a bucket that cannot be asked: a later inventory knows them",
                counted(newer, "key")
            ));
        }
        let differences = totals.different + totals.missing + totals.extra;
        let can_ask = !self.inventories.is_empty() && self.inventories.iter().all(|used| used.can_ask);
        if differences > 0 && can_ask && self.check == Check::Listing {
            say("differences are those of the time of the inventory: --check full asks for each");
        }
        for used in &self.inventories {
            used.remark();
        }
        if totals.different_by.contains_key(&Basis::Etag) {
            say(
                "some keys count as different because their ETags differ; those of encrypted objects are no MD5s, and --check full makes sure",
            );
        }
        if totals.missing + totals.different > 0 {
            let size = bytes(totals.bytes_to_copy);
            say(format_args!("missing or different at DST: {size}"));
        }
        match &self.report {
            Some(report) if !is_cut_short && !self.reports_to_stdout => {
                say(format_args!("the report is in {}", printable(report)));
            }
            Some(report) if is_cut_short && totals.compared > 0 && !self.reports_to_stdout => {
                say(format_args!("the report in {} is incomplete", printable(report)));
            }
            _ => {}
        }
    }
}

fn print_totals(totals: &Totals, elapsed_s: f64, print: impl Fn(&str)) {
    let Totals { compared, equal, different, missing, extra, undecided, failed, .. } = totals;
    print(&format!(
        "{}: {} equal, {} different, {} missing, {} extra, {} undecided, {} failed, in {}",
        counted(*compared, "key"),
        count(*equal),
        count(*different),
        count(*missing),
        count(*extra),
        count(*undecided),
        count(*failed),
        elapsed(elapsed_s),
    ));
    for (basis, keys) in &totals.equal_by {
        print(&format!("equal by {}: {}", name(*basis), count(*keys)));
    }
    for (basis, keys) in &totals.different_by {
        print(&format!("different by {}: {}", name(*basis), count(*keys)));
    }
}

fn name(basis: Basis) -> &'static str {
    match basis {
        Basis::Size => "size",
        Basis::Crc64 => "CRC-64",
        Basis::Md5 => "MD5",
        Basis::Etag => "ETag",
        Basis::SourceEtag => "the ETag of the source",
        Basis::Content => "content",
    }
}
