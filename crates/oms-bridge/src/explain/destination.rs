//! The destination bucket, to look at copies.

use std::sync::Arc;

use oss_lite::{Bucket, Client, Credentials};

use super::Side;
use crate::failure::End;
use settings::location::scheme;

/// The destination bucket, and its settings.
#[derive(Clone, Debug)]
pub(crate) struct DestinationBucket {
    bucket: Bucket,
    settings: bridge_config::DestinationSettings,
}

impl DestinationBucket {
    /// The destination that the settings name. `source` is used if it has no credentials of its own.
    pub(crate) fn new(
        settings: &bridge_config::DestinationSettings,
        client: &Client,
        source: &Arc<Credentials>,
    ) -> Self {
        let credentials = settings.credentials.as_ref().unwrap_or(source);
        let bucket = client.bucket(&settings.place.bucket, Arc::clone(credentials));
        Self { bucket, settings: settings.clone() }
    }

    pub(super) async fn look(&self, key: &str) -> Side {
        let bridge_config::DestinationSettings { service, place, .. } = &self.settings;
        let (end, key) = (End::destination(service, place.bucket.as_str()), [&place.folder(), key].concat());
        Side::look(scheme(self.bucket.dialect()), &self.bucket, &key, end).await
    }
}
