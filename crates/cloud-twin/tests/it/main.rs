//! A twin from outside, over its sockets. The helpers sign with code of their own, apart from both the verifiers and
//! the product's clients.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod admin;
mod buckets;
mod copies;
mod faults;
mod function;
mod http;
mod kinds;
mod notifications;
mod objects;
mod obs;
mod oms;
mod process;
mod sign;
mod sparse;
mod tampering;
mod uploads;
