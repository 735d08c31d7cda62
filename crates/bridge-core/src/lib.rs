//! The forwarding pipeline: from changes of objects to outcomes that are recorded.
//!
//! | module | concern |
//! |---|---|
//! | [`policy`] | which changes are forwarded |
//! | [`oms`] | the client of OMS: requests, replies, the state of a sync task |
//! | [`engine`] | forwards keys: [`engine::oms`] queues, sends and tries again; [`engine::copy`] copies |
//! | [`journal`] | success and failure records in the log bucket |
//! | [`pipeline`] | combines the above; the rule that no event is lost |
//! | [`progress`] | the stream of events that log lines and progress bars are made from |
//! | [`replay`] | sends failed keys again |
//! | [`send`] | keys from the command line, through the same pipeline as events |
//! | [`credentials`] | which credentials open the source and the log bucket |
//! | [`warm`] | connections opened ahead of the first event |
//!
//! It reads no environment and no arguments, and serves nothing.
//!
//! ```
//! use bridge_core::policy::{KeyFilter, Policy};
//! use object_events::change::ObjectChange;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy::new(KeyFilter::new(Some("photos/*"), Some("*.tmp"))?);
//! let changes = ["photos/a.jpg", "photos/a.jpg", "photos/b.tmp"].map(ObjectChange::of_key);
//! let sorted = policy.sort(changes.to_vec())?;
//! assert_eq!((sorted.forward.len(), sorted.skipped.len()), (1, 2));
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

pub mod credentials;
pub mod engine;
pub mod journal;
pub mod oms;
pub mod pipeline;
pub mod policy;
pub mod progress;
pub mod replay;
pub mod send;
pub mod warm;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
