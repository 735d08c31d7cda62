//! Settings of the desk.

use std::fs;

use e2e::function::function_compute;
use e2e::process::{Process, free_port};
use e2e::{Cloud, OmsBridge, Settings};
use serde_json::json;
use tempfile::tempdir;

/// Settings of the desk alone, those apart that name a file or switch something off.
const OWN: [&str; 11] = [
    "DESK_BUCKET",
    "DESK_TOKENS",
    "DESK_CALLBACK_URL",
    "DESK_CALLBACK_KEY",
    "DESK_PUBLIC_ENDPOINT",
    "DESK_DATABASE",
    "DESK_PREFIX",
    "DESK_MAX_SIZE",
    "DESK_TYPES",
    "DESK_UPLOAD_EXPIRY",
    "DESK_LINK_EXPIRY",
];

async fn refused(settings: Settings) -> String {
    let finished =
        OmsBridge::new(["desk", "--listen", "127.0.0.1:0", "--json"]).settings(settings).run().await;
    let error = &finished.json()["error"];
    assert_eq!((finished.code, &error["kind"]), (Some(2), &json!("configuration")), "{finished:?}");
    for said in [&finished.stdout, &finished.stderr] {
        assert!(!said.contains("hush"), "{said}");
    }
    finished.stderr
}

fn good(cloud: &Cloud) -> Settings {
    cloud.settings().set("DESK_BUCKET", "source").set("DESK_TOKENS", "eric:eric-token-0123456789")
}

#[tokio::test]
async fn every_problem_is_named_at_once_and_no_secret_is() {
    let cloud = Cloud::start().await;
    let folder = tempdir().unwrap();
    let key = folder.path().join("key.pem");
    fs::write(&key, "hush, no key").unwrap();
    let settings = good(&cloud)
        .set("SYNC_URL", "https://user:hush-password@oms.example.com/v2/p/sync-tasks/t/events")
        .unset("LOG_BUCKET")
        .set("DESK_BUCKET", "Bad_Name")
        .set("DESK_TOKENS", "eric:hush-short")
        .set("DESK_CALLBACK_URL", "https://user:hush-password@desk.example.com/callback")
        .set("DESK_CALLBACK_KEY", key.to_str().unwrap())
        .set("DESK_PUBLIC_ENDPOINT", "http://a b")
        .set("DESK_DATABASE", "postgres://user:hush-password@127.0.0.1/desk")
        .set("DESK_PREFIX", "../uploads")
        .set("DESK_MAX_SIZE", "0")
        .set("DESK_TYPES", "images")
        .set("DESK_UPLOAD_EXPIRY", "0")
        .set("DESK_LINK_EXPIRY", "43201")
        .set("INGEST_DOMAINS", "http://");
    let told = refused(settings).await;
    for name in ["SYNC_URL", "LOG_BUCKET", "INGEST_DOMAINS"].into_iter().chain(OWN) {
        assert!(told.contains(&format!("\n  {name}")), "{name}: {told}");
    }
    assert_eq!(told.matches("error:").count(), 1, "{told}");
    assert!(
        told.contains("DESK_FORWARD")
            || refused(good(&cloud).set("DESK_FORWARD", "maybe")).await.contains("DESK_FORWARD")
    );
}

#[tokio::test]
async fn the_bucket_of_the_desk_is_the_source_where_uploads_are_forwarded() {
    let cloud = Cloud::start().await;
    let other = good(&cloud).set("SOURCE_BUCKET", "other");
    assert!(refused(other).await.contains("DESK_BUCKET: is not SOURCE_BUCKET"));
}

#[tokio::test]
async fn what_is_missing_is_named_together() {
    let told = refused(Settings::default()).await;
    for name in ["SYNC_URL", "HW_AK", "HW_SK", "LOG_BUCKET", "OSS_ENDPOINT", "DESK_BUCKET", "DESK_TOKENS"] {
        assert!(told.contains(&format!("{name}: missing")), "{name}: {told}");
    }
    let alone = refused(Settings::default().set("DESK_FORWARD", "false")).await;
    for name in ["SYNC_URL", "HW_AK", "HW_SK", "LOG_BUCKET"] {
        assert!(!alone.contains(&format!("\n  {name}")), "{name}: {alone}");
    }
    assert!(alone.contains("DESK_BUCKET: missing"), "{alone}");
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused() {
    let cloud = Cloud::start().await;
    let told = refused(good(&cloud).set("DESK_BUCKET", e2e::cloud::LOGS)).await;
    assert!(told.contains("DESK_BUCKET"), "{told}");
    let told = refused(good(&cloud).set("DESK_TOKENS_FILE", "users.txt")).await;
    assert!(told.contains("DESK_TOKENS_FILE"), "{told}");
    let told =
        refused(good(&cloud).set("DESK_TOKENS", "eric:hush-token-0123456789,mia:hush-token-0123456789"))
            .await;
    assert!(told.contains("\"eric\" and \"mia\" have the same token"), "{told}");
    let told = refused(good(&cloud).unset("DESK_TOKENS").set("DESK_TOKENS_FILE", "/nowhere/users.txt")).await;
    assert!(told.contains("/nowhere/users.txt"), "{told}");
    let told = refused(good(&cloud).without_credentials()).await;
    assert!(told.contains("no credentials for OSS"), "{told}");
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_named_without_its_password() {
    let cloud = Cloud::start().await;
    for database in
        ["sqlite:///nowhere/at/all/desk.db", "sqlite://:memory:", "sqlite://", "mysql://u:hush@127.0.0.1"]
    {
        let told = refused(good(&cloud).set("DESK_DATABASE", database)).await;
        assert!(told.contains("DESK_DATABASE"), "{database}: {told}");
    }
    let away = good(&cloud).set("DESK_DATABASE", "mysql://user:hush-password@127.0.0.1:1/desk");
    let finished = OmsBridge::new(["desk", "--listen", "127.0.0.1:0"]).settings(away).run().await;
    assert!(![Some(0), Some(2)].contains(&finished.code), "it may be there a minute later: {finished:?}");
    assert!(finished.stderr.contains("DESK_DATABASE: mysql://user@127.0.0.1:1/desk"), "{finished:?}");
    assert!(!finished.stderr.contains("hush"), "{finished:?}");
    let folder = tempdir().unwrap();
    let text = folder.path().join("desk.db");
    fs::write(&text, "this is no database, and nothing that anybody would want overwritten".repeat(20))
        .unwrap();
    let settings = good(&cloud).set("DESK_DATABASE", format!("sqlite://{}", text.display()));
    let finished = OmsBridge::new(["desk", "--listen", "127.0.0.1:0"]).settings(settings).run().await;
    assert!(finished.code.is_some_and(|code| code != 0), "{finished:?}");
    assert!(fs::read_to_string(&text).unwrap().starts_with("this is no database"));
}

#[tokio::test]
async fn it_listens_on_loopback_and_on_the_platform_on_all_addresses() {
    let cloud = Cloud::start().await;
    let folder = tempdir().unwrap();
    let database = format!("sqlite://{}", folder.path().join("desk.db").display());
    let port = free_port().to_string();
    let settings = good(&cloud).set("DESK_DATABASE", database).set("FC_SERVER_PORT", &port);
    for (variables, address) in [(Settings::default(), "127.0.0.1"), (function_compute(), "0.0.0.0")] {
        let mut desk = Process::spawn(&["desk".to_owned()], &settings.clone().and(variables));
        let wanted = format!("{address}:{port}");
        desk.line(|line| (line.contains("listening") && line.contains(&wanted)).then_some(())).await;
        desk.signal("TERM").await;
        desk.wait().await;
    }
    let settings = settings.set("FC_SERVER_PORT", "nine");
    let finished = OmsBridge::new(["desk"]).settings(settings).run().await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("FC_SERVER_PORT is not a port"), "{finished:?}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let cloud = Cloud::start().await;
    let folder = tempdir().unwrap();
    let taken = cloud.twin.oss_url().replace("http://", "");
    let database = format!("sqlite://{}", folder.path().join("desk.db").display());
    let settings = good(&cloud).set("DESK_DATABASE", database);
    let finished = OmsBridge::new(["desk", "--listen", &taken]).settings(settings).run().await;
    assert_eq!(finished.code, Some(5), "{finished:?}");
    assert!(finished.stderr.contains(&taken), "{finished:?}");
}

#[tokio::test]
async fn help_names_every_setting_and_no_value() {
    let cloud = Cloud::start().await;
    let settings = good(&cloud).set("DESK_DATABASE", "mysql://user:hush-password@127.0.0.1/desk");
    let help = OmsBridge::new(["desk", "--help-all"]).settings(settings).run().await;
    assert_eq!(help.code, Some(0), "{help:?}");
    for name in OWN.into_iter().chain(["DESK_TOKENS_FILE", "DESK_FORWARD"]) {
        assert!(help.stdout.contains(&format!("[env: {name}]")), "{name}: {}", help.stdout);
    }
    for secret in ["hush", "eric-token", "TWINFAKE", "TwinFake"] {
        assert!(!help.stdout.contains(secret), "{secret}: {}", help.stdout);
    }
}
