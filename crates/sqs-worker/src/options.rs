//! How a worker works, and when it ends.

use std::time::Duration;

/// Messages in flight at once by default.
pub const CONCURRENCY: usize = 100;

/// Visibility timeout of received messages by default.
pub const VISIBILITY: Duration = Duration::from_mins(2);

/// How a worker works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Messages in flight at once, at least 1.
    pub concurrency: usize,
    /// Visibility timeout, set when a message is received and with each extension.
    pub visibility: Duration,
    /// How long a poll waits for messages, [`LONGEST_POLL`](crate::LONGEST_POLL) at most.
    pub wait: Duration,
    /// When to end.
    pub until: Until,
}

/// When a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When it is stopped.
    Stopped,
    /// When a whole poll brings no message, or it is stopped.
    Drained,
}
