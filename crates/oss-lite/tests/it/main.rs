//! The crate from outside: its signatures against recorded ones, and the client against a server on loopback
//! that answers as told.
#![cfg(test)]

mod annotations;
mod callback_keys;
mod callback_signatures;
mod callbacks;
mod checksums;
mod copying;
mod cors;
mod deleting;
mod describing;
mod failing;
mod gating;
mod listing;
mod multipart;
mod post_policies;
mod presigning;
mod ranges;
mod reading;
mod retrying;
mod server;
mod signing;
mod streaming;
mod wire;
