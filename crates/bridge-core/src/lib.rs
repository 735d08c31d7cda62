//! The forwarding pipeline: from changes of objects to outcomes that are recorded.
//!
//! | module | concern |
//! |---|---|
//! | [`policy`] | which changes are forwarded |
//! | [`oms`] | the client of OMS: requests, replies, the state of a sync task |
//! | [`engine`] | forwards keys: [`engine::oms`] queues, sends and tries again; [`engine::copy`] copies |
//! | [`breaker`] | keeps a refused access key from being tried again and again |
//! | [`journal`] | success and failure records in the log bucket |
//! | [`pipeline`] | the above, put together; the rule that no event is lost |
//! | [`progress`] | the stream of events that log lines and progress bars are made from |
//! | [`replay`] | sends again what failed |
//! | [`credentials`] | which credentials open the source and the log bucket |
//! | [`warm`] | connections opened ahead of the first event |
//!
//! It reads no environment and no arguments, and serves nothing.

#![warn(missing_docs)]

pub mod breaker;
pub mod credentials;
pub mod engine;
pub mod journal;
pub mod oms;
pub mod pipeline;
pub mod policy;
pub mod progress;
pub mod replay;
pub mod warm;
