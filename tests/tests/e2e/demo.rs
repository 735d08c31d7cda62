//! The commands that need no account.

use cloud_twin::Account;
use e2e::cloud::{http_client, oss_bucket};
use e2e::process::Process;
use e2e::{OmsBridge, Settings};
use oss_lite::PutOptions;
use serde_json::{Value, json};

#[tokio::test]
async fn the_demo_ends_with_every_object_arrived() {
    let finished = OmsBridge::new(["demo", "--json"]).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let result = finished.json();
    let count = |name: &str| result[name].as_u64().unwrap();
    assert!(count("objects") >= 20 && count("journaled") > 0, "{result}");
    assert_eq!((count("arrived"), count("resent")), (count("objects"), count("journaled")));
}

#[tokio::test]
async fn the_demo_tells_its_story_on_standard_output() {
    let finished = OmsBridge::new(["demo"]).run().await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains("objects arrived"), "{}", finished.stdout);
}

#[tokio::test]
async fn an_upload_to_the_local_cloud_that_was_left_running_is_copied() {
    let arguments = ["dev", "--port", "0", "--json"].map(str::to_owned);
    let mut dev = Process::spawn(&arguments, &Settings::default());
    let told: Value = dev.stdout_line(|line| serde_json::from_str(line).ok()).await;
    let text =
        |path: &str| told.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("{path}: {told}"));
    let account = Account::permanent(text("/oss/access_key_id"), text("/oss/access_key_secret"));
    let source = oss_bucket(text("/oss/endpoint"), text("/oss/region"), text("/oss/bucket"), &account);
    source.put("测试 a+b%20c.txt", "hello".into(), PutOptions::default()).await.unwrap();

    let copied = json!({"objects": [{"service": "obs", "bucket": text("/obs/bucket"), "count": 1}]});
    let wait = http_client().post(format!("{}/wait", text("/admin_url"))).body(copied.to_string());
    let waited: Value = serde_json::from_str(&wait.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(waited, json!({"met": true}));

    let me = http_client().get(format!("{}/me", text("/desk/url"))).bearer_auth(text("/desk/token"));
    let me: Value = serde_json::from_str(&me.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(me["upload_origin"], text("/oss/endpoint"), "a desk is at work there");

    dev.signal("INT").await;
    assert_eq!(dev.wait().await.code(), Some(0));
    assert_eq!(dev.stdout().lines().count(), 1, "{}", dev.stdout());
}
