//! What `--fix` and `--delete-extra` changed, in words.

use repair::task::TaskTotals;
use repair::{Forwarded, Repaired};
use terminal::numbers::{count, counted};

/// Prints it, before the result of the comparison.
pub(super) fn print_repaired(repaired: &Repaired, print: impl Fn(&str)) {
    if let Some(keys) = repaired.would_forward {
        print(&format!("would be fixed: {}", counted(keys, "key")));
    }
    if let Some(Forwarded { keys, report }) = &repaired.forwarded {
        print(&format!(
            "fixed: {}, {} accepted, {} failed",
            counted(*keys, "key"),
            count(report.accepted as u64),
            count(report.failed as u64)
        ));
        if report.unrecorded > 0 {
            let unrecorded = count(report.unrecorded as u64);
            print(&format!("{unrecorded} failed keys are recorded nowhere: run the command again"));
        }
    }
    if let Some(TaskTotals { tasks, objects, succeeded, failed, .. }) = repaired.tasks {
        print(&format!(
            "tasks of OMS: {}, {} of {} copied, {} failed",
            count(tasks),
            count(succeeded),
            counted(objects, "object"),
            count(failed)
        ));
    }
    if let Some(keys) = repaired.would_delete {
        print(&format!("would be deleted: {}", counted(keys, "key")));
    }
    if let Some(keys) = repaired.deleted {
        print(&format!("deleted: {}", counted(keys, "key")));
    }
    if repaired.not_deleted > 0 {
        print(&format!("not deleted: {}", counted(repaired.not_deleted, "key")));
    }
    if let Some(found) = &repaired.found {
        print(&format!(
            "before: {} different, {} missing, {} extra; compared again:",
            count(found.different),
            count(found.missing),
            count(found.extra)
        ));
    }
}
