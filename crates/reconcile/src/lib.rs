//! Compares two sides that should hold the same objects: buckets of OSS, OBS and Amazon S3, local folders,
//! and whatever else can be listed in byte order of its keys. Says of each key by what it was judged.
//!
//! | module | concern |
//! |---|---|
//! | [`listing`] | one side as ordered pages, each of which is checked |
//! | [`judge`] | whether two objects are the same, and by what that is known |
//! | `side` | what is compared, and how |
//! | `merge` | pairs the objects of two listings |
//! | `settle` | asks for what listings do not say |
//! | `range` | one range of keys: both listings, merged |
//! | `split` | the key in the middle of a range, found by probing |
//! | `run` | all ranges of a run, several at once |
//! | `walk` | one range, step by step |
//! | [`estimate`] | what a comparison will take, before it is made |
//! | `error` | why a comparison ends early |
//! | `totals` | what is counted |
//! | [`report`] | a line for each key |
//! | [`checkpoint`] | how far a run is, in a file |
//! | `lock` | one run at a time writes a file |
//!
//! # Rules
//!
//! - A listing error is never a conclusion: a page that fails, repeats, is out of order or does not advance,
//!   and a folder that cannot be read, end the run.
//! - Memory does not grow with the number of keys: a range holds a few pages of each side, and the number of
//!   ranges at once is bounded. A range that turns out large is cut in the middle as soon as there is room
//!   for one more.
//! - What changed after the comparison began, by a clock that may be 15 minutes ahead, is looked at once more
//!   before it is called different, missing or extra.
//! - An object that a side refuses is one failure. The run ends only if 20 in a row are refused alike and
//!   none could be looked at.
//! - A checkpoint is written after the report has everything before it, and the report is cut to what the
//!   checkpoint knows when a run is resumed: so a key is in the report once, whenever the process died.

#![warn(missing_docs)]

pub mod checkpoint;
mod error;
pub mod estimate;
pub mod judge;
pub mod listing;
mod lock;
mod merge;
mod range;
pub mod report;
mod run;
mod settle;
mod side;
mod split;
mod totals;
mod walk;

pub use self::error::CompareError;
pub use self::merge::Finding;
pub use self::run::{Observer, Outcome, Records, run};
pub use self::side::{Check, Comparison, Filter, Side};
pub use self::totals::Totals;
pub use self::walk::{Step, Walk};

/// The examples of the README are compiled as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
