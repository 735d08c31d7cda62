//! `explain`: one key from every side.

use cloud_twin::{Fault, FaultResponse, Service, Twin};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Cloud, Finished, OmsBridge, Settings, Shelf};
use serde_json::{Value, json};

async fn explain(settings: Settings, key: &str) -> Value {
    let finished = OmsBridge::new(["explain", "--json", key]).settings(settings).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.json()
}

async fn explained(settings: Settings, arguments: &[&str]) -> Finished {
    OmsBridge::new(["explain"].iter().chain(arguments).copied()).settings(settings).run().await
}

fn with_destination(cloud: &Cloud) -> Settings {
    cloud.settings().set("DEST", format!("obs://{MIRROR}")).set("DEST_ENDPOINT", cloud.twin.obs_url())
}

async fn send(cloud: &Cloud, key: &str) {
    OmsBridge::new(["send", "--", key]).settings(cloud.settings()).run().await;
    cloud.until(Twin::is_idle).await;
}

fn next(result: &Value) -> String {
    let next = result["next"].as_array().unwrap();
    next.iter().map(|line| line.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_key_that_arrived_is_shown_on_both_sides() {
    let cloud = Cloud::start().await;
    let key = "photos/测 a+b%20c.jpg";
    cloud.upload(key, "12345").await;
    send(&cloud, key).await;
    let sent = cloud.oms_requests();

    let result = explain(with_destination(&cloud), key).await;

    assert_eq!(result["source"]["url"], format!("oss://{SOURCE}/{key}"));
    assert_eq!(result["destination"]["url"], format!("obs://{MIRROR}/{key}"));
    for side in ["source", "destination"] {
        assert_eq!((&result[side]["state"], &result[side]["size"]), (&json!("present"), &json!(5)), "{side}");
    }
    assert_eq!(result["records"]["success"]["content"]["outcome"], "accepted");
    assert_eq!((&result["records"]["failed"], &result["records"]["dead"]), (&json!(null), &json!(null)));
    assert!(next(&result).contains("it arrived"), "{result}");
    assert_eq!(cloud.oms_requests(), sent, "nothing is sent");
}

#[tokio::test]
async fn what_would_be_sent_is_what_is_sent() {
    let cloud = Cloud::start().await;
    let key = "photos/测 a+b%20c.jpg";
    let request = explain(cloud.settings(), key).await["request"].clone();
    let encoded = "photos%2F%E6%B5%8B%20a%2Bb%2520c.jpg";
    assert_eq!(request["encoded_key"], encoded);
    assert_eq!(request["body"], format!(r#"{{"object_keys":["{encoded}"]}}"#));
    assert_eq!(request["url"], cloud.twin.sync_url(&cloud.task));
    assert!(request["canonical_request"].as_str().unwrap().starts_with("POST\n/v2/"), "{request}");
    assert!(request["string_to_sign"].as_str().unwrap().starts_with("SDK-HMAC-SHA256\n2"), "{request}");
}

#[tokio::test]
async fn a_failed_key_is_shown_with_its_record_and_the_next_step() {
    let cloud = Cloud::start().await;
    cloud.upload("bad", "x").await;
    cloud.twin.faults().inject(Fault::poison_key("bad"));
    send(&cloud, "bad").await;
    let finished = explained(cloud.settings(), &["bad"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    insta::with_settings!({filters => [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"!\d{8}T\d{6}\.\d{3}Z-c[0-9a-f]{8}-[0-9a-f]{24}", "!SUFFIX"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"\d{8}T\d{6}Z", "SIGNING_TIME"),
        (r#""request_id":"[0-9a-f]+""#, r#""request_id":"ID""#),
        (r"\b[0-9a-f]{64}\b", "SHA256"),
    ]}, { insta::assert_snapshot!(finished.stdout); });
}

#[tokio::test]
async fn a_key_without_record_can_be_sent_and_one_without_object_cannot() {
    let cloud = Cloud::start().await;
    cloud.upload("it's new", "x").await;
    let result = explain(cloud.settings(), "it's new").await;
    assert!(next(&result).contains(r"`oms-bridge send -- 'it'\''s new'`"), "{result}");
    assert_eq!(result["destination"], json!(null));
    let result = explain(cloud.settings(), "no such").await;
    assert_eq!(result["source"]["state"], "missing");
    assert!(next(&result).starts_with("the source has no such object"), "{result}");
}

#[tokio::test]
async fn the_vendors_empty_markers_and_dead_keys_are_explained() {
    let cloud = Cloud::start().await;
    cloud.upload("k", "x").await;
    cloud.twin.oss().put(LOGS, &cloud.record_name(Shelf::Failed, "k"), "");
    let result = explain(cloud.settings(), "k").await;
    assert_eq!(result["records"]["failed"]["content"], json!(null));
    assert!(next(&result).contains("replay --prefix 'k'"), "{result}");
    cloud.twin.oss().delete(LOGS, &cloud.record_name(Shelf::Failed, "k"));
    let dead = cloud.record_name(Shelf::Failed, "k").replace("failed_object", "dead_object");
    cloud.twin.oss().put(LOGS, &dead, json!({"attempts": 50, "class": "permanent"}).to_string());
    let result = explain(cloud.settings(), "k").await;
    assert!(next(&result).contains("set aside after 50 attempts"), "{result}");
}

#[tokio::test]
async fn the_source_bucket_comes_from_the_first_that_tells() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket("second-source");
    let url = |result: &Value| result["source"]["url"].as_str().unwrap().to_owned();
    assert_eq!(url(&explain(cloud.settings(), "k").await), "oss://source/k");
    let asked = cloud.twin.stats().requests(Service::Oms, "ShowSyncTask");
    let record = json!({"key": "k", "bucket": "second-source"}).to_string();
    cloud.twin.oss().put(LOGS, &cloud.record_name(Shelf::Failed, "k"), record);
    assert_eq!(url(&explain(cloud.settings(), "k").await), "oss://second-source/k");
    let finished = explained(cloud.settings(), &["--json", "--bucket", "logs", "k"]).await;
    assert_eq!(url(&finished.json()), "oss://logs/k");
    assert_eq!(
        cloud.twin.stats().requests(Service::Oms, "ShowSyncTask"),
        asked,
        "OMS is the last to be asked"
    );
}

#[tokio::test]
async fn what_cannot_be_told_is_said_and_the_rest_shown() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let finished = explained(cloud.settings(), &["k"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("pass --bucket") && finished.stdout.contains("string to sign"));

    let denied = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, denied).method("HEAD"));
    let result = explained(cloud.settings(), &["--json", "--bucket", SOURCE, "k"]).await.json();
    assert_eq!(result["source"]["state"], "unknown");
}

#[tokio::test]
async fn filters_are_part_of_the_explanation() {
    let cloud = Cloud::start().await;
    let result = explain(cloud.settings().set("EXCLUDE", "*.tmp"), "a.tmp").await;
    assert_eq!(result["filtered_out"], true);
    assert!(next(&result).contains("INCLUDE and EXCLUDE leave the key out"), "{result}");
}

#[tokio::test]
async fn refused_credentials_end_with_four() {
    let cloud = Cloud::start().await;
    let finished = explained(cloud.settings().set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong"), &["k"]).await;
    assert_eq!((finished.code, &*finished.stdout), (Some(4), ""), "{finished:?}");
    let finished = explained(cloud.settings().set("HW_SK", "wrong"), &["k"]).await;
    assert_eq!(finished.code, Some(4), "OMS was to tell the source bucket: {finished:?}");
    assert_eq!(cloud.twin.stats().bad_signatures[&Service::Oms], 1);
}

#[tokio::test]
async fn a_bad_destination_ends_with_two() {
    let cloud = Cloud::start().await;
    for (name, value) in [("DEST", "s3://mirror"), ("DEST_ENDPOINT", "ftp://x"), ("DEST_AK", "only")] {
        let finished = explained(with_destination(&cloud).set(name, value), &["k"]).await;
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{finished:?}");
        assert!(finished.stderr.contains(name), "{finished:?}");
    }
}

#[tokio::test]
async fn a_destination_in_oss_has_a_prefix_and_keys_of_its_own() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put("copies", "all/k", "x");
    let account = cloud.twin.oss_account();
    let settings = cloud
        .settings()
        .set("DEST", "oss://copies/all/")
        .set("DEST_ENDPOINT", cloud.twin.oss_url())
        .set("DEST_REGION", cloud.twin.region())
        .set("DEST_AK", &account.access_key)
        .set("DEST_SK", &account.secret_key);
    let result = explain(settings, "k").await;
    assert_eq!(result["destination"]["url"], "oss://copies/all/k");
    assert_eq!(result["destination"]["state"], "present");
}

#[tokio::test]
async fn no_secret_shows() {
    let huawei = cloud_twin::Account::temporary("TEMPORARYHUAWEIKEY01", "hush-secret", "hush-token");
    let cloud = Cloud::with(Twin::builder().huawei_accounts([huawei])).await;
    let function = cloud.twin.function_account();
    let finished = explained(with_destination(&cloud), &["k"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("x-security-token:****"), "{finished:?}");
    let token = function.security_token.as_deref().unwrap();
    for secret in ["hush", &*function.secret_key, token, "Signature="] {
        assert!(!finished.stdout.contains(secret) && !finished.stderr.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn every_failure_of_the_key_is_shown_and_none_of_its_neighbours() {
    let cloud = Cloud::start().await;
    cloud.upload("k", "x").await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    for key in ["k", "k!", "k", "kk"] {
        send(&cloud, key).await;
    }
    cloud.twin.oss().put(LOGS, &cloud.record_name(Shelf::Failed, "k"), "");
    let result = explain(cloud.settings(), "k").await;
    let names = |entries: &Value| -> Vec<String> {
        entries.as_array().unwrap().iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect()
    };
    let mut shown = names(&result["records"]["earlier"]);
    shown.push(result["records"]["failed"]["name"].as_str().unwrap().to_owned());
    shown.sort_unstable();
    assert_eq!(shown, cloud.records().names(Shelf::Failed, "k"));
    assert_eq!(shown.len(), 3);
    assert!(explained(cloud.settings(), &["k"]).await.stdout.contains("\n  earlier  "));
}
