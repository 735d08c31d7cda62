//! Callbacks that are signed well and do not say what the bucket holds.

use std::time::Duration;

use cloud_twin::{Fault, FaultAction, ObjectHeaders, Service};
use e2e::cloud::SOURCE;
use e2e::desk::{ERIC, md5};
use e2e::{Cloud, Desk};
use serde_json::json;

use crate::support::{allow_unknown, key, told};

#[tokio::test]
async fn what_is_claimed_and_not_there_is_missing_and_not_forwarded() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", b"abc").await;
    assert_eq!(desk.call_back(&cloud.twin, &told(&allowed, "ABC", 3)).await.status, 200);
    let missing = desk.until_state(ERIC, &allowed.id(), "missing").await;
    assert_eq!(missing["note"], "no longer in the bucket");
    assert_eq!(desk.get(ERIC, &format!("/objects/{}", allowed.id())).await.status, 404);
    let other = desk.upload(ERIC, "b.txt", "text/plain", b"def").await;
    desk.until_forwarded(ERIC, &other.id()).await;
    assert_eq!(cloud.sent(&key(&allowed)), 0);
    // The upload itself is still good, and loses nothing by the claim.
    let stored = desk.send_form(&allowed.body["upload"], b"abc").await;
    assert_eq!((stored.status, &stored.body["state"]), (200, &json!("stored")), "{stored:?}");
    desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(cloud.twin.accepted_count(&key(&allowed)), 1);
}

#[tokio::test]
async fn an_object_that_was_gone_and_comes_again_is_forwarded_again() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    cloud.twin.oss().delete(SOURCE, &key(&stored));
    assert_eq!(desk.allow(ERIC, "a.txt", "text/plain", b"abc").await.status, 201);
    desk.until_state(ERIC, &stored.id(), "missing").await;
    cloud.twin.oss().put(SOURCE, &key(&stored), "abc");
    let checked = desk.post(ERIC, &format!("/uploads/{}/check", stored.id()), json!({})).await;
    assert_eq!(checked.body["state"], "stored", "{checked:?}");
    cloud.until(|twin| twin.accepted_count(&key(&stored)) == 2).await;
    desk.until_forwarded(ERIC, &stored.id()).await;
}

#[tokio::test]
async fn the_bucket_corrects_what_a_callback_claims() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", b"abc").await;
    let headers = ObjectHeaders::default().content_type("text/html");
    cloud.twin.oss().put_with(SOURCE, &key(&allowed), "abc", headers);
    let mut claim = told(&allowed, "0123456789ABCDEF0123456789ABCDEF", 3);
    claim["md5"] = json!(md5(b"something else"));
    let answered = desk.call_back(&cloud.twin, &claim).await;
    assert_eq!(answered.status, 200, "{answered:?}");
    let object = desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(object["size"], 3);
    assert_eq!(object["etag"], md5(b"abc").to_uppercase());
    assert_eq!(object["type"], "text/html");
    assert_ne!(object["md5"], md5(b"something else"));
    assert_eq!(cloud.record(e2e::Shelf::Failed, &key(&allowed)), None);
}

#[tokio::test]
async fn an_object_removed_while_its_callback_is_on_its_way_is_missing() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", b"abc").await;
    let fault = Fault::new(Service::Oss, FaultAction::delay_callback(Duration::from_millis(300))).times(1);
    cloud.twin.faults().inject(fault);
    let key = key(&allowed);
    let removed = async {
        cloud.until(|twin| twin.oss().get(SOURCE, &key).is_some()).await;
        assert!(cloud.twin.oss().delete(SOURCE, &key));
    };
    let (answered, ()) = tokio::join!(desk.send_form(&allowed.body["upload"], b"abc"), removed);
    assert_eq!(answered.status, 200, "OSS says so, and so does the desk: {answered:?}");
    desk.until_state(ERIC, &allowed.id(), "missing").await;
    assert_eq!(cloud.sent(&key), 0);
}

#[tokio::test]
async fn an_upload_deleted_while_its_callback_is_on_its_way_stays_deleted() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", b"abc").await;
    let fault = Fault::new(Service::Oss, FaultAction::delay_callback(Duration::from_millis(300))).times(1);
    cloud.twin.faults().inject(fault);
    let deleted = async {
        cloud.until(|twin| twin.oss().len(SOURCE) == 1).await;
        assert_eq!(desk.delete(ERIC, &format!("/objects/{}", allowed.id())).await.status, 204);
    };
    let (answered, ()) = tokio::join!(desk.send_form(&allowed.body["upload"], b"abc"), deleted);
    assert_eq!(answered.status, 203, "{answered:?}");
    assert_eq!(cloud.twin.callbacks()[0].status, Some(410));
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", allowed.id())).await.status, 404);
    assert_eq!(cloud.sent(&key(&allowed)), 0);
}
