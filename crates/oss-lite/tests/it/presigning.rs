//! URLs that carry their signature.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use oss_lite::process::{ImageResize, VideoSnapshot};
use oss_lite::{
    Addressing, Bucket, Client, ClientConfig, Credentials, Dialect, Endpoint, ErrorKind, PresignOptions,
    SignatureVersion,
};

use crate::server::{self, Server, http};

const HOUR: Duration = Duration::from_hours(1);

fn bucket(config: ClientConfig) -> Bucket {
    server::bucket_of(&Client::new(http(), config).expect("a client"))
}

fn internal(dialect: Dialect) -> ClientConfig {
    let endpoint = "oss-cn-hangzhou-internal.aliyuncs.com".parse().expect("an endpoint");
    ClientConfig::new(endpoint, dialect).with_clock(server::noon)
}

fn cname() -> Endpoint {
    "files.example.com".parse::<Endpoint>().expect("an endpoint").with_addressing(Addressing::Cname)
}

fn url(bucket: &Bucket, key: &str) -> String {
    bucket.presigned_url(&Method::GET, key, HOUR, PresignOptions::default()).expect("a URL")
}

/// The recorded URL of a fixture, from a client with the credentials and the time of that fixture.
fn recorded(folder: &str) -> (Bucket, serde_json::Value, Duration, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(folder);
    let text = |name: &str| fs::read_to_string(folder.join(name)).expect(name);
    let json = |name: &str| serde_json::from_str::<serde_json::Value>(&text(name)).expect(name);
    let (context, request) = (json("context.json"), json("request.json"));
    let field = |name: &str| context[name].as_str().expect("a text").to_owned();
    let valid_for = context["valid_for"].as_u64().unwrap_or(3600);
    let time =
        context["time"].as_i64().unwrap_or_else(|| context["expires"].as_i64().expect("a time") - 3600);
    let (dialect, host) = match field("dialect").as_str() {
        "oss" => (Dialect::Oss, "oss-cn-hangzhou.aliyuncs.com"),
        _ => (Dialect::Obs, "obs.cn-north-4.myhuaweicloud.com"),
    };
    let signature = if field("signature") == "v4" { SignatureVersion::V4 } else { SignatureVersion::V1 };
    let config = ClientConfig::new(host.parse().expect("an endpoint"), dialect)
        .with_signature(signature)
        .with_clock(move || DateTime::from_timestamp(time, 0).expect("a time"));
    let mut credentials = Credentials::new(field("access_key_id"), field("secret"));
    if let Some(token) = context["security_token"].as_str() {
        credentials = credentials.with_security_token(token);
    }
    let name = request["bucket"].as_str().expect("a bucket").parse().expect("a name");
    let bucket = Client::new(http(), config).expect("a client").bucket(&name, Arc::new(credentials));
    (bucket, request, Duration::from_secs(valid_for), text("signature.txt"))
}

#[tokio::test]
async fn urls_carry_the_recorded_signatures() {
    for folder in [
        "oss/gen-v4-q-get",
        "oss/gen-v4-q-get-utf8",
        "oss/gen-v4-q-process",
        "oss/gen-v4-q-put-callback-query",
        "oss/gen-v4-q-put-sts-addl-host",
        "oss/gen-v4-q-put-type-md5-meta",
        "oss/gen-v4-q-uploadpart",
        "oss/gen-v4-q-uploadpart-length",
        "oss/gen-v1-q-get",
        "oss/gen-v1-q-get-disposition",
        "oss/gen-v1-q-get-utf8",
        "oss/gen-v1-q-process",
        "oss/gen-v1-q-put-type-md5-meta",
        "oss/gen-v1-q-uploadpart",
        "obs/presign-get",
        "obs/presign-get-token",
        "obs/presign-put-content-type",
    ] {
        let (bucket, request, valid_for, signature) = recorded(folder);
        let method: Method = request["method"].as_str().expect("a method").parse().expect("a method");
        let mut options = PresignOptions::default();
        for pair in request["query"].as_array().expect("a list") {
            let text = |at: usize| pair[at].as_str().expect("a text").to_owned();
            options.query.push((text(0), text(1)));
        }
        for (name, value) in request["headers"].as_object().expect("headers") {
            let name: http::HeaderName = name.parse().expect("a name");
            options.headers.insert(name, value.as_str().expect("a text").parse().expect("a value"));
        }
        let key = request["key"].as_str().expect("a key");
        let url = bucket.presigned_url(&method, key, valid_for, options).expect(folder);
        let ours = url.rsplit_once("ignature=").map(|(_, text)| percent_encoding::percent_decode_str(text));
        let ours = ours.and_then(|text| text.decode_utf8().ok()).expect("a signature");
        assert_eq!(ours, signature, "{folder}");
    }
}

#[tokio::test]
async fn a_url_is_good_for_the_request_it_was_made_for() {
    let server = Server::with([server::ok()]).await;
    for (dialect, scheme) in [(Dialect::Oss, "x-oss-signature="), (Dialect::Obs, "Signature=")] {
        let config = server.config(dialect);
        let url = url(&bucket(config), "a/../b c+d");
        let (place, query) = url.split_once('?').expect("a query");
        assert_eq!(place, format!("http://{}/examplebucket/a%2F..%2Fb%20c%2Bd", server.address));
        assert!(query.contains(scheme), "{url}");
        assert!(query.contains(&format!("security-token={}", "the%2Btoken%2Fof%3D%3Dthe-test")), "{url}");
        assert!(!url.contains(server::SECRET), "{url}");
        let parsed = reqwest::Url::parse(&url).expect("a URL");
        assert_eq!(parsed.as_str(), url, "what is signed must be what is sent");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn urls_name_the_public_endpoint_and_requests_go_to_the_other() {
    let server = Server::with([server::ok()]).await;
    let config = server.config(Dialect::Oss).with_public_endpoint(cname());
    let bucket = bucket(config);
    assert!(url(&bucket, "dir/k").starts_with("https://files.example.com/dir/k?x-oss-"));
    bucket.put("dir/k", Bytes::new(), oss_lite::PutOptions::default()).await.expect("stored");
    assert_eq!(server.only_request().target(), "/examplebucket/dir/k");
}

#[test]
fn a_custom_domain_changes_the_signature_of_obs_only() {
    let signature = |url: &str| url.rsplit_once("ignature=").map(|(_, signature)| signature.to_owned());
    for (dialect, same) in [(Dialect::Oss, true), (Dialect::Obs, false)] {
        let plain = url(&bucket(internal(dialect)), "k");
        let custom = url(&bucket(internal(dialect).with_public_endpoint(cname())), "k");
        assert!(
            plain.starts_with("https://examplebucket.oss-cn-hangzhou-internal.aliyuncs.com/k?"),
            "{plain}"
        );
        assert_eq!(signature(&plain) == signature(&custom), same, "{dialect:?}");
    }
}

#[test]
fn parameters_and_headers_are_signed() {
    let bucket = bucket(internal(Dialect::Oss));
    let options = || PresignOptions {
        query: vec![("response-content-disposition".to_owned(), "attachment; filename=\"ü\"".to_owned())],
        headers: HeaderMap::new(),
    };
    let plain = bucket.presigned_url(&Method::PUT, "k", HOUR, options()).expect("a URL");
    assert!(
        plain.contains("response-content-disposition=attachment%3B%20filename%3D%22%C3%BC%22&"),
        "{plain}"
    );
    let mut typed = options();
    typed.headers.insert("content-type", HeaderValue::from_static("text/plain"));
    assert_ne!(bucket.presigned_url(&Method::PUT, "k", HOUR, typed).expect("a URL"), plain);
}

#[test]
fn a_header_that_the_signature_cannot_bind_is_refused() {
    let length = http::header::CONTENT_LENGTH;
    let options = || PresignOptions {
        headers: HeaderMap::from_iter([(length.clone(), HeaderValue::from_static("7"))]),
        ..PresignOptions::default()
    };
    let (v4, v1) = (internal(Dialect::Oss), internal(Dialect::Oss).with_signature(SignatureVersion::V1));
    let v4 = bucket(v4);
    assert!(v4.can_presign(&length));
    let url = v4.presigned_url(&Method::PUT, "k", HOUR, options()).expect("a URL");
    assert!(url.contains("?x-oss-additional-headers=content-length&"), "{url}");
    for (config, own) in [(v1, "x-oss-meta-a"), (internal(Dialect::Obs), "x-obs-meta-a")] {
        let bucket = bucket(config);
        for name in ["content-type", "content-md5", own] {
            assert!(bucket.can_presign(&HeaderName::from_static(name)), "{name}");
        }
        assert!(!bucket.can_presign(&length));
        let refused = bucket.presigned_url(&Method::PUT, "k", HOUR, options()).expect_err("not signed");
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        assert!(refused.to_string().contains("cannot bind the header content-length"), "{refused}");
    }
}

#[test]
fn another_form_and_another_name_are_part_of_what_is_signed() {
    let thumbnail = ImageResize::within(320, 240).expect("a size");
    let frame = VideoSnapshot::at(Duration::from_secs(1)).expect("a time");
    for signature in [SignatureVersion::V4, SignatureVersion::V1] {
        let bucket = bucket(internal(Dialect::Oss).with_signature(signature));
        let sign = |options| bucket.presigned_url(&Method::GET, "k", HOUR, options).expect("a URL");
        let options = || PresignOptions::default().response_content_disposition("inline");
        let resized = sign(options().process(&thumbnail));
        assert!(resized.contains("response-content-disposition=inline&"), "{resized}");
        assert!(resized.contains("x-oss-process=image%2Fresize%2Cm_lfit%2Cw_320%2Ch_240"), "{resized}");
        let snapped = sign(options().process(&frame));
        assert!(snapped.contains("x-oss-process=video%2Fsnapshot%2Ct_1000%2Cf_jpg%2Cm_fast"), "{snapped}");
        let signatures: BTreeSet<String> =
            [sign(PresignOptions::default()), sign(options()), resized, snapped]
                .iter()
                .filter_map(|url| Some(url.rsplit_once("ignature=")?.1.to_owned()))
                .collect();
        assert_eq!(signatures.len(), 4, "{signatures:?}");
    }
}

#[test]
fn a_url_that_would_live_too_long_or_not_at_all_is_refused() {
    let bucket = bucket(internal(Dialect::Oss));
    for valid_for in [Duration::ZERO, Duration::from_millis(999), Duration::from_hours(13)] {
        let url = bucket.presigned_url(&Method::GET, "dir/k", valid_for, PresignOptions::default());
        let error = url.expect_err("out of limits");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(
            error.to_string().starts_with("sign a URL of \"dir/k\" in bucket examplebucket: "),
            "{error}"
        );
    }
    let lone_dots = bucket.presigned_url(&Method::GET, "..", HOUR, PresignOptions::default());
    assert_eq!(lone_dots.expect_err("cannot travel").kind(), ErrorKind::InvalidKey);
}
