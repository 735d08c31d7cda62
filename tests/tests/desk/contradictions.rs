//! Callbacks that are signed well and contradict what was allowed.

use e2e::cloud::SOURCE;
use e2e::desk::ERIC;
use e2e::{Cloud, Desk};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{allow_unknown, key, metric, told};

#[tokio::test]
async fn another_size_or_type_than_the_row_s_is_refused() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", b"abc").await;
    cloud.twin.oss().put(SOURCE, &key(&allowed), "abc");
    let good = told(&allowed, "900150983CD24FB0D6963F7D28E17F72", 3);
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    for body in [
        with("size", json!(4)),
        with("size", json!(0)),
        with("size", json!(u64::MAX)),
        with("type", json!("text/html")),
        with("type", json!("text/plain; charset=utf-8")),
        with("type", json!("text/plain, text/html")),
        with("type", json!("text/plain;x")),
    ] {
        let refused = desk.call_back(&cloud.twin, &body).await;
        assert_eq!((refused.status, refused.code()), (409, "contradicts"), "{body}: {refused:?}");
    }
    let upload = desk.get(ERIC, &format!("/uploads/{}", allowed.id())).await;
    assert_eq!((&upload.body["state"], &upload.body["size"]), (&json!("pending"), &json!(3)));
    assert_eq!(metric(&desk, ERIC, "callbacks_refused").await, 7);
    assert_eq!(cloud.sent(&key(&allowed)), 0);
    // The same type in another spelling, and then a repetition that contradicts it.
    assert_eq!(desk.call_back(&cloud.twin, &with("type", json!("Text/Plain;"))).await.status, 200);
    assert_eq!(desk.call_back(&cloud.twin, &with("size", json!(4))).await.status, 409);
    let object = desk.until_forwarded(ERIC, &allowed.id()).await;
    assert_eq!(object["size"], 3);
}

#[tokio::test]
async fn what_the_desk_fetches_is_uploaded_by_nobody() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    let desk = setup.set("INGEST_DOMAINS", "127.0.0.1").set("INGEST_ALLOW_PRIVATE", "true").start().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a.txt", silent.local_addr().unwrap());
    let fetching = desk.post(ERIC, "/uploads/from-url", json!({"url": url})).await;
    let mut claim = told(&fetching, "ABC", 0);
    claim["type"] = json!("");
    let refused = desk.call_back(&cloud.twin, &claim).await;
    assert_eq!((refused.status, refused.code()), (404, "not_found"), "{refused:?}");
    let upload = desk.get(ERIC, &format!("/uploads/{}", fetching.id())).await;
    assert_eq!(upload.body["state"], "fetching");
}
