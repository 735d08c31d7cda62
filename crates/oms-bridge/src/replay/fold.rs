//! Several failures of one object are sent once.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Run;
use crate::change::{ObjectChange, Provider};
use crate::engine::copy::Deletes;
use crate::engine::{Job, OpenUpload};
use crate::journal::{FailureRef, Form, Kind, Origin, Record, origin, sort_by_change};

/// A failure, and the key that it is about.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) failure: FailureRef,
    pub(super) key: String,
    /// The record, where something asked for it.
    pub(super) record: Option<Record>,
}

impl Failed {
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn kind(&self) -> Kind {
        let recorded = || self.record.as_ref().map(Record::kind);
        self.failure.kind().or_else(recorded).unwrap_or(Kind::Change)
    }

    pub(super) fn upload(&self) -> Option<&OpenUpload> {
        self.record.as_ref()?.upload.as_ref()
    }

    /// Where the object lies, as far as name or record tell.
    pub(super) fn origin(&self) -> Option<Origin> {
        match (self.failure.form(), &self.record) {
            (Form::Record(tag), _) => Some(tag.origin),
            (Form::Named, Some(record)) => Some(record.origin()),
            (Form::Named | Form::Marker, _) => None,
        }
    }

    /// Whether what is written of a success is about this failure as well.
    pub(super) fn is_covered(&self, success: &Record) -> bool {
        success.covers(self.failure.written(), self.kind(), self.origin())
    }

    fn change(&self) -> ObjectChange {
        self.record
            .as_ref()
            .map_or_else(|| ObjectChange::of_key(&*self.key), |record| record.change(&self.key))
    }

    /// When it failed.
    fn time(&self) -> Option<DateTime<Utc>> {
        match self.failure.form() {
            Form::Record(tag) => Some(tag.at),
            Form::Marker | Form::Named => self.failure.written(),
        }
    }
}

/// One object to forward, and the failures that are done with once it is.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) job: Job,
    /// Oldest first.
    pub(super) failed: Vec<Failed>,
}

impl Item {
    pub(super) fn key(&self) -> &str {
        self.job.key()
    }
}

/// Failures that are sent once.
struct Group {
    /// Unknown as long as there are only markers of the vendor, which may be of any bucket.
    origin: Option<Origin>,
    /// Of two uploads that were left open the engine can go on with one, and puts away the one that it is handed: so each has a
    /// group of its own.
    upload: Option<String>,
    failed: Vec<Failed>,
}

impl Group {
    fn takes(&self, origin: Option<Origin>, upload: Option<&str>) -> bool {
        let origins = self.origin.zip(origin).is_none_or(|(own, other)| own == other);
        let uploads = self.upload.as_deref().zip(upload).is_none_or(|(own, other)| own == other);
        origins && uploads
    }
}

/// Puts failures of the same object together, in the order in which they come.
pub(super) fn fold(failed: Vec<Failed>, run: &Run) -> Vec<Item> {
    let mut groups: Vec<Group> = Vec::with_capacity(failed.len());
    let mut of_key: HashMap<String, Vec<usize>> = HashMap::with_capacity(failed.len());
    for one in failed {
        let origin = own_origin(&one, run);
        let upload = one.upload().map(|upload| upload.id.clone());
        let places = of_key.entry(one.key.clone()).or_default();
        let place = places.iter().copied().find(|place| groups[*place].takes(origin, upload.as_deref()));
        let place = place.unwrap_or_else(|| {
            places.push(groups.len());
            groups.push(Group { origin: None, upload: None, failed: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[place];
        group.origin = group.origin.or(origin);
        group.upload = group.upload.take().or(upload);
        group.failed.push(one);
    }
    groups.into_iter().map(|group| Item::of(group.failed, run)).collect()
}

/// Where the object lies. What names no bucket is of the one that is configured.
fn own_origin(failed: &Failed, run: &Run) -> Option<Origin> {
    let told = match &failed.record {
        // Of a marker the engine that copies takes the bucket that is configured.
        Some(record) if run.engine.needs_records() => Some(record.origin()),
        _ => failed.origin(),
    };
    let configured = run.engine.source_bucket();
    let configured = configured.map(|bucket| origin(Provider::Configured, Some(&bucket), None));
    let named = configured.or(run.own.last().copied());
    told.map(
        |told| if told == origin(Provider::Configured, None, None) { named.unwrap_or(told) } else { told },
    )
}

impl Item {
    /// The newest failure decides what is known of the object. If any of them was a removal, the object is looked at, and its copy
    /// goes if it is gone: whether a later creation was undone again, only the source can tell. Where removals are not carried
    /// over, a creation among them still has to be.
    fn of(mut failed: Vec<Failed>, run: &Run) -> Self {
        if failed.len() > 1 {
            failed.sort_by_key(Failed::time);
            sort_by_change(&mut failed, |failed| failed.record.as_ref());
        }
        let removals = run.engine.deletes() != Deletes::Ignored;
        let newest = |removal: bool| {
            failed.iter().rev().find(|one| (one.kind() == Kind::Removal) == removal).map(Failed::change)
        };
        let mut change = failed.last().map_or_else(|| ObjectChange::of_key(""), Failed::change);
        match (newest(true), newest(false)) {
            (Some(removal), _) if removals => change.event = removal.event,
            (Some(_), Some(creation)) => change.event = creation.event,
            _ => {}
        }
        let open = failed.iter().rev().find_map(Failed::upload).cloned();
        let copies_only = failed.iter().any(|failed| run.is_beyond_oms(failed));
        Self { job: Job { change: Arc::new(change), open, copies_only }, failed }
    }
}
