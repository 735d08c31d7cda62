//! What one listener allows its clients.

use std::time::Duration;

/// The path that is answered although all places for requests are taken.
pub const HEALTH: &str = "/healthz";

const DAY: Duration = Duration::from_hours(24);

/// What one listener allows its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of a request until its head is complete.
    pub head: Duration,
    /// A connection on which no request has begun, new or kept alive.
    pub idle: Duration,
    /// From the end of the head until the body is complete.
    pub body: Duration,
    /// A pause while a body is received, or while a client takes away its answer.
    pub stalled: Duration,
    /// Requests answered at once, the sending of the answers included. Fewer than `connections`.
    pub requests: usize,
    /// Connections open at once.
    pub connections: usize,
}

impl Default for Limits {
    /// For a port that others than one's own platform may reach: small requests, answered soon.
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
    /// For a port that only a function platform reaches. It keeps connections through hours without a
    /// request, over which the instance may be frozen, and a request on one that was just closed would be
    /// lost. It also has its own limit for bodies, and its own for requests at once, which is lower than this
    /// one (200 on Function Compute).
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

    /// For services that move large objects: a body may take as long as it goes on.
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
