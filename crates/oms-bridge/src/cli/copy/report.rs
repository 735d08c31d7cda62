//! What people and programs see of a run.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use serde::Serialize;

use super::bar::CopyBar;
use super::failed_list::{self, FailedList};
use super::plan::Selection;
use crate::cli::output::OutputFormat;
use crate::cli::{Exit, print, print_json, say};
use object_copy::bulk::{Mode, Observer, Summary};
use object_copy::clock;
use object_copy::transfer::{CopyOutcome, Flow, Transfer, TransferError};
use settings::text;

/// Shows progress, keeps the list of what failed, prints the result.
pub(super) struct CopyReport {
    bar: CopyBar,
    failed: FailedList,
    transfer: Transfer,
    mode: Mode,
    output: OutputFormat,
    selection: Selection,
    repeats: Repeats,
    settled: u64,
}

/// What the same command does when it is given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeats {
    /// All: `--force` copies what is there already, too.
    All,
    /// What is not at the destination yet.
    Rest,
}

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct JsonResult<'s> {
    #[serde(flatten)]
    summary: &'s Summary,
    failed_list: Option<String>,
}

impl CopyReport {
    /// How it is called in messages.
    fn name<'n>(&self, name: &'n OsStr) -> Cow<'n, str> {
        match name.to_str() {
            Some(key) => self.transfer.name(key),
            None => name.to_string_lossy(),
        }
    }

    fn one_more(&mut self) {
        self.settled += 1;
        self.bar.shown.set_message(text::counted(self.settled, "object"));
    }

    pub(super) fn new(
        failed: Option<PathBuf>,
        transfer: Transfer,
        mode: Mode,
        output: OutputFormat,
        selection: Selection,
        flow: Flow,
        repeats: Repeats,
    ) -> Self {
        let failed = FailedList::new(failed, clock::system());
        Self { bar: CopyBar::new(flow), failed, transfer, mode, output, selection, repeats, settled: 0 }
    }

    /// The progress bar.
    pub(super) fn bar(&self) -> CopyBar {
        self.bar.clone()
    }

    /// Prints the result.
    pub(super) fn finish(self, summary: &Summary, exit: Exit) {
        self.bar.shown.finish_and_clear();
        let list = self.failed.path().map(|path| path.display().to_string());
        match self.output {
            OutputFormat::Json => print_json(&JsonResult { summary, failed_list: list.clone() }),
            // The keys are the result then.
            OutputFormat::Text if self.mode == Mode::DryRun => {
                say(describe(summary, "would be copied"));
            }
            OutputFormat::Text => print(&describe(summary, "copied")),
        }
        match &summary.stopped {
            None => {}
            // What the same command would only say again.
            Some(stopped) if exit == Exit::Usage => {
                say(format_args!("error: {}", text::printable(&stopped.to_string())));
            }
            Some(stopped) => {
                let with = if exit == Exit::CredentialsRefused { "with others " } else { "" };
                let stopped = stopped.to_string();
                let stopped = text::printable(&stopped);
                let next = match (self.repeats, self.mode) {
                    // Nothing was done that it could go on from.
                    (_, Mode::DryRun) => format!("{with}the same command lists all again"),
                    (Repeats::All, Mode::Copy) => {
                        format!("{with}the same command begins again; without --force it goes on from here")
                    }
                    (Repeats::Rest, Mode::Copy) => format!("{with}the same command goes on from here"),
                };
                say(format_args!("stopped early: {stopped}; {next}"));
            }
        }
        // One that was named is told of already.
        if summary.gone > 0 && self.selection == Selection::Many {
            say(format_args!(
                "not at the source: {}, deleted meanwhile or listed by another name; the next run does not list what was deleted",
                text::counted(summary.gone, "object")
            ));
        }
        if self.failed.is_incomplete() {
            say(format_args!(
                "error: not all keys that failed could be written to a list; the lines above name them"
            ));
        }
        if let Some(list) = list {
            let list = text::printable(&list);
            say(format_args!(
                "the keys that failed are in {list}: the same command with --keys-from {list} tries them again"
            ));
        }
    }
}

fn describe(summary: &Summary, verb: &str) -> String {
    let Summary { objects, copied, up_to_date, skipped, failed, bytes, elapsed_s, .. } = summary;
    format!(
        "{}: {copied} {verb} ({}), {up_to_date} up to date, {skipped} skipped, {failed} failed, in {elapsed_s:.1} s",
        text::counted(*objects, "object"),
        text::bytes(*bytes),
    )
}

impl Observer for CopyReport {
    fn finished(&mut self, name: &OsStr, size: Option<u64>, outcome: &Result<CopyOutcome, TransferError>) {
        self.one_more();
        let shown = self.name(name);
        let key = &*shown;
        match outcome {
            Ok(CopyOutcome::Copied { .. })
                if self.mode == Mode::DryRun && self.output == OutputFormat::Text =>
            {
                self.bar.shown.suspend(|| print(&failed_list::line(OsStr::new(key))));
            }
            Ok(CopyOutcome::Copied { bytes }) => tracing::debug!(key, bytes, "copied"),
            Ok(done) => {
                self.bar.passed_over.fetch_add(size.unwrap_or(0), Ordering::Relaxed);
                tracing::debug!(key, size, ?done, "nothing to copy");
            }
            Err(failed) => {
                self.bar.shown.suspend(|| {
                    tracing::warn!(key, class = %failed.class, error = %failed.error, request_id = failed.request_id, "failed");
                });
                // One object that was named needs no list.
                if self.selection == Selection::Many
                    && let Err(error) = self.failed.add(name)
                {
                    tracing::error!(key, %error, "the list of what failed cannot be written");
                }
            }
        }
    }

    fn skipped(&mut self, name: &OsStr, why: &str) {
        self.one_more();
        let key = &*self.name(name);
        self.bar.shown.suspend(|| tracing::info!(key, why, "left out"));
    }
}
