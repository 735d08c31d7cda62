//! Which run of confirmations may work, and where it is.
//!
//! ```text
//! oms_source_record/<task>/confirm_run/00000000000000000042
//! ```
//!
//! A run takes the number after the highest one, by a write that OSS refuses if the object exists, so of two
//! runs that begin at once one gets it. It may do so if the run before said that it ended, or wrote nothing
//! for [`LEASE`]: then its process is gone. While it works, it writes its own object again, with its
//! position, where the next run goes on. Lower numbers are deleted.
//!
//! In a bucket with versioning OSS does not refuse the write. Two runs at once then do the work twice, and
//! write the same markers.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use oss_lite::{Error, ErrorKind, ListOptions, PutOptions};
use serde::{Deserialize, Serialize};

use super::accepted::Position;
use super::{OpenJournal, ReadError, WriteError};

/// How long a run may be silent before another one takes its place.
pub(super) const LEASE: Duration = Duration::from_mins(5);

/// Digits of a number.
const DIGITS: usize = 20;

/// The right to work, until it is dropped or another run takes it.
#[derive(Clone, Debug)]
pub struct Lease {
    name: String,
    holder: String,
}

/// Whether the right was obtained.
#[derive(Clone, Debug)]
pub enum Turn {
    /// It was. The run before ended at this position; `None`: at the end.
    Ours(Lease, Option<Position>),
    /// Another run works. It was active at this time.
    Others(Option<DateTime<Utc>>),
}

/// The content of a run's object.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct RunState {
    v: u32,
    holder: String,
    ended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_hash: Option<String>,
}

impl RunState {
    fn new(holder: &str, position: Option<&Position>, ended: bool) -> Self {
        let (after_key, after_hash) = match position {
            Some(Position::Key(key)) => (Some(key.clone()), None),
            Some(Position::Hash(hash)) => (None, Some(hash.clone())),
            None => (None, None),
        };
        Self { v: 1, holder: holder.to_owned(), ended, after_key, after_hash }
    }

    fn position(self) -> Option<Position> {
        self.after_key.map(Position::Key).or(self.after_hash.map(Position::Hash))
    }

    fn body(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }
}

impl OpenJournal {
    /// Takes the right to confirm. `now` is the log bucket's time.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed, read or written.
    pub async fn take_lease(&self, now: DateTime<Utc>) -> Result<Turn, Error> {
        let folder = self.layout().runs();
        let options = ListOptions { prefix: Some(folder.clone()), ..ListOptions::default() };
        let pages: Vec<_> = self.bucket.list(options).try_collect().await?;
        let number = |name: &str| {
            let digits = name.strip_prefix(&folder).filter(|digits| digits.len() == DIGITS)?;
            digits.parse::<u64>().ok()
        };
        let objects = pages.into_iter().flat_map(|page| page.objects);
        let runs: Vec<_> = objects.filter_map(|object| Some((number(&object.key)?, object))).collect();
        let mut next = 1;
        let mut position = None;
        if let Some((number, object)) = runs.last() {
            let json = match self.stored(&object.key).await {
                Ok(stored) => serde_json::from_slice::<RunState>(&stored.body).unwrap_or_default(),
                Err(ReadError::Store(error)) => return Err(error),
                // Another run took the next number a moment ago; it is found below.
                Err(_) => RunState::default(),
            };
            let lease = TimeDelta::from_std(LEASE).unwrap_or_default();
            let silent = object.last_modified.is_none_or(|active| active + lease < now);
            if !json.ended && !silent {
                return Ok(Turn::Others(object.last_modified));
            }
            next = number.saturating_add(1);
            position = json.position();
        }
        let lease = Lease {
            name: format!("{folder}{next:0DIGITS$}"),
            holder: format!("{:016x}", (self.journal.0.unique)()),
        };
        let body = RunState::new(&lease.holder, position.as_ref(), false).body();
        let options = PutOptions {
            content_type: Some("application/json".into()),
            forbid_overwrite: true,
            ..PutOptions::default()
        };
        match self.bucket.put(&lease.name, body, options).await {
            Ok(outcome) => self.journal.note_bucket_time(&outcome),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // Ours, if only the answer to the first try was lost.
                let holder = match self.stored(&lease.name).await {
                    Ok(stored) => serde_json::from_slice::<RunState>(&stored.body).unwrap_or_default().holder,
                    Err(_) => String::new(),
                };
                if holder != lease.holder {
                    return Ok(Turn::Others(None));
                }
            }
            Err(error) => return Err(error),
        }
        self.delete(runs.iter().map(|(_, object)| &*object.key).collect()).await;
        Ok(Turn::Ours(lease, position))
    }

    /// Says that the run is active, and where it is.
    ///
    /// # Errors
    ///
    /// When it is not known to be written.
    pub async fn keep_lease(&self, lease: &Lease, position: Option<&Position>) -> Result<(), WriteError> {
        self.write(&lease.name, RunState::new(&lease.holder, position, false).body()).await
    }

    /// Says that the run has ended, and where the next one goes on.
    ///
    /// # Errors
    ///
    /// When it is not known to be written. The next run then begins when the lease is over.
    pub async fn end_lease(&self, lease: &Lease, position: Option<&Position>) -> Result<(), WriteError> {
        self.write(&lease.name, RunState::new(&lease.holder, position, true).body()).await
    }
}
