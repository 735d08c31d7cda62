use chrono::{TimeDelta, Utc};
use cloud_twin::{ObjectHeaders, ObjectKind, Twin};

use crate::http::elements;
use crate::sign::{call, get, put};

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    twin.create_obs_bucket("bucket");
    twin
}

#[tokio::test]
async fn a_symlink_reads_as_its_target() {
    let twin = twin().await;
    let link = call("PUT", "bucket", "link").query("symlink", "").body("");
    let answer = link.header("x-oss-symlink-target", "dir%2Fa%20b").oss(&twin).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    get("bucket", "link").oss(&twin).await.unwrap().is_refusal(404, "SymlinkTargetNotExist");
    twin.oss().put("bucket", "dir/a b", "content");
    let target = twin.oss().get("bucket", "dir/a b").unwrap();
    for (method, text) in [("GET", "content"), ("HEAD", "")] {
        let read = call(method, "bucket", "link").oss(&twin).await.unwrap();
        assert_eq!((read.status, read.text().as_str()), (200, text));
        assert_eq!(read.header("content-length"), Some("7"));
        assert_eq!(read.header("x-oss-object-type"), Some("Symlink"));
        assert_eq!(read.header("etag"), Some(format!("\"{}\"", target.etag).as_str()));
    }
    let shown = get("bucket", "link").query("symlink", "").oss(&twin).await.unwrap();
    assert_eq!((shown.status, shown.header("x-oss-symlink-target")), (200, Some("dir%2Fa%20b")));
    get("bucket", "dir/a b").query("symlink", "").oss(&twin).await.unwrap().is_refusal(400, "NotSymlink");
    twin.oss().put_symlink("bucket", "link2", "link");
    get("bucket", "link2").oss(&twin).await.unwrap().is_refusal(400, "InvalidTargetType");
    let listed = get("bucket", "").oss(&twin).await.unwrap();
    assert_eq!(elements(&listed.text(), "Type"), ["Normal", "Symlink", "Symlink"]);
    let copied =
        put("bucket", "copy", "").header("x-oss-copy-source", "/bucket/link").oss(&twin).await.unwrap();
    assert_eq!(copied.status, 200);
    let kind = ObjectKind::Symlink { target: "dir/a b".to_owned() };
    assert_eq!(twin.oss().get("bucket", "copy").unwrap().kind, kind, "a link is copied as one");
}

#[tokio::test]
async fn tags_are_kept_counted_and_shown() {
    let twin = twin().await;
    let tagged = |tags: &str| put("bucket", "k", "").header("x-oss-tagging", tags);
    assert_eq!(tagged("a=1&b%26=%2B").oss(&twin).await.unwrap().status, 200);
    let head = call("HEAD", "bucket", "k").oss(&twin).await.unwrap();
    assert_eq!(head.header("x-oss-tagging-count"), Some("2"));
    let tags = get("bucket", "k").query("tagging", "").oss(&twin).await.unwrap();
    assert_eq!(elements(&tags.text(), "Key"), ["a", "b&amp;"]);
    assert_eq!(elements(&tags.text(), "Value"), ["1", "+"]);
    let eleven: Vec<_> = (0..11).map(|tag| format!("{tag}=v")).collect();
    tagged(&eleven.join("&")).oss(&twin).await.unwrap().is_refusal(400, "InvalidTag");
    let initiate = call("POST", "bucket", "big").query("uploads", "").body("").header("x-obs-tagging", "a=1");
    let id = initiate.obs(&twin).await.unwrap().element("UploadId").unwrap();
    let part = put("bucket", "big", "x").query("partNumber", "1").query("uploadId", &id);
    let etag = part.obs(&twin).await.unwrap().header("etag").unwrap().to_owned();
    crate::uploads::complete("bucket", "big", &id, &[("1", etag)]).obs(&twin).await.unwrap();
    let head = call("HEAD", "bucket", "big").obs(&twin).await.unwrap();
    assert_eq!(head.header("x-obs-tagging-count"), Some("1"));
}

#[tokio::test]
async fn each_vendor_shows_an_acl_in_its_own_form() {
    let twin = twin().await;
    let put_oss = put("bucket", "k", "").header("x-oss-object-acl", "public-read").oss(&twin).await.unwrap();
    let put_obs = put("bucket", "k", "").header("x-obs-acl", "public-read").obs(&twin).await.unwrap();
    assert_eq!((put_oss.status, put_obs.status), (200, 200));
    let oss = get("bucket", "k").query("acl", "").oss(&twin).await.unwrap();
    assert_eq!(oss.element("Grant").as_deref(), Some("public-read"));
    let obs = get("bucket", "k").query("acl", "").obs(&twin).await.unwrap();
    assert_eq!(elements(&obs.text(), "Permission"), ["FULL_CONTROL", "READ"]);
    assert_eq!(obs.element("Canned").as_deref(), Some("Everyone"));
    twin.oss().put("bucket", "plain", "");
    let plain = get("bucket", "plain").query("acl", "").oss(&twin).await.unwrap();
    assert_eq!(plain.element("Grant").as_deref(), Some("default"));
    let odd = put("bucket", "k", "").header("x-oss-object-acl", "everybody").oss(&twin).await.unwrap();
    odd.is_refusal(400, "InvalidArgument");
}

#[tokio::test]
async fn an_archived_object_is_there_but_cannot_be_read_until_restored() {
    let twin = twin().await;
    let archived = |class: &str| ObjectHeaders::default().storage_class(class);
    for class in ["Archive", "ColdArchive", "DeepColdArchive"] {
        twin.oss().put_with("bucket", "k", "body", archived(class));
        get("bucket", "k").oss(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
        let head = call("HEAD", "bucket", "k").oss(&twin).await.unwrap();
        assert_eq!((head.status, head.header("x-oss-storage-class")), (200, Some(class)));
    }
    for class in ["COLD", "DEEP_ARCHIVE"] {
        twin.obs().put_with("bucket", "k", "body", archived(class));
        get("bucket", "k").obs(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
        let copied =
            put("bucket", "c", "").header("x-obs-copy-source", "/bucket/k").obs(&twin).await.unwrap();
        copied.is_refusal(403, "InvalidObjectState");
    }
    let until = Utc::now() + TimeDelta::days(1);
    assert!(twin.oss().modify("bucket", "k", |object| object.restored_until = Some(until)));
    let read = get("bucket", "k").oss(&twin).await.unwrap();
    assert_eq!((read.status, read.text().as_str()), (200, "body"));
    assert!(read.header("x-oss-restore").unwrap().starts_with("ongoing-request=\"false\", expiry-date="));
    assert!(!twin.oss().modify("bucket", "none", |_| {}));
}

#[tokio::test]
async fn objects_of_every_kind_can_be_laid_out() {
    let twin = twin().await;
    twin.oss().put("bucket", "plain", "body");
    twin.oss().put_appendable("bucket", "log", "body");
    let head = call("HEAD", "bucket", "log").oss(&twin).await.unwrap();
    assert_eq!(head.header("x-oss-object-type"), Some("Appendable"));
    let plain = call("HEAD", "bucket", "plain").oss(&twin).await.unwrap();
    assert_ne!(head.header("etag"), plain.header("etag"), "it is no MD5");
    assert_eq!(head.header("x-oss-hash-crc64ecma"), plain.header("x-oss-hash-crc64ecma"));
    let headers =
        ObjectHeaders::default().standard("cache-control", "no-cache").user("Author", "王").acl("private");
    twin.oss().put_with("bucket", "k", "body", headers);
    let head = call("HEAD", "bucket", "k").oss(&twin).await.unwrap();
    assert_eq!(head.header("cache-control"), Some("no-cache"));
    assert_eq!(twin.oss().get("bucket", "k").unwrap().headers.user["author"].as_bytes(), "王".as_bytes());
}
