//! The event function, and what connects a platform to the pipeline: thin layers that determine credentials
//! and time budget, call the pipeline and translate its report.
//!
//! | module | concern |
//! |---|---|
//! | [`function`] | the function, for any host that uses the types of `lambda_runtime` |
//! | [`fc`] | on Function Compute's custom runtime |
//! | [`lambda`] | on AWS Lambda, with AWS's own runtime |
//! | [`access`] | who may invoke it |

#![warn(missing_docs)]

pub mod access;
pub mod fc;
pub mod function;
pub mod lambda;

/// The examples of the README are compiled as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
