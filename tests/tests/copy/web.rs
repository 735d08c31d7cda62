//! Objects of web servers.

use bytes::Bytes;
use cloud_twin::Service;
use e2e::cloud::MIRROR;
use e2e::copy::bytes;
use e2e::{Cloud, Copy, WebReply, WebServer};

use crate::support::{
    PART, SMALL_PARTS, assert_mirrored, assert_nothing_mirrored, counts, ends_with, succeeded,
};

fn from_web(cloud: &Cloud, url: impl AsRef<str>, key: &str) -> Copy {
    Copy::new(&cloud.twin, url, format!("obs://{MIRROR}/{key}")).with(SMALL_PARTS)
}

/// A server of one file with an `ETag`, by ranges.
async fn file_server(content: Bytes) -> WebServer {
    WebServer::start(move |request| {
        WebReply::file(request, &content)
            .header("etag", "\"v1\"")
            .header("last-modified", "Mon, 05 Jan 2026 10:00:00 GMT")
    })
    .await
}

#[tokio::test]
async fn a_file_is_copied_under_its_own_name_by_ranges_and_left_alone_the_next_time() {
    let cloud = Cloud::start().await;
    let content = bytes(1, 2 * PART + 500);
    let server = file_server(content.clone()).await;
    let url = server.url("/iso/big%20one.iso?sig=1#part");
    let copy = || Copy::new(&cloud.twin, &url, format!("obs://{MIRROR}/iso/")).with(SMALL_PARTS);
    assert_eq!(counts(0, copy()).await, [1, 0, 0, 0]);
    assert_mirrored(&cloud, "iso/big one.iso", content);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 3);
    let asked: Vec<_> =
        server.requests().iter().filter_map(|request| request.header("range").map(str::to_owned)).collect();
    assert!(asked.contains(&"bytes=204800-205299".to_owned()), "{asked:?}");
    assert!(server.requests().iter().all(|request| request.target == "/iso/big%20one.iso?sig=1"));
    assert_eq!(counts(0, copy()).await, [0, 1, 0, 0]);
}

#[tokio::test]
async fn only_the_headers_of_the_content_come_along() {
    let cloud = Cloud::start().await;
    let server = WebServer::start(|_| {
        WebReply::whole(&Bytes::from_static(b"content"))
            .header("content-type", "text/markdown; charset=utf-8")
            .header("content-disposition", "attachment; filename=\"a.md\"")
            .header("content-language", "de")
            .header("content-encoding", "br")
            .header("cache-control", "private, max-age=7")
            .header("expires", "Thu, 01 Jan 2026 00:00:00 GMT")
            .header("set-cookie", "session=secret")
            .header("x-oss-meta-evil", "1")
            .header("x-obs-meta-evil", "1")
            .header("x-obs-acl", "public-read-write")
            .header("x-obs-storage-class", "COLD")
            .header("x-obs-tagging", "a=b")
            .header("etag", "\"v1\"")
    })
    .await;
    ends_with(0, from_web(&cloud, server.url("/a.md"), "a.md")).await;
    let copy = cloud.twin.obs().get(MIRROR, "a.md").unwrap();
    assert_eq!(copy.body, "content");
    assert_eq!(copy.headers.content_type.unwrap(), "text/markdown; charset=utf-8");
    let mut standard: Vec<_> =
        copy.headers.standard.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    standard.sort_unstable();
    assert_eq!(
        standard,
        [
            ("content-disposition", "attachment; filename=\"a.md\""),
            ("content-encoding", "br"),
            ("content-language", "de")
        ]
    );
    let user: Vec<_> =
        copy.headers.user.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(user.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["src-etag", "src-origin"]);
    assert_eq!(user[0].1, "v1");
    assert_eq!((copy.headers.acl, copy.headers.storage_class, copy.headers.tags), (None, None, Vec::new()));
}

#[tokio::test]
async fn a_body_of_unknown_length_goes_in_one_request_or_in_parts() {
    let cloud = Cloud::start().await;
    // Less than a part, several, and exactly one.
    for (number, len) in [(1, 500), (2, 2 * PART + 500), (3, PART), (4, 0)] {
        let content = bytes(number, len);
        let body = content.clone();
        let server = WebServer::start(move |_| WebReply::whole(&body).chunked()).await;
        let key = format!("stream-{number}");
        assert_eq!(counts(0, from_web(&cloud, server.url("/stream"), &key)).await, [1, 0, 0, 0]);
        assert_mirrored(&cloud, &key, content);
        assert_eq!(server.count("GET"), 1, "{len}");
    }
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 4);
}

#[tokio::test]
async fn a_server_without_ranges_is_read_in_one_go() {
    let cloud = Cloud::start().await;
    let content = bytes(5, 3 * PART + 1);
    let body = content.clone();
    let server = WebServer::start(move |_| WebReply::whole(&body)).await;
    ends_with(0, from_web(&cloud, server.url("/whole"), "whole")).await;
    assert_mirrored(&cloud, "whole", content);
    // Once to learn it, once for all parts.
    assert_eq!(server.count("GET"), 2);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 4);
}

#[tokio::test]
async fn redirects_are_followed_without_the_servers_own_words() {
    let cloud = Cloud::start().await;
    let content = bytes(6, 2 * PART);
    let body = content.clone();
    let server = WebServer::start(move |request| match request.target.as_str() {
        "/one" => WebReply::new(302).header("location", "/two?token=t"),
        "/two?token=t" => WebReply::new(307).header("location", "three"),
        "/three" => WebReply::file(request, &body),
        _ => WebReply::new(404),
    })
    .await;
    ends_with(0, from_web(&cloud, server.url("/one"), "a")).await;
    assert_mirrored(&cloud, "a", content);
}

#[tokio::test]
async fn redirects_in_a_circle_and_to_nowhere_end_the_copy() {
    let cloud = Cloud::start().await;
    let server = WebServer::start(|request| match request.target.as_str() {
        "/circle" => WebReply::new(301).header("location", "/circle"),
        "/nowhere" => WebReply::new(301),
        _ => WebReply::new(301).header("location", "http://["),
    })
    .await;
    for (target, said) in [("/circle", "redirects"), ("/nowhere", "nowhere"), ("/broken", "nowhere")] {
        let finished = ends_with(3, from_web(&cloud, server.url(target), "a")).await;
        assert!(finished.stderr.contains(said), "{finished:?}");
        assert_nothing_mirrored(&cloud, "a");
    }
    assert!(server.count("GET") <= 12, "{}", server.count("GET"));
}

#[tokio::test]
async fn what_is_not_there_or_not_given_out_ends_with_its_own_code() {
    let cloud = Cloud::start().await;
    for (status, code) in [(404, 3), (410, 3), (401, 4), (403, 4), (400, 3), (200, 0)] {
        let server = WebServer::start(move |_| WebReply::new(status)).await;
        ends_with(code, from_web(&cloud, server.url("/a"), "a")).await;
    }
}

#[tokio::test]
async fn a_server_that_is_busy_for_a_moment_does_not_end_a_copy_in_parts() {
    let cloud = Cloud::start().await;
    let content = bytes(7, 3 * PART);
    let body = content.clone();
    let refused = std::sync::atomic::AtomicUsize::new(0);
    let server = WebServer::start(move |request| {
        let second = request.header("range").is_some_and(|range| range.starts_with("bytes=102400-"));
        if second && refused.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 {
            return WebReply::new(503);
        }
        WebReply::file(request, &body).header("etag", "\"v1\"")
    })
    .await;
    ends_with(0, from_web(&cloud, server.url("/a"), "a")).await;
    assert_mirrored(&cloud, "a", content);
}

#[tokio::test]
async fn a_file_from_the_web_lands_in_a_directory_too() {
    let cloud = Cloud::start().await;
    let content = bytes(8, 2 * PART);
    let server = file_server(content.clone()).await;
    let chunked = content.clone();
    let stream = WebServer::start(move |_| WebReply::whole(&chunked).chunked()).await;
    let directory = tempfile::TempDir::new().unwrap();
    for (server, name) in [(&server, "file"), (&stream, "stream")] {
        let to = directory.path().join(name);
        let copy = Copy::new(&cloud.twin, server.url("/x"), to.to_str().unwrap());
        ends_with(0, copy).await;
        assert_eq!(std::fs::read(&to).unwrap(), content);
    }
}
