//! Forms, used in ways that they were not signed for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use e2e::cloud::SOURCE;
use e2e::desk::{ERIC, MIA};
use e2e::{Cloud, Desk};
use serde_json::{Value, json};

use crate::support::{allow_unknown, cloud_with_clock, field, key, with, without};

const CONTENT: &[u8] = b"content";

/// The form for [`CONTENT`], every field of it bound.
async fn form(desk: &Desk) -> Value {
    desk.allow(ERIC, "a.txt", "text/plain", CONTENT).await.body["upload"].clone()
}

fn changed(encoded: &str, from: &str, to: &str) -> String {
    let text = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
    assert!(text.contains(from), "{text}");
    STANDARD.encode(text.replace(from, to))
}

async fn assert_refused(cloud: &Cloud, desk: &Desk, form: &Value, content: &[u8], codes: &[&str]) {
    let answered = desk.send_form(form, content).await;
    let body = answered.body.as_str().unwrap_or_default();
    let named = codes.iter().any(|code| body.contains(&format!("<Code>{code}</Code>")));
    assert!((400..500).contains(&answered.status) && named, "{codes:?}: {answered:?}");
    assert_eq!(cloud.twin.oss().keys(SOURCE), [""; 0]);
    assert_eq!(cloud.twin.callbacks(), []);
}

#[tokio::test]
async fn a_form_is_good_for_what_it_says_and_nothing_else() {
    let cloud = Cloud::start().await;
    cloud.twin.create_oss_bucket("other");
    let desk = Desk::on(&cloud).await.start().await;
    let form = form(&desk).await;
    let another = desk.allow(MIA, "a.txt", "text/plain", CONTENT).await.body["upload"].clone();
    let callback = field(&form, "callback");
    for altered in [
        with(&form, "key", &field(&another, "key")),
        with(&form, "key", "uploads/eric/a.txt"),
        with(&form, "key", &format!("{}/${{filename}}", field(&form, "key"))),
        with(&form, "policy", &changed(&field(&form, "policy"), "uploads/eric", "uploads/mia")),
        with(&form, "policy", &field(&another, "policy")),
        with(&form, "callback", &changed(&callback, "/callback", "/elsewhere")),
        with(&form, "callback", &field(&another, "callback")),
        without(&form, "callback"),
        with(&form, "x-oss-content-type", "text/html"),
        without(&form, "x-oss-content-type"),
        with(&form, "x-oss-forbid-overwrite", "false"),
        without(&form, "x-oss-forbid-overwrite"),
        with(&form, "Content-MD5", "kAFQmDzST7DWlj99KOF/cg=="),
        without(&form, "Content-MD5"),
        with(&form, "success_action_status", "201"),
        with(&form, "x-oss-signature", &"0".repeat(64)),
        with(&form, "x-oss-date", "20260101T000000Z"),
        without(&form, "policy"),
    ] {
        let codes = ["AccessDenied", "SignatureDoesNotMatch", "InvalidArgument"];
        assert_refused(&cloud, &desk, &altered, CONTENT, &codes).await;
    }
    let mut elsewhere = form.clone();
    elsewhere["url"] = json!(form["url"].as_str().unwrap().replace(SOURCE, "other"));
    assert_refused(&cloud, &desk, &elsewhere, CONTENT, &["AccessDenied"]).await;
    assert_eq!(cloud.twin.oss().keys("other"), [""; 0]);
    assert_eq!(desk.send_form(&form, CONTENT).await.status, 200, "as it is, it is good");
}

#[tokio::test]
async fn a_file_that_is_not_the_one_that_was_announced_is_refused() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let declared = form(&desk).await;
    assert_refused(&cloud, &desk, &declared, b"CONTENT", &["InvalidDigest", "BadDigest"]).await;
    let undeclared = allow_unknown(&desk, ERIC, "a.txt", CONTENT).await.body["upload"].clone();
    for form in [&declared, &undeclared] {
        assert_refused(&cloud, &desk, form, b"conten", &["EntityTooSmall", "InvalidDigest"]).await;
        assert_refused(&cloud, &desk, form, b"", &["EntityTooSmall", "InvalidDigest"]).await;
        assert_refused(&cloud, &desk, form, b"contents", &["EntityTooLarge"]).await;
    }
    assert_eq!(desk.send_form(&undeclared, b"CONTENT").await.status, 200, "no MD5 was declared");
}

#[tokio::test]
async fn a_form_is_refused_once_its_time_is_over() {
    let (cloud, clock) = cloud_with_clock().await;
    let desk = Desk::on(&cloud).await.set("DESK_UPLOAD_EXPIRY", "60").start().await;
    let (early, late) = (form(&desk).await, form(&desk).await);
    clock.advance(TimeDelta::seconds(50));
    assert_eq!(desk.send_form(&early, CONTENT).await.status, 200);
    clock.advance(TimeDelta::seconds(20));
    let refused = desk.send_form(&late, CONTENT).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.body.as_str().unwrap().contains("expired"), "{refused:?}");
    assert_eq!(cloud.twin.oss().len(SOURCE), 1);
}

#[tokio::test]
async fn a_form_is_good_for_one_upload() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", CONTENT).await;
    let form = &allowed.body["upload"];
    assert_eq!(desk.send_form(form, CONTENT).await.status, 200);
    let second = desk.send_form(form, b"CONTENT").await;
    assert_eq!(second.status, 409, "{second:?}");
    assert!(second.body.as_str().unwrap().contains("FileAlreadyExists"), "{second:?}");
    assert_eq!(cloud.twin.oss().get(SOURCE, &key(&allowed)).unwrap().body, *CONTENT);
    assert_eq!(cloud.twin.callbacks().len(), 1);
    let object = desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(object["size"], 7);
    assert_eq!(cloud.sent(&key(&allowed)), 1);
}
