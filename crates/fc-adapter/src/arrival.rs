//! When a request arrived.

use std::time::SystemTime;

use tokio::time::Instant;

/// The moment at which a request arrived, on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// On the monotonic clock, for timers.
    pub(crate) instant: Instant,
    /// On the wall clock, for the outside world.
    pub(crate) wall: SystemTime,
}

impl Arrival {
    /// The present moment.
    pub(crate) fn now() -> Self {
        Self { instant: Instant::now(), wall: SystemTime::now() }
    }
}
