//! The metrics of all commands: their names, what counts them, and the text format of Prometheus,
//! <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>.
//!
//! | module | concern |
//! |---|---|
//! | [`names`] | every metric: its name, kind, labels and help |
//! | `values` | counters, gauges, histograms |
//! | `exposition` | metrics as text |
//! | [`file`](mod@file) | the text in a file, for a collector to read |
//!
//! # Rules
//!
//! - A metric is declared in [`names`], once, and nowhere else. Its name begins with [`PREFIX`].
//! - Units are in the names and are base units: seconds, bytes. What only grows ends with `_total`.
//! - Label values come from the program, never from a key or a bucket: their number is bounded, and nothing
//!   has to be kept secret.
//!
//! Not by the crate `prometheus-client`: it writes `OpenMetrics`, where the type of a counter is declared
//! under another name and the text ends with a line of its own.

#![warn(missing_docs)]

mod exposition;
pub mod file;
pub mod names;
mod values;

pub use exposition::{Exposition, Value};
pub use names::{Kind, Metric, PREFIX};
pub use values::{Buckets, Counter, Gauge, Histogram, Raised};

/// The media type of the text format.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
