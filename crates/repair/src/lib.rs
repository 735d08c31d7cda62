//! Makes the two sides of a comparison equal.
//!
//! | module | concern |
//! |---|---|
//! | `run` | compares, makes equal, and compares again |
//! | `forwarding` | what is missing or different goes through the pipeline of events |
//! | [`task`] | the same by lists and migration tasks of OMS |
//! | `extras` | what only the destination has is deleted |
//! | `listed` | whether an object is still the one that was listed |
//! | `sides` | which sides can be made equal |
//! | `repaired` | what was changed, in numbers |

#![warn(missing_docs)]

mod extras;
mod forwarding;
mod listed;
mod repaired;
mod run;
mod sides;
pub mod task;

pub use self::extras::{Deletion, Extras, Kept, Refusal};
pub use self::forwarding::{Forwarded, Forwarding};
pub use self::repaired::{Found, Repaired};
pub use self::run::{Fix, Forwarder, Repair, RepairError, RepairEvent, RepairObserver};
pub use self::sides::Unsuitable;

/// The examples of the README are compiled as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
