//! The crate from outside: its signatures against recorded ones, and the client against a server on loopback that
//! answers as told.
#![cfg(test)]

mod deleting;
mod describing;
mod failing;
mod listing;
mod reading;
mod retrying;
mod server;
mod signing;
mod wire;
