//! Several failures of one object are sent once.

use std::collections::HashMap;
use std::sync::Arc;

use super::Run;
use crate::change::{ObjectChange, Provider};
use crate::engine::copy::Deletes;
use crate::engine::{Job, OpenUpload};
use crate::journal::{FailureRef, Form, Kind, Record};

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

    /// Whether what is written of a success is about this failure as well.
    pub(super) fn is_covered(&self, success: &Record) -> bool {
        let origin = match (self.failure.form(), &self.record) {
            (Form::Record(tag), _) => Some(tag.origin),
            (Form::Named, Some(record)) => Some(record.origin()),
            (Form::Named | Form::Marker, _) => None,
        };
        success.covers(self.failure.written(), self.kind(), origin)
    }
}

/// One object to forward, and the failures that are done with once it is.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) job: Job,
    pub(super) failed: Vec<Failed>,
}

impl Item {
    pub(super) fn key(&self) -> &str {
        self.job.key()
    }
}

/// What failures must have in common to be sent once.
#[derive(PartialEq, Eq, Hash)]
struct Object {
    key: String,
    provider: Provider,
    bucket: Option<String>,
    url: Option<String>,
    /// Of two uploads that were left open the engine can go on with one: the other is its own to put away.
    upload: Option<String>,
}

impl Object {
    fn of(failed: &Failed, run: &Run) -> Self {
        let key = failed.key.clone();
        let record = failed.record.as_ref().filter(|_| run.engine.needs_records());
        let Some(record) = record else {
            // OMS reads one source: a key is an object.
            return Self { key, provider: Provider::Configured, bucket: None, url: None, upload: None };
        };
        let provider = record.provider();
        let configured = || run.engine.source_bucket().filter(|_| provider == Provider::Configured);
        Self {
            key,
            provider,
            bucket: record.bucket.clone().or_else(configured),
            url: record.url.clone(),
            upload: None,
        }
    }
}

/// Puts failures of the same object together, in the order in which they come.
pub(super) fn fold(failed: Vec<Failed>, run: &Run) -> Vec<Item> {
    let mut places: HashMap<Object, usize> = HashMap::with_capacity(failed.len());
    let mut groups: Vec<Vec<Failed>> = Vec::with_capacity(failed.len());
    for one in failed {
        let mut object = Object::of(&one, run);
        let place = places.get(&object).copied();
        let other_upload = |place: usize| {
            let open = groups[place].iter().find_map(Failed::upload);
            open.zip(one.upload()).is_some_and(|(open, own)| open.id != own.id)
        };
        match place {
            Some(place) if !other_upload(place) => groups[place].push(one),
            Some(_) => {
                object.upload = one.upload().map(|upload| upload.id.clone());
                let place = *places.entry(object).or_insert(groups.len());
                match groups.get_mut(place) {
                    Some(group) => group.push(one),
                    None => groups.push(vec![one]),
                }
            }
            None => {
                places.insert(object, groups.len());
                groups.push(vec![one]);
            }
        }
    }
    let removals = run.engine.deletes() != Deletes::Ignored;
    groups.into_iter().map(|group| Item::of(group, removals)).collect()
}

impl Item {
    /// The newest failure decides what is known of the object. If any of them was a removal, the object is looked at, and its copy
    /// goes if it is gone: whether a later creation was undone again, only the source can tell. Where removals are not carried over
    /// (`removals` is false), a creation among them still has to be.
    fn of(failed: Vec<Failed>, removals: bool) -> Self {
        let newest = |kind: Option<Kind>| {
            let of_kind = failed.iter().filter(|one| {
                kind.is_none_or(|kind| (one.kind() == Kind::Removal) == (kind == Kind::Removal))
            });
            of_kind.max_by(|one, other| one.order(other)).map(Failed::change)
        };
        let open = failed.iter().rev().find_map(Failed::upload).cloned();
        let (removal, creation) = (newest(Some(Kind::Removal)), newest(Some(Kind::Change)));
        let mut change = newest(None).unwrap_or_else(|| ObjectChange::of_key(""));
        match (removal, creation) {
            (Some(removal), _) if removals => change.event = removal.event,
            (Some(_), Some(creation)) => change.event = creation.event,
            _ => {}
        }
        Self { job: Job { change: Arc::new(change), open }, failed }
    }
}

impl Failed {
    fn change(&self) -> ObjectChange {
        self.record
            .as_ref()
            .map_or_else(|| ObjectChange::of_key(&*self.key), |record| record.change(&self.key))
    }

    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let by_record =
            self.record.as_ref().zip(other.record.as_ref()).map(|(own, others)| own.order(others));
        let time = |failed: &Self| match failed.failure.form() {
            Form::Record(tag) => Some(tag.at),
            Form::Marker | Form::Named => failed.failure.written(),
        };
        by_record.filter(|order| order.is_ne()).unwrap_or_else(|| time(self).cmp(&time(other)))
    }
}
