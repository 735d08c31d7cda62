//! Whether the log bucket can hold a journal.

use chrono::{DateTime, Utc};
use oss_lite::{Error, ErrorKind, LifecycleRule, Versioning};

use super::{Finding, Severity, clock};
use crate::failure::{End, store_remedy};
use bridge_core::journal::{Journal, OpenJournal, ProbeError, ProbeStep};

const CHECK: &str = "log bucket";

pub(super) async fn check(
    end: End<'_>,
    journal: &Journal,
    open: Option<&OpenJournal>,
    id: &str,
    now: DateTime<Utc>,
) -> Vec<Finding> {
    let theirs = match journal.server_time().await {
        Ok(theirs) => theirs,
        Err(error) => return vec![unreachable(end, &error)],
    };
    let mut findings = vec![clock::compare("OSS", "OSS", theirs, now)];
    let Some(open) = open else { return findings };
    // Sequential: if the first request is refused, so are the others.
    let failed = open.probe(id).await;
    let refused = failed.iter().any(|(_, error)| kind(error) == Some(ErrorKind::CredentialsRefused));
    let missing = failed.iter().any(|(_, error)| kind(error) == Some(ErrorKind::NoSuchBucket));
    if failed.is_empty() {
        findings.push(Finding::ok(CHECK, "an object can be written, read, listed and removed"));
    }
    findings.extend(failed.iter().map(|(step, error)| probe_failed(end, *step, error)));
    if !refused && !missing {
        let (versioning, rules) = tokio::join!(open.versioning(), open.expiring());
        findings.push(self::versioning(end, versioning));
        findings.extend(lifecycle(end, rules));
    }
    findings
}

fn kind(error: &ProbeError) -> Option<ErrorKind> {
    match error {
        ProbeError::Store(error) => Some(error.kind()),
        ProbeError::Differs(_) => None,
    }
}

fn unreachable(end: End<'_>, error: &Error) -> Finding {
    Finding::bad(
        "OSS",
        end.kind_of(error).into(),
        error.to_string(),
        "no failure can be recorded, so the function has to refuse events",
        store_remedy(error, end, "PutObject"),
    )
}

fn probe_failed(end: End<'_>, step: ProbeStep, error: &ProbeError) -> Finding {
    let why = match step {
        ProbeStep::Write => "no failure can be recorded, so the function has to refuse events",
        ProbeStep::Read => "status, replay and explain cannot read records",
        ProbeStep::List => "status and replay cannot find records",
        ProbeStep::Remove => "a replay cannot remove the records of keys that were accepted",
    };
    let severity = match error {
        ProbeError::Store(error) => end.kind_of(error).into(),
        ProbeError::Differs(_) => Severity::Problem,
    };
    Finding::bad(
        CHECK,
        severity,
        format!("an object cannot be {step}: {error}"),
        why,
        remedy(end, step, error),
    )
}

fn remedy(end: End<'_>, step: ProbeStep, error: &ProbeError) -> String {
    let action = match step {
        ProbeStep::Write => "PutObject",
        ProbeStep::Read => "GetObject",
        ProbeStep::List => "ListObjects",
        ProbeStep::Remove => "DeleteObject",
    };
    match error {
        ProbeError::Store(error) => store_remedy(error, end, action),
        ProbeError::Differs(_) => "see code and message".to_owned(),
    }
}

fn versioning(end: End<'_>, versioning: Result<Versioning, Error>) -> Finding {
    const CHECK: &str = "versioning";
    match versioning {
        Ok(Versioning::Unversioned) => Finding::ok(CHECK, "the log bucket keeps no versions"),
        Ok(Versioning::Suspended) => {
            Finding::ok(CHECK, "suspended: the log bucket adds no versions to those it has")
        }
        Ok(Versioning::Enabled) => Finding::bad(
            CHECK,
            Severity::Warning,
            "the log bucket keeps every version",
            "records that a replay rewrites or removes stay as old versions, which are billed, and delete markers slow down listings",
            "suspend versioning of the log bucket, or add a lifecycle rule that removes old versions and expired delete markers",
        ),
        Err(error) => unknown(CHECK, &error, end, "GetBucketVersioning"),
    }
}

fn lifecycle(end: End<'_>, rules: Result<Vec<LifecycleRule>, Error>) -> Vec<Finding> {
    const CHECK: &str = "lifecycle";
    let rules = match rules {
        Ok(rules) => rules,
        Err(error) => return vec![unknown(CHECK, &error, end, "GetBucketLifecycle")],
    };
    if rules.is_empty() {
        return vec![Finding::ok(CHECK, "no rule removes records")];
    }
    let finding = |rule: &LifecycleRule| {
        let when = rule.expires.as_deref().unwrap_or_default();
        Finding::bad(
            CHECK,
            Severity::Warning,
            format!("rule {:?} (prefix {:?}) removes records {when}", rule.id, rule.prefix),
            "the records of keys that failed and were not replayed by then vanish, and with them the only trace of the failure",
            "restrict the rule to the prefix oms_source_record/<sync_task_id>/success_object/, or remove it",
        )
    };
    rules.iter().map(finding).collect()
}

fn unknown(check: &'static str, error: &Error, end: End<'_>, action: &str) -> Finding {
    let remedy = match error.kind() {
        ErrorKind::AccessDenied => {
            format!(
                "grant oss:{action} on the log bucket to the user who runs doctor, or look in the console"
            )
        }
        _ => store_remedy(error, end, action),
    };
    Finding::bad(
        check,
        Severity::Warning,
        format!("unknown: {error}"),
        "versioning and lifecycle rules of the log bucket can hide or remove records",
        remedy,
    )
}
