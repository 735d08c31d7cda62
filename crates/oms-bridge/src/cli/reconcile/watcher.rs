//! Progress of a comparison and of a repair, and what happens to single keys.

use reconcile::judge::Verdict;
use reconcile::{Finding, Observer, Records, Totals};
use repair::{Deletion, Kept, Refusal, RepairEvent, RepairObserver};
use settings::text::printable;
use terminal::numbers::{count, counted};
use terminal::progress::Progress;

use crate::cli::say;

/// Shows progress.
pub(super) struct Watcher {
    progress: Progress,
    compared: u64,
}

impl Watcher {
    pub(super) fn new(progress: Progress, records: &Records) -> Self {
        let resumed = records.resumed.as_ref();
        progress.set_steps(resumed.map_or(0, |resumed| listed(&resumed.totals)));
        Self { progress, compared: resumed.map_or(0, |resumed| resumed.totals.compared) }
    }

    /// Ends the display.
    pub(super) fn finish(&self) {
        self.progress.finish();
    }
}

/// The work that is done: the objects of both sides that were listed. Keys that were compared are fewer, by
/// those that both have and those that were left out.
fn listed(totals: &Totals) -> u64 {
    totals.source.saturating_add(totals.destination)
}

impl Observer for Watcher {
    async fn found(&mut self, findings: Vec<Finding>) {
        for finding in &findings {
            if let Verdict::Failed(failed) = &finding.verdict {
                tracing::warn!(key = finding.key(), error = %failed.error, request_id = failed.request_id, "could not be looked at");
            }
        }
    }

    fn counted(&mut self, totals: &Totals) {
        self.progress.add(totals.compared.saturating_sub(self.compared));
        self.compared = totals.compared;
        self.progress.set_steps(listed(totals));
        let differences = totals.different + totals.missing + totals.extra;
        if differences > 0 {
            self.progress.note(counted(differences, "difference"));
        }
    }
}

impl RepairObserver for Watcher {
    fn happened(&mut self, event: RepairEvent<'_>) {
        match event {
            RepairEvent::WouldDelete(key) => say(format_args!("would_delete {}", printable(key))),
            RepairEvent::Deletion(key, deletion) => say_deletion(&printable(key), deletion),
            RepairEvent::NothingDeleted(refusal) => {
                say(format_args!("nothing is deleted: {}", reason(refusal)));
            }
            RepairEvent::KeepsVersions => {
                say("DST keeps versions: what is deleted stays there as an earlier version");
            }
            RepairEvent::ComparesAgain => {
                self.compared = 0;
                self.progress.set_steps(0);
                self.progress.note("comparing again");
            }
            RepairEvent::WaitsFor(keys) => {
                self.progress.note(format!("waiting for {}", counted(keys, "key")));
            }
        }
    }
}

fn say_deletion(key: &str, deletion: &Deletion) {
    match deletion {
        Deletion::Deleted => say(format_args!("deleted {key}")),
        Deletion::Kept(Kept::AtSource) => say(format_args!("not deleted, since SRC has it by now: {key}")),
        Deletion::Kept(Kept::Changed) => {
            say(format_args!("not deleted, since DST has another object or none by now: {key}"));
        }
        Deletion::Kept(Kept::Own) => {
            say(format_args!("not deleted, since it belongs to OMS or to this program: {key}"));
        }
        Deletion::Failed(error) => say(format_args!("not deleted: {key}: {error}")),
        Deletion::NotBegun => say(format_args!("not deleted, since the run ended before: {key}")),
    }
}

fn reason(refusal: Refusal) -> String {
    match refusal {
        Refusal::TooMany { extra, most } => {
            format!("{} are extra, and --max-delete is {}", counted(extra, "key"), count(most as u64))
        }
        Refusal::EmptySource => {
            "SRC has nothing to compare, and DST has: give --allow-empty-source if that is as it should be"
                .to_owned()
        }
        Refusal::NotAllLookedAt { failed } => {
            format!("{} could not be looked at", counted(failed, "key"))
        }
        Refusal::NotFixed { open } => {
            format!(
                "{} could not be made equal or judged: what is extra may be the only copy",
                counted(open, "key")
            )
        }
    }
}
