//! Web servers that break, lie and change their mind.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use cloud_twin::Service;
use e2e::cloud::MIRROR;
use e2e::copy::bytes;
use e2e::{Cloud, Copy, WebReply, WebRequest, WebServer};

use crate::support::{PART, SMALL_PARTS, assert_mirrored, assert_nothing_mirrored, ends_with, succeeded};

fn from_web(cloud: &Cloud, server: &WebServer) -> Copy {
    Copy::new(&cloud.twin, server.url("/a"), format!("obs://{MIRROR}/a")).with(SMALL_PARTS)
}

/// A server whose first answer to a GET is changed by `odd`.
async fn odd_once(
    content: &Bytes,
    odd: impl Fn(&WebRequest, WebReply) -> WebReply + Send + Sync + 'static,
) -> WebServer {
    let (content, gets) = (content.clone(), AtomicUsize::new(0));
    WebServer::start(move |request| {
        let reply = WebReply::file(request, &content).header("etag", "\"v1\"");
        let first = request.method == "GET" && gets.fetch_add(1, Ordering::SeqCst) == 0;
        if first { odd(request, reply) } else { reply }
    })
    .await
}

/// How often the whole was asked for.
fn whole(server: &WebServer) -> usize {
    let all = server.requests().into_iter();
    all.filter(|request| request.method == "GET" && request.header("range").is_none()).count()
}

fn ranges(server: &WebServer) -> Vec<String> {
    server.requests().iter().filter_map(|request| request.header("range").map(str::to_owned)).collect()
}

#[tokio::test]
async fn reading_goes_on_where_the_connection_broke() {
    let cloud = Cloud::start().await;
    let content = bytes(1, 80_000);
    let server = odd_once(&content, |_, reply| reply.broken_after(30_000)).await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(ranges(&server).last().unwrap(), "bytes=30000-79999", "{:?}", ranges(&server));
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "PutObject"), 1);
}

#[tokio::test]
async fn a_break_of_a_whole_answer_skips_what_was_read_before() {
    let cloud = Cloud::start().await;
    let content = bytes(2, 3 * PART);
    let (body, gets) = (content.clone(), AtomicUsize::new(0));
    let server = WebServer::start(move |request| {
        let first = request.method == "GET" && gets.fetch_add(1, Ordering::SeqCst) == 0;
        let reply = WebReply::whole(&body);
        if first { reply.broken_after(250_000) } else { reply }
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(server.count("GET"), 2);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "InitiateMultipartUpload"), 1);
}

#[tokio::test]
async fn a_break_of_a_body_of_unknown_length_begins_anew_and_leaves_nothing_behind() {
    let cloud = Cloud::start().await;
    let content = bytes(3, 3 * PART);
    let (body, gets) = (content.clone(), AtomicUsize::new(0));
    let server = WebServer::start(move |request| {
        let first = request.method == "GET" && gets.fetch_add(1, Ordering::SeqCst) == 0;
        if first { WebReply::whole(&body).broken_chunk(250_000) } else { WebReply::whole(&body).chunked() }
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(server.count("GET"), 2);
}

#[tokio::test]
async fn a_file_that_changes_between_two_ranges_is_copied_as_it_is_now() {
    let cloud = Cloud::start().await;
    let (old, new) = (bytes(4, 3 * PART), bytes(5, 3 * PART));
    let (new_body, gets) = (new.clone(), AtomicUsize::new(0));
    let server = WebServer::start(move |request| {
        let first = request.method == "GET" && gets.fetch_add(1, Ordering::SeqCst) == 0;
        let (content, etag) = if first { (&old, "\"old\"") } else { (&new_body, "\"new\"") };
        // `If-Match` is not looked at, as most servers do not.
        WebReply::file(request, content).header("etag", etag)
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", new);
    let copy = cloud.twin.obs().get(MIRROR, "a").unwrap();
    assert_eq!(copy.headers.user["src-etag"], "new");
}

#[tokio::test]
async fn a_file_that_never_stops_changing_is_copied_as_one_answer_had_it() {
    let cloud = Cloud::start().await;
    let asked = AtomicUsize::new(0);
    let server = WebServer::start(move |request| {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        let seed = u32::try_from(number).unwrap();
        WebReply::file(request, &bytes(seed, 3 * PART)).header("etag", format!("\"{number}\""))
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    let copy = cloud.twin.obs().get(MIRROR, "a").unwrap();
    let version = copy.headers.user["src-etag"].to_str().unwrap().parse().unwrap();
    assert_mirrored(&cloud, "a", bytes(version, 3 * PART));
    // By ranges, in one go, and once more in one go for what was said afterwards.
    assert_eq!(whole(&server), 2);
}

#[tokio::test]
async fn a_server_that_knows_no_head_is_asked_for_the_first_byte() {
    let cloud = Cloud::start().await;
    let content = bytes(7, 3 * PART);
    let body = content.clone();
    let server = WebServer::start(move |request| {
        let reply = WebReply::file(request, &body).header("etag", "\"v1\"");
        if request.method == "HEAD" { WebReply::new(405) } else { reply }
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", content);
    assert!(ranges(&server).contains(&"bytes=0-0".to_owned()), "{:?}", ranges(&server));
}

#[tokio::test]
async fn a_head_that_says_less_than_a_get_is_no_change() {
    let cloud = Cloud::start().await;
    let content = bytes(8, 2 * PART);
    let body = content.clone();
    let server = WebServer::start(move |request| match &*request.method {
        // Made by a script: of unknown length, without a tag.
        "HEAD" => WebReply::new(200).chunked(),
        _ => WebReply::file(request, &body).header("etag", "\"v1\""),
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", content);
    assert_eq!(succeeded(&cloud.twin, Service::Obs, "InitiateMultipartUpload"), 1);
}

#[tokio::test]
async fn a_range_that_was_not_asked_for_is_not_taken() {
    let cloud = Cloud::start().await;
    let content = bytes(9, 3 * PART);
    let body = content.clone();
    let server = WebServer::start(move |request| {
        let second = request.header("range").is_some_and(|range| range.starts_with("bytes=102400-"));
        if second {
            let wrong = WebReply::partial(&body.slice(500..500 + PART));
            return wrong.header("content-range", format!("bytes 500-{}/{}", 499 + PART, body.len()));
        }
        WebReply::file(request, &body)
    })
    .await;
    // Either in one go or not at all, but never with the wrong bytes.
    let finished = from_web(&cloud, &server).run().await;
    match finished.code {
        Some(0) => assert_mirrored(&cloud, "a", content),
        _ => assert_nothing_mirrored(&cloud, "a"),
    }
}
