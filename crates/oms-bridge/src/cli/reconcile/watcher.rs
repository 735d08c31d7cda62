//! Progress of a comparison and of a repair, and what happens to single keys.

use bridge_core::oms::migration::{MigrationTask, TaskState};
use reconcile::judge::Verdict;
use reconcile::{Finding, Observer, Records, Totals};
use repair::task::{TaskEvent, TaskObserver};
use repair::{Deletion, Kept, Refusal, RepairEvent, RepairObserver};
use settings::text::printable;
use terminal::numbers::{count, counted};
use terminal::progress::Progress;

use crate::cli::say;

/// Keys that OMS could not copy that are named; the others are in its list.
const NAMED: u64 = 20;

/// Shows progress.
pub(super) struct Watcher {
    progress: Progress,
    compared: u64,
    /// The name of the last task.
    task: String,
    not_copied: u64,
}

impl Watcher {
    pub(super) fn new(progress: Progress, records: &Records) -> Self {
        let resumed = records.resumed.as_ref();
        progress.set_steps(resumed.map_or(0, |resumed| listed(&resumed.totals)));
        let compared = resumed.map_or(0, |resumed| resumed.totals.compared);
        Self { progress, compared, task: String::new(), not_copied: 0 }
    }

    /// Ends the display, and says where the keys are that OMS could not copy and that were not named.
    pub(super) fn finish(&self) {
        self.progress.finish();
        if self.not_copied > NAMED {
            say(format_args!(
                "{} more that OMS could not copy are in oms/task/{}/ of the destination bucket",
                count(self.not_copied - NAMED),
                printable(&self.task)
            ));
        }
    }

    fn note_task(&mut self, task: &MigrationTask) {
        if self.task != task.name {
            self.task.clone_from(&task.name);
            say(format_args!("task {} of OMS copies", printable(&task.name)));
        }
        // That of the comparison, whose steps are done.
        self.progress.hide_remaining(true);
        let done = task.successful_num + task.failed_num + task.skipped_num;
        match task.state() {
            TaskState::Waiting => self.progress.note("waiting for OMS to begin the task"),
            TaskState::Unknown(state) => self.progress.note(format!("OMS reports state {state} of the task")),
            _ => {
                let of = counted(task.total_num, "object");
                self.progress.note(format!("OMS has handled {} of {of}", count(done)));
            }
        }
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
        self.progress.hide_remaining(false);
        self.progress.add(totals.compared.saturating_sub(self.compared));
        self.compared = totals.compared;
        self.progress.set_steps(listed(totals));
        let differences = totals.different + totals.missing + totals.extra;
        if differences > 0 {
            self.progress.note(counted(differences, "difference"));
        }
    }
}

impl TaskObserver for Watcher {
    fn task(&mut self, event: TaskEvent<'_>) {
        match event {
            TaskEvent::Follows(task) => {
                say(format_args!("an earlier run began task {} of OMS: following it first", printable(task)));
            }
            TaskEvent::OtherIsOver(task) => say(format_args!(
                "task {} of an earlier run with other options is over: comparing anew",
                printable(task)
            )),
            TaskEvent::ListDropped => {
                say("OMS has no task for the list that an earlier run left: comparing anew");
            }
            TaskEvent::LookedAt(task) => self.note_task(task),
            TaskEvent::NotCopied(object) => {
                self.not_copied += 1;
                if self.not_copied <= NAMED {
                    let (key, reason) = (printable(&object.key), printable(&object.reason));
                    say(format_args!("OMS could not copy {key}: {reason}"));
                }
            }
            TaskEvent::Gone(description) => {
                say(format_args!("the task is not there any more at OMS: {}", printable(description)));
            }
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
