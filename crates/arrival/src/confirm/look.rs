//! One accepted key: whether it arrived, and if not, what to do.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use oss_lite::{Error, ErrorKind, ListedObject, ObjectMeta};

use super::Step;
use super::lists::FailedLists;
use crate::ends::{Ends, SourceState};
use crate::judge;
use crate::watch::Watch;
use bridge_core::journal::{AcceptedKey, OpenJournal, Proof, ReadError, Record, Stage};

/// Who was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Journal,
    Destination,
    Source,
}

/// What was found of a key.
#[derive(Debug)]
pub(super) enum Finding {
    /// It arrived.
    Arrived(Proof, Box<Record>, Option<DateTime<Utc>>),
    /// The object is gone from the source.
    Removed(Box<Record>),
    /// It has time left.
    Pending(Box<Record>),
    /// It is late.
    Late(Box<Record>),
    /// Its success record was replaced since it was listed: the next run sees to it.
    Replaced,
    /// Its record is about another source, or another destination: not looked at.
    NotOurs,
    /// Its record cannot be read.
    Unreadable(String),
    /// A service did not say what it was asked.
    Failed(Asked, Error),
}

/// A key with its finding.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) accepted: AcceptedKey,
    /// The key, as far as it is known.
    pub(super) key: String,
    pub(super) finding: Finding,
}

/// What was done for a key so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    /// What to do next if it is late.
    pub(super) next: Step,
    /// How often it was sent again.
    pub(super) resent: u8,
    /// When it was sent last.
    pub(super) sent: DateTime<Utc>,
}

impl Progress {
    /// `copies`: whether keys can be copied directly.
    pub(super) fn of(accepted: &AcceptedKey, copies: bool) -> Option<Self> {
        let written = accepted.written()?;
        let Some(marker) = accepted.marker() else {
            return Some(Self { next: Step::Resend, resent: 0, sent: written });
        };
        let next = match marker.marker.stage {
            Stage::Resent if copies => Step::Copy,
            Stage::Resent | Stage::Copied => Step::GiveUp,
            Stage::Arrived(_) | Stage::Failed | Stage::Removed | Stage::Dead => return None,
        };
        let sent = marker.written.map_or(written, |time| time.max(written));
        Some(Self { next, resent: marker.marker.resent, sent })
    }
}

/// What keys are looked at with.
pub(super) struct Eyes<'r> {
    pub(super) journal: &'r OpenJournal,
    pub(super) ends: &'r Ends,
    pub(super) failed: &'r FailedLists<'r>,
    /// What listings show of copies.
    pub(super) listed: HashMap<String, ListedObject>,
    pub(super) watch: Watch,
    pub(super) now: DateTime<Utc>,
}

/// Looks at a key. At most one request each to the log bucket, the destination and the source; the
/// destination is not asked if a listing shows what the record says, and the source only if the copy is not
/// that, or if the key is late. A key that OMS says it failed to copy is late at once.
pub(super) async fn look(eyes: &Eyes<'_>, progress: Progress, accepted: AcceptedKey) -> Looked {
    let &Eyes { journal, ends, failed, ref listed, watch, now } = eyes;
    let looked = |accepted: AcceptedKey, key: Option<String>, finding| {
        let key = key.unwrap_or_else(|| accepted.key_or_hash().to_owned());
        Looked { accepted, key, finding }
    };
    let record = match journal.accepted_record(&accepted).await {
        Ok(Some(record)) => record,
        Ok(None) => return looked(accepted, None, Finding::Replaced),
        Err(ReadError::Store(error)) if error.kind() != ErrorKind::Archived => {
            return looked(accepted, None, Finding::Failed(Asked::Journal, error));
        }
        Err(error) => return looked(accepted, None, Finding::Unreadable(error.to_string())),
    };
    if !journal.pair().has(&record) {
        return looked(accepted, None, Finding::NotOurs);
    }
    let key = match (accepted.key(), &record.key) {
        (Some(key), _) => key.to_owned(),
        (None, key) if !key.is_empty() => key.clone(),
        (None, _) => {
            return looked(accepted, None, Finding::Unreadable("it does not name its key".to_owned()));
        }
    };
    if let Some(copy) = listed.get(&key)
        && let Some(proof) = judge::is_listed(&record, copy)
    {
        let arrived = Finding::Arrived(proof, Box::new(record), copy.last_modified);
        return looked(accepted, Some(key), arrived);
    }
    let time = Time { now, late: watch.is_late(progress.sent, now) };
    let finding = match find(ends, failed, &key, record, progress, time).await {
        Ok(finding) => finding,
        Err((asked, error)) => Finding::Failed(asked, error),
    };
    looked(accepted, Some(key), finding)
}

/// What time it is in the log bucket, and whether the key is late by it.
#[derive(Clone, Copy)]
struct Time {
    now: DateTime<Utc>,
    late: bool,
}

async fn find(
    ends: &Ends,
    failed: &FailedLists<'_>,
    key: &str,
    record: Record,
    progress: Progress,
    time: Time,
) -> Result<Finding, (Asked, Error)> {
    let removal = record.is_removal();
    let copy = ends.copy(key).await.map_err(|error| (Asked::Destination, error))?;
    let arrived = |proof, record, copy: Option<&ObjectMeta>| {
        Ok(Finding::Arrived(proof, Box::new(record), copy.and_then(|copy| copy.last_modified)))
    };
    match &copy {
        None if removal => return arrived(Proof::Absence, record, None),
        Some(copy) if !removal => {
            if let Some(proof) = judge::is_recorded(&record, copy) {
                return arrived(proof, record, Some(copy));
            }
        }
        _ => {}
    }
    let late =
        time.late || (progress.next != Step::GiveUp && failed.have(ends, key, progress.sent, time.now).await);
    // Nothing is there, and it may still come: what the source holds makes no difference yet.
    if copy.is_none() && !late {
        return Ok(Finding::Pending(Box::new(record)));
    }
    // The object may have been written again, or removed, since the record was written.
    let source = ends.source(key, &record).await.map_err(|error| (Asked::Source, error))?;
    match (source, &copy) {
        (SourceState::Present(source), Some(copy)) => {
            if let Some(proof) = judge::is_same(&source, copy) {
                return arrived(proof, record, Some(copy));
            }
        }
        // What the engine left there on purpose stays.
        (SourceState::Gone, _) if !removal || record.note.is_some() => {
            return Ok(Finding::Removed(Box::new(record)));
        }
        (SourceState::Unknown, Some(copy)) if !removal => {
            if let Some(proof) = judge::is_plausible(&record, copy) {
                return arrived(proof, record, Some(copy));
            }
        }
        _ => {}
    }
    let record = Box::new(record);
    Ok(if late { Finding::Late(record) } else { Finding::Pending(record) })
}
