//! Many objects, and large ones.

use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use cloud_twin::Service;
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::finish;
use tempfile::TempDir;

use crate::support::{all_to_mirror, counts, to_mirror};

#[tokio::test]
async fn ten_thousand_objects_are_copied_and_the_next_run_only_lists_them() {
    const COUNT: usize = 10_000;
    let cloud = Cloud::start().await;
    for number in 0..COUNT {
        let key = format!("{}/{number}", number % 7);
        cloud.twin.oss().put(SOURCE, &key, number.to_string());
        // Not in the second of its copy, when its metadata could still change unseen.
        cloud.twin.oss().modify(SOURCE, &key, |object| object.last_modified -= TimeDelta::hours(1));
    }
    let all = COUNT as u64;
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [all, 0, 0, 0]);
    assert_eq!(cloud.twin.obs().keys(MIRROR), cloud.twin.oss().keys(SOURCE));
    for number in (0..COUNT).step_by(97) {
        let copy = cloud.twin.obs().get(MIRROR, &format!("{}/{number}", number % 7)).unwrap();
        assert_eq!(copy.body, number.to_string());
    }
    let first = cloud.twin.stats();
    // Read once, written once, and looked at once more in the end.
    let requests = |service, operation| first.requests(service, operation);
    assert_eq!(requests(Service::Oss, "GetObject"), all);
    assert_eq!(requests(Service::Oss, "HeadObject"), all);
    assert_eq!(requests(Service::Obs, "PutObject"), all);
    assert_eq!(requests(Service::Obs, "HeadObject"), 0);

    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [0, all, 0, 0]);
    let second = cloud.twin.stats();
    let more = |service, operation| second.requests(service, operation) - first.requests(service, operation);
    for (service, operation) in [
        (Service::Oss, "GetObject"),
        (Service::Obs, "PutObject"),
        (Service::Oss, "HeadObject"),
        (Service::Obs, "HeadObject"),
    ] {
        assert_eq!(more(service, operation), 0, "{operation}");
    }
    assert_eq!((more(Service::Oss, "ListObjects"), more(Service::Obs, "ListObjects")), (10, 10));
}

/// Most memory that a process had, in KiB; 0 when it is gone.
fn peak_memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn memory_does_not_grow_with_the_size_of_an_object() {
    const SIZE: u64 = 5 << 30;
    let cloud = Cloud::start().await;
    cloud.twin.oss().put_zeros(SOURCE, "large", SIZE);
    let directory = TempDir::new().unwrap();
    let process = to_mirror(&cloud, "large").start_in(directory.path());
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
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let (source, copy) = (cloud.twin.oss().get(SOURCE, "large"), cloud.twin.obs().get(MIRROR, "large"));
    let (source, copy) = (source.unwrap(), copy.unwrap());
    assert_eq!((copy.body.len(), copy.crc64), (SIZE, source.crc64));
    assert!(copy.body == source.body);
    assert_eq!(cloud.twin.stats().requests(Service::Obs, "UploadPart"), SIZE / (16 << 20));
    // 16 streams of 1 MiB and 16 MiB for the program are promised.
    let peak = peak.load(Ordering::Relaxed);
    assert!((1..64 << 10).contains(&peak), "{peak} KiB");
}
