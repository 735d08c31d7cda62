//! Uploads as a browser makes them.

use e2e::cloud::SOURCE;
use e2e::desk::{ERIC, MIA, md5};
use e2e::{Cloud, Desk};
use serde_json::json;

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
