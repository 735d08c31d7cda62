//! Comparisons of many keys: memory does not grow with their number.

use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::finish;
use tempfile::TempDir;

use crate::support::comparison;

/// Puts so many keys into both buckets; every thousandth is missing, extra or different.
fn fill(cloud: &Cloud, keys: usize) {
    let aged = |object: &mut cloud_twin::StoredObject| object.last_modified -= TimeDelta::hours(1);
    for number in 0..keys {
        let key = format!("2024/{:02}/{number:08}.jpg", number % 12);
        let different = number % 3000 == 1000;
        if number % 3000 != 0 {
            cloud.twin.obs().put(MIRROR, &key, if different { "other" } else { "photo" });
            cloud.twin.obs().modify(MIRROR, &key, aged);
        }
        if number % 3000 != 2000 {
            cloud.twin.oss().put(SOURCE, &key, "photo");
            cloud.twin.oss().modify(SOURCE, &key, aged);
        }
    }
}

/// The most memory that a comparison of so many keys had, in bytes.
async fn peak(keys: usize) -> u64 {
    let cloud = Cloud::start().await;
    fill(&cloud, keys);
    let directory = TempDir::new().unwrap();
    let run = comparison(&cloud).with(["--json", "--report", "report", "--checkpoint", "checkpoint"]);
    let process = run.start_in(directory.path());
    let (id, peak) = (process.id().unwrap(), AtomicU64::new(0));
    let watch = cloud.twin.wait_until(|_| {
        // Asked after every request.
        peak.fetch_max(peak_memory(id), Ordering::Relaxed);
        false
    });
    let finished = tokio::select! {
        finished = finish(process) => finished,
        () = watch => unreachable!("it watches for ever"),
    };
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let (result, of_each) = (finished.json(), keys / 3000);
    assert_eq!(result["compared"], keys);
    for name in ["missing", "extra", "different"] {
        assert_eq!(result[name], of_each, "{name}");
    }
    println!(
        "{keys} keys: {} KiB, {} s, {} pages",
        peak.load(Ordering::Relaxed) >> 10,
        result["elapsed_s"],
        result["pages"]
    );
    peak.load(Ordering::Relaxed)
}

/// Of a process that may be gone: 0 then.
fn peak_memory(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok())
        .map_or(0, |kib: u64| kib << 10)
}

#[tokio::test]
async fn memory_does_not_grow_with_the_number_of_keys() {
    let most = std::env::var("RECONCILE_KEYS").ok().and_then(|keys| keys.parse().ok()).unwrap_or(60_000);
    let (few, many) = (peak(most / 4).await, peak(most).await);
    assert!(many < 64 << 20, "{many} bytes");
    // Several ranges at once have their pages at both numbers.
    assert!(many < few + few / 4 + (8 << 20), "{few} and {many} bytes");
}
