//! Uploads as a browser makes them.

use e2e::cloud::SOURCE;
use e2e::desk::{ERIC, MIA, md5};
use e2e::{Cloud, Desk};
use serde_json::json;

use crate::support::key;

#[tokio::test]
async fn an_upload_is_stored_listed_and_forwarded() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let stored = desk.upload(ERIC, "测试 a+b%20c.txt", "text/plain", b"hello").await;
    assert_eq!(stored.status, 200, "{stored:?}");
    assert_eq!(stored.body["state"], "stored", "the answer of the desk is that of the upload");
    let key = stored.body["object"]["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("uploads/eric/") && key.ends_with("/测试 a+b%20c.txt"), "{key}");
    assert_eq!(cloud.twin.oss().get(SOURCE, &key).unwrap().body, *b"hello");
    cloud.until(|twin| twin.accepted_count(&key) == 1).await;
    let object = desk.until_forwarded(ERIC, &stored.id()).await;
    assert_eq!(object["md5"], md5(b"hello"));
    assert_eq!(object["size"], 5);
    assert_eq!(object["type"], "text/plain");
    let listed = desk.get(ERIC, "/objects").await;
    assert_eq!(listed.body["objects"].as_array().unwrap().len(), 1);
    assert_eq!(listed.body["objects"][0]["id"], stored.id());
    assert_eq!(desk.get(MIA, "/objects").await.body, json!({"objects": [], "next": null}));
}

#[tokio::test]
async fn the_type_that_was_asked_for_counts_whatever_the_browser_says_of_the_file() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for (asked, kept) in [
        (json!("image/png"), "image/png"),
        (json!("text/html; charset=utf-8"), "text/html; charset=utf-8"),
        (json!("application/vnd.ms-excel"), "application/vnd.ms-excel"),
        (json!(""), "application/octet-stream"),
        (json!(null), "application/octet-stream"),
    ] {
        let allowed = desk.post(ERIC, "/uploads", json!({"name": "a", "size": 1, "type": asked})).await;
        // The harness sends every file as application/octet-stream.
        let stored = desk.send_form(&allowed.body["upload"], b"x").await;
        assert_eq!((stored.status, &stored.body["object"]["type"]), (200, &json!(kept)), "{stored:?}");
        let object = cloud.twin.oss().get(SOURCE, &key(&stored)).unwrap();
        assert_eq!(object.headers.content_type.unwrap(), kept);
    }
    for bad in ["html", "text/", "a/b\r\nx: y", "a/b c"] {
        let refused = desk.post(ERIC, "/uploads", json!({"name": "a", "size": 1, "type": bad})).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{bad}");
    }
}

#[tokio::test]
async fn only_the_types_of_the_settings_are_allowed() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.set("DESK_TYPES", "image/*, application/pdf").start().await;
    assert_eq!(desk.get(ERIC, "/me").await.body["types"], json!(["image/*", "application/pdf"]));
    for (content_type, status) in [
        (json!("image/png"), 201),
        (json!("IMAGE/Jpeg; x=y"), 201),
        (json!("application/pdf"), 201),
        (json!("text/html"), 415),
        (json!("application/pdfx"), 415),
        (json!(null), 415),
    ] {
        let asked = desk.post(ERIC, "/uploads", json!({"name": "a", "size": 1, "type": content_type})).await;
        assert_eq!(asked.status, status, "{content_type}: {asked:?}");
        if status == 415 {
            assert_eq!(asked.code(), "type_not_allowed");
        }
    }
}

#[tokio::test]
async fn empty_files_are_uploaded_and_those_beyond_the_limit_are_not_allowed() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.set("DESK_MAX_SIZE", "10").start().await;
    let empty = desk.upload(ERIC, "empty.txt", "text/plain", b"").await;
    assert_eq!((empty.status, &empty.body["object"]["size"]), (200, &json!(0)), "{empty:?}");
    assert_eq!(cloud.twin.oss().get(SOURCE, &key(&empty)).unwrap().body, *b"");
    desk.until_forwarded(ERIC, &empty.id()).await;
    assert_eq!(desk.upload(ERIC, "ten.txt", "text/plain", b"0123456789").await.status, 200);
    let large = desk.allow(ERIC, "eleven.txt", "text/plain", b"0123456789x").await;
    assert_eq!((large.status, large.code()), (413, "too_large"));
    assert_eq!(desk.get(ERIC, "/me").await.body["max_size"], 10);
}

#[tokio::test]
async fn what_is_no_wish_for_an_upload_is_refused_and_leaves_nothing() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for wish in [
        json!({"name": "a"}),
        json!({"size": 1}),
        json!({"name": "a", "size": -1}),
        json!({"name": "a", "size": 1.5}),
        json!({"name": "a", "size": "1"}),
        json!({"name": "a", "size": 1, "md5": "900150983cd24fb0d6963f7d28e17f7"}),
        json!({"name": "a", "size": 1, "md5": "+00150983cd24fb0d6963f7d28e17f72"}),
        json!({"name": "a", "size": 1, "md5": ""}),
        json!({"name": "a", "size": 1, "key": "uploads/mia/a"}),
        json!({"name": 1, "size": 1}),
        json!([]),
        json!("a"),
    ] {
        let refused = desk.post(ERIC, "/uploads", wish.clone()).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{wish}: {refused:?}");
    }
    for size in [u64::MAX, (5 << 30) + 1] {
        let refused = desk.post(ERIC, "/uploads", json!({"name": "a", "size": size})).await;
        assert_eq!((refused.status, refused.code()), (413, "too_large"), "{size}");
    }
    let count = desk.setup().database().ask("SELECT CONCAT('', COUNT(*)) FROM storage").await;
    assert_eq!(count, "0");
}

#[tokio::test]
async fn an_upload_can_be_looked_at_from_its_beginning() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    let path = format!("/uploads/{}", allowed.id());
    let shown = desk.get(ERIC, &path).await;
    let expected = json!({
        "id": allowed.id(), "state": "pending", "key": key(&allowed), "name": "a.txt", "size": 3,
    });
    assert_eq!(shown.body, expected);
    // Nothing is there, and it may still come.
    assert_eq!(desk.post(ERIC, &format!("{path}/check"), json!({})).await.body, expected);
    assert_eq!(desk.send_form(&allowed.body["upload"], b"abc").await.status, 200);
    let stored = desk.get(ERIC, &path).await.body;
    assert_eq!((&stored["state"], &stored["object"]["id"]), (&json!("stored"), &json!(allowed.id())));
    assert_eq!(desk.get(ERIC, &format!("/objects/{}", allowed.id())).await.status, 200);
}

#[tokio::test]
async fn keys_begin_as_the_settings_say() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.set("DESK_PREFIX", "from web/上传").start().await;
    let stored = desk.upload(MIA, "a.txt", "text/plain", b"abc").await;
    assert_eq!(stored.status, 200, "{stored:?}");
    assert_eq!(key(&stored), format!("from web/上传/mia/{}/a.txt", stored.id()));
    desk.until_forwarded(MIA, &stored.id()).await;
    assert_eq!(cloud.twin.accepted_count(&key(&stored)), 1);
}
