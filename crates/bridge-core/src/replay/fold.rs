//! Several failures of one object are sent once.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Run;
use crate::engine::Job;
use crate::engine::copy::Deletes;
use crate::journal::{ChangeKind, FailureRef, Form, Origin, Record, sort_by_change};
use object_copy::outcome::OpenUpload;
use object_events::change::ObjectChange;

/// A failure, and the key that it is about.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) failure: FailureRef,
    /// The record, where something asked for it: many times as large as all else.
    pub(super) record: Option<Box<Record>>,
}

impl Failed {
    pub(super) fn key(&self) -> &str {
        // `Failed::new` makes sure that one of them has the key.
        let recorded = || self.record.as_ref().map_or("", |record| &record.key);
        self.failure.key().unwrap_or_else(recorded)
    }

    pub(super) fn kind(&self) -> ChangeKind {
        let recorded = || self.record.as_deref().map(Record::kind);
        self.failure.kind().or_else(recorded).unwrap_or(ChangeKind::Change)
    }

    pub(super) fn upload(&self) -> Option<&OpenUpload> {
        self.record.as_ref()?.upload.as_ref()
    }

    /// Location of the object, as far as name or record show it.
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
            .map_or_else(|| ObjectChange::of_key(self.key()), |record| record.change(self.key()))
    }

    /// When it failed.
    fn time(&self) -> Option<DateTime<Utc>> {
        match self.failure.form() {
            Form::Record(tag) => Some(tag.at),
            Form::Marker | Form::Named => self.failure.written(),
        }
    }
}

/// One object to forward, and the failures that are resolved once it is.
#[derive(Debug)]
pub(super) struct ReplayItem {
    pub(super) job: Job,
    /// Oldest first.
    pub(super) failed: Vec<Failed>,
}

impl ReplayItem {
    pub(super) fn key(&self) -> &str {
        self.job.key()
    }
}

/// Failures that are sent once.
#[derive(Default)]
struct Group<'f> {
    /// Unknown as long as there are only markers of the vendor, which may be of any bucket.
    origin: Option<Origin>,
    /// Of two uploads that were left open the engine can go on with one, and puts away the one that it is
    /// handed: so each has a group of its own.
    upload: Option<&'f str>,
    /// How many failures.
    size: usize,
    /// The next group of the same key: nearly always there is one only.
    next_of_key: Option<usize>,
}

impl Group<'_> {
    fn takes(&self, origin: Option<Origin>, upload: Option<&str>) -> bool {
        let origins = self.origin.zip(origin).is_none_or(|(own, other)| own == other);
        let uploads = self.upload.zip(upload).is_none_or(|(own, other)| own == other);
        origins && uploads
    }
}

/// Puts failures of the same object together, in the order in which they come.
pub(super) fn fold(failed: Vec<Failed>, run: &Run) -> Vec<ReplayItem> {
    let (groups, places) = group(&failed, run);
    let mut members: Vec<Vec<Failed>> = groups.iter().map(|group| Vec::with_capacity(group.size)).collect();
    for (one, place) in failed.into_iter().zip(places) {
        members[place].push(one);
    }
    members.into_iter().map(|failed| ReplayItem::of(failed, run)).collect()
}

/// The groups, and for each failure the place of its own among them.
fn group<'f>(failed: &'f [Failed], run: &Run) -> (Vec<Group<'f>>, Vec<usize>) {
    let mut groups: Vec<Group<'f>> = Vec::with_capacity(failed.len());
    let mut first_of_key: HashMap<&str, usize> = HashMap::with_capacity(failed.len());
    let places = failed.iter().map(|one| {
        let origin = own_origin(one, run);
        let upload = one.upload().map(|upload| upload.id.as_str());
        let first = *first_of_key.entry(one.key()).or_insert(groups.len());
        let (mut last, mut place) = (None, (first < groups.len()).then_some(first));
        while let Some(at) = place.filter(|at| !groups[*at].takes(origin, upload)) {
            last = Some(at);
            place = groups[at].next_of_key;
        }
        let place = place.unwrap_or(groups.len());
        if place == groups.len() {
            if let Some(last) = last {
                groups[last].next_of_key = Some(place);
            }
            groups.push(Group::default());
        }
        let group = &mut groups[place];
        group.origin = group.origin.or(origin);
        group.upload = group.upload.or(upload);
        group.size += 1;
        place
    });
    let places = places.collect();
    (groups, places)
}

/// Where the object lies. What names no bucket is of the one that is configured.
fn own_origin(failed: &Failed, run: &Run) -> Option<Origin> {
    let told = match &failed.record {
        // Of a marker the engine that copies takes the bucket that is configured.
        Some(record) if run.engine.needs_records() => Some(record.origin()),
        _ => failed.origin(),
    };
    told.map(|told| if told == run.nowhere { run.named.unwrap_or(told) } else { told })
}

impl ReplayItem {
    /// The newest failure decides what is known of the object. If any of them was a removal, the object is
    /// looked at, and its copy goes if it is gone: whether a later creation was undone again, only the source
    /// can tell. Where removals are not carried over, a creation among them still has to be.
    fn of(mut failed: Vec<Failed>, run: &Run) -> Self {
        if failed.len() > 1 {
            failed.sort_by_key(Failed::time);
            sort_by_change(&mut failed, |failed| failed.record.as_deref());
        }
        let removals = run.engine.deletes() != Deletes::Ignored;
        let newest = |removal: bool| {
            failed.iter().rev().find(|one| (one.kind() == ChangeKind::Removal) == removal).map(Failed::change)
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
