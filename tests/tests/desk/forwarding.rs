//! What becomes of an object that is stored.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::desk::{ERIC, MIA};
use e2e::{Cloud, Desk, Shelf};
use serde_json::json;

use crate::support::{key, metric};

#[tokio::test]
async fn what_oms_refuses_for_good_is_in_the_journal_and_done() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    cloud.twin.faults().inject(Fault::poison_key("/poisoned"));
    let stored = desk.upload(ERIC, "poisoned.txt", "text/plain", b"abc").await;
    let good = desk.upload(MIA, "good.txt", "text/plain", b"def").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    desk.until_forwarded(MIA, &good.id()).await;
    let record = cloud.record(Shelf::Failed, &key(&stored)).expect("a record");
    assert!(record["error"].to_string().contains("OMS.0064"), "{record}");
    assert_eq!(cloud.recorded(Shelf::Failed), [key(&stored)]);
    assert_eq!(cloud.twin.accepted_count(&key(&good)), 1);
    assert_eq!(cloud.twin.accepted_count(&key(&stored)), 0);
    assert_eq!(metric(&desk, ERIC, "work_put_off").await, 0);
}

#[tokio::test]
async fn credentials_that_oms_does_not_take_cost_no_object() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(stored.status, 200, "{stored:?}");
    desk.until_forwarded(ERIC, &stored.id()).await;
    assert!(cloud.record(Shelf::Failed, &key(&stored)).is_some());
}

#[tokio::test]
async fn what_oms_refuses_for_a_moment_is_accepted_later() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()).times(2));
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    assert_eq!(cloud.twin.accepted_count(&key(&stored)), 1);
    assert_eq!(cloud.recorded(Shelf::Failed), [""; 0]);
}

#[tokio::test]
async fn without_oms_and_journal_an_object_waits_for_both() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_invalid()));
    let denied = FaultResponse::error(403, "AccessDenied", "no");
    cloud
        .twin
        .faults()
        .inject(Fault::respond(Service::Oss, denied).method("PUT").key_contains("failed_object"));
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(stored.status, 200, "{stored:?}");
    desk.until_logged("not done").await;
    assert_eq!(desk.get(ERIC, &format!("/objects/{}", stored.id())).await.body["forwarded"], false);
    assert!(metric(&desk, ERIC, "work_put_off").await >= 1);
    cloud.twin.faults().clear_all();
    desk.until_forwarded(ERIC, &stored.id()).await;
    assert_eq!(cloud.twin.accepted_count(&key(&stored)), 1);
}

#[tokio::test]
async fn the_desk_copies_itself_where_it_is_told_to() {
    let cloud = Cloud::start().await;
    let copy = cloud.copy_settings();
    let setup = Desk::on(&cloud).await.settings(|settings| settings.and(copy).unset("SYNC_URL"));
    let desk = setup.start().await;
    let stored = desk.upload(ERIC, "测试 a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    let copy = cloud.mirrored(&key(&stored)).unwrap();
    assert_eq!(
        (copy.body, copy.headers.content_type.unwrap().to_str().unwrap()),
        (b"abc".to_vec().into(), "text/plain")
    );
    assert_eq!(cloud.oms_requests(), 0);
    let record = cloud.copy_records().get(Shelf::Success, &key(&stored)).unwrap();
    assert_eq!(record["engine"], "copy");
}

#[tokio::test]
async fn a_desk_that_does_not_forward_needs_nothing_of_oms() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await.settings(|settings| {
        let settings = settings.unset("SYNC_URL").unset("LOG_BUCKET").unset("HW_AK").unset("HW_SK");
        settings.set("DESK_FORWARD", "false")
    });
    let desk = setup.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!((stored.status, &stored.body["object"]["forwarded"]), (200, &json!(null)), "{stored:?}");
    // It is looked at all the same.
    cloud.until(|twin| twin.stats().requests(Service::Oss, "HeadObject") == 1).await;
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", stored.id())).await.status, 204);
    cloud.until(|twin| twin.oss().len(e2e::cloud::SOURCE) == 0).await;
    assert_eq!(cloud.oms_requests(), 0);
    assert_eq!(cloud.twin.oss().keys(e2e::cloud::LOGS), [""; 0]);
}

#[tokio::test]
async fn keys_that_the_settings_leave_out_are_not_forwarded() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.set("EXCLUDE", "**/*.tmp").start().await;
    let left_out = desk.upload(ERIC, "a.tmp", "text/plain", b"abc").await;
    let taken = desk.upload(ERIC, "a.txt", "text/plain", b"def").await;
    desk.until_forwarded(ERIC, &taken.id()).await;
    desk.until_forwarded(ERIC, &left_out.id()).await;
    assert_eq!((cloud.sent(&key(&left_out)), cloud.sent(&key(&taken))), (0, 1));
}
