//! A worker on an Amazon SQS queue: receives messages, runs them through the usual pipeline, and deletes
//! (acks) those that are settled.
//!
//! ```text
//! receive ──▶ parse ──▶ pipeline ──▶ accepted, or in the journal ──▶ delete
//!                │          │
//!                │          └─ neither ──▶ nack: visible again, after a longer delay each time
//!                └─ unreadable ──▶ left alone, for the queue's redrive policy to dead-letter
//! ```
//!
//! | module | concern |
//! |---|---|
//! | `address` | region and endpoint from the URL of a queue |
//! | `queue` | requests to SQS |
//! | `error` | why they fail |
//! | `receive` | pollers: long polls, for free slots only |
//! | `load` | messages from receipt to ack or nack; extends their visibility meanwhile |
//! | `in_flight` | messages in flight, and the latest receipt of each |
//! | `delete` | deletions, ten to a request |
//! | `backoff` | stops receiving while nothing can be acked |
//! | `queue_health` | logs trouble with the queue once; whether the worker is healthy |
//! | `options` | how a worker works, and when it ends |
//! | `worker`, `shared` | a worker from its first poll to its last message; what its tasks share |
//! | `stats`, `health` | metrics; `/healthz` and `/metrics` |
//!
//! # Rules
//!
//! - A message is acked (deleted) once each of its keys is accepted by the engine or in the journal, never
//!   before. A killed worker loses nothing: its messages become visible again and another worker processes
//!   them. Keys that were settled by then are processed twice, which is harmless.
//! - While messages are processed they stay invisible: their visibility timeout is extended whenever half of
//!   it is over.
//! - Any number of workers may share a queue, on any number of machines, without coordination.
//! - Receives are limited: a queue dead-letters a message that was received too often. So a nacked message
//!   stays invisible longer each time, and while nothing can be acked no messages are received.
//! - Expired credentials are renewed; if the queue refuses credentials, others are looked for once before the
//!   worker ends.
//! - Trouble with the queue is logged once, not by each poller and each poll.
//! - A long poll is never cut off. Messages that it returns while the worker stops are released at once.
//!
//! ```
//! use sqs_worker::Address;
//!
//! let queue = "https://sqs.eu-west-1.amazonaws.com/123456789012/uploads";
//! let address = Address::parse(queue).expect("the URL of a queue");
//! assert_eq!(address.region(), Some("eu-west-1"));
//! ```

#![warn(missing_docs)]

mod address;
mod backoff;
mod delete;
mod error;
mod health;
mod in_flight;
mod load;
mod options;
mod queue;
mod queue_health;
mod receive;
mod shared;
mod stats;
mod worker;

pub use self::address::Address;
pub use self::error::{QueueError, QueueErrorKind};
pub use self::health::{Health, Observed};
pub use self::options::{CONCURRENCY, Options, Until, VISIBILITY};
pub use self::queue::{About, BATCH, LONGEST_POLL, LONGEST_VISIBILITY, Queue, Redrive};
pub use self::stats::Totals;
pub use self::worker::Worker;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
