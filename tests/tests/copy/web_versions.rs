//! Web servers that say little about what they send: no copy is assembled from what may be two versions.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use cloud_twin::Service;
use e2e::cloud::MIRROR;
use e2e::copy::bytes;
use e2e::{Cloud, Copy, WebReply, WebServer};

use crate::support::{PART, SMALL_PARTS, assert_mirrored, ends_with, succeeded};

const MODIFIED: (&str, &str) = ("last-modified", "Mon, 05 Jan 2026 10:00:00 GMT");

fn from_web(cloud: &Cloud, server: &WebServer) -> Copy {
    Copy::new(&cloud.twin, server.url("/a"), format!("obs://{MIRROR}/a")).with(SMALL_PARTS)
}

/// Two versions of one length, of which the first GET gives one and all others give the other, changed by `change`.
async fn two_versions(
    versions: [&Bytes; 2],
    change: impl Fn(WebReply, usize) -> WebReply + Send + Sync + 'static,
) -> WebServer {
    let (versions, gets) = (versions.map(Bytes::clone), AtomicUsize::new(0));
    WebServer::start(move |request| {
        let get = if request.method == "GET" { gets.fetch_add(1, Ordering::SeqCst) } else { usize::MAX };
        change(WebReply::file(request, &versions[get.min(1)]), get)
    })
    .await
}

/// The first bytes of the ranges that were asked for.
fn ranges(server: &WebServer) -> Vec<String> {
    let ranges =
        server.requests().into_iter().filter_map(|request| request.header("range").map(str::to_owned));
    ranges.collect()
}

#[tokio::test]
async fn what_has_neither_a_strong_etag_nor_a_time_is_read_in_one_go() {
    for weak in [None, Some("W/\"same\"")] {
        let cloud = Cloud::start().await;
        let (old, new) = (bytes(1, 4 * PART), bytes(2, 4 * PART));
        let server = two_versions([&old, &new], move |reply, _| match weak {
            Some(etag) => reply.header("etag", etag),
            None => reply,
        })
        .await;
        ends_with(0, from_web(&cloud, &server)).await;
        assert_mirrored(&cloud, "a", new);
        assert_eq!(ranges(&server), ["bytes=0-102399"], "{weak:?}");
        assert_eq!(server.count("GET"), 2);
        assert!(server.requests().iter().all(|request| request.header("if-match").is_none()));
    }
}

#[tokio::test]
async fn it_is_begun_again_where_the_connection_breaks() {
    let cloud = Cloud::start().await;
    let (old, new) = (bytes(3, 4 * PART), bytes(4, 4 * PART));
    let gets = AtomicUsize::new(0);
    let (first, second) = (old.clone(), new.clone());
    // Whoever read on, or skipped what was there before, would get the end of the new one.
    let server = WebServer::start(move |request| {
        let get = if request.method == "GET" { gets.fetch_add(1, Ordering::SeqCst) } else { usize::MAX };
        match get {
            0 => WebReply::file(request, &first),
            1 => WebReply::file(request, &first).broken_after(250_000),
            _ => WebReply::file(request, &second),
        }
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", new);
    // To learn it, what broke, and again: the rest is not even asked for.
    assert_eq!((server.count("GET"), ranges(&server).len()), (3, 1));
}

#[tokio::test]
async fn one_without_ranges_that_is_known_again_is_skipped_to_where_it_broke() {
    let cloud = Cloud::start().await;
    let content = bytes(5, 4 * PART);
    let (body, gets) = (content.clone(), AtomicUsize::new(0));
    let server = WebServer::start(move |request| {
        let second = request.method == "GET" && gets.fetch_add(1, Ordering::SeqCst) == 1;
        let reply = WebReply::whole(&body).header("etag", "\"v1\"");
        if second { reply.broken_after(250_000) } else { reply }
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "InitiateMultipartUpload"), 1);
}

#[tokio::test]
async fn a_weak_etag_that_changed_tells_of_another_version() {
    // With a time, ranges are read, and the tag is compared; without, the last look tells.
    for time in [true, false] {
        let cloud = Cloud::start().await;
        let (old, new) = (bytes(6, 4 * PART), bytes(7, 4 * PART));
        let server = two_versions([&old, &new], move |reply, get| {
            let reply = reply.header("etag", if get == 0 { "W/\"old\"" } else { "W/\"new\"" });
            if time { reply.header(MODIFIED.0, MODIFIED.1) } else { reply }
        })
        .await;
        ends_with(0, from_web(&cloud, &server)).await;
        assert_mirrored(&cloud, "a", new);
        assert!(server.requests().iter().all(|request| request.header("if-match").is_none()));
        assert_eq!(ranges(&server).len() > 1, time, "{:?}", ranges(&server));
    }
}

#[tokio::test]
async fn a_small_file_whose_weak_etag_changed_meanwhile_is_copied_as_it_is_now() {
    let cloud = Cloud::start().await;
    let (old, new) = (bytes(8, 1000), bytes(9, 1000));
    let server = two_versions([&old, &new], |reply, get| {
        reply.header("etag", if get == 0 { "W/\"old\"" } else { "W/\"new\"" })
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", new);
}

#[tokio::test]
async fn a_length_that_only_a_look_tells_is_enough_for_parts() {
    for tells in [true, false] {
        let cloud = Cloud::start().await;
        let content = bytes(12, 4 * PART);
        let body = content.clone();
        let server = WebServer::start(move |request| {
            let range =
                request.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
            let reply = match range {
                Some((first, _)) if first.parse::<usize>().unwrap() >= body.len() => WebReply::new(416),
                Some((first, last)) => {
                    let last = last.parse::<usize>().unwrap().min(body.len() - 1);
                    let part = WebReply::partial(&body.slice(first.parse().unwrap()..=last));
                    part.header("content-range", format!("bytes {first}-{last}/*"))
                }
                None if request.method == "HEAD" && tells => WebReply::whole(&body),
                None => WebReply::whole(&body).chunked(),
            };
            reply.header("etag", "\"v1\"")
        })
        .await;
        ends_with(0, from_web(&cloud, &server)).await;
        assert_mirrored(&cloud, "a", content);
        // Four parts, and a look behind the end that was told.
        assert_eq!(ranges(&server).len(), if tells { 5 } else { 1 }, "{:?}", ranges(&server));
    }
}

#[tokio::test]
async fn a_range_that_does_not_say_of_what_it_is_is_not_taken() {
    let cloud = Cloud::start().await;
    let (old, new) = (bytes(10, 4 * PART), bytes(11, 4 * PART));
    let server = two_versions(
        [&old, &new],
        |reply, get| {
            if get == 0 { reply.header("etag", "\"v1\"") } else { reply }
        },
    )
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", new);
}
