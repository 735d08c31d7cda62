//! URLs of web servers: the names they give, the users in them, the validators that come with their objects.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cloud_twin::Service;
use e2e::cloud::MIRROR;
use e2e::copy::bytes;
use e2e::{Cloud, Copy, WebReply, WebServer};

use crate::support::{PART, SMALL_PARTS, assert_mirrored, ends_with, succeeded};

#[tokio::test]
async fn names_are_decoded_and_stay_one_segment() {
    let cloud = Cloud::start().await;
    let content = Bytes::from_static(b"content");
    let server = WebServer::start(move |request| WebReply::file(request, &content)).await;
    for (target, name) in [
        ("/dir/%E6%8A%A5%E5%91%8A%201.pdf", "报告 1.pdf"),
        ("/dir/a%2Fb.txt?x=1", "a%2Fb.txt"),
        ("/dir/100%25+.txt", "100%+.txt"),
        ("/dir/caf%E9.txt", "caf%E9.txt"),
    ] {
        let url = server.url(target);
        ends_with(0, Copy::new(&cloud.twin, &url, format!("obs://{MIRROR}/in/"))).await;
        assert_mirrored(&cloud, &format!("in/{name}"), "content");
        let directory = tempfile::TempDir::new().unwrap();
        ends_with(0, Copy::new(&cloud.twin, &url, format!("{}/", directory.path().display()))).await;
        assert_eq!(std::fs::read(directory.path().join(name)).unwrap(), b"content");
    }
    // What was asked for is what was given.
    assert!(server.requests().iter().any(|request| request.target == "/dir/%E6%8A%A5%E5%91%8A%201.pdf"));
    let finished =
        ends_with(2, Copy::new(&cloud.twin, server.url("/dir/"), format!("obs://{MIRROR}/in/"))).await;
    assert!(finished.stderr.contains("name the key in DST"), "{finished:?}");
}

#[tokio::test]
async fn validators_go_back_as_they_came() {
    for tag in ["v1", "\"v1\"", "\"\"v1\"\""] {
        let cloud = Cloud::start().await;
        let content = bytes(1, 3 * PART);
        let body = content.clone();
        let server = WebServer::start(move |request| match request.header("if-match") {
            Some(asked) if asked != tag => WebReply::new(412),
            _ => WebReply::file(request, &body).header("etag", tag),
        })
        .await;
        let copy = Copy::new(&cloud.twin, server.url("/a"), format!("obs://{MIRROR}/a")).with(SMALL_PARTS);
        ends_with(0, copy).await;
        assert_mirrored(&cloud, "a", &content);
        assert_eq!(succeeded(&cloud.twin, Service::Obs, "UploadPart"), 3);
        let asked: Vec<_> =
            server.requests().into_iter().filter(|r| r.header("if-match").is_some()).collect();
        assert!(asked.len() >= 2 && asked.iter().all(|r| r.header("if-match") == Some(tag)), "{asked:?}");
        assert!(asked.iter().all(|request| request.header("range").is_some()), "by ranges: {asked:?}");
    }
}

const USER: &str = "reader-name";
const PASSWORD: &str = "hush-hush-password";

fn with_user(server: &WebServer, target: &str) -> String {
    // One character of it is encoded, as it must be.
    let user = format!("http://{USER}:{}@", PASSWORD.replacen('-', "%2D", 1));
    server.url(target).replacen("http://", &user, 1)
}

#[tokio::test]
async fn a_user_in_a_url_signs_in_at_that_site_and_is_not_shown() {
    let cloud = Cloud::start().await;
    let other = WebServer::start(|request| match request.header("authorization") {
        None => WebReply::whole(&Bytes::from_static(b"from elsewhere")),
        Some(_) => WebReply::new(400),
    })
    .await;
    let elsewhere = other.url("/file");
    let basic = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let expected = basic.clone();
    let server = WebServer::start(move |request| {
        if request.header("authorization") != Some(&expected) {
            return WebReply::new(401);
        }
        match &*request.target {
            "/moved" => WebReply::new(302).header("location", "/file"),
            "/elsewhere" => WebReply::new(302).header("location", &elsewhere),
            "/circle" => WebReply::new(302).header("location", "/circle"),
            "/busy" => WebReply::new(503),
            "/gone" => WebReply::new(404),
            "/broken" => WebReply::whole(&Bytes::from_static(b"content")).broken_after(3),
            _ => WebReply::file(request, &Bytes::from_static(b"content")).header("etag", "\"v1\""),
        }
    })
    .await;
    let to = format!("obs://{MIRROR}/a");
    for (target, code, body) in [
        ("/file", 0, Some("content")),
        ("/moved", 0, Some("content")),
        ("/elsewhere", 0, Some("from elsewhere")),
        ("/circle", 3, None),
        ("/busy", 3, None),
        ("/gone", 3, None),
        ("/broken", 3, None),
    ] {
        cloud.twin.obs().delete(MIRROR, "a");
        for arguments in [&["--dry-run"][..], &["--json"], &["--force"]] {
            let copy =
                Copy::new(&cloud.twin, with_user(&server, target), &to).with(arguments.iter().copied());
            let finished = copy.set("RUST_LOG", "trace").run().await;
            // Nothing of the body is read then.
            let code = if target == "/broken" && arguments == ["--dry-run"] { 0 } else { code };
            assert_eq!(finished.code, Some(code), "{target}: {finished:?}");
            assert!(finished.stderr.contains("TRACE"), "there is something to look at");
            assert_hides(&[USER, PASSWORD, &PASSWORD.replacen('-', "%2D", 1), &basic], &finished);
        }
        if let Some(body) = body {
            assert_mirrored(&cloud, "a", body);
            let copy = cloud.twin.obs().get(MIRROR, "a").unwrap();
            let origin = format!("{:?}", copy.headers.user["src-origin"]);
            assert!(!origin.contains(USER), "{origin}");
        }
    }
    // Without a name, twice the same, not to be listed, no URL, a wrong password.
    for (code, arguments) in [
        (2, vec![with_user(&server, "/"), format!("obs://{MIRROR}/")]),
        (2, vec![with_user(&server, "/a"), with_user(&server, "/a")]),
        (2, vec![with_user(&server, "/a"), with_user(&server, "/b")]),
        (2, vec![with_user(&server, "/"), format!("obs://{MIRROR}"), "-r".into()]),
        (3, vec![format!("http://{USER}:{PASSWORD}/x@h/a"), to.clone()]),
        (4, vec![with_user(&server, "/a").replacen("password@", "password-x@", 1), to.clone()]),
    ] {
        let copy = Copy::new(&cloud.twin, &arguments[0], &arguments[1]);
        let finished = copy.with(arguments[2..].iter().cloned()).run().await;
        assert_eq!(finished.code, Some(code), "{arguments:?}: {finished:?}");
        assert_hides(&[USER, PASSWORD], &finished);
    }
}

#[tokio::test]
async fn a_password_that_may_go_on_behind_the_host_is_refused_and_not_shown() {
    let cloud = Cloud::start().await;
    let to = format!("obs://{MIRROR}/a");
    for url in
        ["http://us:bad@seven/q@host/x", "https://us:bad@seven?q@host/x", "http://us:bad@seven#q@host/x"]
    {
        for arguments in [[url, &*to], [&*to, url]] {
            let finished = ends_with(2, Copy::new(&cloud.twin, arguments[0], arguments[1])).await;
            assert!(finished.stderr.contains("%2F"), "{finished:?}");
            assert_hides(&["us:", "bad", "seven", "q@", "host/x"], &finished);
        }
    }
    // Without a password there is nothing to tell apart.
    let server = WebServer::start(|request| WebReply::file(request, &Bytes::from_static(b"x"))).await;
    for target in ["/@scope/a@1?b@c", "/a@1"] {
        ends_with(0, Copy::new(&cloud.twin, server.url(target), &to).with(["--force"])).await;
    }
    assert_eq!(server.requests()[0].target, "/@scope/a@1?b@c");
}

fn assert_hides(secrets: &[&str], finished: &e2e::Finished) {
    for text in [&finished.stdout, &finished.stderr] {
        for secret in secrets {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "{secret:?} shows");
        }
    }
}
