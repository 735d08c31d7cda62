//! The destination bucket, to look at copies.

use std::sync::Arc;

use oss_lite::{Bucket, Client, Credentials};

use super::Side;
use crate::config;
use settings::location::scheme;

/// The destination bucket, and the prefix of all keys in it.
#[derive(Clone, Debug)]
pub(crate) struct DestinationBucket {
    bucket: Bucket,
    prefix: String,
}

impl DestinationBucket {
    /// The destination that the settings name. `source` is used if it has no credentials of its own.
    pub(crate) fn new(
        settings: &config::DestinationSettings,
        client: &Client,
        source: &Arc<Credentials>,
    ) -> Self {
        let credentials = settings.credentials.as_ref().unwrap_or(source);
        let bucket = client.bucket(&settings.place.bucket, Arc::clone(credentials));
        Self { bucket, prefix: settings.place.folder() }
    }

    pub(super) async fn look(&self, key: &str) -> Side {
        Side::look(scheme(self.bucket.dialect()), &self.bucket, &[&self.prefix, key].concat()).await
    }
}
