//! Rules for pages of other origins.

use std::time::Duration;

use http::Method;
use oss_lite::{CorsRule, Dialect, ErrorKind};

use crate::server::{Server, error, ok, reply};

fn rule() -> CorsRule {
    CorsRule {
        allowed_origins: vec!["https://www.example.com".to_owned(), "https://*.example.org".to_owned()],
        allowed_methods: vec![Method::POST, Method::GET],
        allowed_headers: vec!["*".to_owned()],
        expose_headers: vec!["ETag".to_owned(), "x-oss-request-id".to_owned()],
        max_age: Some(Duration::from_mins(10)),
    }
}

const DOCUMENT: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>https://www.example.com</AllowedOrigin>\
    <AllowedOrigin>https://*.example.org</AllowedOrigin><AllowedMethod>POST</AllowedMethod>\
    <AllowedMethod>GET</AllowedMethod><AllowedHeader>*</AllowedHeader><ExposeHeader>ETag</ExposeHeader>\
    <ExposeHeader>x-oss-request-id</ExposeHeader><MaxAgeSeconds>600</MaxAgeSeconds></CORSRule></CORSConfiguration>";

#[tokio::test]
async fn rules_are_put_with_a_digest_that_one_of_the_services_demands() {
    for dialect in [Dialect::Oss, Dialect::Obs] {
        let server = Server::with([ok()]).await;
        server.bucket(dialect).put_cors(&[rule()]).await.expect("put");
        let request = server.only_request();
        assert!(request.request_line().starts_with("PUT /examplebucket"), "{}", request.head);
        assert!(request.target().ends_with("?cors"), "{}", request.target());
        assert_eq!(request.header("content-md5"), Some("V+olE0N3cG4RChEkGmfS1A=="));
        assert_eq!(String::from_utf8_lossy(&request.body), DOCUMENT);
    }
}

#[tokio::test]
async fn rules_are_read_as_they_were_put() {
    let more = DOCUMENT.replace(
        "</CORSConfiguration>",
        "<CORSRule><ID>1</ID><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod></CORSRule>\
         <ResponseVary>false</ResponseVary></CORSConfiguration>",
    );
    for dialect in [Dialect::Oss, Dialect::Obs] {
        let server = Server::with([reply("200 OK", &[], &more)]).await;
        let rules = server.bucket(dialect).get_cors().await.expect("rules");
        let second = CorsRule {
            allowed_origins: vec!["*".to_owned()],
            allowed_methods: vec![Method::PUT],
            ..CorsRule::default()
        };
        assert_eq!(rules, [rule(), second]);
        assert!(server.only_request().request_line().starts_with("GET /examplebucket"));
    }
}

#[tokio::test]
async fn a_bucket_without_rules_has_none_and_none_to_delete() {
    let none = || error("404 Not Found", "NoSuchCORSConfiguration");
    let server = Server::with([none(), none(), reply("204 No Content", &[], "")]).await;
    let bucket = server.bucket(Dialect::Oss);
    assert_eq!(bucket.get_cors().await.expect("none"), []);
    bucket.delete_cors().await.expect("none to delete");
    bucket.delete_cors().await.expect("deleted");
    assert_eq!(server.requests()[2].request_line(), "DELETE /examplebucket/?cors HTTP/1.1");
}

#[tokio::test]
async fn answers_that_are_no_rules_and_other_refusals_are_errors() {
    let server = Server::with([
        reply("200 OK", &[], "<Other/>"),
        reply("200 OK", &[], "<CORSConfiguration><CORSRule>"),
        reply("200 OK", &[], ""),
        error("404 Not Found", "NoSuchBucket"),
    ])
    .await;
    let bucket = server.bucket(Dialect::Oss);
    assert_eq!(bucket.get_cors().await.expect_err("unreadable").kind(), ErrorKind::UnexpectedResponse);
    assert_eq!(bucket.get_cors().await.expect_err("no bucket").kind(), ErrorKind::NoSuchBucket);
}

#[tokio::test]
async fn rules_that_allow_nothing_or_break_a_limit_are_not_sent() {
    let server = Server::with([]).await;
    let bucket = server.bucket(Dialect::Oss);
    let texts = |text: &str| vec![text.to_owned()];
    let mut bad: Vec<Vec<CorsRule>> = [
        CorsRule { allowed_origins: Vec::new(), ..rule() },
        CorsRule { allowed_methods: Vec::new(), ..rule() },
        CorsRule { allowed_methods: vec![Method::OPTIONS], ..rule() },
        CorsRule { allowed_origins: texts(""), ..rule() },
        CorsRule { allowed_origins: texts("https://*.*.com"), ..rule() },
        CorsRule { allowed_headers: texts("x-*-*"), ..rule() },
        CorsRule { expose_headers: texts("*"), ..rule() },
        CorsRule { expose_headers: texts("a\u{1}"), ..rule() },
        CorsRule { max_age: Some(Duration::MAX), ..rule() },
    ]
    .into_iter()
    .map(|rule| vec![rule])
    .collect();
    bad.push(Vec::new());
    bad.push(vec![rule(); 11]);
    for rules in bad {
        let error = bucket.put_cors(&rules).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("examplebucket"), "{error}");
    }
    assert_eq!(server.connections(), 0);
}
