//! Which requests are served, and what the others are told.

use fc_adapter::{Adapter, Platform};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;

use crate::common::{Reply, Server};

async fn server() -> Server {
    Server::start(Adapter::new(service_fn(async |event: LambdaEvent<Value>| Ok::<_, Error>(event.payload))))
        .await
}

async fn ask(server: &Server, method: &str, path: &str, control_path: Option<&str>) -> Reply {
    let header = control_path.map(|path| ("x-fc-control-path", path));
    server.client().await.request(method, path, header.as_slice(), b"7").await
}

#[tokio::test]
async fn every_route_is_served_by_its_url_elsewhere() {
    let adapter = Adapter::new(service_fn(async |event: LambdaEvent<Value>| Ok::<_, Error>(event.payload)));
    let server = Server::start_on(Platform::Elsewhere, adapter).await;
    ask(&server, "POST", "/invoke", None).await.assert_success("7");
    ask(&server, "POST", "/invoke?a=b", None).await.assert_success("7");
    ask(&server, "POST", "/event-invoke", None).await.assert_success("7");
    ask(&server, "POST", "/initialize", None).await.assert_success("");
    ask(&server, "GET", "/pre-stop", None).await.assert_success("");
    ask(&server, "GET", "/pre-freeze", None).await.assert_success("");
    ask(&server, "GET", "/healthz", None).await.assert_success("");
}

#[tokio::test]
async fn on_function_compute_work_is_done_by_the_header_of_the_platform_alone() {
    let server = server().await;
    for path in ["/invoke", "/invoke?a=b", "/event-invoke", "/initialize"] {
        let asked = format!("POST {path} HTTP/1.1\r\nhost: fc\r\n");
        for headers in [
            &[][..],
            &["x-fc-control-path:"],
            &["x-fc-control-path:  "],
            &["x-fc-control-path: /inv\u{f6}ke"],
            &["x-fc-control-path: /invoke", "x-fc-control-path: /invoke"],
            &["x-fc-control-path: /http-invoke", "X-FC-Control-Path: /invoke"],
            &["x-fc-control-path: /invoke", "x-fc-control-path:"],
            &["x-fc-control-path:", "x-fc-control-path: /initialize"],
        ] {
            let headers = headers.join("\r\n");
            let headers = if headers.is_empty() { headers } else { headers + "\r\n" };
            let mut client = server.client().await;
            client.send(format!("{asked}content-length: 1\r\n{headers}\r\n7")).await;
            let (kind, message) = client.reply().await.assert_failure();
            assert_eq!(kind, "NotOfThePlatform", "{path} {headers}");
            assert!(message.contains("x-fc-control-path"), "{message}");
        }
    }
    assert_eq!(server.log(), "", "nothing was invoked");
    // The platform's probes are documented without it.
    ask(&server, "GET", "/pre-stop", None).await.assert_success("");
    ask(&server, "GET", "/pre-freeze", None).await.assert_success("");
    ask(&server, "GET", "/healthz", None).await.assert_success("");
}

#[tokio::test]
async fn the_control_path_wins_over_the_url() {
    let server = server().await;
    ask(&server, "POST", "/", Some("/invoke")).await.assert_success("7");
    ask(&server, "POST", "/invoke", Some("/initialize")).await.assert_success("");
    ask(&server, "GET", "/healthz", Some("/pre-stop")).await.assert_success("");
    let (kind, message) = ask(&server, "POST", "/invoke", Some("/other")).await.assert_failure();
    assert_eq!(kind, "NotFound");
    assert!(message.starts_with("no such path: /other (from x-fc-control-path)"), "{message}");
}

#[tokio::test]
async fn an_unknown_path_is_a_failure_that_names_it() {
    let server = server().await;
    for path in ["/", "/invoke/", "/Invoke", "/2018-06-01/x"] {
        let (kind, message) = ask(&server, "POST", path, None).await.assert_failure();
        assert_eq!(kind, "NotFound");
        assert!(message.starts_with(&format!("no such path: {path} (from the URL)")), "{message}");
    }
}

#[tokio::test]
async fn a_wrong_method_is_a_failure_that_names_the_right_one() {
    let server = server().await;
    for (method, path, right) in [
        ("GET", "/invoke", "POST"),
        ("PUT", "/invoke", "POST"),
        ("GET", "/initialize", "POST"),
        ("POST", "/pre-stop", "GET"),
        ("POST", "/pre-freeze", "GET"),
        ("DELETE", "/healthz", "GET"),
    ] {
        let failure = ask(&server, method, path, None).await.assert_failure();
        assert_eq!(failure, ("MethodNotAllowed".into(), format!("{path} takes {right}, not {method}")));
    }
    assert_eq!(server.log(), "", "nothing was invoked");
}

#[tokio::test]
async fn clients_of_an_http_trigger_reach_no_hook_and_no_handler() {
    let server = server().await;
    for (method, path) in [("POST", "/invoke"), ("POST", "/initialize"), ("GET", "/pre-stop"), ("GET", "/")] {
        let (kind, _) = ask(&server, method, path, Some("/http-invoke")).await.assert_failure();
        assert_eq!(kind, "HttpTriggerUnsupported");
    }
    ask(&server, "GET", "/healthz", Some("/http-invoke")).await.assert_success("");
}
