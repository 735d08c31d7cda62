//! What can be set of an object that is there, and what is not set of a bucket.

use cloud_twin::{ObjectHeaders, Twin};

use crate::http::elements;
use crate::sign::{Call, call, get, put};

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    let headers = ObjectHeaders::default()
        .content_type("text/plain")
        .standard("cache-control", "no-cache")
        .user("a", "1")
        .user("b", "2");
    for objects in [twin.oss(), twin.obs()] {
        objects.put_with("bucket", "k", "content", headers.clone());
    }
    twin
}

fn metadata(directive: &str) -> Call {
    put("bucket", "k", "").query("metadata", "").header("x-obs-metadata-directive", directive)
}

#[tokio::test]
async fn metadata_is_changed_without_the_content() {
    let twin = twin().await;
    let before = twin.obs().get("bucket", "k").unwrap();
    let changed = metadata("REPLACE_NEW")
        .header("content-type", "text/html")
        .header("x-obs-meta-b", "3")
        .header("x-obs-meta-c", "4")
        .header("x-obs-storage-class", "WARM");
    let answer = changed.obs(&twin).await.unwrap();
    assert_eq!((answer.status, answer.header("x-obs-metadata-directive")), (200, Some("REPLACE_NEW")));
    let read = get("bucket", "k").obs(&twin).await.unwrap();
    assert_eq!(read.text(), "content");
    let names = [
        "content-type",
        "cache-control",
        "x-obs-meta-a",
        "x-obs-meta-b",
        "x-obs-meta-c",
        "x-obs-storage-class",
    ];
    let expected = ["text/html", "no-cache", "1", "3", "4", "WARM"];
    assert_eq!(names.map(|name| read.header(name)), expected.map(Some));

    let answer = metadata("REPLACE").header("x-obs-meta-d", "5").obs(&twin).await.unwrap();
    assert_eq!(answer.status, 200);
    let after = twin.obs().get("bucket", "k").unwrap();
    assert_eq!((after.headers.content_type, after.headers.standard.len()), (None, 0));
    assert_eq!(after.headers.user.keys().collect::<Vec<_>>(), ["d"]);
    assert_eq!(after.headers.storage_class.as_deref(), Some("WARM"));
    assert_eq!((after.etag, after.last_modified), (before.etag, before.last_modified));

    metadata("MERGE").obs(&twin).await.unwrap().is_refusal(400, "InvalidArgument");
    assert!(
        twin.obs().modify("bucket", "k", |object| object.headers.storage_class = Some("COLD".to_owned()))
    );
    metadata("REPLACE").obs(&twin).await.unwrap().is_refusal(403, "InvalidObjectState");
}

#[tokio::test]
async fn tags_are_put_given_back_and_removed_in_both_dialects() {
    let twin = twin().await;
    let document =
        "<Tagging><TagSet><Tag><Key>colour</Key><Value>blue &amp; red</Value></Tag></TagSet></Tagging>";
    let twice = document.replace("<TagSet>", "<TagSet><Tag><Key>colour</Key><Value/></Tag>");
    let tagging = |method: &'static str| call(method, "bucket", "k").query("tagging", "");
    for obs in [false, true] {
        let send =
            async |call: Call| if obs { call.obs(&twin).await } else { call.oss(&twin).await }.unwrap();
        assert_eq!(send(tagging("PUT").body(document)).await.status, 200);
        let found = send(tagging("GET")).await;
        assert_eq!(
            (found.element("Key"), found.element("Value").as_deref()),
            (Some("colour".to_owned()), Some("blue &amp; red"))
        );
        send(tagging("PUT").body(&twice)).await.is_refusal(400, "InvalidTag");
        send(tagging("PUT").body("<Tags/>")).await.is_refusal(400, "MalformedXML");
        assert_eq!(send(tagging("DELETE")).await.status, 204);
        assert_eq!(elements(&send(tagging("GET")).await.text(), "Key").len(), 0);
        send(call("PUT", "bucket", "none").query("tagging", "").body(document))
            .await
            .is_refusal(404, "NoSuchKey");
    }
}

#[tokio::test]
async fn an_acl_is_put_by_its_name_and_at_obs_by_a_document() {
    let twin = twin().await;
    let acl = |method: &'static str| call(method, "bucket", "k").query("acl", "");
    let by_name = acl("PUT").header("x-oss-object-acl", "public-read").oss(&twin).await.unwrap();
    assert_eq!(by_name.status, 200);
    assert_eq!(acl("GET").oss(&twin).await.unwrap().element("Grant").as_deref(), Some("public-read"));
    acl("PUT").oss(&twin).await.unwrap().is_refusal(400, "InvalidArgument");
    acl("PUT")
        .header("x-oss-object-acl", "open")
        .oss(&twin)
        .await
        .unwrap()
        .is_refusal(400, "InvalidArgument");

    let document = "<AccessControlPolicy><Owner><ID>me</ID></Owner><AccessControlList><Grant><Grantee><ID>you</ID>\
                    </Grantee><Permission>READ</Permission></Grant></AccessControlList></AccessControlPolicy>";
    assert_eq!(acl("PUT").body(document).obs(&twin).await.unwrap().status, 200);
    assert_eq!(acl("GET").obs(&twin).await.unwrap().text(), document);
    let wrong = document.replace("READ", "LOOK");
    acl("PUT").body(&wrong).obs(&twin).await.unwrap().is_refusal(400, "MalformedACLError");
    acl("PUT").body("").obs(&twin).await.unwrap().is_refusal(400, "MalformedACLError");
    let by_name = acl("PUT").header("x-obs-acl", "public-read").obs(&twin).await.unwrap();
    assert_eq!(by_name.status, 200);
    let found = acl("GET").obs(&twin).await.unwrap();
    assert_eq!(elements(&found.text(), "Permission"), ["FULL_CONTROL", "READ"]);
}

#[tokio::test]
async fn a_setting_that_was_never_made_is_not_found() {
    let twin = twin().await;
    let setting = |name: &str| get("bucket", "").query(name, "");
    setting("encryption").obs(&twin).await.unwrap().is_refusal(404, "NoSuchEncryptionConfiguration");
    setting("encryption").oss(&twin).await.unwrap().is_refusal(404, "NoSuchServerSideEncryptionRule");
    setting("website").obs(&twin).await.unwrap().is_refusal(404, "NoSuchWebsiteConfiguration");
    setting("tagging").obs(&twin).await.unwrap().is_refusal(404, "NoSuchTagSet");
    setting("replication").obs(&twin).await.unwrap().is_refusal(404, "NoSuchReplicationConfiguration");
    get("none", "").query("encryption", "").obs(&twin).await.unwrap().is_refusal(404, "NoSuchBucket");
}

#[tokio::test]
async fn a_bucket_is_counted() {
    let twin = twin().await;
    twin.oss().put_with("bucket", "old", "1234", ObjectHeaders::default().storage_class("Archive"));
    assert_eq!(
        call("POST", "bucket", "up").query("uploads", "").body("").oss(&twin).await.unwrap().status,
        200
    );
    let stat = get("bucket", "").query("stat", "").oss(&twin).await.unwrap();
    let names = [
        "Storage",
        "ObjectCount",
        "MultipartUploadCount",
        "StandardStorage",
        "ArchiveStorage",
        "ArchiveObjectCount",
    ];
    assert_eq!(names.map(|name| stat.element(name).unwrap()), ["11", "2", "1", "7", "4", "1"]);
    let info = get("bucket", "").query("storageinfo", "").obs(&twin).await.unwrap();
    assert_eq!([info.element("Size"), info.element("ObjectNumber")].map(Option::unwrap), ["7", "1"]);
}
