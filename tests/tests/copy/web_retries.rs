//! Web servers that are busy or break for a moment are ridden out, as object services are.

use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::cloud::MIRROR;
use e2e::copy::bytes;
use e2e::{Cloud, Copy, WebReply, WebServer};

use crate::support::{PART, SMALL_PARTS, assert_mirrored, assert_nothing_mirrored, ends_with};

#[tokio::test]
async fn one_bad_answer_does_not_end_a_copy() {
    type Bad = fn() -> WebReply;
    let bad: [Bad; 4] =
        [|| WebReply::new(503), || WebReply::new(429), || WebReply::new(502), WebReply::dropped];
    for (number, bad) in bad.into_iter().enumerate() {
        for chunked in [false, true] {
            let cloud = Cloud::start().await;
            let content = bytes(u32::try_from(number).unwrap(), 2 * PART + 5);
            let (body, gets) = (content.clone(), AtomicUsize::new(0));
            // Each second request.
            let server = WebServer::start(move |request| {
                if gets.fetch_add(1, Ordering::SeqCst) % 2 == 0 {
                    return bad();
                }
                if chunked {
                    return WebReply::whole(&body).chunked();
                }
                WebReply::file(request, &body).header("etag", "\"v1\"")
            })
            .await;
            let to_bucket = Copy::new(&cloud.twin, server.url("/a"), format!("obs://{MIRROR}/a"));
            ends_with(0, to_bucket.with(SMALL_PARTS)).await;
            assert_mirrored(&cloud, "a", &content);
            let directory = tempfile::TempDir::new().unwrap();
            let to = directory.path().join("a");
            ends_with(0, Copy::new(&cloud.twin, server.url("/a"), to.to_str().unwrap())).await;
            assert!(std::fs::read(&to).unwrap() == content);
        }
    }
}

#[tokio::test]
async fn a_server_that_stays_down_ends_it_and_one_that_refuses_is_asked_once() {
    let cloud = Cloud::start().await;
    for (status, code, asked) in [(503, 3, 4), (403, 4, 1), (400, 3, 1)] {
        let server = WebServer::start(move |_| WebReply::new(status)).await;
        ends_with(code, Copy::new(&cloud.twin, server.url("/a"), format!("obs://{MIRROR}/a"))).await;
        assert_eq!(server.count("GET"), asked, "{status}");
        assert_nothing_mirrored(&cloud, "a");
    }
}
