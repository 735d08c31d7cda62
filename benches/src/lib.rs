//! What several benchmarks share.
//!
//! | module | concern |
//! |---|---|
//! | `build` | the programs that are measured |
//! | `function` | a function that is invoked, and the services behind it |
//! | `instructions` | what a program executes, as `valgrind` counts it |
//! | `juicefs` | a peer that needs a network of its own |
//! | `process` | a program under measurement |

#![warn(missing_docs)]

mod build;
pub mod function;
pub mod instructions;
pub mod juicefs;
pub mod process;

pub use self::build::build;

/// A benchmark reports trouble as text.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;
