//! The lines by which the platform cuts a log into requests.

use std::io;
use std::sync::Arc;

use fc_adapter::{Adapter, Markers, Platform};
use lambda_runtime::{Error, LambdaEvent, service_fn};
use parking_lot::Mutex;

use crate::common::{Client, Server};

async fn obey(event: LambdaEvent<String>) -> Result<(), Error> {
    match event.payload.as_str() {
        "panic" => panic!("as told"),
        "fail" => Err("as told".into()),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn every_invocation_has_its_start_and_its_end() {
    let plain = "FC Invoke Start RequestId: r-1\nFC Invoke End RequestId: r-1\n";
    let unhandled =
        "FC Invoke Start RequestId: r-1\nFC Invoke End RequestId: r-1, Error: Unhandled function error\n";
    for (event, expected) in
        [(r#""ok""#, plain), (r#""fail""#, plain), ("no json", plain), (r#""panic""#, unhandled)]
    {
        let server = Server::start(Adapter::new(service_fn(obey))).await;
        server.invoke(event).await;
        // The line is there when the answer is: the instance may be frozen after it.
        assert_eq!(server.log(), expected, "{event}");
    }
}

#[tokio::test]
async fn an_event_that_never_arrived_is_closed_as_well() {
    let server = Server::start(Adapter::new(service_fn(obey)).body_limit(3)).await;
    server.invoke("too long").await.assert_failure();
    assert_eq!(server.log(), "FC Invoke Start RequestId: r-1\nFC Invoke End RequestId: r-1\n");
}

/// Keeps each write apart, and fails it if told so.
struct Lines {
    writes: Arc<Mutex<Vec<String>>>,
    works: bool,
}

impl io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.writes.lock().push(String::from_utf8(line.to_vec()).unwrap());
        if self.works { Ok(line.len()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn writes_of_one_invocation(works: bool) -> Vec<String> {
    let writes = Arc::new(Mutex::new(Vec::new()));
    let lines = Lines { writes: Arc::clone(&writes), works };
    let bound = Adapter::new(service_fn(obey))
        .listen(([127, 0, 0, 1], 0).into())
        .platform(Platform::FunctionCompute)
        .markers(Markers::Writer(Arc::new(Mutex::new(lines))))
        .bind()
        .await
        .unwrap();
    let addr = bound.local_addr();
    let serving = tokio::spawn(bound.serve(std::future::pending()));
    let headers = [("x-fc-request-id", "r-1")];
    let reply = Client::connect(addr).await.request("POST", "/invoke", &headers, br#""ok""#).await;
    reply.assert_success("null");
    serving.abort();
    let writes = writes.lock();
    writes.clone()
}

#[tokio::test]
async fn each_line_is_one_write() {
    let expected = ["FC Invoke Start RequestId: r-1\n", "FC Invoke End RequestId: r-1\n"];
    assert_eq!(writes_of_one_invocation(true).await, expected);
}

#[tokio::test]
async fn a_closed_log_fails_no_invocation() {
    assert_eq!(writes_of_one_invocation(false).await.len(), 2);
}
