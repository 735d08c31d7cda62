//! What the hosting process provides.

use std::fmt;
use std::sync::Arc;

use oss_lite::Credentials;
use tokio::time::Instant;

use bridge_core::credentials::NoCredentials;
use bridge_core::pipeline::{Pipeline, Report};

/// The hosting process.
#[derive(Clone)]
pub struct Host {
    /// Objects are forwarded through it.
    pub pipeline: Arc<Pipeline>,
    /// Called with the report of each request, for the totals of the process.
    pub count: Arc<dyn Fn(&Report) + Send + Sync>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("pipeline", &self.pipeline).finish_non_exhaustive()
    }
}

/// The invocation that a request belongs to.
#[derive(Debug)]
pub struct Invocation {
    /// Credentials of the source and the log bucket.
    pub credentials: Result<Arc<Credentials>, NoCredentials>,
    /// Deadline of the work.
    pub deadline: Instant,
}
