//! Cross-origin rules.

use cloud_twin::Twin;

use crate::form::{Form, Signer};
use crate::http::{Answer, Body, exchange};
use crate::sign::{Call, call, get};

const RULES: &str = "<CORSConfiguration>\
    <CORSRule><AllowedOrigin>https://*.example.com</AllowedOrigin><AllowedOrigin>http://localhost:8080</AllowedOrigin>\
    <AllowedMethod>POST</AllowedMethod><AllowedMethod>GET</AllowedMethod><AllowedHeader>x-oss-*</AllowedHeader>\
    <ExposeHeader>ETag</ExposeHeader><ExposeHeader>x-oss-request-id</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>\
    <CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod><AllowedHeader>*</AllowedHeader></CORSRule>\
    </CORSConfiguration>";

async fn twin() -> Twin {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_oss_bucket("bucket");
    let rules = call("PUT", "bucket", "").query("cors", "").body(RULES);
    assert_eq!(rules.oss(&twin).await.unwrap().status, 200);
    twin
}

async fn preflight(url: &str, path: &str, origin: &str, method: &str, headers: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", headers),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    exchange(url, "OPTIONS", path, &headers, &Body::None).await.unwrap()
}

#[tokio::test]
async fn rules_are_kept_given_back_and_removed() {
    let twin = twin().await;
    let rules = |method: &'static str| call(method, "bucket", "").query("cors", "");
    assert_eq!(rules("GET").oss(&twin).await.unwrap().text(), RULES);
    rules("PUT").body("<CORSConfiguration/>").oss(&twin).await.unwrap().is_refusal(400, "MalformedXML");
    assert_eq!(rules("GET").oss(&twin).await.unwrap().text(), RULES);
    assert_eq!(rules("DELETE").oss(&twin).await.unwrap().status, 204);
    rules("GET").oss(&twin).await.unwrap().is_refusal(404, "NoSuchCORSConfiguration");
    let answer = preflight(&twin.oss_url(), "/bucket/k", "https://a.example.com", "GET", "").await;
    answer.is_refusal(403, "AccessForbidden");
    assert_eq!(preflight(&twin.oss_url(), "/none/k", "https://a.example.com", "GET", "").await.status, 404);
}

#[tokio::test]
async fn a_preflight_is_judged_by_the_rules() {
    let twin = twin().await;
    for path in ["/bucket/", "/bucket/some/key"] {
        let asked = "X-Oss-Date, x-oss-meta-a";
        let answer = preflight(&twin.oss_url(), path, "https://a.example.com", "POST", asked).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        for (name, value) in [
            ("access-control-allow-origin", "https://a.example.com"),
            ("access-control-allow-methods", "POST, GET"),
            ("access-control-allow-headers", asked),
            ("access-control-expose-headers", "ETag, x-oss-request-id"),
            ("access-control-max-age", "60"),
            ("vary", "Origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{name}");
        }
    }
    let open = preflight(&twin.oss_url(), "/bucket/k", "https://evil.org", "HEAD", "authorization").await;
    assert_eq!((open.status, open.header("access-control-allow-origin")), (200, Some("*")));
    for (origin, method, headers) in [
        ("https://evil.org", "POST", ""),
        ("https://example.com", "POST", ""),
        ("https://a.example.com", "PUT", ""),
        ("https://a.example.com", "POST", "authorization"),
        ("https://a.example.com", "", ""),
    ] {
        let answer = preflight(&twin.oss_url(), "/bucket/k", origin, method, headers).await;
        answer.is_refusal(403, "AccessForbidden");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn answers_and_refusals_show_what_the_rules_allow() {
    let twin = twin().await;
    let seen = |answer: &Answer| {
        let header = |name: &str| answer.header(name).map(str::to_owned);
        (header("access-control-allow-origin"), header("access-control-expose-headers"))
    };
    let allowed = |origin: &str| (Some(origin.to_owned()), Some("ETag, x-oss-request-id".to_owned()));
    let origin = "http://localhost:8080";
    twin.oss().put("bucket", "k", "body");
    let from = |call: Call, origin: &str| call.header("origin", origin);
    let download = from(get("bucket", "k"), origin).oss(&twin).await.unwrap();
    assert_eq!((download.status, seen(&download)), (200, allowed(origin)));
    let missing = from(get("bucket", "none"), origin).oss(&twin).await.unwrap();
    assert_eq!((missing.status, seen(&missing)), (404, allowed(origin)));
    for call in [from(get("bucket", "k"), "https://evil.org"), from(call("DELETE", "bucket", "k"), origin)] {
        assert_eq!(seen(&call.oss(&twin).await.unwrap()), (None, None));
    }
    let post = async |form: Form| {
        let body = Body::Sized(form.file("f", "").bytes());
        let content_type = crate::form::content_type();
        let headers = [("content-type", content_type.as_str()), ("origin", origin)];
        crate::form::post_raw(&twin, "/bucket/", &headers, &body).await.unwrap()
    };
    let stored = post(Signer::of(&twin).v4(&[]).field("key", "k")).await;
    assert_eq!((stored.status, seen(&stored)), (204, allowed(origin)));
    let refused = post(Form::default().field("key", "k")).await;
    assert_eq!((refused.status, seen(&refused)), (403, allowed(origin)));
}

#[tokio::test]
async fn obs_goes_by_the_same_rules() {
    let twin = Twin::builder().start().await.unwrap();
    twin.create_obs_bucket("bucket");
    let rules = call("PUT", "bucket", "").query("cors", "").body(RULES);
    assert_eq!(rules.obs(&twin).await.unwrap().status, 200);
    let answer = preflight(&twin.obs_url(), "/bucket/k", "https://a.example.com", "GET", "").await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example.com"));
    preflight(&twin.obs_url(), "/bucket/k", "https://evil.org", "GET", "")
        .await
        .is_refusal(403, "AccessDenied");
}
