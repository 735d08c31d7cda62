//! Settings of direct copies, and which engine is in charge.

use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Cloud, Finished, OmsBridge, Settings};

/// Settings of mode `copy`, without any of OMS.
fn copying(cloud: &Cloud) -> Settings {
    let huawei = cloud.twin.huawei_account();
    let settings = Settings::default()
        .set("FORWARD_MODE", "copy")
        .set("LOG_BUCKET", LOGS)
        .set("OSS_ENDPOINT", cloud.twin.oss_url())
        .set("OSS_REGION", cloud.twin.region())
        .set("SOURCE_BUCKET", SOURCE)
        .set("DEST", format!("obs://{MIRROR}"))
        .set("DEST_ENDPOINT", cloud.twin.obs_url())
        .set("DEST_AK", &huawei.access_key)
        .set("DEST_SK", &huawei.secret_key);
    let settings = match &huawei.security_token {
        Some(token) => settings.set("DEST_SECURITY_TOKEN", token),
        None => settings,
    };
    settings.credentials(cloud.twin.function_account())
}

async fn run(arguments: &[&str], settings: Settings) -> Finished {
    OmsBridge::new(arguments.iter().copied()).settings(settings).run().await
}

#[tokio::test]
async fn each_mode_names_all_that_it_needs() {
    let missing = |mode| run(&["serve"], Settings::default().set("FORWARD_MODE", mode));
    let copy = missing("copy").await;
    for name in ["LOG_BUCKET", "OSS_ENDPOINT", "DEST", "DEST_ENDPOINT"] {
        assert!(copy.stderr.contains(&format!("\n  {name}: missing")), "{name}: {copy:?}");
    }
    assert!(!copy.stderr.contains("SYNC_URL") && !copy.stderr.contains("HW_AK"), "{copy:?}");
    let both = missing("oms-then-copy").await;
    for name in ["SYNC_URL", "HW_AK", "HW_SK", "LOG_BUCKET", "OSS_ENDPOINT", "DEST", "DEST_ENDPOINT"] {
        assert_eq!(both.stderr.matches(&format!("\n  {name}: missing")).count(), 1, "{name}: {both:?}");
    }
    let neither = missing("teleport").await;
    assert!(neither.stderr.contains("FORWARD_MODE: \"teleport\" is none of"), "{neither:?}");
    for finished in [copy, both, neither] {
        assert_eq!((finished.code, &*finished.stdout), (Some(2), ""), "{finished:?}");
    }
}

#[tokio::test]
async fn bad_settings_of_copies_are_named_together_and_without_secrets() {
    let cloud = Cloud::start().await;
    let settings = copying(&cloud)
        .set("DEST", "s3://mirror")
        .set("DEST_ENDPOINT", "ftp://x")
        .unset("DEST_AK")
        .set("DEST_SK", "hush-key")
        .set("SOURCE_BUCKET", "Bad_Name")
        .set("PROPAGATE_DELETES", "perhaps")
        .set("MAX_DELETES", "0");
    let finished = run(&["serve"], settings).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    for name in ["DEST", "DEST_ENDPOINT", "DEST_AK", "SOURCE_BUCKET", "PROPAGATE_DELETES", "MAX_DELETES"] {
        assert!(finished.stderr.contains(&format!("\n  {name}: ")), "{name}: {finished:?}");
    }
    assert!(!finished.stderr.contains("hush"), "{finished:?}");
}

#[tokio::test]
async fn copies_neither_go_to_the_log_bucket_nor_onto_themselves() {
    let cloud = Cloud::start().await;
    let inside = format!("{SOURCE}/copies");
    for (place, words) in [(LOGS, "LOG_BUCKET"), (SOURCE, "SOURCE_BUCKET"), (&inside, "SOURCE_BUCKET")] {
        let settings = copying(&cloud)
            .set("DEST", format!("oss://{place}"))
            .set("DEST_ENDPOINT", cloud.twin.oss_url())
            .set("DEST_REGION", cloud.twin.region());
        let finished = run(&["send", "k"], settings).await;
        let named = finished.stderr.lines().any(|line| line.starts_with("  DEST: ") && line.contains(words));
        assert!(finished.code == Some(2) && named, "{finished:?}");
    }
}

#[tokio::test]
async fn keys_without_a_bucket_need_one_from_the_settings() {
    let cloud = Cloud::start().await;
    let finished = run(&["send", "k"], copying(&cloud).unset("SOURCE_BUCKET")).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("SOURCE_BUCKET: missing"), "{finished:?}");
}

#[tokio::test]
async fn an_engine_by_name_replaces_the_mode_of_the_settings() {
    let cloud = Cloud::start().await;
    for engine in ["copy", "oms-then-copy"] {
        let finished = run(&["replay", "--engine", engine], cloud.settings()).await;
        assert_eq!(finished.code, Some(2), "{finished:?}");
        assert!(finished.stderr.contains("DEST: missing"), "{engine}: {finished:?}");
    }
    let oms = run(&["replay", "--engine", "oms"], copying(&cloud)).await;
    assert!(oms.code == Some(2) && oms.stderr.contains("SYNC_URL: missing"), "{oms:?}");
    let unknown = run(&["replay", "--engine", "teleport"], cloud.settings()).await;
    assert!(unknown.code == Some(2) && unknown.stderr.contains("oms-then-copy"), "{unknown:?}");
    let nothing_to_do = run(&["replay", "--engine", "copy", "--json"], copying(&cloud)).await;
    assert_eq!((nothing_to_do.code, nothing_to_do.json()["listed"].as_u64()), (Some(0), Some(0)));
}

#[tokio::test]
async fn status_knows_a_journal_without_a_sync_task() {
    let cloud = Cloud::start().await;
    let finished = run(&["status", "--json"], copying(&cloud)).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    assert_eq!((&result["task"], &result["oms"]), (&"direct-copy".into(), &serde_json::Value::Null));
    let text = run(&["status"], copying(&cloud)).await;
    assert!(text.stdout.starts_with("journal of  direct-copy"), "{text:?}");
}

#[tokio::test]
async fn doctor_looks_at_both_ends_of_a_copy_and_not_at_oms() {
    let cloud = Cloud::start().await;
    let finished = run(&["doctor", "--json"], copying(&cloud)).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let findings = finished.json()["findings"].clone();
    let checks: Vec<&str> =
        findings.as_array().unwrap().iter().filter_map(|finding| finding["check"].as_str()).collect();
    assert!(checks.contains(&"destination") && checks.contains(&"source"), "{checks:?}");
    assert!(!checks.iter().any(|check| check.contains("OMS") || check.contains("sync task")), "{checks:?}");
    assert_eq!(cloud.twin.obs().keys(MIRROR), [""; 0], "no trace is left");
}

#[tokio::test]
async fn doctor_says_which_end_does_not_serve() {
    let cloud = Cloud::start().await;
    for (settings, code, check, remedy) in [
        (copying(&cloud).set("DEST", "obs://nowhere"), 2, "destination", "correct DEST"),
        (copying(&cloud).set("DEST_SK", "wrong-secret"), 4, "destination", "access key"),
        (copying(&cloud).set("SOURCE_BUCKET", "nowhere"), 2, "source", "SOURCE_BUCKET"),
    ] {
        let finished = run(&["doctor", "--json"], settings).await;
        assert_eq!(finished.code, Some(code), "{finished:?}");
        let findings = finished.json()["findings"].clone();
        let bad: Vec<_> =
            findings.as_array().unwrap().iter().filter(|finding| finding["severity"] != "ok").collect();
        assert!(bad.len() == 1 && bad[0]["check"] == check, "{bad:?}");
        assert!(bad[0]["remedy"].as_str().unwrap().contains(remedy), "{bad:?}");
        assert!(!finished.stdout.contains("wrong-secret"), "{finished:?}");
    }
}

#[tokio::test]
async fn explain_needs_no_oms() {
    let cloud = Cloud::start().await;
    cloud.upload("k", "hello").await;
    let finished = run(&["explain", "k", "--json"], copying(&cloud)).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    assert_eq!((&result["engine"], &result["request"]), (&"copy".into(), &serde_json::Value::Null));
    assert_eq!(
        (&result["source"]["state"], &result["destination"]["state"]),
        (&"present".into(), &"missing".into())
    );
    let text = run(&["explain", "k"], copying(&cloud)).await;
    assert!(text.stdout.contains("the copy engine"), "{text:?}");
}
