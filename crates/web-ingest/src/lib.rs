//! Objects of the web on demand: `POST /objects` names them, and they are copied to the destination, or their
//! keys are sent to OMS.
//!
//! ```text
//! POST /objects ──token──▶ request ──guard──▶ pending records ──▶ 202 and an id
//!                                                   └──pipeline──▶ outcomes ──▶ job ◀── GET /objects/<id>
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `api` | routes, responses |
//! | `host` | what the hosting process provides |
//! | `request` | the body of a request: limits, and the URL of a key |
//! | `jobs` | state of the requested objects |
//! | `work` | processes one request |
//! | `pending` | failure records for accepted objects that are not copied yet |
//!
//! # Rules
//!
//! - An accepted request survives a kill: before the response 202 is sent, each object has a failure record
//!   in the journal, with the URL it is fetched from. It is deleted once the success record is written. Until
//!   then a replay copies the object.
//! - A URL is checked before each request, redirects included, and so is each address that a name resolves to
//!   when the connection is made. No earlier check is relied on.
//! - Ids are 128 random bits, so nobody can guess the id of another client.

#![warn(missing_docs)]

mod api;
mod host;
mod jobs;
mod pending;
mod request;
mod work;

pub use api::Ingest;
pub use host::{Host, Invocation};
pub use request::MAX_BODY;

/// The examples of the README are compiled as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
