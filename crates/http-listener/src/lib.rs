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
mod limits;
mod watched;

pub use crate::body::{Body, BodyError};
pub use crate::connection::{Handler, Http, serve};
pub use crate::gate::{Gate, Place};
pub use crate::limits::{HEALTH, Limits};
