//! How failures look to the caller.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use oss_lite::{Client, Dialect, ErrorKind, PutOptions};

use crate::server::{self, SECRET, Server, TOKEN, bucket, error, head_reply, missing, reply, tries};

#[tokio::test]
async fn a_missing_key_and_a_missing_bucket_are_told_apart() {
    for (code, kind) in [("NoSuchKey", ErrorKind::NoSuchKey), ("NoSuchBucket", ErrorKind::NoSuchBucket)] {
        let server = Server::with([missing(code)]).await;
        let error = server.bucket(Dialect::Obs).get("dir/k\n").await.expect_err("missing");
        assert_eq!((error.kind(), error.code()), (kind, Some(code)));
        assert!(error.to_string().starts_with("get \"dir/k\\n\" in bucket examplebucket: 404"), "{error}");
    }
}

#[tokio::test]
async fn the_document_of_a_head_error_is_read_from_its_header() {
    let xml = "<?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code><Message>gone</Message>\
               <RequestId>ID1</RequestId><EC>0015-00000101</EC></Error>";
    let encoded = BASE64.encode(xml);
    let headers = [("x-oss-err", encoded.as_str()), ("x-oss-ec", "0015-00000101"), ("content-length", "9")];
    let server = Server::with([head_reply("404 Not Found", &headers)]).await;
    let error = server.bucket(Dialect::Oss).head("k").await.expect_err("missing");
    assert_eq!(error.kind(), ErrorKind::NoSuchBucket);
    assert_eq!((error.detail_code(), error.request_id()), (Some("0015-00000101"), Some("ID1")));
}

#[tokio::test]
async fn a_head_error_without_document_is_read_from_its_status() {
    for (status, kind) in [
        ("404 Not Found", ErrorKind::NoSuchKey),
        ("403 Forbidden", ErrorKind::AccessDenied),
        ("412 Precondition Failed", ErrorKind::PreconditionFailed),
    ] {
        for err in ["", "@@no base64@@", "PGE+"] {
            let headers = [("x-oss-err", err), ("x-oss-request-id", "ID1")];
            let server = Server::with([head_reply(status, &headers)]).await;
            let error = server.bucket(Dialect::Oss).head("k").await.expect_err(status);
            assert_eq!((error.kind(), error.code()), (kind, None), "{status} {err}");
        }
    }
}

#[tokio::test]
async fn a_404_that_is_not_the_services_says_nothing_of_the_object() {
    let without_id = "<Error><Code>NoSuchKey</Code><Message>no</Message></Error>";
    for dialect in [Dialect::Oss, Dialect::Obs] {
        for body in ["", "<html>Not Found</html>", without_id] {
            let server = Server::with((0..8).map(|_| reply("404 Not Found", &[], body))).await;
            let error = server.bucket(dialect).get("k").await.expect_err("unknown");
            assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::UnexpectedResponse, true), "{body}");
            assert!(error.to_string().contains("not the service that says so"), "{error}");
        }
        let server = Server::with((0..8).map(|_| head_reply("404 Not Found", &[("via", "1.1 proxy")]))).await;
        let error = server.bucket(dialect).head("k").await.expect_err("unknown");
        assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    }
}

#[tokio::test]
async fn the_code_of_a_head_of_obs_is_read_from_its_header() {
    for (code, kind) in [("NoSuchKey", ErrorKind::NoSuchKey), ("NoSuchBucket", ErrorKind::NoSuchBucket)] {
        let headers =
            [("x-obs-error-code", code), ("x-obs-error-message", "no"), ("x-obs-request-id", "ID1")];
        let server = Server::with([head_reply("404 Not Found", &headers)]).await;
        let error = server.bucket(Dialect::Obs).head("k").await.expect_err("missing");
        assert_eq!((error.kind(), error.code()), (kind, Some(code)));
    }
}

#[tokio::test]
async fn a_failed_callback_says_that_the_object_is_stored() {
    let server = Server::with([error("203 Non-Authoritative Information", "CallbackFailed")]).await;
    let error = server.bucket(Dialect::Oss).put("k", Bytes::new(), PutOptions::default()).await;
    let error = error.expect_err("callback");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::CallbackFailed, false));
    assert!(error.to_string().contains("the object is stored"), "{error}");
}

#[tokio::test]
async fn a_redirect_is_an_error_that_names_the_host() {
    let body = "<Error><Code>TemporaryRedirect</Code><Message>elsewhere</Message>\
                <Endpoint>oss-cn-beijing.aliyuncs.com</Endpoint></Error>";
    let moved = reply("307 Temporary Redirect", &[("location", "http://127.0.0.1:1/k")], body);
    let server = Server::with([moved]).await;
    let error = server.bucket(Dialect::Oss).get("k").await.expect_err("elsewhere");
    assert_eq!(
        (error.kind(), error.endpoint()),
        (ErrorKind::WrongEndpoint, Some("oss-cn-beijing.aliyuncs.com"))
    );
    assert!(error.to_string().contains("oss-cn-beijing.aliyuncs.com"), "{error}");
}

#[tokio::test]
async fn a_client_that_follows_redirects_is_found_out() {
    let server = Server::with([
        reply("307 Temporary Redirect", &[("location", "/elsewhere")], ""),
        reply("200 OK", &[], "somebody else's object"),
    ])
    .await;
    let http =
        server::http_builder().redirect(reqwest::redirect::Policy::limited(3)).build().expect("a client");
    let client = Client::new(http, server.config(Dialect::Oss)).expect("a client");
    let error = server::bucket_of(&client).get("k").await.expect_err("followed");
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
}

#[tokio::test]
async fn error_bodies_of_any_kind_end_in_an_error_of_the_status() {
    let huge = "x".repeat(5_000_000);
    for body in ["", "\u{0}", "<Error>", "<html></html>", huge.as_str()] {
        let server = Server::with([reply("403 Forbidden", &[("x-oss-request-id", "ID9")], body)]).await;
        let error = server.bucket(Dialect::Oss).delete("k").await.expect_err("refused");
        assert_eq!((error.kind(), error.code()), (ErrorKind::AccessDenied, None));
        assert_eq!(error.request_id(), Some("ID9"));
    }
}

#[tokio::test]
async fn statuses_out_of_the_protocol_are_errors() {
    for status in ["304 Not Modified", "207 Multi-Status", "418 Teapot"] {
        let server = Server::with([head_reply(status, &[("connection", "close")])]).await;
        let config = server.config(Dialect::Oss).with_retry(tries(1));
        assert!(bucket(config).head("k").await.is_err(), "{status}");
    }
}

#[tokio::test]
async fn no_debug_text_holds_a_secret() {
    let body = format!(
        "<Error><Code>SignatureDoesNotMatch</Code><Message>x</Message><StringToSign>x-oss-security-token:{TOKEN}\
         </StringToSign><CanonicalRequest>x-oss-security-token:{TOKEN}</CanonicalRequest></Error>"
    );
    for dialect in [Dialect::Oss, Dialect::Obs] {
        let server = Server::with([reply("403 Forbidden", &[], &body)]).await;
        let config = server.config(dialect);
        let client = Client::new(server::http(), config.clone()).expect("a client");
        let bucket = server::bucket_of(&client);
        let error = bucket.delete("k").await.expect_err("refused");
        let text = format!("{config:?} {client:?} {bucket:?} {error:?} {error}");
        assert!(text.contains("x-oss-security-token:******"), "{text}");
        assert!(!text.contains(SECRET) && !text.contains(TOKEN), "{text}");
    }
}
