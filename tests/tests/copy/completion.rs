//! The last step of an upload in parts, where a lost answer must not cost an object.

use cloud_twin::{Fault, FaultAction, FaultResponse, ObsCrc64, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::bytes;
use e2e::{Cloud, Copy};

use crate::support::{BACKUP, PART, SMALL_PARTS, assert_mirrored, ends_with, in_parts};

fn at_completion(service: Service, action: FaultAction) -> Fault {
    Fault::new(service, action).method("POST").path_contains("uploadId=").times(1)
}

fn error(status: u16, code: &str) -> FaultResponse {
    FaultResponse::error(status, code, "as ordered")
}

async fn cloud() -> (Cloud, Vec<u8>) {
    with(Twin::builder()).await
}

async fn with(config: cloud_twin::TwinConfig) -> (Cloud, Vec<u8>) {
    let cloud = Cloud::with(config).await;
    let content = bytes(1, 3 * PART).to_vec();
    cloud.twin.oss().put(SOURCE, "a", content.clone());
    (cloud, content)
}

/// Uploads that were begun, and completions that were asked for.
fn steps(twin: &Twin, service: Service) -> (u64, u64) {
    let stats = twin.stats();
    let requests = |operation| stats.requests(service, operation);
    (requests("InitiateMultipartUpload"), requests("CompleteMultipartUpload"))
}

/// Success whose answer does not come through.
fn lost_answers() -> [FaultAction; 4] {
    [
        FaultAction::RespondAfterWork(error(503, "ServiceUnavailable")),
        FaultAction::RespondAfterWork(error(200, "InternalError")),
        FaultAction::RespondAfterWork(error(404, "NoSuchUpload")),
        FaultAction::ResetMidResponse,
    ]
}

#[tokio::test]
async fn a_lost_answer_of_obs_is_looked_up() {
    for crc64 in [ObsCrc64::Present, ObsCrc64::Absent] {
        for lost in lost_answers() {
            let (cloud, content) = with(Twin::builder().obs_crc64(crc64)).await;
            let fault = cloud.twin.faults().inject(at_completion(Service::Obs, lost.clone()));
            ends_with(0, in_parts(&cloud, "a")).await;
            assert_eq!(cloud.twin.faults().hits(fault), 1);
            assert_mirrored(&cloud, "a", content);
            assert_eq!(steps(&cloud.twin, Service::Obs), (1, 1), "{lost:?} {crc64:?}");
        }
    }
}

#[tokio::test]
async fn a_lost_answer_of_oss_is_looked_up() {
    for lost in lost_answers() {
        let (cloud, _) = cloud().await;
        cloud.twin.create_oss_bucket(BACKUP);
        let content = bytes(2, 3 * PART).to_vec();
        cloud.twin.obs().put(MIRROR, "b", content.clone());
        let fault = cloud.twin.faults().inject(at_completion(Service::Oss, lost.clone()));
        let copy = Copy::new(&cloud.twin, format!("obs://{MIRROR}/b"), format!("oss://{BACKUP}/b"));
        ends_with(0, copy.with(SMALL_PARTS)).await;
        assert_eq!(cloud.twin.faults().hits(fault), 1);
        assert_eq!(cloud.twin.oss().get(BACKUP, "b").unwrap().body, content);
        assert_eq!(cloud.twin.oss().uploads(BACKUP), []);
        assert_eq!(steps(&cloud.twin, Service::Oss), (1, 1), "{lost:?}");
    }
}

#[tokio::test]
async fn an_older_object_of_the_key_is_not_taken_for_the_new_one() {
    // With the same size, so that only its content tells.
    let (cloud, content) = cloud().await;
    cloud.twin.obs().put(MIRROR, "a", bytes(9, 3 * PART).to_vec());
    let busy = FaultAction::Respond(error(503, "ServiceUnavailable"));
    cloud.twin.faults().inject(at_completion(Service::Obs, busy));
    ends_with(0, in_parts(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(steps(&cloud.twin, Service::Obs), (1, 2));
}

#[tokio::test]
async fn a_completion_that_failed_is_asked_for_again() {
    for failed in [
        FaultAction::Respond(error(503, "ServiceUnavailable")),
        FaultAction::Respond(error(200, "InternalError")),
        FaultAction::ResetBeforeReading,
    ] {
        let (cloud, content) = cloud().await;
        let fault = cloud.twin.faults().inject(at_completion(Service::Obs, failed.clone()));
        ends_with(0, in_parts(&cloud, "a")).await;
        assert_eq!(cloud.twin.faults().hits(fault), 1);
        assert_mirrored(&cloud, "a", content);
        assert_eq!(steps(&cloud.twin, Service::Obs), (1, 2), "{failed:?}");
        assert_eq!(cloud.twin.stats().requests(Service::Obs, "UploadPart"), 3);
    }
}

#[tokio::test]
async fn an_upload_that_is_of_no_use_any_more_is_made_anew() {
    for failed in [error(404, "NoSuchUpload"), error(400, "InvalidPart"), error(200, "InvalidPart")] {
        let (cloud, content) = cloud().await;
        cloud.twin.faults().inject(at_completion(Service::Obs, FaultAction::Respond(failed.clone())));
        ends_with(0, in_parts(&cloud, "a")).await;
        assert_mirrored(&cloud, "a", content);
        assert_eq!(steps(&cloud.twin, Service::Obs), (2, 2), "{failed:?}");
    }
}

#[tokio::test]
async fn an_upload_that_somebody_aborts_half_way_is_made_anew() {
    let (cloud, content) = cloud().await;
    let gone = Fault::respond(Service::Obs, error(404, "NoSuchUpload")).method("PUT");
    cloud.twin.faults().inject(gone.path_contains("partNumber=2").times(1));
    ends_with(0, in_parts(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(steps(&cloud.twin, Service::Obs).0, 2);
}
