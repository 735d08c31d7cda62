//! What an instance knows between requests.

use std::array;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use lambda_runtime::Config;
use parking_lot::Mutex;

use crate::arrival::Arrival;
use crate::environment::FcEnvironment;
use crate::header::text;

/// The greatest timeout of a function, in the platform and here.
const MAX_TIMEOUT: Duration = Duration::from_hours(24);
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(1);

const FUNCTION_HEADERS: [&str; 8] = [
    "x-fc-region",
    "x-fc-account-id",
    "x-fc-function-name",
    "x-fc-qualifier",
    "x-fc-version-id",
    "x-fc-function-memory",
    "x-fc-service-logproject",
    "x-fc-service-logstore",
];

/// Turns request headers into an [`FcContext`](crate::FcContext): holds the values that stand in for absent
/// headers, and remembers the function so that what is the same in every request is built once.
#[derive(Debug)]
pub(crate) struct Instance {
    environment: FcEnvironment,
    timeout: Duration,
    unnamed_requests: AtomicU64,
    last_seen: Mutex<Option<Arc<Function>>>,
}

impl Instance {
    /// An instance with the given environment and a timeout of 60 seconds.
    pub(crate) fn new(environment: FcEnvironment) -> Self {
        Self {
            environment,
            timeout: DEFAULT_TIMEOUT,
            unnamed_requests: AtomicU64::new(0),
            last_seen: Mutex::new(None),
        }
    }

    /// Sets the longest time an invocation may run; at most 24 hours count.
    #[must_use]
    pub(crate) fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: timeout.min(MAX_TIMEOUT), ..self }
    }

    pub(crate) fn environment(&self) -> &FcEnvironment {
        &self.environment
    }

    /// How long an invocation may run. The platform's header has whole seconds, and `-1` or nonsense means
    /// none. It is documented nowhere for custom runtimes, so it may shorten what is configured, and nothing
    /// else.
    pub(crate) fn timeout_of(&self, headers: &HeaderMap) -> Duration {
        text(headers, "x-fc-function-timeout")
            .and_then(|seconds| seconds.parse().ok())
            .filter(|seconds| *seconds > 0)
            .map_or(self.timeout, Duration::from_secs)
            .min(self.timeout)
    }

    /// An id for a request that came without one: `local-<arrival, ms since 1970, hex>-<number, hex>`.
    pub(crate) fn local_request_id(&self, arrival: Arrival) -> String {
        let number = self.unnamed_requests.fetch_add(1, Ordering::Relaxed);
        let millis = arrival.wall.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        format!("local-{millis:x}-{number:x}")
    }

    /// The function that the headers name: the remembered one unless a value differs, as it does when one
    /// instance is invoked through several aliases.
    pub(crate) fn function(&self, headers: &HeaderMap) -> Arc<Function> {
        let values = self.function_values(headers);
        let mut last_seen = self.last_seen.lock();
        match last_seen.as_ref().filter(|function| function.has(&values)) {
            Some(function) => Arc::clone(function),
            None => Arc::clone(last_seen.insert(Arc::new(Function::new(values)))),
        }
    }

    fn function_values<'a>(&'a self, headers: &'a HeaderMap) -> FunctionValues<'a> {
        let FcEnvironment { region, account_id, function_name, qualifier, version_id, memory_mb, .. } =
            &self.environment;
        let own = [region, account_id, function_name, qualifier, version_id, memory_mb]
            .map(|value| value.as_deref());
        array::from_fn(|index| {
            text(headers, FUNCTION_HEADERS[index]).or_else(|| own.get(index).copied().flatten())
        })
    }
}

/// One value per entry of [`FUNCTION_HEADERS`].
type FunctionValues<'a> = [Option<&'a str>; FUNCTION_HEADERS.len()];

/// What is the same in every request to one function under one qualifier.
#[derive(Debug)]
pub(crate) struct Function {
    values: [Option<Arc<str>>; FUNCTION_HEADERS.len()],
    pub(crate) arn: String,
    pub(crate) config: Arc<Config>,
}

impl Function {
    fn new(values: FunctionValues<'_>) -> Self {
        let [region, account_id, name, qualifier, version_id, memory, log_project, log_store] = values;
        let or_empty = Option::unwrap_or_default;
        let arn = format!(
            "acs:fc:{}:{}:functions/{}{}{}",
            or_empty(region),
            or_empty(account_id),
            or_empty(name),
            if qualifier.is_some() { "/" } else { "" },
            or_empty(qualifier),
        );
        let config = Config {
            function_name: or_empty(name).to_owned(),
            memory: memory.and_then(|mb| mb.parse().ok()).unwrap_or_default(),
            version: or_empty(version_id.or(qualifier)).to_owned(),
            log_stream: or_empty(log_store).to_owned(),
            log_group: or_empty(log_project).to_owned(),
        };
        Self { values: values.map(|value| value.map(Arc::from)), arn, config: Arc::new(config) }
    }

    fn has(&self, values: &FunctionValues<'_>) -> bool {
        self.values.iter().map(Option::as_deref).eq(values.iter().copied())
    }

    /// The values in the order of [`FUNCTION_HEADERS`], shared.
    pub(crate) fn values(&self) -> [Option<Arc<str>>; FUNCTION_HEADERS.len()] {
        self.values.clone()
    }
}
