//! What is a content type, and what may be shown in place.

use bytes::Bytes;
use cloud_twin::ObjectHeaders;
use e2e::cloud::{SOURCE, http_client};
use e2e::desk::ERIC;
use e2e::{Cloud, Desk, WebReply, WebServer};
use reqwest::{Method, Request, Response};
use serde_json::{Value, json};

use crate::support::key;

async fn open(url: &Value) -> Response {
    let url = url.as_str().unwrap_or_else(|| panic!("no link: {url}"));
    http_client().execute(Request::new(Method::GET, url.parse().unwrap())).await.unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn what_is_not_one_content_type_is_not_uploaded() {
    let cloud = Cloud::start().await;
    for types in [None, Some("image/*,text/plain")] {
        let setup = Desk::on(&cloud).await;
        let desk = match types {
            Some(types) => setup.set("DESK_TYPES", types).start().await,
            None => setup.start().await,
        };
        for bad in [
            "image/png,text/html",
            "image/png, text/html",
            "image/png;x=y,text/html",
            "image/png;x=\"y,text/html\"",
            "image/png text/html",
            "image/png;text/html",
            "image/png;x=y text/html",
            "image/png;x=\"y",
            "image/png/html",
            ",image/png",
        ] {
            let asked = json!({"name": "a.png", "type": bad, "size": 3});
            let refused = desk.post(ERIC, "/uploads", asked).await;
            assert_eq!((refused.status, refused.code()), (400, "malformed"), "{bad}: {refused:?}");
        }
        let asked = json!({"name": "a.png", "type": "image/png; x=\"y z\"", "size": 3});
        assert_eq!(desk.post(ERIC, "/uploads", asked).await.status, 201);
    }
}

#[tokio::test]
async fn what_is_fetched_with_two_content_types_is_removed_again() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    let desk = setup.set("INGEST_DOMAINS", "127.0.0.1").set("INGEST_ALLOW_PRIVATE", "true").start().await;
    for bad in ["image/png, text/html", "image/png;x=\"y, text/html"] {
        let site = WebServer::start(move |request| {
            WebReply::file(request, &Bytes::from_static(b"<script>")).header("content-type", bad)
        })
        .await;
        let fetching = desk.post(ERIC, "/uploads/from-url", json!({"url": site.url("/a.png")})).await;
        assert_eq!(fetching.status, 202, "{fetching:?}");
        let failed = desk.until_state(ERIC, &fetching.id(), "failed").await;
        assert!(failed["note"].as_str().unwrap().contains("is not a content type"), "{failed}");
        assert_eq!(cloud.twin.oss().keys(SOURCE), [""; 0]);
        assert_eq!(cloud.sent(&key(&fetching)), 0);
    }
}

#[tokio::test]
async fn a_host_that_says_two_things_is_not_fetched_from() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await;
    let desk = setup.set("INGEST_DOMAINS", "127.0.0.1").set("INGEST_ALLOW_PRIVATE", "true").start().await;
    for (name, first, second) in [
        ("content-type", "image/png", "text/html"),
        ("content-disposition", "inline", "attachment; filename=a.html"),
    ] {
        for head in [true, false] {
            let site = WebServer::start(move |request| {
                if request.method == "HEAD" && !head {
                    return WebReply::new(405);
                }
                let reply = WebReply::file(request, &Bytes::from_static(b"<script>"));
                reply.header(name, first).header(name, second)
            })
            .await;
            let fetching = desk.post(ERIC, "/uploads/from-url", json!({"url": site.url("/a.png")})).await;
            let failed = desk.until_state(ERIC, &fetching.id(), "failed").await;
            let note = failed["note"].as_str().unwrap();
            assert!(note.contains(&format!("two different headers {name}")), "{failed}");
            assert_eq!(cloud.twin.oss().keys(SOURCE), [""; 0]);
        }
    }
    let site = WebServer::start(|request| {
        let reply = WebReply::file(request, &Bytes::from_static(b"abc"));
        reply.header("content-type", "image/png").header("content-type", "image/png")
    })
    .await;
    let fetching = desk.post(ERIC, "/uploads/from-url", json!({"url": site.url("/a.png")})).await;
    desk.until_state(ERIC, &fetching.id(), "stored").await;
}

#[tokio::test]
async fn a_request_that_says_two_things_is_refused() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    let asked = json!({"name": "a.png", "type": "image/png", "size": 3}).to_string();
    let token = format!("Bearer {}", ERIC.token);
    for (types, tokens, status) in [
        (&["application/json"][..], &[&*token][..], 201),
        (&["application/json", "text/plain"], &[&*token], 415),
        (&["application/json"], &[&*token, "Bearer another-token-0123456789"], 401),
    ] {
        let url = format!("{}/uploads", desk.url()).parse().unwrap();
        let mut request = Request::new(Method::POST, url);
        for (name, values) in [("content-type", types), ("authorization", tokens)] {
            for value in values {
                request.headers_mut().append(name, value.parse().unwrap());
            }
        }
        *request.body_mut() = Some(asked.clone().into());
        assert_eq!(desk.execute(request).await.status(), status, "{types:?} {}", tokens.len());
    }
}

#[tokio::test]
async fn a_view_link_says_what_it_shows_whatever_the_bucket_says_by_then() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for (name, content_type, shown) in [
        ("a.png", "image/png", "image/png"),
        ("a.txt", "text/plain; charset=\"gbk\"; x=y", "text/plain; charset=gbk"),
        ("a.mp4", "Video/MP4", "video/mp4"),
    ] {
        let stored = desk.upload(ERIC, name, content_type, name.as_bytes()).await;
        assert_eq!(stored.status, 200, "{stored:?}");
        let view = &stored.body["object"]["links"]["view"];
        let html = ObjectHeaders::default().content_type("text/html");
        cloud.twin.oss().put_with(SOURCE, &key(&stored), "<script>", html);
        let opened = open(view).await;
        assert_eq!(opened.status(), 200);
        assert_eq!(header(&opened, "content-type"), shown);
        assert!(header(&opened, "content-disposition").starts_with("inline"));
        let without = view.as_str().unwrap().replace("response-content-type", "x-content-type");
        assert_eq!(open(&json!(without)).await.status(), 403, "it is signed");
    }
}

#[tokio::test]
async fn what_is_on_no_list_is_saved() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for (name, content_type) in [
        ("a.x", "image/x-unheard-of"),
        ("b.x", "video/x-unheard-of"),
        ("c.x", "audio/x-unheard-of"),
        ("d.svg", "image/svg+xml"),
        ("e.html", "text/html"),
    ] {
        let stored = desk.upload(ERIC, name, content_type, name.as_bytes()).await;
        let view = open(&stored.body["object"]["links"]["view"]).await;
        assert_eq!(view.status(), 200, "{name}");
        assert_eq!(header(&view, "content-disposition"), format!("attachment; filename=\"{name}\""));
    }
}
