//! Fetches objects of the web with the copy engine.
//!
//! Piping another server's response into an upload would pass on its headers (the length of the compressed
//! bytes, an encoding, cookies), and a truncated response would go unnoticed. The copy engine copies the
//! content and the headers that describe it, knows the length or sends parts, continues after a broken
//! connection, and compares checksums.
//!
//! # Rules
//!
//! - Fetches have permits of their own, so that they never delay other work. Each user gets a few of them, so
//!   that slow hosts of one user do not delay other users.
//! - Each try has a deadline (`DEADLINE`) and a minimum speed (`LEAST_SPEED`). Its open upload in the bucket
//!   is removed afterwards.
//! - A host is resolved before a row is written: a name without an admissible address is refused at once.
//!   Lookups are limited per user, too. Addresses are checked again when a connection is made, since names
//!   change.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{TryStreamExt as _, pin_mut};
use oss_lite::Bucket;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use object_copy::egress::{Guard, Resolver};
use object_copy::outcome::FailureClass;
use object_copy::transfer::{
    CopyOutcome, Destination, Existing, Flow, Inadmissible, Item, Options, Source, Transfer, TransferError,
    Web,
};

/// Concurrent fetches of all users.
const MAX_FETCHES: usize = 16;

/// Concurrent fetches of one user.
const MAX_FETCHES_PER_USER: usize = 4;

/// Concurrent lookups of host names of one user.
const MAX_LOOKUPS_PER_USER: usize = 4;

/// Concurrent streams of one fetch.
const STREAMS: usize = 2;

/// Part size of large objects. A fetch of unknown length holds two parts in memory.
const PART_SIZE: u64 = 8 << 20;

/// Time limit of a fetch: enough for the largest object, 5 GiB, at 0.7 MiB per second.
pub(crate) const DEADLINE: Duration = Duration::from_hours(2);

/// Minimum bytes per second of a fetch, as an average over each minute.
pub(crate) const LEAST_SPEED: u64 = 16 << 10;

/// Interval of that average: long enough for a server to recover.
const ROUND: Duration = Duration::from_mins(1);

/// Time limit of a lookup.
const LOOKUP: Duration = Duration::from_secs(5);

/// Time limit for removing the parts of a failed fetch.
const CLEANING: Duration = Duration::from_secs(10);

/// Fetches objects of the web into the bucket, within the rules of `INGEST_DOMAINS`.
#[derive(Debug)]
pub struct Fetcher {
    web: Web,
    guard: Arc<Guard>,
    resolver: Resolver,
    bucket: Bucket,
    max_size: u64,
    permits: Arc<Semaphore>,
    users: Mutex<HashMap<String, UserLimits>>,
}

/// The limits of one user.
#[derive(Clone, Debug)]
struct UserLimits {
    fetches: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

/// Permission to fetch, until it is dropped.
#[derive(Debug)]
pub(crate) struct FetchPermit {
    _of_the_user: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Result of a fetch.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// The object is in the bucket.
    Done,
    /// It failed for good.
    Failed(String),
    /// A retry may help.
    Interrupted(String),
}

/// Why a host is not fetched from.
#[derive(Debug)]
pub(crate) enum HostError {
    /// None of its addresses is admissible.
    Refused(Inadmissible),
    /// It has no address.
    Unknown(io::Error),
    /// The lookup failed or timed out.
    Unanswered,
}

impl Fetcher {
    /// Fetches through `web`, which is guarded by `guard`, up to `max_size` bytes per object. `resolver` must
    /// admit the same hosts as the connections of `web`.
    pub fn new(web: Web, guard: Arc<Guard>, resolver: Resolver, bucket: Bucket, max_size: u64) -> Self {
        Self {
            web,
            guard,
            resolver,
            bucket,
            max_size,
            permits: Arc::new(Semaphore::new(MAX_FETCHES)),
            users: Mutex::default(),
        }
    }

    /// Decides which URLs may be fetched.
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Resolves a host for a user.
    ///
    /// # Errors
    ///
    /// When it has no admissible address, or the lookup takes too long.
    pub(crate) async fn look_up(&self, user: &str, host: &str) -> Result<(), HostError> {
        let (lookups, resolver, host) = (self.share(user).lookups, self.resolver.clone(), host.to_owned());
        let answer = async {
            let permit = lookups.acquire_owned().await.map_err(|_| HostError::Unanswered)?;
            // A lookup by the system cannot be cancelled, so it keeps its permit until it ends.
            let looked_up = tokio::spawn(async move {
                let found = resolver.addresses(&host).await;
                drop(permit);
                found
            });
            match looked_up.await {
                Ok(Ok(Ok(_))) => Ok(()),
                Ok(Ok(Err(refused))) => Err(HostError::Refused(refused)),
                Ok(Err(error)) => Err(HostError::Unknown(error)),
                Err(_) => Err(HostError::Unanswered),
            }
        };
        timeout(LOOKUP, answer).await.unwrap_or(Err(HostError::Unanswered))
    }

    /// Waits for a permit. `None` after `close`.
    pub(crate) async fn permit(&self, user: &str) -> Option<FetchPermit> {
        // The user's own permit first: while waiting for it, none of the shared ones is taken.
        let of_the_user = self.share(user).fetches.acquire_owned().await.ok()?;
        let of_all = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        Some(FetchPermit { _of_the_user: of_the_user, _of_all: of_all })
    }

    /// Stops giving permits.
    pub(crate) fn close(&self) {
        self.permits.close();
        let users = self.users.lock();
        users.values().for_each(|share| share.fetches.close());
    }

    fn share(&self, user: &str) -> UserLimits {
        let mut users = self.users.lock();
        let share = users.entry(user.to_owned()).or_insert_with(|| UserLimits {
            fetches: Arc::new(Semaphore::new(MAX_FETCHES_PER_USER)),
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS_PER_USER)),
        });
        share.clone()
    }

    /// Fetches one object.
    pub(crate) async fn fetch(&self, _: &FetchPermit, url: &str, key: &str) -> Fetched {
        let (flow, deadline) = (Flow::default(), Instant::now() + DEADLINE);
        let transfer = self.transfer(flow.clone());
        let item = Item::new(url, key);
        let copied = Box::pin(transfer.copy(&item, Some(deadline)));
        match paced(|| flow.bytes(), copied).await {
            Ok(Ok(CopyOutcome::SourceGone)) => {
                Fetched::Failed("the web server has no such object".to_owned())
            }
            Ok(Ok(_)) => Fetched::Done,
            Ok(Err(failed)) => {
                if failed.open.is_some() {
                    self.clean_up(key).await;
                }
                Fetched::of(&failed, Instant::now() >= deadline)
            }
            Err(TooSlow { bytes }) => {
                self.clean_up(key).await;
                Fetched::Interrupted(format!(
                    "the web server is too slow: {bytes} bytes in the last {} seconds",
                    ROUND.as_secs()
                ))
            }
        }
    }

    fn transfer(&self, flow: Flow) -> Transfer {
        let options = Options {
            part_size: PART_SIZE,
            concurrency: STREAMS,
            existing: Existing::Overwrite,
            max_size: Some(self.max_size),
            flow,
            ..Options::default()
        };
        Transfer::new(Source::Web(self.web.clone()), Destination::store(self.bucket.clone()), options)
    }

    /// Removes the upload that a fetch left open. No record of it is kept.
    async fn clean_up(&self, key: &str) {
        let bucket = self.bucket.with_deadline(Instant::now() + CLEANING);
        let removed = async {
            let uploads = bucket.list_multipart_uploads(key);
            pin_mut!(uploads);
            while let Some(upload) = uploads.try_next().await? {
                if upload.key == key {
                    bucket.abort_multipart_upload(key, &upload.upload_id).await?;
                }
            }
            Ok::<_, oss_lite::Error>(())
        };
        if let Err(error) = removed.await {
            tracing::warn!(key, %error, "parts of a fetch could not be removed; `copy --abort-stale` does");
        }
    }
}

impl Fetched {
    fn of(failed: &TransferError, out_of_time: bool) -> Self {
        let why = failed.to_string();
        match failed.class {
            FailureClass::Transient | FailureClass::Throttled if !out_of_time => Self::Interrupted(why),
            _ => Self::Failed(why),
        }
    }
}

/// Less than `LEAST_SPEED`.
#[derive(Debug, PartialEq, Eq)]
struct TooSlow {
    bytes: u64,
}

/// Runs `work` as long as `bytes`, the number of bytes read, grows fast enough.
async fn paced<T>(bytes: impl Fn() -> u64, work: impl Future<Output = T>) -> Result<T, TooSlow> {
    let least = LEAST_SPEED * ROUND.as_secs();
    let mut rounds = interval_at(Instant::now() + ROUND, ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    pin_mut!(work);
    let mut before = bytes();
    loop {
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            _ = rounds.tick() => {
                let now = bytes();
                if now - before < least {
                    return Err(TooSlow { bytes: now - before });
                }
                before = now;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use tokio::time::sleep;

    use super::*;

    async fn reads(each_second: u64, seconds: u64) -> (Result<(), TooSlow>, Duration) {
        let (read, start) = (Cell::new(0), Instant::now());
        let work = async {
            for _ in 0..seconds {
                sleep(Duration::from_secs(1)).await;
                read.set(read.get() + each_second);
            }
        };
        (paced(|| read.get(), work).await, start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_below_the_least_speed_ends_after_a_minute() {
        let (done, time) = reads(LEAST_SPEED / 2, 600).await;
        assert!(matches!(done, Err(TooSlow { bytes }) if bytes <= LEAST_SPEED * 30), "{done:?}");
        assert_eq!(time, ROUND);
        assert_eq!(reads(0, 600).await, (Err(TooSlow { bytes: 0 }), ROUND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_or_short_fetch_is_finished() {
        assert_eq!(reads(LEAST_SPEED * 2, 600).await, (Ok(()), Duration::from_mins(10)));
        assert_eq!(reads(1, 59).await, (Ok(()), Duration::from_secs(59)));
    }

    fn fetcher(resolver: Resolver) -> Fetcher {
        use oss_lite::{Client, ClientConfig, Credentials, Dialect, SignatureVersion};
        let http = http_client::build(http_client::Proxies::None).unwrap();
        let config = ClientConfig::new("127.0.0.1:9".parse().unwrap(), Dialect::Oss);
        let config = config.with_signature(SignatureVersion::V1);
        let client = Client::new(http.clone(), config).unwrap();
        let bucket = client.bucket(&"photos".parse().unwrap(), Arc::new(Credentials::new("a", "b")));
        let reach = object_copy::egress::Reach::Public;
        let list = object_copy::egress::AllowList::parse("a.example", reach).unwrap();
        Fetcher::new(Web::new(http), Arc::new(Guard::new(list, reach)), resolver, bucket, 1)
    }

    fn looking_up(
        lookup: impl Fn(String) -> futures_util::future::BoxFuture<'static, io::Result<Vec<std::net::IpAddr>>>
        + Send
        + Sync
        + 'static,
    ) -> Fetcher {
        fetcher(Resolver::new(Arc::new(lookup), object_copy::egress::Reach::Public))
    }

    #[tokio::test(start_paused = true)]
    async fn the_permits_of_a_user_leave_some_for_others() {
        let fetcher = looking_up(|_| Box::pin(async { Ok(Vec::new()) }));
        let mut held = Vec::new();
        for _ in 0..MAX_FETCHES_PER_USER {
            held.push(fetcher.permit("eric").await.unwrap());
        }
        assert!(timeout(DEADLINE, fetcher.permit("eric")).await.is_err(), "no more for that one");
        let others = timeout(DEADLINE, fetcher.permit("mia")).await.expect("room for another").unwrap();
        held.pop();
        held.push(fetcher.permit("eric").await.unwrap());
        for user in ["a", "b", "c"] {
            for _ in 0..MAX_FETCHES_PER_USER {
                let Ok(permit) = timeout(DEADLINE, fetcher.permit(user)).await else { break };
                held.push(permit.unwrap());
            }
        }
        assert_eq!(held.len() + 1, MAX_FETCHES, "that is all");
        drop(others);
        fetcher.close();
        assert!(fetcher.permit("mia").await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_without_admissible_addresses_are_refused_before_anything_is_written() {
        let fetcher = looking_up(|name| {
            Box::pin(async move {
                match &*name {
                    "private.example" => Ok(vec!["10.0.0.1".parse().unwrap()]),
                    "public.example" => Ok(vec!["1.1.1.1".parse().unwrap()]),
                    "slow.example" => std::future::pending().await,
                    _ => Err(io::Error::other("no such host")),
                }
            })
        });
        assert!(fetcher.look_up("eric", "public.example").await.is_ok());
        assert!(matches!(fetcher.look_up("eric", "private.example").await, Err(HostError::Refused(_))));
        assert!(matches!(fetcher.look_up("eric", "none.example").await, Err(HostError::Unknown(_))));
        for _ in 0..=MAX_LOOKUPS_PER_USER {
            let slow = fetcher.look_up("eric", "slow.example").await;
            assert!(matches!(slow, Err(HostError::Unanswered)));
        }
        let behind = fetcher.look_up("eric", "public.example").await;
        assert!(matches!(behind, Err(HostError::Unanswered)), "its lookups hang: {behind:?}");
        assert!(fetcher.look_up("mia", "public.example").await.is_ok(), "and nobody else's");
    }
}
