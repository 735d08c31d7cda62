//! `reconcile` says how fast it is, and how long it will take where that is known.

use std::fs;

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::finish;
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{comparison, put_both};

const KEYS: usize = 6000;

async fn cloud() -> Cloud {
    let cloud = Cloud::start().await;
    for number in 0..KEYS {
        put_both(&cloud, &format!("2024/{number:06}"), "x", "x");
    }
    cloud
}

/// Requests for the statistics of both buckets.
fn asked(cloud: &Cloud) -> [u64; 2] {
    let stats = cloud.twin.stats();
    [stats.requests(Service::Oss, "GetBucketStat"), stats.requests(Service::Obs, "GetBucketStorageInfo")]
}

/// A line of progress.
fn shown(line: &str) -> Option<String> {
    line.contains("comparing: ").then(|| line.to_owned())
}

/// Runs it with a page held back until there are `count` lines with `text`, and gives the lines of progress.
async fn lines(cloud: &Cloud, run: Copy, text: &str, count: usize) -> Vec<String> {
    let directory = TempDir::new().unwrap();
    let held = Fault::new(Service::Obs, FaultAction::Hold).path_contains("max-keys=1000").after(2);
    let held = cloud.twin.faults().inject(held);
    let process = run.with(["--stats", "100ms"]).start_in(directory.path());
    process.lines(text, count).await;
    cloud.twin.faults().clear(held);
    let finished = finish(process).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stderr.lines().filter_map(shown).collect()
}

#[tokio::test]
async fn the_remaining_time_comes_from_statistics_that_are_asked_for_once_a_line_was_shown() {
    let cloud = cloud().await;
    let lines = lines(&cloud, comparison(&cloud), "ETA ", 1).await;
    assert!(!lines[0].contains("ETA "), "{lines:?}");
    assert!(lines.iter().all(|line| line.contains(" keys, ") && line.contains(" keys/s")), "{lines:?}");
    assert_eq!(asked(&cloud), [1, 1]);
}

#[tokio::test]
async fn without_a_line_nobody_is_asked() {
    let cloud = cloud().await;
    let finished = comparison(&cloud).with(["--stats", "1h"]).run().await;
    assert_eq!((finished.code, asked(&cloud)), (Some(0), [0, 0]), "{finished:?}");
}

#[tokio::test]
async fn of_a_part_of_a_bucket_no_remaining_time_is_claimed() {
    let cloud = cloud().await;
    // Far more than what is compared.
    for number in 0..3000 {
        put_both(&cloud, &format!("elsewhere/{number}"), "x", "x");
    }
    let (from, to) = (format!("oss://{SOURCE}/2024/"), format!("obs://{MIRROR}/2024/"));
    let run = Copy::new(&cloud.twin, from, to).comparing();
    let lines = lines(&cloud, run, "comparing: ", 5).await;
    assert!(lines.iter().all(|line| !line.contains("ETA")), "{lines:?}");
}

#[tokio::test]
async fn a_service_that_refuses_its_statistics_costs_the_remaining_time_and_nothing_else() {
    let cloud = cloud().await;
    for (service, path) in [(Service::Oss, "?stat"), (Service::Obs, "?storageinfo")] {
        let refused = FaultResponse::error(403, "AccessDenied", "no");
        cloud.twin.faults().inject(Fault::respond(service, refused).path_contains(path));
    }
    let lines = lines(&cloud, comparison(&cloud), "comparing: ", 5).await;
    assert!(lines.iter().all(|line| !line.contains("ETA")), "{lines:?}");
}

#[tokio::test]
async fn files_are_counted() {
    let cloud = cloud().await;
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("2024")).unwrap();
    for number in 0..KEYS {
        fs::write(folder.path().join(format!("2024/{number:06}")), "x").unwrap();
    }
    let run =
        Copy::new(&cloud.twin, folder.path().display().to_string(), format!("obs://{MIRROR}")).comparing();
    let run = run.with(["--check", "full"]);
    let lines = lines(&cloud, run, "ETA ", 1).await;
    assert!(lines.iter().any(|line| line.contains("ETA ")), "{lines:?}");
    assert_eq!(asked(&cloud), [0, 1]);
}
