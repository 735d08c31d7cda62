//! What a run that was interrupted leaves to be done.

use std::borrow::Cow;
use std::ffi::OsStr;

use object_copy::bulk::{Listing, Mode, StopReason, Summary};
use object_copy::transfer::Transfer;
use settings::text::printable;
use terminal::numbers::counted;

/// The next run of the same command.
#[derive(Clone, Debug)]
pub(super) struct NextRun {
    pub(super) repeats: Repeats,
    /// DST, as it was given.
    pub(super) destination: String,
    /// Whether objects are listed; else one was named.
    pub(super) lists: bool,
}

/// What the same command does when it is given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeats {
    /// All: `--force` copies what is there already, too.
    All,
    /// What is not at the destination yet.
    Rest,
}

/// Whether anything was copied, or is copied in part.
pub(super) fn is_begun(summary: &Summary) -> bool {
    summary.copied > 0 || summary.left_open > 0
}

impl NextRun {
    /// What it does with what this run did not get to.
    pub(super) fn promise(&self, mode: Mode, summary: &Summary) -> &'static str {
        match (self.repeats, mode) {
            (_, Mode::DryRun) => "the same command lists all again",
            // Nothing was done that it could go on from.
            (_, Mode::Copy) if !is_begun(summary) => "run the same command again",
            (Repeats::All, Mode::Copy) => {
                "the same command begins again; without --force it goes on from here"
            }
            (Repeats::Rest, Mode::Copy) => "the same command goes on from here",
        }
    }

    /// What was not begun and what was not finished, line by line. `name` is how an object is called in
    /// messages.
    pub(super) fn lines<'n>(
        &self,
        summary: &'n Summary,
        transfer: &Transfer,
        name: impl Fn(&'n OsStr) -> Cow<'n, str>,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        if summary.listing == Listing::CutShort && self.lists {
            let after = match &summary.listed_to {
                Some(key) => format!("stopped at {}", printable(&name(key))),
                None => "had not begun".to_owned(),
            };
            lines.push(format!("the listing {after}; what follows was not begun"));
        }
        let objects = |count| counted(count, "object");
        if matches!(summary.stopped, Some(StopReason::Aborted)) {
            if summary.unfinished > 0 {
                lines.push(format!("not finished: {}", objects(summary.unfinished)));
            }
            lines.extend(self.open_uploads(transfer.open_uploads() as u64));
            return lines;
        }
        let from_the_start = summary.unfinished.saturating_sub(summary.left_open);
        if summary.unfinished > from_the_start {
            let kept = objects(summary.unfinished - from_the_start);
            lines
                .push(format!("ended at a part: {kept}; the next run sends only the parts that are missing"));
        }
        if from_the_start > 0 {
            lines.push(format!(
                "ended, and copied from the start by the next run: {}",
                objects(from_the_start)
            ));
        }
        lines
    }

    fn open_uploads(&self, open: u64) -> Option<String> {
        (open > 0).then(|| {
            format!(
                "{} in parts open at the destination, where parts are billed: the next run goes on with them, or `oms-bridge copy --abort-stale \
                 --older-than 0s {}` removes them",
                counted(open, "upload"),
                printable(&self.destination)
            )
        })
    }
}
