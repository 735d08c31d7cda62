//! Files that a user has already uploaded.

use cloud_twin::{Fault, FaultResponse, Service};
use e2e::cloud::SOURCE;
use e2e::desk::{ERIC, MIA, md5};
use e2e::{Cloud, Desk};
use serde_json::json;

use crate::support::{allow_unknown, key, metric};

#[tokio::test]
async fn a_file_that_its_user_has_is_not_uploaded_again() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let first = desk.upload(ERIC, "a.txt", "text/plain", b"content").await;
    let again = desk.allow(ERIC, "another name.txt", "text/plain", b"content").await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_eq!((again.id(), &again.body["duplicate"]), (first.id(), &json!(true)));
    assert_eq!((&again.body["state"], &again.body["object"]["name"]), (&json!("stored"), &json!("a.txt")));
    assert!(again.body.get("upload").is_none(), "there is nothing to be uploaded: {again:?}");
    assert_eq!(cloud.twin.oss().len(SOURCE), 1);
    assert_eq!(metric(&desk, ERIC, "uploads_duplicate").await, 1);
    let wish = json!({"name": "b", "size": 7, "md5": md5(b"content").to_uppercase()});
    assert_eq!(desk.post(ERIC, "/uploads", wish).await.status, 200, "hex in capitals is the same");
}

#[tokio::test]
async fn what_differs_in_size_or_content_is_uploaded() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    desk.upload(ERIC, "a.txt", "text/plain", b"content").await;
    assert_eq!(desk.allow(ERIC, "a.txt", "text/plain", b"CONTENT").await.status, 201);
    let wish = json!({"name": "a.txt", "size": 8, "md5": md5(b"content")});
    assert_eq!(desk.post(ERIC, "/uploads", wish).await.status, 201);
    assert_eq!(allow_unknown(&desk, ERIC, "a.txt", b"content").await.status, 201);
}

#[tokio::test]
async fn whoever_knows_an_md5_does_not_get_the_file_of_another_user() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let erics = desk.upload(ERIC, "a.txt", "text/plain", b"content").await;
    let mias = desk.upload(MIA, "a.txt", "text/plain", b"content").await;
    assert_eq!(mias.status, 200, "{mias:?}");
    assert_ne!(key(&erics), key(&mias));
    assert_eq!(cloud.twin.oss().len(SOURCE), 2);
    assert_eq!(desk.allow(MIA, "b.txt", "text/plain", b"content").await.id(), mias.id());
}

#[tokio::test]
async fn a_file_that_was_removed_from_the_bucket_is_uploaded_again() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let first = desk.upload(ERIC, "a.txt", "text/plain", b"content").await;
    desk.until_forwarded(ERIC, &first.id()).await;
    assert!(cloud.twin.oss().delete(SOURCE, &key(&first)));
    let again = desk.upload(ERIC, "a.txt", "text/plain", b"content").await;
    assert_eq!(again.status, 200, "{again:?}");
    assert_ne!(again.id(), first.id());
    let gone = desk.get(ERIC, &format!("/uploads/{}", first.id())).await;
    assert_eq!(
        (&gone.body["state"], &gone.body["note"]),
        (&json!("missing"), &json!("no longer in the bucket"))
    );
    let listed = desk.get(ERIC, "/objects").await.body;
    assert_eq!(listed["objects"].as_array().unwrap().len(), 1, "{listed}");
    // Deleted by its user is gone as well.
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", again.id())).await.status, 204);
    assert_eq!(desk.allow(ERIC, "a.txt", "text/plain", b"content").await.status, 201);
}

#[tokio::test]
async fn where_the_bucket_cannot_be_asked_the_file_is_uploaded_once_more() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let first = desk.upload(ERIC, "a.txt", "text/plain", b"content").await;
    desk.until_forwarded(ERIC, &first.id()).await;
    let fault = Fault::respond(Service::Oss, FaultResponse::error(403, "AccessDenied", "no")).method("HEAD");
    cloud.twin.faults().inject(fault);
    assert_eq!(desk.allow(ERIC, "a.txt", "text/plain", b"content").await.status, 201);
    cloud.twin.faults().clear_all();
    assert_eq!(desk.allow(ERIC, "a.txt", "text/plain", b"content").await.id(), first.id());
}

#[tokio::test]
async fn an_md5_that_oss_did_not_confirm_saves_no_upload() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"content").await;
    // Somebody else put it there, and it is not what the user said.
    cloud.twin.oss().put(SOURCE, &key(&allowed), "CONTENT");
    let stored = desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
    assert_eq!((&stored.body["state"], &stored.body["object"]["md5"]), (&json!("stored"), &json!(null)));
    assert_eq!(desk.allow(ERIC, "a.txt", "text/plain", b"content").await.status, 201);
    let pending = desk.allow(ERIC, "b.txt", "text/plain", b"pending").await;
    assert_eq!(pending.status, 201);
    assert_eq!(desk.allow(ERIC, "b.txt", "text/plain", b"pending").await.status, 201, "it is not there yet");
}
