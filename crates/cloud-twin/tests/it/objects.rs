use chrono::{DateTime, TimeDelta, Utc};
use cloud_twin::{Account, ManualClock, Service, SignatureV1, Twin};

use crate::http::{Answer, elements};
use crate::sign::{call, get, md5_base64, put};

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    twin
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.element("Code").as_deref()), (status, Some(code)), "{}", answer.text());
}

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let twin = twin().await;
    let upload = put("bucket", "dir/a.txt", "123456789")
        .header("content-type", "text/plain")
        .header("cache-control", "no-cache")
        .header("x-oss-meta-author", "alice")
        .oss(&twin)
        .await
        .unwrap();
    assert_eq!(upload.status, 200, "{}", upload.text());
    assert_eq!(upload.header("etag"), Some("\"25F9E794323B453885F5181F1B624D0B\""));
    assert_eq!(upload.header("x-oss-hash-crc64ecma"), Some("11051210869376104954"));
    assert_eq!(upload.header("x-oss-request-id").map(str::len), Some(24));

    let download = get("bucket", "dir/a.txt").oss(&twin).await.unwrap();
    assert_eq!((download.status, download.text().as_str()), (200, "123456789"));
    let head = call("HEAD", "bucket", "dir/a.txt").oss(&twin).await.unwrap();
    assert_eq!((head.status, head.body.len()), (200, 0));
    for answer in [&download, &head] {
        assert_eq!(answer.header("content-length"), Some("9"));
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert_eq!(answer.header("x-oss-meta-author"), Some("alice"));
        assert_eq!(answer.header("x-oss-object-type"), Some("Normal"));
        assert_eq!(answer.header("etag"), upload.header("etag"));
    }
    let meta = call("HEAD", "bucket", "dir/a.txt").query("objectMeta", "").oss(&twin).await.unwrap();
    assert_eq!((meta.header("content-length"), meta.header("content-type")), (Some("9"), None));

    assert_eq!(call("DELETE", "bucket", "dir/a.txt").oss(&twin).await.unwrap().status, 204);
    refused(&get("bucket", "dir/a.txt").oss(&twin).await.unwrap(), 404, "NoSuchKey");
    assert_eq!(call("DELETE", "bucket", "dir/a.txt").oss(&twin).await.unwrap().status, 204);
}

#[tokio::test]
async fn keys_of_any_characters_travel_with_open_and_hidden_slashes() {
    let twin = twin().await;
    for key in ["目录/a b+c&d=e?f#g%h~i.txt", "a/../b", "./c", "x//y", "tail ", "..", "%2F", "a\u{1}b"] {
        assert_eq!(put("bucket", key, key).oss(&twin).await.unwrap().status, 200, "{key}");
        assert_eq!(twin.oss().get("bucket", key).unwrap().body, key.as_bytes(), "{key}");
        let download = get("bucket", key).with_hidden_slashes().oss(&twin).await.unwrap();
        assert_eq!(download.text(), key);
        assert_eq!(get("bucket", key).oss_v1(&twin).await.unwrap().text(), key);
    }
}

#[tokio::test]
async fn a_chunked_body_is_taken_and_a_body_without_framing_is_not() {
    let twin = twin().await;
    let upload = call("PUT", "bucket", "a/b").with_hidden_slashes().chunked(&["1234", "56789"]);
    assert_eq!(upload.oss(&twin).await.unwrap().status, 200);
    assert_eq!(twin.oss().get("bucket", "a/b").unwrap().body, "123456789");
    assert_eq!(call("PUT", "bucket", "empty").chunked(&[]).oss(&twin).await.unwrap().status, 200);
    refused(&call("PUT", "bucket", "none").oss(&twin).await.unwrap(), 411, "MissingContentLength");
}

#[tokio::test]
async fn content_md5_must_be_one_and_must_be_right() {
    let twin = twin().await;
    let upload = |md5: &str| put("bucket", "k", "body").header("content-md5", md5);
    assert_eq!(upload(&md5_base64(b"body")).oss(&twin).await.unwrap().status, 200);
    refused(&upload(&md5_base64(b"other")).oss(&twin).await.unwrap(), 400, "InvalidDigest");
    refused(&upload("bm90IG1kNQ==").oss(&twin).await.unwrap(), 400, "InvalidDigest");
}

#[tokio::test]
async fn keys_end_at_1023_bytes_and_do_not_begin_with_a_slash() {
    let twin = twin().await;
    assert_eq!(put("bucket", &"k".repeat(1023), "").oss(&twin).await.unwrap().status, 200);
    for key in ["k".repeat(1024), "/k".to_owned(), "\\k".to_owned()] {
        refused(&put("bucket", &key, "").oss(&twin).await.unwrap(), 400, "InvalidObjectName");
    }
}

#[tokio::test]
async fn an_object_can_be_guarded_against_overwriting() {
    let twin = twin().await;
    let guarded = || put("bucket", "k", "new").header("x-oss-forbid-overwrite", "true");
    assert_eq!(guarded().oss(&twin).await.unwrap().status, 200);
    refused(&guarded().oss(&twin).await.unwrap(), 409, "FileAlreadyExists");
    assert_eq!(put("bucket", "k", "newer").oss(&twin).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_range_that_does_not_fit_gives_the_whole_object_unless_the_standard_is_asked_for() {
    let twin = twin().await;
    twin.oss().put("bucket", "k", "0123456789");
    let whole = "0123456789";
    let cases = [
        ("bytes=2-4", (206, "234"), (206, "234")),
        ("bytes=7-", (206, "789"), (206, "789")),
        ("bytes=-3", (206, "789"), (206, "789")),
        ("bytes=8-99", (200, whole), (206, "89")),
        ("bytes=4-2", (200, whole), (200, whole)),
        ("bytes=0-1,3-4", (200, whole), (200, whole)),
        ("bytes=10-", (200, whole), (416, "")),
    ];
    for (range, lenient, standard) in cases {
        let answer = get("bucket", "k").header("range", range).oss(&twin).await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), lenient, "{range}");
        assert_eq!(answer.header("content-range").is_some(), answer.status == 206, "{range}");
        let ask = get("bucket", "k").header("range", range).header("x-oss-range-behavior", "standard");
        let answer = ask.oss(&twin).await.unwrap();
        if standard.0 == 416 {
            refused(&answer, 416, "InvalidRange");
        } else {
            assert_eq!((answer.status, answer.text().as_str()), standard, "{range}");
        }
    }
    let answer = get("bucket", "k").header("range", "bytes=2-4").oss(&twin).await.unwrap();
    assert_eq!(answer.header("content-range"), Some("bytes 2-4/10"));
}

#[tokio::test]
async fn conditions_on_reading_are_honoured() {
    let twin = twin().await;
    twin.oss().put("bucket", "k", "body");
    let etag = twin.oss().get("bucket", "k").unwrap().etag;
    let status = async |name: &str, value: &str| {
        get("bucket", "k").header(name, value).oss(&twin).await.unwrap().status
    };
    assert_eq!(status("if-match", &format!("\"{etag}\"")).await, 200);
    assert_eq!(status("if-match", "\"other\"").await, 412);
    assert_eq!(status("if-none-match", &etag.to_lowercase()).await, 304);
    assert_eq!(status("if-none-match", "other").await, 200);
    assert_eq!(status("if-modified-since", "Thu, 01 Jan 2015 00:00:00 GMT").await, 200);
    assert_eq!(status("if-modified-since", "Fri, 01 Jan 2100 00:00:00 GMT").await, 304);
    assert_eq!(status("if-unmodified-since", "Thu, 01 Jan 2015 00:00:00 GMT").await, 412);
}

#[tokio::test]
async fn the_error_of_a_head_request_travels_in_its_headers() {
    use base64::Engine as _;
    let twin = twin().await;
    let answer = call("HEAD", "bucket", "none").oss(&twin).await.unwrap();
    assert_eq!((answer.status, answer.body.len()), (404, 0));
    let xml = base64::engine::general_purpose::STANDARD.decode(answer.header("x-oss-err").unwrap()).unwrap();
    assert_eq!(elements(&String::from_utf8(xml).unwrap(), "Code"), ["NoSuchKey"]);
    assert_eq!(answer.header("x-oss-ec"), Some("0026-00000001"));
}

#[tokio::test]
async fn an_error_body_has_the_vendors_elements() {
    let twin = twin().await;
    let answer = put("nowhere", "k", "").oss(&twin).await.unwrap();
    refused(&answer, 404, "NoSuchBucket");
    assert_eq!(answer.element("BucketName").as_deref(), Some("nowhere"));
    assert_eq!(answer.element("EC").as_deref(), Some("0015-00000101"));
    assert_eq!(answer.element("RequestId").as_deref(), answer.header("x-oss-request-id"));
    assert!(answer.element("HostId").unwrap().starts_with("127.0.0.1"));
}

fn frozen(time: DateTime<Utc>) -> (ManualClock, cloud_twin::TwinConfig) {
    let clock = ManualClock::new(time);
    (clock.clone(), Twin::builder().clock(clock))
}

#[tokio::test]
async fn a_request_may_be_fifteen_minutes_off_and_not_more() {
    let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    let (clock, config) = frozen(now);
    let twin = config.start().await.unwrap();
    twin.create_oss_bucket("bucket");
    for late in [-900, 900] {
        let at = now + TimeDelta::seconds(late);
        assert_eq!(put("bucket", "k", "").at(at).oss(&twin).await.unwrap().status, 200, "{late}");
    }
    for late in [-901, 901] {
        let at = now + TimeDelta::seconds(late);
        for answer in [
            put("bucket", "k", "").at(at).oss(&twin).await,
            put("bucket", "k", "").at(at).oss_v1(&twin).await,
        ] {
            let answer = answer.unwrap();
            refused(&answer, 403, "RequestTimeTooSkewed");
            assert_eq!(answer.header("date"), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
        }
    }
    clock.advance(TimeDelta::seconds(901));
    assert_eq!(
        put("bucket", "k", "").at(now + TimeDelta::seconds(901)).oss(&twin).await.unwrap().status,
        200
    );
}

#[tokio::test]
async fn wrong_keys_are_refused_and_counted() {
    let twin = twin().await;
    let known = twin.oss_account().access_key.clone();
    let wrong_secret = Account::permanent(known, "wrong");
    let answer = put("bucket", "k", "").by(&wrong_secret).oss(&twin).await.unwrap();
    refused(&answer, 403, "SignatureDoesNotMatch");
    assert!(answer.element("StringToSign").unwrap().starts_with("OSS4-HMAC-SHA256"), "{}", answer.text());
    let stranger = Account::permanent("stranger", "wrong");
    refused(&put("bucket", "k", "").by(&stranger).oss(&twin).await.unwrap(), 403, "InvalidAccessKeyId");
    let temporary = twin.function_account().clone();
    assert_eq!(put("bucket", "k", "").by(&temporary).oss(&twin).await.unwrap().status, 200);
    let other_token = Account { security_token: Some("other".to_owned()), ..temporary.clone() };
    refused(&put("bucket", "k", "").by(&other_token).oss(&twin).await.unwrap(), 403, "InvalidSecurityToken");
    let no_token = Account { security_token: None, ..temporary };
    refused(&put("bucket", "k", "").by(&no_token).oss(&twin).await.unwrap(), 403, "InvalidAccessKeyId");
    assert_eq!(twin.stats().bad_signatures[&Service::Oss], 4);
    assert_eq!(twin.stats().answered(Service::Oss, 403), 4);
    assert_eq!(twin.stats().requests(Service::Oss, "PutObject"), 5);
}

#[tokio::test]
async fn a_signature_for_another_region_is_refused() {
    let elsewhere = Twin::builder().region("cn-beijing").start().await.unwrap();
    let twin = twin().await;
    let answer = put("bucket", "k", "").oss_as_if_for(&elsewhere, &twin).await.unwrap();
    refused(&answer, 400, "InvalidArgument");
    assert_eq!(answer.element("EC").as_deref(), Some("0002-00000226"));
}

#[tokio::test]
async fn signature_v1_can_be_refused() {
    let twin = Twin::builder().signature_v1(SignatureV1::Refused).start().await.unwrap();
    twin.create_oss_bucket("bucket");
    let answer = put("bucket", "k", "").oss_v1(&twin).await.unwrap();
    refused(&answer, 403, "AccessDenied");
    assert_eq!(answer.element("EC").as_deref(), Some("0002-00000080"));
    assert_eq!(put("bucket", "k", "").oss(&twin).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_object() {
    let twin = twin().await;
    let answer =
        call("POST", "bucket", "big").query("uploads", "").header("x-oss-meta-a", "b").body("").oss(&twin);
    let id = answer.await.unwrap().element("UploadId").unwrap();
    let first = "a".repeat(100 << 10);
    let mut listed = String::new();
    for (number, body) in [("1", first.as_str()), ("2", "tail")] {
        let part = put("bucket", "big", body).query("partNumber", number).query("uploadId", &id);
        let etag = part.oss(&twin).await.unwrap().header("etag").unwrap().to_owned();
        listed.extend(["<Part><PartNumber>", number, "</PartNumber><ETag>", &etag, "</ETag></Part>"]);
    }
    let complete = |parts: &str| {
        let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
        call("POST", "bucket", "big").query("uploadId", &id).body(body)
    };
    let wrong = listed.replacen("<ETag>\"", "<ETag>\"0", 1);
    refused(&complete(&wrong).oss(&twin).await.unwrap(), 400, "InvalidPart");
    let done = complete(&listed).oss(&twin).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    let object = twin.oss().get("bucket", "big").unwrap();
    assert_eq!(object.body, format!("{first}tail"));
    assert!(object.etag.ends_with("-2"));
    let head = call("HEAD", "bucket", "big").oss(&twin).await.unwrap();
    assert_eq!(head.header("x-oss-object-type"), Some("Multipart"));
    assert_eq!(head.header("x-oss-meta-a"), Some("b"));
    refused(&complete(&listed).oss(&twin).await.unwrap(), 404, "NoSuchUpload");
}

#[tokio::test]
async fn oss_refuses_other_names_of_user_metadata_and_obs_does_not() {
    let twin = twin().await;
    twin.create_obs_bucket("mirror");
    for name in ["file_name", "a.b", "a~b"] {
        let answer =
            put("bucket", "k", "x").header(&format!("x-oss-meta-{name}"), "v").oss(&twin).await.unwrap();
        refused(&answer, 400, "InvalidArgument");
        assert_eq!(answer.element("EC").as_deref(), Some("0011-00000004"));
        let answer =
            put("mirror", "k", "x").header(&format!("x-obs-meta-{name}"), "v").obs(&twin).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
