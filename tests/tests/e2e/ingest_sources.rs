//! `POST /objects` from odd web servers: by the same rules as `copy`.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use e2e::copy::bytes;
use e2e::{Cloud, Function, WebReply, WebServer};
use serde_json::json;

use crate::ingest::{domain, fetch, private};

/// More than a part.
const LARGE: usize = (16 << 20) + 5000;

#[tokio::test]
async fn a_part_that_is_sent_as_the_whole_is_not_the_object() {
    let cloud = Cloud::start().await;
    let function = Function::with(private(&cloud)).start().await;
    let content = bytes(1, LARGE);
    for named in [true, false] {
        let body = content.clone();
        let site = WebServer::start(move |request| {
            let reply = match request.header("range") {
                Some(_) if named => WebReply::file(request, &body).with_status(200),
                Some(_) => WebReply::whole(&body.slice(..16 << 20)),
                None => WebReply::whole(&body),
            };
            reply.header("etag", "\"v1\"")
        })
        .await;
        let key = format!("large-{named}");
        let told = fetch(&function, &domain(&site), &key).await;
        assert_eq!(told.first("state"), "copied", "{told:?}");
        assert!(cloud.mirrored(&key).unwrap().body == content, "{key}");
    }
    let half = content.slice(..LARGE / 2);
    let site = WebServer::start(move |_| {
        let range = format!("bytes 0-{}/{LARGE}", half.len() - 1);
        WebReply::whole(&half).header("content-range", range)
    })
    .await;
    let told = fetch(&function, &domain(&site), "half").await;
    assert_eq!(
        (told.first("state"), told.first("class")),
        (&json!("failed"), &json!("transient")),
        "{told:?}"
    );
    assert!(cloud.mirrored("half").is_none());
}

#[tokio::test]
async fn what_a_server_says_afterwards_is_a_hint() {
    let cloud = Cloud::start().await;
    let function = Function::with(private(&cloud)).start().await;
    let asked = AtomicUsize::new(0);
    let once = WebServer::start(move |request| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => WebReply::file(request, &Bytes::from_static(b"content")).header("etag", "\"v1\""),
        _ => WebReply::new(410),
    })
    .await;
    let no_length = WebServer::start(|request| match &*request.method {
        "HEAD" => WebReply::new(200).header("etag", "\"other\""),
        _ => WebReply::file(request, &Bytes::from_static(b"content")).header("etag", "\"v1\""),
    })
    .await;
    for (key, site) in [("once", &once), ("no-length", &no_length)] {
        let told = fetch(&function, &domain(site), key).await;
        assert_eq!((told.first("state"), told.first("bytes")), (&json!("copied"), &json!(7)), "{told:?}");
        assert_eq!(cloud.mirrored(key).unwrap().body, "content");
    }
}

#[tokio::test]
async fn a_server_that_is_busy_for_a_moment_is_ridden_out_and_its_headers_are_cleaned() {
    let cloud = Cloud::start().await;
    let function = Function::with(private(&cloud)).start().await;
    let gets = AtomicUsize::new(0);
    let site = WebServer::start(move |request| match gets.fetch_add(1, Ordering::SeqCst) {
        0 => WebReply::new(503),
        1 => WebReply::dropped(),
        _ => WebReply::file(request, &Bytes::from_static(b"content"))
            .header("content-encoding", "aws-chunked")
            .header("content-language", ""),
    })
    .await;
    let told = fetch(&function, &domain(&site), "报告 1.pdf").await;
    assert_eq!(told.first("state"), "copied", "{told:?}");
    let copy = cloud.mirrored("报告 1.pdf").unwrap();
    assert!(copy.body == "content" && copy.headers.standard.is_empty(), "{copy:?}");
    assert!(site.requests().iter().all(|request| request.target == "/%E6%8A%A5%E5%91%8A%201.pdf"));
}
