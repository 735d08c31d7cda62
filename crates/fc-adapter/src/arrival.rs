//! When a request arrived.

use std::time::SystemTime;

use tokio::time::Instant;

/// The moment at which a request arrived, on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// On the monotonic clock, for timers.
    pub instant: Instant,
    /// On the wall clock, for the outside world.
    pub wall: SystemTime,
}

impl Arrival {
    /// The present moment.
    pub fn now() -> Self {
        Self { instant: Instant::now(), wall: SystemTime::now() }
    }
}
