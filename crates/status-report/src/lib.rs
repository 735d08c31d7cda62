//! What failed, how long ago and why; what OMS reports.
//!
//! | module | concern |
//! |---|---|
//! | `records` | the failed records, counted as they are listed |
//! | `arrivals` | how long accepted keys took to arrive, for people |
//! | `rounds` | what the timer found that compares both sides, for people |
//! | `oms` | the sync task and its counters |
//! | `exposition` | the records, for metrics |
//! | `render` | both, for people |
//! | `status` | all of it, collected |

mod arrivals;
mod exposition;
mod oms;
mod records;
mod render;
mod rounds;
mod status;

pub use self::oms::{Huawei, OmsReport};
pub use self::records::{Latest, Limits, RecordCounts};
pub use self::status::{Status, collect};

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
