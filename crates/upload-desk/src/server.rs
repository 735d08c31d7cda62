//! Runs the HTTP server and the worker.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse as _;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Request, Response, StatusCode};
use http_listener::{Gate, Handler, Http, Limits};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::Service as _;

use crate::desk::Desk;
use crate::{api, worker};

/// Time for running requests to finish when the desk stops.
const LAST_CALL: Duration = Duration::from_secs(10);

/// Serves until `stop`, then finishes running requests and work, and closes the catalogue.
///
/// # Errors
///
/// When the server fails.
pub async fn serve(
    listener: TcpListener,
    limits: Limits,
    desk: Desk,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), io::Error> {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "listening");
    }
    let (told, tell) = watch::channel(());
    let work = tokio::spawn(worker::run(desk.clone(), ended(tell.clone())));
    let router = api::router(desk.clone(), limits.requests);
    let mut server = tokio::spawn(listen(listener, limits, router, tell));
    let broken = tokio::select! {
        broken = &mut server => Some(broken),
        () = stop => None,
    };
    drop(told);
    let served = match broken {
        Some(broken) => broken,
        None => timeout(LAST_CALL, &mut server).await.unwrap_or_else(|_| {
            server.abort();
            tracing::warn!("stopped before all requests were answered");
            Ok(())
        }),
    };
    if work.await.is_err() {
        tracing::error!("the worker panicked");
    }
    desk.close().await;
    served.map_err(io::Error::other)
}

/// Resolves when the sender is dropped.
async fn ended(mut tell: watch::Receiver<()>) {
    let _ = tell.changed().await;
}

async fn listen(listener: TcpListener, limits: Limits, router: Router, tell: watch::Receiver<()>) {
    let gate = Gate::new(limits);
    // Dropped, and so ended, with this function.
    let mut connections = JoinSet::new();
    loop {
        let (stream, place) = tokio::select! {
            biased;
            () = ended(tell.clone()) => break,
            accepted = gate.accept(&listener) => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let answering = RouterHandler(router.clone());
        let tell = tell.clone();
        connections.spawn(async move {
            let served = http_listener::serve(Http::default(), stream, place, answering, ended(tell));
            if let Err(error) = served.await {
                tracing::debug!(%error, "connection ended early");
            }
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

#[derive(Clone)]
struct RouterHandler(Router);

impl Handler for RouterHandler {
    type Body = axum::body::Body;
    type Error = Infallible;

    fn answer(
        mut self,
        request: Request<http_listener::Body>,
    ) -> impl Future<Output = Result<Response<axum::body::Body>, Infallible>> + Send {
        self.0.call(request)
    }

    fn busy(&self, _: &Request<http_listener::Body>) -> Response<axum::body::Body> {
        let headers = [(CONTENT_TYPE, "application/json"), (RETRY_AFTER, "1")];
        let body = r#"{"error":{"code":"busy","message":"too many requests at once; try again"}}"#;
        (StatusCode::SERVICE_UNAVAILABLE, headers, body).into_response()
    }
}
