//! Both ends of what is confirmed: the objects as they are now.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use oss_lite::{
    Bucket, BucketName, Client, Credentials, Error, ErrorKind, ListOptions, ListedObject, ObjectMeta,
};
use tokio::time::Instant;

use crate::pace::Pace;
use bridge_core::journal::Record;
use object_events::change::Provider;

/// Keys that a page of the destination's listing must show to be worth its request, which costs as much as
/// about ten that ask for one object.
const WORTH_A_PAGE: usize = 10;

/// Where copies are looked for.
#[derive(Clone, Debug)]
pub struct DestinationConfig {
    /// Its service.
    pub client: Client,
    /// The bucket.
    pub bucket: BucketName,
    /// Prefix of all keys there.
    pub prefix: String,
    /// Credentials; those of the source when absent.
    pub credentials: Option<Arc<Credentials>>,
}

/// Where the objects come from.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// Its service.
    pub client: Client,
    /// The bucket where a record does not name one.
    pub bucket: Option<BucketName>,
}

/// Both ends with the credentials of one run.
#[derive(Debug)]
pub(crate) struct Ends {
    copies: Bucket,
    prefix: String,
    source: SourceConfig,
    credentials: Arc<Credentials>,
    deadline: Instant,
    pace: Arc<Pace>,
}

/// What the source says of an object.
#[derive(Clone, Debug)]
pub(crate) enum SourceState {
    Present(Box<ObjectMeta>),
    Gone,
    /// It cannot be looked at from here: it is no object of this service, or the right is missing.
    Unknown,
}

impl Ends {
    pub(crate) fn new(
        destination: &DestinationConfig,
        source: &SourceConfig,
        credentials: &Arc<Credentials>,
        deadline: Instant,
        pace: Arc<Pace>,
    ) -> Self {
        let own = destination.credentials.as_ref().unwrap_or(credentials);
        let copies = destination.client.bucket(&destination.bucket, Arc::clone(own)).with_deadline(deadline);
        Self {
            copies,
            prefix: destination.prefix.clone(),
            source: source.clone(),
            credentials: Arc::clone(credentials),
            deadline,
            pace,
        }
    }

    /// The object at the destination. Only the service's own word counts for its absence.
    pub(crate) async fn copy(&self, key: &str) -> Result<Option<ObjectMeta>, Error> {
        self.pace.slot(self.deadline).await;
        present(self.copies.head(&[&self.prefix, key].concat()).await)
    }

    /// What listings of the destination show of `keys`, which ascend, as long as a page shows enough of them.
    /// The first one of each page is left out; what is not among them says nothing.
    pub(crate) async fn listed(&self, keys: &[&str]) -> Result<HashMap<String, ListedObject>, Error> {
        let wanted: HashSet<&str> = keys.iter().copied().collect();
        let (mut found, mut left) = (HashMap::new(), keys);
        while let Some((first, behind)) = left.split_first()
            && behind.len() >= WORTH_A_PAGE
        {
            self.pace.slot(self.deadline).await;
            let options = ListOptions {
                prefix: Some(self.prefix.clone()),
                start_after: Some([&*self.prefix, first].concat()),
                ..ListOptions::default()
            };
            let page = pin!(self.copies.list(options)).try_next().await?.unwrap_or_default();
            let Some(last) = page.objects.last().map(|last| last.key.clone()) else { break };
            let shown = behind.partition_point(|key| [&*self.prefix, key].concat() <= last);
            for object in page.objects {
                let Some(key) = object.key.strip_prefix(&*self.prefix) else { continue };
                if wanted.contains(key) {
                    found.insert(key.to_owned(), object);
                }
            }
            if shown < WORTH_A_PAGE {
                break;
            }
            left = &behind[shown..];
        }
        Ok(found)
    }

    /// Objects of the destination bucket whose keys begin with `prefix`, whatever the prefix of the copies,
    /// as far as they are wanted; of so many pages of a listing.
    pub(crate) async fn objects_below(
        &self,
        prefix: &str,
        pages: usize,
        is_wanted: impl Fn(&ListedObject) -> bool,
    ) -> Result<Vec<ListedObject>, Error> {
        let options = ListOptions { prefix: Some(prefix.to_owned()), ..ListOptions::default() };
        let mut listing = pin!(self.copies.list(options).take(pages));
        let mut wanted = Vec::new();
        while let Some(page) = listing.try_next().await? {
            // The request was made: the next one waits for its moment.
            self.pace.slot(self.deadline).await;
            wanted.extend(page.objects.into_iter().filter(&is_wanted));
        }
        Ok(wanted)
    }

    /// A whole object of the destination bucket that has at most `limit` bytes.
    pub(crate) async fn read(&self, key: &str, limit: usize) -> Result<Bytes, Error> {
        self.pace.slot(self.deadline).await;
        self.copies.get(key).await?.bytes(limit).await
    }

    /// The object at the source now.
    pub(crate) async fn source(&self, key: &str, record: &Record) -> Result<SourceState, Error> {
        let named = record.bucket.as_deref().map(str::parse);
        let bucket = match named {
            Some(Ok(bucket)) => Some(bucket),
            Some(Err(_)) => None,
            None => self.source.bucket.clone(),
        };
        let (Some(bucket), None, Provider::Configured) = (bucket, &record.url, record.provider()) else {
            return Ok(SourceState::Unknown);
        };
        self.pace.slot(self.deadline).await;
        let bucket = self.source.client.bucket(&bucket, Arc::clone(&self.credentials));
        match present(bucket.with_deadline(self.deadline).head(key).await) {
            Ok(Some(meta)) => Ok(SourceState::Present(Box::new(meta))),
            Ok(None) => Ok(SourceState::Gone),
            // A function that forwards keys to OMS need not have the right to read objects.
            Err(error) if error.kind() == ErrorKind::AccessDenied => Ok(SourceState::Unknown),
            Err(error) => Err(error),
        }
    }
}

fn present(head: Result<ObjectMeta, Error>) -> Result<Option<ObjectMeta>, Error> {
    match head {
        Ok(meta) => Ok(Some(meta)),
        Err(error) if error.kind() == ErrorKind::NoSuchKey => Ok(None),
        Err(error) => Err(error),
    }
}
