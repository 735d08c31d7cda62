//! Connections break, services are busy: the copy arrives, and what was read is not read again.

use cloud_twin::{Fault, FaultAction, FaultId, FaultResponse, Service};
use e2e::Cloud;
use e2e::cloud::{MIRROR, SOURCE};
use e2e::copy::bytes;

use crate::support::{
    PART, all_to_mirror, assert_mirrored, assert_nothing_mirrored, counts, ends_with, in_parts, succeeded,
    to_mirror,
};

fn get(action: FaultAction) -> Fault {
    Fault::new(Service::Oss, action).method("GET").key_contains("a")
}

fn put(action: FaultAction) -> Fault {
    Fault::new(Service::Obs, action).method("PUT")
}

/// Counts the requests that reach it, and changes nothing.
fn count(cloud: &Cloud, fault: impl FnOnce(FaultAction) -> Fault, header: (&str, &str)) -> FaultId {
    let fault = fault(FaultAction::Delay { millis: 0 }).header_contains(header.0, header.1);
    cloud.twin.faults().inject(fault)
}

async fn cloud_with(len: usize) -> (Cloud, Vec<u8>) {
    let cloud = Cloud::start().await;
    let content = bytes(1, len).to_vec();
    cloud.twin.oss().put(SOURCE, "a", content.clone());
    (cloud, content)
}

#[tokio::test]
async fn reading_an_object_goes_on_where_the_connection_broke() {
    let (cloud, content) = cloud_with(500_000).await;
    let reset = cloud.twin.faults().inject(get(FaultAction::ResetMidResponse).times(2));
    let from_the_start = count(&cloud, get, ("range", "bytes=0-"));
    let to_the_end = count(&cloud, get, ("range", "-499999"));
    assert_eq!(counts(0, all_to_mirror(&cloud)).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, "a", content);
    let faults = cloud.twin.faults();
    assert_eq!((faults.hits(reset), faults.hits(from_the_start), faults.hits(to_the_end)), (2, 0, 1));
    // The broken one and two more, and one write all along.
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "GetObject"), 3);
    assert_eq!(cloud.twin.stats().requests(Service::Obs, "PutObject"), 1);
}

#[tokio::test]
async fn reading_a_part_goes_on_where_the_connection_broke() {
    let (cloud, content) = cloud_with(4 * PART).await;
    let broken = get(FaultAction::ResetMidResponse).header_contains("range", "bytes=204800-").times(1);
    let broken = cloud.twin.faults().inject(broken);
    let from_the_start = count(&cloud, get, ("range", "bytes=204800-"));
    let to_the_end = count(&cloud, get, ("range", "-307199"));
    ends_with(0, in_parts(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", content);
    let faults = cloud.twin.faults();
    assert_eq!((faults.hits(broken), faults.hits(from_the_start), faults.hits(to_the_end)), (1, 0, 1));
    assert_eq!(cloud.twin.stats().requests(Service::Oss, "GetObject"), 5);
    assert_eq!(cloud.twin.stats().requests(Service::Obs, "UploadPart"), 4);
}

#[tokio::test]
async fn a_body_that_is_shorter_than_its_range_is_not_taken() {
    let (cloud, content) = cloud_with(4 * PART).await;
    let short = get(FaultAction::TruncateResponse).header_contains("range", "bytes=204800-").times(1);
    let short = cloud.twin.faults().inject(short);
    ends_with(0, in_parts(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(cloud.twin.faults().hits(short), 1);
    assert_eq!(cloud.twin.stats().requests(Service::Obs, "UploadPart"), 4);
}

#[tokio::test]
async fn an_object_that_comes_as_half_of_itself_is_not_taken_for_whole() {
    let (cloud, content) = cloud_with(50_000).await;
    cloud.twin.oss().put_without_crc(SOURCE, "ab", content.clone());
    for key in ["a", "ab"] {
        let short = get(FaultAction::TruncateResponse).key_contains(key).times(1);
        let short = cloud.twin.faults().inject(short);
        assert_eq!(counts(0, all_to_mirror(&cloud).with(["--include", key])).await, [1, 0, 0, 0]);
        assert_eq!(cloud.twin.faults().hits(short), 1);
        assert_mirrored(&cloud, key, &content);
    }
}

#[tokio::test]
async fn a_write_that_breaks_off_is_made_again() {
    let (cloud, content) = cloud_with(4 * PART).await;
    for (run, action) in [
        (to_mirror(&cloud, "a"), FaultAction::ResetMidRequest),
        (in_parts(&cloud, "a"), FaultAction::ResetMidRequest),
        (to_mirror(&cloud, "a"), FaultAction::ResetBeforeReading),
        (in_parts(&cloud, "a"), FaultAction::ResetMidResponse),
        (to_mirror(&cloud, "a"), FaultAction::ResetMidResponse),
    ] {
        cloud.twin.obs().delete(MIRROR, "a");
        let broken = cloud.twin.faults().inject(put(action.clone()).times(2));
        ends_with(0, run).await;
        assert_mirrored(&cloud, "a", &content);
        assert_eq!(cloud.twin.faults().hits(broken), 2, "{action:?}");
    }
}

#[tokio::test]
async fn busy_services_are_waited_for() {
    let (cloud, content) = cloud_with(4 * PART).await;
    let busy = || FaultAction::Respond(FaultResponse::oss_unavailable());
    let slow = || FaultAction::Respond(FaultResponse::error(429, "SlowDown", "slower"));
    for (run, fault) in [
        (to_mirror(&cloud, "a"), get(busy()).times(2)),
        (in_parts(&cloud, "a"), get(busy()).header_contains("range", "bytes=204800-").times(4)),
        (to_mirror(&cloud, "a"), put(busy()).times(3)),
        (in_parts(&cloud, "a"), put(slow()).times(6)),
        (
            in_parts(&cloud, "a"),
            Fault::new(Service::Obs, busy()).method("POST").path_contains("?uploads").times(2),
        ),
        (to_mirror(&cloud, "a"), Fault::new(Service::Oss, slow()).method("HEAD").times(2)),
    ] {
        cloud.twin.obs().delete(MIRROR, "a");
        cloud.twin.faults().clear_all();
        let count = fault.count.unwrap();
        let fault = cloud.twin.faults().inject(fault);
        ends_with(0, run).await;
        assert_mirrored(&cloud, "a", &content);
        assert_eq!(cloud.twin.faults().hits(fault), count);
    }
}

#[tokio::test]
async fn a_service_that_stays_away_fails_the_object_and_leaves_what_can_be_gone_on_with() {
    let (cloud, content) = cloud_with(4 * PART).await;
    let busy = || FaultAction::Respond(FaultResponse::oss_unavailable());
    cloud.twin.faults().inject(put(busy()).path_contains("partNumber=3"));
    let finished = ends_with(3, in_parts(&cloud, "a").with(["--concurrency", "1"])).await;
    assert!(finished.stderr.contains("class=transient"), "{finished:?}");
    let open = cloud.twin.obs().uploads(MIRROR);
    assert!(cloud.twin.obs().get(MIRROR, "a").is_none());
    assert!(matches!(&open[..], [(key, _, 2)] if key == "a"), "{open:?}");
    cloud.twin.faults().clear_all();
    ends_with(0, in_parts(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 4);
}

#[tokio::test]
async fn a_source_that_stays_away_fails_the_object() {
    let (cloud, _) = cloud_with(500).await;
    cloud.twin.faults().inject(get(FaultAction::Respond(FaultResponse::oss_unavailable())));
    ends_with(3, to_mirror(&cloud, "a")).await;
    assert_nothing_mirrored(&cloud, "a");
}

#[tokio::test]
async fn a_source_that_ignores_ranges_is_read_in_one_go() {
    // From the first request on, and from the second one.
    for ignored in ["bytes=0-", "bytes=204800-"] {
        let (cloud, content) = cloud_with(4 * PART).await;
        let fault = get(FaultAction::IgnoreRange).header_contains("range", ignored);
        cloud.twin.faults().inject(fault);
        ends_with(0, in_parts(&cloud, "a")).await;
        assert_mirrored(&cloud, "a", content);
    }
}

#[tokio::test]
async fn in_one_go_a_break_skips_what_was_read_before() {
    let (cloud, content) = cloud_with(4 * PART).await;
    let faults = cloud.twin.faults();
    faults.inject(get(FaultAction::IgnoreRange).header_contains("range", "bytes=0-"));
    let reset = get(FaultAction::ResetMidResponse).times(1);
    let reset = faults.inject(reset);
    faults.inject(get(FaultAction::IgnoreRange));
    ends_with(0, in_parts(&cloud, "a")).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(faults.hits(reset), 1);
}
