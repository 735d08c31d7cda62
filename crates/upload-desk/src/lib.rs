//! Uploads straight from browsers to OSS: policies are signed here, files go to the bucket, and the bucket
//! tells.
//!
//! ```text
//! browser ──POST /uploads──▶ desk: row `pending`, signed policy
//! browser ──form──▶ OSS ──POST /callback──▶ desk: signature checked, row `stored` ──▶ answer, through OSS, to the browser
//!                                             └──later: worker ──HEAD, pipeline──▶ row settled
//! ```
//!
//! | module | concern |
//! |---|---|
//! | [`api`] | the HTTP interface and the page |
//! | [`users`], [`name`], [`types`] | who uploads what, under which key |
//! | [`entry`] | one object and what may become of it |
//! | [`catalogue`] | all of them, in a database |
//! | [`store`] | the bucket: forms, links, looks |
//! | `server` | the interface and the worker, from start to stop |
//! | [`worker`] | what is left to do: looks, forwarding, removals, fetches |
//! | [`fetch`] | objects of the web |
//! | [`counters`] | what was done |
//!
//! # Rules
//!
//! - The catalogue is the outbox. What is to be done stands in a row with a time, written before anything is
//!   answered, and is struck out after it is done. A kill at any moment loses nothing; it may do something
//!   twice, which harms nothing.
//! - A callback proves little: OSS signs with 512 bits. So it only moves the row that its user was given,
//!   names nothing but that row's key, and what it claims is compared with the bucket before anything is
//!   forwarded.
//! - Whoever asks sees its own. Of two users with one file, each uploads it: whoever knows an MD5 does not
//!   have the file.
//! - A callback waits for nothing but the catalogue, which answers or fails within three seconds; OSS waits
//!   for five.

#![warn(missing_docs)]

pub(crate) mod api;
pub mod catalogue;
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
pub use self::desk::{Callbacks, Desk, DeskParts, Forwarding, Rules};
pub use self::server::serve;
