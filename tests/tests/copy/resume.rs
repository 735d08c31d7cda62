//! Runs that are killed, and the ones that go on.

use cloud_twin::{ObsCrc64, Service, Twin, TwinConfig};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::{bytes, finish};
use e2e::{Cloud, Copy};
use tempfile::TempDir;

use crate::support::{
    BACKUP, PART, SMALL_PARTS, all_to_mirror, assert_mirrored, counts, ends_with, in_parts, succeeded,
    to_mirror,
};

const PARTS: usize = 12;

async fn cloud(config: TwinConfig) -> (Cloud, Vec<u8>) {
    let cloud = Cloud::with(config).await;
    let content = bytes(1, PARTS * PART - 7).to_vec();
    cloud.twin.oss().put(SOURCE, "a", content.clone());
    (cloud, content)
}

/// Starts a run that is slow, and kills it in the middle of its parts. Gives how many parts were there.
async fn kill_half_way(cloud: &Cloud, copy: Copy, parts_at: impl Fn(&Twin) -> usize) -> usize {
    let directory = TempDir::new().unwrap();
    let process = copy.with(["--bwlimit", "500K", "--concurrency", "2"]).start_in(directory.path());
    cloud.until(|twin| parts_at(twin) >= 4).await;
    process.signal("KILL").await;
    assert_eq!(finish(process).await.code, None);
    let parts = parts_at(&cloud.twin);
    assert!(parts < PARTS, "{parts}");
    parts
}

fn at_obs(twin: &Twin) -> usize {
    twin.obs().uploads(MIRROR).iter().map(|(_, _, parts)| parts).sum()
}

#[tokio::test]
async fn a_run_that_was_killed_is_gone_on_with() {
    let (cloud, content) = cloud(Twin::builder()).await;
    let there = kill_half_way(&cloud, in_parts(&cloud, "a"), at_obs).await;
    let before = succeeded(&cloud.twin, Service::Obs, "UploadPart");
    assert_eq!(counts(0, all_to_mirror(&cloud).with(SMALL_PARTS)).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, "a", content);
    let sent = succeeded(&cloud.twin, Service::Obs, "UploadPart") - before;
    assert_eq!(sent, (PARTS - there) as u64);
    assert_eq!(cloud.twin.stats().requests(Service::Obs, "InitiateMultipartUpload"), 1);
}

#[tokio::test]
async fn a_run_to_oss_that_was_killed_is_gone_on_with() {
    let (cloud, _) = cloud(Twin::builder()).await;
    cloud.twin.create_oss_bucket(BACKUP);
    let content = bytes(2, PARTS * PART).to_vec();
    cloud.twin.obs().put(MIRROR, "b", content.clone());
    let copy =
        || Copy::new(&cloud.twin, format!("obs://{MIRROR}/b"), format!("oss://{BACKUP}/b")).with(SMALL_PARTS);
    let at_oss = |twin: &Twin| twin.oss().uploads(BACKUP).iter().map(|(_, _, parts)| parts).sum();
    let there = kill_half_way(&cloud, copy(), at_oss).await;
    let before = succeeded(&cloud.twin, Service::Oss, "UploadPart");
    ends_with(0, copy()).await;
    assert_eq!(cloud.twin.oss().get(BACKUP, "b").unwrap().body, content);
    assert_eq!(cloud.twin.oss().uploads(BACKUP), []);
    assert_eq!(succeeded(&cloud.twin, Service::Oss, "UploadPart") - before, (PARTS - there) as u64);
}

#[tokio::test]
async fn parts_of_an_object_that_changed_meanwhile_are_not_used() {
    let (cloud, _) = cloud(Twin::builder()).await;
    kill_half_way(&cloud, in_parts(&cloud, "a"), at_obs).await;
    // Of the same length, and within the second: only the bytes tell.
    let content = bytes(3, PARTS * PART - 7).to_vec();
    cloud.twin.oss().put(SOURCE, "a", content.clone());
    ends_with(0, in_parts(&cloud, "a")).await;
    let copy = cloud.twin.obs().get(MIRROR, "a").unwrap();
    assert!(copy.body == content);
}

#[tokio::test]
async fn parts_of_another_size_are_not_used() {
    let (cloud, content) = cloud(Twin::builder()).await;
    kill_half_way(&cloud, in_parts(&cloud, "a"), at_obs).await;
    let before = succeeded(&cloud.twin, Service::Obs, "UploadPart");
    ends_with(0, to_mirror(&cloud, "a").with(["--part-size", "200K"])).await;
    let copy = cloud.twin.obs().get(MIRROR, "a").unwrap();
    assert!(copy.body == content);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart") - before, 6);
}

#[tokio::test]
async fn parts_that_nothing_proves_are_sent_again_before_they_become_an_object() {
    let (cloud, content) = cloud(Twin::builder().obs_crc64(ObsCrc64::Absent)).await;
    kill_half_way(&cloud, in_parts(&cloud, "a"), at_obs).await;
    let before = succeeded(&cloud.twin, Service::Obs, "UploadPart");
    ends_with(0, in_parts(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart") - before, PARTS as u64);
    let stats = cloud.twin.stats();
    let requests = |operation| stats.requests(Service::Obs, operation);
    assert_eq!((requests("CompleteMultipartUpload"), requests("DeleteObject")), (1, 0));
}

#[tokio::test]
async fn an_interrupt_finishes_what_is_under_way_and_begins_nothing_new() {
    let cloud = Cloud::start().await;
    for number in 0..50 {
        cloud.twin.oss().put(SOURCE, &format!("{number:02}"), bytes(number, 50_000).to_vec());
    }
    let directory = TempDir::new().unwrap();
    let slow = all_to_mirror(&cloud).with(["--bwlimit", "200K", "--concurrency", "2", "--json"]);
    let process = slow.start_in(directory.path());
    cloud.until(|twin| twin.obs().len(MIRROR) >= 2).await;
    process.signal("INT").await;
    let finished = finish(process).await;
    assert_eq!(finished.code, Some(130), "{finished:?}");
    let finishing =
        |objects: &str| finished.stderr.contains(&format!("finishing {objects}; Ctrl-C again ends now"));
    assert!(finishing("1 object") || finishing("2 objects"), "{finished:?}");
    let copied = finished.json()["copied"].as_u64().unwrap();
    assert!((2..20).contains(&copied), "{finished:?}");
    assert_eq!(cloud.twin.obs().len(MIRROR) as u64, copied);
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [50 - copied, copied, 0, 0]);
}
