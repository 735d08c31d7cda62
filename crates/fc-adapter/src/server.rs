//! Accepts connections, serves them, and winds them down.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use http_listener::{Body, Gate, Handler, Http, Limits, Place};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::debug;

use crate::dispatch::{Shared, dispatch};
use crate::gauge::{Entry, Gauge};
use crate::handler::Invoke;
use crate::reply;

/// How long connections may take, once no handler runs any more, to hand over a request that is on its way
/// and to take away their answers. Without a bound a stalled client would keep the process from ending.
const LAST_EXCHANGE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Draining,
    Closed,
}

pub(crate) async fn serve<I: Invoke>(
    listener: TcpListener,
    limits: Limits,
    shared: Arc<Shared>,
    handler: I,
    shutdown: impl Future<Output = ()>,
) {
    let phase = watch::Sender::new(Phase::Serving);
    let connections = Arc::new(Gauge::default());
    let gate = Gate::new(limits);
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = gate.accept(&listener) => accepted,
        };
        let answering = Dispatcher { shared: Arc::clone(&shared), handler: handler.clone() };
        tokio::spawn(connection(stream, place, answering, phase.subscribe(), connections.enter()));
    }
    drop(listener);
    drain(&phase, &connections, &shared.work).await;
}

#[derive(Clone)]
struct Dispatcher<I> {
    shared: Arc<Shared>,
    handler: I,
}

impl<I: Invoke> Handler for Dispatcher<I> {
    type Body = Full<bytes::Bytes>;
    type Error = Infallible;

    fn answer(
        self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Infallible>> + Send {
        let answer = dispatch(self.shared, self.handler, request);
        async { Ok(answer.await) }
    }

    fn busy(&self, _: &Request<Body>) -> Response<Self::Body> {
        reply::busy()
    }
}

async fn connection<I: Invoke>(
    stream: TcpStream,
    place: Place,
    answering: Dispatcher<I>,
    phase: watch::Receiver<Phase>,
    _open: Entry,
) {
    let draining = reached(phase.clone(), Phase::Draining);
    let ended = tokio::select! {
        biased;
        ended = http_listener::serve(Http::default(), stream, place, answering, draining) => ended,
        () = reached(phase, Phase::Closed) => return,
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended early");
    }
}

/// Resolves once `phase` has come, or when the server is gone altogether.
async fn reached(mut current: watch::Receiver<Phase>, phase: Phase) {
    // An error means that the sender was dropped together with the server.
    let _ = current.wait_for(|current| *current >= phase).await;
}

async fn drain(phase: &watch::Sender<Phase>, connections: &Gauge, work: &Gauge) {
    phase.send_replace(Phase::Draining);
    loop {
        let quiet = async {
            work.idle().await;
            sleep(LAST_EXCHANGE).await;
        };
        tokio::select! {
            () = connections.idle() => break,
            () = quiet => if work.count() == 0 { break },
        }
    }
    phase.send_replace(Phase::Closed);
    // In this order: until a connection has seen the end, it may still start a handler.
    connections.idle().await;
    work.idle().await;
}
