//! The catalogue fails: locked, gone, cut off.

use std::fs;

use e2e::desk::ERIC;
use e2e::{Cloud, Desk};
use serde_json::json;

use crate::support::{key, told};

#[tokio::test]
async fn a_callback_that_cannot_be_written_down_is_refused_in_time_and_settled_later() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    let lock = desk.setup().database().lock().await;
    let answered = desk.send_form(&allowed.body["upload"], b"abc").await;
    assert_eq!(answered.status, 203, "{answered:?}");
    // An answer of the desk: OSS had not given it up.
    assert_eq!(cloud.twin.callbacks()[0].status, Some(503), "{:?}", cloud.twin.callbacks());
    let wish = json!({"name": "b.txt", "size": 1});
    let refused = desk.post(ERIC, "/uploads", wish.clone()).await;
    assert_eq!((refused.status, refused.code()), (503, "catalogue_unavailable"));
    lock.release().await;
    let checked = desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
    assert_eq!((checked.status, &checked.body["state"]), (200, &json!("stored")), "{checked:?}");
    desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(cloud.twin.accepted_count(&key(&allowed)), 1);
    assert_eq!(desk.post(ERIC, "/uploads", wish).await.status, 201);
    assert_eq!(desk.get(ERIC, "/healthz").await.body, json!({"status": "ok"}));
}

#[tokio::test]
async fn the_worker_waits_for_the_catalogue_and_goes_on() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    let allowed = desk.allow(ERIC, "b.txt", "text/plain", b"def").await;
    desk.setup().database().make_due(&allowed.id()).await;
    let lock = desk.setup().database().lock().await;
    desk.until_logged("the catalogue failed; work waits").await;
    lock.release().await;
    assert_eq!(desk.send_form(&allowed.body["upload"], b"def").await.status, 200);
    desk.until_forwarded(ERIC, &allowed.id()).await;
}

#[tokio::test]
async fn a_database_that_is_gone_is_told_and_nothing_is_written_into_the_void() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    if !setup.database().is_file() {
        // Databases of servers are cut off below.
        return;
    }
    let file = setup.database().url().strip_prefix("sqlite://").unwrap().to_owned();
    let desk = setup.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    let aside = format!("{file}.aside");
    fs::rename(&file, &aside).unwrap();
    let health = desk.get(ERIC, "/healthz").await;
    assert_eq!((health.status, health.code()), (503, "catalogue_unavailable"));
    let answered = desk.send_form(&allowed.body["upload"], b"abc").await;
    assert_eq!((answered.status, cloud.twin.callbacks()[0].status), (203, Some(503)), "{answered:?}");
    assert_eq!(desk.post(ERIC, "/uploads", json!({"name": "b", "size": 1})).await.status, 503);
    assert!(!fs::exists(&file).unwrap(), "no new one is begun");
    fs::rename(&aside, &file).unwrap();
    let checked = desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
    assert_eq!((checked.status, &checked.body["state"]), (200, &json!("stored")), "{checked:?}");
    assert_eq!(desk.get(ERIC, "/healthz").await.status, 200);
    desk.until_forwarded(ERIC, &allowed.id()).await;
}

#[tokio::test]
async fn connections_that_the_server_ends_are_made_again() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    if setup.database().is_file() {
        return;
    }
    let desk = setup.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.setup().database().disconnect_all().await;
    let answered = desk.send_form(&allowed.body["upload"], b"abc").await;
    // Of a write during which it happens nobody knows whether it was done, so that it is not confirmed.
    assert!([200, 203].contains(&answered.status), "{answered:?}");
    desk.setup().database().disconnect_all().await;
    let checked = async || {
        let check = format!("/uploads/{}/check", allowed.id());
        desk.post(ERIC, &check, json!({})).await.body["state"] == "stored"
    };
    assert!(checked().await || checked().await);
    desk.setup().database().disconnect_all().await;
    desk.until_forwarded(ERIC, &allowed.id()).await;
    desk.setup().database().disconnect_all().await;
    assert_eq!(desk.get(ERIC, "/healthz").await.status, 200);
    // What was forwarded and could not be written down is forwarded again.
    assert!(cloud.twin.accepted_count(&key(&allowed)) >= 1);
}

#[tokio::test]
async fn reading_goes_on_where_only_writing_is_locked() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.until_forwarded(ERIC, &stored.id()).await;
    let lock = desk.setup().database().lock().await;
    let path = format!("/objects/{}", stored.id());
    // A lock of tables keeps readers out as well.
    let expected = if desk.setup().database().is_file() { 200 } else { 503 };
    assert_eq!(desk.get(ERIC, &path).await.status, expected);
    assert_eq!(desk.get(ERIC, "/healthz").await.status, expected);
    // What is known already is answered without writing, where it can be read.
    let body = told(&stored_as_allowed(&stored), "x", 3);
    assert_eq!(desk.call_back(&cloud.twin, &body).await.status, expected);
    lock.release().await;
    assert_eq!(desk.get(ERIC, &path).await.status, 200);
}

fn stored_as_allowed(stored: &e2e::desk::Answered) -> e2e::desk::Answered {
    let body = json!({"id": stored.id(), "key": key(stored)});
    e2e::desk::Answered { status: 201, body }
}
