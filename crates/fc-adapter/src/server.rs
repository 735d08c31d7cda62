//! Accepts connections, serves them, and winds them down.

use std::{convert::Infallible, future::Future, io, pin::pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};
use tracing::{debug, warn};

use crate::{
    dispatch::{Shared, dispatch},
    gauge::{Entry, Gauge},
    handler::Invoke,
};

/// How long connections may take, once no handler runs any more, to hand over a request that is on its way and to
/// take away their answers. Without a bound a stalled client would keep the process from ending.
const LAST_EXCHANGE: Duration = Duration::from_secs(5);

/// The usual cause is a lack of file descriptors, which the end of other connections cures.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    Draining,
    Closed,
}

pub(crate) async fn serve<I: Invoke>(
    listener: TcpListener,
    shared: Arc<Shared>,
    handler: I,
    shutdown: impl Future<Output = ()>,
) {
    let phase = watch::Sender::new(Phase::Serving);
    let connections = Arc::new(Gauge::default());
    let mut shutdown = pin!(shutdown);
    loop {
        let stream = tokio::select! {
            biased;
            () = &mut shutdown => break,
            stream = accept(&listener) => stream,
        };
        let connection =
            connection(stream, Arc::clone(&shared), handler.clone(), phase.subscribe(), connections.enter());
        tokio::spawn(connection);
    }
    drop(listener);
    drain(&phase, &connections, &shared.work).await;
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_about_the_peer(&error) => {
                debug!(%error, "connection lost before it was accepted");
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

fn is_about_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn connection<I: Invoke>(
    stream: TcpStream,
    shared: Arc<Shared>,
    handler: I,
    mut phase: watch::Receiver<Phase>,
    _open: Entry,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "cannot set TCP_NODELAY");
    }
    let service = service_fn(move |request| {
        let answer = dispatch(Arc::clone(&shared), handler.clone(), request);
        async { Ok::<_, Infallible>(answer.await) }
    });
    // The platform keeps connections for at least 15 idle minutes. hyper's header timeout, on by default as soon as
    // a timer is set, would close them after 30 seconds.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .half_close(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = reached(&mut phase, Phase::Draining) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                biased;
                ended = connection => ended,
                () = reached(&mut phase, Phase::Closed) => return,
            }
        }
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended early");
    }
}

/// Resolves once `phase` has come, or when the server is gone altogether.
async fn reached(current: &mut watch::Receiver<Phase>, phase: Phase) {
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
