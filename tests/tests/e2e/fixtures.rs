//! Recorded events: `fixtures/events`, one file per form and variant, and what the function makes of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use e2e::{Answer, Cloud, Function, event};
use serde::de::DeserializeOwned;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/events")
}

/// What is expected of each file, and proof that neither a file nor an expectation stands alone.
fn expectations<T: DeserializeOwned>(folder: &Path) -> BTreeMap<String, T> {
    let expected: BTreeMap<String, T> =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let files: BTreeSet<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file() && entry.file_name() != "expected.json")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(files, expected.keys().cloned().collect());
    expected
}

#[tokio::test]
async fn every_documented_form_is_understood() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    for (name, mut keys) in expectations::<Vec<String>>(&folder()) {
        let before = cloud.twin.oms_batches().len();
        assert_eq!(function.invoke(fs::read(folder().join(&name)).unwrap()).await, Answer::True, "{name}");
        let batches = cloud.twin.oms_batches().split_off(before);
        let mut sent: Vec<String> = batches.into_iter().flat_map(|batch| batch.keys).collect();
        sent.sort_unstable();
        keys.sort_unstable();
        assert_eq!(sent, keys, "{name}");
    }
}

#[tokio::test]
async fn malformed_events_are_refused_with_what_and_where() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let folder = folder().join("malformed");
    for (name, wanted) in expectations::<String>(&folder) {
        let Answer::Failure { kind, message } = function.invoke(fs::read(folder.join(&name)).unwrap()).await
        else {
            panic!("{name} was taken");
        };
        assert_eq!(kind, "MalformedEvent", "{name}");
        let message =
            message.strip_prefix("malformed event: ").unwrap_or_else(|| panic!("{name}: {message}"));
        assert!(message.contains(&wanted) && !message.contains('\n'), "{name}: {message}");
        assert!(message.len() < 1000, "{name}: {} bytes", message.len());
    }
    assert_eq!(cloud.oms_requests(), 0, "of half an event nothing is sent");
    assert_eq!(function.invoke(event::put(["alive"])).await, Answer::True);
}

#[tokio::test]
async fn that_s3_can_reach_the_function_is_told_in_the_log() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let body = fs::read(folder().join("s3-sns-test-event.json")).unwrap();
    assert_eq!(function.invoke(body).await, Answer::True);
    function.logged("the test event of S3 arrived").await;
}
