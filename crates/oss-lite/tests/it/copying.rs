//! Copies within a service.

use std::time::Duration;

use oss_lite::{CompletedPart, CopyMetadata, CopySource, Dialect, ErrorKind, PutOptions, Timeouts};

use crate::server::{Reply, Server, bucket, error, reply, tries};

const COPIED: &str = "<CopyObjectResult xmlns=\"http://x/\"><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
                      <ETag>\"5B3C\"</ETag></CopyObjectResult>";

fn source() -> CopySource {
    CopySource {
        bucket: "src-bucket".parse().expect("a name"),
        key: "源/a b+c.bin".to_owned(),
        version_id: None,
        if_match: None,
    }
}

#[tokio::test]
async fn a_copy_names_its_source_encoded_and_keeps_what_is_stored_with_it() {
    for (dialect, prefix) in [(Dialect::Oss, "x-oss-"), (Dialect::Obs, "x-obs-")] {
        let id = format!("{prefix}request-id");
        let server = Server::with([reply("200 OK", &[(&id, "ID1")], COPIED)]).await;
        let outcome =
            server.bucket(dialect).copy_object("k", &source(), CopyMetadata::Keep).await.expect("copied");
        assert_eq!((outcome.etag.as_deref(), outcome.crc64), (Some("5B3C"), None));
        assert_eq!(outcome.request_id.as_deref(), Some("ID1"));
        let request = server.only_request();
        assert_eq!(request.request_line(), "PUT /examplebucket/k HTTP/1.1");
        let header = |name: &str| request.header(&format!("{prefix}{name}"));
        assert_eq!(header("copy-source"), Some("/src-bucket/%E6%BA%90/a%20b%2Bc.bin"));
        assert_eq!(header("metadata-directive"), Some("COPY"));
        assert_eq!(request.header("content-type"), None);
        assert_eq!(header("copy-source-if-match"), None);
    }
}

#[tokio::test]
async fn a_copy_of_a_version_on_condition_stores_what_it_is_told() {
    let source =
        CopySource { version_id: Some("v+7".to_owned()), if_match: Some("5B3C".to_owned()), ..source() };
    for (dialect, prefix, tagging) in
        [(Dialect::Oss, "x-oss-", Some("Replace")), (Dialect::Obs, "x-obs-", None)]
    {
        let server = Server::with([reply("200 OK", &[], COPIED)]).await;
        let options = PutOptions {
            content_type: Some("text/html".to_owned()),
            content_md5: Some([0; 16]),
            tagging: Some("a=1".to_owned()),
            metadata: vec![("name".to_owned(), "value".to_owned())],
            ..PutOptions::default()
        };
        let copy = server.bucket(dialect).copy_object("k", &source, CopyMetadata::Replace(options)).await;
        copy.expect("copied");
        let request = server.only_request();
        let header = |name: &str| request.header(&format!("{prefix}{name}"));
        assert_eq!(header("copy-source"), Some("/src-bucket/%E6%BA%90/a%20b%2Bc.bin?versionId=v%2B7"));
        assert_eq!(header("copy-source-if-match"), Some("\"5B3C\""));
        assert_eq!(header("metadata-directive"), Some("REPLACE"));
        assert_eq!(header("meta-name"), Some("value"));
        assert_eq!((header("tagging"), header("tagging-directive")), (Some("a=1"), tagging));
        assert_eq!(request.header("content-type"), Some("text/html"));
        assert_eq!(request.header("content-md5"), None);
        assert_eq!(request.header("content-length"), Some("0"));
    }
}

#[tokio::test]
async fn checksums_of_a_copy_come_in_a_header_or_in_the_document() {
    let header = Server::with([reply("200 OK", &[("x-oss-hash-crc64ecma", "7")], COPIED)]).await;
    let document = COPIED.replace("</CopyObjectResult>", "<CRC64>7</CRC64></CopyObjectResult>");
    let document = Server::with([reply("200 OK", &[], document)]).await;
    for (server, dialect) in [(header, Dialect::Oss), (document, Dialect::Obs)] {
        let outcome = server.bucket(dialect).copy_object("k", &source(), CopyMetadata::Keep).await;
        assert_eq!(outcome.expect("copied").crc64, Some(7), "{dialect:?}");
    }
}

#[tokio::test]
async fn success_that_copied_nothing_is_an_error() {
    for dialect in [Dialect::Oss, Dialect::Obs] {
        let server = Server::with([error("200 OK", "InternalError"), error("200 OK", "AccessDenied")]).await;
        let error = server.bucket(dialect).copy_object("k", &source(), CopyMetadata::Keep).await;
        assert_eq!(error.expect_err("failed late").kind(), ErrorKind::AccessDenied);
        assert_eq!(server.requests().len(), 2);
    }
    let no_tag = "<CopyObjectResult/>";
    let server = Server::with([reply("200 OK", &[], no_tag), reply("200 OK", &[], COPIED)]).await;
    server
        .bucket(Dialect::Obs)
        .copy_object("k", &source(), CopyMetadata::Keep)
        .await
        .expect("copied at last");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn work_of_the_service_has_a_patience_of_its_own() {
    let server = Server::with((0..4).map(|_| Reply::Stall(Vec::new()))).await;
    let timeouts = Timeouts {
        response_head: Duration::from_millis(50),
        slow_response_head: Duration::from_millis(51),
        ..Timeouts::default()
    };
    let bucket = bucket(server.config(Dialect::Oss).with_timeouts(timeouts).with_retry(tries(1)));
    let parts = [CompletedPart { number: 1, etag: "E".to_owned() }];
    let waits = [
        bucket.copy_object("k", &source(), CopyMetadata::Keep).await.map(drop),
        bucket.upload_part_copy("k", "U", 1, &source(), 0, 9).await.map(drop),
        bucket.complete_multipart_upload("k", "U", &parts, None).await.map(drop),
        bucket.delete("k").await,
    ];
    let waits = waits.map(|outcome| outcome.expect_err("silent").message().to_owned());
    let patience = |millis: u32| format!("no answer within {millis} ms from {}", server.address);
    assert_eq!(waits, [51, 51, 51, 50].map(patience));
}

#[tokio::test]
async fn a_source_that_changed_is_told() {
    let server = Server::with([error("412 Precondition Failed", "PreconditionFailed")]).await;
    let error = server.bucket(Dialect::Oss).copy_object("k", &source(), CopyMetadata::Keep).await;
    assert_eq!(error.expect_err("changed").kind(), ErrorKind::PreconditionFailed);
}

#[tokio::test]
async fn a_part_is_copied_from_a_range() {
    let copied = "<CopyPartResult><ETag>\"AB\"</ETag></CopyPartResult>";
    for (dialect, prefix) in [(Dialect::Oss, "x-oss-"), (Dialect::Obs, "x-obs-")] {
        let crc = if dialect == Dialect::Oss { "x-oss-hash-crc64ecma" } else { "x-obs-checksum-crc64ecma" };
        let server = Server::with([reply("200 OK", &[(crc, "9")], copied)]).await;
        let part = server.bucket(dialect).upload_part_copy("k", "U", 2, &source(), 100, 6_291_756).await;
        let part = part.expect("copied");
        assert_eq!((part.etag.as_str(), part.crc64), ("AB", Some(9)));
        let request = server.only_request();
        assert_eq!(request.request_line(), "PUT /examplebucket/k?partNumber=2&uploadId=U HTTP/1.1");
        let header = |name: &str| request.header(&format!("{prefix}{name}"));
        assert_eq!(header("copy-source-range"), Some("bytes=100-6291756"));
        assert_eq!(header("metadata-directive"), None);
    }
    let server = Server::with([]).await;
    let backwards = server.bucket(Dialect::Oss).upload_part_copy("k", "U", 2, &source(), 2, 1).await;
    assert_eq!(backwards.expect_err("no range").kind(), ErrorKind::InvalidArgument);
}
