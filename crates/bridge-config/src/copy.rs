//! Settings of direct copies.

use std::sync::Arc;

use bridge_core::engine::copy::{Deletes, OBJECTS_IN_FLIGHT};
use object_events::change::Provider;
use oss_lite::{BucketName, Credentials, Dialect, Endpoint};
use settings::location::{Place, is_same_service};
use settings::service::Service;
use settings::{Invalid, Reader};

use super::keys::{self, Opens};
use super::service::{Role, service};
use super::table::copy::{
    DEST, DEST_ENDPOINT, MAX_DELETES, PROPAGATE_DELETES, SOURCE_BUCKET, SOURCE_ENDPOINT,
};
use super::table::oss::OSS_ENDPOINT;

/// Settings of the engine that copies.
#[derive(Clone, Debug)]
pub struct CopySettings {
    /// Where objects are copied to.
    pub destination: DestinationSettings,
    /// Whether removals are carried over.
    pub deletes: Deletes,
    /// Objects under way at once.
    pub in_flight: usize,
}

/// Where objects are copied to.
#[derive(Clone, Debug)]
pub struct DestinationSettings {
    /// The bucket, and what stands before keys there.
    pub place: Place,
    /// How its service is reached.
    pub service: Service,
    /// What opens it; absent where that is what opens the source.
    pub credentials: Option<Arc<Credentials>>,
}

impl DestinationSettings {
    /// Whether a bucket of the source can be the one that is written to.
    pub fn is_beside(&self, source: &SourceSettings) -> bool {
        self.place.dialect == Dialect::Oss && source.is_at(&self.service.endpoint)
    }
}

/// The source, as far as the settings tell.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// How its service is reached.
    pub service: Service,
    /// The bucket of keys that come without one.
    pub bucket: Option<BucketName>,
    /// The only bucket that events are taken from: its service and its name.
    pub only: Option<(Provider, String)>,
}

impl SourceSettings {
    /// Whether a name means the same bucket at the source and at `endpoint`.
    pub fn is_at(&self, endpoint: &Endpoint) -> bool {
        is_same_service(&self.service.endpoint, endpoint)
    }
}

/// The bucket in OSS of keys that come without one.
pub fn source_bucket(r: &mut Reader) -> Option<BucketName> {
    match r.get(&SOURCE_BUCKET)? {
        (Provider::Configured, name) => BucketName::parse(&name, Dialect::Oss).ok(),
        _ => None,
    }
}

/// Objects that may be removed in a window of the engine's, unless told otherwise.
const DELETES: usize = 100;

pub(super) fn source(r: &mut Reader, journal: LogBucket<'_>) -> Option<SourceSettings> {
    let only = r.get(&SOURCE_BUCKET);
    // Where there is neither, what is missing is the endpoint of the log bucket, which is reported already.
    let is_known = r.is_set(&SOURCE_ENDPOINT.spec) || r.is_set(&OSS_ENDPOINT.spec);
    let service = if is_known { service(r, Role::Source(Dialect::Oss)) } else { None };
    let bucket = source_bucket(r);
    let service = service?;
    if bucket.is_some() && bucket.as_ref() == journal.bucket && journal.is_at(&service.endpoint) {
        let what = "is SOURCE_BUCKET: each record would raise an event";
        r.problem("LOG_BUCKET", Invalid::new(what).with_remedy("use another bucket"));
    }
    Some(SourceSettings { service, bucket, only })
}

/// The log bucket, as far as it is known.
#[derive(Clone, Copy)]
pub(super) struct LogBucket<'a> {
    pub(super) bucket: Option<&'a BucketName>,
    pub(super) service: Option<&'a Service>,
}

impl LogBucket<'_> {
    fn is_at(self, endpoint: &Endpoint) -> bool {
        self.service.is_some_and(|service| is_same_service(endpoint, &service.endpoint))
    }
}

pub(super) fn read(
    r: &mut Reader,
    journal: LogBucket<'_>,
    source: Option<&SourceSettings>,
) -> Option<CopySettings> {
    r.must_be_set(&DEST.spec);
    let ((there, opens), deletes) = (parts(r), deletes(r));
    if let Some((place, service)) = &there {
        keep_apart(r, place, service, journal, source);
    }
    let destination = joined(there, opens)?;
    Some(CopySettings { destination, deletes, in_flight: OBJECTS_IN_FLIGHT })
}

/// The destination.
pub(super) fn destination(r: &mut Reader) -> Option<DestinationSettings> {
    let (there, opens) = parts(r);
    joined(there, opens)
}

fn joined(there: Option<(Place, Service)>, opens: Option<Opens>) -> Option<DestinationSettings> {
    let (place, service) = there?;
    let (credentials, service) = match opens? {
        Opens::Keys(credentials, keys) => (Some(credentials), Service { keys, ..service }),
        Opens::AsSource => (None, service),
    };
    Some(DestinationSettings { place, service, credentials })
}

/// Where it is, and what opens it: what is wrong with one hides nothing of the other.
fn parts(r: &mut Reader) -> (Option<(Place, Service)>, Option<Opens>) {
    let place = r.get(&DEST);
    let dialect = place.as_ref().map(|place| place.dialect);
    let service = match dialect {
        // What is missing is the endpoint of the log bucket, which is reported already.
        Some(Dialect::Oss) if !r.is_set(&DEST_ENDPOINT.spec) && !r.is_set(&OSS_ENDPOINT.spec) => None,
        Some(dialect) if r.is_set(&DEST_ENDPOINT.spec) || dialect == Dialect::Oss => {
            service(r, Role::Destination(dialect))
        }
        _ => {
            r.must_be_set(&DEST_ENDPOINT.spec);
            // What is wrong with DEST is said already; what is wrong with its endpoint, as far as that can be
            // told without.
            r.get_by(&DEST_ENDPOINT, any_endpoint);
            None
        }
    };
    let opens = keys::destination(r, dialect);
    (place.zip(service), opens)
}

/// An endpoint of either service.
fn any_endpoint(text: &str) -> Result<Endpoint, Invalid> {
    let of = |dialect| settings::lenient::endpoint(text, dialect);
    of(Dialect::Obs)
        .or_else(|error| if text.contains(".aliyuncs.com") { of(Dialect::Oss) } else { Err(error) })
}

/// What is copied must not come back as an event, nor lie among the records.
fn keep_apart(
    r: &mut Reader,
    place: &Place,
    service: &Service,
    journal: LogBucket<'_>,
    source: Option<&SourceSettings>,
) {
    if place.dialect != Dialect::Oss {
        return;
    }
    if journal.bucket == Some(&place.bucket) && journal.is_at(&service.endpoint) {
        let what = "must not be in LOG_BUCKET, which is for the journal alone";
        r.problem(DEST.spec.name, Invalid::new(what).with_remedy("name another bucket"));
    }
    let source = source.filter(|source| source.bucket.as_ref() == Some(&place.bucket));
    if source.is_some_and(|source| source.is_at(&service.endpoint)) {
        let what = "lies in SOURCE_BUCKET: the copies would be objects to copy, too; use another bucket";
        r.problem(DEST.spec.name, Invalid::new(what));
    }
}

pub(super) fn deletes(r: &mut Reader) -> Deletes {
    if r.get(&PROPAGATE_DELETES) == Some(true) {
        Deletes::Propagated { max: r.get(&MAX_DELETES).unwrap_or(DELETES) }
    } else {
        r.check(|r| r.get(&MAX_DELETES));
        Deletes::Ignored
    }
}
