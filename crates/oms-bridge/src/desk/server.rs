//! Serving a desk, and the work behind it.

use std::future::{Future, IntoFuture as _};
use std::io;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Desk, api, worker};

/// Time for requests that are being answered when the desk is to stop.
const LAST_CALL: Duration = Duration::from_secs(10);

/// Serves until `stop`, then answers what has been asked, finishes what is in hand and closes the catalogue.
///
/// # Errors
///
/// When the server breaks down.
pub async fn serve(
    listener: TcpListener,
    desk: Desk,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), io::Error> {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let (told, tell) = watch::channel(());
    let ended = |mut tell: watch::Receiver<()>| async move {
        // The sender is dropped when it is time.
        let _ = tell.changed().await;
    };
    let work = tokio::spawn(worker::run(desk.clone(), ended(tell.clone())));
    let server = axum::serve(listener, api::router(desk.clone())).with_graceful_shutdown(ended(tell));
    let mut server = tokio::spawn(server.into_future());
    let broken = tokio::select! {
        broken = &mut server => Some(broken),
        () = stop => None,
    };
    drop(told);
    let served = match broken {
        Some(broken) => broken,
        None => timeout(LAST_CALL, &mut server).await.unwrap_or_else(|_| {
            server.abort();
            tracing::warn!("stopped although some requests were not answered");
            Ok(Ok(()))
        }),
    };
    if work.await.is_err() {
        tracing::error!("the worker broke down");
    }
    desk.close().await;
    served.unwrap_or_else(|error| Err(io::Error::other(error)))
}
