//! The builder and the bound server.

use std::fmt;
use std::fmt::Debug;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_listener::Limits;
use lambda_runtime::{Diagnostic, IntoFunctionResponse, LambdaEvent, Service};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::info;

use crate::context::FcContext;
use crate::dispatch::{Admit, Hook, Metrics, Shared};
use crate::environment::FcEnvironment;
use crate::error::{Error, ErrorKind};
use crate::gauge::Gauge;
use crate::handler::Handler;
use crate::http_hook::HttpHook;
use crate::instance::Instance;
use crate::markers::Markers;
use crate::platform::{DEFAULT_PORT, Platform};
use crate::room::Room;
use crate::server;
use crate::signals::Signals;

/// The platform takes event bodies of at most 32 MB.
const DEFAULT_LIMIT: usize = 32 << 20;
const DEFAULT_MEMORY: usize = 256 << 20;

/// Builds a server around a handler; [`run`](crate::run) is the short form with every setting at its default.
///
/// ```no_run
/// use fc_adapter::{Adapter, FcContext};
/// use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
/// use serde_json::Value;
///
/// # async fn example() -> Result<(), Error> {
/// Adapter::new(service_fn(async |event: LambdaEvent<Value>| Ok::<_, Error>(event.payload)))
///     .on_initialize(|context| async move {
///         match context.credentials {
///             Some(_) => Ok(()),
///             None => Err(Diagnostic::from("the function has no role")),
///         }
///     })
///     .body_limit(1 << 20)
///     .run()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "an adapter serves nothing until it is run or bound"]
pub struct Adapter<F> {
    handler: F,
    listen: Option<SocketAddr>,
    platform: Option<Platform>,
    environment: Option<FcEnvironment>,
    timeout: Option<Duration>,
    body_limit: usize,
    body_limit_advice: Option<String>,
    room: Room,
    response_limit: usize,
    markers: Markers,
    on_initialize: Option<Hook>,
    on_pre_stop: Option<Hook>,
    on_stop: Option<Box<dyn FnOnce() + Send>>,
    on_http: Option<HttpHook>,
    metrics: Option<Metrics>,
    admit: Option<Admit>,
    limits: Option<Limits>,
}

impl<F> Adapter<F> {
    /// An adapter with default settings around a service, usually `service_fn(handler)`.
    pub fn new(handler: F) -> Self {
        Self {
            handler,
            listen: None,
            platform: None,
            environment: None,
            timeout: None,
            body_limit: DEFAULT_LIMIT,
            body_limit_advice: None,
            room: Room::new(DEFAULT_MEMORY, |length| length),
            response_limit: DEFAULT_LIMIT,
            markers: Markers::default(),
            on_initialize: None,
            on_pre_stop: None,
            on_stop: None,
            on_http: None,
            metrics: None,
            admit: None,
            limits: None,
        }
    }

    /// Listens on `addr` instead of [`Platform::listen_address`] with 9000 as the port. Port 0 means any free
    /// one.
    pub fn listen(self, addr: SocketAddr) -> Self {
        Self { listen: Some(addr), ..self }
    }

    /// Serves as on `platform` instead of the one that the environment shows.
    pub fn platform(self, platform: Platform) -> Self {
        Self { platform: Some(platform), ..self }
    }

    /// Asks `admit` about the headers of every request except `GET /healthz` and those that go to the hook of
    /// [`Adapter::on_http`], which does its own check. A request that is not admitted is answered with 401
    /// before its body is read; no handler and no hook runs. Without this, every request is admitted.
    pub fn admit<A>(self, admit: A) -> Self
    where
        A: Fn(&HeaderMap) -> bool + Send + Sync + 'static,
    {
        Self { admit: Some(Box::new(admit)), ..self }
    }

    /// Uses `environment` instead of that of the process for what request headers leave open.
    pub fn environment(self, environment: FcEnvironment) -> Self {
        Self { environment: Some(environment), ..self }
    }

    /// The longest time an invocation may take: 60 seconds unless set here; more than 24 hours count as 24.
    /// Set it to the function's configured timeout. `x-fc-function-timeout` may shorten it, and never makes
    /// it longer.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// The greatest event in bytes, 32 MiB by default. A greater one is a failed invocation.
    pub fn body_limit(self, bytes: usize) -> Self {
        Self { body_limit: bytes, ..self }
    }

    /// What to do about events over the limit: a few words that the error ends with.
    pub fn body_limit_advice(self, advice: impl Into<String>) -> Self {
        Self { body_limit_advice: Some(advice.into()), ..self }
    }

    /// What all events and bodies for the hook may take together, in bytes, 256 MiB by default. `weight` says
    /// for the length of one what it may come to take while it is worked on; by default its own length. One
    /// that finds no room waits for it until its deadline, unread. A quarter is kept for bodies of up to 256
    /// KiB, so that these never wait for larger ones. A handler that has read the event can give back what it
    /// does not need: [`keep_memory`](crate::keep_memory).
    pub fn memory<W>(self, bytes: usize, weight: W) -> Self
    where
        W: Fn(usize) -> usize + Send + Sync + 'static,
    {
        Self { room: Room::new(bytes, weight), ..self }
    }

    /// The greatest response in bytes that is collected from a
    /// [`StreamResponse`](lambda_runtime::StreamResponse), 32 MiB by default. A greater one is a failed
    /// invocation.
    pub fn response_limit(self, bytes: usize) -> Self {
        Self { response_limit: bytes, ..self }
    }

    /// Runs `hook` on `POST /initialize`, which the platform sends once per instance if
    /// `instanceLifecycleConfig.initializer` is configured. An error or a panic answers 404, and the platform
    /// replaces the instance.
    pub fn on_initialize<H, W>(self, hook: H) -> Self
    where
        H: Fn(Arc<FcContext>) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), Diagnostic>> + Send + 'static,
    {
        Self { on_initialize: Some(boxed(hook)), ..self }
    }

    /// Runs `hook` on `GET /pre-stop`, after all work under way is finished and before the request is
    /// answered. The platform stops the instance whether or not it succeeds, and gives it 90 seconds at most.
    pub fn on_pre_stop<H, W>(self, hook: H) -> Self
    where
        H: Fn(Arc<FcContext>) -> W + Send + Sync + 'static,
        W: Future<Output = Result<(), Diagnostic>> + Send + 'static,
    {
        Self { on_pre_stop: Some(boxed(hook)), ..self }
    }

    /// Calls `hook` at the first signal that ends [`Adapter::run`], before the running invocations are
    /// finished.
    pub fn on_stop(self, hook: impl FnOnce() + Send + 'static) -> Self {
        Self { on_stop: Some(Box::new(hook)), ..self }
    }

    /// Gives `hook` every request that lies outside of the platform's contract: all requests of HTTP triggers
    /// and custom domains except `GET /healthz`, and unknown paths of requests without `x-fc-control-path`.
    /// Without a hook these fail.
    ///
    /// The hook gets the whole body, of at most `body_limit` bytes; a longer one is answered with 413, one
    /// that breaks off with 400, one that is not there by the deadline with 408, a panic with 500. Its answer
    /// is sent as it is. While it runs, [`FcContext::current`] is known. Among the extensions of the request
    /// is a [`Busy`](crate::Busy), for work that goes on after the answer.
    pub fn on_http<H, W>(self, body_limit: usize, hook: H) -> Self
    where
        H: Fn(Request<Bytes>) -> W + Send + Sync + 'static,
        W: Future<Output = Response<Bytes>> + Send + 'static,
    {
        Self { on_http: Some(HttpHook::new(body_limit, hook)), ..self }
    }

    /// Asks `look` about the head of a request before its body is read for the hook of [`Adapter::on_http`].
    /// What it answers is sent in the hook's place, so that nobody without a right to ask has a body
    /// received. Nothing without such a hook.
    pub fn look_at_http<L>(self, look: L) -> Self
    where
        L: Fn(&Parts) -> Option<Response<Bytes>> + Send + Sync + 'static,
    {
        Self { on_http: self.on_http.map(|hook| hook.look(Box::new(look))), ..self }
    }

    /// Answers `GET /metrics` with what `write` returns, a media type and a text of it. It needs the same
    /// admission as an event, and is no HTTP trigger's: on Function Compute nobody outside of the instance
    /// can ask for it.
    pub fn metrics<W>(self, write: W) -> Self
    where
        W: Fn() -> (&'static str, String) + Send + Sync + 'static,
    {
        Self { metrics: Some(Box::new(write)), ..self }
    }

    /// What clients may take in time and connections; by default [`Limits::of_a_platform`] on a platform and
    /// [`Limits::default`] elsewhere.
    pub fn limits(self, limits: Limits) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// Where the start and end lines of requests are printed.
    pub fn markers(self, markers: Markers) -> Self {
        Self { markers, ..self }
    }

    /// Starts to listen. From here on connections wait in the backlog until [`Bound::serve`] takes them.
    pub async fn bind(self) -> Result<Bound<F>, Error> {
        let platform = self.platform.unwrap_or_else(Platform::of_process);
        let address = match self.listen {
            Some(address) => address,
            None => platform.listen_address(DEFAULT_PORT, |name| std::env::var(name).ok())?,
        };
        let refused = |error| {
            let message = format!("cannot listen on {address} for the function");
            Error::new(ErrorKind::Listen, message).with_source(error)
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let limits = self.limits.unwrap_or_else(|| platform.limits());
        let local_addr = listener.local_addr().map_err(refused)?;
        let instance = Instance::new(self.environment.unwrap_or_else(FcEnvironment::from_process));
        let shared = Shared {
            instance: match self.timeout {
                Some(timeout) => instance.timeout(timeout),
                None => instance,
            },
            body_limit: self.body_limit,
            body_limit_advice: self.body_limit_advice,
            room: self.room,
            response_limit: self.response_limit,
            markers: self.markers,
            on_initialize: self.on_initialize,
            on_pre_stop: self.on_pre_stop,
            on_http: self.on_http,
            metrics: self.metrics,
            platform,
            admit: self.admit,
            work: Arc::new(Gauge::default()),
        };
        Ok(Bound { listener, local_addr, limits, shared: Arc::new(shared), handler: self.handler })
    }

    /// Serves until `SIGTERM` or `SIGINT`, then finishes the running invocations and returns.
    ///
    /// A second signal ends the wait at once, with an error of kind [`ErrorKind::Interrupted`].
    pub async fn run<A, R, B, S, D, E>(mut self) -> Result<(), Error>
    where
        F: Service<LambdaEvent<A>, Response = R> + Clone + Send + 'static,
        F::Future: Future<Output = Result<R, F::Error>> + Send + 'static,
        F::Error: Into<Diagnostic> + fmt::Debug,
        A: for<'de> Deserialize<'de> + Send + 'static,
        R: IntoFunctionResponse<B, S> + Send + 'static,
        B: Serialize + Send + 'static,
        S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
        D: Into<Bytes> + Send + 'static,
        E: Into<lambda_runtime::Error> + Send + Debug + 'static,
    {
        let mut signals = Signals::install()?;
        let on_stop = self.on_stop.take();
        let bound = self.bind().await?;
        info!(address = %bound.local_addr(), "listening");
        let work = Arc::clone(&bound.shared.work);
        let (stop, stopped) = oneshot::channel::<()>();
        let twice_signalled = async {
            signals.next().await;
            if let Some(hook) = on_stop {
                hook();
            }
            info!("stopping: finishing {}; a second signal ends this process now", invocations(work.count()));
            drop(stop);
            signals.next().await;
        };
        tokio::select! {
            biased;
            served = bound.serve(async { _ = stopped.await }) => served,
            () = twice_signalled => {
                let message = format!("stopped by a second signal with {} unfinished", invocations(work.count()));
                Err(Error::new(ErrorKind::Interrupted, message))
            }
        }
    }
}

fn invocations(count: usize) -> String {
    format!("{count} invocation{}", if count == 1 { "" } else { "s" })
}

fn boxed<H, W>(hook: H) -> Hook
where
    H: Fn(Arc<FcContext>) -> W + Send + Sync + 'static,
    W: Future<Output = Result<(), Diagnostic>> + Send + 'static,
{
    Box::new(move |context| Box::pin(hook(context)))
}

/// An adapter that listens.
pub struct Bound<F> {
    listener: TcpListener,
    local_addr: SocketAddr,
    limits: Limits,
    shared: Arc<Shared>,
    handler: F,
}

impl<F> Bound<F> {
    /// The address that is listened on, with the port that was given for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` resolves, then accepts no more connections, finishes the running invocations,
    /// whether or not their client still waits, and returns.
    ///
    /// Once no handler runs, connections that stand in the middle of a request or an answer get five more
    /// seconds. Dropping the future instead of ending it closes every connection at once; handlers that run
    /// go on. Trouble with one connection or one invocation never ends the server.
    pub async fn serve<A, R, B, S, D, E>(self, shutdown: impl Future<Output = ()>) -> Result<(), Error>
    where
        F: Service<LambdaEvent<A>, Response = R> + Clone + Send + 'static,
        F::Future: Future<Output = Result<R, F::Error>> + Send + 'static,
        F::Error: Into<Diagnostic> + fmt::Debug,
        A: for<'de> Deserialize<'de> + Send + 'static,
        R: IntoFunctionResponse<B, S> + Send + 'static,
        B: Serialize + Send + 'static,
        S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
        D: Into<Bytes> + Send + 'static,
        E: Into<lambda_runtime::Error> + Send + Debug + 'static,
    {
        server::serve(self.listener, self.limits, self.shared, Handler::new(self.handler), shutdown).await;
        Ok(())
    }
}

impl<F> Debug for Adapter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter")
            .field("listen", &self.listen)
            .field("environment", &self.environment)
            .field("body_limit", &self.body_limit)
            .field("markers", &self.markers)
            .finish_non_exhaustive()
    }
}

impl<F> Debug for Bound<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bound").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}
