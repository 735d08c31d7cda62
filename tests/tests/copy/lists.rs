//! Lists of keys: what failed, and what to copy.

use std::fs;

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use tempfile::TempDir;

use crate::support::{all_to_mirror, counts, ends_with, to_mirror};

/// Keys that fail, for good: OBS refuses them.
fn refuse(cloud: &Cloud, key: &str) -> cloud_twin::FaultId {
    let refused = FaultResponse::error(400, "InvalidArgument", "not today");
    cloud.twin.faults().inject(Fault::respond(Service::Obs, refused).method("PUT").key_contains(key))
}

#[tokio::test]
async fn what_failed_is_listed_and_the_list_is_what_the_next_run_takes() {
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    let bad = ["bad 1", "bad/测试+%2F", "bad\nline", " bad lead", "\"bad\"", "bad tail "];
    for key in bad.into_iter().chain(["good"]) {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    let fault = refuse(&cloud, "bad");
    let finished = all_to_mirror(&cloud).with(["--json"]).run_in(directory.path()).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let result = finished.json();
    assert_eq!((result["copied"].as_u64(), result["failed"].as_u64()), (Some(1), Some(6)));
    let list = result["failed_list"].as_str().unwrap();
    assert!(list.starts_with("oms-bridge-failed-20") && list.ends_with("Z.txt"), "{list}");
    assert!(finished.stderr.contains(&format!("--keys-from {list}")), "{finished:?}");
    assert_eq!(fs::read_to_string(directory.path().join(list)).unwrap().lines().count(), 6);

    cloud.twin.faults().clear(fault);
    cloud.twin.oss().put(SOURCE, "new", "not in the list");
    let again = all_to_mirror(&cloud).with(["--keys-from", list, "--json"]).run_in(directory.path()).await;
    assert_eq!((again.code, &again.json()["copied"]), (Some(0), &6.into()), "{again:?}");
    assert_eq!(again.json()["failed_list"], serde_json::Value::Null);
    let mut expected: Vec<_> = bad.into_iter().chain(["good"]).collect();
    expected.sort_unstable();
    assert_eq!(cloud.twin.obs().keys(MIRROR), expected);
    for key in expected {
        assert_eq!(cloud.twin.obs().get(MIRROR, key).unwrap().body, key);
    }
}

#[tokio::test]
async fn the_list_goes_where_it_is_told_to_and_nowhere_without_need() {
    let cloud = Cloud::start().await;
    let directory = TempDir::new().unwrap();
    let list = directory.path().join("list");
    let run = || all_to_mirror(&cloud).with(["--failed-list", list.to_str().unwrap()]);
    cloud.twin.oss().put(SOURCE, "bad", "x");
    let fault = refuse(&cloud, "bad");
    ends_with(3, run()).await;
    assert_eq!(fs::read_to_string(&list).unwrap(), "bad\n");
    fs::remove_file(&list).unwrap();
    // One object that was named needs none.
    let finished = to_mirror(&cloud, "bad").run_in(directory.path()).await;
    assert_eq!(finished.code, Some(3));
    cloud.twin.faults().clear(fault);
    ends_with(0, run()).await;
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn keys_come_from_standard_input_too_and_are_named_as_below_src() {
    let cloud = Cloud::start().await;
    for key in ["x/a", "x/b", "y/c"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    let (from, to) = (format!("oss://{SOURCE}/x/"), format!("obs://{MIRROR}/copy/"));
    let copy = e2e::Copy::new(&cloud.twin, from, to).with(["-r", "--keys-from", "-"]);
    let directory = TempDir::new().unwrap();
    // A gap, one that is gone, one that lies elsewhere, one that is no line, and no line feed at the end.
    let input = "x/a\n\nx/gone\ny/c\n\"half\nx/b";
    let finished = copy.with(["--json"]).input(input).run_in(directory.path()).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let result = finished.json();
    assert_eq!((&result["copied"], &result["skipped"], &result["failed"]), (&2.into(), &0.into(), &3.into()));
    assert_eq!(result["gone"], 1);
    assert_eq!(cloud.twin.obs().keys(MIRROR), ["copy/a", "copy/b"]);
    let list = directory.path().join(result["failed_list"].as_str().unwrap());
    let mut lines: Vec<_> = fs::read_to_string(list).unwrap().lines().map(str::to_owned).collect();
    lines.sort_unstable();
    assert_eq!(lines, [serde_json::json!("\"half").to_string(), "x/gone".to_owned(), "y/c".to_owned()]);
}

#[tokio::test]
async fn codes_tell_how_a_run_ended() {
    let cloud = Cloud::start().await;
    for key in ["bad", "good"] {
        cloud.twin.oss().put(SOURCE, key, key);
    }
    let fault = refuse(&cloud, "bad");
    assert_eq!(counts(3, all_to_mirror(&cloud)).await, [1, 0, 0, 1]);
    cloud.twin.faults().clear(fault);
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [1, 1, 0, 0]);
    assert_eq!(counts(3, to_mirror(&cloud, "gone")).await, [0, 0, 0, 1]);
    ends_with(4, all_to_mirror(&cloud).set("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "wrong")).await;
    ends_with(4, to_mirror(&cloud, "good").set("HW_SK", "wrong")).await;
    let nowhere = |from: &str, to: &str| e2e::Copy::new(&cloud.twin, from, to).with(["-r"]);
    ends_with(2, nowhere("oss://no-such-bucket", &format!("obs://{MIRROR}"))).await;
    ends_with(2, nowhere(&format!("oss://{SOURCE}"), "obs://no-such-bucket")).await;
}

#[tokio::test]
async fn a_missing_right_ends_a_run_before_every_key_was_tried() {
    let cloud = Cloud::start().await;
    for number in 0..100 {
        cloud.twin.oss().put(SOURCE, &format!("{number:03}"), "x");
    }
    let denied = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Obs, denied).method("PUT"));
    let finished = ends_with(2, all_to_mirror(&cloud).with(["--concurrency", "2"])).await;
    assert!(finished.stderr.contains("error: a right is missing: "), "{finished:?}");
    assert!(cloud.twin.stats().requests(Service::Obs, "PutObject") < 30);
}
