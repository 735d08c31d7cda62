//! Callbacks that never come, and uploads that never come.

use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::SOURCE;
use e2e::desk::{ERIC, MIA};
use e2e::{Cloud, Desk};
use serde_json::json;

use crate::support::{key, metric};

fn lose_callbacks(cloud: &Cloud) {
    cloud.twin.faults().inject(Fault::new(Service::Oss, FaultAction::LoseCallback));
}

#[tokio::test]
async fn an_upload_without_its_callback_is_settled_by_asking() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    lose_callbacks(&cloud);
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    let answered = desk.send_form(&allowed.body["upload"], b"abc").await;
    assert_eq!(answered.status, 203, "{answered:?}");
    assert!(answered.body.as_str().unwrap().contains("<Code>CallbackFailed</Code>"), "{answered:?}");
    let path = format!("/uploads/{}", allowed.id());
    assert_eq!(desk.get(ERIC, &path).await.body["state"], "pending");
    assert_eq!(desk.post(MIA, &format!("{path}/check"), json!({})).await.status, 404);
    let checked = desk.post(ERIC, &format!("{path}/check"), json!({})).await;
    assert_eq!((checked.status, &checked.body["state"]), (200, &json!("stored")), "{checked:?}");
    assert_eq!(
        checked.body["object"]["md5"],
        e2e::desk::md5(b"abc"),
        "the ETag is the MD5 that was declared"
    );
    desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(cloud.sent(&key(&allowed)), 1);
    assert_eq!(metric(&desk, ERIC, "objects_stored").await, 1);
    // The callback comes after all.
    let body = cloud.twin.callbacks()[0].body.clone();
    assert_eq!(desk.call_back_as(&cloud.twin, "/callback", "/callback", body.as_bytes()).await.status, 200);
    let again = desk.post(ERIC, &format!("{path}/check"), json!({})).await;
    assert_eq!(again.body["state"], "stored");
    assert_eq!(cloud.sent(&key(&allowed)), 1);
}

#[tokio::test]
async fn an_upload_that_nobody_asks_for_is_settled_once_its_policy_has_ended() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    lose_callbacks(&cloud);
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(desk.send_form(&allowed.body["upload"], b"abc").await.status, 203);
    let setup = desk.kill().await;
    setup.database().expire(&allowed.id()).await;
    let desk = setup.start().await;
    desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(cloud.twin.accepted_count(&key(&allowed)), 1);
}

#[tokio::test]
async fn the_end_of_a_policy_is_noticed_by_a_desk_that_runs() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    lose_callbacks(&cloud);
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(desk.send_form(&allowed.body["upload"], b"abc").await.status, 203);
    desk.setup().database().expire(&allowed.id()).await;
    desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(cloud.twin.accepted_count(&key(&allowed)), 1);
}

#[tokio::test]
async fn what_was_never_uploaded_is_missing_until_it_comes() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    let setup = desk.kill().await;
    setup.database().expire(&allowed.id()).await;
    let desk = setup.start().await;
    let missing = desk.until_state(ERIC, &allowed.id(), "missing").await;
    assert_eq!(missing["note"], "nothing was uploaded");
    assert_eq!(desk.get(ERIC, "/objects").await.body["objects"], json!([]));
    assert_eq!(cloud.sent(&key(&allowed)), 0);
    // A slow upload that had begun in time.
    let stored = desk.send_form(&allowed.body["upload"], b"abc").await;
    assert_eq!((stored.status, &stored.body["state"]), (200, &json!("stored")), "{stored:?}");
    let object = desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(object["name"], "a.txt");
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", allowed.id())).await.body.get("note"), None);
    assert_eq!(cloud.twin.accepted_count(&key(&allowed)), 1);
}

#[tokio::test]
async fn a_missing_upload_is_looked_for_again() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.setup().database().expire(&allowed.id()).await;
    desk.until_state(ERIC, &allowed.id(), "missing").await;
    lose_callbacks(&cloud);
    assert_eq!(desk.send_form(&allowed.body["upload"], b"abc").await.status, 203);
    desk.setup().database().make_due(&allowed.id()).await;
    desk.until_forwarded(ERIC, &allowed.id()).await;
}

#[tokio::test]
async fn an_answer_that_breaks_after_the_upload_is_settled_already() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    let broken = FaultResponse::error(500, "InternalError", "no");
    let fault = Fault::new(Service::Oss, FaultAction::RespondAfterWork(broken)).method("POST").times(1);
    cloud.twin.faults().inject(fault);
    assert_eq!(desk.send_form(&allowed.body["upload"], b"abc").await.status, 500);
    let checked = desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
    assert_eq!(checked.body["state"], "stored", "{checked:?}");
    assert_eq!(cloud.twin.oss().len(SOURCE), 1);
}

#[tokio::test]
async fn a_bucket_that_cannot_be_asked_is_no_missing_upload() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    lose_callbacks(&cloud);
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(desk.send_form(&allowed.body["upload"], b"abc").await.status, 203);
    cloud.twin.faults().clear_all();
    let denied = FaultResponse::error(403, "AccessDenied", "no");
    cloud.twin.faults().inject(Fault::respond(Service::Oss, denied).method("HEAD"));
    let checked = desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
    assert_eq!((checked.status, checked.code()), (502, "storage_unavailable"));
    desk.setup().database().expire(&allowed.id()).await;
    desk.until_logged("not done").await;
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", allowed.id())).await.body["state"], "pending");
    cloud.twin.faults().clear_all();
    desk.until_forwarded(ERIC, &allowed.id()).await;
}
