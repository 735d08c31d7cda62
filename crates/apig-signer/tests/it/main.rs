//! The crate from outside: its signatures against recorded ones, laws that hold for all requests, and what a
//! verifier says.
#![cfg(test)]

mod properties;
mod sign;
mod vectors;
mod verify;
