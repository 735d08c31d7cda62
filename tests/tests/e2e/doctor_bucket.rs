//! `doctor`: what is found about the log bucket.

use chrono::Utc;
use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{LOGS, http_client};
use e2e::{Cloud, Finished, OmsBridge, Settings};
use oss_lite::sign::{self, Resource, Scheme, SigningParams, SigningRequest, v4};
use oss_lite::{Credentials, Query};
use reqwest::Method;
use serde_json::Value;

async fn doctor(settings: Settings) -> Finished {
    OmsBridge::new(["doctor", "--json"]).settings(settings).run().await
}

/// The one finding that is not good.
fn finding(finished: &Finished) -> Value {
    let result = finished.json();
    let findings = result["findings"].as_array().unwrap();
    let mut bad = findings.iter().filter(|finding| finding["severity"] != "ok");
    let first = bad.next().unwrap_or_else(|| panic!("{finished:?}")).clone();
    assert_eq!(bad.next(), None, "{finished:?}");
    first
}

fn assert_found(finished: &Finished, code: i32, check: &str, severity: &str, remedy: &str) {
    let finding = finding(finished);
    assert_eq!(finished.code, Some(code), "{finished:?}");
    assert_eq!((finding["check"].as_str(), finding["severity"].as_str()), (Some(check), Some(severity)));
    assert!(finding["remedy"].as_str().unwrap().contains(remedy), "{finding}");
}

#[tokio::test]
async fn a_missing_bucket_is_a_problem() {
    let cloud = Cloud::start().await;
    let finished = doctor(cloud.settings().set("LOG_BUCKET", "no-such-bucket")).await;
    assert_found(&finished, 2, "log bucket", "problem", "create the bucket");
}

#[tokio::test]
async fn refused_credentials_end_with_four() {
    let cloud = Cloud::start().await;
    let finished = doctor(cloud.settings().set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong")).await;
    assert_found(
        &finished,
        4,
        "log bucket",
        "problem",
        "check ALIBABA_CLOUD_ACCESS_KEY_SECRET: it does not fit the access key",
    );
    let finished = doctor(cloud.settings().without_credentials()).await;
    assert_found(&finished, 2, "OSS credentials", "problem", "OSS_ACCESS_KEY_ID");
}

#[tokio::test]
async fn each_missing_permission_is_named_and_the_probe_removed_all_the_same() {
    let denied = || FaultResponse::error(403, "AccessDenied", "no");
    let of_probe = |method: &str| Fault::respond(Service::Oss, denied()).method(method).key_contains("probe");
    let list = Fault::respond(Service::Oss, denied()).method("GET").path_contains("list-type");
    for (fault, action, left) in [
        (of_probe("PUT"), "oss:PutObject", 0),
        (of_probe("GET"), "oss:GetObject", 0),
        (list, "oss:ListObjects", 0),
        (of_probe("DELETE"), "oss:DeleteObject", 1),
    ] {
        let cloud = Cloud::start().await;
        cloud.twin.faults().inject(fault);
        assert_found(&doctor(cloud.settings()).await, 2, "log bucket", "problem", action);
        assert_eq!(cloud.twin.oss().len(LOGS), left, "{action}");
    }
}

#[tokio::test]
async fn a_store_that_lies_is_noticed() {
    let cloud = Cloud::start().await;
    let other = FaultResponse::error(200, "", "").body("other");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, other).method("GET").key_contains("probe"));
    let finished = doctor(cloud.settings()).await;
    assert_found(&finished, 2, "log bucket", "problem", "");
    assert!(finished.stdout.contains("other 5 read"), "{finished:?}");
}

#[tokio::test]
async fn a_bucket_that_keeps_versions_is_a_warning() {
    let cloud = Cloud::start().await;
    let answer = |status: &str| {
        let body = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
        let answer = FaultResponse::error(200, "", "").body(body);
        cloud.twin.faults().clear_all();
        cloud.twin.faults().inject(Fault::respond(Service::Oss, answer).path_contains("?versioning"));
    };
    answer("Enabled");
    assert_found(&doctor(cloud.settings()).await, 0, "versioning", "warning", "suspend versioning");
    answer("Suspended");
    let finished = doctor(cloud.settings()).await;
    assert_eq!((finished.code, &finished.json()["warnings"]), (Some(0), &Value::from(0)), "{finished:?}");
}

/// Gives the log bucket one rule that removes objects.
async fn put_lifecycle(cloud: &Cloud, prefix: &str) {
    let (twin, account) = (&cloud.twin, cloud.twin.oss_account());
    let query = Query::new([("lifecycle", "")]);
    let request =
        SigningRequest { method: &Method::PUT, resource: Resource::BucketInPath(LOGS), query: &query };
    let credentials = Credentials::new(&*account.access_key, &*account.secret_key);
    let scheme = Scheme::V4(v4::Settings::new(twin.region()));
    let params = SigningParams { scheme, credentials: &credentials, time: Utc::now() };
    let mut headers = reqwest::header::HeaderMap::new();
    sign::sign_headers(&request, &mut headers, &params).unwrap();
    let body = format!(
        "<LifecycleConfiguration><Rule><ID>tidy</ID><Prefix>{prefix}</Prefix><Status>Enabled</Status>\
         <Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>"
    );
    let url = format!("{}/{LOGS}/?lifecycle", twin.oss_url());
    let sent = http_client().put(url).headers(headers).body(body).send().await.unwrap();
    assert_eq!(sent.status(), 200);
}

#[tokio::test]
async fn a_rule_that_removes_records_is_a_warning() {
    let cloud = Cloud::start().await;
    put_lifecycle(&cloud, "elsewhere/").await;
    assert_eq!(doctor(cloud.settings()).await.json()["warnings"], 0);
    for prefix in ["", "oms_source_record/", "oms_source_record/31e9"] {
        put_lifecycle(&cloud, prefix).await;
        let finished = doctor(cloud.settings()).await;
        assert_found(&finished, 0, "lifecycle", "warning", "restrict the rule");
        assert!(finished.stdout.contains("30 days"), "{finished:?}");
    }
}

#[tokio::test]
async fn what_the_bucket_does_not_tell_is_a_warning() {
    for (path, check, action) in [
        ("?versioning", "versioning", "oss:GetBucketVersioning"),
        ("?lifecycle", "lifecycle", "oss:GetBucketLifecycle"),
    ] {
        let cloud = Cloud::start().await;
        let denied = FaultResponse::error(403, "AccessDenied", "no");
        cloud.twin.faults().inject(Fault::respond(Service::Oss, denied).path_contains(path));
        assert_found(&doctor(cloud.settings()).await, 0, check, "warning", action);
    }
}
