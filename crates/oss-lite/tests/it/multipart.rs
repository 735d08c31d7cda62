//! Uploads in parts.

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use oss_lite::{CompletedPart, Dialect, ErrorKind, PutOptions};

use crate::server::{Reply, Server, error, ok, reply};

const INITIATED: &str = "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>U/1+</UploadId></InitiateMultipartUploadResult>";
const COMPLETED: &str = "<?xml version=\"1.0\"?><CompleteMultipartUploadResult xmlns=\"http://x/\"><Location>l</Location>\
                         <Bucket>b</Bucket><Key>k</Key><ETag>\"5B3C-2\"</ETag></CompleteMultipartUploadResult>";

fn parts() -> Vec<CompletedPart> {
    let part = |number, etag: &str| CompletedPart { number, etag: etag.to_owned() };
    vec![part(1, "AA"), part(7, "\"BB\"")]
}

fn part_page(numbers: std::ops::Range<u32>, next: Option<u32>) -> Reply {
    let parts = numbers.map(|n| {
        format!(
            "<Part><PartNumber>{n}</PartNumber><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
             <ETag>\"E{n}\"</ETag><HashCrc64ecma>{n}0</HashCrc64ecma><Size>{n}00</Size></Part>"
        )
    });
    let marker =
        next.map(|n| format!("<NextPartNumberMarker>{n}</NextPartNumberMarker>")).unwrap_or_default();
    let truncated = next.is_some();
    let text = parts.collect::<String>();
    let body = format!(
        "<ListPartsResult><Bucket>b</Bucket><IsTruncated>{truncated}</IsTruncated>{marker}{text}</ListPartsResult>"
    );
    reply("200 OK", &[], body)
}

#[tokio::test]
async fn an_upload_begins_with_all_that_is_stored_and_gives_its_id() {
    for (dialect, prefix) in [(Dialect::Oss, "x-oss-"), (Dialect::Obs, "x-obs-")] {
        let server = Server::with([reply("200 OK", &[], INITIATED)]).await;
        let options = PutOptions {
            content_type: Some("text/html".to_owned()),
            content_md5: Some([0; 16]),
            crc64: Some(7),
            storage_class: Some("COLD".to_owned()),
            metadata: vec![("name".to_owned(), "value".to_owned())],
            ..PutOptions::default()
        };
        let id = server.bucket(dialect).initiate_multipart_upload("a b", options).await.expect("begun");
        assert_eq!(id, "U/1+");
        let request = server.only_request();
        assert_eq!(request.request_line(), "POST /examplebucket/a%20b?uploads HTTP/1.1");
        assert_eq!(request.header("content-type"), Some("text/html"));
        assert_eq!(request.header("content-length"), Some("0"));
        assert_eq!(request.header("content-md5"), None);
        assert_eq!(request.header("x-obs-checksum-crc64ecma"), None);
        assert_eq!(request.header(&format!("{prefix}storage-class")), Some("COLD"));
        assert_eq!(request.header(&format!("{prefix}meta-name")), Some("value"));
    }
}

#[tokio::test]
async fn an_upload_without_id_is_asked_for_again() {
    let empty = "<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>";
    let server = Server::with([reply("200 OK", &[], empty), reply("200 OK", &[], INITIATED)]).await;
    let id = server.bucket(Dialect::Obs).initiate_multipart_upload("k", PutOptions::default()).await;
    assert_eq!(id.expect("begun at last"), "U/1+");
}

#[tokio::test]
async fn a_part_is_sent_with_its_digest_and_again_after_trouble() {
    for (dialect, crc) in [(Dialect::Oss, "x-oss-hash-crc64ecma"), (Dialect::Obs, "x-obs-checksum-crc64ecma")]
    {
        let stored = reply("200 OK", &[("etag", "\"AA\""), (crc, "9")], "");
        let server = Server::with([error("400 Bad Request", "BadDigest"), stored]).await;
        let bucket = server.bucket(dialect);
        let part = bucket.upload_part("k", "U/1+", 2, "body".into(), Some([0; 16])).await.expect("stored");
        assert_eq!((part.etag.as_str(), part.crc64), ("AA", Some(9)));
        for request in server.requests() {
            assert_eq!(
                request.request_line(),
                "PUT /examplebucket/k?partNumber=2&uploadId=U%2F1%2B HTTP/1.1"
            );
            assert_eq!(request.header("content-md5"), Some("AAAAAAAAAAAAAAAAAAAAAA=="));
            assert_eq!(request.body, b"body");
        }
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_part_without_tag_could_not_be_named_and_is_an_error() {
    let server = Server::with((0..3).map(|_| ok())).await;
    let error = server.bucket(Dialect::Oss).upload_part("k", "U", 1, Bytes::new(), None).await;
    assert_eq!(error.expect_err("no tag").kind(), ErrorKind::UnexpectedResponse);
}

#[tokio::test]
async fn an_upload_is_completed_in_the_vendors_form() {
    for (dialect, quote, crc) in [(Dialect::Oss, "\"", None), (Dialect::Obs, "", Some("42"))] {
        let server = Server::with([reply("200 OK", &[("x-obs-version-id", "v1")], COMPLETED)]).await;
        let outcome = server.bucket(dialect).complete_multipart_upload("k", "U", &parts(), Some(42)).await;
        let outcome = outcome.expect("completed");
        assert_eq!(outcome.etag.as_deref(), Some("5B3C-2"));
        assert_eq!(outcome.version_id.as_deref(), (dialect == Dialect::Obs).then_some("v1"));
        let request = server.only_request();
        assert_eq!(request.request_line(), "POST /examplebucket/k?uploadId=U HTTP/1.1");
        assert_eq!(request.header("x-obs-checksum-crc64ecma"), crc);
        let expected = format!(
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{quote}AA{quote}</ETag></Part>\
             <Part><PartNumber>7</PartNumber><ETag>{quote}BB{quote}</ETag></Part></CompleteMultipartUpload>"
        );
        assert_eq!(String::from_utf8_lossy(&request.body), expected);
    }
}

#[tokio::test]
async fn completing_is_tried_once_whatever_the_answer() {
    for (answer, kind, retryable) in [
        (error("500 Oops", "InternalError"), ErrorKind::ServerError, true),
        (error("200 OK", "InternalError"), ErrorKind::ServerError, true),
        (error("200 OK", "InvalidPart"), ErrorKind::Rejected, false),
        (reply("200 OK", &[], "<CompleteMultipartUploadResult><ETag>"), ErrorKind::UnexpectedResponse, true),
        (reply("200 OK", &[], ""), ErrorKind::UnexpectedResponse, true),
        (error("404 Not Found", "NoSuchUpload"), ErrorKind::NoSuchUpload, false),
        (Reply::Last(Vec::new()), ErrorKind::Transport, true),
    ] {
        let server = Server::with([answer]).await;
        let error = server.bucket(Dialect::Obs).complete_multipart_upload("k", "U", &parts(), None).await;
        let error = error.expect_err("failed");
        assert_eq!((error.kind(), error.is_retryable()), (kind, retryable));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn completing_with_a_wrong_clock_is_refused_and_made_again() {
    let skewed = "<Error><Code>RequestTimeTooSkewed</Code><Message>clock</Message></Error>";
    let date = [("date", "Thu, 01 Jan 2026 13:30:00 GMT")];
    let server = Server::with([reply("403 Forbidden", &date, skewed), reply("200 OK", &[], COMPLETED)]).await;
    let outcome = server.bucket(Dialect::Oss).complete_multipart_upload("k", "U", &parts(), None).await;
    outcome.expect("completed after the correction");
}

#[tokio::test]
async fn what_would_become_another_request_is_not_sent() {
    let server = Server::with([]).await;
    let bucket = server.bucket(Dialect::Oss);
    let mut unordered = parts();
    unordered.reverse();
    let twice = vec![parts()[0].clone(), parts()[0].clone()];
    let beyond = vec![CompletedPart { number: 10_001, etag: "AA".to_owned() }];
    for parts in [Vec::new(), unordered, twice, beyond] {
        let error = bucket.complete_multipart_upload("k", "U", &parts, None).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    for error in [
        bucket.abort_multipart_upload("k", "").await.expect_err("would delete the object"),
        bucket.list_parts("k", "").await.expect_err("would read the object"),
        bucket.upload_part("k", "", 1, Bytes::new(), None).await.expect_err("would replace the object"),
        bucket.upload_part("k", "U", 0, Bytes::new(), None).await.expect_err("no number"),
        bucket.upload_part("k", "U", 10_001, Bytes::new(), None).await.expect_err("no number"),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_upload_that_is_gone_counts_as_aborted() {
    let gone = error("404 Not Found", "NoSuchUpload");
    let server =
        Server::with([reply("204 No Content", &[], ""), gone, error("403 Forbidden", "AccessDenied")]).await;
    let bucket = server.bucket(Dialect::Obs);
    bucket.abort_multipart_upload("k", "U").await.expect("aborted");
    bucket.abort_multipart_upload("k", "U").await.expect("gone already");
    let error = bucket.abort_multipart_upload("k", "U").await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert_eq!(server.requests()[0].request_line(), "DELETE /examplebucket/k?uploadId=U HTTP/1.1");
}

#[tokio::test]
async fn all_pages_of_parts_are_read() {
    for dialect in [Dialect::Oss, Dialect::Obs] {
        let server = Server::with([part_page(1..3, Some(2)), part_page(3..4, None)]).await;
        let parts = server.bucket(dialect).list_parts("k", "U").await.expect("listed");
        let read: Vec<_> =
            parts.iter().map(|part| (part.number, part.etag.as_str(), part.size, part.crc64)).collect();
        assert_eq!(read, [(1, "E1", 100, Some(10)), (2, "E2", 200, Some(20)), (3, "E3", 300, Some(30))]);
        assert_eq!(parts[0].last_modified.map(|time| time.timestamp()), Some(1_767_225_600));
        let requests = server.requests();
        assert_eq!(requests[0].target(), "/examplebucket/k?max-parts=1000&uploadId=U");
        assert_eq!(requests[1].target(), "/examplebucket/k?max-parts=1000&part-number-marker=2&uploadId=U");
    }
}

#[tokio::test]
async fn a_list_of_parts_that_stands_still_is_an_error() {
    let server = Server::with([part_page(1..3, Some(2)), part_page(1..3, Some(2))]).await;
    let error = server.bucket(Dialect::Oss).list_parts("k", "U").await.expect_err("stands still");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::UnexpectedResponse, false));
}

fn upload_page(uploads: &str, next: &str) -> Reply {
    let body = format!(
        "<ListMultipartUploadsResult xmlns=\"http://x/\"><EncodingType>url</EncodingType>\
         <IsTruncated>{}</IsTruncated>{next}{uploads}</ListMultipartUploadsResult>",
        !next.is_empty()
    );
    reply("200 OK", &[], body)
}

const FIRST: &str = "<Upload><Key>p%2Fa%20b</Key><UploadId>U1</UploadId><Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload>";
const SECOND: &str = "<Upload><Key>p%2Fa%20b</Key><UploadId>U0</UploadId></Upload>";
const NEXT: &str = "<NextKeyMarker>p%2Fa%20b</NextKeyMarker><NextUploadIdMarker>U1</NextUploadIdMarker>";

#[tokio::test]
async fn uploads_are_listed_page_by_page() {
    for (dialect, slash, encoding) in [(Dialect::Oss, "/", "encoding-type=url&"), (Dialect::Obs, "", "")] {
        let server = Server::with([upload_page(FIRST, NEXT), upload_page(SECOND, "")]).await;
        let uploads: Vec<_> =
            server.bucket(dialect).list_multipart_uploads("p/").try_collect().await.expect("listed");
        let read: Vec<_> =
            uploads.iter().map(|upload| (upload.key.as_str(), upload.upload_id.as_str())).collect();
        assert_eq!(read, [("p/a b", "U1"), ("p/a b", "U0")]);
        assert_eq!(uploads[0].initiated.map(|time| time.timestamp()), Some(1_767_225_600));
        let requests = server.requests();
        let path = format!("/examplebucket{slash}?{encoding}");
        assert_eq!(requests[0].target(), format!("{path}max-uploads=1000&prefix=p%2F&uploads"));
        assert_eq!(
            requests[1].target(),
            format!("{path}key-marker=p%2Fa%20b&max-uploads=1000&prefix=p%2F&upload-id-marker=U1&uploads")
        );
    }
}

#[tokio::test]
async fn a_list_of_uploads_that_stands_still_ends_in_an_error() {
    let server = Server::with([upload_page(FIRST, NEXT), upload_page(FIRST, NEXT)]).await;
    let listed: Vec<_> = server.bucket(Dialect::Oss).list_multipart_uploads("").collect().await;
    assert_eq!(listed.len(), 2);
    let error = listed[1].as_ref().expect_err("stands still");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
}
