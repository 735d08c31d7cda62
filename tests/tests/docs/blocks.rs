//! Every block has a language, JSON parses, and a record that is shown has the members of a real one.

use std::path::Path;

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Answer, Cloud, Function, Shelf, event};
use serde_json::{Value, json};

use crate::markdown::{documents, read};

/// What an info string may be.
const INFO: [&str; 11] = [
    "sh",
    "sh no-run",
    "hcl",
    "json",
    "json output",
    "text",
    "text output",
    "rust",
    "toml",
    "yaml",
    "mermaid",
];

#[test]
fn every_block_has_a_language() {
    for document in documents() {
        for block in &document.blocks {
            let info = block.info.join(" ");
            // Examples in the documentation of libraries are tests of their own: `rust,no_run` and the like.
            let known = INFO.contains(&&*info) || info.starts_with("rust,");
            assert!(
                known,
                "{}: a block of code of the language {info:?}; one of {INFO:?} is wanted",
                block.place
            );
        }
    }
}

#[test]
fn json_is_json() {
    for document in documents() {
        for block in document.blocks.iter().filter(|block| block.is_in("json")) {
            let parsed = serde_json::from_str::<Value>(&block.text);
            assert!(parsed.is_ok(), "{}: {}", block.place, parsed.unwrap_err());
        }
    }
}

/// What of `shown` is not in `real`, as a path: members that are missing, values of another kind.
pub(crate) fn difference(shown: &Value, real: &Value) -> Option<String> {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => shown.iter().find_map(|(name, shown)| {
            let Some(real) = real.get(name) else { return Some(format!(".{name}")) };
            difference(shown, real).map(|path| format!(".{name}{path}"))
        }),
        (Value::Array(shown), Value::Array(real)) => {
            let (Some(shown), Some(real)) = (shown.first(), real.first()) else { return None };
            difference(shown, real).map(|path| format!("[0]{path}"))
        }
        _ if std::mem::discriminant(shown) == std::mem::discriminant(real) => None,
        _ => Some(format!(": {shown} is {real}")),
    }
}

#[tokio::test]
async fn the_record_that_is_shown_has_the_members_of_a_real_one() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(["photos/a.jpg"])).await, Answer::False);
    let real = cloud.record(Shelf::Failed, "photos/a.jpg").unwrap();
    for page in ["docs/journal.md", "docs/journal.zh-CN.md"] {
        let document = read(Path::new(page));
        let block = document.blocks.iter().find(|block| block.is("json")).expect("a record");
        let shown: Value = serde_json::from_str(&block.text).unwrap();
        assert_eq!(difference(&shown, &real), None, "{}: {real}", block.place);
        // And nothing of it is kept from the reader.
        assert_eq!(difference(&real, &shown), None, "{}: {real}", block.place);
    }
}

#[tokio::test]
async fn the_state_of_the_comparison_that_is_shown_has_the_members_of_a_real_one() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("SOURCE_BUCKET", SOURCE).set("DEST", format!("obs://{MIRROR}"));
    let settings = settings.set("DEST_ENDPOINT", cloud.twin.obs_url());
    let function = Function::with(settings).start().await;
    let tick = json!({"triggerName": "reconcile", "payload": "{\"action\":\"reconcile\"}"});
    assert_eq!(function.invoke(tick.to_string()).await, Answer::True);
    let mut names = cloud.twin.oss().keys(LOGS).into_iter();
    let name = names.rfind(|name| name.contains("/reconcile_run/")).expect("a slice has run");
    let real = cloud.twin.oss().get(LOGS, &name).unwrap().body;
    let mut real: Value = serde_json::from_slice(&real).unwrap();
    // The one that is shown is under way.
    let mut round = real["last"].take();
    round.as_object_mut().unwrap().remove("ended").expect("it is over");
    real.as_object_mut().unwrap().remove("last");
    (real["current"], real["after_key"]) = (round, json!("photos/b.jpg"));
    let document = read(Path::new("docs/journal.md"));
    let block = document.blocks.iter().filter(|block| block.is("json")).nth(1).expect("a state");
    let shown: Value = serde_json::from_str(&block.text).unwrap();
    assert_eq!(difference(&shown, &real), None, "{}: {real}", block.place);
    assert_eq!(difference(&real, &shown), None, "{}: {real}", block.place);
}

/// What the documentation of `CreateSyncTask` says of its body: the members, whether they are required.
const SYNC_TASK: [(&str, bool); 21] = [
    ("src_cloud_type", false),
    ("src_region", true),
    ("src_bucket", true),
    ("src_ak", true),
    ("src_sk", true),
    ("dst_ak", true),
    ("dst_sk", true),
    ("dst_region", true),
    ("dst_bucket", true),
    ("description", false),
    ("enable_metadata_migration", false),
    ("enable_kms", false),
    ("enable_restore", false),
    ("dst_storage_policy", false),
    ("app_id", false),
    ("source_cdn", false),
    ("consistency_check", false),
    ("src_crypto_type", false),
    ("dst_crypto_type", false),
    ("src_kms_key_id", false),
    ("dst_kms_key_id", false),
];

#[test]
fn the_sync_task_that_is_created_is_one_that_oms_documents() {
    for page in ["docs/deploy.md", "docs/deploy.zh-CN.md"] {
        let document = read(Path::new(page));
        let block = document.blocks.iter().find(|block| block.is("json")).expect("the body");
        let request: Value = serde_json::from_str(&block.text).unwrap();
        let body = request["body"].as_object().unwrap();
        for (name, is_required) in SYNC_TASK {
            assert!(!is_required || body.contains_key(name), "{}: {name} is missing", block.place);
        }
        for name in body.keys() {
            assert!(SYNC_TASK.iter().any(|(known, _)| known == name), "{}: {name}", block.place);
        }
        // With the default, an object that is overwritten while OMS copies it stays stale.
        assert_eq!(body["consistency_check"], "crc64");
        let description = body["description"].as_str().unwrap();
        assert!(description.len() <= 255 && !description.contains(['<', '>', '(', ')', '"', '\'', '&']));
    }
}

#[test]
fn a_member_that_is_not_there_is_a_difference() {
    let shown = serde_json::json!({"a": [{"b": 1}], "c": "x"});
    assert_eq!(difference(&shown, &serde_json::json!({"a": [{"b": 2}], "c": "y", "d": 0})), None);
    assert_eq!(difference(&shown, &serde_json::json!({"a": [{}], "c": "y"})).unwrap(), ".a[0].b");
    assert_eq!(difference(&shown, &serde_json::json!({"a": [{"b": 1}], "c": 1})).unwrap(), ".c: \"x\" is 1");
}
