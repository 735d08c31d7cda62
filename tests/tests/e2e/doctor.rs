//! `doctor`: what is found about settings, credentials, clock and OMS, and how it ends.

use chrono::{TimeDelta, Utc};
use cloud_twin::{Fault, FaultResponse, ManualClock, Service, SyncTaskHandle, SyncTaskStatus, Twin};
use e2e::cloud::{LOGS, SOURCE};
use e2e::{Cloud, Finished, OmsBridge, Settings};
use serde_json::Value;

use crate::lifecycle::Nowhere;

async fn doctor(settings: Settings) -> Finished {
    OmsBridge::new(["doctor", "--json"]).settings(settings).run().await
}

/// Check and severity of each finding that is not good.
fn bad(finished: &Finished) -> Vec<(String, String)> {
    let result = finished.json();
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    let findings = result["findings"].as_array().unwrap();
    for finding in findings.iter().filter(|finding| finding["severity"] != "ok") {
        assert!(!text(finding, "why").is_empty() && !text(finding, "remedy").is_empty(), "{finding}");
    }
    findings
        .iter()
        .filter(|finding| finding["severity"] != "ok")
        .map(|finding| (text(finding, "check"), text(finding, "severity")))
        .collect()
}

fn assert_found(finished: &Finished, code: i32, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    assert_eq!((finished.code, bad(finished)), (Some(code), expected), "{finished:?}");
}

#[tokio::test]
async fn a_good_setup_has_no_findings_and_leaves_no_trace() {
    let cloud = Cloud::start().await;
    let finished = OmsBridge::new(["doctor"]).settings(cloud.settings()).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    insta::with_settings!({filters => [(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT")]}, {
        insta::assert_snapshot!(finished.stdout);
    });
    let stats = cloud.twin.stats();
    assert_eq!(stats.requests(Service::Oms, "ShowSyncTask"), 1, "one signed request in all: {stats:?}");
    assert_eq!(cloud.oms_requests(), 0);
    assert!(cloud.twin.oss().keys(LOGS).is_empty() && cloud.twin.oss().keys(SOURCE).is_empty());
}

#[tokio::test]
async fn a_wrong_secret_key_is_tried_once() {
    let cloud = Cloud::start().await;
    let finished = doctor(cloud.settings().set("HW_SK", "wrong-secret")).await;
    assert_found(&finished, 4, &[("OMS signature", "problem")]);
    assert_eq!(cloud.twin.stats().bad_signatures[&Service::Oms], 1);
    assert!(!finished.stdout.contains("wrong-secret"), "{finished:?}");
}

#[tokio::test]
async fn the_findings_are_told_with_reason_and_remedy() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("HW_SK", "wrong").set("OMS_BATCH", "50").set("LOG_BUCKET", "other");
    let finished = OmsBridge::new(["doctor"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(4));
    insta::with_settings!({filters => [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"request id [0-9a-f]+", "request id ID"),
        (r"doctor_probe/[0-9a-f]+", "doctor_probe/PROBE"),
    ]}, { insta::assert_snapshot!(finished.stdout); });
}

#[tokio::test]
async fn a_locked_key_is_told_apart() {
    let cloud = Cloud::start().await;
    let message = "Incorrect IAM authentication information: AK access failed to reach the limit,forbidden";
    let locked = FaultResponse::error(401, "APIGW.0301", message);
    cloud.twin.faults().inject(Fault::respond(Service::Oms, locked).method("GET"));
    let finished = doctor(cloud.settings()).await;
    assert_found(&finished, 4, &[("OMS signature", "problem")]);
    assert!(finished.stdout.contains("wait five minutes"), "{finished:?}");
}

#[tokio::test]
async fn an_access_key_with_a_blank_is_found_without_a_request() {
    let cloud = Cloud::start().await;
    let finished = doctor(cloud.settings().set("HW_AK", "AK with blanks")).await;
    assert_found(&finished, 2, &[("settings", "problem")]);
    assert_eq!(cloud.twin.stats().requests(Service::Oms, "ShowSyncTask"), 0);
}

#[tokio::test]
async fn a_task_that_is_not_there_or_stopped_is_a_problem() {
    let cloud = Cloud::start().await;
    let other = SyncTaskHandle { sync_task_id: "other".to_owned(), ..cloud.task.clone() };
    let finished = doctor(cloud.settings().set("SYNC_URL", cloud.twin.sync_url(&other))).await;
    assert_found(&finished, 2, &[("sync task", "problem")]);

    cloud.twin.set_sync_task_status(&cloud.task, SyncTaskStatus::Stopped);
    let finished = doctor(cloud.settings()).await;
    assert_found(&finished, 2, &[("sync task", "problem")]);
    assert!(finished.stdout.contains("start the task"), "{finished:?}");
}

#[tokio::test]
async fn a_missing_permission_to_look_is_a_warning() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()).method("GET"));
    let finished = doctor(cloud.settings()).await;
    assert_found(&finished, 0, &[("sync task", "warning")]);
    assert!(finished.stdout.contains("grant oms:synctask:get"), "{finished:?}");
}

#[tokio::test]
async fn other_answers_of_oms_are_a_problem() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()).method("GET"));
    assert_found(&doctor(cloud.settings()).await, 5, &[("sync task", "problem")]);
    cloud.twin.faults().clear_all();
    let page = FaultResponse::error(200, "", "").body("<html>a proxy</html>");
    cloud.twin.faults().inject(Fault::respond(Service::Oms, page).method("GET"));
    assert_found(&doctor(cloud.settings()).await, 2, &[("sync task", "problem")]);
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_and_confuses_no_other_check() {
    for (minutes, severity, code) in
        [(10, "warning", 0), (-10, "warning", 0), (20, "problem", 2), (-20, "problem", 2)]
    {
        let clock = ManualClock::new(Utc::now() + TimeDelta::minutes(minutes));
        let cloud = Cloud::with(Twin::builder().clock(clock)).await;
        let finished = doctor(cloud.settings()).await;
        assert_found(&finished, code, &[("OMS", severity), ("OSS", severity)]);
        assert!(!cloud.twin.stats().bad_signatures.values().any(|&count| count > 0 && minutes.abs() < 15));
    }
}

#[tokio::test]
async fn services_that_cannot_be_reached_are_told() {
    let cloud = Cloud::start().await;
    let nowhere = Nowhere::new();
    let settings = cloud.settings().set("OSS_ENDPOINT", nowhere.url()).set("SYNC_URL", nowhere.sync_url());
    assert_found(&doctor(settings).await, 5, &[("OMS", "problem"), ("OSS", "problem")]);

    let settings = cloud.settings().set("OSS_ENDPOINT", "https://no-such-host.invalid");
    let finished = doctor(settings).await;
    assert_found(&finished, 5, &[("OSS", "problem")]);
    assert!(finished.stdout.contains("check the host in OSS_ENDPOINT"), "{finished:?}");
}

#[tokio::test]
async fn bad_settings_are_all_told_at_once_and_nothing_is_asked() {
    let cloud = Cloud::start().await;
    let settings = cloud
        .settings()
        .unset("HW_AK")
        .set("LOG_BUCKET", "Bad_Name")
        .set("OMS_BATCH", "101")
        .without_credentials();
    let finished = doctor(settings).await;
    let mut expected = vec![("settings", "problem"); 3];
    expected.push(("OSS credentials", "problem"));
    assert_found(&finished, 2, &expected);
    for name in ["HW_AK: missing", "LOG_BUCKET:", "OMS_BATCH:"] {
        assert!(finished.stdout.contains(name), "{name}: {finished:?}");
    }
    assert_eq!(cloud.connections(Service::Oms) + cloud.connections(Service::Oss), 0);
}

#[tokio::test]
async fn what_the_settings_alone_tell_is_told() {
    let cloud = Cloud::start().await;
    let finished = doctor(cloud.settings().set("OMS_BATCH", "11")).await;
    assert_found(&finished, 0, &[("OMS_BATCH", "warning")]);
    let finished = doctor(cloud.settings().set("LOG_BUCKET", SOURCE)).await;
    assert_found(&finished, 2, &[("LOG_BUCKET", "problem")]);
}

#[tokio::test]
async fn no_secret_shows() {
    let cloud = Cloud::start().await;
    let function = cloud.twin.function_account();
    let mut secrets = vec![cloud.twin.huawei_account().secret_key.clone(), function.secret_key.clone()];
    secrets.extend(function.security_token.clone());
    secrets.extend([cloud.twin.huawei_account().access_key.clone(), function.access_key.clone()]);
    for sk in [&*cloud.twin.huawei_account().secret_key, "wrong-secret"] {
        let settings = cloud.settings().set("HW_SK", sk);
        let finished = OmsBridge::new(["doctor"]).settings(settings).run().await;
        assert!(finished.stdout.contains("****"), "{finished:?}");
        for secret in secrets.iter().map(String::as_str).chain(["wrong-secret"]) {
            assert!(!finished.stdout.contains(secret) && !finished.stderr.contains(secret), "{finished:?}");
        }
    }
}
