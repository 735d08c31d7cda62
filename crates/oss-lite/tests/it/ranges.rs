//! Reading parts of objects, versions, and objects on condition.

use oss_lite::{ByteRange, ContentRange, Dialect, ErrorKind, GetOptions, HeadOptions};

use crate::server::{Reply, Server, error, head_reply, reply};

fn from(first: u64, last: Option<u64>) -> GetOptions {
    GetOptions { range: Some(ByteRange { first, last }), ..GetOptions::default() }
}

fn part(range: &str, body: &str) -> Reply {
    reply("206 Partial Content", &[("content-range", range)], body)
}

#[tokio::test]
async fn a_part_comes_with_its_place_and_the_size_of_the_whole() {
    for dialect in [Dialect::Oss, Dialect::Obs] {
        let server = Server::with([part("bytes 2-4/10", "cde")]).await;
        let object = server.bucket(dialect).get_with("k", from(2, Some(4))).await.expect("there");
        assert_eq!(object.range, Some(ContentRange { first: 2, last: 4, total: 10 }));
        assert_eq!(object.meta.size, 10);
        assert_eq!(object.bytes(3).await.expect("small enough"), "cde");
        let request = server.only_request();
        assert_eq!(request.header("range"), Some("bytes=2-4"));
        let behavior = (dialect == Dialect::Oss).then_some("standard");
        assert_eq!(request.header("x-oss-range-behavior"), behavior);
    }
}

#[tokio::test]
async fn a_range_without_end_reaches_to_the_last_byte() {
    let server = Server::with([part("bytes 8-9/10", "ij")]).await;
    let object = server.bucket(Dialect::Obs).get_with("k", from(8, None)).await.expect("there");
    assert_eq!(object.range.map(|range| range.size()), Some(2));
    assert_eq!(server.only_request().header("range"), Some("bytes=8-"));
}

#[tokio::test]
async fn the_whole_object_instead_of_a_part_is_told_as_such() {
    let server = Server::with([reply("200 OK", &[], "abcdefghij")]).await;
    let object = server.bucket(Dialect::Oss).get_with("k", from(2, Some(4))).await.expect("there");
    assert_eq!((object.range, object.meta.size), (None, 10));
    assert_eq!(object.bytes(10).await.expect("small enough"), "abcdefghij");
}

#[tokio::test]
async fn another_part_than_asked_for_is_refused() {
    for range in ["bytes 3-4/10", "bytes 2-3/10", "bytes 2-4/*", "bytes 4-2/10", "items 2-4/10"] {
        let server = Server::with([part(range, "cde")]).await;
        let error = server.bucket(Dialect::Oss).get_with("k", from(2, Some(4))).await.expect_err(range);
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse, "{range}");
        assert!(error.to_string().starts_with("get \"k\" in bucket examplebucket: "), "{error}");
    }
    let server = Server::with([part("bytes 0-2/10", "abc")]).await;
    let unasked = server.bucket(Dialect::Oss).get("k").await.expect_err("not asked for");
    assert_eq!(unasked.kind(), ErrorKind::UnexpectedResponse);
}

#[tokio::test]
async fn a_range_beyond_the_end_has_a_kind_of_its_own() {
    for code in ["InvalidRange", ""] {
        let server = Server::with([error("416 Range Not Satisfiable", code)]).await;
        let error = server.bucket(Dialect::Obs).get_with("k", from(10, None)).await.expect_err("beyond");
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::InvalidRange, false));
    }
}

#[tokio::test]
async fn a_range_that_no_service_understands_is_not_sent() {
    let server = Server::with([]).await;
    let error = server.bucket(Dialect::Obs).get_with("k", from(2, Some(1))).await.expect_err("no range");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn reads_name_their_version_and_condition() {
    let server =
        Server::with([reply("200 OK", &[], "x"), head_reply("200 OK", &[("content-length", "1")])]).await;
    let bucket = server.bucket(Dialect::Oss);
    let (if_match, version_id) = (Some("5B3C".to_owned()), Some("v/7".to_owned()));
    let options = GetOptions { range: None, if_match: if_match.clone(), version_id: version_id.clone() };
    bucket.get_with("k", options).await.expect("there");
    bucket.head_with("k", HeadOptions { if_match, version_id }).await.expect("there");
    for request in server.requests() {
        assert_eq!(request.target(), "/examplebucket/k?versionId=v%2F7");
        assert_eq!(request.header("if-match"), Some("\"5B3C\""));
    }
}

#[tokio::test]
async fn a_quoted_tag_is_not_quoted_again_and_a_changed_object_is_refused() {
    let server = Server::with([error("412 Precondition Failed", "PreconditionFailed")]).await;
    let options = GetOptions { if_match: Some("\"5B3C\"".to_owned()), ..GetOptions::default() };
    let error = server.bucket(Dialect::Obs).get_with("k", options).await.expect_err("changed");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed);
    assert_eq!(server.only_request().header("if-match"), Some("\"5B3C\""));
}

#[tokio::test]
async fn a_part_is_asked_for_again_while_its_head_is_missing() {
    let server = Server::with([error("503 Slow Down", "SlowDown"), part("bytes 0-0/1", "a")]).await;
    server.bucket(Dialect::Oss).get_with("k", from(0, Some(0))).await.expect("there at last");
    assert_eq!(server.requests().len(), 2);
}
