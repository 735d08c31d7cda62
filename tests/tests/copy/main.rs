//! The command `copy` of the built binary, between the buckets of a local cloud, web servers and this machine. One file
//! per concern; the harness is the library of this package.

#[cfg(test)]
mod keys;
#[cfg(test)]
mod naming;
#[cfg(test)]
mod server_side;
#[cfg(test)]
mod skipping;
#[cfg(test)]
mod support;
#[cfg(test)]
mod web;
#[cfg(test)]
mod web_oddities;
