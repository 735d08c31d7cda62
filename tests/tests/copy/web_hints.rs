//! What web servers say once their object is copied is a hint: the copy is there, whole, and right.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use e2e::cloud::MIRROR;
use e2e::copy::bytes;
use e2e::{Cloud, Copy, WebReply, WebServer};

use crate::support::{PART, SMALL_PARTS, assert_mirrored, counts};

const COPIED: [u64; 4] = [1, 0, 0, 0];

fn from_web(cloud: &Cloud, server: &WebServer) -> Copy {
    Copy::new(&cloud.twin, server.url("/a"), format!("obs://{MIRROR}/a")).with(SMALL_PARTS)
}

/// A server whose HEAD says something of its own.
async fn with_head(content: &Bytes, head: impl Fn() -> WebReply + Send + Sync + 'static) -> WebServer {
    let content = content.clone();
    WebServer::start(move |request| match &*request.method {
        "HEAD" => head(),
        _ => WebReply::file(request, &content).header("etag", "\"v1\""),
    })
    .await
}

#[tokio::test]
async fn head_may_say_what_it_likes() {
    type Head = fn() -> WebReply;
    let heads: [(&str, Head); 6] = [
        ("a length of nothing", || WebReply::new(200).header("etag", "\"v1\"")),
        ("another tag", || WebReply::new(200).header("etag", "\"of-another-machine\"")),
        ("another time", || WebReply::new(200).header("last-modified", "Mon, 05 Jan 2026 10:00:00 GMT")),
        ("nothing there", || WebReply::new(404)),
        ("not allowed", || WebReply::new(403)),
        ("no answer", WebReply::dropped),
    ];
    for (what, head) in heads {
        for len in [500, 3 * PART] {
            let cloud = Cloud::start().await;
            let content = bytes(1, len);
            let server = with_head(&content, head).await;
            assert_eq!(counts(0, from_web(&cloud, &server)).await, COPIED, "{what}");
            assert_mirrored(&cloud, "a", &content);
            let sent: Vec<_> = server
                .requests()
                .into_iter()
                .filter(|request| request.method == "GET" && request.header("range") != Some("bytes=0-0"))
                .collect();
            assert_eq!(sent.len(), len.div_ceil(PART), "{what}: each part once");
        }
    }
}

#[tokio::test]
async fn head_that_says_another_length_costs_one_more_answer() {
    let cloud = Cloud::start().await;
    let content = bytes(2, 500);
    let server = with_head(&content, || WebReply::whole(&bytes(2, 700))).await;
    assert_eq!(counts(0, from_web(&cloud, &server)).await, COPIED);
    assert_mirrored(&cloud, "a", &content);
    assert!(server.count("GET") <= 3, "{:?}", server.requests());
}

#[tokio::test]
async fn a_link_that_works_once_is_enough() {
    for after in [403, 404, 410, 500] {
        let cloud = Cloud::start().await;
        let content = bytes(3, 5000);
        let (body, asked) = (content.clone(), AtomicUsize::new(0));
        let server = WebServer::start(move |request| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => WebReply::file(request, &body).header("etag", "\"v1\""),
            _ => WebReply::new(after),
        })
        .await;
        assert_eq!(counts(0, from_web(&cloud, &server)).await, COPIED, "{after}");
        assert_mirrored(&cloud, "a", &content);
    }
}

#[tokio::test]
async fn a_page_that_comes_afterwards_is_no_newer_object() {
    let cloud = Cloud::start().await;
    let content = bytes(6, 400);
    let (body, asked) = (content.clone(), AtomicUsize::new(0));
    let server = WebServer::start(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => WebReply::whole(&body),
        _ => WebReply::whole(&bytes(7, 600)),
    })
    .await;
    assert_eq!(counts(0, from_web(&cloud, &server)).await, COPIED);
    assert_mirrored(&cloud, "a", &content);
}

#[tokio::test]
async fn a_whole_copy_stays_one_where_no_other_can_be_had() {
    for after in [403, 404, 500] {
        let cloud = Cloud::start().await;
        let content = bytes(8, 400);
        let (body, gets) = (content.clone(), AtomicUsize::new(0));
        // Each answer has a tag of its own, which brings about a second copy, and that one fails.
        let server = WebServer::start(move |request| {
            if request.method == "HEAD" {
                return WebReply::new(404);
            }
            match gets.fetch_add(1, Ordering::SeqCst) {
                number @ 0..2 => WebReply::whole(&body).header("etag", format!("\"{number}\"")),
                _ => WebReply::new(after),
            }
        })
        .await;
        let finished = from_web(&cloud, &server).with(["--json"]).run().await;
        assert_eq!(
            (finished.code, &finished.json()["copied"]),
            (Some(0), &1.into()),
            "{after}: {finished:?}"
        );
        assert_eq!(finished.json()["bytes"], 400);
        assert_mirrored(&cloud, "a", &content);
    }
}

#[tokio::test]
async fn bytes_of_unknown_length_are_counted() {
    for to in ["store", "file"] {
        let cloud = Cloud::start().await;
        let folder = tempfile::TempDir::new().unwrap();
        let content = bytes(9, 2 * PART + 7);
        let body = content.clone();
        let server = WebServer::start(move |request| match &*request.method {
            "HEAD" => WebReply::new(404),
            _ => WebReply::whole(&body).chunked(),
        })
        .await;
        let to = match to {
            "store" => format!("obs://{MIRROR}/a"),
            _ => folder.path().join("a").display().to_string(),
        };
        let copy = Copy::new(&cloud.twin, server.url("/a"), to).with(SMALL_PARTS).with(["--json"]);
        let finished = copy.run().await;
        assert_eq!(
            (finished.code, &finished.json()["bytes"]),
            (Some(0), &content.len().into()),
            "{finished:?}"
        );
    }
}

#[tokio::test]
async fn what_this_run_wrote_is_no_older_copy() {
    let cloud = Cloud::start().await;
    let (old, new) = (bytes(4, 3 * PART), bytes(5, 3 * PART));
    let (new_body, gets) = (new.clone(), AtomicUsize::new(0));
    // The same tag as of what was copied first, though it said another one meanwhile.
    let server = WebServer::start(move |request| {
        if request.method == "HEAD" {
            return WebReply::whole(&old).header("etag", "\"v2\"");
        }
        match (gets.fetch_add(1, Ordering::SeqCst), request.header("range")) {
            (0..3, _) => WebReply::file(request, &old).header("etag", "\"v1\""),
            (_, Some("bytes=0-0")) => WebReply::file(request, &old).header("etag", "\"v2\""),
            _ => WebReply::file(request, &new_body).header("etag", "\"v1\""),
        }
    })
    .await;
    assert_eq!(counts(0, from_web(&cloud, &server)).await, COPIED);
    assert_mirrored(&cloud, "a", &new);
}

#[tokio::test]
async fn machines_with_tags_of_their_own_are_read_in_one_go() {
    let cloud = Cloud::start().await;
    let content = bytes(6, 4 * PART);
    let (body, asked) = (content.clone(), AtomicUsize::new(0));
    let server = WebServer::start(move |request| {
        let machine = asked.fetch_add(1, Ordering::SeqCst) % 2;
        let own = format!("\"machine-{machine}\"");
        match request.header("if-match") {
            Some(tag) if tag != own => WebReply::new(412),
            _ => WebReply::file(request, &body).header("etag", own),
        }
    })
    .await;
    assert_eq!(counts(0, from_web(&cloud, &server)).await, COPIED);
    assert_mirrored(&cloud, "a", &content);
}
