//! Parses what people write (settings, addresses of buckets, lists of keys) and escapes what they are shown.
//!
//! | module | concern |
//! |---|---|
//! | [`lenient`] | what is corrected in settings, addresses and lists, and what is refused with a suggestion |
//! | [`location`] | `obs://bucket/prefix` and the like |
//! | [`setting`], [`values`] | rows of the tables of settings; what is given for them |
//! | [`reader`], [`parse`] | reads settings and collects all problems; numbers, words, times |
//! | [`service`] | a service of object storage as settings describe it |
//! | [`size`](mod@size), [`time`](mod@time) | sizes (`16M`) and points in time (`2h`, `2026-01-05`) as people type them |
//! | [`keys`] | access keys of another vendor, or swapped with their secrets |
//! | [`reference`](mod@reference) | the tables as pages of the documentation |
//! | [`text`] | text that a terminal can show |

#![warn(missing_docs)]

mod error;
mod invalid;
pub mod keys;
pub mod lenient;
pub mod location;
pub mod parse;
pub mod reader;
pub mod reference;
pub mod service;
pub mod setting;
pub mod size;
pub mod text;
pub mod time;
pub mod values;

pub use self::error::{ConfigError, Problem};
pub use self::invalid::Invalid;
pub use self::reader::Reader;
pub use self::setting::{Setting, Spec};
pub use self::values::Values;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
