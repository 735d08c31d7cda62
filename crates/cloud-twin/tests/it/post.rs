//! Form uploads: what is stored, what is answered, and what is wrong about a form.

use cloud_twin::{Service, Twin};
use serde_json::json;

use crate::form::{Form, Signer, content_type, post_raw};
use crate::function::Function;
use crate::http::Body;
use crate::sign::{call, get, md5_base64};

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    twin
}

fn form(twin: &Twin, key: &str) -> Form {
    Signer::of(twin).v4(&[json!({"bucket": "bucket"})]).field("key", key)
}

#[tokio::test]
async fn a_form_stores_its_file_with_what_its_fields_say_and_raises_the_event() {
    let twin = twin().await;
    let function = Function::start([]).await;
    twin.notify("bucket", &function.url).unwrap();
    let answer = form(&twin, "dir/a.txt")
        .field("Cache-Control", "no-cache")
        .field("Content-Disposition", "attachment; filename=\"ä.txt\"")
        .field("Content-Encoding", "identity")
        .field("Expires", "Thu, 01 Jan 2026 00:00:00 GMT")
        .field("Content-Type", "text/plain")
        .field("x-oss-meta-Author", "alice")
        .field("x-oss-storage-class", "IA")
        .field("x-oss-object-acl", "public-read")
        .file("a.txt", "123456789")
        .post(&twin, "bucket")
        .await;
    assert_eq!((answer.status, answer.text().as_str()), (204, ""));
    assert_eq!(answer.header("etag"), Some("\"25F9E794323B453885F5181F1B624D0B\""));
    assert_eq!(answer.header("x-oss-hash-crc64ecma"), Some("11051210869376104954"));
    assert_eq!(answer.header("x-oss-request-id").map(str::len), Some(24));

    let download = get("bucket", "dir/a.txt").oss(&twin).await.unwrap();
    assert_eq!(download.text(), "123456789");
    for (name, value) in [
        ("cache-control", "no-cache"),
        ("content-encoding", "identity"),
        ("expires", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("content-type", "text/plain"),
        ("x-oss-meta-author", "alice"),
        ("x-oss-storage-class", "IA"),
        ("x-oss-object-type", "Normal"),
    ] {
        assert_eq!(download.header(name), Some(value), "{name}");
    }
    let acl = get("bucket", "dir/a.txt").query("acl", "").oss(&twin).await.unwrap();
    assert_eq!(acl.element("Grant").as_deref(), Some("public-read"));
    twin.wait_until(Twin::is_idle).await;
    let event: serde_json::Value = serde_json::from_str(&function.invocations()[0].body).unwrap();
    assert_eq!(event["events"][0]["eventName"], "ObjectCreated:PostObject");
    assert_eq!(event["events"][0]["oss"]["object"]["key"], "dir/a.txt");
    assert_eq!(twin.stats().requests(Service::Oss, "PostObject"), 1);
}

#[tokio::test]
async fn the_key_takes_the_name_of_the_file_and_names_of_fields_any_case() {
    let twin = twin().await;
    let form = Signer::of(&twin).v1(&[json!(["eq", "$key", "up/图 1.jpg"])]);
    let form =
        form.renamed("policy", "POLICY").renamed("Signature", "signature").field("Key", "up/${filename}");
    let body = Body::Sized(form.typed_file("图 1.jpg", Some("image/jpeg"), "pixels").bytes());
    let headers =
        [("content-type", content_type()), ("host", "bucket.oss-cn-hangzhou.aliyuncs.com".to_owned())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = post_raw(&twin, "/", &headers, &body).await.unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
    let stored = twin.oss().get("bucket", "up/图 1.jpg").unwrap();
    assert_eq!(stored.body, "pixels");
    assert_eq!(stored.headers.content_type.unwrap(), "image/jpeg");
}

#[tokio::test]
async fn the_type_is_that_of_its_own_field_then_of_the_file_then_of_the_header_field() {
    let twin = twin().await;
    for (own, of_file, expected) in
        [(Some("a/own"), Some("a/file"), "a/own"), (None, Some("a/file"), "a/file"), (None, None, "a/field")]
    {
        let form = form(&twin, "k").field("Content-Type", "a/field");
        let form = own.into_iter().fold(form, |form, own| form.field("x-oss-content-type", own));
        assert_eq!(form.typed_file("k", of_file, "").post(&twin, "bucket").await.status, 204);
        let head = call("HEAD", "bucket", "k").oss(&twin).await.unwrap();
        assert_eq!(head.header("content-type"), Some(expected));
    }
}

#[tokio::test]
async fn the_form_says_how_success_is_answered() {
    let twin = twin().await;
    let etag = "\"D41D8CD98F00B204E9800998ECF8427E\"";
    for (asked, status) in [("200", 200), ("204", 204), ("302", 204), ("", 204)] {
        let form = form(&twin, "k").field("success_action_status", asked).file("f", "");
        let answer = form.post(&twin, "bucket").await;
        assert_eq!((answer.status, answer.body.len()), (status, 0), "{asked}");
        assert_eq!(answer.header("etag"), Some(etag));
    }
    let created = form(&twin, "a b&c").field("success_action_status", "201").file("f", "");
    let created = created.post(&twin, "bucket").await;
    assert_eq!((created.status, created.header("content-type")), (201, Some("application/xml")));
    assert_eq!(created.element("Bucket").as_deref(), Some("bucket"));
    assert_eq!(created.element("Key").as_deref(), Some("a b&amp;c"));
    assert_eq!(created.element("ETag").as_deref(), Some(etag));
    let location = format!("{}/bucket/a%20b%26c", twin.oss_url());
    assert_eq!(created.element("Location"), Some(location));

    let redirected = |url: &str| {
        let form = form(&twin, "a b").field("success_action_status", "200");
        form.field("success_action_redirect", url).file("f", "").post(&twin, "bucket")
    };
    let query = "bucket=bucket&key=a%20b&etag=%22D41D8CD98F00B204E9800998ECF8427E%22";
    for (url, separator) in [("http://example.com/done", "?"), ("https://example.com/?a=1", "&")] {
        let answer = redirected(url).await;
        assert_eq!(answer.status, 303);
        assert_eq!(answer.header("location"), Some(format!("{url}{separator}{query}").as_str()));
    }
    assert_eq!(redirected("not a url").await.status, 200);
}

#[tokio::test]
async fn a_form_that_is_none_is_refused() {
    let twin = twin().await;
    let whole = form(&twin, "k").file("f", "content").bytes();
    let post = |content_type: &str, body: &[u8]| {
        let (content_type, body) = (content_type.to_owned(), Body::Sized(body.to_vec()));
        let twin = &twin;
        async move { post_raw(twin, "/bucket/", &[("content-type", &content_type)], &body).await.unwrap() }
    };
    for wrong in ["application/x-www-form-urlencoded", "text/plain"] {
        post(wrong, &whole).await.is_refusal(400, "RequestIsNotMultiPartContent");
    }
    let none = post_raw(&twin, "/bucket/", &[], &Body::Sized(whole.clone())).await.unwrap();
    none.is_refusal(400, "RequestIsNotMultiPartContent");
    post("multipart/form-data", &whole).await.is_refusal(400, "MalformedPOSTRequest");
    post("multipart/form-data; boundary=other", &whole).await.is_refusal(400, "MalformedPOSTRequest");
    post(&content_type(), &whole[..whole.len() - 10]).await.is_refusal(400, "MalformedPOSTRequest");
    post(&content_type(), b"").await.is_refusal(400, "MalformedPOSTRequest");
    let unframed = post_raw(&twin, "/bucket/", &[("content-type", &content_type())], &Body::None).await;
    unframed.unwrap().is_refusal(411, "MissingContentLength");
    assert_eq!(twin.oss().len("bucket"), 0);
}

#[tokio::test]
async fn a_form_has_one_key_and_one_file_and_no_field_counts_behind_it() {
    let twin = twin().await;
    let none = form(&twin, "k").post(&twin, "bucket").await;
    none.is_refusal(400, "IncorrectNumberOfFilesInPOSTRequest");
    let two = form(&twin, "k").file("f", "1").file("g", "2").post(&twin, "bucket").await;
    two.is_refusal(400, "IncorrectNumberOfFilesInPOSTRequest");
    let signed = Signer::of(&twin).v4(&[]);
    let late = signed.clone().file("f", "1").field("key", "k").post(&twin, "bucket").await;
    late.is_refusal(400, "InvalidArgument");
    assert_eq!(late.element("ArgumentName").as_deref(), Some("key"));
    signed.field("key", "").file("f", "1").post(&twin, "bucket").await.is_refusal(400, "InvalidArgument");
    assert_eq!(twin.oss().len("bucket"), 0);
    let form = form(&twin, "k").file("f", "1").field("x-oss-meta-late", "x").field("submit", "Upload");
    assert_eq!(form.post(&twin, "bucket").await.status, 204);
    assert!(twin.oss().get("bucket", "k").unwrap().headers.user.is_empty());
}

#[tokio::test]
async fn names_and_values_of_fields_have_limits() {
    let twin = twin().await;
    let with =
        |name: &str, value: &str| form(&twin, "k").field(name, value).file("f", "").post(&twin, "bucket");
    assert_eq!(with("x", &"v".repeat(2 << 20)).await.status, 204);
    with("x", &"v".repeat((2 << 20) + 1)).await.is_refusal(400, "FieldItemTooLong");
    assert_eq!(with(&"n".repeat(8 << 10), "v").await.status, 204);
    with(&"n".repeat((8 << 10) + 1), "v").await.is_refusal(400, "FieldItemTooLong");
    with("x-oss-meta-a", &"v".repeat(9 << 10)).await.is_refusal(400, "InvalidArgument");
    with("x-oss-meta-a", "two\nlines").await.is_refusal(400, "InvalidArgument");
}

#[tokio::test]
async fn what_a_put_refuses_a_form_refuses_too() {
    let twin = twin().await;
    let missing = form(&twin, "k").file("f", "").post(&twin, "no-such-bucket").await;
    missing.is_refusal(404, "NoSuchBucket");
    form(&twin, "/k").file("f", "").post(&twin, "bucket").await.is_refusal(400, "InvalidObjectName");
    let long = form(&twin, &"k".repeat(1024)).file("f", "").post(&twin, "bucket").await;
    long.is_refusal(400, "InvalidObjectName");
    let acl =
        form(&twin, "k").field("x-oss-object-acl", "everybody").file("f", "").post(&twin, "bucket").await;
    acl.is_refusal(400, "InvalidArgument");
    let md5 =
        |value: &str| form(&twin, "k").field("Content-MD5", value).file("f", "body").post(&twin, "bucket");
    md5(&md5_base64(b"other")).await.is_refusal(400, "InvalidDigest");
    md5("bm90IG1kNQ==").await.is_refusal(400, "InvalidDigest");
    assert_eq!(twin.oss().len("bucket"), 0);
    assert_eq!(md5(&md5_base64(b"body")).await.status, 204);
    let again = form(&twin, "k").field("x-oss-forbid-overwrite", "true").file("f", "new");
    again.post(&twin, "bucket").await.is_refusal(409, "FileAlreadyExists");
    assert_eq!(twin.oss().get("bucket", "k").unwrap().body, "body");
}

#[tokio::test]
async fn a_large_file_is_streamed_and_a_refused_one_read_to_its_end() {
    let twin = twin().await;
    let zeros = vec![0; 24 << 20];
    assert_eq!(form(&twin, "k").file("f", &zeros).post(&twin, "bucket").await.status, 204);
    let stored = twin.oss().get("bucket", "k").unwrap().body;
    assert_eq!(stored.len(), 24 << 20);
    assert!(stored.stored_len() < 1 << 20, "{} bytes take memory", stored.stored_len());
    let limit = [json!(["content-length-range", 0, 10])];
    let refused =
        Signer::of(&twin).v4(&limit).field("key", "l").file("f", &zeros).post(&twin, "bucket").await;
    refused.is_refusal(400, "EntityTooLarge");
    let anonymous = Form::default().field("key", "l").file("f", &zeros).post(&twin, "bucket").await;
    anonymous.is_refusal(403, "AccessDenied");
    assert_eq!(twin.oss().len("bucket"), 1);
}

#[tokio::test]
async fn obs_knows_no_forms() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    call("POST", "bucket", "").body("x").obs(&twin).await.unwrap().is_refusal(501, "NotImplemented");
}
