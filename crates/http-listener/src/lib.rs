//! Serves HTTP/1.1 connections within limits. Every listener of the workspace uses it.
//!
//! | limit | what it bounds | what happens |
//! |---|---|---|
//! | [`Limits::head`] | from the first byte of a request to the end of its head | the connection is closed |
//! | [`Limits::idle`] | a connection on which no request has begun | the connection is closed |
//! | [`Limits::body`] | from the head to the end of the body | reading it fails: [`BodyError::TooSlow`] |
//! | [`Limits::stalled`] | a pause in a body or in reading a response | as `body`; the connection is closed |
//! | [`Limits::requests`] | concurrent requests | the next one is answered by [`Handler::busy`] |
//! | [`Limits::connections`] | open connections | the one that has waited longest for its request is closed |
//!
//! More connections than requests are allowed, and only a complete head counts as a request. So clients that
//! open connections and send nothing displace only others that send nothing, and a client that sends its
//! request at once is served. The same applies if the process runs out of file descriptors. A request keeps
//! its slot until the last byte of its response was passed to the system, so no connection is closed in the
//! middle of a response. `GET /healthz` needs no slot: it is answered even if all are in use.
//!
//! The time that a handler takes is not limited here.

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
pub use crate::limits::{HEALTH, Limits, METRICS};

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

/// The examples of the README are doc tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
