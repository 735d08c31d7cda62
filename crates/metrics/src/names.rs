//! Every metric. A name is part of the interface: dashboards and alert rules are built on it.

use std::fmt;

/// What all names begin with.
pub const PREFIX: &str = "oms_bridge_";

/// A metric.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name without [`PREFIX`].
    pub name: &'static str,
    /// How its values change.
    pub kind: Kind,
    /// What it says, in one line.
    pub help: &'static str,
    /// Names of its labels.
    pub labels: &'static [&'static str],
}

/// How values change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow, from 0 at the start of the process.
    Counter,
    /// They rise and fall.
    Gauge,
    /// Counts of values by size.
    Histogram,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        })
    }
}

/// Declares metrics, and [`ALL`] of them.
macro_rules! metrics {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(
            #[doc = concat!("`oms_bridge_", $name, "`: see its help.")]
            pub const $constant: Metric =
                Metric { name: $name, kind: Kind::$kind, help: $help, labels: &[$($label),*] };
        )*

        /// All metrics, in the order of the documentation.
        pub const ALL: &[Metric] = &[$($constant),*];
    };
}

metrics! {
    // Of every process.
    BUILD_INFO: Gauge "build_info" ["version"] "1, with the version of the program.";

    // Of `serve`.
    INVOCATIONS: Counter "invocations_total" [] "Events handled.";
    INVOCATIONS_FAILED: Counter "invocations_failed_total" []
        "Events that ended in an error, for the platform to try again.";

    // Of a queue worker.
    MESSAGES_RECEIVED: Counter "messages_received_total" [] "Messages received, redelivered ones included.";
    MESSAGES_DELETED: Counter "messages_deleted_total" [] "Messages deleted: all their changes are done.";
    MESSAGES_NOT_DELETED: Counter "messages_not_deleted_total" []
        "Processed messages that the queue did not delete.";
    MESSAGES_POISON: Counter "messages_poison_total" [] "Receipts of messages that cannot be parsed.";
    MESSAGES_RELEASED: Counter "messages_released_total" [] "Messages released for another try.";
    MESSAGES_AGAIN: Counter "messages_again_total" []
        "Messages that were redelivered while they were processed.";
    MESSAGES_IN_FLIGHT: Gauge "messages_in_flight" [] "Messages being worked on.";
    QUEUE_ERRORS: Counter "queue_errors_total" [] "Requests to the queue that failed.";
    QUEUE_HEALTHY: Gauge "queue_healthy" [] "1 if the queue answers, 0 if it has not for a minute.";

    // Of whatever forwards.
    KEYS_ACCEPTED: Counter "keys_accepted_total" [] "Keys accepted by the engine.";
    KEYS_FAILED: Counter "keys_failed_total" [] "Keys that failed.";
    KEYS_UNRECORDED: Counter "keys_unrecorded_total" [] "Failed keys that are not in the journal.";
    CHANGES_SKIPPED: Counter "changes_skipped_total" [] "Changes that were skipped.";
    ENGINE_REQUESTS: Counter "engine_requests_total" []
        "Requests to OMS, and objects looked at for copies.";
    EVENT_TO_ACCEPTED: Histogram "event_to_accepted_seconds" []
        "Time from an event to the acceptance of its key by the engine.";
    JOURNAL_RECORDS: Counter "journal_records_total" [] "Records written to the journal.";
    JOURNAL_ERRORS: Counter "journal_errors_total" []
        "Records that the journal did not take: the log bucket refuses or does not answer.";
    BREAKERS_OPEN: Gauge "breakers_open" []
        "Credentials that nothing is signed with for a while, since a service refused them.";

    // Of the desk.
    DESK_UPLOADS_ALLOWED: Counter "desk_uploads_allowed_total" [] "Uploads that were allowed.";
    DESK_UPLOADS_DUPLICATE: Counter "desk_uploads_duplicate_total" [] "Uploads that were not needed.";
    DESK_CALLBACKS: Counter "desk_callbacks_total" [] "Callbacks of OSS that were accepted.";
    DESK_CALLBACKS_REFUSED: Counter "desk_callbacks_refused_total" [] "Callbacks that were refused.";
    DESK_OBJECTS_STORED: Counter "desk_objects_stored_total" [] "Objects that arrived.";
    DESK_OBJECTS_FORWARDED: Counter "desk_objects_forwarded_total" []
        "Objects accepted by the engine or in the journal.";
    DESK_OBJECTS_REMOVED: Counter "desk_objects_removed_total" [] "Objects that were removed.";
    DESK_WORK_PUT_OFF: Counter "desk_work_put_off_total" [] "Pieces of work that failed and are tried again.";

    // Of the journal, as `status` reads it.
    KEYS_WAITING: Gauge "keys_waiting" ["task"] "Keys that failed and wait for a replay.";
    KEYS_WAITING_BY_CLASS: Gauge "keys_waiting_by_class" ["task", "class"]
        "Of the keys that wait for a replay, those whose record was read, by class of the last failure.";
    KEYS_DEAD: Gauge "keys_dead" ["task"] "Keys that were set aside after too many attempts.";
    OLDEST_WAITING: Gauge "oldest_waiting_seconds" ["task"]
        "How long the key that has waited longest for a replay has been waiting; 0 if none waits.";

    // Of accepted keys, as `status` finds their records. In the words of Amazon S3's replication metrics.
    REPLICATION_LATENCY: Histogram "replication_latency_seconds" ["task"]
        "ReplicationLatency: time from an event to the arrival of its object, of the confirmed keys that are on record.";
    RECORDED_EVENT_TO_ACCEPTED: Histogram "recorded_event_to_accepted_seconds" ["task"]
        "Time from an event to the acceptance of its key, of the confirmed keys that are on record.";
    RECORDED_ACCEPTED_TO_ARRIVED: Histogram "recorded_accepted_to_arrived_seconds" ["task"]
        "Time from the acceptance of a key to the arrival of its object, of the confirmed keys that are on record.";
    OPERATIONS_PENDING: Gauge "operations_pending_replication" ["task"]
        "OperationsPendingReplication: accepted keys that are not confirmed yet, late ones included.";
    BYTES_PENDING: Gauge "bytes_pending_replication" ["task"]
        "BytesPendingReplication: bytes of these, as their events said; absent if not all records were read.";
    OPERATIONS_FAILED: Gauge "operations_failed_replication" ["task"]
        "OperationsFailedReplication: accepted keys that were given up, since they did not arrive.";
    OPERATIONS_MISSED: Gauge "operations_missed_threshold" ["task"]
        "OperationMissedThreshold: accepted keys that are late and not there.";
    OPERATIONS_AFTER_THRESHOLD: Gauge "operations_replicated_after_threshold" ["task"]
        "OperationReplicatedAfterThreshold: keys on record that arrived late.";
    WITHIN_THRESHOLD: Gauge "replicated_within_threshold_ratio" ["task"]
        "Share of keys that arrived in time, of those that arrived or are late; the goal is 0.9999; absent if there are none.";
    OPERATIONS_ESCALATED: Gauge "operations_escalated" ["task", "to"]
        "Keys on record that had not arrived in time, and were sent again, copied directly or given up.";
    KEYS_CONFIRMED: Gauge "keys_confirmed" ["task"] "Keys on record that were confirmed to have arrived.";
    OLDEST_UNCONFIRMED: Gauge "oldest_unconfirmed_seconds" ["task"]
        "How long the accepted key that has waited longest for its confirmation has been waiting; 0 if none waits.";

    // Of the timer that compares both sides, as `status` finds its last whole round.
    RECONCILE_KEYS: Gauge "reconcile_keys" ["task", "result"]
        "Keys of the last whole comparison of both sides, by result.";
    RECONCILE_SENT: Gauge "reconcile_sent" ["task"]
        "Of the keys that were missing or different in that comparison, those that were sent.";
    RECONCILE_ENDED: Gauge "reconcile_ended_timestamp_seconds" ["task"]
        "When that comparison ended, in Unix time, by the log bucket's clock.";
    RECONCILE_DURATION: Gauge "reconcile_duration_seconds" ["task"]
        "Time from the beginning of that comparison to its end, over all of its slices.";

    // Of a run of a command, by `--metrics`.
    RUN_STARTED: Gauge "run_started_timestamp_seconds" ["command", "run"] "When the run began, in Unix time.";
    RUN_FINISHED: Gauge "run_finished_timestamp_seconds" ["command", "run"]
        "When the run ended, in Unix time; absent while it goes on.";
    RUN_WRITTEN: Gauge "run_written_timestamp_seconds" ["command", "run"]
        "When these metrics were written, in Unix time: if that is long ago and the run has not ended, it was killed.";
    RUN_DURATION: Gauge "run_duration_seconds" ["command", "run"] "How long the run has taken so far.";
    RUN_EXIT_CODE: Gauge "run_exit_code" ["command", "run"]
        "Exit code of the run: 0 if nothing failed; absent while it goes on.";
    RUN_PROGRESS: Gauge "run_progress" ["command", "run"] "Items that the run is done with so far.";
    RUN_PROGRESS_GOAL: Gauge "run_progress_goal" ["command", "run"]
        "Items that the run is going to work on; absent until it is known.";
    RUN_BYTES: Gauge "run_bytes" ["command", "run"] "Bytes that the run has transferred so far.";
    RUN_KEYS: Gauge "run_keys" ["command", "run", "outcome"] "Keys of the run by outcome, at its end.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_of_one_form() {
        let names: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for Metric { name, kind, help, labels } in ALL {
            let plain = |text: &str| text.bytes().all(|byte| byte == b'_' || byte.is_ascii_lowercase());
            assert!(plain(name) && labels.iter().all(|label| plain(label)), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}");
        }
    }
}
