//! Names as the system resolves them, with an error of its own type: reqwest's own resolver only has a text.

use std::io;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Asks the system, as reqwest does by default.
#[derive(Clone, Copy, Debug)]
pub(crate) struct System;

/// A name that has no address, or that could not be looked up.
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
