//! The upload service: browsers upload straight to OSS with policies that are signed here, and OSS reports
//! each stored file.
//!
//! ```text
//! browser ──POST /uploads──▶ desk: row `pending`, signed policy
//! browser ──form──▶ OSS ──POST /callback──▶ desk: signature checked, row `stored` ──▶ answer, through OSS, to the browser
//!                                             └──later: worker ──HEAD, pipeline──▶ row settled
//!
//! browser ──POST /uploads/multipart──▶ desk: row `uploading`, upload begun
//! browser ──parts, by signed URLs──▶ OSS
//! browser ──POST complete──▶ desk: parts checked, row `completing` ──later: worker──▶ row `stored`, then as above
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `api` | the HTTP interface and the page |
//! | [`users`], `name`, [`types`] | users; file names and keys; content types |
//! | `entry` | one object and the states of its row |
//! | [`catalogue`] | all rows, in a database |
//! | [`config`] | its settings, and their rows of the table of settings |
//! | `desk` | the service: its parts, changes of rows |
//! | [`store`] | the bucket: forms, links, HEAD requests |
//! | `server` | runs the HTTP interface and the worker |
//! | `worker` | background work: checks, forwarding, removals, fetches |
//! | [`fetch`] | objects of the web |
//! | `counters` | metrics |
//!
//! # Rules
//!
//! - The catalogue is the outbox. Pending work is a row with a due time, written before the response is sent
//!   and cleared after the work is done. A kill at any moment loses nothing; work may be done twice, which is
//!   harmless.
//! - A callback is weak evidence: OSS signs with 512-bit RSA. So it can only change the row of the upload
//!   that it names, must name that row's key, and its claims are compared with the bucket before anything is
//!   forwarded.
//! - Users see only their own objects. If two users have the same file, each uploads it: knowing an MD5 does
//!   not prove having the file.
//! - A callback waits only for the catalogue, which responds or fails within three seconds; OSS waits for
//!   five.

#![warn(missing_docs)]

pub(crate) mod api;
pub mod catalogue;
pub mod config;
pub(crate) mod counters;
mod desk;
pub(crate) mod entry;
pub mod fetch;
pub(crate) mod name;
mod server;
pub mod store;
pub mod types;
pub mod users;
mod worker;

pub use self::counters::Totals;
pub use self::desk::{Callbacks, Desk, DeskParts, Forwarding, LARGEST_FORM, Rules};
pub use self::server::serve;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
