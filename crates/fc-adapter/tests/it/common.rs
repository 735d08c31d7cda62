//! A server on loopback and a client that controls every byte.

use std::collections::HashMap;
use std::fmt::{Debug, Write};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use fc_adapter::{Adapter, Error, FcEnvironment, Markers, Platform};
use futures_util::Stream;
use lambda_runtime::{Diagnostic, IntoFunctionResponse, LambdaEvent, Service};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    log: Arc<Mutex<Vec<u8>>>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Result<(), Error>>,
}

impl Server {
    /// As on Function Compute.
    pub(crate) async fn start<A, F, R, B, S, D, E>(adapter: Adapter<F>) -> Self
    where
        F: Service<LambdaEvent<A>, Response = R> + Clone + Send + 'static,
        F::Future: Future<Output = Result<R, F::Error>> + Send + 'static,
        F::Error: Into<Diagnostic> + Debug,
        A: for<'de> Deserialize<'de> + Send + 'static,
        R: IntoFunctionResponse<B, S> + Send + 'static,
        B: Serialize + Send + 'static,
        S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
        D: Into<Bytes> + Send + 'static,
        E: Into<lambda_runtime::Error> + Send + Debug + 'static,
    {
        Self::start_on(Platform::FunctionCompute, adapter).await
    }

    pub(crate) async fn start_on<A, F, R, B, S, D, E>(platform: Platform, adapter: Adapter<F>) -> Self
    where
        F: Service<LambdaEvent<A>, Response = R> + Clone + Send + 'static,
        F::Future: Future<Output = Result<R, F::Error>> + Send + 'static,
        F::Error: Into<Diagnostic> + Debug,
        A: for<'de> Deserialize<'de> + Send + 'static,
        R: IntoFunctionResponse<B, S> + Send + 'static,
        B: Serialize + Send + 'static,
        S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
        D: Into<Bytes> + Send + 'static,
        E: Into<lambda_runtime::Error> + Send + Debug + 'static,
    {
        let log = Arc::new(Mutex::new(Vec::new()));
        let bound = adapter
            .listen((Ipv4Addr::LOCALHOST, 0).into())
            .platform(platform)
            .environment(FcEnvironment::default())
            .markers(Markers::Writer(Arc::<Mutex<Vec<u8>>>::clone(&log)))
            .bind()
            .await
            .unwrap();
        let addr = bound.local_addr();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(bound.serve(async {
            let _: Result<(), _> = stopped.await;
        }));
        Self { addr, log, stop: Some(stop), served }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.addr).await
    }

    /// One request on a connection of its own.
    pub(crate) async fn invoke(&self, event: impl AsRef<[u8]>) -> Reply {
        self.client().await.request("POST", "/invoke", &[("x-fc-request-id", "r-1")], event.as_ref()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.client().await.request("GET", path, &[], b"").await
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8(self.log.lock().clone()).unwrap()
    }

    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) fn has_stopped(&self) -> bool {
        self.served.is_finished()
    }

    pub(crate) async fn stopped(mut self) {
        self.ask_to_stop();
        self.served.await.unwrap().unwrap();
    }
}

pub(crate) struct Client(BufReader<TcpStream>);

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    #[track_caller]
    pub(crate) fn assert_success(&self, body: &str) {
        assert_eq!((self.status, self.fc_status(), self.text()), (200, Some("200"), body));
    }

    /// Asserts a failed invocation and returns its `errorType` and `errorMessage`.
    #[track_caller]
    pub(crate) fn assert_failure(&self) -> (String, String) {
        assert_eq!((self.status, self.fc_status()), (404, Some("404")), "{self:?}");
        assert_eq!(self.headers["content-type"], "application/json");
        let body: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
        let field = |name: &str| body[name].as_str().unwrap().to_owned();
        (field("errorType"), field("errorMessage"))
    }

    pub(crate) fn fc_status(&self) -> Option<&str> {
        self.headers.get("x-fc-status").map(String::as_str)
    }
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self(BufReader::new(TcpStream::connect(addr).await.unwrap()))
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).await.unwrap();
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn finish(&mut self) {
        self.0.get_mut().shutdown().await.unwrap();
    }

    /// A request. One for work says so in the platform's header too, unless the headers do.
    pub(crate) async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Reply {
        let mut message =
            format!("{method} {path} HTTP/1.1\r\nhost: fc\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            write!(message, "{name}: {value}\r\n").unwrap();
        }
        let is_told = headers.iter().any(|(name, _)| *name == "x-fc-control-path");
        if ["/invoke", "/initialize"].contains(&path) && !is_told {
            write!(message, "x-fc-control-path: {path}\r\n").unwrap();
        }
        message += "\r\n";
        self.send([message.as_bytes(), body].concat()).await;
        self.reply().await
    }

    /// The next answer; panics if the connection ends before it is complete.
    pub(crate) async fn reply(&mut self) -> Reply {
        let status_line = self.line().await;
        let status = status_line.split(' ').nth(1).unwrap_or_else(|| panic!("no answer: {status_line:?}"));
        let status = status.parse().unwrap();
        let mut headers = HashMap::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        Reply { status, headers, body }
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    /// Asserts that the server closes the connection without another byte.
    pub(crate) async fn assert_closed(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"");
    }
}

/// Resolves once nobody listens on `addr` any more.
pub(crate) async fn refuses(addr: SocketAddr) {
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
