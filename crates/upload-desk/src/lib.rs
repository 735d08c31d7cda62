//! Uploads straight from browsers to OSS: policies are signed here, files go to the bucket, and the bucket tells.
//!
//! ```text
//! browser ──POST /uploads──▶ desk: row `pending`, signed policy
//! browser ──form──▶ OSS ──POST /callback──▶ desk: signature checked, row `stored` ──▶ answer, through OSS, to the browser
//!                                             └──later: worker ──HEAD, pipeline──▶ row settled
//! ```
//!
//! | module | concern |
//! |---|---|
//! | [`api`] | the HTTP interface and the page |
//! | [`users`], [`name`], [`types`] | who uploads what, under which key |
//! | [`entry`] | one object and what may become of it |
//! | [`catalogue`] | all of them, in a database |
//! | [`store`] | the bucket: forms, links, looks |
//! | `server` | the interface and the worker, from start to stop |
//! | [`worker`] | what is left to do: looks, forwarding, removals, fetches |
//! | [`fetch`] | objects of the web |
//! | [`counters`] | what was done |
//!
//! # Rules
//!
//! - The catalogue is the outbox. What is to be done stands in a row with a time, written before anything is answered, and is
//!   struck out after it is done. A kill at any moment loses nothing; it may do something twice, which harms nothing.
//! - A callback proves little: OSS signs with 512 bits. So it only moves the row that its user was given, names nothing but that
//!   row's key, and what it claims is compared with the bucket before anything is forwarded.
//! - Whoever asks sees its own. Of two users with one file, each uploads it: whoever knows an MD5 does not have the file.
//! - A callback waits for nothing but the catalogue, which answers or fails within three seconds; OSS waits for five.

#![warn(missing_docs)]

pub mod api;
pub mod catalogue;
pub mod counters;
pub mod entry;
pub mod fetch;
pub mod name;
mod server;
pub mod store;
pub mod types;
pub mod users;
pub mod worker;

use std::sync::Arc;
use std::time::Duration;

use oss_lite::callback::CallbackKeys;
use reqwest::Url;
use rustls::crypto::SecureRandom;
use tokio::sync::Notify;

pub use self::server::serve;

use self::catalogue::{Catalogue, CatalogueError, PutOutcome};
use self::counters::{Counters, Totals};
use self::entry::{ArrivalEffect, Entry, Forward, Id, Md5, Md5State, Millis, UploadState};
use self::fetch::Fetcher;
use self::name::Name;
use self::store::Store;
use self::types::AllowedTypes;
use self::users::{User, Users};
use bridge_core::credentials::SourceCredentials;
use bridge_core::pipeline::Pipeline;
use object_copy::clock::Clock;

/// How often a row that others change meanwhile is read again.
const RACES: usize = 16;

/// The desk. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Desk(Arc<Parts>);

/// What a [`Desk`] is made of.
#[derive(Debug)]
pub struct Parts {
    /// Who may use it.
    pub users: Users,
    /// What may be uploaded.
    pub rules: Rules,
    /// Its rows.
    pub catalogue: Catalogue,
    /// Its bucket.
    pub store: Store,
    /// Where OSS calls back.
    pub callback_url: Option<Url>,
    /// What callbacks are verified with.
    pub callback_keys: CallbackKeys,
    /// What fetches objects of the web.
    pub fetcher: Option<Fetcher>,
    /// What forwards.
    pub pipeline: Option<Pipeline>,
    /// What opens the bucket and the log bucket.
    pub credentials: SourceCredentials,
    /// The clock.
    pub clock: Clock,
    /// What ids are made of.
    pub random: &'static dyn SecureRandom,
    /// Tells the worker that there is something to do.
    pub work: Notify,
    /// What was done.
    pub counters: Counters,
}

/// What may be uploaded, and for how long.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What all keys begin with.
    pub prefix: String,
    /// Largest upload, in bytes.
    pub max_size: u64,
    /// Which content types.
    pub types: AllowedTypes,
    /// How long policies are good for.
    pub upload_expiry: Duration,
    /// How long links are good for.
    pub link_expiry: Duration,
}

/// The system gives no random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRandomness;

impl Desk {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What was done so far.
    pub fn totals(&self) -> Totals {
        self.0.counters.totals()
    }

    /// Closes the catalogue: nothing can be done from then on.
    pub async fn close(&self) {
        self.0.catalogue.close().await;
    }

    /// As [`Store::lets_pages_upload`].
    ///
    /// # Errors
    ///
    /// When the bucket does not say.
    pub async fn lets_pages_upload(&self) -> Result<bool, oss_lite::Error> {
        self.store().lets_pages_upload().await
    }

    /// As [`Store::let_pages_upload`].
    ///
    /// # Errors
    ///
    /// When the rules are as they were.
    pub async fn let_pages_upload(&self) -> Result<(), oss_lite::Error> {
        self.store().let_pages_upload().await
    }

    fn counters(&self) -> &Counters {
        &self.0.counters
    }

    fn users(&self) -> &Users {
        &self.0.users
    }

    fn rules(&self) -> &Rules {
        &self.0.rules
    }

    fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    fn store(&self) -> &Store {
        &self.0.store
    }

    fn callback_url(&self) -> Option<&Url> {
        self.0.callback_url.as_ref()
    }

    fn fetcher(&self) -> Option<&Fetcher> {
        self.0.fetcher.as_ref()
    }

    fn now(&self) -> Millis {
        (self.0.clock)().timestamp_millis()
    }

    /// Tells the worker that there is something to do.
    fn wake(&self) {
        self.0.work.notify_one();
    }

    /// A row for an upload that is about to be allowed.
    fn pending(
        &self,
        user: &User,
        name: &Name,
        size: u64,
        content_type: String,
    ) -> Result<Entry, NoRandomness> {
        self.row(user, name).map(|row| Entry { size, content_type: Some(content_type), ..row })
    }

    /// A row for an object that the desk is to fetch, at once.
    fn fetching(&self, user: &User, name: &Name, url: Url) -> Result<Entry, NoRandomness> {
        let row = self.row(user, name)?;
        let due_at = Some(row.created_at);
        Ok(Entry { state: UploadState::Fetching, source_url: Some(url.into()), due_at, ..row })
    }

    fn row(&self, user: &User, name: &Name) -> Result<Entry, NoRandomness> {
        let mut random = [0; 10];
        self.0.random.fill(&mut random).map_err(|_| NoRandomness)?;
        let now = self.now();
        let id = Id::new(now, random);
        Ok(Entry {
            id,
            name: name.as_str().to_owned(),
            key: name.key(&self.rules().prefix, user, id),
            ext: name.ext(),
            md5: None,
            md5_state: Md5State::Declared,
            creator: user.name.clone(),
            bucket: self.store().name().to_string(),
            size: 0,
            content_type: None,
            etag: None,
            state: UploadState::Pending,
            forward: if self.0.pipeline.is_some() { Forward::Waiting } else { Forward::Off },
            note: None,
            source_url: None,
            created_at: now,
            updated_at: now,
            expires_at: None,
            due_at: None,
            checks: 0,
            revision: 0,
        })
    }

    /// The user's object of this content, if it is still in the bucket. Where that cannot be told, it is uploaded once more.
    async fn same(&self, user: &User, md5: Md5, size: u64) -> Result<Option<Entry>, CatalogueError> {
        let Some(entry) = self.catalogue().same(&user.name, md5, size).await? else { return Ok(None) };
        match self.store().look(&entry.key).await {
            Ok(Some(_)) => Ok(Some(entry)),
            Ok(None) => {
                let now = self.now();
                self.update(&entry.id, |entry| entry.record_absence(now)).await?;
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(%error, "an object that may be the same cannot be looked at");
                Ok(None)
            }
        }
    }

    /// Asks the bucket for an upload, and writes down what it says.
    async fn look(&self, entry: Entry) -> Result<Option<Entry>, LookError> {
        let found = self.store().look(&entry.key).await?;
        let now = self.now();
        let mut news = None;
        let updated = self.update(&entry.id, |entry| match &found {
            Some(arrival) => news = Some(entry.record_arrival(arrival.clone(), now)),
            None => entry.record_absence(now),
        });
        let updated = updated.await?;
        if updated.is_some() && news == Some(ArrivalEffect::FirstSeen) {
            self.counters().stored.up();
        }
        self.wake();
        Ok(updated)
    }

    /// Changes a row, as it is by then; `None` if there is none. A change that changes nothing is not written.
    ///
    /// # Errors
    ///
    /// When the catalogue fails. The change may have been made.
    async fn update<T>(
        &self,
        id: &Id,
        mut change: impl FnMut(&mut Entry) -> T,
    ) -> Result<Option<Entry>, CatalogueError> {
        for _ in 0..RACES {
            let Some(entry) = self.catalogue().find(id).await? else { return Ok(None) };
            let mut changed = entry.clone();
            change(&mut changed);
            if changed == entry {
                return Ok(Some(entry));
            }
            changed.updated_at = self.now();
            if self.catalogue().put(&changed).await? == PutOutcome::Written {
                changed.revision += 1;
                return Ok(Some(changed));
            }
        }
        Err(CatalogueError::contended(id))
    }
}

/// Why the bucket could not be asked, or its answer not be written down.
#[derive(Debug)]
enum LookError {
    Store(oss_lite::Error),
    Catalogue(CatalogueError),
}

impl From<oss_lite::Error> for LookError {
    fn from(error: oss_lite::Error) -> Self {
        Self::Store(error)
    }
}

impl From<CatalogueError> for LookError {
    fn from(error: CatalogueError) -> Self {
        Self::Catalogue(error)
    }
}
