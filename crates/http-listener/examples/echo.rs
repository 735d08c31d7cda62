//! Answers every request with its own body: `cargo run -p http-listener --example echo`.

use std::convert::Infallible;
use std::future;
use std::io;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use http_listener::{Body, Gate, Handler, Http, Limits, serve};
use tokio::net::TcpListener;

const LONGEST: usize = 1 << 20;

#[derive(Clone)]
struct Echo;

impl Handler for Echo {
    type Body = Full<Bytes>;
    type Error = Infallible;

    async fn answer(self, request: Request<Body>) -> Result<Response<Self::Body>, Infallible> {
        let body = Limited::new(request.into_body(), LONGEST).collect().await;
        Ok(body
            .map_or_else(|_| status(StatusCode::BAD_REQUEST), |body| Response::new(body.to_bytes().into())))
    }

    fn busy(&self, _: &Request<Body>) -> Response<Self::Body> {
        status(StatusCode::SERVICE_UNAVAILABLE)
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:9000").await?;
    let gate = Gate::new(Limits::default());
    loop {
        let (stream, place) = gate.accept(&listener).await;
        tokio::spawn(serve(Http::default(), stream, place, Echo, future::pending()));
    }
}
