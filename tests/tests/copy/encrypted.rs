//! A destination that encrypts: the `ETag` of a part is no MD5, and perhaps nothing else tells of its bytes.

use cloud_twin::{ObsCrc64, ObsEncryption, Service, Twin};
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::{bytes, finish};
use tempfile::TempDir;

use crate::support::{PART, assert_mirrored, counts, ends_with, in_parts, succeeded};

const PARTS: usize = 12;

async fn cloud(crc64: ObsCrc64) -> (Cloud, Vec<u8>) {
    let cloud = Cloud::with(Twin::builder().obs_crc64(crc64).obs_encryption(ObsEncryption::Kms)).await;
    let content = bytes(1, PARTS * PART - 7).to_vec();
    cloud.twin.oss().put(SOURCE, "a", content.clone());
    (cloud, content)
}

#[tokio::test]
async fn objects_arrive_whole_and_are_left_alone_the_next_time() {
    for crc64 in [ObsCrc64::Present, ObsCrc64::Absent] {
        let (cloud, content) = cloud(crc64).await;
        ends_with(0, in_parts(&cloud, "a")).await;
        assert_mirrored(&cloud, "a", content);
        assert_eq!(cloud.twin.obs().get(MIRROR, "a").unwrap().encryption, Some("kms"));
        assert_eq!(counts(0, in_parts(&cloud, "a")).await, [0, 1, 0, 0]);
    }
}

#[tokio::test]
async fn parts_of_a_killed_run_are_compared_in_the_whole_or_sent_again() {
    // With a CRC-64 of the whole those that are there do; without, nothing proves them.
    for crc64 in [ObsCrc64::Present, ObsCrc64::Absent] {
        let (cloud, content) = cloud(crc64).await;
        let parts =
            |twin: &Twin| twin.obs().uploads(MIRROR).iter().map(|(_, _, parts)| *parts).sum::<usize>();
        let directory = TempDir::new().unwrap();
        let slow = in_parts(&cloud, "a").with(["--bwlimit", "500K", "--concurrency", "2"]);
        let process = slow.start_in(directory.path());
        cloud.until(|twin| parts(twin) >= 4).await;
        process.signal("KILL").await;
        assert_eq!(finish(process).await.code, None);
        let there = if crc64 == ObsCrc64::Present { parts(&cloud.twin) } else { 0 };
        let before = succeeded(&cloud.twin, Service::Obs, "UploadPart");
        ends_with(0, in_parts(&cloud, "a")).await;
        assert_mirrored(&cloud, "a", content);
        let sent = succeeded(&cloud.twin, Service::Obs, "UploadPart") - before;
        assert_eq!(sent, (PARTS - there) as u64, "{crc64:?}");
    }
}
