//! Whether the bucket in `DEST` can be looked at, where OMS writes to it.

use std::sync::Arc;

use oss_lite::{Bucket, Client, Credentials, ErrorKind};
use tokio::time::Instant;

use super::{Finding, Severity};
use crate::failure::{End, store_remedy};
use bridge_config::DestinationSettings;

/// Folder of an object that nobody writes.
const PROBES: &str = "oms_bridge_probe/";

const CHECK: &str = "DEST";

/// The bucket that commands look at to see what OMS has copied.
#[derive(Debug)]
pub(crate) struct Mirror {
    settings: DestinationSettings,
    bucket: Bucket,
}

impl Mirror {
    /// The bucket that the settings name. `source` opens it if it has no credentials of its own; `None`
    /// without any.
    pub(crate) fn new(
        settings: &DestinationSettings,
        client: &Client,
        source: Option<&Arc<Credentials>>,
        deadline: Instant,
    ) -> Option<Self> {
        let credentials = settings.credentials.as_ref().or(source)?;
        let bucket = client.bucket(&settings.place.bucket, Arc::clone(credentials)).with_deadline(deadline);
        Some(Self { settings: settings.clone(), bucket })
    }
}

/// Reads an object that does not exist: nothing is written to a bucket that OMS fills.
pub(super) async fn check(mirror: &Mirror, id: &str) -> Finding {
    let DestinationSettings { service, place, .. } = &mirror.settings;
    let error = match mirror.bucket.get(&[&place.folder(), PROBES, id].concat()).await {
        Ok(_) => None,
        Err(error) => Some(error).filter(|error| error.kind() != ErrorKind::NoSuchKey),
    };
    let Some(error) = error else { return Finding::ok(CHECK, format!("{place} can be read")) };
    let end = End::destination(service, place.bucket.as_str());
    let severity = match error.kind() {
        // Without the right to list, the answer about an object that does not exist is the same.
        ErrorKind::AccessDenied => Severity::Warning,
        _ => end.kind_of(&error).into(),
    };
    let why = "OMS copies all the same; explain and reconcile cannot look at the destination";
    Finding::bad(CHECK, severity, error.to_string(), why, store_remedy(&error, end, "GetObject"))
}
