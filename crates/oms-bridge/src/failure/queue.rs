//! Errors of the queue: their kind, and what to do.

use sqs_worker::{QueueError, QueueErrorKind};

use super::FailureKind;

/// The setting of the queue, which has the host too, unless an endpoint is given.
pub(crate) const QUEUE_URL: &str = "QUEUE_URL";

/// The actions that the worker needs on its queue.
pub(crate) const QUEUE_RIGHTS: [&str; 4] =
    ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"];

/// The kind of an error of the queue.
pub(crate) fn queue_kind(error: &QueueError) -> FailureKind {
    match error.kind() {
        QueueErrorKind::Refused if error.lacks_right() => FailureKind::Permission,
        QueueErrorKind::Refused => FailureKind::Credentials,
        QueueErrorKind::Unusable => FailureKind::Configuration,
        QueueErrorKind::Transient => FailureKind::OutOfReach,
    }
}

/// What to do about it.
/// `endpoint` is the setting or option that has the host.
pub(crate) fn queue_remedy(error: &QueueError, endpoint: &str) -> String {
    match queue_kind(error) {
        FailureKind::Credentials => {
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the credentials that AWS's own tools find on this machine".to_owned()
        }
        FailureKind::Permission => format!("allow {} on the queue in IAM", QUEUE_RIGHTS.join(", ")),
        FailureKind::OutOfReach => {
            format!("check the host in {endpoint} and the network, or try again later")
        }
        FailureKind::Configuration | FailureKind::Internal => {
            if endpoint == QUEUE_URL {
                "check QUEUE_URL and AWS_REGION".to_owned()
            } else {
                format!("check QUEUE_URL, {endpoint} and AWS_REGION")
            }
        },
    }
}
