//! The copy engine: keys in, objects streamed from the source to the destination, one outcome per key.
//!
//! | module | concern |
//! |---|---|
//! | `budget` | how many objects may be removed |
//! | `locks` | one change of a key at a time |

mod budget;
mod locks;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use oss_lite::{Bucket, BucketName, Client, Credentials, ObjectMeta};
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use self::budget::DeleteBudget;
use self::locks::KeyLocks;
use super::{Acceptance, EngineName, Failure, Job, Outcome};
use crate::warm::reach;
use metrics::Gauge;
use object_copy::clock::Clock;
use object_copy::outcome::Attempt;
use object_copy::stop::{Stop, StopLevel};
#[cfg(feature = "aws")]
use object_copy::transfer::S3;
use object_copy::transfer::{
    CopyOutcome, Destination, ErrorDetails, Item, Options, Removals, ServerSideCopy, Source, Transfer,
    TransferError, Unmarked, Web,
};
use object_events::change::{Effect, ObjectChange, Provider};
use oss_lite::Random;

/// Objects in flight at once by default.
pub const OBJECTS_IN_FLIGHT: usize = 16;

/// Copies objects of one source service to one destination. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct CopyEngine(Arc<CopyShared>);

/// The parts and settings of a [`CopyEngine`].
#[derive(Debug)]
pub struct CopyConfig {
    /// Where sources are read.
    pub source: Client,
    /// The source bucket where a change does not name one.
    pub source_bucket: Option<BucketName>,
    /// The only bucket that changes come from, where one is configured.
    pub only_source: Option<(Provider, String)>,
    /// Reads objects at the URLs of changes; absent if those are not read.
    pub web: Option<Web>,
    /// Reads objects in Amazon S3.
    #[cfg(feature = "aws")]
    pub s3: S3,
    /// What messages say about objects in Amazon S3, which this build cannot read.
    #[cfg(not(feature = "aws"))]
    pub without_s3: String,
    /// Where copies are written.
    pub destination: Client,
    /// The bucket they are written to.
    pub bucket: BucketName,
    /// Prefix of all keys there.
    pub prefix: String,
    /// Credentials of the destination; those of the source when absent.
    pub credentials: Option<Arc<Credentials>>,
    /// Whether removals are carried over.
    pub deletes: Deletes,
    /// Which objects count as copies that do not say what they are copies of. None does for changes of
    /// another bucket than the only source, or where there is none.
    pub unmarked: Unmarked,
    /// The clock that removals are counted by.
    pub clock: Clock,
    /// Objects under way at once, at least 1.
    pub in_flight: usize,
    /// Randomness of the backoff.
    pub random: Random,
}

/// Whether removals at the source are carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deletes {
    /// Never.
    Ignored,
    /// Once the source says that the object is gone, and only so often within ten minutes (`budget`).
    Propagated {
        /// The limit.
        max: usize,
    },
}

impl Deletes {
    fn budget(self, clock: Clock) -> Arc<DeleteBudget> {
        let max = match self {
            Self::Ignored => 0,
            Self::Propagated { max } => max,
        };
        Arc::new(DeleteBudget::new(max, clock))
    }
}

/// The part of an invocation that copies need.
#[derive(Clone, Debug)]
pub struct CopyContext {
    /// Credentials of the source.
    pub source: Arc<Credentials>,
}

#[derive(Debug)]
struct CopyShared {
    config: CopyConfig,
    /// Objects under way.
    in_flight: Arc<Semaphore>,
    /// Streams under way, over all objects.
    streams: Arc<Semaphore>,
    objects: AtomicU64,
    under_way: Gauge,
    /// Limits removals.
    budget: Arc<DeleteBudget>,
    /// Destination keys under way.
    keys: KeyLocks,
    /// Ends copies early.
    stop: Stop,
    /// The transfer of the last source bucket and credentials: it holds the day's signing keys.
    last: Mutex<Option<Last>>,
}

#[derive(Debug)]
struct Last {
    credentials: Arc<Credentials>,
    location: SourceLocation,
    transfer: Transfer,
}

/// Where an object is read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SourceLocation {
    Bucket(BucketName),
    S3(String),
    Web,
}

impl SourceLocation {
    fn of(change: &ObjectChange, config: &CopyConfig) -> Result<Self, TransferError> {
        let elsewhere = |bucket: Option<&str>| {
            bucket
                .map(str::to_owned)
                .ok_or_else(|| TransferError::settings("the bucket of the key is unknown"))
        };
        if change.url.is_some() {
            return Ok(Self::Web);
        }
        match (change.provider, change.bucket.as_deref()) {
            (Provider::AmazonS3, bucket) => elsewhere(bucket).map(Self::S3),
            (Provider::TencentCos, _) => {
                Err(TransferError::settings("objects of Tencent COS are not copied: use FORWARD_MODE oms"))
            }
            (Provider::Configured, Some(name)) => {
                Ok(Self::Bucket(BucketName::parse(name, config.source.dialect())?))
            }
            (Provider::Configured, None) => {
                Ok(Self::Bucket(config.source_bucket.clone().ok_or_else(|| {
                    TransferError::settings("the bucket of the key is unknown: set SOURCE_BUCKET")
                })?))
            }
        }
    }
}

/// The destination, to look at copies.
#[derive(Clone, Debug)]
pub struct DestinationView {
    bucket: Bucket,
    prefix: String,
}

impl DestinationView {
    /// Metadata of the copy of `key`.
    ///
    /// # Errors
    ///
    /// When it is not there, or cannot be looked at.
    pub async fn look(&self, key: &str) -> Result<ObjectMeta, oss_lite::Error> {
        self.bucket.head(&[&self.prefix, key].concat()).await
    }
}

impl CopyEngine {
    /// An engine that copies through the clients of `config`.
    pub fn new(config: CopyConfig) -> Self {
        let permits = || Arc::new(Semaphore::new(config.in_flight.max(1)));
        let (in_flight, streams) = (permits(), permits());
        let budget = config.deletes.budget(config.clock);
        Self(Arc::new(CopyShared {
            config,
            in_flight,
            streams,
            objects: AtomicU64::new(0),
            under_way: Gauge::default(),
            budget,
            keys: KeyLocks::default(),
            stop: Stop::default(),
            last: Mutex::default(),
        }))
    }

    /// Hands over jobs. Each is settled by `deadline` and reported with its index through `outcomes`.
    pub fn submit(
        &self,
        jobs: impl IntoIterator<Item = (usize, Job)>,
        context: &CopyContext,
        deadline: Instant,
        outcomes: &mpsc::UnboundedSender<(usize, Outcome)>,
    ) {
        let deadline = transfer_deadline(deadline, Instant::now());
        for (index, job) in jobs {
            let task = match self.0.task(job, context) {
                Ok(task) => task,
                Err(failed) => {
                    // The receiver is gone once time is up.
                    let _ = outcomes.send((index, Outcome::Failed(failure(failed, Attempt::Made))));
                    continue;
                }
            };
            let (shared, outcomes) = (Arc::clone(&self.0), outcomes.clone());
            tokio::spawn(async move {
                let outcome = shared.settle(task, deadline).await;
                let _ = outcomes.send((index, outcome));
            });
        }
    }

    /// Opens a connection to the destination, and to the source if its bucket is known, so that the first
    /// event does not wait for them. Says which of them cannot be reached by `deadline`, and why; any reply
    /// counts as reached.
    pub async fn warm(&self, deadline: Instant) -> Vec<String> {
        let config = &self.0.config;
        let source = async {
            match &config.source_bucket {
                Some(bucket) => config.source.warm(bucket).await,
                None => Ok(()),
            }
        };
        let (source, destination) = tokio::join!(
            reach("the source", deadline, source),
            reach("the destination", deadline, config.destination.warm(&config.bucket)),
        );
        source.into_iter().chain(destination).collect()
    }

    /// Asks copies to end early.
    pub(super) fn stop(&self, level: StopLevel) {
        self.0.stop.raise(level);
    }

    /// Objects that are being copied.
    pub(super) fn under_way(&self) -> usize {
        self.0.under_way.value()
    }

    /// Objects looked at so far.
    pub fn objects(&self) -> u64 {
        self.0.objects.load(Ordering::Relaxed)
    }

    /// The destination, with the credentials of an invocation and until a deadline.
    pub(super) fn destination(&self, source: &Arc<Credentials>, deadline: Instant) -> DestinationView {
        let config = &self.0.config;
        let bucket = config.destination_bucket(source).with_deadline(deadline);
        DestinationView { bucket, prefix: config.prefix.clone() }
    }

    /// The source bucket of changes that name none.
    pub fn source_bucket(&self) -> Option<&str> {
        self.0.config.source_bucket.as_ref().map(BucketName::as_str)
    }

    /// Whether removals are carried over.
    pub fn deletes(&self) -> Deletes {
        self.0.config.deletes
    }
}

impl CopyConfig {
    fn destination_bucket(&self, source: &Arc<Credentials>) -> Bucket {
        let own = self.credentials.as_ref().unwrap_or(source);
        self.destination.bucket(&self.bucket, Arc::clone(own))
    }
}

/// One job, owned by the task that does it.
struct Task {
    transfer: Transfer,
    item: Item,
    trigger: Trigger,
    removal: Option<Removal>,
}

/// The kind of a removal at the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removal {
    /// The object.
    Object,
    /// A version of it: the one before may be the object now.
    Version,
}

/// What caused a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trigger {
    /// An event: the object may be gone by now, and then there is nothing to do.
    Event,
    /// A request that names the object: it is expected to be there.
    Request,
}

impl CopyShared {
    fn task(&self, job: Job, context: &CopyContext) -> Result<Task, TransferError> {
        let removal = job.is_removal().then(|| match job.change.effect() {
            Effect::VersionRemoved => Removal::Version,
            _ => Removal::Object,
        });
        let Job { change, open, .. } = job;
        let location = SourceLocation::of(&change, &self.config)?;
        let key = change.url.as_ref().unwrap_or(&change.key);
        let item = Item { open, ..Item::new(key, [&self.config.prefix, &*change.key].concat()) };
        let trigger = match location {
            SourceLocation::Bucket(_) | SourceLocation::S3(_) => Trigger::Event,
            SourceLocation::Web => Trigger::Request,
        };
        let transfer = self.transfer(location, &context.source)?;
        Ok(Task { transfer, item, trigger, removal })
    }

    fn transfer(
        &self,
        location: SourceLocation,
        credentials: &Arc<Credentials>,
    ) -> Result<Transfer, TransferError> {
        let mut last = self.last.lock();
        if let Some(last) = &*last
            && Arc::ptr_eq(&last.credentials, credentials)
            && last.location == location
        {
            return Ok(last.transfer.clone());
        }
        let config = &self.config;
        let (source, server_side) = match &location {
            SourceLocation::Bucket(bucket) => {
                (Source::Store(config.source.bucket(bucket, Arc::clone(credentials))), self.server_side())
            }
            #[cfg(feature = "aws")]
            SourceLocation::S3(bucket) => (Source::S3(config.s3.bucket(bucket)?), ServerSideCopy::No),
            #[cfg(not(feature = "aws"))]
            SourceLocation::S3(bucket) => {
                return Err(TransferError::settings(format!(
                    "the object lies in {bucket:?} of Amazon S3, use FORWARD_MODE oms: {}",
                    config.without_s3
                )));
            }
            SourceLocation::Web => {
                let web = config.web.clone().ok_or_else(|| {
                    TransferError::settings("the object is read from a URL, and INGEST_DOMAINS allows none")
                })?;
                (Source::Web(web), ServerSideCopy::No)
            }
        };
        let destination = Destination::store(config.destination_bucket(credentials));
        let options = Options {
            concurrency: config.in_flight.max(1),
            server_side,
            removals: self.removals(&location),
            stop: self.stop.clone(),
            random: config.random,
            ..Options::default()
        };
        let transfer = Transfer::sharing(source, destination, options, Arc::clone(&self.streams));
        *last = Some(Last { credentials: Arc::clone(credentials), location, transfer: transfer.clone() });
        Ok(transfer)
    }

    fn removals(&self, location: &SourceLocation) -> Removals {
        match (self.config.deletes, location) {
            (Deletes::Ignored, _) | (_, SourceLocation::Web) => Removals::Ignored,
            (Deletes::Propagated { .. }, location) => {
                let own = match (location, &self.config.only_source) {
                    (SourceLocation::Bucket(name), Some((Provider::Configured, only))) => {
                        name.as_str() == only
                    }
                    (SourceLocation::S3(name), Some((Provider::AmazonS3, only))) => name == only,
                    _ => false,
                };
                let unmarked = if own { self.config.unmarked } else { Unmarked::Kept };
                Removals::CarriedOver { unmarked, allow: Arc::<DeleteBudget>::clone(&self.budget) }
            }
        }
    }

    /// Whether the service copies by itself: if one account has both ends in one region.
    fn server_side(&self) -> ServerSideCopy {
        let CopyConfig { source, destination, credentials, .. } = &self.config;
        if credentials.is_none() && source.shares_region_with(destination) {
            ServerSideCopy::Yes
        } else {
            ServerSideCopy::No
        }
    }

    async fn settle(&self, task: Task, deadline: Instant) -> Outcome {
        let Task { transfer, item, trigger, removal } = task;
        // The turn of the key comes first: who waits for it must not keep others from theirs.
        let begun = timeout_at(deadline, async {
            let turn = self.keys.lock(&item.to).await;
            (turn, self.in_flight.acquire().await)
        });
        let begun = tokio::select! {
            biased;
            () = self.stop.reached(StopLevel::BeginNothing) => {
                let failed = TransferError::transient("not begun: the program was told to stop");
                return Outcome::Failed(Failure { open: item.open, ..failure(failed, Attempt::NotBegun) });
            }
            begun = begun => begun,
        };
        let Ok(_begun) = begun else {
            let failed = TransferError::out_of_time("not begun");
            return Outcome::Failed(failure(failed, Attempt::NotMade));
        };
        self.objects.fetch_add(1, Ordering::Relaxed);
        let _under_way = self.under_way.add(1);
        let done = match (removal, self.config.deletes) {
            (Some(Removal::Object), Deletes::Ignored) => {
                return accepted(Some("removals are not propagated"));
            }
            (Some(Removal::Object), Deletes::Propagated { .. }) if self.budget.is_spent() => {
                Ok(CopyOutcome::Deferred)
            }
            // Both look first, and copy what is there.
            (Some(_), Deletes::Propagated { .. }) => transfer.remove(&item, Some(deadline)).await,
            (Some(Removal::Version) | None, _) => transfer.copy(&item, Some(deadline)).await,
        };
        match done {
            Ok(CopyOutcome::Copied { .. }) => accepted(None),
            Ok(CopyOutcome::UpToDate) => accepted(Some("up to date")),
            Ok(CopyOutcome::SourceGone) if trigger == Trigger::Request => {
                let failed = TransferError::permanent("the web server has no such object");
                Outcome::Failed(failure(failed, Attempt::Made))
            }
            Ok(CopyOutcome::SourceGone) => accepted(Some("the source is gone, nothing to copy")),
            Ok(CopyOutcome::Removed) => accepted(Some("gone from the source, removed")),
            Ok(CopyOutcome::NotItsCopy) => accepted(Some(
                "gone from the source; the copy at the destination is of another object, and was kept",
            )),
            Ok(CopyOutcome::Deferred) => Outcome::Failed(failure(self.budget.exhausted(), Attempt::Deferred)),
            Ok(CopyOutcome::SymlinkSkipped) => accepted(Some("a symlink, skipped")),
            Err(failed) => {
                let attempt = failed.attempt;
                Outcome::Failed(failure(failed, attempt))
            }
        }
    }
}

/// The deadline of transfers: early enough to close what is open at the destination and to report, by
/// `deadline`, what a later run continues with.
///
/// Two seconds are enough for one round trip that lists or aborts a multipart upload, at the timeouts of the
/// client. When little time is left, an eighth of it is reserved instead: most of a short budget has to go
/// into the copy itself.
fn transfer_deadline(deadline: Instant, now: Instant) -> Instant {
    const RESERVED: Duration = Duration::from_secs(2);
    deadline - RESERVED.min(deadline.saturating_duration_since(now) / 8)
}

fn accepted(note: Option<&str>) -> Outcome {
    Outcome::Accepted(Acceptance {
        engine: EngineName::Copy,
        request_id: None,
        note: note.map(str::to_owned),
    })
}

fn failure(failed: TransferError, attempt: Attempt) -> Failure {
    let concern = failed.refusal().unwrap_or(failed.concern);
    let ErrorDetails { class, error, request_id, open, request, .. } = failed.into_details();
    let engine = EngineName::Copy;
    Failure { engine, class, error, request_id, attempt, open, concern, request, unreached: None }
}
