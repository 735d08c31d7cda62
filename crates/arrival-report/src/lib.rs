//! A page about the arrival of objects.
//!
//! | module | concern |
//! |---|---|
//! | [`reconciled`] | what a comparison of both sides found, from its report |
//! | `report` | what the page shows |
//! | `words` | the texts of the page in both languages |
//! | `amounts` | counts, times and shares as the page shows them |
//! | `html` | markup: elements, and the escaping of all text |
//! | `plot` | plots as SVG |
//! | `page` | the page |
//!
//! # Rules
//!
//! - Nothing is loaded: no script, no font, no picture, no address. A page that is mailed shows the same.
//! - Every text that is not of this crate goes through `html`, which escapes it: keys are chosen by
//!   strangers.
//! - Every plot has a title, a description, and a table with its numbers.
//! - What is drawn is bounded, whatever the size of the journal: the last [`HOURS`] hours.

#![warn(missing_docs)]

mod amounts;
mod html;
mod page;
mod plot;
pub mod reconciled;
mod report;
mod words;

pub use self::page::page;
pub use self::report::{AgeBand, FailureKind, Failures, HOURS, OldestWaiting, Report};

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
