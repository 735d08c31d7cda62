//! What a bucket says of itself.

use oss_lite::{Client, Dialect, ErrorKind, Versioning};

use crate::server::{Server, bucket_of, error, head_reply, http, reply};

#[tokio::test]
async fn versioning_is_asked_for_as_a_sub_resource() {
    let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    for (dialect, target) in
        [(Dialect::Oss, "/examplebucket/?versioning"), (Dialect::Obs, "/examplebucket?versioning")]
    {
        let server = Server::with([reply("200 OK", &[], enabled)]).await;
        let versioning = server.bucket(dialect).versioning().await;
        assert_eq!(versioning.expect("told"), Versioning::Enabled);
        assert_eq!(server.only_request().request_line(), format!("GET {target} HTTP/1.1"));
    }
}

#[tokio::test]
async fn a_bucket_without_lifecycle_has_no_rules() {
    for (dialect, code) in [(Dialect::Oss, "NoSuchLifecycle"), (Dialect::Obs, "NoSuchLifecycleConfiguration")]
    {
        let server = Server::with([error("404 Not Found", code)]).await;
        assert_eq!(server.bucket(dialect).lifecycle().await.expect("told"), []);
    }
    let server = Server::with([error("404 Not Found", "NoSuchBucket")]).await;
    let error = server.bucket(Dialect::Oss).lifecycle().await.expect_err("no bucket");
    assert_eq!(error.kind(), ErrorKind::NoSuchBucket);
}

#[tokio::test]
async fn lifecycle_rules_are_told() {
    let rules = "<LifecycleConfiguration><Rule><ID>old</ID><Prefix>a/</Prefix><Status>Enabled</Status>\
        <Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>";
    let server = Server::with([reply("200 OK", &[], rules)]).await;
    let rules = server.bucket(Dialect::Oss).lifecycle().await.expect("told");
    assert_eq!((rules.len(), &*rules[0].id), (1, "old"));
    assert!(rules[0].removes("a/b") && !rules[0].removes("b"));
    assert_eq!(server.only_request().target(), "/examplebucket/?lifecycle");
}

#[tokio::test]
async fn answers_that_make_no_sense_are_refused() {
    for body in ["", "<html></html>", "<VersioningConfiguration>"] {
        let server = Server::with([reply("200 OK", &[], body), reply("200 OK", &[], body)]).await;
        let bucket = server.bucket(Dialect::Oss);
        let versioning = bucket.versioning().await.expect_err("unreadable");
        let lifecycle = bucket.lifecycle().await.expect_err("unreadable");
        assert_eq!(versioning.kind(), ErrorKind::UnexpectedResponse, "{body}");
        assert_eq!(lifecycle.kind(), ErrorKind::UnexpectedResponse, "{body}");
    }
}

#[tokio::test]
async fn the_clock_of_the_service_is_told_by_any_answer_and_costs_no_signature() {
    let date = ("date", "Thu, 01 Jan 2026 12:00:01 GMT");
    let server = Server::with([
        head_reply("403 Forbidden", &[date, ("content-length", "0")]),
        head_reply("200 OK", &[("content-length", "0")]),
    ])
    .await;
    let client = Client::new(http(), server.config(Dialect::Oss)).expect("a client");
    let bucket = bucket_of(&client).name().clone();
    let time = client.server_time(&bucket).await.expect("told");
    assert_eq!(time.timestamp(), 1_767_268_801);
    assert_eq!(server.only_request().header("authorization"), None);
    let error = client.server_time(&bucket).await.expect_err("no date");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
}
