//! Whether OMS answers, takes the signature, and has the task.

use chrono::{DateTime, TimeDelta, Utc};
use oss_lite::BucketName;

use super::{Finding, Severity, clock};
use bridge_core::oms::SyncUrl;
use bridge_core::oms::task::{ApiError, OmsApi, SyncTask, Trouble};

const TASK: &str = "sync task";
const SIGNATURE: &str = "OMS signature";

pub(super) async fn check(
    api: &OmsApi,
    target: &SyncUrl,
    log_bucket: &BucketName,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let theirs = match api.server_time().await {
        Ok(theirs) => theirs,
        Err(error) => return vec![unreachable(target.host(), &error)],
    };
    let mut findings = vec![clock::compare("OMS", "OMS", theirs, now)];
    // Signed with their time where ours is off, as the function does it: the one signed request must tell something else.
    let off = (theirs - now).abs() > TimeDelta::minutes(1);
    match api.show(if off { theirs } else { now }).await {
        Ok(task) => {
            findings.push(Finding::ok(SIGNATURE, "accepted"));
            findings.push(self::task(&task));
            findings.extend(own_source(&task, log_bucket));
        }
        Err(error) => findings.extend(refusal(&error)),
    }
    findings
}

fn unreachable(host: &str, error: &ApiError) -> Finding {
    Finding::bad(
        "OMS",
        Severity::Problem,
        format!("{host} cannot be reached: {error}"),
        "no key can be sent; keys that arrive meanwhile fail and are recorded",
        network_remedy("SYNC_URL", &error.to_string()),
    )
}

/// What to look at, by what the network said.
pub(super) fn network_remedy(setting: &str, error: &str) -> String {
    let error = error.to_ascii_lowercase();
    if error.contains("dns") || error.contains("lookup") || error.contains("resolve") {
        return format!(
            "the name cannot be resolved: check the host in {setting}, and the DNS of this machine"
        );
    }
    if error.contains("certificate") || error.contains("tls") {
        return format!(
            "TLS fails: check the host in {setting}, and whether a proxy on the way replaces certificates"
        );
    }
    format!("check host and port in {setting}, HTTPS_PROXY, firewall and security group")
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

fn own_source(task: &SyncTask, log_bucket: &BucketName) -> Option<Finding> {
    (task.src_bucket == log_bucket.as_str()).then(|| {
        Finding::bad(
            "LOG_BUCKET",
            Severity::Problem,
            format!("{log_bucket} is the source bucket of the task"),
            "every record would raise an event and be forwarded itself; the function refuses such events",
            "create a second bucket in the same region and set LOG_BUCKET to it",
        )
    })
}

fn refusal(error: &ApiError) -> Vec<Finding> {
    let finding =
        |check, severity, why, remedy: &str| Finding::bad(check, severity, error.to_string(), why, remedy);
    let accepted = Finding::ok(SIGNATURE, "accepted");
    match error.trouble() {
        Trouble::CredentialsRefused => vec![finding(
            SIGNATURE,
            Severity::Refused,
            "no key can be sent, and after five bad signatures in a row Huawei locks the access key for five minutes, for everybody",
            "check HW_AK, HW_SK and HW_SECURITY_TOKEN, character by character; make a new key pair if in doubt",
        )],
        Trouble::Locked => vec![finding(
            SIGNATURE,
            Severity::Refused,
            "the access key is locked, since somebody signed with a wrong secret key five times in a row",
            "find out who uses HW_AK with a wrong HW_SK and stop that; then wait five minutes",
        )],
        Trouble::Unsigned => vec![finding(
            SIGNATURE,
            Severity::Problem,
            "no request can be signed",
            "set HW_AK, HW_SK and HW_SECURITY_TOKEN again, without blanks and line ends",
        )],
        Trouble::NotPermitted => vec![
            accepted,
            finding(
                TASK,
                Severity::Warning,
                "the signature is good, but whether the task exists and runs cannot be seen. Sending needs another permission, \
                 oms:synctask:createEvent, which only sending can try",
                "grant oms:synctask:get (and oms:synctask:statistics for `status`) to the user of HW_AK",
            ),
        ],
        Trouble::NoSuchTask => vec![
            accepted,
            finding(
                TASK,
                Severity::Problem,
                "there is no such task in that project and region: every key fails",
                "copy SYNC_URL from the task's page again; if the task was deleted, create a new one",
            ),
        ],
        Trouble::Unreachable => vec![finding(
            TASK,
            Severity::Problem,
            "OMS answers, but not to this question",
            "check that SYNC_URL names OMS and no other service; try again later",
        )],
        Trouble::Rejected => vec![
            accepted,
            finding(
                TASK,
                Severity::Problem,
                "OMS does not tell about the task",
                "see code and message; if it is a 5xx, try again later",
            ),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_remedy_fits_what_happened() {
        for (error, remedy) in [
            ("dns error: failed to lookup address information", "cannot be resolved"),
            ("invalid peer certificate: UnknownIssuer", "TLS fails"),
            ("Connection refused (os error 111)", "check host and port"),
        ] {
            assert!(network_remedy("X", error).contains(remedy), "{error}");
        }
    }
}
