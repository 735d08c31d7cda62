//! Terminal output: the same form of numbers, tables, colours and progress in every command.
//!
//! | module | concern |
//! |---|---|
//! | [`numbers`] | counts, sizes, rates and times in one style |
//! | [`layout`] | tables and paragraphs within the width of the terminal |
//! | [`language`] | the language of this process, and help and errors of clap in it |
//! | `chinese` | where lines of Chinese may be broken |
//! | [`style`] | whether to use colours; the width of the terminal |
//! | [`stderr`] | all output to stderr: messages as text or JSON, without breaking the progress bar |
//! | [`format`](mod@format), [`logging`] | text or JSON; log lines |
//! | [`interrupts`] | the signals that ask the process to end, and the answer to the first |
//! | [`screen`] | the output of `demo` and `dev` |
//! | [`usage`](mod@usage) | help texts and errors of clap: usage lines, examples, what is wrong with arguments |
//! | [`output`], [`stats`] | the options `--json` and `--stats` |
//! | [`progress`] | the bar on a terminal, a line a minute elsewhere |
//!
//! # Rules
//!
//! - All output to stderr goes through [`stderr`]: with `LOG_FORMAT=json` every line is a JSON object,
//!   and a line never lands in the middle of the bar.
//! - A number is written by [`numbers`], so that it looks the same in a bar, a table and a sentence.

#![warn(missing_docs)]

mod chinese;
pub mod format;
pub mod interrupts;
pub mod language;
pub mod layout;
pub mod logging;
pub mod numbers;
pub mod output;
pub mod progress;
pub mod screen;
pub mod stats;
pub mod stderr;
pub mod style;
pub mod usage;

/// The examples of the README are compiled and run as tests of documentation.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
