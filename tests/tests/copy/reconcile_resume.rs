//! Comparisons that are killed or interrupted, and those that go on from their checkpoint.

use std::fs;
use std::path::Path;
use std::time::Duration;

use cloud_twin::{Fault, FaultAction, Service};
use e2e::copy::finish;
use e2e::{Cloud, Copy};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::support::{comparison, put_both};

const KEYS: usize = 12_000;

/// Many keys, every hundredth of which is missing.
async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    for number in 0..KEYS {
        put_both(&cloud, &format!("2024/{number:06}"), "x", if number % 100 == 0 { "" } else { "x" });
    }
    cloud
}

fn run(cloud: &Cloud) -> Copy {
    comparison(cloud).with(["--json", "--report", "report", "--checkpoint", "checkpoint"])
}

/// What the checkpoint knows, once that is something.
async fn recorded(checkpoint: &Path) -> Value {
    let known = async {
        loop {
            let text = fs::read_to_string(checkpoint).unwrap_or_default();
            let state: Value = serde_json::from_str(&text).unwrap_or_default();
            if state["totals"]["compared"].as_u64().is_some_and(|keys| keys > 0) {
                return state;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_mins(1), known).await.expect("a checkpoint")
}

/// Sees that report and result are those of one run.
fn assert_whole(directory: &Path, result: &Value) {
    let report = fs::read_to_string(directory.join("report")).unwrap();
    let mut lines: Vec<&str> = report.lines().collect();
    lines.sort_unstable_by_key(|line| &line[2..]);
    let sign = |number| if number % 100 == 0 { '+' } else { '=' };
    let expected = (0..KEYS).map(|number| format!("{} 2024/{number:06}", sign(number)));
    assert!(lines.iter().map(|line| (*line).to_owned()).eq(expected), "{} lines", lines.len());
    assert_eq!(result["compared"], KEYS);
    assert_eq!((&result["missing"], &result["source"]), (&(KEYS / 100).into(), &KEYS.into()));
    assert!(!directory.join("checkpoint").exists());
}

#[tokio::test]
async fn a_run_that_is_killed_goes_on_and_reports_each_key_once() {
    let cloud = cloud().await;
    let directory = TempDir::new().unwrap();
    // Two times, at other places.
    for pages in [4, 2] {
        let held = Fault::new(Service::Obs, FaultAction::Hold).path_contains("max-keys=1000").after(pages);
        let held = cloud.twin.faults().inject(held);
        let mut process = run(&cloud).start_in(directory.path());
        cloud.until(|twin| twin.faults().hits(held) > 0).await;
        recorded(&directory.path().join("checkpoint")).await;
        process.signal("KILL").await;
        process.wait().await;
        cloud.twin.faults().clear(held);
        // A line that the checkpoint does not know may be there in part.
        let report = directory.path().join("report");
        let torn = [fs::read(&report).unwrap(), b"= 2024/0".to_vec()].concat();
        fs::write(&report, torn).unwrap();
    }
    let finished = run(&cloud).run_in(directory.path()).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_whole(directory.path(), &finished.json());
}

#[tokio::test]
async fn an_interrupted_run_says_so_and_goes_on() {
    let cloud = cloud().await;
    let directory = TempDir::new().unwrap();
    let held = Fault::new(Service::Obs, FaultAction::Hold).path_contains("max-keys=1000").after(4);
    let held = cloud.twin.faults().inject(held);
    let process = run(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(held) > 0).await;
    recorded(&directory.path().join("checkpoint")).await;
    process.signal("INT").await;
    let finished = finish(process).await;
    assert_eq!(finished.code, Some(130), "{finished:?}");
    assert!(finished.stderr.contains("the same command goes on from here"), "{finished:?}");
    cloud.twin.faults().clear(held);
    // With other options it is another comparison.
    let other = run(&cloud).with(["--check", "full"]).run_in(directory.path()).await;
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(other.stderr.contains("is of another comparison"), "{other:?}");
    let finished = run(&cloud).run_in(directory.path()).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_whole(directory.path(), &finished.json());
}

#[tokio::test]
async fn a_large_bucket_is_listed_in_several_ranges_at_once() {
    let cloud = cloud().await;
    // Two pages have to be under way at once, or this never ends.
    let held = Fault::new(Service::Oss, FaultAction::Hold).path_contains("max-keys=1000").after(6);
    let held = cloud.twin.faults().inject(held);
    let directory = TempDir::new().unwrap();
    let process = run(&cloud).start_in(directory.path());
    cloud.until(|twin| twin.faults().hits(held) >= 2).await;
    cloud.twin.faults().clear(held);
    let finished = finish(process).await;
    assert_eq!(finished.code, Some(3), "{finished:?}");
    assert_whole(directory.path(), &finished.json());
    let pages = finished.json()["pages"].as_u64().unwrap();
    assert!(pages < 80, "{pages} pages for {KEYS} keys at each side");
}
