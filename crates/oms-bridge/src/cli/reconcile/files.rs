//! The files that `--report` and `--checkpoint` name.

use std::fs;
use std::path::Path;

use reconcile::checkpoint::{Checkpoint, CheckpointError, Progress};
use reconcile::report::Report;
use settings::{Invalid, Reader};

use super::ReconcileArgs;
use super::inventories::Argument;
use crate::cli::places::location::Location;
use crate::cli::places::own_files;
use crate::cli::run_metrics::{MetricsArgs, RunMetrics};
use crate::failure::Failure;

/// Names of standard output.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

impl ReconcileArgs {
    /// Whether the report goes to standard output.
    pub(super) fn reports_to_stdout(&self) -> bool {
        self.report.as_ref().is_some_and(|path| STDOUT.iter().any(|name| path == Path::new(name)))
    }

    /// The metrics of a run. A file that is one of the others, or lies in SRC or DST, is a problem, and is
    /// not written.
    pub(in crate::cli) fn metrics(&self, r: &mut Reader) -> RunMetrics {
        const NAME: &str = "reconcile";
        let Some(file) = self.metrics.file() else { return self.metrics.of(NAME) };
        let others = [("--report", &self.report), ("--checkpoint", &self.checkpoint)];
        let other = others.into_iter().find_map(|(name, path)| {
            let is_same = path.as_deref().is_some_and(|path| own_files::is_same(file, path));
            is_same.then_some(name)
        });
        let side =
            [("SRC", &self.source), ("DST", &self.destination)].into_iter().find_map(|(name, text)| {
                let is_in = match Argument::parse(text) {
                    Ok(Argument { location: Location::Local(folder), .. }) => {
                        own_files::is_below(file, &folder)
                    }
                    _ => false,
                };
                is_in.then_some(name)
            });
        let what = match (other, side) {
            (Some(name), _) => Invalid::new(format_args!("is the file of {name}")),
            (None, Some(side)) => Invalid::new(format_args!("lies in {side}, whose files are compared")),
            (None, None) => return self.metrics.of(NAME),
        };
        r.problem("--metrics", what.with_remedy("name a file elsewhere"));
        MetricsArgs::default().of(NAME)
    }

    /// Files that destroy each other, or that would be compared themselves, are a problem.
    pub(super) fn check_files(&self, r: &mut Reader, compared: [Option<&Location>; 2]) {
        if self.reports_to_stdout() && self.json {
            let what = Invalid::new("standard output cannot have both the report and the result of --json");
            r.problem("--report", what.with_remedy("name a file"));
        }
        let report = self.report.as_deref().filter(|_| !self.reports_to_stdout());
        let checkpoint = self.checkpoint.as_deref();
        if self.report.is_some() && checkpoint.is_some() {
            let is_file = report.is_some_and(|path| fs::metadata(path).map_or(true, |found| found.is_file()));
            if !is_file {
                let what = Invalid::new("--checkpoint needs a report that can be cut: a regular file");
                r.problem("--report", what.with_remedy("name a file, or leave out --checkpoint"));
            }
        }
        if let Some((report, checkpoint)) = report.zip(checkpoint)
            && own_files::is_same(report, checkpoint)
        {
            let what = Invalid::new("is the file of --report as well");
            r.problem("--checkpoint", what.with_remedy("name another file"));
        }
        for (name, path) in [("--report", report), ("--checkpoint", checkpoint)] {
            let Some(path) = path else { continue };
            for (side, location) in ["SRC", "DST"].into_iter().zip(compared) {
                if let Some(Location::Local(folder)) = location
                    && own_files::is_below(path, folder)
                {
                    let what = Invalid::new(format_args!("is below {side}, and would be compared itself"));
                    r.problem(name, what.with_remedy("name a file elsewhere"));
                }
            }
        }
    }

    /// The checkpoint of this comparison, and where an earlier run was. An estimate reads one that is there,
    /// and makes none.
    pub(super) fn open_checkpoint(
        &self,
        identity: impl FnOnce() -> String,
    ) -> Result<(Option<Checkpoint>, Option<Progress>), Failure> {
        let Some(path) = &self.checkpoint else { return Ok((None, None)) };
        if self.estimate.is_wanted() && !path.exists() {
            return Ok((None, None));
        }
        let checkpoint = Checkpoint::new(path, identity());
        let resumed = checkpoint.load().map_err(|error| {
            let remedy = match &error {
                CheckpointError::Io(..) => "name a file that can be written, and that no other run uses",
                _ => "remove it to begin again, or give the options that it was made with",
            };
            Failure::configuration(error).of_setting("--checkpoint").with_remedy(remedy)
        })?;
        Ok((Some(checkpoint), resumed))
    }

    /// The report of this comparison.
    pub(super) fn open_report(&self, resumed: Option<&Progress>) -> Result<Option<Report>, Failure> {
        let Some(path) = &self.report else { return Ok(None) };
        let length = resumed.and_then(|progress| progress.report);
        let report = match length {
            _ if self.reports_to_stdout() => Report::stdout(self.report_format()),
            Some(length) => Report::resume(path, length, self.report_format()),
            None => Report::create(path, self.report_format()),
        };
        let failure = |error| {
            let remedy = match length {
                Some(_) => "restore it, or remove the file of --checkpoint to begin again",
                None => "name a file that can be written, and that no other run uses",
            };
            Failure::configuration(error).of_setting("--report").with_remedy(remedy)
        };
        report.map(Some).map_err(failure)
    }
}
