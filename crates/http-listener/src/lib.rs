//! HTTP/1.1 connections within limits. Every listener of the workspace accepts and serves its connections
//! here.
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
//! There are more connections than requests, and only a complete head counts as a request. So clients that
//! open connections and send nothing only push out others that send nothing, and a request that comes at once
//! is served. The same happens where the process runs out of file descriptors. A request holds its place
//! until its answer is handed to the system to the last byte, so nobody is pushed out in the middle of an
//! answer. `GET /healthz` needs no place among the requests: it is answered while all of them are taken.
//!
//! The time that a handler takes for its answer is not limited here.

#![warn(missing_docs)]

mod body;
mod connection;
mod gate;
mod limits;
pub mod token;
mod watched;

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

pub use crate::body::{Body, BodyError};
pub use crate::connection::{Handler, Http, serve};
pub use crate::gate::{Gate, Place};
pub use crate::limits::{HEALTH, Limits};

/// Listens on `address`, for `what`.
///
/// # Errors
///
/// When the system refuses, with its kind of error, and a message that has the address and `what`.
pub async fn bind(address: SocketAddr, what: impl Display) -> io::Result<TcpListener> {
    let refused = |error: io::Error| {
        io::Error::new(error.kind(), format!("cannot listen on {address} for {what}: {error}"))
    };
    TcpListener::bind(address).await.map_err(refused)
}

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
