//! Whether the log bucket can hold a journal.

use std::fmt;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use oss_lite::{BucketName, Error, LifecycleRule, ListOptions, PutOptions, Versioning};

use super::{Journal, OpenJournal};

/// The steps of a probe, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeStep {
    /// Writes it.
    Write,
    /// Reads it back.
    Read,
    /// Finds it in a listing.
    List,
    /// Removes it.
    Remove,
}

impl fmt::Display for ProbeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Write => "written",
            Self::Read => "read",
            Self::List => "listed",
            Self::Remove => "removed",
        })
    }
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// The store refused it.
    #[error(transparent)]
    Store(#[from] Error),
    /// The store reported success, but the object that was read or listed is not the one that was written.
    #[error("{0}")]
    Differs(String),
}

impl Journal {
    /// The clock of the log bucket's service, from one unsigned request.
    ///
    /// # Errors
    ///
    /// When the service cannot be reached, or its answer has no date.
    pub async fn server_time(&self) -> Result<DateTime<Utc>, Error> {
        self.0.client.server_time(&self.0.bucket).await
    }
}

impl OpenJournal {
    /// Name of the log bucket.
    pub fn bucket_name(&self) -> &BucketName {
        self.bucket.name()
    }

    /// Writes, reads, lists and removes one object of the name `…/doctor_probe/<id>`. Every step is tried;
    /// those that fail are returned. If the first one fails, there are no others.
    pub async fn probe(&self, id: &str) -> Vec<(ProbeStep, ProbeError)> {
        let name = self.journal.layout().probe(id);
        let body = Bytes::copy_from_slice(id.as_bytes());
        if let Err(error) = self.bucket.put(&name, body.clone(), PutOptions::default()).await {
            return vec![(ProbeStep::Write, error.into())];
        }
        let read = self.read_probe(&name, &body).await;
        let listed = self.list_probe(&name).await;
        let removed = self.bucket.delete(&name).await.map_err(ProbeError::Store);
        [(ProbeStep::Read, read), (ProbeStep::List, listed), (ProbeStep::Remove, removed)]
            .into_iter()
            .filter_map(|(step, result)| Some((step, result.err()?)))
            .collect()
    }

    async fn read_probe(&self, name: &str, written: &Bytes) -> Result<(), ProbeError> {
        let read = self.bucket.get(name).await?.bytes(1024).await?;
        if read == written {
            return Ok(());
        }
        Err(ProbeError::Differs(format!("{} bytes were written, other {} read", written.len(), read.len())))
    }

    async fn list_probe(&self, name: &str) -> Result<(), ProbeError> {
        let options = ListOptions { prefix: Some(name.to_owned()), page_size: 1, ..ListOptions::default() };
        let mut pages = std::pin::pin!(self.bucket.list(options));
        let page = pages.try_next().await?.unwrap_or_default();
        if page.objects.iter().any(|object| object.key == name) {
            return Ok(());
        }
        Err(ProbeError::Differs("the object was written, but the listing does not have it".to_owned()))
    }

    /// Whether the log bucket keeps versions.
    ///
    /// # Errors
    ///
    /// When the request fails.
    pub async fn versioning(&self) -> Result<Versioning, Error> {
        self.bucket.versioning().await
    }

    /// The bucket's lifecycle rules that remove records of this journal.
    ///
    /// # Errors
    ///
    /// When the request fails.
    pub async fn expiring(&self) -> Result<Vec<LifecycleRule>, Error> {
        let mut rules = self.bucket.lifecycle().await?;
        rules.retain(|rule| rule.removes(self.journal.layout().root()));
        Ok(rules)
    }
}
