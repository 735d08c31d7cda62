//! The service itself: its parts, and changes of rows.

use std::sync::Arc;
use std::time::Duration;

use oss_lite::Bucket;
use oss_lite::callback::CallbackKeys;
use reqwest::Url;
use rustls::crypto::SecureRandom;
use tokio::sync::Notify;

use crate::catalogue::{Catalogue, CatalogueError, PutOutcome};
use crate::counters::{Counters, Totals};
use crate::entry::{
    ArrivalEffect, Entry, Forward, Id, LOOK_AT_PARTS, Md5, Md5State, Millis, UploadState, after,
};
use crate::fetch::Fetcher;
use crate::name::Name;
use crate::store::{PageAccess, Store};
use crate::types::AllowedTypes;
use crate::users::{User, Users};
use bridge_core::credentials::SourceCredentials;
use bridge_core::pipeline::Pipeline;
use metrics::{Exposition, names};
use object_copy::clock::Clock;
use object_copy::stop::StopLevel;

/// Largest object that a form carries, a limit of OSS.
pub const LARGEST_FORM: u64 = 5 << 30;

/// A file of up to as many parts is uploaded as a form.
const FORM_PARTS: u64 = 16;

/// Most tries of a change that conflicts with other changes of the row.
const RACES: usize = 16;

/// The desk. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Desk(pub(crate) Arc<Shared>);

/// The parts of a desk, and its state while it runs.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) users: Users,
    pub(crate) rules: Rules,
    pub(crate) catalogue: Catalogue,
    pub(crate) store: Store,
    pub(crate) callbacks: Callbacks,
    pub(crate) fetcher: Option<Fetcher>,
    pub(crate) forwarding: Option<Forwarding>,
    pub(crate) counters: Counters,
    /// Wakes the worker.
    pub(crate) work: Notify,
    clock: Clock,
    random: &'static dyn SecureRandom,
}

/// What a [`Desk`] is made of.
#[derive(Debug)]
pub struct DeskParts {
    /// Who may use it.
    pub users: Users,
    /// What may be uploaded.
    pub rules: Rules,
    /// The database of its uploads.
    pub catalogue: Catalogue,
    /// The bucket that browsers upload to.
    pub store: Store,
    /// How OSS reports that an upload is stored.
    pub callbacks: Callbacks,
    /// Fetches objects of the web, where that is allowed.
    pub fetcher: Option<Fetcher>,
    /// Forwards stored objects, where that is wanted.
    pub forwarding: Option<Forwarding>,
    /// The clock.
    pub clock: Clock,
    /// Source of the random part of ids.
    pub random: &'static dyn SecureRandom,
}

/// How OSS reports that an upload is stored.
#[derive(Debug)]
pub struct Callbacks {
    /// Where OSS calls back; absent where it does not.
    pub url: Option<Url>,
    /// The keys that callbacks are verified with.
    pub keys: CallbackKeys,
}

/// How stored objects are forwarded.
#[derive(Debug)]
pub struct Forwarding {
    /// Forwards them.
    pub pipeline: Pipeline,
    /// The credentials for the bucket and the log bucket.
    pub credentials: SourceCredentials,
}

/// What may be uploaded, and for how long.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Prefix of all keys.
    pub prefix: String,
    /// Largest upload, in bytes.
    pub max_size: u64,
    /// Allowed content types.
    pub types: AllowedTypes,
    /// Validity of policies.
    pub upload_expiry: Duration,
    /// Validity of links.
    pub link_expiry: Duration,
    /// Size of the parts of large uploads, in bytes.
    pub part_size: u64,
}

impl Rules {
    /// Pages upload larger files in parts.
    pub(crate) fn multipart_above(&self) -> u64 {
        self.part_size.saturating_mul(FORM_PARTS).min(LARGEST_FORM)
    }
}

/// The system's random number generator failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoRandomness;

impl Desk {
    /// Ends multipart copies after the parts that are being sent. They are recorded, and a replay resumes
    /// them.
    pub fn end_at_parts(&self) {
        if let Some(forwarding) = &self.0.forwarding {
            forwarding.pipeline.engine().stop(StopLevel::EndAtParts);
        }
    }

    /// Builds a desk from its parts.
    pub fn new(parts: DeskParts) -> Self {
        let DeskParts { users, rules, catalogue, store, callbacks, fetcher, forwarding, clock, random } =
            parts;
        let (counters, work) = (Counters::default(), Notify::new());
        Self(Arc::new(Shared {
            users,
            rules,
            catalogue,
            store,
            callbacks,
            fetcher,
            forwarding,
            counters,
            work,
            clock,
            random,
        }))
    }

    /// The metrics so far.
    pub fn totals(&self) -> Totals {
        self.0.counters.totals()
    }

    /// The metrics so far, in the text format of Prometheus.
    pub(crate) fn metrics(&self) -> String {
        let mut metrics = Exposition::default();
        metrics.add_of(&names::BUILD_INFO, [env!("CARGO_PKG_VERSION")], 1_u64);
        self.totals().expose(&mut metrics);
        if let Some(forwarding) = &self.0.forwarding {
            forwarding.pipeline.expose(&mut metrics);
        }
        metrics.into_text()
    }

    /// Closes the catalogue, after which every request fails.
    pub async fn close(&self) {
        self.0.catalogue.close().await;
    }

    /// The names of users for a message, without tokens.
    pub fn users(&self) -> String {
        self.0.users.summary()
    }

    /// The bucket that browsers upload to.
    pub fn bucket(&self) -> &Bucket {
        self.0.store.bucket()
    }

    /// As `Store::page_access`.
    ///
    /// # Errors
    ///
    /// When the bucket does not respond.
    pub async fn page_access(&self) -> Result<PageAccess, oss_lite::Error> {
        self.0.store.page_access().await
    }

    /// As `Store::let_pages_upload`.
    ///
    /// # Errors
    ///
    /// When the rules could not be changed.
    pub async fn let_pages_upload(&self) -> Result<(), oss_lite::Error> {
        self.0.store.let_pages_upload().await
    }

    pub(crate) fn now(&self) -> Millis {
        (self.0.clock)().timestamp_millis()
    }

    /// When the stored parts of an upload are looked at, where nothing else keeps them from being larger than
    /// announced.
    pub(crate) fn look_at_parts(&self) -> Option<Millis> {
        (!self.0.store.binds_sizes()).then(|| after(self.now(), LOOK_AT_PARTS))
    }

    /// Wakes the worker.
    pub(crate) fn wake(&self) {
        self.0.work.notify_one();
    }

    /// A row for a new upload.
    pub(crate) fn pending(
        &self,
        user: &User,
        name: &Name,
        size: u64,
        content_type: String,
    ) -> Result<Entry, NoRandomness> {
        self.row(user, name).map(|row| Entry { size, content_type: Some(content_type), ..row })
    }

    /// A row for an object to be fetched, due at once.
    pub(crate) fn fetching(&self, user: &User, name: &Name, url: Url) -> Result<Entry, NoRandomness> {
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
            key: name.key(&self.0.rules.prefix, user, id),
            ext: name.ext(),
            md5: None,
            md5_state: Md5State::Declared,
            creator: user.name.clone(),
            bucket: self.0.store.name().to_string(),
            size: 0,
            content_type: None,
            etag: None,
            state: UploadState::Pending,
            forward: if self.0.forwarding.is_some() { Forward::Waiting } else { Forward::Off },
            note: None,
            source_url: None,
            multipart: None,
            created_at: now,
            updated_at: now,
            expires_at: None,
            due_at: None,
            checks: 0,
            revision: 0,
        })
    }

    /// The user's object with this content, if it is still in the bucket. If that cannot be checked, the file
    /// is uploaded again.
    pub(crate) async fn same(
        &self,
        user: &User,
        md5: Md5,
        size: u64,
    ) -> Result<Option<Entry>, CatalogueError> {
        let Some(entry) = self.0.catalogue.same(&user.name, md5, size).await? else { return Ok(None) };
        match self.0.store.look(&entry.key).await {
            Ok(Some(_)) => Ok(Some(entry)),
            Ok(None) => {
                let now = self.now();
                self.update(&entry.id, |entry| entry.record_absence(now)).await?;
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(%error, "a possible duplicate cannot be checked");
                Ok(None)
            }
        }
    }

    /// Checks an upload in the bucket, and records the result.
    pub(crate) async fn look(&self, entry: Entry) -> Result<Option<Entry>, LookError> {
        let found = self.0.store.look(&entry.key).await?;
        let now = self.now();
        let mut news = None;
        let updated = self.update(&entry.id, |entry| match &found {
            Some(arrival) => news = Some(entry.record_arrival(arrival.clone(), now)),
            None => entry.record_absence(now),
        });
        let updated = updated.await?;
        if updated.is_some() && news == Some(ArrivalEffect::FirstSeen) {
            self.0.counters.stored.increment();
        }
        self.wake();
        Ok(updated)
    }

    /// Applies a change to the current version of a row, again if another change comes first; `None` if there
    /// is no row. A row that does not change is not written.
    ///
    /// # Errors
    ///
    /// When the catalogue fails. The change may have been written.
    pub(crate) async fn update<T>(
        &self,
        id: &Id,
        mut change: impl FnMut(&mut Entry) -> T,
    ) -> Result<Option<Entry>, CatalogueError> {
        for _ in 0..RACES {
            let Some(entry) = self.0.catalogue.find(id).await? else { return Ok(None) };
            let mut changed = entry.clone();
            change(&mut changed);
            if changed == entry {
                return Ok(Some(entry));
            }
            changed.updated_at = self.now();
            if self.0.catalogue.put(&changed).await? == PutOutcome::Written {
                changed.revision += 1;
                let (state, forward) = (changed.state.as_str(), changed.forward.as_str());
                tracing::debug!(%id, state, forward, "a row changed");
                return Ok(Some(changed));
            }
        }
        Err(CatalogueError::contended(id))
    }
}

/// The bucket could not be checked, or the result not be recorded.
#[derive(Debug)]
pub(crate) enum LookError {
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
