//! Links that open objects.

use chrono::TimeDelta;
use e2e::cloud::http_client;
use e2e::desk::ERIC;
use e2e::{Cloud, Desk};
use reqwest::{Method, Request, Response};
use serde_json::{Value, json};

use crate::support::{cloud_with_clock, field};

async fn open(url: &Value) -> Response {
    let url = url.as_str().unwrap_or_else(|| panic!("no link: {url}"));
    http_client().execute(Request::new(Method::GET, url.parse().unwrap())).await.unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

async fn links(desk: &Desk, name: &str, content_type: &str, query: &str) -> Value {
    let stored = desk.upload(ERIC, name, content_type, name.as_bytes()).await;
    let id = if stored.status == 200 { stored.id() } else { panic!("{stored:?}") };
    desk.get(ERIC, &format!("/objects/{id}{query}")).await.body["links"].clone()
}

#[tokio::test]
async fn a_download_has_the_bytes_and_the_name_of_the_file() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for (name, disposition) in [
        ("a b.txt", "attachment; filename=\"a b.txt\""),
        ("q\"%;.txt", "attachment; filename=\"q__;.txt\"; filename*=UTF-8''q%22%25%3B.txt"),
        ("测😀.txt", "attachment; filename=\"__.txt\"; filename*=UTF-8''%E6%B5%8B%F0%9F%98%80.txt"),
    ] {
        let links = links(&desk, name, "text/plain", "").await;
        let download = open(&links["download"]).await;
        assert_eq!(download.status(), 200);
        assert_eq!(header(&download, "content-disposition"), disposition);
        assert_eq!(header(&download, "content-type"), "text/plain");
        assert_eq!(download.text().await.unwrap(), name);
    }
}

#[tokio::test]
async fn only_what_runs_nothing_is_shown_in_place() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for (name, content_type, how) in [
        ("a.png", "image/png", "inline"),
        ("a.mp4", "video/mp4", "inline"),
        ("a.mp3", "audio/mpeg", "inline"),
        ("a.pdf", "application/pdf", "inline"),
        ("a.txt", "text/plain; charset=utf-8", "inline"),
        ("a.html", "text/html", "attachment"),
        ("a.svg", "image/svg+xml", "attachment"),
        ("b.svg", "IMAGE/SVG+XML; x=y", "attachment"),
        ("a.xhtml", "application/xhtml+xml", "attachment"),
        ("a.xml", "text/xml", "attachment"),
        ("a.js", "text/javascript", "attachment"),
        ("a.bin", "application/octet-stream", "attachment"),
    ] {
        let view = open(&links(&desk, name, content_type, "").await["view"]).await;
        assert_eq!(view.status(), 200, "{name}");
        let disposition = header(&view, "content-disposition");
        assert_eq!(disposition, format!("{how}; filename=\"{name}\""));
    }
}

#[tokio::test]
async fn images_and_videos_have_thumbnails_of_the_size_asked_for() {
    let cloud = Cloud::start().await;
    let desk = Desk::on(&cloud).await.start().await;
    for (name, content_type, query, process) in [
        ("1.png", "image/png", "", "image/resize,m_lfit,w_320"),
        ("2.jpg", "image/jpeg", "?width=100", "image/resize,m_lfit,w_100"),
        ("3.jpg", "image/jpeg", "?height=50", "image/resize,m_lfit,h_50"),
        ("4.webp", "image/webp", "?width=100&height=50", "image/resize,m_lfit,w_100,h_50"),
        ("5.mp4", "video/mp4", "", "video/snapshot,t_0,f_jpg,w_320,m_fast"),
        ("6.mp4", "video/mp4", "?at=1500&width=64", "video/snapshot,t_1500,f_jpg,w_64,m_fast"),
    ] {
        let thumbnail = links(&desk, name, content_type, query).await["thumbnail"].clone();
        let url: reqwest::Url = thumbnail.as_str().unwrap().parse().unwrap();
        let asked = url.query_pairs().find(|(name, _)| name == "x-oss-process").unwrap().1.into_owned();
        assert_eq!(asked, process, "{name}");
        let picture = open(&thumbnail).await;
        // The content of these is no picture. The signature comes first.
        assert!([200, 400].contains(&picture.status().as_u16()), "{name}: {:?}", picture.text().await);
    }
    let video = links(&desk, "7.mp4", "video/mp4", "").await;
    assert_eq!(header(&open(&video["thumbnail"]).await, "content-type"), "image/jpeg");
    for (name, content_type) in
        [("a.svg", "image/svg+xml"), ("a.txt", "text/plain"), ("a.pdf", "application/pdf")]
    {
        assert_eq!(links(&desk, name, content_type, "").await["thumbnail"], json!(null), "{name}");
    }
    let image = desk.upload(ERIC, "x.png", "image/png", b"x").await;
    for query in ["width=0", "width=4097", "height=-1", "width=x", "at=-1", "depth=1"] {
        let refused = desk.get(ERIC, &format!("/objects/{}?{query}", image.id())).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{query}: {refused:?}");
    }
}

#[tokio::test]
async fn links_are_good_for_one_object_and_for_a_while() {
    let (cloud, clock) = cloud_with_clock().await;
    let desk = Desk::on(&cloud).await.set("DESK_LINK_EXPIRY", "60").start().await;
    let links = links(&desk, "a.png", "image/png", "").await;
    for link in ["download", "view", "thumbnail"] {
        assert_ne!(open(&links[link]).await.status(), 403, "{link}");
        let text = links[link].as_str().unwrap();
        for altered in
            [text.replace("a.png", "b.png"), text.replace("inline", "attachment").replace("w_320", "w_4000")]
        {
            if altered != text {
                assert_eq!(open(&json!(altered)).await.status(), 403, "{altered}");
            }
        }
        let bare = text.split('?').next().unwrap();
        assert_eq!(open(&json!(bare)).await.status(), 403);
    }
    clock.advance(TimeDelta::seconds(50));
    assert_eq!(open(&links["download"]).await.status(), 200);
    clock.advance(TimeDelta::seconds(20));
    for link in ["download", "view", "thumbnail"] {
        assert_eq!(open(&links[link]).await.status(), 403, "{link}");
    }
}

#[tokio::test]
async fn forms_and_links_name_the_endpoint_for_browsers() {
    let cloud = Cloud::start().await;
    let setup = Desk::on(&cloud).await.set("DESK_PUBLIC_ENDPOINT", "oss-cn-hangzhou.aliyuncs.com");
    let desk = setup.start().await;
    let origin = "https://source.oss-cn-hangzhou.aliyuncs.com";
    assert_eq!(desk.get(ERIC, "/me").await.body["upload_origin"], origin);
    let allowed = desk.allow(ERIC, "a.png", "image/png", b"abc").await;
    assert_eq!(allowed.body["upload"]["url"], format!("{origin}/"));
    assert!(!field(&allowed.body["upload"], "policy").is_empty());
    // The desk itself goes on talking to the other one.
    cloud.twin.oss().put(e2e::cloud::SOURCE, allowed.body["key"].as_str().unwrap(), "abc");
    let stored = desk.post(ERIC, &format!("/uploads/{}/check", allowed.id()), json!({})).await;
    let links = &stored.body["object"]["links"];
    for link in ["download", "view"] {
        let url = links[link].as_str().unwrap();
        assert!(url.starts_with(&format!("{origin}/uploads/eric/")), "{url}");
    }
    desk.until_forwarded(ERIC, &allowed.id()).await;
}
