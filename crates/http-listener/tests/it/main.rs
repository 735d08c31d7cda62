//! Connections on loopback.

#[cfg(test)]
mod limits;
