//! What Function Compute says about a request.

use std::future::Future;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use lambda_runtime::Context;
use tokio::task::futures::TaskLocalFuture;
use tokio::time::Instant;

use crate::arrival::Arrival;
use crate::credentials;
use crate::credentials::FcCredentials;
use crate::header::text;
use crate::instance::{Function, Instance};

tokio::task_local! {
    static CURRENT: Arc<FcContext>;
}

/// What Function Compute says about a request, beyond what fits into [`lambda_runtime::Context`].
///
/// Built from the `x-fc-*` headers ([custom runtime
/// specification](https://www.alibabacloud.com/help/en/functioncompute/fc/context-and-log-format-1)), each of
/// which may be absent; the environment of the instance then stands in where it can.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FcContext {
    /// `x-fc-request-id`; where absent `local-<arrival, ms since 1970, hex>-<number, hex>`.
    pub request_id: String,
    /// Region id, such as `cn-hangzhou`.
    pub region: Option<Arc<str>>,
    /// Id of the account that owns the function.
    pub account_id: Option<Arc<str>>,
    /// Name of the function.
    pub function_name: Option<Arc<str>>,
    /// Version or alias by which the function was invoked, such as `LATEST`.
    pub qualifier: Option<Arc<str>>,
    /// Version that runs.
    pub version_id: Option<Arc<str>>,
    /// Memory of the instance in MB.
    pub memory_mb: Option<u32>,
    /// Log Service project of the function.
    pub log_project: Option<Arc<str>>,
    /// Log Service store of the function.
    pub log_store: Option<Arc<str>>,
    /// Credentials of the function's role: of the request, else of the environment, never mixed.
    pub credentials: Option<FcCredentials>,
    /// `x-fc-retry-count`: how often an asynchronous invocation was tried before, 0 for the first try or
    /// where the platform does not say.
    pub retry_count: u32,
    /// When the platform gives up on this invocation: arrival plus
    /// [`Adapter::timeout`](crate::Adapter::timeout), or `x-fc-function-timeout` if that is shorter. Nothing
    /// is cut off here at this time.
    pub deadline: Instant,
    /// The same moment on the wall clock.
    pub deadline_at: SystemTime,
    function: Arc<Function>,
}

impl FcContext {
    /// Reads the headers of a request that arrived at `arrival`.
    ///
    /// A header that is absent, empty, not text or not a number where one is due counts as absent.
    pub(crate) fn from_headers(headers: &HeaderMap, instance: &Instance, arrival: Arrival) -> Self {
        let function = instance.function(headers);
        let [region, account_id, function_name, qualifier, version_id, memory, log_project, log_store] =
            function.values();
        let timeout = instance.timeout_of(headers);
        let found = FcCredentials::from_source(
            ["x-fc-access-key-id", "x-fc-access-key-secret", "x-fc-security-token"]
                .map(|name| text(headers, name)),
        );
        Self {
            request_id: text(headers, "x-fc-request-id")
                .map_or_else(|| instance.local_request_id(arrival), str::to_owned),
            region,
            account_id,
            function_name,
            qualifier,
            version_id,
            memory_mb: memory.and_then(|mb| mb.parse().ok()),
            log_project,
            log_store,
            credentials: credentials::choose(found, instance.environment().credentials.as_ref()),
            retry_count: text(headers, "x-fc-retry-count").and_then(|n| n.parse().ok()).unwrap_or_default(),
            deadline: arrival.instant + timeout,
            deadline_at: arrival.wall + timeout,
            function,
        }
    }

    /// The context of the invocation, or of the hook, that calls this.
    ///
    /// Known in the task in which the adapter runs the handler. A task that the handler spawns does not
    /// inherit it: clone the `Arc` into it. `None` outside of Function Compute, on AWS Lambda for example.
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    /// Runs `work` with `context` as the current one.
    pub(crate) fn scope<W: Future>(context: Arc<Self>, work: W) -> TaskLocalFuture<Arc<Self>, W> {
        CURRENT.scope(context, work)
    }

    /// The invocation context of `lambda_runtime`.
    ///
    /// `invoked_function_arn` is `acs:fc:<region>:<account>:functions/<name>[/<qualifier>]`; the log project
    /// and store are `log_group` and `log_stream`. What only AWS knows stays empty. `env_config` is shared
    /// between requests.
    pub(crate) fn to_lambda_context(&self) -> Context {
        let mut context = Context::default();
        context.request_id.clone_from(&self.request_id);
        let deadline = self.deadline_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        context.deadline = u64::try_from(deadline.as_millis()).unwrap_or(u64::MAX);
        context.invoked_function_arn.clone_from(&self.function.arn);
        context.env_config = Arc::clone(&self.function.config);
        context
    }
}

#[cfg(test)]
mod tests;
