//! Runs a [`lambda_runtime`] service on the custom runtime of Alibaba Cloud Function Compute.
//!
//! Function Compute starts the binary as an HTTP server and sends it every event ([custom
//! runtime](https://www.alibabacloud.com/help/en/functioncompute/fc/principles-1)). This crate is that
//! server. The handler is written against the types of `lambda_runtime`, so the same one runs on AWS Lambda:
//!
//! ```no_run
//! use lambda_runtime::{Error, LambdaEvent, service_fn};
//! use serde_json::Value;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Error> {
//!     let handler = service_fn(echo);
//!     match std::env::var_os("AWS_LAMBDA_RUNTIME_API") {
//!         Some(_) => lambda_runtime::run_concurrent(handler).await,
//!         None => fc_adapter::run(handler).await,
//!     }
//! }
//!
//! async fn echo(event: LambdaEvent<Value>) -> Result<Value, Error> {
//!     Ok(event.payload)
//! }
//! ```
//!
//! # What is served
//!
//! | request | answer |
//! |---|---|
//! | `POST /invoke` | the handler's value as JSON |
//! | `POST /initialize` | empty, after [`Adapter::on_initialize`] |
//! | `GET /pre-stop` | empty, once no handler runs and after [`Adapter::on_pre_stop`] |
//! | `GET /pre-freeze` | empty, once no handler runs |
//! | `GET /healthz` | empty |
//!
//! The header `x-fc-control-path` takes precedence over the path of the URL; on Function Compute `/invoke`
//! and `/initialize` are served by that header alone. One that is there several times, or is empty or
//! unreadable, is refused. Success is status 200 with `x-fc-status: 200`. Failure is status 404 with
//! `x-fc-status: 404` and `{"errorMessage":"…","errorType":"…"}`; an unknown path, a wrong method and a
//! request that came through an HTTP trigger fail in the same way; [`Adapter::on_http`] serves the first and
//! the last.
//!
//! Away from a [`Platform`] the server listens on loopback, ignores `x-fc-*` headers, and leaves
//! access control to [`Adapter::admit`].
//!
//! # How an invocation flows
//!
//! `server` accepts the connection, within the limits of [`http_listener`], `dispatch` finds the `route`,
//! reads the [`FcContext`] out of the headers, prints the start line (`markers`) and receives the event
//! (`body`) once there is memory for it (`room`). A task of its own then runs `handler`: the event is parsed
//! (`raw`), a clone of the service is made ready and called, the response is serialised. The task goes on if
//! the client leaves, and a panic anywhere in it fails this invocation only. The end line is printed before
//! the answer is sent, since the platform may freeze the instance afterwards; for the same reason a handler
//! should finish its work before it returns.
//!
//! Invocations run concurrently, each on its own clone of the service; how many at once is for the platform
//! to say (`instanceConcurrency`).
//!
//! # Differences from AWS Lambda
//!
//! * An error of `poll_ready` fails the invocation instead of ending the process.
//! * Text after the JSON value of an event is an error; `lambda_runtime` does not look at it.
//! * A [`StreamResponse`](lambda_runtime::StreamResponse) is collected and sent as one body, because event
//!   functions have no streaming here; its metadata prelude is ignored.
//! * What Function Compute knows beyond [`lambda_runtime::Context`] is in [`FcContext::current`], and an
//!   event that is no JSON is read with [`RawEvent`].
//!
//! The tokio runtime may be of either flavour and needs its I/O and time drivers (`enable_all`). Panics are
//! caught only where they unwind: do not build with `panic = "abort"`.

#![warn(missing_docs)]

mod adapter;
mod arrival;
mod body;
mod context;
mod credentials;
mod dispatch;
mod environment;
mod error;
mod failure;
mod gauge;
mod handler;
mod header;
mod http_hook;
mod instance;
mod markers;
mod platform;
mod raw;
mod reply;
mod room;
mod route;
mod server;
mod signals;
mod work;

use std::fmt::Debug;

use bytes::Bytes;
use futures_util::Stream;
use lambda_runtime::{Diagnostic, IntoFunctionResponse, LambdaEvent, Service};
use serde::{Deserialize, Serialize};

pub use http_listener::Limits;

pub use crate::adapter::{Adapter, Bound};
pub use crate::context::FcContext;
pub use crate::credentials::FcCredentials;
pub use crate::environment::FcEnvironment;
pub use crate::error::{Error, ErrorKind};
pub use crate::http_hook::Busy;
pub use crate::markers::Markers;
pub use crate::platform::Platform;
pub use crate::raw::RawEvent;
pub use crate::room::keep_memory;

/// Serves `handler` on Function Compute until `SIGTERM` or `SIGINT`; takes any handler that
/// [`lambda_runtime::run_concurrent`] takes.
///
/// Listens on `0.0.0.0`, away from a [`Platform`] on `127.0.0.1`, on the port in `FC_SERVER_PORT`, else
/// `FC_CUSTOM_LISTEN_PORT`, else 9000. After the signal the running invocations are finished before this
/// returns. For settings and hooks see [`Adapter`].
///
/// # Errors
///
/// A [`fc_adapter::Error`](Error) when the port is taken or no port at all, when signals cannot be handled,
/// or when a second signal cut the work short. Failed invocations are answered to the platform and end
/// nothing.
pub async fn run<A, F, R, B, S, D, E>(handler: F) -> Result<(), lambda_runtime::Error>
where
    F: Service<LambdaEvent<A>, Response = R> + Clone + Send + 'static,
    F::Future: Future<Output = Result<R, F::Error>> + Send + 'static,
    F::Error: Into<Diagnostic> + Debug,
    A: for<'de> Deserialize<'de> + Send + 'static,
    R: IntoFunctionResponse<B, S> + Send + 'static,
    B: Serialize + Send + 'static,
    S: Stream<Item = Result<D, E>> + Unpin + Send + 'static,
    D: Into<Bytes> + Send + 'static,
    E: Into<lambda_runtime::Error> + Send + Debug + 'static,
{
    Adapter::new(handler).run().await?;
    Ok(())
}

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
