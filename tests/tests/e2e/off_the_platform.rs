//! `serve` where no function platform stands before it: where it listens, whom it lets in, whose credentials it uses.

use std::time::Duration;

use bytes::Bytes;
use cloud_twin::{Account, Fault, FaultResponse, Service, Twin};
use e2e::cloud::{MIRROR, SOURCE};
use e2e::function::function_compute;
use e2e::process::free_port;
use e2e::{
    Answer, Cloud, Finished, Function, FunctionSetup, Invocation, OmsBridge, Reply, Settings, Shelf, event,
};
use reqwest::Method;
use tokio::time::timeout;

use crate::ingest;

const TOKEN: &str = "serve-token-0123456789";

fn server(settings: Settings) -> FunctionSetup {
    Function::with(settings).off_the_platform()
}

fn tencent() -> Settings {
    Settings::default().set("TENCENTCLOUD_RUNENV", "SCF")
}

fn bearer(invocation: Invocation, token: &str) -> Invocation {
    invocation.header("authorization", format!("Bearer {token}"))
}

fn put(key: &str) -> Invocation {
    Invocation::event(event::put([key]))
}

fn removed(key: &str) -> Bytes {
    event::of([event::element(SOURCE, "ObjectRemoved:DeleteObject", key)]).into()
}

/// A request of everything that there is, except for `GET /healthz`.
fn every_request(body: &Bytes) -> Vec<Invocation> {
    [
        (Method::POST, "/invoke"),
        (Method::POST, "/event-invoke"),
        (Method::POST, "/initialize"),
        (Method::GET, "/pre-stop"),
        (Method::GET, "/pre-freeze"),
        (Method::POST, "/objects"),
        (Method::GET, "/objects/0123456789abcdef0123456789abcdef"),
        (Method::GET, "/"),
        (Method::POST, "/healthz"),
    ]
    .map(|(method, path)| Invocation::request(method, path, body.clone()))
    .into()
}

async fn health(function: &Function) -> Reply {
    function.send(Invocation::request(Method::GET, "/healthz", Bytes::new())).await
}

#[tokio::test]
async fn it_listens_on_loopback_and_on_a_platform_on_all_addresses() {
    let cloud = Cloud::start().await;
    let port = free_port().to_string();
    let one = |name: &str| Settings::default().set(name, function_compute_value(name));
    for (variables, address) in [
        (Settings::default(), "127.0.0.1"),
        (one("FC_FUNCTION_NAME"), "127.0.0.1"),
        (one("FC_ACCOUNT_ID"), "127.0.0.1"),
        (function_compute(), "0.0.0.0"),
        (tencent(), "0.0.0.0"),
    ] {
        let setup = Function::on(&cloud).on_another_platform(variables.clone()).set("SERVE_TOKEN", TOKEN);
        let setup = setup.listening_where_the_platform_says().set("FC_SERVER_PORT", &port);
        let function = setup.start().await;
        assert_eq!(function.url(), format!("http://{address}:{port}"), "{variables:?}");
        function.kill().await;
    }
}

fn function_compute_value(name: &str) -> &'static str {
    if name == "FC_FUNCTION_NAME" { "oms-bridge" } else { "1000000000000001" }
}

#[tokio::test]
async fn nobody_without_the_token_writes_overwrites_or_deletes() {
    let cloud = Cloud::start().await;
    for key in ["new", "old", "gone"] {
        cloud.twin.oss().put(SOURCE, key, "of the source");
    }
    for key in ["old", "gone"] {
        cloud.twin.obs().put(MIRROR, key, "of the destination");
    }
    cloud.twin.oss().delete(SOURCE, "gone");
    let settings = ingest::private(&cloud).set("SERVE_TOKEN", TOKEN).set("PROPAGATE_DELETES", "true");
    let function = server(settings).start().await;
    let before = [Service::Oss, Service::Obs].map(|service| cloud.connections(service));
    for body in [event::put(["new", "old"]).into(), removed("gone")] {
        for request in every_request(&body) {
            for headers in [
                &[][..],
                &[("authorization", "Bearer serve-token-012345678")],
                &[("authorization", "Basic serve-token-0123456789")],
                &[("x-fc-control-path", "/invoke"), ("x-fc-account-id", "1000000000000001")],
                &[("x-fc-control-path", "/http-invoke")],
            ] {
                let request = headers.iter().fold(request.clone(), |r, (name, value)| r.header(name, *value));
                let reply = function.send(request.clone().credentials(cloud.twin.function_account())).await;
                assert_eq!(reply.status, 401, "{request:?} {reply:?}");
            }
        }
    }
    assert_eq!(health(&function).await.status, 200);
    assert_eq!([Service::Oss, Service::Obs].map(|service| cloud.connections(service)), before);
    assert_eq!(cloud.mirrored("old").unwrap().body, "of the destination");

    // A copy of its own is what a removal may remove.
    cloud.twin.oss().put(SOURCE, "gone", "of the source");
    for body in [event::put(["new", "old", "gone"]).into(), removed("gone")] {
        assert_eq!(function.send(bearer(Invocation::event(body), TOKEN)).await.answer(), Answer::True);
        cloud.twin.oss().delete(SOURCE, "gone");
    }
    let mirrored = ["new", "old", "gone"].map(|key| cloud.mirrored(key).is_some());
    assert_eq!(
        (mirrored, cloud.mirrored("old").unwrap().body),
        ([true, true, false], "of the source".into())
    );
}

#[tokio::test]
async fn the_token_opens_the_whole_contract() {
    let cloud = Cloud::start().await;
    let function = server(cloud.settings().set("SERVE_TOKEN", TOKEN)).start().await;
    assert_eq!(function.send(bearer(put("a"), TOKEN)).await.answer(), Answer::True);
    for (method, path) in [(Method::POST, "/initialize"), (Method::GET, "/pre-stop")] {
        let reply = function.send(bearer(Invocation::request(method, path, Bytes::new()), TOKEN)).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
    }
    let unknown = bearer(Invocation::request(Method::GET, "/objects", Bytes::new()), TOKEN);
    assert_eq!(function.send(unknown).await.status, 404);
    assert_eq!(cloud.twin.accepted_count("a"), 1);
}

#[tokio::test]
async fn the_token_for_objects_sends_no_events_and_that_for_events_asks_for_no_objects() {
    let (cloud, site) = (Cloud::start().await, ingest::site().await);
    cloud.twin.oss().put(SOURCE, "k", "x");
    for token in [None, Some(TOKEN)] {
        let settings = ingest::private(&cloud);
        let settings = token.map_or(settings.clone(), |token| settings.set("SERVE_TOKEN", token));
        let function = server(settings).start().await;
        for path in ["/invoke", "/event-invoke", "/initialize"] {
            let event = Invocation::request(Method::POST, path, event::put(["k"]).into());
            assert_eq!(function.send(bearer(event, ingest::TOKEN)).await.status, 401, "{token:?} {path}");
        }
        let objects = bearer(Invocation::request(Method::POST, "/objects", "[]".into()), TOKEN);
        assert_eq!(function.send(objects).await.status, 401, "{token:?}");
        assert!(cloud.mirrored("k").is_none());
        let told = ingest::fetch(&function, &ingest::domain(&site), "page").await;
        assert_eq!((told.status, told.first("state").as_str()), (200, Some("copied")), "{told:?}");
        cloud.twin.obs().delete(MIRROR, "page");
    }
}

#[tokio::test]
async fn credentials_in_headers_are_not_used() {
    let own = Account::temporary("STS.environment", "secret-of-the-environment", "token-of-the-environment");
    let claimed = Account::temporary("STS.headers", "secret-of-the-headers", "token-of-the-headers");
    for variables in [Settings::default(), tencent()] {
        let cloud = Cloud::with(Twin::builder().oss_accounts([own.clone(), claimed.clone()])).await;
        cloud.twin.faults().inject(Fault::respond(Service::Oms, FaultResponse::oms_forbidden()));
        let setup = |settings: Settings| {
            Function::with(settings.set("SERVE_TOKEN", TOKEN)).on_another_platform(variables.clone())
        };
        let request = || bearer(put("a").credentials(&claimed), TOKEN);
        let function = setup(cloud.settings().without_credentials()).start().await;
        let message = function.send(request()).await.answer().failure();
        assert!(message.contains("no credentials for OSS"), "{message}");
        assert_eq!(cloud.twin.stats().requests(Service::Oss, "PutObject"), 0);

        let function = setup(cloud.settings().credentials(&own)).start().await;
        assert_eq!(function.send(request()).await.answer(), Answer::False);
        assert_eq!(cloud.recorded(Shelf::Failed), ["a"]);
    }
}

#[tokio::test]
async fn a_web_function_of_tencent_wants_the_token_unless_nobody_else_is_said_to_reach_it() {
    let cloud = Cloud::start().await;
    let event = || Invocation::request(Method::POST, "/event-invoke", event::put(["a"]).into());
    let setup = || Function::on(&cloud).on_another_platform(tencent());
    let function = setup().set("SERVE_TOKEN", TOKEN).start().await;
    for headers in [&[][..], &[("x-fc-control-path", "/invoke")], &[("x-scf-request-id", "r")]] {
        let asked = headers.iter().fold(event(), |event, (name, value)| event.header(name, *value));
        assert_eq!(function.send(asked).await.status, 401, "{headers:?}");
    }
    assert_eq!(cloud.twin.accepted_count("a"), 0);
    assert_eq!(health(&function).await.status, 200);
    assert_eq!(function.send(bearer(event(), TOKEN)).await.answer(), Answer::True);

    let function = setup().argument("--trust-platform").start().await;
    assert_eq!(function.send(event()).await.answer(), Answer::True);
    assert_eq!(cloud.twin.accepted_count("a"), 2);

    let finished = refused(&["serve"], cloud.settings().and(tencent())).await;
    assert!(finished.stderr.contains("SERVE_TOKEN: missing"), "{finished:?}");
    assert!(finished.stderr.contains("--trust-platform"), "{finished:?}");
}

#[tokio::test]
async fn on_function_compute_an_event_carries_one_clear_control_path() {
    let cloud = Cloud::start().await;
    cloud.twin.oss().put(SOURCE, "a", "x");
    let function = Function::on(&cloud).start().await;
    let event = || {
        let body = event::put(["a"]).into();
        Invocation::request(Method::POST, "/invoke", body).credentials(cloud.twin.function_account())
    };
    for headers in [&[][..], &[""], &["/invoke", "/invoke"], &["/http-invoke", "/invoke"], &["", "/invoke"]] {
        let asked = headers.iter().fold(event(), |event, value| event.header("x-fc-control-path", *value));
        let refused = function.send(asked).await.answer().failure();
        assert!(refused.contains("x-fc-control-path"), "{headers:?}: {refused}");
    }
    assert_eq!(cloud.twin.accepted_count("a"), 0);
    let told = event().header("x-fc-control-path", "/invoke");
    assert_eq!(function.send(told).await.answer(), Answer::True);
}

#[tokio::test]
async fn the_header_of_the_platform_never_stretches_the_timeout() {
    let cloud = Cloud::start().await;
    cloud.twin.faults().inject(Fault::new(Service::Oms, cloud_twin::FaultAction::Hang));
    let function = Function::on(&cloud).timeout(3).start().await;
    // It would wait for OMS for an hour, and the test for half a minute.
    let event = Invocation::event(event::put(["a"])).header("x-fc-function-timeout", "3600");
    assert_eq!(function.send(event).await.answer(), Answer::False);
    assert_eq!(cloud.recorded(Shelf::Failed), ["a"]);
}

/// A run that ends by itself because of its settings. One that serves instead would never end.
async fn refused(arguments: &[&str], settings: Settings) -> Finished {
    let run = OmsBridge::new(arguments.iter().copied()).settings(settings).run();
    let finished = timeout(Duration::from_secs(30), run).await.expect("it does not start");
    assert_eq!(finished.code, Some(2), "{finished:?}");
    finished
}

#[tokio::test]
async fn without_a_token_it_does_not_start_on_any_address() {
    let cloud = Cloud::start().await;
    for arguments in
        [&["serve"][..], &["serve", "--listen", "127.0.0.1:0"], &["serve", "--listen", "0.0.0.0:0"]]
    {
        for (settings, wanted) in [
            (cloud.settings(), "SERVE_TOKEN: missing"),
            (cloud.settings().set("SERVE_TOKEN", " "), "SERVE_TOKEN: missing"),
            (cloud.settings().set("SERVE_TOKEN", "hush-hush"), "SERVE_TOKEN: shorter than 16"),
            (ingest::private(&cloud).set("SERVE_TOKEN", "hush-hush"), "SERVE_TOKEN: shorter than 16"),
        ] {
            let finished = refused(arguments, settings).await;
            assert_eq!(finished.stdout, "", "{finished:?}");
            assert!(finished.stderr.contains(wanted), "{wanted}: {finished:?}");
            assert!(finished.stderr.contains("openssl rand -hex 32"), "{finished:?}");
            assert!(!finished.stderr.contains("hush"), "{finished:?}");
        }
    }
}

#[tokio::test]
async fn a_port_that_is_none_is_a_mistake_in_the_settings() {
    let cloud = Cloud::start().await;
    let settings = cloud.settings().set("SERVE_TOKEN", TOKEN).set("FC_SERVER_PORT", "nine");
    let finished = refused(&["serve"], settings).await;
    assert!(finished.stderr.contains("FC_SERVER_PORT is not a port"), "{finished:?}");
}

#[tokio::test]
async fn on_a_platform_the_token_is_said_to_mean_nothing() {
    let cloud = Cloud::start().await;
    let function = Function::on(&cloud).set("SERVE_TOKEN", TOKEN).start().await;
    function.logged("SERVE_TOKEN is set, but has no effect here").await;
    assert_eq!(function.invoke(event::put(["a"])).await, Answer::True);
}

#[tokio::test]
async fn tokens_reach_no_log() {
    let cloud = Cloud::start().await;
    let settings = ingest::private(&cloud).set("SERVE_TOKEN", TOKEN).set("RUST_LOG", "trace");
    let function = server(settings).start().await;
    cloud.twin.oss().put(SOURCE, "a", "x");
    assert_eq!(function.send(bearer(put("a"), TOKEN)).await.answer(), Answer::True);
    let wrong = "not-the-token-0123456789";
    for (invocation, token) in [
        (put("a"), wrong),
        (put("a"), ingest::TOKEN),
        (Invocation::request(Method::POST, "/objects", "[]".into()), ingest::TOKEN),
        (Invocation::request(Method::POST, "/objects", "[]".into()), TOKEN),
    ] {
        function.send(bearer(invocation, token)).await;
    }
    function.logged("refused").await;
    for secret in [TOKEN, wrong, ingest::TOKEN] {
        assert!(!function.log().contains(secret) && !function.stdout().contains(secret), "{secret}");
    }
}
