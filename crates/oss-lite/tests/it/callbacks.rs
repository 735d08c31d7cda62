//! Asking OSS to call a server.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http::Method;
use oss_lite::callback::{CallbackBody, CallbackBodyType, CallbackRequest, Variable};
use oss_lite::{Callback, CompletedPart, Dialect, Error, ErrorKind, PresignOptions, PutOptions, StreamBody};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::server::{self, Reply, Server, error, ok, reply};

const URL: &str = "https://desk.example.com/callback";

fn callback() -> Callback {
    let body = CallbackBody::form()
        .variable("object", Variable::Object)
        .variable("u", Variable::Custom("u".to_owned()));
    CallbackRequest::new("http://example.com/cb", body).custom("u", "1").encode().expect("a callback")
}

fn decoded(parameter: &str) -> serde_json::Value {
    serde_json::from_slice(&BASE64.decode(parameter).expect("base64")).expect("JSON")
}

fn body_of(body: CallbackBody) -> String {
    let callback = CallbackRequest::new(URL, body).custom("a", "1").encode().expect("a callback");
    decoded(callback.parameter())["callbackBody"].as_str().expect("text").to_owned()
}

fn parts() -> Vec<CompletedPart> {
    vec![CompletedPart { number: 1, etag: "AA".to_owned() }]
}

fn asking() -> PutOptions {
    PutOptions { callback: Some(callback()), ..PutOptions::default() }
}

fn stream() -> StreamBody {
    StreamBody::new(2, futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"ab"))]))
}

/// As the official SDKs are given them in `fixtures/oss/gen-v4-h-put-callback`.
const RECORDED: (&str, &str) = (
    "eyJjYWxsYmFja1VybCI6Imh0dHA6Ly9leGFtcGxlLmNvbS9jYiIsImNhbGxiYWNrQm9keSI6Im9iamVjdD0ke29iamVjdH0mdT0ke3g6dX0ifQ==",
    "eyJ4OnUiOiIxIn0=",
);

#[test]
fn parameters_are_those_of_the_recorded_request() {
    let callback = callback();
    assert_eq!((callback.parameter(), callback.vars()), (RECORDED.0, Some(RECORDED.1)));
    let fields: Vec<_> = callback.form_fields().collect();
    assert_eq!(fields, [("callback", RECORDED.0), ("x:u", "1")]);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(callback.query(), [pair("callback", RECORDED.0), pair("callback-var", RECORDED.1)]);
}

#[test]
fn everything_asked_for_is_in_the_parameter() {
    let body = CallbackBody::json().text("upload", "0a1b").variable("size", Variable::Size);
    let request =
        CallbackRequest::new(URL, body).or_url("http://10.0.0.1:8080/").host("desk.example.com").with_sni();
    let callback = request.encode().expect("a callback");
    assert_eq!(callback.vars(), None);
    assert_eq!(
        decoded(callback.parameter()),
        serde_json::json!({
            "callbackUrl": format!("{URL};http://10.0.0.1:8080/"),
            "callbackHost": "desk.example.com",
            "callbackBody": "{\"upload\":\"0a1b\",\"size\":${size}}",
            "callbackBodyType": "application/json",
            "callbackSNI": true,
        })
    );
}

#[test]
fn every_variable_has_the_name_of_the_documentation() {
    let variables = [
        (Variable::Bucket, "bucket"),
        (Variable::Object, "object"),
        (Variable::ETag, "etag"),
        (Variable::Size, "size"),
        (Variable::MimeType, "mimeType"),
        (Variable::ImageHeight, "imageInfo.height"),
        (Variable::ImageWidth, "imageInfo.width"),
        (Variable::ImageFormat, "imageInfo.format"),
        (Variable::Crc64, "crc64"),
        (Variable::ContentMd5, "contentMd5"),
        (Variable::VpcId, "vpcId"),
        (Variable::ClientIp, "clientIp"),
        (Variable::RequestId, "reqId"),
        (Variable::Operation, "operation"),
        (Variable::Custom("a".to_owned()), "x:a"),
    ];
    for (variable, name) in variables {
        assert_eq!(body_of(CallbackBody::form().variable("v", variable.clone())), format!("v=${{{name}}}"));
        assert_eq!(body_of(CallbackBody::json().variable("v", variable)), format!("{{\"v\":${{{name}}}}}"));
    }
}

proptest! {
    #[test]
    fn no_constant_breaks_the_json_or_smuggles_a_variable(
        name in any::<String>(),
        value in prop_oneof![any::<String>(), Just("${size}".to_owned()), Just("\"},${x:a}{\"".to_owned())],
    ) {
        let template = body_of(CallbackBody::json().text(name.clone(), value.clone()).variable("the-size", Variable::Size));
        prop_assert_eq!(template.matches('$').count(), 1, "{}", template);
        let filled: serde_json::Value = serde_json::from_str(&template.replace("${size}", "7")).expect("JSON");
        if name != "the-size" {
            prop_assert_eq!(filled, serde_json::json!({name: value, "the-size": 7}));
        }
    }

    #[test]
    fn no_constant_breaks_the_form_or_smuggles_a_variable(name in any::<String>(), value in any::<String>()) {
        let template = body_of(CallbackBody::form().text(name, value).variable("size", Variable::Size));
        let unescaped = template.replace("${size}", "");
        prop_assert!(unescaped.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"%-_.~=&".contains(&byte)));
        prop_assert_eq!((unescaped.matches('&').count(), unescaped.matches('=').count()), (1, 2));
    }
}

fn refused(request: &CallbackRequest) -> Error {
    let error = request.encode().expect_err("out of limits");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    error
}

#[test]
fn urls_that_oss_would_not_call_are_refused() {
    let body = || CallbackBody::form().text("a", "b");
    for url in ["http://a.example", "https://a.example:8443/b?c=%3B", "http://10.0.0.1/"] {
        CallbackRequest::new(url, body()).encode().expect(url);
    }
    for url in [
        "",
        "desk.example.com/callback",
        "ftp://a.example/",
        "http://[::1]/",
        "http://[2001:db8::1]:80/b",
        "http://a.example/b;http://c.example/",
        "http://user:password@a.example/",
        "http://a.example/#b",
        "http://a.example/a%3Fb",
        "http://a.example/a%0Ab",
        "http://a.example/a b",
        "http://a.example/\u{e9}",
        "http://a.example/a/../b",
        "HTTP://a.example/",
        "http://a.example:80/b",
        " http://a.example/",
        "http://a.example/\n",
    ] {
        refused(&CallbackRequest::new(url, body()));
        refused(&CallbackRequest::new(URL, body()).or_url(url));
    }
    let four = (0..4).fold(CallbackRequest::new(URL, body()), |request, _| request.or_url(URL));
    assert!(four.encode().is_ok());
    assert!(refused(&four.or_url(URL)).message().contains("at most 5"));
}

#[test]
fn bodies_variables_and_hosts_out_of_limits_are_refused() {
    let body = || CallbackBody::form().text("a", "b");
    refused(&CallbackRequest::new(URL, CallbackBody::new(CallbackBodyType::Json)));
    refused(&CallbackRequest::new(URL, body().text("a", "c")));
    refused(&CallbackRequest::new(URL, body().variable("c", Variable::Custom("unset".to_owned()))));
    for name in ["", "User", "a b", "x:a", "\u{e9}"] {
        refused(&CallbackRequest::new(URL, body()).custom(name, "1"));
    }
    refused(&CallbackRequest::new(URL, body()).custom("a", "1").custom("a", "2"));
    for host in ["", "a b", "a\r\nb", "a/b"] {
        refused(&CallbackRequest::new(URL, body()).host(host));
    }
}

#[test]
fn parameters_have_at_most_5_kib_when_encoded() {
    let of_body =
        |length: usize| CallbackRequest::new(URL, CallbackBody::form().text("a", "b".repeat(length)));
    let of_vars = |length: usize| of_body(1).custom("a", "b".repeat(length));
    for of in [&of_body as &dyn Fn(usize) -> CallbackRequest, &of_vars] {
        let longest = (3000..4000).rev().find(|length| of(*length).encode().is_ok()).expect("some length");
        let callback = of(longest).encode().expect("within limits");
        let length = callback.parameter().len().max(callback.vars().map_or(0, str::len));
        assert_eq!(length, 5 * 1024);
        refused(&of(longest + 1));
    }
}

#[test]
fn debug_hides_what_may_be_secret() {
    let body = CallbackBody::json().text("proof", "hidden");
    let request = CallbackRequest::new(URL, body).custom("proof", "hidden");
    let callback = request.encode().expect("a callback");
    let text = format!("{request:?} {callback:?}");
    assert!(text.contains("proof") && !text.contains("hidden"), "{text}");
    assert!(!text.contains(callback.parameter()), "{text}");
}

#[tokio::test]
async fn an_upload_asks_for_the_callback_and_gives_its_answer() {
    let answer = || reply("200 OK", &[("etag", "\"AA\"")], "{\"id\":\"7\"}");
    let server = Server::with([answer(), answer()]).await;
    let bucket = server.bucket(Dialect::Oss);
    let whole = bucket.put("k", "ab".into(), asking()).await.expect("stored");
    let streamed = bucket.put_stream("k", stream(), asking()).await.expect("stored");
    for (outcome, request) in [whole, streamed].into_iter().zip(server.requests()) {
        assert_eq!(outcome.callback_answer.as_deref(), Some(&b"{\"id\":\"7\"}"[..]));
        assert_eq!(outcome.etag.as_deref(), Some("AA"));
        assert_eq!(request.header("x-oss-callback"), Some(RECORDED.0));
        assert_eq!(request.header("x-oss-callback-var"), Some(RECORDED.1));
    }
}

#[tokio::test]
async fn an_upload_without_callback_has_no_answer_of_one() {
    let server = Server::with([ok()]).await;
    let outcome = server.bucket(Dialect::Oss).put("k", "ab".into(), PutOptions::default()).await;
    assert_eq!(outcome.expect("stored").callback_answer, None);
    assert_eq!(server.only_request().header("x-oss-callback"), None);
}

#[tokio::test]
async fn an_answer_of_a_megabyte_is_read() {
    let large = format!("\"{}\"", "x".repeat(1024 * 1024));
    let server = Server::with([reply("200 OK", &[], &large), reply("200 OK", &[], &large)]).await;
    let bucket = server.bucket(Dialect::Oss);
    let put = bucket.put("k", "ab".into(), asking()).await.expect("stored");
    assert_eq!(put.callback_answer.as_deref(), Some(large.as_bytes()));
    let completed = bucket.complete_multipart_upload_with_callback("k", "U", &parts(), &callback()).await;
    assert_eq!(completed.expect("completed").callback_answer.as_deref(), Some(large.as_bytes()));
}

#[tokio::test(start_paused = true)]
async fn an_upload_waits_five_seconds_longer_for_each_url_of_its_callback() {
    let body = CallbackBody::form().text("a", "b");
    let two = CallbackRequest::new(URL, body).or_url(URL).encode().expect("a callback");
    for (callback, seconds) in [(None, 60), (Some(callback()), 65), (Some(two), 70)] {
        let server = Server::with([Reply::Stall(Vec::new()), Reply::Stall(Vec::new())]).await;
        let bucket = server::bucket(server.config(Dialect::Oss).with_retry(server::tries(1)));
        let options = PutOptions { callback, ..PutOptions::default() };
        let before = Instant::now();
        bucket.put("k", Bytes::new(), options.clone()).await.expect_err("silent");
        assert_eq!(before.elapsed().as_secs(), seconds);
        let before = Instant::now();
        bucket.put_stream("k", stream(), options).await.expect_err("silent");
        assert_eq!(before.elapsed().as_secs(), seconds);
    }
}

#[tokio::test]
async fn an_upload_in_parts_ends_with_the_answer_of_the_callback() {
    let server = Server::with([reply("200 OK", &[("etag", "\"AA-1\"")], "{}")]).await;
    let bucket = server.bucket(Dialect::Oss);
    let outcome = bucket.complete_multipart_upload_with_callback("k", "U", &parts(), &callback()).await;
    let outcome = outcome.expect("completed");
    assert_eq!(
        (outcome.etag.as_deref(), outcome.callback_answer.as_deref()),
        (Some("AA-1"), Some(&b"{}"[..]))
    );
    let request = server.only_request();
    assert_eq!(request.request_line(), "POST /examplebucket/k?uploadId=U HTTP/1.1");
    assert_eq!(request.header("x-oss-callback"), Some(RECORDED.0));
    assert!(request.body.starts_with(b"<CompleteMultipartUpload><Part>"));
}

fn failed() -> [Reply; 3] {
    let status = "203 Non-Authoritative Information";
    [error(status, "CallbackFailed"), reply(status, &[], ""), reply(status, &[], "{\"not\":\"xml\"}")]
}

#[tokio::test]
async fn a_callback_that_failed_is_an_error_that_says_that_the_object_is_stored() {
    let server = Server::with(failed().into_iter().chain(failed()).chain(failed())).await;
    let bucket = server.bucket(Dialect::Oss);
    let mut errors = Vec::new();
    for _ in failed() {
        errors.push(bucket.put("k", "ab".into(), asking()).await.expect_err("failed"));
    }
    for _ in failed() {
        errors.push(bucket.put_stream("k", stream(), asking()).await.expect_err("failed"));
    }
    for _ in failed() {
        let outcome = bucket.complete_multipart_upload_with_callback("k", "U", &parts(), &callback()).await;
        errors.push(outcome.expect_err("failed"));
    }
    for error in errors {
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::CallbackFailed, false));
        assert!(error.to_string().contains("the object is stored"), "{error}");
    }
    assert_eq!(server.requests().len(), 9, "none is sent again");
}

#[tokio::test]
async fn an_upload_in_parts_does_not_begin_with_a_callback() {
    let initiated = "<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>";
    let server = Server::with([reply("200 OK", &[], initiated)]).await;
    server.bucket(Dialect::Oss).initiate_multipart_upload("k", asking()).await.expect("begun");
    assert_eq!(server.only_request().header("x-oss-callback"), None);
}

#[tokio::test]
async fn the_other_dialect_has_no_such_callbacks() {
    let server = Server::with([]).await;
    let bucket = server.bucket(Dialect::Obs);
    let put = bucket.put("k", "ab".into(), asking()).await.expect_err("refused");
    let complete = bucket.complete_multipart_upload_with_callback("k", "U", &parts(), &callback()).await;
    for error in [put, complete.expect_err("refused")] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_url_can_ask_for_a_callback() {
    let server = Server::with([]).await;
    let bucket = server.bucket(Dialect::Oss);
    let options = PresignOptions { query: callback().query(), ..PresignOptions::default() };
    let url = bucket.presigned_url(&Method::PUT, "k", std::time::Duration::from_mins(1), options);
    let url = reqwest::Url::parse(&url.expect("a URL")).expect("a URL");
    let pairs: Vec<_> = url.query_pairs().collect();
    assert!(pairs.contains(&("callback".into(), RECORDED.0.into())), "{pairs:?}");
    assert!(pairs.contains(&("callback-var".into(), RECORDED.1.into())), "{pairs:?}");
}

#[test]
fn requests_and_callbacks_can_be_shared_between_tasks() {
    fn shared<T: Send + Sync + 'static>(_: Arc<T>) {}
    shared(Arc::new(callback()));
}
