//! `/healthz` and `/metrics` over HTTP.

use std::convert::Infallible;
use std::future::{self, Future};
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use http_listener::{Body, Gate, Handler, Http, Limits};
use metrics::MEDIA_TYPE;
use tokio::net::TcpListener;

/// A worker whose health and metrics are served.
pub trait Observed: Clone + Send + Sync + 'static {
    /// Why it is unhealthy, if it is.
    fn trouble(&self) -> Option<String>;
    /// Its metrics, in the text format of Prometheus.
    fn metrics(&self) -> String;
}

/// A server that is already listening.
#[derive(Debug)]
pub struct Health {
    listener: TcpListener,
    limits: Limits,
}

impl Health {
    /// Listens on `address`; port 0 picks a free one.
    pub async fn listen(address: SocketAddr, limits: Limits) -> io::Result<Self> {
        Ok(Self { listener: http_listener::bind(address, "/healthz and /metrics").await?, limits })
    }

    /// Its address.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves as long as this is polled; open connections still get their response afterwards.
    pub async fn serve(self, worker: impl Observed) {
        let gate = Gate::new(self.limits);
        loop {
            let (connection, place) = gate.accept(&self.listener).await;
            let answering = Answering(worker.clone());
            tokio::spawn(async move {
                let served =
                    http_listener::serve(Http::default(), connection, place, answering, future::pending());
                if let Err(error) = served.await {
                    tracing::debug!(%error, "connection ended early");
                }
            });
        }
    }
}

#[derive(Clone)]
struct Answering<W>(W);

impl<W: Observed> Handler for Answering<W> {
    type Body = Full<Bytes>;
    type Error = Infallible;

    fn answer(
        self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send {
        future::ready(Ok(answer(&request, &self.0)))
    }

    fn busy(&self, _: &Request<Body>) -> Response<Full<Bytes>> {
        text(StatusCode::SERVICE_UNAVAILABLE, "too many requests at once; try again\n".to_owned())
    }
}

fn answer<B>(request: &Request<B>, worker: &impl Observed) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET is supported\n".to_owned());
    }
    match request.uri().path() {
        "/healthz" => match worker.trouble() {
            None => text(StatusCode::OK, "ok\n".to_owned()),
            Some(trouble) => text(StatusCode::SERVICE_UNAVAILABLE, trouble + "\n"),
        },
        "/metrics" => text(StatusCode::OK, worker.metrics()),
        _ => text(StatusCode::NOT_FOUND, "known paths: /healthz, /metrics\n".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let form = HeaderValue::from_static(MEDIA_TYPE);
    response.headers_mut().insert(CONTENT_TYPE, form);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_client::{self, Proxies};

    #[derive(Clone)]
    struct Worker(Option<&'static str>);

    impl Observed for Worker {
        fn trouble(&self) -> Option<String> {
            self.0.map(str::to_owned)
        }

        fn metrics(&self) -> String {
            "metric 1\n".to_owned()
        }
    }

    async fn get(worker: Worker, path: &str) -> (StatusCode, String) {
        let health = Health::listen("127.0.0.1:0".parse().unwrap(), Limits::default()).await.unwrap();
        let address = health.address().unwrap();
        let client = http_client::build(Proxies::None).unwrap();
        let asked = async {
            let response = client.get(format!("http://{address}{path}")).send().await.unwrap();
            (response.status(), response.text().await.unwrap())
        };
        tokio::select! {
            () = health.serve(worker) => unreachable!(),
            answer = asked => answer,
        }
    }

    #[tokio::test]
    async fn health_and_metrics_are_served() {
        assert_eq!(get(Worker(None), "/healthz").await, (StatusCode::OK, "ok\n".to_owned()));
        let ill = get(Worker(Some("no answer")), "/healthz").await;
        assert_eq!(ill, (StatusCode::SERVICE_UNAVAILABLE, "no answer\n".to_owned()));
        assert_eq!(get(Worker(None), "/metrics").await, (StatusCode::OK, "metric 1\n".to_owned()));
        assert_eq!(get(Worker(None), "/").await.0, StatusCode::NOT_FOUND);
    }
}
