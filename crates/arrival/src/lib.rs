//! Whether what was accepted arrived.
//!
//! | module | concern |
//! |---|---|
//! | [`confirm`] | confirms what arrived; sends what is late again, copies it, gives it up |
//! | [`ends`] | the objects at both ends, as they are now |
//! | `judge` | whether a copy is what was accepted, or what the source holds |
//! | [`rounds`] | compares both sides in slices, and sends what no event brought there |
//! | `pace` | how fast keys are looked at |
//! | `tenure` | the right of one run to work, renewed beside the work |
//! | [`watch`] | how long keys are watched, and when they are late |
//! | [`stats`] | how long keys take to arrive, and how many did not |

#![warn(missing_docs)]

pub mod confirm;
pub mod ends;
mod judge;
mod pace;
pub mod rounds;
pub mod stats;
mod tenure;
pub mod watch;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
