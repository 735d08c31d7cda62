//! What is stored with an object: metadata, tags, ACL, the target of a symlink.

use bytes::Bytes;
use oss_lite::{Dialect, ErrorKind, ObjectMeta, PutOptions};

use crate::server::{Server, error, head_reply, ok, reply};

const MD5: &str = "5B3C1A2E053D763E1B002CC607C5A0FE";

async fn head(dialect: Dialect, headers: &[(&str, &str)]) -> ObjectMeta {
    let headers: Vec<_> = headers.iter().copied().chain([("content-length", "9")]).collect();
    let server = Server::with([head_reply("200 OK", &headers)]).await;
    server.bucket(dialect).head("k").await.expect("there")
}

#[tokio::test]
async fn everything_stored_with_an_object_is_told() {
    for (dialect, prefix) in [(Dialect::Oss, "x-oss-"), (Dialect::Obs, "x-obs-")] {
        let own = |name: &str| format!("{prefix}{name}");
        let meta = head(
            dialect,
            &[
                ("cache-control", "no-cache"),
                ("content-disposition", "attachment; filename=\"文件\""),
                ("content-encoding", "br"),
                ("content-language", "zh"),
                ("expires", "Thu, 01 Jan 2026 12:00:00 GMT"),
                (&own("object-type"), "Appendable"),
                (&own("restore"), "ongoing-request=\"true\""),
                (&own("uploadId"), "U1"),
                (&own("server-side-encryption"), "KMS"),
                (&own("tagging-count"), "2"),
                (&own("request-id"), "ID1"),
            ],
        )
        .await;
        assert_eq!(meta.cache_control.as_deref(), Some("no-cache"));
        assert_eq!(meta.content_disposition.as_deref(), Some("attachment; filename=\"文件\""));
        assert_eq!(meta.content_encoding.as_deref(), Some("br"));
        assert_eq!(meta.content_language.as_deref(), Some("zh"));
        assert_eq!(meta.expires.as_deref(), Some("Thu, 01 Jan 2026 12:00:00 GMT"));
        assert_eq!(meta.object_type.as_deref(), Some("Appendable"));
        assert_eq!(meta.restore.as_deref(), Some("ongoing-request=\"true\""));
        assert_eq!(meta.upload_id.as_deref(), Some("U1"));
        assert_eq!(meta.encryption.as_deref(), Some("KMS"));
        assert_eq!(meta.tagging_count, Some(2));
        assert_eq!(meta.request_id.as_deref(), Some("ID1"));
    }
}

#[tokio::test]
async fn a_customers_own_encryption_key_shows_as_well() {
    let meta = head(Dialect::Obs, &[("x-obs-server-side-encryption-customer-algorithm", "AES256")]).await;
    assert_eq!(meta.encryption.as_deref(), Some("AES256"));
}

#[tokio::test]
async fn only_the_tag_of_a_plain_object_is_its_md5() {
    let plain = head(Dialect::Oss, &[("etag", MD5), ("x-oss-object-type", "Normal")]).await;
    assert_eq!(plain.md5().map(hex::encode_upper).as_deref(), Some(MD5));
    let lower = MD5.to_lowercase();
    assert!(head(Dialect::Obs, &[("etag", &format!("\"{lower}\""))]).await.md5().is_some());
    let multipart = format!("{MD5}-3");
    for (name, value, etag) in [
        ("x-oss-object-type", "Multipart", MD5),
        ("x-oss-object-type", "Appendable", MD5),
        ("x-oss-object-type", "Symlink", MD5),
        ("x-oss-server-side-encryption", "AES256", MD5),
        ("x-oss-object-type", "Normal", &multipart),
        ("x-oss-object-type", "Normal", "not hex, though 32 characters ok"),
    ] {
        assert_eq!(head(Dialect::Oss, &[("etag", etag), (name, value)]).await.md5(), None, "{value} {etag}");
    }
}

/// Values, as the vendor's own SDK writes them.
fn encodings() -> Vec<(String, String)> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/obs/metadata-values.json");
    serde_json::from_str(&std::fs::read_to_string(path).expect("a fixture")).expect("pairs")
}

#[tokio::test]
async fn metadata_of_obs_is_encoded_and_decoded_as_by_its_sdk() {
    for (value, encoded) in encodings() {
        let server = Server::with([ok()]).await;
        let options =
            PutOptions { metadata: vec![("name".to_owned(), value.clone())], ..PutOptions::default() };
        server.bucket(Dialect::Obs).put("k", Bytes::new(), options).await.expect("stored");
        let sent = server.only_request().header("x-obs-meta-name").expect("sent").to_owned();
        if value.is_ascii() && !value.contains('%') {
            assert_eq!(sent, value, "nothing to encode");
        } else {
            assert_eq!(sent, encoded, "{value}");
        }
        for text in [&sent, &encoded] {
            let meta = head(Dialect::Obs, &[("x-obs-meta-name", text)]).await;
            assert_eq!(meta.metadata, [("name".to_owned(), value.clone())]);
        }
    }
}

#[tokio::test]
async fn metadata_of_oss_is_taken_as_it_is() {
    let meta = head(Dialect::Oss, &[("x-oss-meta-name", "a%20b 中")]).await;
    assert_eq!(meta.metadata, [("name".to_owned(), "a%20b 中".to_owned())]);
}

#[tokio::test]
async fn other_texts_for_obs_are_encoded_only_when_they_must_be() {
    let server = Server::with([ok()]).await;
    let options = PutOptions {
        content_disposition: Some("attachment; filename=\"文\"".to_owned()),
        content_type: Some("text/plain; a=\"%41\"".to_owned()),
        ..PutOptions::default()
    };
    server.bucket(Dialect::Obs).put("k", Bytes::new(), options).await.expect("stored");
    let request = server.only_request();
    assert_eq!(request.header("content-disposition"), Some("attachment; filename=%22%E6%96%87%22"));
    assert_eq!(request.header("content-type"), Some("text/plain; a=\"%41\""));
}

#[tokio::test]
async fn acl_tags_and_checksum_are_sent_under_the_vendors_names() {
    for (dialect, acl, tagging, crc) in [
        (Dialect::Oss, "x-oss-object-acl", "x-oss-tagging", None),
        (Dialect::Obs, "x-obs-acl", "x-obs-tagging", Some("11051210869376104954")),
    ] {
        let server = Server::with([ok()]).await;
        let options = PutOptions {
            acl: Some("public-read".to_owned()),
            tagging: Some("a=1&b=%E4%B8%AD".to_owned()),
            crc64: Some(11_051_210_869_376_104_954),
            ..PutOptions::default()
        };
        server.bucket(dialect).put("k", "123456789".into(), options).await.expect("stored");
        let request = server.only_request();
        assert_eq!(request.header(acl), Some("public-read"));
        assert_eq!(request.header(tagging), Some("a=1&b=%E4%B8%AD"));
        assert_eq!(request.header("x-obs-checksum-crc64ecma"), crc);
    }
}

#[tokio::test]
async fn tags_are_read_and_none_is_no_error() {
    let tags = "<Tagging xmlns=\"http://x/\"><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag>\
                <Tag><Key>empty</Key><Value/></Tag></TagSet></Tagging>";
    for dialect in [Dialect::Oss, Dialect::Obs] {
        let none = error("404 Not Found", "NoSuchTagSet");
        let empty = reply("200 OK", &[], "<Tagging><TagSet/></Tagging>");
        let missing = crate::server::missing("NoSuchKey");
        let server = Server::with([reply("200 OK", &[], tags), none, empty, missing]).await;
        let bucket = server.bucket(dialect);
        let read = bucket.tagging("k").await.expect("told");
        assert_eq!(read, [("a b", "1&2"), ("empty", "")].map(|(k, v)| (k.to_owned(), v.to_owned())));
        assert!(bucket.tagging("k").await.expect("told").is_empty());
        assert!(bucket.tagging("k").await.expect("told").is_empty());
        assert_eq!(bucket.tagging("k").await.expect_err("missing").kind(), ErrorKind::NoSuchKey);
        assert_eq!(server.requests()[0].request_line(), "GET /examplebucket/k?tagging HTTP/1.1");
    }
}

#[tokio::test]
async fn the_acl_of_oss_is_the_word_it_says() {
    let acl = "<AccessControlPolicy><Owner><ID>1</ID></Owner><AccessControlList><Grant>public-read</Grant>\
               </AccessControlList></AccessControlPolicy>";
    let server = Server::with([reply("200 OK", &[], acl)]).await;
    assert_eq!(server.bucket(Dialect::Oss).acl("k").await.expect("told").as_deref(), Some("public-read"));
    assert_eq!(server.only_request().request_line(), "GET /examplebucket/k?acl HTTP/1.1");
}

#[tokio::test]
async fn the_acl_of_obs_follows_from_its_grants() {
    let owner = "<Grant><Grantee><ID>o</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>";
    let other = "<Grant><Grantee><ID>x</ID></Grantee><Permission>READ</Permission></Grant>";
    let everyone = |right: &str| {
        format!("<Grant><Grantee><Canned>Everyone</Canned></Grantee><Permission>{right}</Permission></Grant>")
    };
    for (grants, expected) in [
        (owner.to_owned(), Some("private")),
        (format!("{owner}{}", everyone("READ")), Some("public-read")),
        (format!("{}{}", everyone("READ"), everyone("WRITE")), Some("public-read-write")),
        (everyone("FULL_CONTROL"), Some("public-read-write")),
        (everyone("READ_ACP"), None),
        (everyone("WRITE"), None),
        (format!("{owner}{other}"), None),
    ] {
        let acl = format!(
            "<AccessControlPolicy><Owner><ID>o</ID></Owner><Delivered>false</Delivered>\
             <AccessControlList>{grants}</AccessControlList></AccessControlPolicy>"
        );
        let server = Server::with([reply("200 OK", &[], acl)]).await;
        let acl = server.bucket(Dialect::Obs).acl("k").await.expect("told");
        assert_eq!(acl.as_deref(), expected, "{grants}");
    }
}

#[tokio::test]
async fn a_symlink_names_its_target() {
    let target = [("x-oss-symlink-target", "dir/%E4%B8%AD%20a%2Bb")];
    let server = Server::with([reply("200 OK", &target, ""), ok()]).await;
    let bucket = server.bucket(Dialect::Oss);
    assert_eq!(bucket.symlink_target("k").await.expect("told"), "dir/中 a+b");
    assert_eq!(server.only_request().request_line(), "GET /examplebucket/k?symlink HTTP/1.1");
    let error = bucket.symlink_target("k").await.expect_err("not told");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    let obs = server.bucket(Dialect::Obs).symlink_target("k").await.expect_err("no symlinks");
    assert_eq!(obs.kind(), ErrorKind::InvalidArgument);
}
