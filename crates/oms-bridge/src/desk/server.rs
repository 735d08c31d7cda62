//! Serving a desk, and the work behind it.

use std::future::{Future, IntoFuture as _};
use std::io;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Desk, api, worker};

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
    let server = tokio::spawn(server.into_future());
    stop.await;
    drop(told);
    let served = server.await;
    if work.await.is_err() {
        tracing::error!("the worker broke down");
    }
    desk.close().await;
    served.unwrap_or_else(|error| Err(io::Error::other(error)))
}
