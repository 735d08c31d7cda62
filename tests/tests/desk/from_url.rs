//! Objects that the desk fetches from the web.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use e2e::cloud::SOURCE;
use e2e::desk::{Answered, DeskSetup, ERIC, MIA};
use e2e::{Cloud, Desk, WebReply, WebRequest, WebServer};
use serde_json::{Value, json};

use crate::support::key;

/// A desk that fetches from this machine.
async fn fetching(cloud: &Cloud) -> DeskSetup {
    let setup = Desk::on(cloud).await;
    setup.set("INGEST_DOMAINS", "127.0.0.1").set("INGEST_ALLOW_PRIVATE", "true")
}

async fn fetch(desk: &Desk, url: &str) -> Answered {
    let fetching = desk.post(ERIC, "/uploads/from-url", json!({"url": url})).await;
    assert_eq!((fetching.status, &fetching.body["state"]), (202, &json!("fetching")), "{fetching:?}");
    fetching
}

/// Fetches in vain, and returns why.
async fn failed(cloud: &Cloud, desk: &Desk, url: &str) -> String {
    let fetching = fetch(desk, url).await;
    let failed = desk.until_state(ERIC, &fetching.id(), "failed").await;
    assert_eq!(cloud.twin.oss().keys(SOURCE), [""; 0], "{failed}");
    assert_eq!(cloud.twin.oss().uploads(SOURCE), []);
    assert_eq!(cloud.sent(&key(&fetching)), 0);
    failed["note"].as_str().unwrap_or_else(|| panic!("no reason: {failed}")).to_owned()
}

async fn stored(desk: &Desk, url: &str) -> Value {
    let fetching = fetch(desk, url).await;
    desk.until_forwarded(ERIC, &fetching.id()).await
}

async fn site_of(content: &'static [u8]) -> WebServer {
    WebServer::start(move |request| {
        WebReply::file(request, &Bytes::from_static(content)).header("content-type", "text/markdown")
    })
    .await
}

#[tokio::test]
async fn an_object_of_the_web_is_fetched_stored_and_forwarded() {
    let (cloud, site) = (Cloud::start().await, site_of(b"from the web").await);
    let desk = fetching(&cloud).await.start().await;
    assert_eq!(desk.get(ERIC, "/me").await.body["from_url"], true);
    let asked = json!({"url": site.url("/docs/readme.md?version=1"), "name": "说明.md"});
    let response = desk.send(reqwest::Method::POST, "/uploads/from-url", Some(ERIC), Some(asked)).await;
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let fetching = Answered::of(response).await;
    assert_eq!(fetching.status, 202);
    assert_eq!(location, format!("/uploads/{}", fetching.id()));
    let object = desk.until_forwarded(ERIC, &fetching.id()).await;
    assert_eq!(
        (&object["name"], &object["size"], &object["type"]),
        (&json!("说明.md"), &json!(12), &json!("text/markdown"))
    );
    let key = key(&fetching);
    assert_eq!(key, format!("uploads/eric/{}/说明.md", fetching.id()));
    assert_eq!(cloud.twin.oss().get(SOURCE, &key).unwrap().body, *b"from the web");
    assert_eq!(cloud.twin.accepted_count(&key), 1);
    assert!(site.requests().iter().all(|request| request.target == "/docs/readme.md?version=1"));
    assert_eq!(desk.get(MIA, &location).await.status, 404);
}

#[tokio::test]
async fn the_name_is_that_of_the_path_and_leads_nowhere() {
    let (cloud, site) = (Cloud::start().await, site_of(b"x").await);
    let desk = fetching(&cloud).await.start().await;
    for (target, name) in [
        ("/dir/%E6%B5%8B%20a.txt?x=1#y", "测 a.txt"),
        ("/%2e%2e%2fescape.txt", "escape.txt"),
        ("/a/..%5c..%5cescape.txt", "escape.txt"),
        ("/a/../b.txt", "b.txt"),
        ("/%00%0a", "unnamed"),
        ("/dir/", "unnamed"),
        ("", "unnamed"),
    ] {
        let fetching = fetch(&desk, &site.url(target)).await;
        assert_eq!(
            (&fetching.body["name"], key(&fetching)),
            (&json!(name), format!("uploads/eric/{}/{name}", fetching.id()),),
            "{target}"
        );
        desk.until_forwarded(ERIC, &fetching.id()).await;
    }
    for name in ["..", "a/", ""] {
        let refused =
            desk.post(ERIC, "/uploads/from-url", json!({"url": site.url("/a"), "name": name})).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{name:?}: {refused:?}");
    }
}

#[tokio::test]
async fn only_what_the_settings_list_is_fetched() {
    let (cloud, site) = (Cloud::start().await, site_of(b"x").await);
    let desk = fetching(&cloud).await.start().await;
    let port = site.url("").rsplit(':').next().unwrap().to_owned();
    for url in [
        format!("http://localhost:{port}/a"),
        format!("http://[::1]:{port}/a"),
        format!("http://user:password@127.0.0.1:{port}/a"),
        "http://127.0.0.2/a".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://100.100.100.200/latest/meta-data/".to_owned(),
        "https://example.com/a".to_owned(),
        "ftp://127.0.0.1/a".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let refused = desk.post(ERIC, "/uploads/from-url", json!({"url": url})).await;
        assert_eq!((refused.status, refused.code()), (403, "refused"), "{url}: {refused:?}");
    }
    let long = site.url(&format!("/{}", "x".repeat(4097)));
    for body in
        [json!({"url": "not a url"}), json!({"url": ""}), json!({}), json!({"url": 1}), json!({"url": long})]
    {
        let refused = desk.post(ERIC, "/uploads/from-url", body.clone()).await;
        assert_eq!((refused.status, refused.code()), (400, "malformed"), "{refused:?}");
    }
    assert_eq!(site.requests().len(), 0);
}

#[tokio::test]
async fn a_desk_without_a_list_fetches_nothing() {
    let (cloud, site) = (Cloud::start().await, site_of(b"x").await);
    let desk = Desk::on(&cloud).await.start().await;
    assert_eq!(desk.get(ERIC, "/me").await.body["from_url"], false);
    let refused = desk.post(ERIC, "/uploads/from-url", json!({"url": site.url("/a")})).await;
    assert_eq!((refused.status, refused.code()), (403, "not_enabled"));
    assert_eq!(site.requests().len(), 0);
}

#[tokio::test]
async fn redirects_lead_to_nothing_that_is_not_listed() {
    let (cloud, site) = (Cloud::start().await, site_of(b"secret").await);
    let desk = fetching(&cloud).await.start().await;
    let port = site.url("").rsplit(':').next().unwrap().to_owned();
    for target in [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://0xa9fea9fe/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        format!("http://localhost:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "file:///etc/passwd".to_owned(),
    ] {
        let to = target.clone();
        let redirecting = WebServer::start(move |_| WebReply::new(302).header("location", to.clone())).await;
        let why = failed(&cloud, &desk, &redirecting.url("/a.txt")).await;
        assert!(!why.is_empty(), "{target}");
        assert_eq!(redirecting.requests().len(), 1, "{target}: once is enough to know");
    }
    assert_eq!(site.requests().len(), 0);
    let inside = site.url("/b.txt");
    let redirecting = WebServer::start(move |_| WebReply::new(302).header("location", inside.clone())).await;
    assert_eq!(stored(&desk, &redirecting.url("/a.txt")).await["size"], 6);
}

#[tokio::test]
async fn what_is_too_large_is_not_stored_whatever_its_server_says_of_it() {
    let cloud = Cloud::start().await;
    let desk = fetching(&cloud).await.set("DESK_MAX_SIZE", "1000").start().await;
    let large = Bytes::from(vec![b'x'; 5000]);
    let content = large.clone();
    let plain = WebServer::start(move |request| WebReply::file(request, &content)).await;
    let why = failed(&cloud, &desk, &plain.url("/a")).await;
    assert!(why.contains("1000"), "{why}");
    let content = large.clone();
    let chunked = WebServer::start(move |_| WebReply::whole(&content).chunked()).await;
    let why = failed(&cloud, &desk, &chunked.url("/a")).await;
    assert!(why.contains("1000"), "{why}");
    let content = large.clone();
    let lying = WebServer::start(move |request: &WebRequest| match &*request.method {
        "HEAD" => WebReply::whole(&content.slice(..10)),
        _ => WebReply::whole(&content).chunked(),
    })
    .await;
    failed(&cloud, &desk, &lying.url("/a")).await;
    let fits = large.slice(..1000);
    let exact = WebServer::start(move |_| WebReply::whole(&fits).chunked()).await;
    assert_eq!(stored(&desk, &exact.url("/a")).await["size"], 1000);
}

#[tokio::test]
async fn what_is_of_no_allowed_type_is_removed_again() {
    let (cloud, site) = (Cloud::start().await, site_of(b"# text").await);
    let desk = fetching(&cloud).await.set("DESK_TYPES", "image/*").start().await;
    let why = failed(&cloud, &desk, &site.url("/a.md")).await;
    assert_eq!(why, "text/markdown may not be uploaded, only image/*");
    let image = WebServer::start(|request| {
        WebReply::file(request, &Bytes::from_static(b"png")).header("content-type", "image/png")
    })
    .await;
    assert_eq!(stored(&desk, &image.url("/a.png")).await["type"], "image/png");
}

#[tokio::test]
async fn headers_of_the_web_server_stay_outside() {
    let cloud = Cloud::start().await;
    let desk = fetching(&cloud).await.start().await;
    let site = WebServer::start(|_| {
        WebReply::whole(&Bytes::from_static(b"content"))
            .header("content-type", "text/plain")
            .header("set-cookie", "session=secret")
            .header("cache-control", "private")
            .header("vary", "cookie")
            .header("x-oss-object-acl", "public-read-write")
            .header("x-oss-storage-class", "Archive")
            .header("x-oss-meta-evil", "1")
            .header("x-oss-tagging", "a=b")
            .header("x-oss-callback", "e30=")
            .header("x-oss-server-side-encryption", "KMS")
    })
    .await;
    let object = stored(&desk, &site.url("/a.txt")).await;
    let kept = cloud.twin.oss().get(SOURCE, object["key"].as_str().unwrap()).unwrap();
    assert_eq!(kept.body, *b"content");
    assert_eq!(kept.headers.standard, []);
    assert_eq!((kept.headers.acl, kept.headers.storage_class, kept.headers.tags), (None, None, Vec::new()));
    assert!(!kept.headers.user.contains_key("evil"), "{:?}", kept.headers.user);
    assert_eq!(cloud.twin.callbacks(), []);
    for request in site.requests() {
        assert!(request.header("authorization").is_none() && request.header("cookie").is_none());
        assert!(request.header("accept-encoding").is_none_or(|value| value == "identity"), "{request:?}");
    }
}

#[tokio::test]
async fn what_comes_compressed_is_stored_as_it_came_and_says_so() {
    let cloud = Cloud::start().await;
    let desk = fetching(&cloud).await.start().await;
    // Nobody asked for it. The content of it is 5 bytes long.
    let gzip: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xcbH\xcd\xc9\xc9\x07\0\x86\xa6\x106\x05\0\0\0";
    let site = WebServer::start(move |_| {
        WebReply::whole(&Bytes::from_static(gzip))
            .header("content-type", "text/plain")
            .header("content-encoding", "gzip")
    })
    .await;
    let object = stored(&desk, &site.url("/a.txt")).await;
    assert_eq!(object["size"], gzip.len());
    let kept = cloud.twin.oss().get(SOURCE, object["key"].as_str().unwrap()).unwrap();
    assert_eq!(kept.body, *gzip);
    let encoding: Vec<_> = kept.headers.standard.iter().map(|(name, value)| (name.as_str(), value)).collect();
    assert_eq!(encoding, [("content-encoding", &"gzip".parse().unwrap())]);
}

#[tokio::test]
async fn what_is_not_there_or_not_given_out_is_told() {
    let cloud = Cloud::start().await;
    let desk = fetching(&cloud).await.start().await;
    for status in [404, 410, 401, 403, 400] {
        let site = WebServer::start(move |_| WebReply::new(status)).await;
        let why = failed(&cloud, &desk, &site.url("/a.txt")).await;
        let told = why.contains("no such object") || why.contains(&status.to_string());
        assert!(told, "{status}: {why}");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_is_taken_up_where_it_broke() {
    let cloud = Cloud::start().await;
    let desk = fetching(&cloud).await.start().await;
    let content: Bytes = (0..80_000_u32).map(|number| number.to_be_bytes()[3]).collect();
    let (body, gets) = (content.clone(), AtomicUsize::new(0));
    let site = WebServer::start(move |request| {
        let reply = WebReply::file(request, &body).header("etag", "\"v1\"");
        let first = request.method == "GET" && gets.fetch_add(1, Ordering::SeqCst) == 0;
        if first { reply.broken_after(30_000) } else { reply }
    })
    .await;
    let object = stored(&desk, &site.url("/a.bin")).await;
    assert_eq!(object["size"], 80_000);
    assert_eq!(cloud.twin.oss().get(SOURCE, object["key"].as_str().unwrap()).unwrap().body, content);
    let requests = site.requests();
    let ranges: Vec<_> = requests.iter().filter_map(|request| request.header("range")).collect();
    assert!(ranges.iter().any(|range| range.starts_with("bytes=30000-")), "{ranges:?}");
}

#[tokio::test]
async fn a_fetch_that_was_deleted_meanwhile_leaves_nothing() {
    let cloud = Cloud::start().await;
    let desk = fetching(&cloud).await.start().await;
    let hang =
        cloud_twin::Fault::new(cloud_twin::Service::Oss, cloud_twin::FaultAction::Delay { millis: 300 });
    let slow = cloud.twin.faults().inject(hang.method("PUT").times(1));
    let site = site_of(b"late").await;
    let fetching = fetch(&desk, &site.url("/a.md")).await;
    cloud.until(|twin| twin.faults().hits(slow) == 1).await;
    assert_eq!(desk.delete(ERIC, &format!("/objects/{}", fetching.id())).await.status, 204);
    assert_eq!(desk.get(ERIC, &format!("/uploads/{}", fetching.id())).await.status, 404);
    // The fetch ends, and what it left is removed.
    cloud.until(|twin| twin.stats().requests(cloud_twin::Service::Oss, "PutObject") == 1).await;
    cloud.until(|twin| twin.oss().len(SOURCE) == 0).await;
}
