//! What people write: the text of settings, addresses of buckets and lists of keys; and what they are shown.
//!
//! | module | concern |
//! |---|---|
//! | [`lenient`] | what is corrected in settings, addresses and lists, and what is refused with a suggestion |
//! | [`location`] | `obs://bucket/prefix` and the like |
//! | [`reader`] | reads settings and collects all problems |
//! | [`text`] | text that a terminal can show |
//! | [`features`] | what a build may be without, and how to get it |

#![warn(missing_docs)]

mod error;
pub mod features;
pub mod lenient;
pub mod location;
pub mod reader;
pub mod text;

pub use self::error::ConfigError;
