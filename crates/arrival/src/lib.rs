//! Whether what was accepted arrived.
//!
//! | module | concern |
//! |---|---|
//! | [`watch`] | how long keys are watched, and when they are late |
//! | [`stats`] | how long keys take to arrive, and how many did not |

#![warn(missing_docs)]

pub mod stats;
pub mod watch;
