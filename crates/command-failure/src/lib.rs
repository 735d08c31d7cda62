//! Why a command failed: the one form in which every command reports it.
//!
//! | module | concern |
//! |---|---|
//! | [`failure`] | a failure: what, by which setting, what to do; and its kind |
//! | [`store`] | errors of OSS and OBS: their kind, the setting behind them and what to do |
//! | [`network`] | what to do about a host that cannot be reached |
//! | [`listener`] | addresses of this machine that cannot be listened on |
//!
//! A kind stands for an exit code, so it is chosen here and nowhere else.

#![warn(missing_docs)]

pub mod failure;
pub mod listener;
pub mod network;
pub mod store;

/// The example of the README is a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
