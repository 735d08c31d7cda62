//! A twin from outside, over its sockets. The helpers sign with code of their own, apart from both the
//! verifiers and the product's clients.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod admin;
mod append;
mod archive;
mod aws_v4;
mod buckets;
mod callback_server;
mod callbacks;
mod copies;
mod cors;
mod faults;
mod form;
mod function;
mod http;
mod kinds;
mod notifications;
mod objects;
mod obs;
mod oms;
mod post;
mod post_policy;
mod process;
mod processing;
mod settings;
mod sign;
mod sparse;
mod tampering;
mod uploads;
