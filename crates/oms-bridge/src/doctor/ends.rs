//! Whether direct copies can write to the destination and read the source.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use oss_lite::{Bucket, Client, Credentials, Dialect, Error, ErrorKind, PutOptions};
use tokio::time::Instant;

use super::{Finding, Severity, clock};
use crate::assemble;
use crate::failure::{End, EngineEnds, store_remedy};
use bridge_config::{CopySettings, Settings};
use bridge_core::engine::copy::Deletes;
use object_copy::transfer::Side;
use settings::location::Place;
use settings::text::masked;

/// Folder of the objects that probe the destination.
const PROBES: &str = "oms_bridge_probe/";

/// Both ends of direct copies.
#[derive(Debug)]
pub(crate) struct CopyEnds {
    place: Place,
    client: Client,
    /// Absent without credentials.
    destination: Option<Bucket>,
    credentials: Option<String>,
    source: Option<Bucket>,
    deletes: Deletes,
    named: EngineEnds,
}

impl CopyEnds {
    /// The ends that the settings describe. `client` speaks to the destination. `source` are the credentials
    /// of the source, and of the destination if it has none of its own.
    ///
    /// # Errors
    ///
    /// When the settings do not fit together for OSS or OBS.
    pub(crate) fn new(
        settings: &Settings,
        copy: &CopySettings,
        client: Client,
        source: Option<&Arc<Credentials>>,
        http: &reqwest::Client,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let read = assemble::source(&settings.source, http)?;
        let place = copy.destination.place.clone();
        let own = copy.destination.credentials.as_ref();
        let open = |client: &Client, bucket, credentials: &Arc<Credentials>| {
            client.bucket(bucket, Arc::clone(credentials)).with_deadline(deadline)
        };
        Ok(Self {
            destination: own.or(source).map(|credentials| open(&client, &place.bucket, credentials)),
            credentials: own.map(|credentials| masked(credentials.access_key_id())),
            source: settings.source.bucket.as_ref().zip(source).map(|(bucket, by)| open(&read, bucket, by)),
            deletes: copy.deletes,
            named: EngineEnds::of(settings),
            client,
            place,
        })
    }
}

impl CopyEnds {
    /// Whether there are credentials for the destination, so that it is probed.
    pub(crate) fn is_open(&self) -> bool {
        self.destination.is_some()
    }

    /// The message about the object that is about to be written to the destination.
    pub(crate) fn announcement(&self, id: &str) -> String {
        format!(
            "doctor is probing {}: it writes the object {}{PROBES}{id} there and removes it again",
            self.place,
            self.place.folder()
        )
    }
}

pub(super) async fn check(ends: &CopyEnds, id: &str, now: DateTime<Utc>) -> Vec<Finding> {
    let (mut findings, source) = tokio::join!(destination(ends, id, now), source(ends, id));
    findings.extend(source);
    findings
}

const DESTINATION: &str = "destination";

async fn destination(ends: &CopyEnds, id: &str, now: DateTime<Utc>) -> Vec<Finding> {
    let service = service(ends.place.dialect);
    let theirs = match ends.client.server_time(&ends.place.bucket).await {
        Ok(theirs) => theirs,
        Err(error) => {
            return vec![refused(
                DESTINATION,
                &error,
                ends.named.end(Side::Destination),
                WRITE_WHY,
                "PutObject",
            )];
        }
    };
    let mut findings = vec![clock::compare(DESTINATION, service, theirs, now)];
    let place = &ends.place;
    let copies = match ends.credentials.as_deref() {
        Some(key) => format!("to {place}, credentials: key {key}"),
        None => format!("to {place}, credentials: those of the source"),
    };
    findings.push(Finding::ok("copies", copies));
    let Some(bucket) = &ends.destination else { return findings };
    let name = [&ends.place.folder(), PROBES, id].concat();
    let body = Bytes::copy_from_slice(id.as_bytes());
    // Sequential: if the first request is refused, so is the other.
    findings.push(match bucket.put(&name, body, PutOptions::default()).await {
        Err(error) => refused(DESTINATION, &error, ends.named.end(Side::Destination), WRITE_WHY, "PutObject"),
        Ok(_) => match bucket.delete(&name).await {
            Ok(()) => Finding::ok(DESTINATION, "an object can be written and removed"),
            Err(error) => not_removed(ends, &name, &error),
        },
    });
    findings
}

const WRITE_WHY: &str = "no object can be copied; keys that arrive meanwhile fail and are recorded";

fn not_removed(ends: &CopyEnds, name: &str, error: &Error) -> Finding {
    let (severity, why) = match ends.deletes {
        Deletes::Ignored => (Severity::Warning, "copies work, but the probe object stays"),
        Deletes::Propagated { .. } => {
            (Severity::Problem, "PROPAGATE_DELETES is set, but objects cannot be removed")
        }
    };
    let what = format!("an object can be written, but not removed: {error}");
    let remedy = format!(
        "{}; then remove {name}",
        store_remedy(error, ends.named.end(Side::Destination), "DeleteObject")
    );
    Finding::bad(DESTINATION, severity, what, why, remedy)
}

const SOURCE: &str = "source";

async fn source(ends: &CopyEnds, id: &str) -> Option<Finding> {
    let Some(bucket) = &ends.source else {
        let what =
            "not looked at: SOURCE_BUCKET is not set; objects are read from the bucket that each event names";
        return Some(Finding::ok(SOURCE, what));
    };
    // A missing object: 404 proves the permission to read, 403 that it is missing.
    let error = match bucket.get(&[PROBES, id].concat()).await {
        Ok(_) => return Some(Finding::ok(SOURCE, readable(bucket))),
        Err(error) if error.kind() == ErrorKind::NoSuchKey => {
            return Some(Finding::ok(SOURCE, readable(bucket)));
        }
        Err(error) => error,
    };
    let end = ends.named.end(Side::Source);
    let mut finding = refused(SOURCE, &error, end, "no object can be copied from there", "GetObject");
    if error.kind() == ErrorKind::AccessDenied {
        let _ = write!(
            finding.remedy,
            ", and oss:ListObjects on acs:oss:*:*:{}: without the second, OSS answers 403 for an object that does not exist",
            bucket.name()
        );
    }
    Some(finding)
}

fn readable(bucket: &Bucket) -> String {
    format!("oss://{} can be read", bucket.name())
}

fn refused(check: &'static str, error: &Error, end: End<'_>, why: &'static str, action: &str) -> Finding {
    Finding::bad(check, end.kind_of(error).into(), error.to_string(), why, store_remedy(error, end, action))
}

fn service(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Oss => "OSS",
        Dialect::Obs => "OBS",
    }
}
