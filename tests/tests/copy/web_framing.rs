//! What web servers say of the bytes that they send is compared, and not believed.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use cloud_twin::Service;
use e2e::cloud::MIRROR;
use e2e::copy::bytes;
use e2e::{Cloud, Copy, WebReply, WebRequest, WebServer};

use crate::support::{
    PART, SMALL_PARTS, assert_mirrored, assert_nothing_mirrored, counts, ends_with, succeeded,
};

fn from_web(cloud: &Cloud, server: &WebServer) -> Copy {
    Copy::new(&cloud.twin, server.url("/a"), format!("obs://{MIRROR}/a")).with(SMALL_PARTS)
}

/// A server of one file whose answers to ranges are changed by `odd`, which gets the part, and its first and last byte.
async fn odd_parts(
    content: &Bytes,
    odd: impl Fn(Bytes, [usize; 2], usize) -> WebReply + Send + Sync + 'static,
) -> WebServer {
    let content = content.clone();
    WebServer::start(move |request: &WebRequest| {
        let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let reply = match range {
            None => WebReply::whole(&content),
            Some((first, _)) if first.parse::<usize>().unwrap() >= content.len() => WebReply::new(416),
            Some((first, last)) => {
                let (first, last) = (first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap());
                let last = last.min(content.len() - 1);
                odd(content.slice(first..=last), [first, last], content.len())
            }
        };
        reply.header("etag", "\"v1\"")
    })
    .await
}

/// How often a GET asked for the whole.
fn whole(server: &WebServer) -> usize {
    let all = server.requests().into_iter();
    all.filter(|request| request.method == "GET" && request.header("range").is_none()).count()
}

#[tokio::test]
async fn a_part_that_contradicts_itself_is_asked_for_again_without_a_range() {
    type Odd = fn(Bytes, [usize; 2], usize) -> WebReply;
    let odds: [(&str, Odd); 8] = [
        ("200 that calls itself a part", |part, [first, last], of| {
            let reply = WebReply::partial(&part).with_status(200);
            reply.header("content-range", format!("bytes {first}-{last}/{of}"))
        }),
        ("200 of a part, without a word", |part, _, _| WebReply::whole(&part)),
        ("206 without a range", |part, _, _| WebReply::partial(&part)),
        ("another length than its range", |part, [first, last], of| {
            let reply = WebReply::partial(&part.slice(..part.len() - 1));
            reply.header("content-range", format!("bytes {first}-{last}/{of}"))
        }),
        ("a range beyond the end", |part, [first, last], _| {
            WebReply::partial(&part).header("content-range", format!("bytes {first}-{last}/{last}"))
        }),
        ("another unit", |part, [first, last], of| {
            WebReply::partial(&part).header("content-range", format!("items {first}-{last}/{of}"))
        }),
        ("several parts", |part, _, _| {
            WebReply::partial(&part).header("content-type", "multipart/byteranges; boundary=x")
        }),
        ("another status", |part, [first, last], of| {
            let reply = WebReply::partial(&part).with_status(226);
            reply.header("content-range", format!("bytes {first}-{last}/{of}"))
        }),
    ];
    for (number, (what, odd)) in odds.into_iter().enumerate() {
        let cloud = Cloud::start().await;
        let content = bytes(u32::try_from(number).unwrap(), 2 * PART + 500);
        let server = odd_parts(&content, odd).await;
        assert_eq!(counts(0, from_web(&cloud, &server)).await, [1, 0, 0, 0], "{what}");
        assert_mirrored(&cloud, "a", &content);
        assert_eq!(whole(&server), 1, "{what}");
        let directory = tempfile::TempDir::new().unwrap();
        let to = directory.path().join("a");
        let copy = Copy::new(&cloud.twin, server.url("/a"), to.to_str().unwrap()).with(SMALL_PARTS);
        ends_with(0, copy).await;
        assert!(std::fs::read(&to).unwrap() == content, "{what}");
    }
}

#[tokio::test]
async fn one_that_contradicts_itself_in_a_later_part_is_read_in_one_go() {
    type Odd = fn(Bytes, [usize; 2], usize) -> WebReply;
    let odds: [Odd; 2] = [
        |part, _, _| WebReply::whole(&part),
        |part, [first, last], of| {
            let reply = WebReply::partial(&part).with_status(200);
            reply.header("content-range", format!("bytes {first}-{last}/{of}"))
        },
    ];
    for odd in odds {
        let cloud = Cloud::start().await;
        let content = bytes(20, 4 * PART);
        let server = odd_parts(&content, move |part, [first, last], of| {
            if first == 2 * PART {
                return odd(part, [first, last], of);
            }
            WebReply::partial(&part).header("content-range", format!("bytes {first}-{last}/{of}"))
        })
        .await;
        ends_with(0, from_web(&cloud, &server)).await;
        assert_mirrored(&cloud, "a", &content);
        assert_eq!(whole(&server), 1);
    }
}

#[tokio::test]
async fn what_contradicts_itself_without_a_range_too_fails_and_leaves_nothing() {
    let cloud = Cloud::start().await;
    let content = bytes(21, 2 * PART);
    // As a server that has the first half only.
    let server = WebServer::start(move |_| {
        let half = WebReply::whole(&content.slice(..PART)).header("etag", "\"v1\"");
        half.header("content-range", format!("bytes 0-{}/{}", PART - 1, 2 * PART))
    })
    .await;
    let finished = ends_with(3, from_web(&cloud, &server)).await;
    assert!(finished.stderr.contains("contradicts itself"), "{finished:?}");
    assert_nothing_mirrored(&cloud, "a");
    let directory = tempfile::TempDir::new().unwrap();
    let to = directory.path().join("a");
    ends_with(3, Copy::new(&cloud.twin, server.url("/a"), to.to_str().unwrap())).await;
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn ranges_are_read_as_servers_write_them() {
    for form in ["Bytes 0-9/X", "BYTES  0-9/X", "bytes=0-9/X", "bytes: 0-9/X"] {
        let cloud = Cloud::start().await;
        let content = bytes(22, 2 * PART + 500);
        let server = odd_parts(&content, move |part, [first, last], of| {
            let range = form.replace("0-9", &format!("{first}-{last}")).replace('X', &of.to_string());
            WebReply::partial(&part).header("content-range", range)
        })
        .await;
        ends_with(0, from_web(&cloud, &server)).await;
        assert_mirrored(&cloud, "a", &content);
        assert_eq!(whole(&server), 0, "{form}: by ranges");
        assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 3);
    }
}

#[tokio::test]
async fn a_body_is_as_long_as_its_head_says() {
    // Chunks tell their end themselves: beside a range that is shorter, and beside a length that counts for nothing.
    let cloud = Cloud::start().await;
    let content = bytes(23, 3 * PART);
    let body = content.clone();
    let longer = WebServer::start(move |request| match request.header("range") {
        Some(_) => {
            WebReply::partial(&body).chunked().header("content-range", format!("bytes 0-{}/{PART}", PART - 1))
        }
        None => WebReply::whole(&body).chunked(),
    })
    .await;
    let finished = from_web(&cloud, &longer).run().await;
    match finished.code {
        Some(0) => assert_mirrored(&cloud, "a", &content),
        _ => assert_nothing_mirrored(&cloud, "a"),
    }
    let cloud = Cloud::start().await;
    let body = content.clone();
    let both = WebServer::start(move |_| {
        WebReply::whole(&body).chunked().header("content-length", (PART / 2).to_string())
    })
    .await;
    ends_with(0, from_web(&cloud, &both)).await;
    assert_mirrored(&cloud, "a", &content);
}

#[tokio::test]
async fn a_total_that_head_contradicts_is_asked_for_again_without_a_range() {
    let cloud = Cloud::start().await;
    let content = bytes(24, 3 * PART);
    let (body, half) = (content.clone(), content.slice(..PART + 7));
    // A cache that kept the begin of it as if that were all.
    let server = WebServer::start(move |request| {
        let reply = match request.header("range") {
            Some(_) => WebReply::file(request, &half),
            None => WebReply::whole(&body),
        };
        reply.header("etag", "\"v1\"")
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", &content);
    // Nor is it taken for an older copy, or the other way round.
    assert_eq!(counts(0, from_web(&cloud, &server)).await, [0, 1, 0, 0]);
}

#[tokio::test]
async fn a_length_that_only_head_tells_may_be_too_small() {
    let cloud = Cloud::start().await;
    let content = bytes(25, 3 * PART);
    let (body, half) = (content.clone(), content.slice(..2 * PART + 7));
    let server = WebServer::start(move |request| {
        let range = request.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let reply = match range {
            Some((first, last)) => {
                let (first, last) = (first.parse::<usize>().unwrap(), last.parse::<usize>().unwrap());
                let last = last.min(body.len() - 1);
                let part = WebReply::partial(&body.slice(first..=last));
                part.header("content-range", format!("bytes {first}-{last}/*"))
            }
            None if request.method == "HEAD" => WebReply::whole(&half),
            None => WebReply::whole(&body).chunked(),
        };
        reply.header("etag", "\"v1\"")
    })
    .await;
    ends_with(0, from_web(&cloud, &server)).await;
    assert_mirrored(&cloud, "a", &content);
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection_is_compared_with_head() {
    for len in [500, 2 * PART] {
        let cloud = Cloud::start().await;
        let content = bytes(26, len);
        let (body, gets) = (content.clone(), AtomicUsize::new(0));
        // As of HTTP/1.0: the first time the connection ends half-way.
        let server = WebServer::start(move |request| {
            let whole = WebReply::whole(&body);
            match &*request.method {
                "HEAD" => whole,
                _ if gets.fetch_add(1, Ordering::SeqCst) == 0 => whole.closed_after(len / 2),
                _ => whole.closed_after(len),
            }
        })
        .await;
        ends_with(0, from_web(&cloud, &server)).await;
        assert_mirrored(&cloud, "a", &content);
        // Where nothing else is known, what comes is all there is.
        let body = content.clone();
        let silent = WebServer::start(move |request| match &*request.method {
            "HEAD" => WebReply::new(405),
            _ => WebReply::whole(&body).closed_after(len),
        })
        .await;
        ends_with(0, from_web(&cloud, &silent)).await;
        assert_mirrored(&cloud, "a", &content);
    }
}

#[tokio::test]
async fn services_that_speak_as_s3_does_are_read_by_the_same_rules() {
    let cloud = Cloud::start().await;
    let content = bytes(27, 2 * PART + 500);
    let server = odd_parts(&content, |part, [first, last], of| {
        let reply = WebReply::partial(&part).with_status(200);
        reply.header("content-range", format!("bytes {first}-{last}/{of}"))
    })
    .await;
    let copy = Copy::new(&cloud.twin, "s3://photos/a", format!("obs://{MIRROR}/a"))
        .with(SMALL_PARTS)
        .settings(|settings| settings.and(server.s3()));
    ends_with(0, copy).await;
    assert_mirrored(&cloud, "a", &content);
}
