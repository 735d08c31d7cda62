//! Where the time comes from.

use chrono::{DateTime, Utc};

/// Source of the wall clock. A plain function, so that tests pass their own.
pub type Clock = fn() -> DateTime<Utc>;

/// The system's clock.
pub fn system() -> DateTime<Utc> {
    Utc::now()
}
