//! Whether the worker can use its queue. No message is received: that would hide it from the worker.

use sqs_worker::{About, Queue, QueueError, Redrive};

use super::Finding;
use super::Severity;
use crate::failure::{QUEUE_RIGHTS, QUEUE_URL, queue_kind, queue_remedy};

const CHECK: &str = "queue";

const WHY: &str = "consume cannot take events from the queue";

/// A receipt of no message: a request with it shows whether the permission is there, and changes nothing.
const NO_RECEIPT: &str = "oms-bridge-doctor";

pub(super) async fn check(queue: &Queue) -> Vec<Finding> {
    let About { waiting, redrive, visibility } = match queue.about().await {
        Ok(about) => about,
        Err(error) => return vec![refused(&error)],
    };
    let hidden = visibility.map(|seconds| format!(", hidden for {seconds} s by default")).unwrap_or_default();
    let mut findings = vec![Finding::ok(CHECK, format!("answers; messages waiting: {waiting}{hidden}"))];
    if redrive == Redrive::Missing {
        findings.push(Finding::bad(
            CHECK,
            Severity::Warning,
            "the queue has no redrive policy",
            "messages that cannot be parsed come back until their retention ends",
            "give the queue a redrive policy with a dead-letter queue",
        ));
    }
    let receipt = [NO_RECEIPT.to_owned()];
    let (deleted, hidden) =
        tokio::join!(queue.delete(&receipt), queue.change_visibility(&receipt, std::time::Duration::ZERO));
    let failed: Vec<QueueError> = [deleted.err(), hidden.err()].into_iter().flatten().collect();
    if failed.is_empty() {
        let what = format!("messages can be deleted and hidden; {} was not tried", QUEUE_RIGHTS[0]);
        findings.push(Finding::ok(CHECK, what));
    }
    findings.extend(failed.iter().map(refused));
    findings
}

fn refused(error: &QueueError) -> Finding {
    Finding::bad(CHECK, queue_kind(error).into(), error.to_string(), WHY, queue_remedy(error, QUEUE_URL))
}
