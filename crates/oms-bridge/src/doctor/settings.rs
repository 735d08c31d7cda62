//! Findings from the settings alone.

use super::{Finding, Severity};
use bridge_config::{Mode, OmsSettings, Settings};
use bridge_core::credentials::SourceCredentials;
use bridge_core::oms::SyncUrl;
use settings::reader::WithoutEffect;
use settings::service::Service;
use settings::text::masked;
use settings::{ConfigError, Problem, lenient};
use terminal::numbers::counted;

/// Regions where sync tasks are documented. More may follow, so another one is only a warning.
const REGIONS: [&str; 3] = ["cn-north-4", "cn-east-3", "cn-southwest-2"];

/// Keys per request by the text of the API page; its parameter table says 100.
const DOCUMENTED_BATCH: usize = 10;

pub(super) fn problems(error: &ConfigError) -> Vec<Finding> {
    of_problems(error.problems())
}

pub(super) fn of_problems(problems: &[Problem]) -> Vec<Finding> {
    let finding = |problem: &Problem| {
        const HOW: &str = "set it in the environment, or by the option of the same name";
        let named_by = problem.setting();
        let remedy = match (problem.remedy(), problem.about()) {
            (Some(remedy), _) => remedy.to_owned(),
            (None, Some(what)) => format!("{HOW}: {what}"),
            (None, None) if problem.what().starts_with("missing") => HOW.to_owned(),
            (None, None) => format!("correct {named_by}"),
        };
        let what = format!("{}: {}", problem.setting(), problem.what());
        Finding::bad("settings", Severity::Problem, what, "no command starts with unusable settings", remedy)
    };
    problems.iter().map(finding).collect()
}

pub(super) fn check(settings: &Settings) -> Vec<Finding> {
    let Settings { log_bucket, oss, .. } = settings;
    let (oss_endpoint, oss_region) = (&oss.endpoint, oss.region.as_deref().unwrap_or("no region"));
    let complete = match &settings.mode {
        Mode::Oms(_) => format!("complete; log bucket {log_bucket} at {oss_endpoint} ({oss_region})"),
        mode => format!(
            "complete; mode {}, log bucket {log_bucket} at {oss_endpoint} ({oss_region})",
            mode.forward_mode()
        ),
    };
    let mut findings = vec![Finding::ok("settings", complete)];
    findings.extend(other_region(oss));
    if let Some(oms) = settings.mode.oms() {
        findings.push(address(&oms.sync_url));
        findings.extend(region(&oms.sync_url));
        findings.push(batch(oms.batch));
    }
    findings
}

/// A variable that is set, and that the mode does not use.
pub(super) fn without_effect(variable: WithoutEffect) -> Finding {
    Finding::bad(
        "settings",
        Severity::Warning,
        variable.to_string(),
        "somebody may rely on it",
        "set FORWARD_MODE to a mode that uses it, or unset it",
    )
}

/// The hosts of Finance Cloud do not name its regions.
fn other_region(oss: &Service) -> Option<Finding> {
    let (region, named) = (oss.region.as_deref()?, oss.endpoint.region_hint()?);
    let differs = region != named && !region.contains("finance") && !named.contains("finance");
    // A host that no region has is a problem of its own, and names none to set.
    let wrong_host = lenient::slip(oss.endpoint.host()).is_some();
    (differs && !wrong_host && !named.starts_with("cn-hzjbp")).then(|| {
        Finding::bad(
            "OSS region",
            Severity::Warning,
            format!(
                "{} is {region}, and the host in {} names {named}",
                oss.region_setting, oss.endpoint_setting
            ),
            "OSS refuses requests that are signed for another region than its own",
            format!("set {} to {named}, or leave it out", oss.region_setting),
        )
    })
}

fn address(target: &SyncUrl) -> Finding {
    const CHECK: &str = "SYNC_URL";
    let host = target.host();
    if target.is_local() {
        return Finding::ok(CHECK, format!("task {} at {host}, which is this machine", target.task()));
    }
    if !target.is_https() {
        return Finding::bad(
            CHECK,
            Severity::Warning,
            format!("{target} is not https"),
            "object names, and the token of temporary credentials, are sent unencrypted",
            "use the https address from the task's page",
        );
    }
    if region_in(host).is_none() {
        return Finding::bad(
            CHECK,
            Severity::Warning,
            format!("{host} does not look like OMS"),
            "OMS listens at oms.<region>.myhuaweicloud.com; another host is right only for a reason, such as a proxy",
            "copy the \"synchronization request receiving address\" from the task's page",
        );
    }
    Finding::ok(CHECK, format!("task {} at {host}", target.task()))
}

fn region(target: &SyncUrl) -> Option<Finding> {
    const CHECK: &str = "OMS region";
    let region = region_in(target.host())?;
    if REGIONS.contains(&region) {
        return Some(Finding::ok(CHECK, format!("sync tasks are documented for {region}")));
    }
    Some(Finding::bad(
        CHECK,
        Severity::Warning,
        format!("sync tasks are not documented for {region}, only for {}", REGIONS.join(", ")),
        "OMS has endpoints in more regions than sync tasks are available in",
        "check whether the console offers synchronization tasks in that region; if it does, ignore this",
    ))
}

fn region_in(host: &str) -> Option<&str> {
    host.strip_prefix("oms.")?.strip_suffix(".myhuaweicloud.com").filter(|region| !region.contains('.'))
}

fn batch(batch: usize) -> Finding {
    const CHECK: &str = "OMS_BATCH";
    if batch <= DOCUMENTED_BATCH {
        return Finding::ok(CHECK, format!("up to {} a request", counted(batch as u64, "key")));
    }
    Finding::bad(
        CHECK,
        Severity::Warning,
        format!("up to {} a request, and OMS documents {DOCUMENTED_BATCH}", counted(batch as u64, "key")),
        "OMS may refuse larger requests with 400; every batch is then halved until it is small enough",
        format!("set OMS_BATCH to {DOCUMENTED_BATCH}, unless Huawei has confirmed more for your tenant"),
    )
}

pub(super) fn huawei_credentials(oms: &OmsSettings) -> Finding {
    let token = if oms.huawei.is_temporary() { ", with a token" } else { ", permanent" };
    let key = masked(oms.huawei.access_key());
    Finding::ok("Huawei credentials", format!("HW_AK {key}{token}"))
}

/// The credentials of OSS in the environment. `missing` are the problems to report if there are none.
pub(super) fn oss_credentials(source: &SourceCredentials, missing: &[Problem]) -> Vec<Finding> {
    const CHECK: &str = "OSS credentials";
    if let (Ok(credentials), Some(name)) = (source.from_environment(), source.environment_name()) {
        let token = if source.environment_is_temporary() { ", with a token" } else { ", permanent" };
        let key = masked(credentials.access_key_id());
        return vec![Finding::ok(CHECK, format!("{name} {key}{token}"))];
    }
    let finding = |problem: &Problem| {
        Finding::bad(
            CHECK,
            Severity::Problem,
            format!("{}: {}", problem.setting(), problem.what()),
            "the log bucket cannot be opened. A deployed function has the credentials of its role, this command does not",
            problem.remedy().unwrap_or_default(),
        )
    };
    missing.iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str) -> SyncUrl {
        SyncUrl::parse(&format!("{host}/v2/p/sync-tasks/t/events")).unwrap()
    }

    #[test]
    fn an_address_of_oms_is_fine_and_others_are_a_warning() {
        for (host, severity) in [
            ("https://oms.cn-north-4.myhuaweicloud.com", Severity::Ok),
            ("http://127.0.0.1:9003", Severity::Ok),
            ("http://[::1]:9003", Severity::Ok),
            ("http://localhost:9003", Severity::Ok),
            ("http://oms.cn-north-4.myhuaweicloud.com", Severity::Warning),
            ("https://oms.example.com", Severity::Warning),
            ("https://obs.cn-north-4.myhuaweicloud.com", Severity::Warning),
            ("https://oms.a.b.myhuaweicloud.com", Severity::Warning),
        ] {
            assert_eq!(address(&target(host)).severity, severity, "{host}");
        }
    }

    #[test]
    fn a_region_without_documented_sync_tasks_is_a_warning() {
        let severity = |host: &str| region(&target(host)).map(|finding| finding.severity);
        assert_eq!(severity("https://oms.cn-southwest-2.myhuaweicloud.com"), Some(Severity::Ok));
        assert_eq!(severity("https://oms.cn-south-1.myhuaweicloud.com"), Some(Severity::Warning));
        assert_eq!(severity("http://127.0.0.1:1"), None);
    }

    #[test]
    fn a_region_is_not_to_follow_a_host_that_no_region_has() {
        let finding = |host: &str| {
            other_region(&Service {
                dialect: oss_lite::Dialect::Oss,
                endpoint: host.parse().unwrap(),
                region: Some("cn-hangzhou".to_owned()),
                signature: oss_lite::SignatureVersion::V4,
                endpoint_setting: "OSS_ENDPOINT",
                region_setting: "OSS_REGION",
                keys: bridge_config::keys::HUAWEI_NAMES,
            })
        };
        let remedy = finding("oss-cn-beijing.aliyuncs.com").map(|finding| finding.remedy);
        assert_eq!(remedy.as_deref(), Some("set OSS_REGION to cn-beijing, or leave it out"));
        assert!(finding("oss-cn-hangzou.aliyuncs.com").is_none());
    }

    #[test]
    fn more_keys_than_documented_are_a_warning() {
        assert_eq!(batch(10).severity, Severity::Ok);
        assert_eq!(batch(11).severity, Severity::Warning);
    }

    #[test]
    fn credentials_are_named_by_their_variable_and_masked() {
        let source = SourceCredentials::new(|name| match name {
            "OSS_ACCESS_KEY_ID" => Some("LTAI5tAbCdEfGh01".to_owned()),
            "OSS_ACCESS_KEY_SECRET" => Some("hush".to_owned()),
            _ => None,
        });
        assert_eq!(oss_credentials(&source, &[])[0].what, "OSS_ACCESS_KEY_ID LTAI****01, permanent");
        let missing = [Problem::new("OSS_ACCESS_KEY_ID", settings::Invalid::new("missing"))];
        let none = oss_credentials(&SourceCredentials::new(|_| None), &missing);
        assert_eq!((&*none[0].what, none[0].severity), ("OSS_ACCESS_KEY_ID: missing", Severity::Problem));
    }
}
