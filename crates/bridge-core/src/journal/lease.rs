//! Which run over the journal or the buckets may work, and where it is.
//!
//! ```text
//! oms_source_record/<task>/confirm_run/00000000000000000042
//! oms_source_record/<task>/reconcile_run/00000000000000000007
//! oms_source_record/object_list_run/<pair>/00000000000000000002
//! ```
//!
//! A run takes the number after the highest one, by a write that OSS refuses if the object exists, so of two
//! runs that begin at once one gets it. It may do so if the run before said that it ended, or wrote nothing
//! for [`LEASE`]: then its process is gone. While it works, it writes its own object again, with its state,
//! from which the next run goes on. Lower numbers are deleted.
//!
//! A run that was silent for too long, and works on, finds a higher number when it writes, or asks before it
//! changes something ([`OpenJournal::holds`]): then it has to end.
//!
//! An object that cannot be read is an error, and no run that has ended or is lost: what is under way would
//! be begun twice.
//!
//! In a bucket with versioning OSS does not refuse the write. Of two runs that wrote the same object at once
//! the one that wrote last has the right, and the other one finds that when it asks. Until then both do the
//! work: confirmations write the same markers, and a comparison may send a key twice.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt as _;
use oss_lite::{Error, ErrorKind, ListOptions, ListedObject, PutOptions};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::accepted::Position;
use super::layout::RunKind;
use super::{MAX_RECORD, OpenJournal, WriteError};

/// How long a run may be silent before another one takes its place.
pub const LEASE: Duration = Duration::from_mins(5);

/// Digits of a number.
const DIGITS: usize = 20;

/// The right to work, until it is dropped or another run takes it.
#[derive(Clone, Debug)]
pub struct Lease {
    folder: String,
    number: u64,
    holder: String,
    by: String,
}

impl Lease {
    fn name(&self) -> String {
        let Self { folder, number, .. } = self;
        format!("{folder}{number:0DIGITS$}")
    }
}

/// Whether a run still has the right to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holding {
    /// It has.
    Ours,
    /// Another run has taken it. It was active at this time, by the log bucket's clock.
    Lost(Option<DateTime<Utc>>),
}

/// Whether the right was obtained.
#[derive(Clone, Debug)]
pub enum Turn<S> {
    /// It was. The run before ended in this state.
    Ours(Lease, S),
    /// Another run works.
    Others {
        /// When it was active, where that is known. Its lease is over [`LEASE`] later, unless it is renewed.
        active: Option<DateTime<Utc>>,
        /// Who it is, in its own words; empty if it does not say.
        by: String,
    },
}

/// Where a run of confirmations is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ConfirmState {
    #[serde(skip_serializing_if = "Option::is_none")]
    after_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_hash: Option<String>,
    /// When all records of confirmed keys were last looked through for those that are kept long enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swept_at: Option<DateTime<Utc>>,
    /// The name up to which that is done, while it is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep_after: Option<String>,
}

impl ConfirmState {
    /// The same, at this position; `None`: at the end.
    #[must_use]
    pub fn at(&self, position: Option<&Position>) -> Self {
        let (after_key, after_hash) = match position {
            Some(Position::Key(key)) => (Some(key.clone()), None),
            Some(Position::Hash(hash)) => (None, Some(hash.clone())),
            None => (None, None),
        };
        Self { after_key, after_hash, ..self.clone() }
    }

    /// The position; `None`: the end.
    pub fn position(&self) -> Option<Position> {
        self.after_key.clone().map(Position::Key).or_else(|| self.after_hash.clone().map(Position::Hash))
    }
}

/// The content of a run's object.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct RunObject<S> {
    v: u32,
    holder: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    by: String,
    ended: bool,
    #[serde(flatten)]
    state: S,
}

/// Where nobody asks for the state.
#[derive(Default, Deserialize)]
struct NoState {}

fn body<S: Serialize>(lease: &Lease, state: &S, ended: bool) -> Bytes {
    let object = RunObject { v: 1, holder: lease.holder.clone(), by: lease.by.clone(), ended, state };
    serde_json::to_vec(&object).unwrap_or_default().into()
}

/// A run's object in the log bucket.
struct RunRef {
    number: u64,
    object: ListedObject,
}

impl OpenJournal {
    /// Takes the right to work. `now` is the log bucket's time; `by` is what other runs are told of this one.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed, read or written, or what the run before has written there is no
    /// state of a run.
    pub async fn take_lease<S>(&self, kind: RunKind, by: &str, now: DateTime<Utc>) -> Result<Turn<S>, Error>
    where
        S: Default + Serialize + DeserializeOwned,
    {
        let folder = self.layout().runs(kind);
        let runs = self.runs(&folder).await?;
        let mut next = 1;
        let mut state = S::default();
        if let Some(RunRef { number, object }) = runs.last() {
            // If it is gone another run took the next number a moment ago; it is found below.
            let before = self.said::<S>(&object.key).await?.unwrap_or_default();
            let lease = TimeDelta::from_std(LEASE).unwrap_or_default();
            let silent = object.last_modified.is_none_or(|active| active + lease < now);
            if !before.ended && !silent {
                return Ok(Turn::Others { active: object.last_modified, by: before.by });
            }
            next = number.saturating_add(1);
            state = before.state;
        }
        let holder = format!("{:016x}", (self.journal.0.unique)());
        let lease = Lease { folder, number: next, holder, by: by.to_owned() };
        let name = lease.name();
        let options = PutOptions {
            content_type: Some("application/json".into()),
            forbid_overwrite: true,
            ..PutOptions::default()
        };
        match self.bucket.put(&name, body(&lease, &state, false), options).await {
            Ok(outcome) => self.journal.note_bucket_time(&outcome),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                // Ours, if only the answer to the first try was lost.
                let there = self.said::<S>(&name).await?.unwrap_or_default();
                if there.holder != lease.holder {
                    return Ok(Turn::Others { active: None, by: there.by });
                }
            }
            Err(error) => return Err(error),
        }
        self.delete(runs.iter().map(|run| &*run.object.key).collect()).await;
        Ok(Turn::Ours(lease, state))
    }

    /// The runs of a folder that left an object, by number.
    async fn runs(&self, folder: &str) -> Result<Vec<RunRef>, Error> {
        let options = ListOptions { prefix: Some(folder.to_owned()), ..ListOptions::default() };
        let pages: Vec<_> = self.bucket.list(options).try_collect().await?;
        let number = |name: &str| {
            let digits = name.strip_prefix(folder).filter(|digits| digits.len() == DIGITS)?;
            digits.parse::<u64>().ok()
        };
        let objects = pages.into_iter().flat_map(|page| page.objects);
        Ok(objects.filter_map(|object| Some(RunRef { number: number(&object.key)?, object })).collect())
    }

    /// The state of the last run, if there was one: that of a run that works is as it said last.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed or read, or what a run has written there is no state of a run.
    pub async fn last_run<S>(&self, kind: RunKind) -> Result<Option<S>, Error>
    where
        S: Default + DeserializeOwned,
    {
        let runs = self.runs(&self.layout().runs(kind)).await?;
        let Some(run) = runs.last() else { return Ok(None) };
        // If it is gone the next one has begun a moment ago.
        Ok(self.said(&run.object.key).await?.map(|object| object.state))
    }

    /// What a run has written; `None` if its object does not exist any more.
    async fn said<S>(&self, name: &str) -> Result<Option<RunObject<S>>, Error>
    where
        S: Default + DeserializeOwned,
    {
        match self.bucket.get(name).await {
            Ok(object) => object.json(MAX_RECORD).await.map(Some),
            Err(error) if error.kind() == ErrorKind::NoSuchKey => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the run still has the right to work: to be asked before something is changed that two runs
    /// must not both change.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed or read, or what a run has written there is no state of a run.
    pub async fn holds(&self, lease: &Lease) -> Result<Holding, Error> {
        let runs = self.runs(&lease.folder).await?;
        let Some(last) = runs.last() else { return Ok(Holding::Lost(None)) };
        if last.number != lease.number {
            return Ok(Holding::Lost(last.object.last_modified));
        }
        match self.said::<NoState>(&last.object.key).await? {
            Some(said) if said.holder == lease.holder => Ok(Holding::Ours),
            _ => Ok(Holding::Lost(last.object.last_modified)),
        }
    }

    /// Says that the run is active, and where it is; nothing if it has lost the right to work.
    ///
    /// # Errors
    ///
    /// When the bucket cannot be listed, or the state is not known to be written.
    pub async fn keep_lease<S: Serialize>(&self, lease: &Lease, state: &S) -> Result<Holding, WriteError> {
        self.write_run(lease, state, false).await
    }

    /// Says that the run has ended, and where the next one goes on; nothing if it has lost the right to work.
    ///
    /// # Errors
    ///
    /// As [`Self::keep_lease`]. The next run then begins when the lease is over.
    pub async fn end_lease<S: Serialize>(&self, lease: &Lease, state: &S) -> Result<Holding, WriteError> {
        self.write_run(lease, state, true).await
    }

    async fn write_run<S: Serialize>(
        &self,
        lease: &Lease,
        state: &S,
        ended: bool,
    ) -> Result<Holding, WriteError> {
        let holding = self.holds(lease).await.map_err(WriteError::Store)?;
        if holding == Holding::Ours {
            self.write(&lease.name(), body(lease, state, ended)).await?;
        }
        Ok(holding)
    }
}
