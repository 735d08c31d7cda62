//! Resolves names by the system, with an error type of its own: that of reqwest's resolver cannot be
//! recognised.

use std::io;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Uses the system's resolver, as reqwest does by default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System;

/// The name has no address, or could not be looked up.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct NotResolved(io::Error);

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(NotResolved)?;
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}
