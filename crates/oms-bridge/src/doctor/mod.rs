//! Finds what is set up wrongly, and says what to do about it.
//!
//! | module | concern |
//! |---|---|
//! | `settings` | findings from the settings alone |
//! | `clock` | this machine's clock against a service's |
//! | `oms` | whether OMS answers, takes the signature and has the task |
//! | `bucket` | whether the log bucket can hold a journal |
//! | `ends` | whether direct copies can read and write |
//! | `mirror` | whether the bucket in `DEST` can be looked at, where OMS copies |
//! | `desk`, `queue` | whether the desk and the queue worker can use their services |
//! | `render` | the findings as text |
//!
//! All services are examined at the same time. OMS gets one signed request until a signature is accepted: the
//! gateway locks an access key after more than five bad ones.

mod bucket;
mod clock;
#[cfg(feature = "desk")]
mod desk;
mod ends;
mod mirror;
mod oms;
#[cfg(feature = "aws")]
mod queue;
mod render;
mod settings;

use chrono::{DateTime, Utc};
use serde::Serialize;

#[cfg(feature = "desk")]
pub(crate) use self::desk::DeskSetup;
pub(crate) use self::ends::CopyEnds;
pub(crate) use self::mirror::Mirror;
use crate::failure::{End, Failure, FailureKind};
use ::settings::reader::WithoutEffect;
use ::settings::{ConfigError, Problem};
use bridge_config::Settings;
use bridge_core::credentials::SourceCredentials;
use bridge_core::journal::{Journal, OpenJournal};
use bridge_core::oms::task::OmsApi;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was checked.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// Why it matters; empty when all is well.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub why: &'static str,
    /// What to do; empty when there is nothing to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// Fine.
    Ok,
    /// It works, with a risk.
    Warning,
    /// It does not work: a service cannot be reached.
    OutOfReach,
    /// It does not work.
    Problem,
    /// It does not work: credentials are refused.
    Refused,
}

impl From<FailureKind> for Severity {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Credentials => Self::Refused,
            FailureKind::OutOfReach => Self::OutOfReach,
            FailureKind::Configuration | FailureKind::Permission | FailureKind::Internal => Self::Problem,
        }
    }
}

impl Serialize for Severity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem | Self::Refused | Self::OutOfReach => "problem",
        })
    }
}

impl Finding {
    fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self { check, severity: Severity::Ok, what: what.into(), why: "", remedy: String::new() }
    }

    fn bad(
        check: &'static str,
        severity: Severity,
        what: impl Into<String>,
        why: &'static str,
        remedy: impl Into<String>,
    ) -> Self {
        Self { check, severity, what: what.into(), why, remedy: remedy.into() }
    }
}

/// All findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Diagnosis {
    /// How many problems there are.
    pub problems: usize,
    /// How many warnings there are.
    pub warnings: usize,
    /// Every finding, in the order of the checks.
    pub findings: Vec<Finding>,
}

impl Diagnosis {
    fn new(findings: Vec<Finding>) -> Self {
        let severities = || findings.iter().map(|finding| finding.severity);
        Self {
            problems: severities().filter(|severity| *severity > Severity::Warning).count(),
            warnings: severities().filter(|severity| *severity == Severity::Warning).count(),
            findings,
        }
    }

    /// The worst of all.
    pub(crate) fn severity(&self) -> Severity {
        self.findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
    }
}

impl Diagnosis {
    /// The first of the worst problems, which the exit code follows.
    pub(crate) fn failure(&self) -> Option<Failure> {
        let kind = match self.severity() {
            Severity::Ok | Severity::Warning => return None,
            Severity::OutOfReach => FailureKind::OutOfReach,
            Severity::Problem => FailureKind::Configuration,
            Severity::Refused => FailureKind::Credentials,
        };
        let Finding { check, what, remedy, .. } =
            self.findings.iter().find(|finding| finding.severity == self.severity())?;
        Some(Failure::new(kind, format_args!("{check}: {what}")).with_remedy(remedy))
    }
}

/// The diagnosis when the settings are not usable: no service is asked.
pub(crate) fn unusable(
    error: &ConfigError,
    credentials: &SourceCredentials,
    missing: &[Problem],
) -> Diagnosis {
    let mut findings = settings::problems(error);
    // If the two keys are swapped, the shown part of an access key would be part of the secret.
    let is_told = |name: &str| error.problems().iter().any(|problem| problem.setting() == name);
    if !credentials.environment_name().is_some_and(is_told) {
        findings.extend(settings::oss_credentials(credentials, missing));
    }
    Diagnosis::new(findings)
}

/// What is examined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subjects<'p> {
    /// Variables that are set, and that the mode does not use.
    pub without_effect: &'p [WithoutEffect],
    /// The settings.
    pub settings: &'p Settings,
    /// The credentials of the environment.
    pub credentials: &'p SourceCredentials,
    /// The problems to report if it has none for OSS.
    pub missing: &'p [Problem],
    /// OMS, if it is used.
    pub api: Option<&'p OmsApi>,
    /// The log bucket.
    pub journal: &'p Journal,
    /// The same with credentials; without them only its endpoint is checked.
    pub open: Option<&'p OpenJournal>,
    /// Both ends of direct copies, in copy mode.
    pub ends: Option<&'p CopyEnds>,
    /// The bucket in `DEST`, where only OMS copies.
    pub mirror: Option<&'p Mirror>,
    /// Desk and queue, if their settings are set.
    pub beside: &'p SideChecks,
}

/// Desk and queue, which are checked if their settings are set.
#[derive(Debug, Default)]
pub(crate) struct SideChecks {
    /// Problems of these settings.
    pub problems: Vec<Problem>,
    /// The desk.
    #[cfg(feature = "desk")]
    pub desk: Option<DeskSetup>,
    /// The queue of the worker.
    #[cfg(feature = "aws")]
    pub queue: Option<sqs_worker::Queue>,
}

impl SideChecks {
    async fn check(&self) -> Vec<Finding> {
        #[cfg(feature = "desk")]
        let desk = async {
            match &self.desk {
                Some(desk) => desk::check(desk).await,
                None => Vec::new(),
            }
        };
        #[cfg(not(feature = "desk"))]
        let desk = std::future::ready(Vec::new());
        #[cfg(feature = "aws")]
        let queue = async {
            match &self.queue {
                Some(queue) => queue::check(queue).await,
                None => Vec::new(),
            }
        };
        #[cfg(not(feature = "aws"))]
        let queue = std::future::ready(Vec::new());
        let (desk, queue) = tokio::join!(desk, queue);
        let mut findings = settings::of_problems(&self.problems);
        findings.extend(desk);
        findings.extend(queue);
        findings
    }
}

/// Examines everything. `id` names the objects by which buckets are tried out; nobody else should use the
/// same.
pub(crate) async fn examine(subjects: Subjects<'_>, id: &str, now: DateTime<Utc>) -> Diagnosis {
    let Subjects { settings, without_effect, credentials, missing, api, journal, open, .. } = subjects;
    let Subjects { ends, mirror, beside, .. } = subjects;
    let mut findings = settings::check(settings);
    findings.extend(without_effect.iter().copied().map(settings::without_effect));
    findings.extend(settings.mode.oms().map(settings::huawei_credentials));
    findings.extend(settings::oss_credentials(credentials, missing));
    let oms = async {
        match (api, settings.mode.oms()) {
            (Some(api), Some(oms)) => oms::check(api, &oms.sync_url, settings, now).await,
            _ => Vec::new(),
        }
    };
    let ends = async {
        match (ends, mirror) {
            (Some(ends), _) => ends::check(ends, id, now).await,
            (None, Some(mirror)) => vec![mirror::check(mirror, id).await],
            (None, None) => Vec::new(),
        }
    };
    let end = End::journal(&settings.oss, settings.log_bucket.as_str());
    let (oms, bucket, ends, beside) =
        tokio::join!(oms, bucket::check(end, journal, open, id, now), ends, beside.check());
    findings.extend(oms);
    findings.extend(bucket);
    findings.extend(ends);
    findings.extend(beside);
    Diagnosis::new(findings)
}
