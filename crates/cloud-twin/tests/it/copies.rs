use chrono::{DateTime, TimeDelta};
use cloud_twin::{ManualClock, ObjectHeaders, ObsCrc64, Service, Twin};

use crate::sign::{Call, call, get, put};
use crate::uploads::{complete, initiate};

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    let headers = ObjectHeaders::default().content_type("text/plain").user("a", "1").tag("colour", "blue");
    twin.oss().put_with("from", "dir/a b+c", "content", headers.clone());
    twin.obs().put_with("from", "dir/a b+c", "content", headers);
    for bucket in ["bucket", "other"] {
        twin.create_oss_bucket(bucket);
        twin.create_obs_bucket(bucket);
    }
    twin
}

fn copy(prefix: &str, key: &str) -> Call {
    put("bucket", key, "").header(&format!("{prefix}copy-source"), "/from/dir/a%20b%2Bc")
}

#[tokio::test]
async fn a_copy_has_the_content_and_what_belongs_to_it_in_both_dialects() {
    let twin = twin().await;
    let oss = copy("x-oss-", "k").header("x-oss-storage-class", "IA").oss(&twin).await.unwrap();
    assert_eq!(oss.status, 200, "{}", oss.text());
    assert!(oss.text().contains("<CopyObjectResult>"), "{}", oss.text());
    let source = twin.oss().get("from", "dir/a b+c").unwrap();
    let crc = source.crc64.unwrap().to_string();
    assert_eq!(oss.element("ETag"), Some(format!("\"{}\"", source.etag)));
    assert_eq!(oss.header("x-oss-hash-crc64ecma"), Some(crc.as_str()));
    assert_eq!(oss.element("CRC64"), None);
    let read = get("bucket", "k").oss(&twin).await.unwrap();
    assert_eq!(read.text(), "content");
    let headers = ["content-type", "x-oss-meta-a", "x-oss-storage-class", "x-oss-tagging-count"];
    assert_eq!(headers.map(|name| read.header(name).unwrap()), ["text/plain", "1", "IA", "1"]);

    let obs = copy("x-obs-", "k").obs(&twin).await.unwrap();
    assert!(obs.text().contains("<CopyObjectResult xmlns="), "{}", obs.text());
    assert_eq!(obs.element("CRC64"), Some(crc));
    assert!(obs.element("LastModified").is_some());
    assert_eq!(twin.obs().get("bucket", "k").unwrap().body, "content");
    for service in [Service::Oss, Service::Obs] {
        assert_eq!(twin.stats().requests(service, "CopyObject"), 1);
    }
}

#[tokio::test]
async fn metadata_can_be_replaced_and_an_object_without_crc_begets_one_without() {
    let twin = twin().await;
    let replaced = copy("x-oss-", "k")
        .header("x-oss-metadata-directive", "REPLACE")
        .header("x-oss-tagging-directive", "Replace")
        .header("content-type", "text/html");
    assert_eq!(replaced.oss(&twin).await.unwrap().status, 200);
    let object = twin.oss().get("bucket", "k").unwrap();
    assert_eq!(object.headers.content_type.unwrap(), "text/html");
    assert!(object.headers.user.is_empty() && object.headers.tags.is_empty());
    let odd = copy("x-oss-", "k").header("x-oss-metadata-directive", "MERGE").oss(&twin).await.unwrap();
    odd.is_refusal(400, "InvalidArgument");

    twin.oss().put_without_crc("from", "dir/a b+c", "old");
    let answer = copy("x-oss-", "old").oss(&twin).await.unwrap();
    assert_eq!((answer.status, answer.header("x-oss-hash-crc64ecma")), (200, None));
    let head = call("HEAD", "bucket", "old").oss(&twin).await.unwrap();
    assert_eq!((head.status, head.header("x-oss-hash-crc64ecma")), (200, None));
}

#[tokio::test]
async fn a_copy_of_nothing_or_by_nobody_is_refused() {
    let twin = twin().await;
    let from = |source: &str| put("bucket", "k", "").header("x-oss-copy-source", source);
    from("/from/none").oss(&twin).await.unwrap().is_refusal(404, "NoSuchKey");
    from("/nowhere/k").oss(&twin).await.unwrap().is_refusal(404, "NoSuchBucket");
    for source in ["/from", "k", "/from/%zz", "/from/k?versionId=CAEQ", ""] {
        from(source).oss(&twin).await.unwrap().is_refusal(400, "InvalidArgument");
    }
    assert_eq!(from("/from/dir/a%20b%2Bc?versionId=null").oss(&twin).await.unwrap().status, 200);
    let stranger = cloud_twin::Account::permanent("stranger", "x");
    let stolen = from("/from/dir/a%20b%2Bc").by(&stranger).oss(&twin).await.unwrap();
    stolen.is_refusal(403, "InvalidAccessKeyId");
}

#[tokio::test]
async fn conditions_on_the_source_fail_or_spare_the_copy() {
    let start = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
    let clock = ManualClock::new(start);
    let twin = Twin::builder().clock(clock).start().await.unwrap();
    twin.oss().put("from", "dir/a b+c", "content");
    twin.obs().put("from", "dir/a b+c", "content");
    twin.create_oss_bucket("bucket");
    twin.create_obs_bucket("bucket");
    let etag = twin.oss().get("from", "dir/a b+c").unwrap().etag;
    let date = |delta| (start + TimeDelta::seconds(delta)).format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let cases = [
        ("if-match", etag.clone(), 200, 200),
        ("if-match", "other".to_owned(), 412, 412),
        ("if-none-match", "other".to_owned(), 200, 200),
        ("if-none-match", etag, 304, 412),
        ("if-modified-since", date(-1), 200, 200),
        ("if-modified-since", date(0), 304, 412),
        ("if-unmodified-since", date(0), 200, 200),
        ("if-unmodified-since", date(-1), 412, 412),
    ];
    for (name, value, oss, obs) in cases {
        let ask = |prefix| copy(prefix, "k").at(start).header(&format!("{prefix}copy-source-{name}"), &value);
        assert_eq!(ask("x-oss-").oss(&twin).await.unwrap().status, oss, "{name}: {value}");
        assert_eq!(ask("x-obs-").obs(&twin).await.unwrap().status, obs, "{name}: {value}");
    }
}

#[tokio::test]
async fn objects_of_more_than_five_gigabytes_stay_in_their_bucket() {
    let twin = twin().await;
    twin.oss().put_zeros("other", "large", (5 << 30) + 1);
    twin.obs().put_zeros("other", "large", (5 << 30) + 1);
    let large = |bucket, prefix: &str| {
        put(bucket, "copy", "").header(&format!("{prefix}copy-source"), "/other/large")
    };
    large("bucket", "x-oss-").oss(&twin).await.unwrap().is_refusal(400, "EntityTooLarge");
    assert_eq!(large("other", "x-oss-").oss(&twin).await.unwrap().status, 200);
    let cooler = large("other", "x-oss-").header("x-oss-storage-class", "IA").oss(&twin).await.unwrap();
    cooler.is_refusal(400, "EntityTooLarge");
    large("other", "x-obs-").obs(&twin).await.unwrap().is_refusal(400, "EntityTooLarge");
}

#[tokio::test]
async fn parts_can_be_copied_from_ranges_of_another_object() {
    let twin = twin().await;
    twin.oss().put("from", "k", format!("{}tail", "a".repeat(100 << 10)));
    let id = initiate("bucket", "big").oss(&twin).await.unwrap().element("UploadId").unwrap();
    let part = |number: &str, range: &str| {
        put("bucket", "big", "")
            .query("partNumber", number)
            .query("uploadId", &id)
            .header("x-oss-copy-source", "/from/k")
            .header("x-oss-copy-source-range", range)
    };
    let mut parts = Vec::new();
    for (number, range) in [("1", "bytes=0-102399"), ("2", "bytes=102400-102403"), ("3", "bytes=9-999999999")]
    {
        let answer = part(number, range).oss(&twin).await.unwrap();
        assert!(answer.text().contains("<CopyPartResult>"), "{}", answer.text());
        parts.push((number, answer.element("ETag").unwrap()));
    }
    let sizes = get("bucket", "big").query("uploadId", &id).oss(&twin).await.unwrap();
    assert_eq!(
        crate::http::elements(&sizes.text(), "Size"),
        ["102400", "4", "102404"],
        "a range that does not fit copies everything"
    );
    let done = complete("bucket", "big", &id, &parts[..2]).oss(&twin).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.text());
    let (copy, source) = (twin.oss().get("bucket", "big").unwrap(), twin.oss().get("from", "k").unwrap());
    assert_eq!(copy.body, source.body);
    assert_eq!(copy.crc64, source.crc64, "combined from those of the parts");
    assert_eq!(twin.stats().requests(Service::Oss, "UploadPartCopy"), 3);
}

#[tokio::test]
async fn obs_refuses_ranges_that_do_not_fit() {
    let twin = twin().await;
    let id = initiate("bucket", "big").obs(&twin).await.unwrap().element("UploadId").unwrap();
    let part = |range: &str| {
        put("bucket", "big", "")
            .query("partNumber", "1")
            .query("uploadId", &id)
            .header("x-obs-copy-source", "/from/dir/a%20b%2Bc")
            .header("x-obs-copy-source-range", range)
    };
    part("bytes=0-7").obs(&twin).await.unwrap().is_refusal(416, "InvalidRange");
    part("first two").obs(&twin).await.unwrap().is_refusal(400, "InvalidArgument");
    let copied = part("bytes=0-1").obs(&twin).await.unwrap();
    assert!(copied.element("CRC64").is_some(), "{}", copied.text());
}

#[tokio::test]
async fn an_obs_without_crc_shows_none_anywhere_and_checks_none() {
    let twin = Twin::builder().obs_crc64(ObsCrc64::Absent).start().await.unwrap();
    twin.create_obs_bucket("bucket");
    let upload = put("bucket", "k", "body").header("x-obs-checksum-crc64ecma", "1").obs(&twin).await.unwrap();
    let copied = put("bucket", "c", "").header("x-obs-copy-source", "/bucket/k").obs(&twin).await.unwrap();
    let read = get("bucket", "k").obs(&twin).await.unwrap();
    for answer in [&upload, &copied, &read] {
        assert_eq!((answer.status, answer.header("x-obs-checksum-crc64ecma")), (200, None));
    }
    assert_eq!(copied.element("CRC64"), None);
    let present = Twin::builder().start().await.unwrap();
    present.create_obs_bucket("bucket");
    let upload = put("bucket", "k", "body").header("x-obs-checksum-crc64ecma", "1").obs(&present).await;
    upload.unwrap().is_refusal(400, "BadDigest");
}

#[tokio::test]
async fn obs_decodes_a_copy_source_before_it_looks_for_the_bucket() {
    let twin = twin().await;
    for source in
        ["from%2Fdir%2Fa%20b%2Bc", "%2Ffrom%2Fdir%2Fa%20b%2Bc", "/from/dir%2Fa%20b%2Bc?versionId=null"]
    {
        let copied = put("bucket", "k", "").header("x-obs-copy-source", source).obs(&twin).await.unwrap();
        assert_eq!(copied.status, 200, "{source}: {}", copied.text());
        assert_eq!(twin.obs().get("bucket", "k").unwrap().body, "content");
    }
    let copied = put("bucket", "k", "")
        .header("x-oss-copy-source", "from%2Fdir%2Fa%20b%2Bc")
        .oss(&twin)
        .await
        .unwrap();
    copied.is_refusal(400, "InvalidArgument");
}
