//! The examples as processes: environment, signals, standard output, and the same binary under AWS Lambda.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{ExitStatus, Stdio};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::common::{Client, refuses};

fn example(name: &str) -> Command {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.extend(["examples", name]);
    assert!(path.exists(), "{} is missing: run `cargo build -p fc-adapter --examples`", path.display());
    let mut command = Command::new(path);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// A port that was free a moment ago.
async fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port()
}

/// As Function Compute runs it.
fn hosted(name: &str) -> Command {
    let mut command = example(name);
    command.env("FC_FUNCTION_NAME", name).env("FC_ACCOUNT_ID", "1000000000000001");
    command
}

/// Starts an example on Function Compute's terms, and waits until it listens.
async fn serve(name: &str) -> (Child, SocketAddr) {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().await));
    let mut child = hosted(name).env("FC_SERVER_PORT", addr.port().to_string()).spawn().unwrap();
    while TcpStream::connect(addr).await.is_err() {
        assert!(child.try_wait().unwrap().is_none(), "{name} ended early");
        tokio::task::yield_now().await;
    }
    (child, addr)
}

async fn signal(child: &Child, name: &str) {
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", name, &id]).status().await.unwrap().success());
}

async fn end(child: Child) -> (ExitStatus, String) {
    let output = child.wait_with_output().await.unwrap();
    (output.status, String::from_utf8(output.stdout).unwrap())
}

/// A client in the middle of an event that the server has begun to read.
async fn half_sent(addr: SocketAddr) -> Client {
    let mut client = Client::connect(addr).await;
    client
        .send(
            "POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\nhost: fc\r\nx-fc-request-id: r-1\r\nexpect: 100-continue\r\n\
             content-length: 14\r\n\r\n",
        )
        .await;
    assert_eq!(client.reply().await.status, 100);
    client
}

#[tokio::test]
async fn a_signal_lets_the_event_in_hand_finish_and_the_process_end_well() {
    for name in ["TERM", "INT"] {
        let (child, addr) = serve("hello").await;
        let mut client = half_sent(addr).await;
        signal(&child, name).await;
        refuses(addr).await;
        client.send(r#"{"name":"you"}"#).await;
        let reply = client.reply().await;
        reply.assert_success(r#"{"greeting":"Hello, you","request_id":"r-1"}"#);
        let (status, stdout) = end(child).await;
        assert!(status.success(), "{status}");
        assert_eq!(stdout, "FC Invoke Start RequestId: r-1\nFC Invoke End RequestId: r-1\n");
    }
}

#[tokio::test]
async fn a_second_signal_ends_the_wait() {
    let (child, addr) = serve("hello").await;
    let _client = half_sent(addr).await;
    signal(&child, "INT").await;
    refuses(addr).await;
    signal(&child, "INT").await;
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("stopped by a second signal"), "{stderr}");
}

#[tokio::test]
async fn a_closed_standard_output_stops_nothing() {
    let (mut child, addr) = serve("hello").await;
    drop(child.stdout.take());
    let mut client = Client::connect(addr).await;
    for _ in 0..2 {
        assert_eq!(client.request("POST", "/invoke", &[], br#"{"name":"you"}"#).await.status, 200);
    }
    signal(&child, "TERM").await;
    assert!(end(child).await.0.success());
}

#[tokio::test]
async fn a_port_that_is_none_or_taken_ends_the_process_with_the_reason() {
    let taken = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let taken = taken.local_addr().unwrap().port().to_string();
    for (port, reason) in [("nine", "FC_SERVER_PORT is not a port"), (&taken, "cannot listen on 0.0.0.0:")] {
        let output = hosted("hello").env("FC_SERVER_PORT", port).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(reason), "{stderr}");
    }
}

#[tokio::test]
async fn a_raw_event_is_any_bytes_on_function_compute_and_the_json_text_on_lambda() {
    let (child, addr) = serve("raw").await;
    let retries = [("x-fc-retry-count", "2")];
    let reply = Client::connect(addr).await.request("POST", "/invoke", &retries, b"\xffnot json").await;
    reply.assert_success(r#"{"bytes":9,"retries":2}"#);
    signal(&child, "TERM").await;
    end(child).await;

    assert_eq!(on_lambda("raw", r#"{"a": 1}"#).await, json!({ "bytes": 8, "retries": null }));
}

#[tokio::test]
async fn the_same_binary_serves_lambda() {
    let answer = on_lambda("hello", r#"{"name":"you"}"#).await;
    assert_eq!(answer, json!({ "greeting": "Hello, you", "request_id": "lambda-1" }));
}

/// Plays Lambda's Runtime API for one event and returns what the example answers to it.
async fn on_lambda(name: &str, event: &str) -> Value {
    let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let _child = example(name)
        .env("AWS_LAMBDA_RUNTIME_API", api.local_addr().unwrap().to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .spawn()
        .unwrap();
    let next = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nlambda-runtime-aws-request-id: lambda-1\r\n\
         lambda-runtime-deadline-ms: 4102444800000\r\n\r\n{event}",
        event.len()
    );
    loop {
        let (mut connection, _) = api.accept().await.unwrap();
        while let Some((head, body)) = request(&mut connection).await {
            if head.starts_with("GET /2018-06-01/runtime/invocation/next ") {
                connection.write_all(next.as_bytes()).await.unwrap();
            } else {
                assert!(head.starts_with("POST /2018-06-01/runtime/invocation/lambda-1/response "), "{head}");
                return serde_json::from_slice(&body).unwrap();
            }
        }
    }
}

/// The next request: head, and body by its length or in chunks; none once the connection has ended.
async fn request(connection: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut body).await.unwrap();
    Some((head, body))
}
