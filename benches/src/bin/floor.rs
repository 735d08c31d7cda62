//! The floor of the benchmark `invocation`: what an invocation costs when nothing is thought about.
//!
//! Takes `POST /invoke` on `FC_SERVER_PORT`, sends one canned request to OMS and one to OSS, and answers `true`. Its
//! server, its runtime and its HTTP client are those of the product; the canned requests are requests that the product
//! made. It parses, signs, logs and records nothing.
//!
//! `FLOOR_OMS` and `FLOOR_OSS` hold where to send: the URL, a line feed, and the request as it went over the wire.

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use http_body_util::{BodyExt as _, Full};
use http_client::Proxies;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn Error + Send + Sync>;

struct Floor {
    http: reqwest::Client,
    oms: Canned,
    oss: Canned,
}

/// A request that is sent as it is, again and again.
struct Canned {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let floor = Arc::new(Floor {
        http: http_client::build(Proxies::FromEnvironment)?,
        oms: Canned::parse(&env::var("FLOOR_OMS")?)?,
        oss: Canned::parse(&env::var("FLOOR_OSS")?)?,
    });
    let port = env::var("FC_SERVER_PORT")?.parse()?;
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve(stream, Arc::clone(&floor)));
    }
}

async fn serve(stream: TcpStream, floor: Arc<Floor>) -> Result<(), Failure> {
    stream.set_nodelay(true)?;
    let service = service_fn(move |request| answer(Arc::clone(&floor), request));
    http1::Builder::new().serve_connection(TokioIo::new(stream), service).await?;
    Ok(())
}

async fn answer(floor: Arc<Floor>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, body) = match floor.invoke(request.into_body()).await {
        Ok(()) => ("200", Bytes::from_static(b"true")),
        Err(error) => ("404", Bytes::from(error.to_string())),
    };
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert("x-fc-status", HeaderValue::from_static(status));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

impl Floor {
    async fn invoke(&self, event: Incoming) -> Result<(), Failure> {
        event.collect().await?;
        self.oms.send(&self.http).await?;
        self.oss.send(&self.http).await
    }
}

impl Canned {
    fn parse(text: &str) -> Result<Self, Failure> {
        let (url, request) = text.split_once('\n').ok_or("no request")?;
        let (head, body) = request.split_once("\r\n\r\n").ok_or("no head")?;
        let mut lines = head.split("\r\n");
        let method = lines.next().and_then(|line| line.split(' ').next()).ok_or("no method")?.parse()?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").ok_or("no header")?;
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        Ok(Self { method, url: url.parse()?, headers, body: Bytes::copy_from_slice(body.as_bytes()) })
    }

    async fn send(&self, http: &reqwest::Client) -> Result<(), Failure> {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        request.headers_mut().clone_from(&self.headers);
        *request.body_mut() = Some(self.body.clone().into());
        http.execute(request).await?.error_for_status()?.bytes().await?;
        Ok(())
    }
}
