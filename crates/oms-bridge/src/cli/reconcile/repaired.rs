//! What `--fix` and `--delete-extra` changed, in words.

use repair::task::TaskTotals;
use repair::{Forwarded, Repaired};
use terminal::numbers::{count, counted};

/// Prints it, before the result of the comparison.
pub(super) fn print_repaired(repaired: &Repaired, print: impl Fn(&str)) {
    match (repaired.would_forward, repaired.would_start_tasks) {
        (Some(keys), Some(tasks)) => {
            let (keys, tasks) = (counted(keys, "key"), counted(tasks, "task"));
            print(&format!("would be fixed: {keys}, by {tasks} of OMS"));
        }
        (Some(keys), None) => print(&format!("would be fixed: {}", counted(keys, "key"))),
        (None, _) => {}
    }
    if let Some(Forwarded { keys, report }) = &repaired.forwarded {
        print(&format!(
            "fixed: {}, {} accepted, {} failed",
            counted(*keys, "key"),
            count(report.accepted as u64),
            count(report.failed as u64)
        ));
        if report.not_begun > 0 {
            print(&format!("not begun: {}", counted(report.not_begun as u64, "key")));
        }
        if report.success_records_missing > 0 {
            let missing = counted(report.success_records_missing as u64, "key");
            print(&format!("{missing} accepted without a record in the log bucket"));
        }
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn keys_that_were_not_begun_or_have_no_record_have_a_line() {
        let mut forwarded = Forwarded { keys: 9, ..Forwarded::default() };
        forwarded.report.accepted = 2;
        forwarded.report.success_records_missing = 2;
        forwarded.report.not_begun = 7;
        let repaired = Repaired { forwarded: Some(forwarded), ..Repaired::default() };
        let lines = RefCell::new(Vec::new());
        print_repaired(&repaired, |line| lines.borrow_mut().push(line.to_owned()));
        let expected = [
            "fixed: 9 keys, 2 accepted, 0 failed",
            "not begun: 7 keys",
            "2 keys accepted without a record in the log bucket",
        ];
        assert_eq!(lines.into_inner(), expected);
    }
}
