use chrono::{DateTime, TimeDelta};
use cloud_twin::{ManualClock, Twin};
use serde_json::json;

use crate::http::{Body, elements, exchange};
use crate::sign::{Call, call, get, put};

pub(crate) fn initiate(bucket: &str, key: &str) -> Call {
    call("POST", bucket, key).query("uploads", "").body("")
}

pub(crate) fn complete(bucket: &str, key: &str, id: &str, parts: &[(&str, String)]) -> Call {
    let mut listed = String::new();
    for (number, etag) in parts {
        listed.extend(["<Part><PartNumber>", number, "</PartNumber><ETag>", etag, "</ETag></Part>"]);
    }
    let body = format!("<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>");
    call("POST", bucket, key).query("uploadId", id).body(body)
}

fn part(key: &str, id: &str, number: &str, body: &str) -> Call {
    put("bucket", key, body).query("partNumber", number).query("uploadId", id)
}

#[tokio::test]
async fn a_completed_upload_says_where_the_object_is() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    twin.create_oss_bucket("bucket");
    let upload = async |obs: bool| {
        let sent = async |call: Call| if obs { call.obs(&twin).await } else { call.oss(&twin).await };
        let id = sent(initiate("bucket", "a/b c")).await.unwrap().element("UploadId").unwrap();
        let uploaded = sent(part("a/b c", &id, "1", "x")).await.unwrap();
        let parts = [("1", uploaded.header("etag").unwrap().to_owned())];
        sent(complete("bucket", "a/b c", &id, &parts)).await.unwrap().element("Location")
    };
    assert_eq!(upload(true).await, Some(format!("{}/bucket/a/b%20c", twin.obs_url())));
    assert_eq!(upload(false).await, Some(format!("{}/bucket/a/b%20c", twin.oss_url())));
}

#[tokio::test]
async fn a_list_of_no_parts_says_where_the_next_page_begins_at_oss() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    twin.create_oss_bucket("bucket");
    let id = initiate("bucket", "k").oss(&twin).await.unwrap().element("UploadId").unwrap();
    let list = get("bucket", "k").query("uploadId", &id).oss(&twin).await.unwrap();
    assert_eq!(list.element("NextPartNumberMarker").as_deref(), Some("0"));
    let id = initiate("bucket", "k").obs(&twin).await.unwrap().element("UploadId").unwrap();
    let list = get("bucket", "k").query("uploadId", &id).obs(&twin).await.unwrap();
    assert_eq!((list.status, list.element("NextPartNumberMarker")), (200, None));
}

#[tokio::test]
async fn obs_tells_which_upload_made_an_object() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    let id = initiate("bucket", "k").obs(&twin).await.unwrap().element("UploadId").unwrap();
    assert_eq!(twin.obs().uploads("bucket"), [("k".to_owned(), id.clone(), 0)]);
    let uploaded = part("k", &id, "1", "123456789").obs(&twin).await.unwrap();
    assert_eq!(uploaded.header("x-obs-checksum-crc64ecma"), Some("11051210869376104954"));
    let listed = exchange(&twin.admin_url(), "GET", "/buckets/obs/bucket/uploads", &[], &Body::None).await;
    assert_eq!(listed.unwrap().json(), json!([{"key": "k", "upload_id": id, "parts": 1}]));
    let parts = [("1", uploaded.header("etag").unwrap().to_owned())];
    assert_eq!(complete("bucket", "k", &id, &parts).obs(&twin).await.unwrap().status, 200);
    for method in ["GET", "HEAD"] {
        let answer = call(method, "bucket", "k").obs(&twin).await.unwrap();
        assert_eq!(answer.header("x-obs-uploadid"), Some(id.as_str()));
    }
    assert!(twin.obs().uploads("bucket").is_empty());
    complete("bucket", "k", &id, &parts).obs(&twin).await.unwrap().is_refusal(404, "NoSuchUpload");
    call("DELETE", "bucket", "k")
        .query("uploadId", &id)
        .obs(&twin)
        .await
        .unwrap()
        .is_refusal(404, "NoSuchUpload");
    assert_eq!(put("bucket", "k", "").obs(&twin).await.unwrap().status, 200);
    assert_eq!(call("HEAD", "bucket", "k").obs(&twin).await.unwrap().header("x-obs-uploadid"), None);
}

#[tokio::test]
async fn oss_lists_parts_with_their_crc() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    let id = initiate("bucket", "k").oss(&twin).await.unwrap().element("UploadId").unwrap();
    for number in ["3", "1"] {
        let uploaded = part("k", &id, number, "123456789").oss(&twin).await.unwrap();
        assert_eq!(uploaded.header("x-oss-hash-crc64ecma"), Some("11051210869376104954"));
    }
    let page = |query: &str, value: &str| get("bucket", "k").query("uploadId", &id).query(query, value);
    let first = page("max-parts", "1").oss(&twin).await.unwrap();
    assert_eq!(elements(&first.text(), "PartNumber"), ["1"]);
    assert_eq!(first.element("HashCrc64ecma").as_deref(), Some("11051210869376104954"));
    assert_eq!(first.element("IsTruncated").as_deref(), Some("true"));
    let second = page("part-number-marker", "1").oss(&twin).await.unwrap();
    assert_eq!(elements(&second.text(), "PartNumber"), ["3"]);
    assert_eq!(second.element("IsTruncated").as_deref(), Some("false"));
    page("max-parts", "none").oss(&twin).await.unwrap().is_refusal(400, "InvalidArgument");
}

#[tokio::test]
async fn uploads_are_listed_by_key_and_id_with_their_time_page_by_page() {
    let start = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    let clock = ManualClock::new(start);
    let twin = Twin::builder().clock(clock.clone()).start().await.unwrap();
    twin.create_oss_bucket("bucket");
    let mut ids = Vec::new();
    for (number, key) in ["p/b&", "p/a", "p/b&", "q"].into_iter().enumerate() {
        let at = start + TimeDelta::seconds(i64::try_from(number).unwrap());
        clock.set(at);
        let answer = initiate("bucket", key).at(at).oss(&twin).await.unwrap();
        ids.push(answer.element("UploadId").unwrap());
    }
    let list = || {
        get("bucket", "").at(start).query("uploads", "").query("prefix", "p/").query("encoding-type", "url")
    };
    let all = list().oss(&twin).await.unwrap();
    assert_eq!(elements(&all.text(), "Key"), ["p%2Fa", "p%2Fb%26", "p%2Fb%26"]);
    assert_eq!(elements(&all.text(), "UploadId"), [&*ids[1], &ids[0], &ids[2]]);
    let times = ["2026-01-01T00:00:01.000Z", "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:02.000Z"];
    assert_eq!(elements(&all.text(), "Initiated"), times);
    assert_eq!(all.element("IsTruncated").as_deref(), Some("false"));

    let first = list().query("max-uploads", "2").query("key-marker", "").oss(&twin).await.unwrap();
    assert_eq!(elements(&first.text(), "UploadId"), [&*ids[1], &ids[0]]);
    assert_eq!(first.element("IsTruncated").as_deref(), Some("true"));
    assert_eq!(first.element("NextKeyMarker").as_deref(), Some("p%2Fb%26"));
    assert_eq!(first.element("NextUploadIdMarker").as_ref(), Some(&ids[0]));
    let second =
        list().query("key-marker", "p/b&").query("upload-id-marker", &ids[0]).oss(&twin).await.unwrap();
    assert_eq!(elements(&second.text(), "UploadId"), [&*ids[2]]);
    let without_id = list().query("key-marker", "p/a").oss(&twin).await.unwrap();
    assert_eq!(elements(&without_id.text(), "UploadId"), [&*ids[0], &ids[2]]);
    list().query("max-uploads", "0").oss(&twin).await.unwrap().is_refusal(400, "InvalidArgument");
    assert_eq!(twin.oss().uploads("bucket").len(), 4);
    assert!(twin.oss().uploads("nowhere").is_empty());
}
