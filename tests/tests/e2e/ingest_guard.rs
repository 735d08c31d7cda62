//! What `POST /objects` never connects to, whatever it is asked, told by DNS or redirected to.

use e2e::{Cloud, Function, Settings, Shelf, WebReply, WebServer};
use serde_json::json;

use crate::ingest::{TOKEN, domain, fetch, private, site};

/// Settings of a function as it is deployed, with these domains.
fn public(cloud: &Cloud, domains: &str) -> Settings {
    cloud.copy_settings().set("INGEST_TOKEN", TOKEN).set("INGEST_DOMAINS", domains)
}

/// A site that redirects everything to `target`.
async fn redirecting(target: String) -> WebServer {
    WebServer::start(move |_| WebReply::new(302).header("location", target.clone())).await
}

#[tokio::test]
async fn addresses_in_any_notation_are_refused_at_once() {
    let cloud = Cloud::start().await;
    let function = Function::with(public(&cloud, "*.example.com,example.org")).start().await;
    for domain in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "8.8.8.8",
        "localhost",
        "example.com",
        "a.example.com.evil.net",
        "evilexample.org",
    ] {
        let told = fetch(&function, domain, "k").await;
        assert_eq!((told.status, told.code()), (403, "refused"), "{domain}: {told:?}");
    }
    for domain in [
        "[::1]",
        "::1",
        "[::ffff:127.0.0.1]",
        "[fd00::1]",
        "[fe80::1]",
        "user@example.org",
        "example.org@127.0.0.1",
        "user:password@example.org",
        "example.org:22",
        "127.0.0.1:80",
        "http://example.org",
        "https://example.org",
        "example.org/path",
        "example.org?x",
        "example.org#x",
        "127.0.0.1#.example.com",
        "127.0.0.1\\.example.com",
        "127.0.0.1%2f.example.com",
        "%31%32%37.0.0.1",
        "example.org.",
        "example.org\r\nhost: x",
        "",
    ] {
        let told = fetch(&function, domain, "k").await;
        assert_eq!((told.status, told.code()), (400, "malformed"), "{domain:?}: {told:?}");
    }
    assert_eq!(cloud.copy_records().keys(Shelf::Failed), [""; 0], "nothing was begun");
}

#[tokio::test]
async fn a_name_that_resolves_to_this_machine_is_not_connected_to() {
    let cloud = Cloud::start().await;
    let function = Function::with(public(&cloud, "localhost")).start().await;
    let told = fetch(&function, "localhost", "k").await;
    assert_eq!((told.status, told.first("class")), (502, &json!("permanent")), "{told:?}");
    let message = told.first("error")["message"].as_str().unwrap();
    assert_eq!(message, "\"localhost\" has no public address");
    assert_eq!(cloud.copy_records().get(Shelf::Failed, "k").unwrap()["url"], "https://localhost/k");
}

#[tokio::test]
async fn a_key_cannot_turn_into_another_host_or_a_query() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let function = Function::with(private(&cloud)).start().await;
    for (key, target) in [
        ("@evil.example/x", "/%40evil.example/x"),
        ("a?x=1#y", "/a%3Fx%3D1%23y"),
        ("%2e%2e/x", "/%252e%252e/x"),
        ("//evil.example/x", "///evil.example/x"),
        ("a\r\nhost: x", "/a%0D%0Ahost%3A%20x"),
    ] {
        let told = fetch(&function, &domain(&site), key).await;
        assert_eq!(told.status, 200, "{key:?}: {told:?}");
        assert_eq!(site.requests().last().unwrap().target, target);
        let copy = cloud.mirrored(key).unwrap().body;
        assert_eq!(copy, format!("content of {target}"));
    }
}

#[tokio::test]
async fn redirects_are_followed_on_the_list_and_nowhere_else() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let function = Function::with(private(&cloud)).start().await;
    let inside = redirecting(site.url("/elsewhere")).await;
    let told = fetch(&function, &domain(&inside), "inside").await;
    assert_eq!(told.status, 200, "{told:?}");
    assert_eq!(cloud.mirrored("inside").unwrap().body, "content of /elsewhere");

    let port = site.url("").rsplit(':').next().unwrap().to_owned();
    let seen = site.requests().len();
    for (target, why) in [
        (format!("http://localhost:{port}/"), "\"localhost\" is not in INGEST_DOMAINS"),
        (format!("http://[::1]:{port}/"), "\"[::1]\" is not in INGEST_DOMAINS"),
        (format!("//user@127.0.0.1:{port}/"), "a URL on \"127.0.0.1\" with a user in it is not fetched"),
        ("ftp://127.0.0.1/".to_owned(), "a redirect from https to another scheme is not followed"),
        ("http://169.254.169.254/latest/meta-data/".to_owned(), "169.254.169.254 is not a public address"),
        ("http://0xa9fea9fe/".to_owned(), "169.254.169.254 is not a public address"),
        ("http://[::ffff:100.100.100.200]/".to_owned(), "[::ffff:6464:64c8] is not a public address"),
    ] {
        let outside = redirecting(target.clone()).await;
        let told = fetch(&function, &domain(&outside), "outside").await;
        assert_eq!((told.status, told.first("class")), (502, &json!("permanent")), "{target}: {told:?}");
        assert_eq!(told.first("error")["message"], why, "{target}");
        assert_eq!(outside.requests().len(), 1, "asked once and not again");
    }
    assert_eq!(site.requests().len(), seen);
    assert!(cloud.mirrored("outside").is_none());
}

#[tokio::test]
async fn the_private_reach_stays_out_of_metadata_services() {
    let cloud = Cloud::start().await;
    let settings = private(&cloud).set("INGEST_DOMAINS", "169.254.169.254,100.100.100.200,127.0.0.1");
    let function = Function::with(settings).start().await;
    for domain in ["http://169.254.169.254", "http://100.100.100.200", "http://0.0.0.0", "http://127.0.0.2"] {
        let told = fetch(&function, domain, "k").await;
        assert_eq!((told.status, told.code()), (403, "refused"), "{domain}: {told:?}");
    }
}

#[tokio::test]
async fn proxies_of_the_environment_which_would_resolve_names_themselves_are_not_used() {
    let (cloud, site) = (Cloud::start().await, site().await);
    let proxy = WebServer::start(|_| WebReply::new(500)).await;
    let settings = private(&cloud).set("INGEST_DOMAINS", "localhost");
    // The journal and the destination are reached without it.
    let settings = settings.set("http_proxy", proxy.url("")).set("NO_PROXY", "127.0.0.1");
    let function = Function::with(settings).start().await;
    let told = fetch(&function, &domain(&site).replace("127.0.0.1", "localhost"), "k").await;
    assert_eq!((told.status, proxy.requests().len()), (200, 0), "{told:?}");
    assert_eq!(cloud.mirrored("k").unwrap().body, "content of /k");
}
