//! In the place of the upload desk, where the program has none.

use std::future::Future;

use serde_json::Value;

use super::Error;
use super::cloud::{Addresses, LocalCloud};

/// No desk.
#[derive(Debug)]
pub struct LocalDesk;

impl LocalDesk {
    /// Sets up nothing.
    ///
    /// # Errors
    ///
    /// Never.
    #[expect(clippy::unused_async, reason = "as with a desk")]
    pub async fn start(_: &LocalCloud, _: Addresses) -> Result<Self, Error> {
        Ok(Self)
    }

    /// Nothing.
    pub fn describe(&self) -> Value {
        Value::Null
    }

    /// Nothing.
    pub fn introduce(&self) -> &'static str {
        ""
    }

    /// Waits for `stop`.
    ///
    /// # Errors
    ///
    /// Never.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        stop.await;
        Ok(())
    }
}
