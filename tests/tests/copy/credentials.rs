//! Credentials that are refused, from the start or half way.

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::bytes;
use e2e::{Cloud, Copy};

use crate::support::{
    PART, assert_mirrored, assert_nothing_mirrored, ends_with, in_parts, succeeded, to_mirror,
};

async fn cloud() -> (Cloud, Vec<u8>) {
    let cloud = Cloud::start().await;
    let content = bytes(1, 5 * PART).to_vec();
    cloud.twin.oss().put(SOURCE, "a", content.clone());
    (cloud, content)
}

fn one_by_one(cloud: &Cloud) -> Copy {
    in_parts(cloud, "a").with(["--concurrency", "1"])
}

fn expired(service: Service) -> Fault {
    let answer = FaultResponse::error(403, "SecurityTokenExpired", "The token has expired.");
    Fault::new(service, FaultAction::Respond(answer))
}

fn denied(service: Service) -> Fault {
    Fault::new(service, FaultAction::Respond(FaultResponse::error(403, "AccessDenied", "no")))
}

#[tokio::test]
async fn a_destination_that_denies_is_asked_once() {
    let (cloud, _) = cloud().await;
    cloud.twin.faults().inject(denied(Service::Obs).method("PUT"));
    cloud.twin.faults().inject(denied(Service::Obs).method("POST"));
    let finished = ends_with(2, to_mirror(&cloud, "a")).await;
    for said in [
        "a right is missing: put \"a\"",
        "AccessDenied",
        "do: allow obs:object:PutObject on OBS:*:*:object:mirror/*",
    ] {
        assert!(finished.stderr.contains(said), "{said}: {finished:?}");
    }
    assert_nothing_mirrored(&cloud, "a");
    ends_with(2, one_by_one(&cloud)).await;
    assert_nothing_mirrored(&cloud, "a");
    let stats = cloud.twin.stats();
    let requests = |operation| stats.requests(Service::Obs, operation);
    assert_eq!(
        (requests("PutObject"), requests("InitiateMultipartUpload"), requests("UploadPart")),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn a_401_of_another_service_says_nothing_of_the_access_key() {
    let (cloud, _) = cloud().await;
    let finished = ends_with(2, to_mirror(&cloud, "a").set("OSS_ENDPOINT", cloud.twin.oms_url())).await;
    assert!(finished.stderr.contains("401") && finished.stderr.contains("OSS_ENDPOINT"), "{finished:?}");
    assert!(!finished.stderr.contains("access key"), "{finished:?}");
}

#[tokio::test]
async fn a_source_that_denies_is_asked_once() {
    let (cloud, _) = cloud().await;
    cloud.twin.faults().inject(denied(Service::Oss).method("GET"));
    ends_with(2, to_mirror(&cloud, "a")).await;
    ends_with(2, one_by_one(&cloud)).await;
    assert_nothing_mirrored(&cloud, "a");
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "GetObject"), 2);
}

#[tokio::test]
async fn after_credentials_expired_at_a_part_the_next_run_sends_only_what_is_missing() {
    let (cloud, content) = cloud().await;
    let parts = |fault: Fault| fault.method("PUT").path_contains("partNumber").after(2);
    let fault = cloud.twin.faults().inject(parts(expired(Service::Obs)));
    let finished = ends_with(4, one_by_one(&cloud)).await;
    assert!(finished.stderr.contains("SecurityTokenExpired"), "{finished:?}");
    assert!(cloud.twin.obs().get(MIRROR, "a").is_none());
    let open = cloud.twin.obs().uploads(MIRROR);
    assert!(matches!(&open[..], [(key, _, 2)] if key == "a"), "{open:?}");
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 2);

    cloud.twin.faults().clear(fault);
    let finished = ends_with(0, one_by_one(&cloud)).await;
    assert!(finished.stderr.contains("resuming an upload"), "{finished:?}");
    assert_mirrored(&cloud, "a", content);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 5);
    assert_eq!(cloud.twin.stats().requests(Service::Obs, "InitiateMultipartUpload"), 1);
}

#[tokio::test]
async fn after_credentials_of_the_source_expired_the_next_run_goes_on_too() {
    let (cloud, content) = cloud().await;
    let reads = expired(Service::Oss).method("GET").header_contains("range", "bytes=").after(3);
    let fault = cloud.twin.faults().inject(reads);
    ends_with(4, one_by_one(&cloud)).await;
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 3);
    cloud.twin.faults().clear(fault);
    ends_with(0, one_by_one(&cloud)).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 5);
}

#[tokio::test]
async fn after_credentials_expired_at_the_last_step_no_part_is_sent_again() {
    for (code, refused) in [(4, expired(Service::Obs)), (2, denied(Service::Obs))] {
        let (cloud, content) = cloud().await;
        let fault = cloud.twin.faults().inject(refused.method("POST").path_contains("uploadId="));
        ends_with(code, one_by_one(&cloud)).await;
        assert_eq!(cloud.twin.stats().requests(Service::Obs, "InitiateMultipartUpload"), 1);
        cloud.twin.faults().clear(fault);
        ends_with(0, one_by_one(&cloud)).await;
        assert_mirrored(&cloud, "a", content);
        assert_eq!(cloud.twin.stats().requests(Service::Obs, "UploadPart"), 5);
    }
}

#[tokio::test]
async fn without_the_permission_to_look_for_open_uploads_copies_are_made_all_the_same() {
    let (cloud, content) = cloud().await;
    cloud.twin.faults().inject(denied(Service::Obs).method("GET").path_contains("?"));
    ends_with(0, one_by_one(&cloud)).await;
    assert_mirrored(&cloud, "a", content);
}
