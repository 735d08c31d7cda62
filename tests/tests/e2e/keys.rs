//! Keys that have broken other tools, from the upload to the copy and the record, byte for byte.

use std::collections::BTreeMap;

use cloud_twin::{Fault, FaultResponse, Service, Twin};
use e2e::cloud::{LOGS, MIRROR, SOURCE};
use e2e::{Answer, Cloud, Function, Shelf, event};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

const AWKWARD: [&str; 34] = [
    "plain.txt",
    "a/b/c.txt",
    "blank in the middle",
    " blanks around ",
    "tail ",
    "a+b.txt",
    "100%.txt",
    "100%25.txt",
    "a%2Fb",
    "%E6%B5%8B",
    "what?now#here&x=1;y,z@w:v",
    "~*'()!$[]{}|^`<>",
    "quote\"back\\slash",
    "测试 a+b%20c#?.txt",
    "测试/图片.jpg",
    "crab-🦀",
    "caf\u{e9}",
    "cafe\u{301}",
    "x//y",
    "x///y//",
    "directory/",
    "a/../b",
    "./c",
    "../up",
    "end/..",
    "end/.",
    "...",
    ".hidden/..also",
    "tab\tline\nreturn\r",
    "control\u{1}\u{7f}",
    "zero-width\u{200b}space",
    "\u{feff}bom",
    "Case.TXT",
    "case.txt",
];

fn body(key: &str) -> String {
    format!("content of {key:?}")
}

#[tokio::test]
async fn every_key_is_copied_to_its_own_name_with_its_own_bytes() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    cloud.twin.notify(SOURCE, &function.url()).unwrap();
    let longest = "é/".repeat(341);
    let keys: Vec<&str> = AWKWARD.into_iter().chain([&*longest]).collect();
    assert_eq!(longest.len(), 1023);
    for key in &keys {
        cloud.upload(key, body(key)).await;
    }
    cloud.until(Twin::is_idle).await;

    let copies: BTreeMap<String, String> = cloud
        .twin
        .obs()
        .keys(MIRROR)
        .into_iter()
        .map(|key| {
            let copy = cloud.twin.obs().get(MIRROR, &key).unwrap();
            (key, String::from_utf8(copy.body.to_vec()).unwrap())
        })
        .collect();
    assert_eq!(copies, keys.iter().map(|key| ((*key).to_owned(), body(key))).collect());
    assert!(keys.iter().all(|key| cloud.twin.accepted_count(key) == 1), "{:?}", cloud.twin.accepted());
    assert!(cloud.twin.failure_destination().is_empty());
}

#[tokio::test]
async fn records_lie_under_the_exact_key() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    // The last three cannot be uploaded to OSS or by any URL, but an event may still name them.
    let keys: Vec<&str> = AWKWARD.into_iter().chain(["/leading/slash", "..", "."]).collect();
    assert_eq!(function.invoke(event::put(keys.iter().copied())).await, Answer::True);
    let mut expected: Vec<String> = keys.iter().map(|key| cloud.record_name(Shelf::Success, key)).collect();
    expected.sort_unstable();
    assert_eq!(cloud.twin.oss().keys(LOGS), expected);
    for key in keys {
        assert_eq!(cloud.record(Shelf::Success, key).unwrap()["key"], key);
    }
}

#[tokio::test]
async fn failures_too_lie_under_the_exact_key() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let function = Function::on(&cloud).start().await;
    assert_eq!(function.invoke(event::put(AWKWARD)).await, Answer::False);
    let mut expected = AWKWARD;
    expected.sort_unstable();
    assert_eq!(cloud.recorded(Shelf::Failed), expected);
    assert_eq!(cloud.twin.oss().keys(LOGS).len(), expected.len());
}

#[tokio::test]
async fn the_record_of_a_key_too_long_for_its_own_name_lies_under_its_hash() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let room = 1023 - cloud.record_name(Shelf::Success, "").len();
    let fits = "f".repeat(room);
    let long = ["l".repeat(room + 1), "é".repeat(511) + "x"];
    assert_eq!(long[1].len(), 1023);
    assert_eq!(function.invoke(event::put([&fits, &long[0], &long[1]])).await, Answer::True);

    let folder = cloud.record_name(Shelf::Success, "").replace("success_object/", "success_object_long/");
    let mut expected = vec![cloud.record_name(Shelf::Success, &fits)];
    expected.extend(long.iter().map(|key| format!("{folder}{}", hex::encode(Sha256::digest(key)))));
    expected.sort_unstable();
    assert_eq!(cloud.twin.oss().keys(LOGS), expected);
    for key in &long {
        let name = format!("{folder}{}", hex::encode(Sha256::digest(key)));
        let record: Value = serde_json::from_slice(&cloud.twin.oss().get(LOGS, &name).unwrap().body).unwrap();
        assert_eq!(record["key"], **key);
    }
}

#[tokio::test]
async fn a_key_longer_than_oms_takes_is_a_permanent_failure_of_its_own() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).start().await;
    let too_long = "%".repeat(6000);
    assert_eq!(function.invoke(event::put(["fine", &too_long])).await, Answer::False);
    assert_eq!((cloud.oms_requests(), cloud.twin.accepted_count("fine")), (1, 1));
    let name = cloud.records().hashed(Shelf::Failed, &hex::encode(Sha256::digest(&too_long))).unwrap();
    let record: Value = serde_json::from_slice(&cloud.twin.oss().get(LOGS, &name).unwrap().body).unwrap();
    assert_eq!((&record["class"], &record["key"]), (&"permanent".into(), &Value::from(too_long)));
}
