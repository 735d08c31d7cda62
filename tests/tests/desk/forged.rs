//! Callbacks that OSS did not make.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloud_twin::Service;
use e2e::cloud::SOURCE;
use e2e::desk::{Answered, DeskSetup, ERIC};
use e2e::{Cloud, Desk, WebReply, WebServer};
use reqwest::header::HeaderMap;
use serde_json::json;

use crate::support::{allow_unknown, key, metric, told};

/// A desk that has no key yet: it fetches those of OSS, from the one host that has them, which the twin plays as a proxy.
async fn without_key(cloud: &Cloud) -> DeskSetup {
    Desk::on(cloud).await.settings(|settings| {
        let settings = settings.unset("DESK_CALLBACK_KEY");
        settings.set("HTTP_PROXY", cloud.twin.oss_url()).set("NO_PROXY", "127.0.0.1")
    })
}

fn keys_fetched(cloud: &Cloud) -> u64 {
    cloud.done(Service::Oss, "GetCallbackKey")
}

fn naming(headers: &HeaderMap, key_url: &str) -> HeaderMap {
    let mut headers = headers.clone();
    headers.insert("x-oss-pub-key-url", STANDARD.encode(key_url).parse().unwrap());
    headers
}

/// The upload is as it was: waiting for its callback.
async fn assert_untouched(cloud: &Cloud, desk: &Desk, allowed: &Answered) {
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", allowed.id())).await.body["state"], "pending");
    assert_eq!(cloud.sent(&key(allowed)), 0);
}

#[tokio::test]
async fn the_key_is_fetched_from_the_host_of_oss_and_kept() {
    let cloud = Cloud::start().await;
    let desk = without_key(&cloud).await.start().await;
    assert_eq!(keys_fetched(&cloud), 0);
    for name in ["a.txt", "b.txt"] {
        let stored = desk.upload(ERIC, name, "text/plain", name.as_bytes()).await;
        assert_eq!(stored.status, 200, "{stored:?}");
    }
    assert_eq!(keys_fetched(&cloud), 1);
}

#[tokio::test]
async fn a_key_that_cannot_be_had_loses_nothing() {
    let cloud = Cloud::start().await;
    let desk = without_key(&cloud).await.start().await;
    let fault = cloud_twin::FaultResponse::error(404, "NoSuchKey", "no");
    cloud
        .twin
        .faults()
        .inject(cloud_twin::Fault::respond(Service::Oss, fault).path_contains("callback_pub_key"));
    let allowed = desk.allow(ERIC, "a.txt", "text/plain", b"abc").await;
    let answered = desk.send_form(&allowed.body["upload"], b"abc").await;
    assert_eq!(answered.status, 203, "{answered:?}");
    assert_eq!(cloud.twin.callbacks()[0].status, Some(503));
    let checked = desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
    assert_eq!(checked.body["state"], "stored", "{checked:?}");
}

#[tokio::test]
async fn keys_of_other_hosts_are_neither_fetched_nor_believed() {
    let cloud = Cloud::start().await;
    // It would give out a key that the signature is good for.
    let pem = Bytes::from(cloud.twin.callback_public_key_pem());
    let forger = WebServer::start(move |_| WebReply::whole(&pem)).await;
    let address = forger.url("").strip_prefix("http://").unwrap().to_owned();
    let desk = without_key(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", b"abc").await;
    cloud.twin.oss().put(SOURCE, &key(&allowed), "abc");
    let body = told(&allowed, "ABC", 3).to_string();
    let good = cloud.twin.sign_callback("/callback", &body);
    for key_url in [
        forger.url("/callback_pub_key_v1.pem"),
        forger.url("/http://gosspublic.alicdn.com/callback_pub_key_v1.pem"),
        forger.url("/?gosspublic.alicdn.com/"),
        format!("http://gosspublic.alicdn.com@{address}/k.pem"),
        format!("http://gosspublic.alicdn.com:80@{address}/k.pem"),
        format!("http://gosspublic.alicdn.com%2f@{address}/k.pem"),
        format!("http://gosspublic.alicdn.com\\@{address}/k.pem"),
        format!("http://{address}#gosspublic.alicdn.com/k.pem"),
        "http://gosspublic.alicdn.com.example.com/k.pem".to_owned(),
        "http://gosspublic-alicdn.com/k.pem".to_owned(),
        "http://xgosspublic.alicdn.com/k.pem".to_owned(),
        "http://gosspublic.alicdn.com:8080/k.pem".to_owned(),
        "http://gosspublic.alicdn.com/../k.pem".to_owned(),
        "ftp://gosspublic.alicdn.com/k.pem".to_owned(),
        "//gosspublic.alicdn.com/k.pem".to_owned(),
        "gosspublic.alicdn.com/k.pem".to_owned(),
        "file:///etc/passwd".to_owned(),
        String::new(),
    ] {
        let answered = desk.call_back_with(naming(&good, &key_url), "/callback", body.as_bytes()).await;
        assert!((400..=403).contains(&answered.status), "{key_url}: {answered:?}");
        assert!(["forged", "malformed"].contains(&answered.code()), "{key_url}: {answered:?}");
    }
    assert_eq!(forger.requests().len(), 0);
    assert_eq!(keys_fetched(&cloud), 0);
    assert_untouched(&cloud, &desk, &allowed).await;
    assert!(metric(&desk, ERIC, "callbacks_refused").await >= 18);
    // Of the same host, but none that is there.
    let unknown = naming(&good, "http://gosspublic.alicdn.com/callback_pub_key_v9.pem");
    assert_eq!(desk.call_back_with(unknown, "/callback", body.as_bytes()).await.status, 503);
    // The published one is known, and does not fit.
    let published = naming(&good, "http://gosspublic.alicdn.com/callback_pub_key_v1.pem");
    let answered = desk.call_back_with(published, "/callback", body.as_bytes()).await;
    assert_eq!((answered.status, answered.code()), (403, "forged"));
    assert_untouched(&cloud, &desk, &allowed).await;
    assert_eq!(desk.call_back_with(good, "/callback", body.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn what_was_signed_differently_is_refused() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", b"abc").await;
    let another = allow_unknown(&desk, ERIC, "b.txt", b"abc").await;
    cloud.twin.oss().put(SOURCE, &key(&allowed), "abc");
    let body = told(&allowed, "ABC", 3).to_string();
    let other_body = told(&another, "ABC", 3).to_string();
    let spaced = format!("{body} ");
    let target = "/callback";
    for (signed, sent_to, signed_body, sent_body) in [
        ("/other", target, &body, &body),
        ("/callback/", target, &body, &body),
        ("/", target, &body, &body),
        ("/callback?a=b", target, &body, &body),
        (target, "/callback?a=b", &body, &body),
        (target, "/callback?", &body, &body),
        ("/callback?a=b", "/callback?a=c", &body, &body),
        (target, target, &other_body, &body),
        (target, target, &body, &spaced),
        (target, target, &body, &other_body),
    ] {
        let headers = cloud.twin.sign_callback(signed, signed_body);
        let answered = desk.call_back_with(headers, sent_to, sent_body.as_bytes()).await;
        assert_eq!((answered.status, answered.code()), (403, "forged"), "{signed} {sent_to}: {answered:?}");
    }
    assert_untouched(&cloud, &desk, &allowed).await;
    assert_untouched(&cloud, &desk, &another).await;
    assert_eq!(metric(&desk, ERIC, "callbacks_refused").await, 10);
}

#[tokio::test]
async fn what_is_not_signed_is_refused() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let allowed = allow_unknown(&desk, ERIC, "a.txt", b"abc").await;
    let body = told(&allowed, "ABC", 3).to_string();
    let good = cloud.twin.sign_callback("/callback", &body);
    let with = |authorization: &str| {
        let mut headers = good.clone();
        headers.insert("authorization", authorization.parse().unwrap());
        headers
    };
    let mut without = good.clone();
    without.remove("authorization");
    let bit = {
        let mut signature = STANDARD.decode(good["authorization"].to_str().unwrap()).unwrap();
        signature[20] ^= 1;
        STANDARD.encode(signature)
    };
    let bearer = format!("Bearer {}", ERIC.token);
    for headers in [
        HeaderMap::new(),
        without,
        with(""),
        with("AAAA"),
        with("!"),
        with(&bit),
        with(&STANDARD.encode([0; 64])),
        with(&STANDARD.encode([0xff; 64])),
        with(&"A".repeat(4000)),
        with(&bearer),
    ] {
        let answered = desk.call_back_with(headers.clone(), "/callback", body.as_bytes()).await;
        assert!([400, 403].contains(&answered.status), "{headers:?}: {answered:?}");
        assert!(["malformed", "forged"].contains(&answered.code()), "{answered:?}");
    }
    assert_untouched(&cloud, &desk, &allowed).await;
}
