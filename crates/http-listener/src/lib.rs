//! HTTP/1.1 connections within limits. Every listener of the workspace accepts and serves its connections here.
//!
//! | limit | what it bounds | what happens |
//! |---|---|---|
//! | [`Limits::head`] | from the first byte of a request until its head is complete | the connection is closed |
//! | [`Limits::idle`] | a connection on which no request has begun | the connection is closed |
//! | [`Limits::body`] | from the head until the body is complete | reading the body fails: [`BodyError::TooSlow`] |
//! | [`Limits::stalled`] | a pause in a body, or in taking away an answer | as for a body; the connection is closed |
//! | [`Limits::requests`] | requests being answered at once | the next one is answered by [`Handler::busy`] |
//! | [`Limits::connections`] | open connections | the one that has waited longest for its request is closed |
//!
//! There are more connections than requests, and only a whole head counts as a request. So whoever opens connections and says
//! nothing pushes out others that say nothing, and a request that comes at once is heard. The same happens where the process runs out
//! of file descriptors. A request holds its place until its answer is handed to the system to the last byte, so nobody is pushed out in
//! the middle of an answer. `GET /healthz` needs no place among the requests: it is answered while all of them are taken.
//!
//! How long an answer takes to be made is the handler's affair: no limit here ends it.

#![warn(missing_docs)]

mod body;
mod connection;
mod gate;
pub mod token;
mod watched;

use std::time::Duration;

pub use crate::body::{Body, BodyError};
pub use crate::connection::{Handler, Http, serve};
pub use crate::gate::{Gate, Place};

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
    /// For a port that only a function platform reaches. It keeps connections through hours without a request, over which the
    /// instance may be frozen, and a request on one that was just closed would be lost. It also has its own limit for bodies, and
    /// its own for requests at once, which is lower than this one (200 on Function Compute).
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

    /// With so many connections, half of which may have a request; at least two.
    #[must_use]
    pub fn with_connections(self, connections: usize) -> Self {
        let connections = connections.max(2);
        Self { requests: connections / 2, connections, ..self }
    }
}
