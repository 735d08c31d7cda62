//! Callbacks of OSS, and the same ones again.

use cloud_twin::{Fault, FaultAction, Service};
use e2e::cloud::SOURCE;
use e2e::desk::{Answered, ERIC};
use e2e::{Cloud, Desk};
use reqwest::{Method, Request};
use serde_json::{Value, json};

use crate::support::{allow_unknown, key, last_callback, metric, told};

#[tokio::test]
async fn the_answer_is_json_of_a_length_that_it_tells() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    let body = last_callback(&cloud);
    let mut request = Request::new(Method::POST, format!("{}/callback", desk.url()).parse().unwrap());
    *request.headers_mut() = cloud.twin.sign_callback("/callback", &body);
    *request.body_mut() = Some(body.into());
    let answer = desk.execute(request).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert!(!answer.headers().contains_key("transfer-encoding"));
    let length: usize = answer.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let text = answer.text().await.unwrap();
    assert_eq!(text.len(), length);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&answer["id"], &answer["state"]), (&json!(stored.id()), &json!("stored")));
    assert_eq!(answer["object"]["links"]["download"].as_str().map(str::is_empty), Some(false));
}

#[tokio::test]
async fn a_callback_that_comes_again_changes_nothing() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    cloud.twin.faults().inject(Fault::new(Service::Oss, FaultAction::RepeatCallback).times(1));
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!((stored.status, &stored.body["state"]), (200, &json!("stored")), "{stored:?}");
    assert_eq!(cloud.twin.callbacks().len(), 2);
    let object = desk.until_forwarded(ERIC, &stored.id()).await;
    let body = cloud.twin.callbacks()[0].body.clone();
    for _ in 0..3 {
        let again = desk.call_back_as(&cloud.twin, "/callback", "/callback", body.as_bytes()).await;
        assert_eq!((again.status, again.id()), (200, stored.id()), "{again:?}");
    }
    // What the worker does with another one is behind whatever these gave it to do.
    let next = desk.upload(ERIC, "b.txt", "text/plain", b"def").await;
    desk.until_forwarded(ERIC, &next.id()).await;
    assert_eq!(cloud.sent(&key(&stored)), 1);
    let after = desk.get(ERIC, &format!("/objects/{}", stored.id())).await.body;
    assert_eq!((&after["created_at"], &after["etag"]), (&object["created_at"], &object["etag"]));
    assert_eq!((metric(&desk, ERIC, "callbacks").await, metric(&desk, ERIC, "objects_stored").await), (6, 2));
}

#[tokio::test]
async fn a_callback_for_what_was_deleted_brings_nothing_back() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    let path = format!("/objects/{}", stored.id());
    assert_eq!(desk.delete(ERIC, &path).await.status, 204);
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
    cloud.twin.oss().put(SOURCE, &key(&stored), "abc");
    let body = last_callback(&cloud);
    let replayed = desk.call_back_as(&cloud.twin, "/callback", "/callback", body.as_bytes()).await;
    assert_eq!((replayed.status, replayed.code()), (410, "deleted"));
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
    assert_eq!(desk.get(ERIC, &path).await.status, 404);
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", stored.id())).await.status, 404);
}

#[tokio::test]
async fn a_good_signature_moves_no_upload_but_the_one_that_was_allowed() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket("other");
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", b"abc").await;
    let good = told(&allowed, "900150983CD24FB0D6963F7D28E17F72", 3);
    let changed = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for (body, status) in [
        (changed("upload", json!("01a0c4506c00ffffffffffffffffffff")), 404),
        (changed("upload", json!("' OR 1=1 --")), 404),
        (changed("upload", json!("")), 404),
        (changed("object", json!(key(&allowed).replace("eric", "mia"))), 404),
        (changed("object", json!("")), 404),
        (changed("bucket", json!("other")), 404),
        (changed("upload", json!(null)), 400),
        (changed("size", json!(-1)), 400),
        (changed("size", json!("3")), 400),
        (json!({}), 400),
        (json!([good]), 400),
    ] {
        let answered = desk.call_back(&cloud.twin, &body).await;
        assert_eq!(answered.status, status, "{body}: {answered:?}");
        assert!(!answered.code().is_empty(), "in JSON: {answered:?}");
    }
    let big = format!("{}{}", good, " ".repeat(70_000));
    for (body, status) in
        [(&b""[..], 400), (b"upload=1&size=3", 400), (b"\xff\xfe{}", 400), (big.as_bytes(), 413)]
    {
        let answered = desk.call_back_as(&cloud.twin, "/callback", "/callback", body).await;
        assert_eq!(answered.status, status, "{answered:?}");
    }
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", allowed.id())).await.body["state"], "pending");
    cloud.twin.oss().put(SOURCE, &key(&allowed), "abc");
    assert_eq!(desk.call_back(&cloud.twin, &good).await.status, 200);
    assert_eq!(metric(&desk, ERIC, "callbacks").await, 1);
}

#[tokio::test]
async fn a_callback_url_may_have_a_path_and_a_query_of_its_own() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    let url = format!("{}/callback?from=oss&x=%2F%20y", setup.url());
    let desk = setup.set("DESK_CALLBACK_URL", url).start().await;
    let stored = desk.upload(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(stored.status, 200, "{stored:?}");
    assert_eq!(cloud.twin.callbacks()[0].status, Some(200));
}

#[tokio::test]
async fn without_a_callback_url_uploads_are_found_by_looking() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.settings(|settings| settings.unset("DESK_CALLBACK_URL")).start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    assert_eq!(
        desk.send_form(&allowed.body["upload"], b"abc").await,
        Answered { status: 200, body: json!("") }
    );
    assert_eq!(cloud.twin.callbacks(), []);
    let refused = desk.call_back(&cloud.twin, &told(&allowed, "x", 3)).await;
    assert_eq!((refused.status, refused.code()), (404, "not_found"));
    let stored = desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
    assert_eq!((stored.status, &stored.body["state"]), (200, &json!("stored")), "{stored:?}");
    assert_eq!(stored.body["object"]["md5"], e2e::desk::md5(b"abc"));
    desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(cloud.twin.accepted_count(&key(&allowed)), 1);
}
