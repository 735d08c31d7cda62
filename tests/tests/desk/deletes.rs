//! Objects that their users delete.

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::desk::{ADMIN, ERIC, MIA};
use e2e::{Cloud, Desk, Settings};
use serde_json::json;

use crate::support::{key, metric};

#[tokio::test]
async fn what_is_deleted_is_gone_at_once_and_from_the_bucket_soon() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    let kept = desk.upload(ERIC, "b.txt", "text/plain", b"def").await;
    let path = format!("/objects/{}", stored.id());
    for other in [MIA, ADMIN] {
        let refused = desk.delete(other, &path).await;
        assert_eq!((refused.status, refused.code()), (404, "not_found"));
    }
    assert_eq!(desk.get(ERIC, &path).await.status, 200);
    let deleted = desk.delete(ERIC, &path).await;
    assert_eq!((deleted.status, &deleted.body), (204, &json!("")));
    for (path, status) in [(path.clone(), 404), (format!("/uploads/{}", stored.id()), 404)] {
        assert_eq!(desk.get(ERIC, &path).await.status, status);
    }
    assert_eq!(desk.post(ERIC, &format!("/uploads/{}/check", stored.id()), json!({})).await.status, 404);
    let listed = desk.get(ERIC, "/objects").await.body;
    assert_eq!(
        (listed["objects"].as_array().unwrap().len(), &listed["objects"][0]["id"]),
        (1, &json!(kept.id()))
    );
    assert_eq!(desk.delete(ERIC, &path).await.status, 404, "twice");
    cloud.until(|twin| twin.oss().keys(SOURCE) == [key(&kept)]).await;
}

#[tokio::test]
async fn a_removal_that_fails_is_tried_again() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    let denied = FaultResponse::error(403, "AccessDenied", "no");
    let fault = cloud.twin.faults().inject(Fault::respond(Service::Oss, denied).method("DELETE").times(2));
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", stored.id())).await.status, 204);
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
    assert_eq!(cloud.twin.faults().hits(fault), 2);
    assert_eq!(metric(&desk, ERIC, "work_put_off").await, 2);
}

#[tokio::test]
async fn a_removal_outlives_the_desk() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    let denied = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, denied).method("DELETE"));
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", stored.id())).await.status, 204);
    desk.until_logged("not done").await;
    let setup = desk.kill().await;
    cloud.twin.faults().clear_all();
    setup.database().make_due(&stored.id()).await;
    let desk = setup.start().await;
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
    assert_eq!(desk.get(ERIC, &format!("/objects/{}", stored.id())).await.status, 404);
}

/// Settings with which the desk copies to the mirror itself.
fn copying(cloud: &Cloud, deletes: &'static str) -> impl FnOnce(Settings) -> Settings {
    let copy = cloud.copy_settings();
    move |settings| settings.and(copy).unset("SYNC_URL").set("PROPAGATE_DELETES", deletes)
}

#[tokio::test]
async fn the_copy_goes_as_well_where_removals_are_carried_over() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.settings(copying(&cloud, "true")).start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    assert_eq!(cloud.mirrored(&key(&stored)).unwrap().body, *b"abc");
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", stored.id())).await.status, 204);
    cloud.until(|twin| twin.oss().len(SOURCE) == 0 && twin.obs().len(MIRROR) == 0).await;
}

#[tokio::test]
async fn what_is_deleted_while_it_is_copied_leaves_no_copy() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.settings(copying(&cloud, "true")).start().await;
    let slow = FaultAction::Delay { millis: 500 };
    let slow = cloud.twin.faults().inject(Fault::new(Service::Obs, slow).method("PUT").times(1));
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    cloud.until(|twin| twin.faults().hits(slow) == 1).await;
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", stored.id())).await.status, 204);
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
    cloud.until(|twin| twin.stats().requests(Service::Obs, "PutObject") == 1).await;
    cloud.until(|twin| twin.obs().len(MIRROR) == 0).await;
}

#[tokio::test]
async fn the_copy_stays_where_removals_are_not_carried_over() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.settings(copying(&cloud, "false")).start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", stored.id())).await.status, 204);
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
    let metrics = |answered: &e2e::desk::Answered| {
        answered.body.as_str().unwrap().contains("oms_bridge_desk_objects_removed_total 1")
    };
    desk.until(ERIC, "/metrics", metrics).await;
    assert!(cloud.mirrored(&key(&stored)).is_some());
}

#[tokio::test]
async fn an_upload_that_comes_after_its_deletion_is_removed() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", allowed.id())).await.status, 204);
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", allowed.id())).await.status, 404);
    let late = desk.send_form(&allowed.body["upload"], b"abc").await;
    assert_eq!(late.status, 203, "OSS has taken it, the desk has not: {late:?}");
    assert_eq!(cloud.twin.callbacks()[0].status, Some(410));
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
    assert_eq!(cloud.sent(&key(&allowed)), 0);
}

#[tokio::test]
async fn an_upload_after_its_deletion_is_removed_though_its_callback_is_lost() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", allowed.id())).await.status, 204);
    let removed = |answered: &e2e::desk::Answered| {
        answered.body.as_str().unwrap().contains("oms_bridge_desk_objects_removed_total 1")
    };
    desk.until(ERIC, "/metrics", removed).await;
    cloud.twin.faults().inject(Fault::new(Service::Oss, FaultAction::LoseCallback));
    assert_eq!(desk.send_form(&allowed.body["upload"], b"abc").await.status, 203);
    assert_eq!(cloud.twin.oss().len(SOURCE), 1);
    desk.setup().database().expire(&allowed.id()).await;
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
}
