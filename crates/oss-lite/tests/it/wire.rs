//! What goes out, looked at as bytes on a socket.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use oss_lite::sign::{Resource, Scheme, SigningParams, SigningRequest, sign_headers, v4};
use oss_lite::{Addressing, Credentials, Dialect, ErrorKind, ObjectKey, PutOptions, Query, SignatureVersion};

use crate::server::{self, Server, bucket, head_reply, ok, reply};

const KEYS: &[(&str, &str)] = &[
    ("plain.txt", "plain.txt"),
    ("a/../b", "a%2F..%2Fb"),
    ("./c", ".%2Fc"),
    ("x/.", "x%2F."),
    ("a/b/..", "a%2Fb%2F.."),
    ("x//y", "x//y"),
    ("ends/", "ends/"),
    ("ends//", "ends//"),
    ("tail ", "tail%20"),
    (" ", "%20"),
    ("%2e%2e/x", "%252e%252e/x"),
    ("%", "%25"),
    ("/lead", "/lead"),
    ("//", "//"),
    ("q?x=1&y#z", "q%3Fx%3D1%26y%23z"),
    ("+", "%2B"),
    ("é", "%C3%A9"),
    ("测试 a+b%20c#?.txt", "%E6%B5%8B%E8%AF%95%20a%2Bb%2520c%23%3F.txt"),
    ("😀", "%F0%9F%98%80"),
    ("\u{1}", "%01"),
    ("a\nb\tc\r\u{7f}", "a%0Ab%09c%0D%7F"),
    ("a\\..\\b", "a%5C..%5Cb"),
    ("...", "..."),
    ("~-_.*'()!", "~-_.%2A%27%28%29%21"),
];

#[tokio::test]
async fn keys_travel_byte_for_byte_in_every_dialect() {
    for dialect in [Dialect::Oss, Dialect::Obs] {
        let server = Server::with(KEYS.iter().map(|_| ok())).await;
        let bucket = server.bucket(dialect);
        for (key, _) in KEYS {
            bucket
                .put(key, Bytes::new(), PutOptions::default())
                .await
                .unwrap_or_else(|e| panic!("{key:?}: {e}"));
        }
        for ((key, wire), request) in KEYS.iter().zip(server.requests()) {
            assert_eq!(request.request_line(), format!("PUT /examplebucket/{wire} HTTP/1.1"), "{key:?}");
        }
    }
}

#[tokio::test]
async fn keys_travel_byte_for_byte_when_the_host_names_the_bucket() {
    let server = Server::with(KEYS.iter().map(|_| ok())).await;
    let endpoint = format!("http://localhost:{}", server.address.port());
    let endpoint = endpoint.parse::<oss_lite::Endpoint>().expect("an endpoint");
    let config = oss_lite::ClientConfig::new(endpoint.with_addressing(Addressing::Cname), Dialect::Oss);
    let bucket = bucket(config.with_region("cn-hangzhou"));
    for (key, _) in KEYS {
        bucket.put(key, Bytes::new(), PutOptions::default()).await.unwrap_or_else(|e| panic!("{key:?}: {e}"));
    }
    for ((key, wire), request) in KEYS.iter().zip(server.requests()) {
        assert_eq!(request.target(), format!("/{wire}"), "{key:?}");
    }
}

#[tokio::test]
async fn the_host_names_the_bucket_and_the_signature_still_has_it() {
    for dialect in [Dialect::Oss, Dialect::Obs] {
        let server = Server::with([ok(), ok()]).await;
        let http = server::http_builder().resolve("examplebucket.store.test", server.address);
        let endpoint = format!("http://store.test:{}", server.address.port()).parse().expect("an endpoint");
        let config = oss_lite::ClientConfig::new(endpoint, dialect).with_region("cn-hangzhou");
        let config = config.with_clock(server::noon);
        let client = oss_lite::Client::new(http.build().expect("a client"), config).expect("a client");
        server::bucket_of(&client).delete("a/../k").await.expect("deleted");
        server.bucket(dialect).delete("a/../k").await.expect("deleted");
        let [by_host, by_path] = &server.requests()[..] else { panic!("two requests") };
        assert_eq!(by_host.target(), "/a%2F..%2Fk");
        assert_eq!(
            by_host.header("host"),
            Some(format!("examplebucket.store.test:{}", server.address.port()).as_str())
        );
        assert_eq!(by_host.header("authorization"), by_path.header("authorization"), "{dialect:?}");
    }
}

#[tokio::test]
async fn a_key_that_no_url_can_carry_is_refused_before_anything_is_sent() {
    let server = Server::with([]).await;
    let bucket = server.bucket(Dialect::Oss);
    for key in [".", ".."] {
        let error = bucket.head(key).await.expect_err("cannot travel");
        assert_eq!(error.kind(), ErrorKind::InvalidKey);
        assert!(!error.is_retryable());
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn the_signature_covers_what_was_sent() {
    let server = Server::with([ok()]).await;
    let options = PutOptions {
        content_type: Some("text/plain".to_owned()),
        metadata: vec![("name".to_owned(), "中 文".to_owned())],
        ..PutOptions::default()
    };
    server.bucket(Dialect::Oss).put("a/../b c", "x".into(), options).await.expect("stored");
    let sent = server.only_request();

    let key = ObjectKey::new(Dialect::Oss, "a/../b c").expect("a key");
    let mut headers: HeaderMap = ["content-type", "x-oss-meta-name"]
        .into_iter()
        .map(|name| {
            let value = sent.header(name).expect(name);
            (HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).expect("a value"))
        })
        .collect();
    let request = SigningRequest {
        method: &Method::PUT,
        resource: Resource::Object { bucket: "examplebucket", key: &key },
        query: &Query::default(),
    };
    let credentials = Credentials::new("the-id", server::SECRET).with_security_token(server::TOKEN);
    let params = SigningParams {
        scheme: Scheme::V4(v4::Settings::new("cn-hangzhou")),
        credentials: &credentials,
        time: server::noon(),
    };
    sign_headers(&request, &mut headers, &params).expect("a signature");
    assert_eq!(sent.header("authorization"), headers["authorization"].to_str().ok());
}

#[tokio::test]
async fn an_empty_object_is_sent_with_its_length_and_no_needless_header() {
    let server = Server::with([ok()]).await;
    server.bucket(Dialect::Oss).put("k", Bytes::new(), PutOptions::default()).await.expect("stored");
    let request = server.only_request();
    assert_eq!(request.header("content-length"), Some("0"));
    let mut names = request.header_names();
    names.sort();
    let expected = [
        "accept",
        "authorization",
        "content-length",
        "content-type",
        "date",
        "host",
        "x-oss-content-sha256",
        "x-oss-date",
        "x-oss-security-token",
    ];
    assert_eq!(names, expected);
}

#[tokio::test]
async fn obs_is_dated_by_date_and_speaks_its_own_names() {
    let server = Server::with([ok()]).await;
    server.bucket(Dialect::Obs).put("k", "x".into(), PutOptions::default()).await.expect("stored");
    let request = server.only_request();
    assert_eq!(request.header("date"), Some("Thu, 01 Jan 2026 12:00:00 GMT"));
    assert_eq!(request.header("x-obs-security-token"), Some(server::TOKEN));
    assert!(request.header("authorization").is_some_and(|value| value.starts_with("OBS the-id:")));
    assert!(!request.head.contains("x-oss-"), "{}", request.head);
}

#[tokio::test]
async fn v1_is_spoken_when_asked_for() {
    let server = Server::with([ok()]).await;
    let config = server.config(Dialect::Oss).with_signature(SignatureVersion::V1);
    bucket(config).put("k", "x".into(), PutOptions::default()).await.expect("stored");
    let authorization = server.only_request().header("authorization").map(str::to_owned);
    assert!(authorization.is_some_and(|value| value.starts_with("OSS the-id:")));
}

#[tokio::test]
async fn what_is_stored_with_an_object_is_sent() {
    let server = Server::with([ok(), ok()]).await;
    let options = PutOptions {
        content_type: Some("text/html".to_owned()),
        content_md5: Some([0; 16]),
        cache_control: Some("no-cache".to_owned()),
        content_disposition: Some("attachment".to_owned()),
        content_encoding: Some("br".to_owned()),
        content_language: Some("en".to_owned()),
        expires: Some("Thu, 01 Jan 2026 12:00:00 GMT".to_owned()),
        storage_class: Some("IA".to_owned()),
        metadata: vec![("src-etag".to_owned(), "abc".to_owned())],
        ..PutOptions::default()
    };
    for (dialect, prefix) in [(Dialect::Oss, "x-oss-"), (Dialect::Obs, "x-obs-")] {
        server.bucket(dialect).put("k", "body".into(), options.clone()).await.expect("stored");
        let request = server.requests().pop().expect("a request");
        for (name, value) in [
            ("content-type", "text/html"),
            ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA=="),
            ("cache-control", "no-cache"),
            ("content-disposition", "attachment"),
            ("content-encoding", "br"),
            ("content-language", "en"),
            ("expires", "Thu, 01 Jan 2026 12:00:00 GMT"),
            ("content-length", "4"),
            (&format!("{prefix}storage-class"), "IA"),
            (&format!("{prefix}meta-src-etag"), "abc"),
        ] {
            assert_eq!(request.header(name), Some(value), "{name}");
        }
        assert_eq!(request.body, b"body");
    }
}

#[tokio::test]
async fn options_that_no_header_can_carry_are_refused() {
    let server = Server::with([]).await;
    let metadata = |name: &str, value: &str| PutOptions {
        metadata: vec![(name.to_owned(), value.to_owned())],
        ..PutOptions::default()
    };
    for (dialect, options) in [
        (Dialect::Oss, metadata("Upper", "v")),
        (Dialect::Oss, metadata("under_score", "v")),
        (Dialect::Oss, metadata("", "v")),
        (Dialect::Oss, metadata("name", "line\r\nx-oss-acl: public-read")),
        (Dialect::Obs, metadata("name", "é\u{7f}")),
        (Dialect::Oss, PutOptions { content_type: Some("a\nb".to_owned()), ..PutOptions::default() }),
    ] {
        let error = server.bucket(dialect).put("k", Bytes::new(), options).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_bucket_in_the_path_has_a_slash_on_oss_and_none_on_obs() {
    let list = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    for (dialect, path) in [(Dialect::Oss, "/examplebucket/"), (Dialect::Obs, "/examplebucket")] {
        let server = Server::with([reply("200 OK", &[], list), ok()]).await;
        let bucket = server.bucket(dialect);
        let pages = futures_util::StreamExt::collect::<Vec<_>>(bucket.list(oss_lite::ListOptions::default()));
        pages.await.into_iter().for_each(|page| drop(page.expect("a page")));
        bucket.create(oss_lite::CreateOptions::default()).await.expect("created");
        for request in server.requests() {
            assert_eq!(request.target().split('?').next(), Some(path));
        }
    }
}

#[tokio::test]
async fn a_bucket_is_created_with_class_and_location_in_the_vendors_way() {
    let options = || oss_lite::CreateOptions { storage_class: Some("COLD".to_owned()) };
    let server = Server::with([ok(), ok()]).await;
    server.bucket(Dialect::Oss).create(options()).await.expect("created");
    server.bucket(Dialect::Obs).create(options()).await.expect("created");
    let [oss, obs] = &server.requests()[..] else { panic!("two requests") };
    let body =
        |inner: &str| format!("<CreateBucketConfiguration>{inner}</CreateBucketConfiguration>").into_bytes();
    assert_eq!(oss.body, body("<StorageClass>COLD</StorageClass>"));
    assert_eq!(obs.body, body("<Location>cn-hangzhou</Location>"));
    assert_eq!(obs.header("x-obs-storage-class"), Some("COLD"));
}

#[tokio::test]
async fn warming_opens_the_connection_that_the_first_call_uses() {
    let server = Server::with([head_reply("403 Forbidden", &[("content-length", "9")]), ok()]).await;
    let client = oss_lite::Client::new(server::http(), server.config(Dialect::Oss)).expect("a client");
    client.warm(&"examplebucket".parse().expect("a name")).await.expect("any answer will do");
    server::bucket_of(&client).delete("k").await.expect("deleted");
    assert_eq!(server.connections(), 1);
    assert_eq!(server.requests()[0].header("authorization"), None);
}

#[tokio::test]
async fn warming_tells_when_nobody_listens() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let endpoint = format!("http://{}", free.expect("a port")).parse().expect("an endpoint");
    let config = oss_lite::ClientConfig::new(endpoint, Dialect::Oss).with_region("cn-hangzhou");
    let client = oss_lite::Client::new(server::http(), config).expect("a client");
    let error = client.warm(&"examplebucket".parse().expect("a name")).await.expect_err("nobody there");
    assert_eq!(error.kind(), ErrorKind::Transport);
}

#[tokio::test]
async fn calls_can_be_spawned_and_shared() {
    let server = Server::with((0..8).map(|_| ok())).await;
    let bucket = Arc::new(server.bucket(Dialect::Oss));
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let bucket = Arc::clone(&bucket);
            tokio::spawn(
                async move { bucket.put(&format!("k{n}"), Bytes::new(), PutOptions::default()).await },
            )
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic").expect("stored");
    }
}
