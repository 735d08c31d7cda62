//! Both sides of a comparison, and one key that differs, as both have it now.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use object_events::TriggerKeys;
#[cfg(feature = "s3")]
use object_events::change::Provider;
use object_events::change::{EventName, ObjectChange};
use oss_lite::{Credentials, Dialect};
use tokio::time::{Instant, timeout_at};

use super::options::{Reconciler, SliceOptions, SourceBucket};
use super::paced::PacedListing;
use super::state::Scope;
use super::unanswered::NotLookedAt;
use crate::pace::Pace;
use bridge_core::policy::KeyFilter;
use object_copy::transfer::{Concern, Extent, ObjectFacts, Side as End, Source, TransferError};
use reconcile::Side;
use reconcile::judge::{self, Verdict};
#[cfg(feature = "s3")]
use reconcile::listing::S3Listing;
use reconcile::listing::{BucketListing, Listed, Listing};

/// The name of the event that a key is sent with.
const EVENT: &str = "ObjectCreated:Reconcile";

/// The records of this program.
const RECORDS: &str = "oms_source_record/";

/// OMS's own folder in a destination bucket.
const OMS: &str = "oms/";

/// How long one request may take that looks at an object, if the slice has the time.
const LONGEST_LOOK: Duration = Duration::from_secs(15);

/// What was found of a key.
#[derive(Debug)]
pub(super) enum Look {
    /// Both sides hold the same object by now.
    Equal,
    /// The copy has the size and is not older; nothing else is known.
    Undecided,
    /// It is gone from the source.
    Gone,
    /// The destination does not have it.
    Missing(Box<ObjectFacts>),
    /// The destination has another one.
    Different(Box<ObjectFacts>),
}

/// Both sides with the credentials of one slice.
pub(super) struct Sides {
    source: Source,
    copies: Source,
    listings: [Arc<dyn Listing>; 2],
    scope: Scope,
    /// The bucket of changes.
    bucket: String,
    /// What stands before keys at the destination.
    folder: String,
    /// What keys begin with.
    prefix: String,
    deadline: Instant,
    /// How long one request may take that looks at an object.
    look_time: Duration,
    pace: Arc<Pace>,
}

impl Sides {
    /// `keys` is what `INCLUDE` and `EXCLUDE` let through; `looks_until` is when the last object is looked
    /// at.
    pub(super) fn new(
        reconciler: &Reconciler,
        credentials: &Arc<Credentials>,
        options: &SliceOptions,
        keys: &KeyFilter,
        pace: Arc<Pace>,
        looks_until: Instant,
    ) -> Self {
        let deadline = options.budget.engine;
        // One that hangs leaves time for others.
        let look_time = LONGEST_LOOK.min(looks_until.saturating_duration_since(Instant::now()) / 4);
        let (source, listed, bucket, scheme, source_endpoint) = match &reconciler.source {
            SourceBucket::Store { client, bucket } => {
                let opened = client.bucket(bucket, Arc::clone(credentials)).with_deadline(deadline);
                let listed = paced(BucketListing::new(opened.clone()), &pace, deadline);
                (Source::Store(opened), listed, bucket.to_string(), "oss", client.endpoint().url())
            }
            #[cfg(feature = "s3")]
            SourceBucket::S3 { name, bucket } => {
                let listed = paced(S3Listing::new(bucket.clone()), &pace, deadline);
                (Source::S3(bucket.clone()), listed, name.clone(), "s3", String::new())
            }
        };
        let to = &reconciler.destination;
        let own = to.credentials.as_ref().unwrap_or(credentials);
        let copies = to.client.bucket(&to.bucket, Arc::clone(own)).with_deadline(deadline);
        let copies_listed = paced(BucketListing::new(copies.clone()), &pace, deadline);
        let to_scheme = match to.client.dialect() {
            Dialect::Oss => "oss",
            Dialect::Obs => "obs",
        };
        let TriggerKeys { prefix, suffix } = options.keys.clone();
        let scope = Scope {
            source: format!("{scheme}://{bucket}/{prefix}"),
            destination: format!("{to_scheme}://{}/{}{prefix}", to.bucket, to.prefix),
            suffix,
            include: keys.include().to_vec(),
            exclude: keys.exclude().to_vec(),
            source_endpoint,
            destination_endpoint: to.client.endpoint().url(),
        };
        let listings = [listed, copies_listed];
        let (copies, folder) = (Source::Store(copies), to.prefix.clone());
        Self { source, copies, listings, scope, bucket, folder, prefix, deadline, look_time, pace }
    }

    /// What is compared.
    pub(super) fn scope(&self) -> Scope {
        self.scope.clone()
    }

    /// The sides of a comparison: source and destination.
    pub(super) fn compared(&self) -> (Side, Side) {
        let [source, copies] = &self.listings;
        let side = |name: &str, prefix, listing: &Arc<dyn Listing>| Side {
            name: name.to_owned(),
            prefix,
            listing: Arc::clone(listing),
            objects: None,
            own: Vec::new(),
        };
        let copied = [&*self.folder, &self.prefix].concat();
        (
            side(&self.scope.source, self.prefix.clone(), source).leaving_out(&[RECORDS]),
            side(&self.scope.destination, copied, copies).leaving_out(&[OMS, RECORDS]),
        )
    }

    /// A key as both sides have it now: one HEAD of each.
    pub(super) async fn look(&self, key: &str, listed: &Listed) -> Result<Look, NotLookedAt> {
        let (source, copy) = tokio::join!(self.facts(End::Source, key), self.facts(End::Destination, key));
        let copy = copy?;
        let source = match source {
            Ok(Some(source)) => source,
            Ok(None) => return Ok(Look::Gone),
            // A function that forwards keys to OMS need not have the right to read objects.
            Err(failed) if failed.error.refusal() == Some(Concern::Permission) => as_listed(listed),
            Err(failed) => return Err(failed),
        };
        let Some(copy) = copy else { return Ok(Look::Missing(Box::new(source))) };
        Ok(match judge::by_facts(&source, &copy) {
            Verdict::Equal(_) => Look::Equal,
            Verdict::Undecided(_) if is_not_older(copy.last_modified, source.last_modified) => {
                Look::Undecided
            }
            _ => Look::Different(Box::new(source)),
        })
    }

    /// Whether a side says of a key whether it has it.
    pub(super) async fn answers(&self, end: End, key: &str) -> bool {
        self.facts(end, key).await.is_ok()
    }

    async fn facts(&self, end: End, key: &str) -> Result<Option<ObjectFacts>, NotLookedAt> {
        let copied = [&*self.folder, key].concat();
        let (objects, key) = match end {
            End::Source => (&self.source, key),
            End::Destination => (&self.copies, &*copied),
        };
        self.pace.slot(self.deadline).await;
        let until = self.deadline.min(Instant::now() + self.look_time);
        match timeout_at(until, objects.facts(key)).await {
            Ok(facts) => facts.map_err(|failed| NotLookedAt::new(end, failed.at(end))),
            Err(_) => Err(NotLookedAt {
                end,
                error: TransferError::transient("no answer in time").at(end),
                extent: Extent::PerhapsAll,
            }),
        }
    }

    /// The change that a key is sent as.
    pub(super) fn change(&self, key: String, facts: &ObjectFacts) -> ObjectChange {
        let written = facts.last_modified.map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true));
        ObjectChange {
            event: EventName::new(EVENT.to_owned()),
            event_time: written,
            etag: facts.etag.clone(),
            size: facts.size,
            ..self.change_of(key)
        }
    }

    /// A change of a key of which nothing else is known.
    pub(super) fn change_of(&self, key: impl Into<String>) -> ObjectChange {
        let change = ObjectChange { bucket: Some(self.bucket.clone()), ..ObjectChange::of_key(key) };
        match &self.source {
            #[cfg(feature = "s3")]
            Source::S3(_) => ObjectChange { provider: Provider::AmazonS3, ..change },
            _ => change,
        }
    }
}

fn paced<L: Listing + 'static>(listing: L, pace: &Arc<Pace>, deadline: Instant) -> Arc<dyn Listing> {
    Arc::new(PacedListing { listing, pace: Arc::clone(pace), deadline })
}

/// Whether a copy was written after its source, as far as both times are known.
pub(super) fn is_not_older(copy: Option<DateTime<Utc>>, source: Option<DateTime<Utc>>) -> bool {
    copy.zip(source).is_some_and(|(copy, source)| copy >= source)
}

/// What a listing says of an object, where nothing else can be asked.
fn as_listed(listed: &Listed) -> ObjectFacts {
    ObjectFacts {
        size: Some(listed.size),
        etag: listed.etag.as_deref().map(str::to_owned),
        last_modified: listed.modified,
        // An ETag that looks like an MD5 is none if the object is encrypted or was appended to. Equal ones
        // are known by the MD5 of the other side.
        md5: None,
        crc64: listed.crc64,
        source_etag: None,
    }
}
