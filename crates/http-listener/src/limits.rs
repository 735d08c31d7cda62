//! Limits of a listener.

use std::time::Duration;

/// The path that is answered even if all slots for requests are in use.
pub const HEALTH: &str = "/healthz";

/// The path of metrics.
pub const METRICS: &str = "/metrics";

const DAY: Duration = Duration::from_hours(24);

/// Limits of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of a request until its head is complete.
    pub head: Duration,
    /// A connection on which no request has begun, new or kept alive.
    pub idle: Duration,
    /// From the end of the head until the body is complete.
    pub body: Duration,
    /// A pause while a body is received, or while a client reads its response.
    pub stalled: Duration,
    /// Concurrent requests, including the sending of responses. Fewer than `connections`.
    pub requests: usize,
    /// Open connections.
    pub connections: usize,
}

impl Default for Limits {
    /// For a port that anybody may reach: small requests with quick responses.
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            body: Duration::from_secs(30),
            stalled: Duration::from_secs(30),
            requests: 256,
            connections: 512,
        }
    }
}

impl Limits {
    /// For a port that only a function platform reaches. It keeps connections open for hours without a
    /// request, while the instance may be frozen, and a request on a connection that was just closed would be
    /// lost. The platform has its own limits for bodies and for concurrent requests, which are lower (200 on
    /// Function Compute).
    pub fn of_a_platform() -> Self {
        Self {
            head: Duration::from_mins(1),
            idle: DAY,
            body: DAY,
            stalled: Duration::from_mins(15),
            requests: 1000,
            connections: 2000,
        }
    }

    /// For services that transfer large objects: a body may take as long as it makes progress.
    pub fn of_a_store() -> Self {
        Self { body: DAY, stalled: Duration::from_mins(5), idle: Duration::from_mins(5), ..Self::default() }
    }

    /// With `connections` open at once (at least two), half of which may have a request.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        let connections = connections.max(2);
        Self { requests: connections / 2, connections, ..self }
    }
}
