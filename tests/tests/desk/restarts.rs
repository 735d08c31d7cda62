//! Desks that end in the middle, and desks beside each other.

use bytes::Bytes;
use cloud_twin::{Fault, FaultAction, FaultResponse, Service};
use e2e::cloud::SOURCE;
use e2e::desk::{ERIC, MIA, post_form};
use e2e::{Cloud, Desk, WebReply, WebServer};
use serde_json::json;

use crate::support::key;

#[tokio::test]
async fn what_was_answered_and_not_forwarded_is_forwarded_after_a_kill() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_unavailable()));
    let mut keys = Vec::new();
    for number in 0..10 {
        let stored = desk.upload(ERIC, &format!("{number}.txt"), "text/plain", &[number]).await;
        assert_eq!(stored.status, 200, "{stored:?}");
        keys.push(key(&stored));
    }
    cloud.until(|twin| twin.stats().requests(Service::Oms, "CreateSyncEvents") > 0).await;
    let setup = desk.kill().await;
    cloud.twin.faults().clear_all();
    assert_eq!(cloud.twin.accepted().len(), 0);
    // Claims of the dead one end by themselves.
    let desk = setup.start().await;
    desk.until(ERIC, "/objects", |answered| {
        let objects = answered.body["objects"].as_array().unwrap();
        objects.len() == 10 && objects.iter().all(|object| object["forwarded"] == true)
    })
    .await;
    assert!(keys.iter().all(|key| cloud.twin.accepted_count(key) >= 1));
}

#[tokio::test]
async fn an_upload_that_ends_while_the_desk_is_away_is_settled_after_its_return() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let asked_for = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    let forgotten = desk.allow(MIA, "b.txt", "text/plain", b"def").await;
    let setup = desk.kill().await;
    for (allowed, content) in [(&asked_for, b"abc"), (&forgotten, b"def")] {
        assert_eq!(post_form(&allowed.body["upload"], content).await.status(), 203);
    }
    setup.database().expire(&forgotten.id()).await;
    let desk = setup.start().await;
    let checked = desk.post(ERIC, &format!("/uploads/{}/check", asked_for.id()), json!({})).await;
    assert_eq!((checked.status, &checked.body["state"]), (200, &json!("stored")), "{checked:?}");
    desk.until_forwarded(ERIC, &asked_for.id()).await;
    desk.until_forwarded(MIA, &forgotten.id()).await;
    assert_eq!((cloud.sent(&key(&asked_for)), cloud.sent(&key(&forgotten))), (1, 1));
}

#[tokio::test]
async fn an_upload_that_ends_before_the_desk_is_reached_again_is_taken_at_the_next_try() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    desk.cut_off();
    assert_eq!(desk.send_form(&allowed.body["upload"], b"abc").await.status, 203);
    desk.reconnect();
    // The browser sends it once more, as the form says nothing against that but the object that is there.
    assert_eq!(desk.send_form(&allowed.body["upload"], b"abc").await.status, 409);
    let checked = desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
    assert_eq!(checked.body["state"], "stored", "{checked:?}");
}

#[tokio::test]
async fn a_fetch_that_a_kill_ends_is_begun_again() {
    let cloud = Cloud::start().await;
    let site = WebServer::start(|request| {
        WebReply::file(request, &Bytes::from_static(b"from the web")).header("content-type", "text/plain")
    })
    .await;
    let setup = Desk::on(&cloud).await;
    let desk = setup.set("INGEST_DOMAINS", "127.0.0.1").set("INGEST_ALLOW_PRIVATE", "true").start().await;
    // It has the content, and cannot store it.
    let hang = cloud.twin.faults().inject(Fault::new(Service::Oss, FaultAction::Hang).method("PUT"));
    let fetching = desk.post(ERIC, "/uploads/from-url", json!({"url": site.url("/a.txt")})).await;
    assert_eq!((fetching.status, &fetching.body["state"]), (202, &json!("fetching")), "{fetching:?}");
    cloud.until(|twin| twin.faults().hits(hang) == 1).await;
    let setup = desk.kill().await;
    cloud.twin.faults().clear_all();
    setup.database().make_due(&fetching.id()).await;
    let desk = setup.start().await;
    desk.until_forwarded(ERIC, &fetching.id()).await;
    assert_eq!(cloud.twin.oss().get(SOURCE, &key(&fetching)).unwrap().body, *b"from the web");
    assert_eq!(cloud.twin.accepted_count(&key(&fetching)), 1);
}

#[tokio::test]
async fn a_desk_that_is_told_to_stop_finishes_and_says_what_it_did() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    let again = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(again.status, 200);
    let forged = json!({});
    assert_eq!(
        desk.call_back_as(&cloud.twin, "/", "/callback", forged.to_string().as_bytes()).await.status,
        403
    );
    desk.until_forwarded(ERIC, &stored.id()).await;
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", stored.id())).await.status, 204);
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
    // In hand when it is told.
    let slow = FaultAction::Delay { millis: 300 };
    cloud.twin.faults().inject(Fault::new(Service::Oms, slow).times(1));
    let last = desk.upload(ERIC, "b.txt", "text/plain", b"def").await;
    assert_eq!(last.status, 200);
    cloud.until(|twin| twin.stats().requests(Service::Oss, "HeadObject") == 3).await;
    let (status, totals) = desk.stop().await;
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        totals,
        json!({
            "allowed": 2, "duplicates": 1, "callbacks": 2, "callbacks_refused": 1, "stored": 2,
            "forwarded": 2, "removed": 1, "put_off": 0,
        })
    );
    assert_eq!(cloud.twin.accepted_count(&key(&last)), 1, "what was in hand was finished");
}

#[tokio::test]
async fn two_desks_share_a_database_and_forward_each_object_once() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    let (one, two) = (setup.clone().start().await, setup.start_beside().await);
    let mut uploads = Vec::new();
    for number in 0..20_u8 {
        let desk = if number % 2 == 0 { &one } else { &two };
        let stored = desk.upload(ERIC, &format!("{number}.txt"), "text/plain", &[number]).await;
        assert_eq!(stored.status, 200, "{stored:?}");
        uploads.push(stored);
    }
    for stored in &uploads {
        two.until_forwarded(ERIC, &stored.id()).await;
        assert_eq!(cloud.sent(&key(stored)), 1, "{stored:?}");
    }
    let again = two.allow(ERIC, "again.txt", "text/plain", &[0]).await;
    assert_eq!((again.status, again.id()), (200, uploads[0].id()), "what one has stored the other knows");
    assert_eq!(two.delete(ERIC, &format!("/objects/{}", uploads[0].id())).await.status, 204);
    assert_eq!(one.get(ERIC, &format!("/objects/{}", uploads[0].id())).await.status, 404);
    // What one of them had in hand the other takes over.
    let late = one.allow(ERIC, "late.txt", "text/plain", b"late").await;
    one.kill().await;
    assert_eq!(post_form(&late.body["upload"], b"late").await.status(), 203);
    two.setup().database().expire(&late.id()).await;
    two.until_forwarded(ERIC, &late.id()).await;
}

#[tokio::test]
async fn a_desk_that_is_told_twice_ends_at_once() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let held = cloud.twin.faults().inject(Fault::new(Service::Oms, FaultAction::Hold));
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    cloud.until(|twin| twin.faults().hits(held) > 0).await;
    desk.process().signal("TERM").await;
    desk.until_logged("a second signal ends this process now").await;
    let (status, totals) = desk.stop().await;
    assert_eq!(status.code(), Some(130));
    assert!(totals.is_object(), "{totals}");
    assert_eq!(cloud.twin.accepted_count(&key(&stored)), 0);
}
