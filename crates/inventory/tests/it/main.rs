//! Inventories of all services, written to a folder as the services write them, and read back.
#![cfg(test)]

mod faults;
mod finding;
mod forms;
mod written;
