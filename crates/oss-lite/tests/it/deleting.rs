//! Removing objects.

use oss_lite::{Dialect, ErrorKind};

use crate::server::{Reply, Server, error, head_reply, reply};

fn deleted(inner: &str) -> Reply {
    reply("200 OK", &[], format!("<?xml version=\"1.0\"?><DeleteResult>{inner}</DeleteResult>"))
}

#[tokio::test]
async fn an_object_is_removed() {
    let server = Server::with([head_reply("204 No Content", &[])]).await;
    server.bucket(Dialect::Oss).delete("a b").await.expect("removed");
    assert_eq!(server.only_request().request_line(), "DELETE /examplebucket/a%20b HTTP/1.1");
}

#[tokio::test]
async fn many_keys_go_in_one_request_with_its_digest() {
    for (dialect, target, listed) in [
        (
            Dialect::Oss,
            "/examplebucket/?delete&encoding-type=url",
            "<EncodingType>url</EncodingType><Deleted><Key>a%26%3Cb%3E</Key></Deleted><Deleted><Key>..</Key></Deleted>",
        ),
        (
            Dialect::Obs,
            "/examplebucket?delete",
            "<Deleted><Key>a&amp;&lt;b&gt;</Key></Deleted><Deleted><Key>..</Key></Deleted>",
        ),
    ] {
        let server = Server::with([deleted(listed)]).await;
        let outcome = server.bucket(dialect).delete_multiple(&["a&<b>", ".."]).await.expect("a reply");
        assert_eq!(outcome.deleted, ["a&<b>", ".."]);
        assert!(outcome.failed.is_empty(), "{outcome:?}");
        let request = server.only_request();
        assert_eq!(request.target(), target);
        assert_eq!(
            std::str::from_utf8(&request.body).expect("UTF-8"),
            "<Delete><Quiet>false</Quiet><Object><Key>a&amp;&lt;b&gt;</Key></Object>\
             <Object><Key>..</Key></Object></Delete>"
        );
        assert_eq!(request.header("content-md5"), Some("WchhCml1j71D+5umf+1brw=="));
    }
}

#[tokio::test]
async fn keys_that_xml_cannot_carry_are_removed_singly() {
    let server = Server::with([
        deleted("<Deleted><Key>plain</Key></Deleted>"),
        head_reply("204 No Content", &[]),
        head_reply("204 No Content", &[]),
    ])
    .await;
    let mut outcome =
        server.bucket(Dialect::Oss).delete_multiple(&["plain", "\u{1}", "tail "]).await.expect("a reply");
    outcome.deleted.sort();
    assert_eq!(outcome.deleted, ["\u{1}", "plain", "tail "]);
    let mut lines: Vec<_> = server.requests().iter().map(|r| r.request_line().to_owned()).skip(1).collect();
    lines.sort();
    assert_eq!(lines, ["DELETE /examplebucket/%01 HTTP/1.1", "DELETE /examplebucket/tail%20 HTTP/1.1"]);
}

#[tokio::test]
async fn a_key_that_the_reply_does_not_list_has_failed() {
    let listed = "<Deleted><Key>a</Key></Deleted><Error><Key>b</Key><Code>AccessDenied</Code>\
                  <Message>locked</Message></Error>";
    let server = Server::with([deleted(listed)]).await;
    let outcome = server.bucket(Dialect::Obs).delete_multiple(&["a", "b", "c"]).await.expect("a reply");
    assert_eq!(outcome.deleted, ["a"]);
    let failed: Vec<_> = outcome.failed.iter().map(|(key, error)| (key.as_str(), error.kind())).collect();
    assert_eq!(failed, [("b", ErrorKind::AccessDenied), ("c", ErrorKind::UnexpectedResponse)]);
}

#[tokio::test]
async fn an_empty_reply_proves_nothing() {
    let server = Server::with([reply("200 OK", &[], "")]).await;
    let outcome = server.bucket(Dialect::Oss).delete_multiple(&["a"]).await.expect("a reply");
    assert!(outcome.deleted.is_empty());
    assert_eq!(outcome.failed.len(), 1);
}

#[tokio::test]
async fn keys_that_no_request_can_name_fail_alone() {
    let server = Server::with([deleted("<Deleted><Key>a</Key></Deleted>")]).await;
    let long = "x".repeat(1024);
    let outcome = server.bucket(Dialect::Oss).delete_multiple(&["a", "", &long]).await.expect("a reply");
    assert_eq!(outcome.deleted, ["a"]);
    assert!(outcome.failed.iter().all(|(_, error)| error.kind() == ErrorKind::InvalidKey), "{outcome:?}");
    assert_eq!(outcome.failed.len(), 2);
}

#[tokio::test]
async fn more_keys_than_the_services_take_are_refused_and_none_need_no_request() {
    let server = Server::with([]).await;
    let bucket = server.bucket(Dialect::Oss);
    let error = bucket.delete_multiple(&vec!["k"; 1001]).await.expect_err("too many");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let none: &[&str] = &[];
    assert!(bucket.delete_multiple(none).await.expect("nothing to do").deleted.is_empty());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_refused_request_is_an_error_of_the_whole() {
    let server = Server::with([error("403 Forbidden", "AccessDenied")]).await;
    let error = server.bucket(Dialect::Oss).delete_multiple(&["a"]).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert!(error.to_string().contains("delete keys in bucket examplebucket"), "{error}");
}
