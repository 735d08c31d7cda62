//! Whether OMS answers, takes the signature, and has the task.

use chrono::{DateTime, TimeDelta, Utc};
use oss_lite::BucketName;

use super::{Finding, Severity, clock};
use crate::failure::{self, network_kind, network_remedy};
use bridge_config::Settings;
use bridge_core::oms::SyncUrl;
use bridge_core::oms::task::{ApiError, ApiErrorKind, OmsApi, SyncTask};
use http_client::TransportKind;

const TASK: &str = "sync task";
const SIGNATURE: &str = "OMS signature";

pub(super) async fn check(
    api: &OmsApi,
    target: &SyncUrl,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let theirs = match api.server_time().await {
        Ok(theirs) => theirs,
        Err(error) => return vec![unreachable(target.host(), &error)],
    };
    let mut findings = vec![clock::compare("OMS", "OMS", theirs, now)];
    // Signed with the service's time if ours is off, as the function does: a wrong clock must not hide what
    // else is wrong.
    let off = (theirs - now).abs() > TimeDelta::minutes(1);
    match api.show(if off { theirs } else { now }).await {
        Ok(task) => {
            findings.push(Finding::ok(SIGNATURE, "accepted"));
            findings.push(self::task(&task));
            findings.extend(comparison(&task));
            findings.extend(other_buckets(&task, settings));
            findings.extend(own_source(&task, &settings.log_bucket));
            // The signature was accepted, so another request does not risk a lock of the access key.
            findings.extend(counters(api, if off { theirs } else { now }).await);
        }
        Err(error) => findings.extend(refusal(&error, settings)),
    }
    findings
}

fn transport(error: &ApiError) -> TransportKind {
    match error.kind() {
        ApiErrorKind::Unreachable(kind) => kind,
        _ => TransportKind::Other,
    }
}

fn unreachable(host: &str, error: &ApiError) -> Finding {
    Finding::bad(
        "OMS",
        network_kind(host, transport(error)).into(),
        format!("{host} cannot be reached: {error}"),
        "no key can be sent; keys that arrive meanwhile fail and are recorded",
        network_remedy("SYNC_URL", host, transport(error)),
    )
}

fn task(task: &SyncTask) -> Finding {
    let SyncTask { status, src_bucket, dst_bucket, dst_region, consistency_check, .. } = task;
    let what = format!(
        "{status}, from oss://{src_bucket} to obs://{dst_bucket} in {dst_region}, compares by {consistency_check}"
    );
    if task.is_running() {
        return Finding::ok(TASK, what);
    }
    Finding::bad(
        TASK,
        Severity::Problem,
        what,
        "a task that is not SYNCHRONIZING takes no events: every key fails",
        "start the task in the console of OMS, then oms-bridge replay",
    )
}

/// The other checks compare sizes and times: an object that changes while it is copied, and keeps its size,
/// can stay as it was.
fn comparison(task: &SyncTask) -> Option<Finding> {
    const CRC64: &str = "crc64";
    (!task.consistency_check.eq_ignore_ascii_case(CRC64)).then(|| {
        Finding::bad(
            "consistency check",
            Severity::Warning,
            format!("the task compares by {}, not by {CRC64}", task.consistency_check),
            "an object that is overwritten with one of the same size while OMS copies it may keep the old content, and corrupt bytes go unnoticed",
            "create the task again with the consistency check crc64; it cannot be changed later",
        )
    })
}

/// The right that only `status` needs.
async fn counters(api: &OmsApi, now: DateTime<Utc>) -> Option<Finding> {
    const CHECK: &str = "OMS statistics";
    let error = api.statistics(std::time::Duration::from_hours(1), now).await.err()?;
    let remedy = match error.kind() {
        ApiErrorKind::NotPermitted => "allow oms:synctask:statistics to the user of HW_AK in IAM",
        _ => "try again later",
    };
    Some(Finding::bad(
        CHECK,
        Severity::Warning,
        error.to_string(),
        "status shows the task, but not how many keys it has received, copied and failed",
        remedy,
    ))
}

fn own_source(task: &SyncTask, log_bucket: &BucketName) -> Option<Finding> {
    (task.src_bucket == log_bucket.as_str()).then(|| {
        Finding::bad(
            "LOG_BUCKET",
            Severity::Problem,
            format!("{log_bucket} is the source bucket of the task"),
            "every record would raise an event and be forwarded too; the function refuses such events",
            "create a second bucket in the same region and set LOG_BUCKET to it",
        )
    })
}

/// Buckets that are others than those of the task. What the task does not report is not compared.
fn other_buckets(task: &SyncTask, settings: &Settings) -> impl Iterator<Item = Finding> {
    let source = settings.source.only.as_ref().map_or("", |(_, bucket)| bucket);
    let destination = settings.destination().map_or("", |destination| destination.place.bucket.as_str());
    let source_why = "every event of the task's bucket is refused, and keys of the other one fail at OMS";
    let destination_why = match settings.mode.copy() {
        Some(_) => "OMS and copies write to different buckets",
        None => "commands that look at the destination look at another bucket than OMS writes to",
    };
    [
        ("SOURCE_BUCKET", source, &task.src_bucket, source_why),
        ("DEST", destination, &task.dst_bucket, destination_why),
    ]
    .into_iter()
    .filter(|(_, ours, theirs, ..)| !ours.is_empty() && !theirs.is_empty() && ours != theirs)
    .map(|(check, ours, theirs, why)| {
        let what = format!("{ours} is not {theirs}, the bucket of the task");
        let remedy = format!("set {check} to {theirs}, or SYNC_URL to the task of {ours}");
        Finding::bad(check, Severity::Problem, what, why, remedy)
    })
}

/// What a refusal means, and what to do.
struct Advice {
    /// Whether the signature was accepted nevertheless.
    signed: bool,
    check: &'static str,
    severity: Severity,
    why: &'static str,
    remedy: &'static str,
}

const CREDENTIALS_REFUSED: Advice = Advice {
    signed: false,
    check: SIGNATURE,
    severity: Severity::Refused,
    why: "no key can be sent, and after more than five bad signatures in a row Huawei locks the access key for five minutes, for everybody",
    remedy: "check HW_AK, HW_SK and HW_SECURITY_TOKEN, character by character; make a new key pair if in doubt",
};

const LOCKED: Advice = Advice {
    signed: false,
    check: SIGNATURE,
    severity: Severity::Refused,
    why: "the access key is locked, because requests were signed with a wrong secret key more than five times in a row",
    remedy: failure::LOCKED,
};

const UNSIGNED: Advice = Advice {
    signed: false,
    check: SIGNATURE,
    severity: Severity::Problem,
    why: "no request can be signed",
    remedy: "set HW_AK, HW_SK and HW_SECURITY_TOKEN again, without spaces or line breaks",
};

const NOT_PERMITTED: Advice = Advice {
    signed: true,
    check: TASK,
    severity: Severity::Warning,
    why: "the signature is good, but whether the task exists and runs cannot be seen. Sending needs another permission, \
          oms:synctask:createEvent, which only sending can try",
    remedy: "grant oms:synctask:get (and oms:synctask:statistics for `status`) to the user of HW_AK",
};

const NO_SUCH_TASK: Advice = Advice {
    signed: true,
    check: TASK,
    severity: Severity::Problem,
    why: "there is no such task in that project and region: every key fails",
    remedy: failure::NO_SUCH_TASK,
};

const UNREACHABLE: Advice = Advice {
    signed: false,
    check: TASK,
    severity: Severity::Problem,
    why: "OMS responds, but refuses this request",
    remedy: "check that SYNC_URL names OMS and no other service; try again later",
};

const OUT_OF_ORDER: Advice = Advice {
    signed: false,
    check: TASK,
    severity: Severity::OutOfReach,
    why: "OMS is unavailable; keys that arrive meanwhile fail and are recorded",
    remedy: "try again later; the timer's replay sends what failed",
};

const REJECTED: Advice = Advice {
    signed: true,
    check: TASK,
    severity: Severity::Problem,
    why: "OMS does not report the state of the task",
    remedy: "see code and message",
};

impl Advice {
    fn on(error: &ApiError) -> &'static Self {
        match error.kind() {
            ApiErrorKind::CredentialsRefused => &CREDENTIALS_REFUSED,
            ApiErrorKind::Locked => &LOCKED,
            ApiErrorKind::Unsigned => &UNSIGNED,
            ApiErrorKind::NotPermitted => &NOT_PERMITTED,
            ApiErrorKind::NoSuchTask => &NO_SUCH_TASK,
            ApiErrorKind::Unreachable(_) | ApiErrorKind::NotOms | ApiErrorKind::TooLong => &UNREACHABLE,
            ApiErrorKind::Rejected if error.is_of_service() => &OUT_OF_ORDER,
            ApiErrorKind::Rejected => &REJECTED,
        }
    }
}

/// What to do about keys that are refused, or cannot be used. A token is named only where one is set.
fn of_keys(error: &ApiError, settings: &Settings) -> Option<&'static str> {
    let has_token = settings.mode.oms().is_some_and(|oms| oms.huawei.is_temporary());
    match error.kind() {
        _ if has_token => None,
        ApiErrorKind::CredentialsRefused => {
            let found = failure::key_at_fault(&error.to_string()).map(|(_, remedy)| remedy);
            found.or(Some("check HW_AK and HW_SK, character by character; make a new key pair if in doubt"))
        }
        ApiErrorKind::Unsigned => Some("set HW_AK and HW_SK again, without spaces or line breaks"),
        _ => None,
    }
}

fn refusal(error: &ApiError, settings: &Settings) -> Vec<Finding> {
    let Advice { signed, check, severity, why, remedy } = *Advice::on(error);
    let remedy = of_keys(error, settings).unwrap_or(remedy);
    let accepted = signed.then(|| Finding::ok(SIGNATURE, "accepted"));
    accepted.into_iter().chain([Finding::bad(check, severity, error.to_string(), why, remedy)]).collect()
}
