//! Listeners, and who answers on each.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http::{HeaderValue, Request, StatusCode, header};
use http_listener::{Body, Gate, Handler, Http, Place};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::body::ReplyBody;
use crate::cloud::Cloud;
use crate::connection::{Aborted, Connection, FaultyStream};
use crate::dialect::Dialect;
use crate::reply::Reply;
use crate::service::Service;
use crate::{admin, objects, oms};

/// Who answers on a listener.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Front {
    Service(Service),
    Admin,
}

/// Binds `address`, which must be of the loopback interface.
pub(crate) async fn bind(address: SocketAddr, what: &str) -> io::Result<TcpListener> {
    if !address.ip().is_loopback() {
        let message = format!("{address} is not a loopback address, and a twin is for this machine only");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    http_listener::bind(address, what).await
}

/// Accepts until the future is dropped, which also drops every connection.
pub(crate) async fn serve(cloud: Arc<Cloud>, listener: TcpListener, front: Front) {
    let mut connections = JoinSet::new();
    let gate = Gate::new(cloud.config.limits);
    loop {
        tokio::select! {
            (stream, place) = gate.accept(&listener) => {
                if let Front::Service(service) = front {
                    cloud.counters.connection(service);
                }
                connections.spawn(converse(Arc::clone(&cloud), front, stream, place));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn converse(cloud: Arc<Cloud>, front: Front, stream: TcpStream, place: Place) {
    let connection = Connection::default();
    let stream = FaultyStream::new(stream, connection.clone());
    let answering = Answering { cloud, front, connection };
    // Each service says itself what time it is, and large bodies come in large pieces.
    let http = Http { half_close: false, date: false, buffer: None };
    // An error here is the client's or an ordered fault, and either way this connection is over.
    let _ = http_listener::serve(http, stream, place, answering, future::pending()).await;
}

#[derive(Clone)]
struct Answering {
    cloud: Arc<Cloud>,
    front: Front,
    connection: Connection,
}

impl Handler for Answering {
    type Body = ReplyBody;
    type Error = Aborted;

    async fn answer(self, request: Request<Body>) -> Result<Reply, Aborted> {
        answer(&self.cloud, self.front, &self.connection, request).await
    }

    fn busy(&self, _: &Request<Body>) -> Reply {
        let mut reply = Reply::new(ReplyBody::default());
        *reply.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        reply.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        reply
    }
}

async fn answer(
    cloud: &Cloud,
    front: Front,
    connection: &Connection,
    request: Request<Body>,
) -> Result<Reply, Aborted> {
    match front {
        Front::Service(Service::Oss) => objects::handle(cloud, Dialect::Oss, connection, request).await,
        Front::Service(Service::Obs) => objects::handle(cloud, Dialect::Obs, connection, request).await,
        Front::Service(Service::Oms) => oms::handle(cloud, connection, request).await,
        Front::Admin => Ok(admin::handle(cloud, request).await),
    }
}
