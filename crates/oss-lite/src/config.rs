//! Settings of a client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::credentials::Credentials;
use crate::dialect::Dialect;
use crate::endpoint::Endpoint;
use crate::gate::SignatureGate;
use crate::retry::RetryPolicy;

/// Which signature OSS requests carry. OBS has one scheme of its own and ignores this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SignatureVersion {
    /// `OSS4-HMAC-SHA256`; the only one for accounts and buckets made since 2025. Needs a region.
    #[default]
    V4,
    /// HMAC-SHA1, for private clouds whose gateways refuse V4.
    V1,
}

/// How long one try may be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the start of a try to the head of its answer, plus one second for every 64 KiB of request body.
    /// With a streamed body, from its last byte to the head of the answer.
    pub response_head: Duration,
    /// The same for requests in which the service does the work: copies, and completing a multipart upload.
    pub slow_response_head: Duration,
    /// Between two pieces of an answer's body, and of a streamed request's.
    pub body_idle: Duration,
}

impl Default for Timeouts {
    /// 20 seconds each, and 5 minutes where the service does the work.
    fn default() -> Self {
        Self {
            response_head: Duration::from_secs(20),
            slow_response_head: Duration::from_mins(5),
            body_idle: Duration::from_secs(20),
        }
    }
}

pub(crate) type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;
pub(crate) type Jitter = Arc<dyn Fn() -> f64 + Send + Sync>;
pub(crate) type Gates = Arc<dyn Fn(&Credentials) -> Arc<dyn SignatureGate> + Send + Sync>;

/// What a [`Client`](crate::Client) needs to know.
///
/// ```
/// use oss_lite::{ClientConfig, Dialect, RetryPolicy};
///
/// let config = ClientConfig::new("oss-cn-hangzhou.aliyuncs.com".parse()?, Dialect::Oss)
///     .with_region("cn-hangzhou")
///     .with_retry(RetryPolicy::default().with_attempts(5));
/// # let _ = config;
/// # Ok::<(), oss_lite::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientConfig {
    pub(crate) endpoint: Endpoint,
    pub(crate) public_endpoint: Option<Endpoint>,
    pub(crate) dialect: Dialect,
    pub(crate) region: Option<String>,
    pub(crate) signature: SignatureVersion,
    pub(crate) retry: RetryPolicy,
    pub(crate) timeouts: Timeouts,
    pub(crate) clock: Clock,
    pub(crate) jitter: Jitter,
    pub(crate) gates: Option<Gates>,
}

impl ClientConfig {
    /// An endpoint and the dialect spoken there, all else by default.
    pub fn new(endpoint: Endpoint, dialect: Dialect) -> Self {
        Self {
            endpoint,
            public_endpoint: None,
            dialect,
            region: None,
            signature: SignatureVersion::default(),
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            clock: Arc::new(Utc::now),
            jitter: Arc::new(fastrand::f64),
            gates: None,
        }
    }

    /// The endpoint that URLs handed to others name, such as a custom domain, when requests of this client go
    /// to an internal one. Default: the same endpoint.
    #[must_use]
    pub fn with_public_endpoint(mut self, endpoint: Endpoint) -> Self {
        self.public_endpoint = Some(endpoint);
        self
    }

    /// Region id for V4, such as `cn-hangzhou` (`oss-cn-hangzhou` is understood). Default: the one that the
    /// endpoint names, see [`Endpoint::region_hint`].
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Default: V4.
    #[must_use]
    pub fn with_signature(mut self, signature: SignatureVersion) -> Self {
        self.signature = signature;
        self
    }

    /// Default: [`RetryPolicy::default`].
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Default: [`Timeouts::default`].
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The clock that signatures are dated by. Default: the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Source of numbers in `0.0..1.0` for the waits between tries. Default: `fastrand`.
    #[must_use]
    pub fn with_jitter(mut self, jitter: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.jitter = Arc::new(jitter);
        self
    }

    /// The gate that requests signed with given credentials have to pass; asked for once for each
    /// [`Bucket`](crate::Bucket). Default: none.
    #[must_use]
    pub fn with_signature_gate(
        mut self,
        gate: impl Fn(&Credentials) -> Arc<dyn SignatureGate> + Send + Sync + 'static,
    ) -> Self {
        self.gates = Some(Arc::new(gate));
        self
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("endpoint", &self.endpoint)
            .field("public_endpoint", &self.public_endpoint)
            .field("dialect", &self.dialect)
            .field("region", &self.region)
            .field("signature", &self.signature)
            .field("retry", &self.retry)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}
