//! The crate from outside: its signatures against recorded ones, and the client against a server on loopback that
//! answers as told.
#![cfg(test)]

mod annotations;
mod checksums;
mod copying;
mod deleting;
mod describing;
mod failing;
mod listing;
mod multipart;
mod presigning;
mod ranges;
mod reading;
mod retrying;
mod server;
mod signing;
mod streaming;
mod wire;
