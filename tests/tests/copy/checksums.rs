//! Bytes that change on their way: noticed, sent again, and never left behind.

use cloud_twin::{Fault, FaultAction, ObjectKind, ObsCrc64, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::bytes;
use e2e::{Cloud, Copy};

use crate::support::{
    BACKUP, PART, SMALL_PARTS, all_to_mirror, assert_mirrored, assert_nothing_mirrored, counts, ends_with,
    in_parts, to_mirror,
};

fn get() -> Fault {
    Fault::new(Service::Oss, FaultAction::CorruptResponse).method("GET").key_contains("a")
}

fn put(service: Service) -> Fault {
    Fault::new(service, FaultAction::CorruptRequest).method("PUT")
}

async fn without_crc_at_obs() -> Cloud {
    Cloud::with(Twin::builder().obs_crc64(ObsCrc64::Absent)).await
}

fn fill(cloud: &Cloud) -> Vec<u8> {
    let content = bytes(1, 4 * PART).to_vec();
    cloud.twin.oss().put(SOURCE, "a", content.clone());
    content
}

/// Makes the source one of a multipart upload, whose `ETag` is no MD5.
fn without_md5(cloud: &Cloud) {
    let changed = cloud.twin.oss().modify(SOURCE, "a", |object| {
        object.etag = "0123456789ABCDEF0123456789ABCDEF-2".to_owned();
        object.kind = ObjectKind::Multipart;
    });
    assert!(changed);
}

#[tokio::test]
async fn a_source_that_sends_other_bytes_is_read_again() {
    let cloud = Cloud::start().await;
    let content = fill(&cloud);
    for run in [to_mirror(&cloud, "a"), in_parts(&cloud, "a"), all_to_mirror(&cloud)] {
        cloud.twin.obs().delete(MIRROR, "a");
        let fault = cloud.twin.faults().inject(get().times(1));
        assert_eq!(counts(0, run).await, [1, 0, 0, 0]);
        assert_mirrored(&cloud, "a", &content);
        assert_eq!(cloud.twin.faults().hits(fault), 1);
    }
}

#[tokio::test]
async fn a_source_that_goes_on_sending_other_bytes_leaves_no_copy() {
    let cloud = Cloud::start().await;
    fill(&cloud);
    cloud.twin.faults().inject(get());
    for run in [to_mirror(&cloud, "a"), in_parts(&cloud, "a")] {
        let finished = ends_with(3, run).await;
        assert!(finished.stderr.contains("CRC-64"), "{finished:?}");
        assert_nothing_mirrored(&cloud, "a");
    }
    // No copy was there at any time: what is wrong is not completed.
    assert_eq!(crate::support::succeeded(&cloud.twin, Service::Obs, "PutObject"), 0);
    assert_eq!(crate::support::succeeded(&cloud.twin, Service::Obs, "CompleteMultipartUpload"), 0);
}

#[tokio::test]
async fn an_md5_of_the_source_serves_where_it_names_no_crc() {
    let cloud = without_crc_at_obs().await;
    cloud.twin.oss().put_without_crc(SOURCE, "a", "content");
    let fault = cloud.twin.faults().inject(get().times(1));
    ends_with(0, to_mirror(&cloud, "a")).await;
    assert_eq!(cloud.twin.faults().hits(fault), 1);
    assert_mirrored(&cloud, "a", "content");
    cloud.twin.obs().delete(MIRROR, "a");
    cloud.twin.faults().inject(get());
    ends_with(3, to_mirror(&cloud, "a")).await;
    assert_nothing_mirrored(&cloud, "a");
}

#[tokio::test]
async fn what_arrives_as_other_bytes_is_sent_again() {
    let cloud = Cloud::start().await;
    let content = fill(&cloud);
    for without in [false, true] {
        if without {
            without_md5(&cloud);
        }
        for run in [to_mirror(&cloud, "a"), in_parts(&cloud, "a")] {
            cloud.twin.obs().delete(MIRROR, "a");
            let fault = cloud.twin.faults().inject(put(Service::Obs).times(1));
            ends_with(0, run).await;
            assert_eq!(cloud.twin.faults().hits(fault), 1);
            assert_mirrored(&cloud, "a", &content);
        }
    }
}

#[tokio::test]
async fn what_goes_on_arriving_as_other_bytes_leaves_no_copy() {
    let cloud = Cloud::start().await;
    fill(&cloud);
    cloud.twin.faults().inject(put(Service::Obs));
    ends_with(3, to_mirror(&cloud, "a")).await;
    assert_nothing_mirrored(&cloud, "a");
    ends_with(3, in_parts(&cloud, "a")).await;
    assert!(cloud.twin.obs().get(MIRROR, "a").is_none());
    // Whatever the parts that are left hold, the next run ends with the right bytes.
    cloud.twin.faults().clear_all();
    ends_with(0, in_parts(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", bytes(1, 4 * PART));
}

#[tokio::test]
async fn an_obs_without_crcs_is_held_to_md5s() {
    let cloud = without_crc_at_obs().await;
    let content = fill(&cloud);
    for without in [false, true] {
        if without {
            without_md5(&cloud);
        }
        for run in [to_mirror, in_parts] {
            cloud.twin.obs().delete(MIRROR, "a");
            cloud.twin.faults().clear_all();
            let fault = cloud.twin.faults().inject(put(Service::Obs).times(1));
            ends_with(0, run(&cloud, "a")).await;
            assert_eq!(cloud.twin.faults().hits(fault), 1);
            assert_mirrored(&cloud, "a", &content);

            cloud.twin.obs().delete(MIRROR, "a");
            cloud.twin.faults().inject(put(Service::Obs));
            ends_with(3, run(&cloud, "a")).await;
            assert!(cloud.twin.obs().get(MIRROR, "a").is_none(), "{without}");
            cloud.twin.faults().clear_all();
            ends_with(0, run(&cloud, "a")).await;
            assert_mirrored(&cloud, "a", &content);
        }
    }
}

#[tokio::test]
async fn without_any_trouble_an_obs_without_crcs_is_written_once() {
    let cloud = without_crc_at_obs().await;
    let content = fill(&cloud);
    ends_with(0, to_mirror(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", &content);
    ends_with(0, in_parts(&cloud, "a").with(["--force"])).await;
    assert_mirrored(&cloud, "a", &content);
    let stats = cloud.twin.stats();
    assert_eq!(
        (stats.requests(Service::Obs, "PutObject"), stats.requests(Service::Obs, "UploadPart")),
        (1, 4)
    );
    assert_eq!(counts(0, in_parts(&cloud, "a")).await, [0, 1, 0, 0]);
}

#[tokio::test]
async fn oss_as_a_destination_is_held_to_its_checksums_too() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket(BACKUP);
    let content = bytes(2, 4 * PART).to_vec();
    let back =
        |key: &str| Copy::new(&cloud.twin, format!("obs://{MIRROR}/{key}"), format!("oss://{BACKUP}/{key}"));
    for (number, parts) in [&[][..], &SMALL_PARTS].into_iter().enumerate() {
        // With an MD5 that the destination compares, and without.
        for key in ["single", "multipart"] {
            cloud.twin.obs().put(MIRROR, key, content.clone());
            if key == "multipart" {
                cloud.twin.obs().modify(MIRROR, key, |object| object.etag.push_str("-2"));
            }
            cloud.twin.oss().delete(BACKUP, key);
            let run = || back(key).with(parts.iter().copied());
            let fault = cloud.twin.faults().inject(put(Service::Oss));
            ends_with(3, run()).await;
            assert!(cloud.twin.oss().get(BACKUP, key).is_none(), "{number} {key}");
            cloud.twin.faults().clear(fault);
            let fault = cloud.twin.faults().inject(put(Service::Oss).times(1));
            ends_with(0, run()).await;
            assert_eq!(cloud.twin.faults().hits(fault), 1, "{number} {key}");
            assert_eq!(cloud.twin.oss().get(BACKUP, key).unwrap().body, content);
            assert_eq!(cloud.twin.oss().uploads(BACKUP), []);
        }
    }
}

#[tokio::test]
async fn what_comes_from_the_web_or_a_file_is_held_to_checksums_at_the_destination() {
    for cloud in [Cloud::start().await, without_crc_at_obs().await] {
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("file");
        let content = bytes(3, 3 * PART);
        std::fs::write(&file, &content).unwrap();
        let body = content.clone();
        let server = e2e::WebServer::start(move |_| e2e::WebReply::whole(&body).chunked()).await;
        for from in [file.to_str().unwrap(), &server.url("/stream")] {
            for parts in [&[][..], &SMALL_PARTS] {
                cloud.twin.obs().delete(MIRROR, "a");
                let copy = Copy::new(&cloud.twin, from, format!("obs://{MIRROR}/a"));
                let fault = cloud.twin.faults().inject(put(Service::Obs).times(1));
                ends_with(0, copy.with(parts.iter().copied())).await;
                assert_eq!(cloud.twin.faults().hits(fault), 1);
                assert_mirrored(&cloud, "a", &content);
            }
        }
    }
}
