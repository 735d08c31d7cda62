//! What people and programs see of a run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::OsStr;

use serde::Serialize;

use super::bar::CopyBar;
use super::next_run::{NextRun, is_begun};
use super::plan::Selection;
use crate::cli::json_failure::WithError;
use crate::cli::json_list::JsonList;
use crate::cli::places::ends::Ends;
use crate::cli::{print, print_result, say};
use crate::failure::{Failure, FailureKind};
use object_copy::bulk::{Mode, Observer, StopReason, Summary};
use object_copy::failed_list::{self, FailedList};
use object_copy::outcome::Attempt;
use object_copy::transfer::{CopyOutcome, Extent, Transfer, TransferError};
use settings::text;
use terminal::interrupts::finishing;
use terminal::numbers::{bytes, count, counted, elapsed};
use terminal::output::OutputFormat;

/// The most reasons for leaving something out that are counted separately. There are fewer.
const REASONS: usize = 50;

/// Shows progress, keeps the list of what failed, prints the result.
pub(super) struct CopyReport {
    bar: CopyBar,
    /// Where one is kept.
    failed: Option<FailedList>,
    /// How many are in it, and of these, how many fail again as long as their reason is there.
    listed: u64,
    fail_again: u64,
    transfer: Transfer,
    mode: Mode,
    selection: Selection,
    next_run: NextRun,
    ends: Ends,
    /// The keys that a dry run would copy.
    planned: JsonList,
    /// What rules left out, by reason.
    left_out: BTreeMap<String, u64>,
}

/// The result, as `--json` prints it.
#[derive(Serialize)]
struct JsonResult<'s> {
    /// Not of a dry run, which copies nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    copied: Option<u64>,
    #[serde(flatten)]
    summary: &'s Summary,
    failed_list: Option<String>,
    /// What rules left out, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    left_out: &'s BTreeMap<String, u64>,
    /// What `--include` and `--exclude` did not let through.
    #[serde(skip_serializing_if = "Option::is_none")]
    filtered: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_copy: Option<u64>,
}

impl CopyReport {
    /// How it is called in messages.
    fn name<'n>(&self, name: &'n OsStr) -> Cow<'n, str> {
        shown(&self.transfer, name)
    }

    fn one_more(&mut self) {
        self.bar.settled();
    }

    pub(super) fn new(
        failed: Option<FailedList>,
        transfer: Transfer,
        mode: Mode,
        output: OutputFormat,
        selection: Selection,
        (next_run, ends): (NextRun, Ends),
        bar: CopyBar,
    ) -> Self {
        let (planned, left_out) = (JsonList::new(output), BTreeMap::new());
        Self {
            bar,
            failed,
            listed: 0,
            fail_again: 0,
            transfer,
            mode,
            selection,
            next_run,
            ends,
            planned,
            left_out,
        }
    }

    /// Adds a key to the list of what failed.
    fn list(&mut self, name: &OsStr, failed: &TransferError) {
        self.listed += 1;
        self.fail_again += u64::from(!failed.class.may_pass());
        // One object that was named needs no list.
        if self.selection == Selection::Many
            && let Some(list) = &mut self.failed
            && let Err(error) = list.add(name)
        {
            let key = &*shown(&self.transfer, name);
            tracing::error!(key, %error, "the list of what failed cannot be written");
        }
    }

    /// The progress bar.
    pub(super) fn bar(&self) -> CopyBar {
        self.bar.clone()
    }

    /// Why the run failed as a whole, where it did.
    pub(super) fn failure(&self, summary: &Summary) -> Option<Failure> {
        let failure = match (&summary.stopped, &summary.reason) {
            (Some(StopReason::Interrupted | StopReason::Aborted), _) | (None, None) => return None,
            (Some(StopReason::Listing(error)), _) => {
                let failure = self.ends.of_listing(error);
                if summary.objects > 0 { failure.after("not everything could be listed: ") } else { failure }
            }
            (Some(StopReason::Failed(failed)), _) | (None, Some(failed)) => self.ends.failure(failed),
        };
        let next = self.next_run.promise(self.mode, summary);
        Some(match failure.kind() {
            FailureKind::OutOfReach => failure.and_then(next),
            FailureKind::Internal => failure,
            // Else there is nothing to go on from.
            _ if is_begun(summary) => failure.and_then(&format!("then {next}")),
            _ => failure,
        })
    }

    /// Prints the result.
    pub(super) fn finish(self, summary: &Summary, filtered: u64, source: &str, failure: Option<&Failure>) {
        self.bar.progress.finish();
        let list = self.failed.as_ref().and_then(FailedList::path).map(|path| path.display().to_string());
        let is_dry = self.mode == Mode::DryRun;
        let result = JsonResult {
            copied: (!is_dry).then_some(summary.copied),
            summary,
            failed_list: list.clone(),
            left_out: &self.left_out,
            filtered: Some(filtered).filter(|objects| *objects > 0),
            dry_run: is_dry.then_some(true),
            would_copy: is_dry.then_some(summary.copied),
        };
        match self.planned.output() {
            OutputFormat::Json if is_dry => self.planned.finish(&WithError::new(&result, failure)),
            OutputFormat::Json => print_result(&result, failure),
            // The keys are the result then.
            OutputFormat::Text if is_dry => say(describe(summary, "would be copied")),
            OutputFormat::Text => print(&describe(summary, "copied")),
        }
        self.say_what_is_left_out(filtered);
        if summary.objects == 0 && summary.stopped.is_none() {
            let source = text::printable(source);
            if filtered > 0 {
                say(format_args!("nothing matched: --include and --exclude leave out all of {source}"));
            } else {
                say(format_args!("nothing to copy: there is nothing in {source}"));
                if let Some(hint) = self.ends.pattern_hint() {
                    say(hint);
                }
            }
        }
        if let Some(interrupted) = summary.stopped.as_ref().filter(|_| failure.is_none()) {
            let next = self.next_run.promise(self.mode, summary);
            say(format_args!("stopped early: {interrupted}; {next}"));
        }
        for line in self.next_run.lines(summary, &self.transfer, |name| self.name(name)) {
            say(line);
        }
        if summary.gone > 0 && self.selection == Selection::One && self.ends.reads_files() {
            let source = text::printable(source);
            say(format_args!("there is no file {source}; an object in a bucket is oss://bucket/key"));
        }
        if summary.gone > 0
            && self.selection == Selection::One
            && let Some(failure) = self.ends.not_there()
        {
            say(format_args!("error: {failure}"));
        }
        // An object that was named is reported already.
        if summary.gone > 0 && self.selection == Selection::Many {
            say(format_args!(
                "not at the source: {}, deleted meanwhile or listed by another name; the next run does not list what was deleted",
                counted(summary.gone, "object")
            ));
        }
        if self.failed.as_ref().is_some_and(FailedList::is_incomplete) {
            say(format_args!(
                "error: not all keys that failed could be written to a list; the lines above name them"
            ));
        }
        if let Some(list) = list {
            let list = text::printable(&list);
            let again = match self.fail_again {
                0 => "",
                again if again == self.listed => "; they fail again until the reasons above are removed",
                _ => "; some fail again until the reasons above are removed",
            };
            say(format_args!(
                "the keys that failed are in {list}: the same command with --keys-from {list} tries them again{again}"
            ));
        }
    }
}

impl CopyReport {
    fn say_what_is_left_out(&self, filtered: u64) {
        let mut reasons: Vec<(u64, &str)> =
            self.left_out.iter().map(|(why, objects)| (*objects, why.as_str())).collect();
        reasons.sort_by(|a, b| b.cmp(a));
        if filtered > 0 {
            reasons.push((filtered, "not matched by --include and --exclude"));
        }
        for (objects, why) in reasons {
            say(format_args!("left out: {} ({why})", count(objects)));
        }
    }
}

/// How an object is called in messages.
fn shown<'n>(transfer: &Transfer, name: &'n OsStr) -> Cow<'n, str> {
    match name.to_str() {
        Some(key) => transfer.name(key),
        None => name.to_string_lossy(),
    }
}

fn describe(summary: &Summary, verb: &str) -> String {
    let Summary { objects, copied, up_to_date, skipped, failed, bytes: size, elapsed_s, .. } = summary;
    let unfinished = match summary.unfinished {
        0 => String::new(),
        unfinished => format!(", {} not finished", count(unfinished)),
    };
    format!(
        "{}: {} {verb} ({}), {} up to date, {} skipped, {} failed{unfinished}, in {}",
        counted(*objects, "object"),
        count(*copied),
        bytes(*size),
        count(*up_to_date),
        count(*skipped),
        count(*failed),
        elapsed(*elapsed_s),
    )
}

impl Observer for CopyReport {
    fn finished(&mut self, name: &OsStr, size: Option<u64>, outcome: &Result<CopyOutcome, TransferError>) {
        self.one_more();
        let shown = self.name(name);
        let key = &*shown;
        match outcome {
            Ok(CopyOutcome::Copied { .. }) if self.mode == Mode::DryRun => {
                self.planned.add(key, &failed_list::line(OsStr::new(key)));
            }
            Ok(CopyOutcome::Copied { bytes }) => tracing::debug!(key, bytes, "copied"),
            Ok(done) => {
                self.bar.pass_over(size.unwrap_or(0));
                tracing::debug!(key, size, ?done, "nothing to copy");
            }
            Err(failed) if failed.attempt == Attempt::CutShort => {
                tracing::info!(key, why = %failed.error, "ended early");
            }
            Err(failed) => {
                tracing::warn!(key, class = %failed.class, error = %failed.error, request_id = failed.request_id, "failed");
                self.bar.note_failed(name);
                self.list(name, failed);
            }
        }
    }

    fn failed_alike(&mut self, name: &OsStr, failed: &TransferError) {
        self.one_more();
        tracing::debug!(key = &*self.name(name), error = %failed.error, "failed");
    }

    fn failed_at_the_end(&mut self, name: &OsStr, failed: &TransferError) {
        self.failed_alike(name, failed);
        self.list(name, failed);
    }

    fn extent(&self, failed: &TransferError) -> Extent {
        // A slip in the name of a host is no outage.
        if self.ends.is_slip(failed) { Extent::All } else { failed.extent() }
    }

    fn stopping(&mut self, objects: usize) {
        say(finishing(objects as u64, "object"));
    }

    fn skipped(&mut self, name: &OsStr, why: &str) {
        self.one_more();
        tracing::info!(key = &*self.name(name), why, "left out");
        if self.left_out.len() < REASONS || self.left_out.contains_key(why) {
            *self.left_out.entry(why.to_owned()).or_default() += 1;
        }
    }
}
