//! A record of the journal: what it says of one change. Its JSON is `wire`'s.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::name::{ChangeKind, Origin, origin};
use crate::engine::{EngineName, Failure, Outcome};
use object_copy::outcome::{EngineError, FailureClass, OpenUpload};
use object_events::change::{EventName, ObjectChange, Provider};

/// Version of the format that is written.
const VERSION: u32 = 1;

/// How much later than a failure was written an attempt must have begun to cover it: the second that listings
/// cut off, and two more for clocks of the log bucket's machines that differ.
const MARGIN: TimeDelta = TimeDelta::seconds(3);

/// The journal's record of one change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Version of the format; 0 for an empty marker.
    pub v: u32,
    /// Object key.
    pub key: String,
    /// The service that the object lies in, if it is not the one that the settings name: `s3`, `cos`.
    pub provider: Option<String>,
    /// Bucket of the object.
    pub bucket: Option<String>,
    /// Where the object goes, if the settings name it: `obs://mirror/2024/`.
    pub destination: Option<String>,
    /// Name of the event that brought the change.
    pub event: Option<String>,
    /// Time of that event.
    pub event_time: Option<String>,
    /// `ETag` of the object at that time.
    pub etag: Option<String>,
    /// Size of the object at that time, in bytes.
    pub size: Option<u64>,
    /// Version of the object.
    pub version_id: Option<String>,
    /// Place of the change among those of its key.
    pub sequencer: Option<String>,
    /// Where the object is read, if not in a bucket of the source: a URL without a query.
    pub url: Option<String>,
    /// Engine that was tried last: `oms` or `copy`.
    pub engine: String,
    /// `accepted` or `failed`.
    pub outcome: String,
    /// Kind of failure.
    pub class: Option<FailureClass>,
    /// Deliveries attempted: an invocation or a replay counts once, however many requests it made.
    pub attempts: u32,
    /// How many of them ended in a permanent failure of this very key. Only these count towards setting it
    /// aside.
    pub permanent_failures: u32,
    /// When the attempt began that was accepted, by the clock of the log bucket. Failures that were there
    /// before are done with.
    pub began_at: Option<String>,
    /// When the engine accepted the key.
    pub accepted_at: Option<String>,
    /// When the key failed for the first time.
    pub first_failed_at: Option<String>,
    /// When it failed last.
    pub last_failed_at: Option<String>,
    /// The service's error.
    pub error: Option<EngineError>,
    /// Request id at the engine's service.
    pub request_id: Option<String>,
    /// Reason why the engine copied nothing for an accepted key.
    pub note: Option<String>,
    /// Upload that the last copy of a failed key left open at the destination: the next copy continues it.
    pub upload: Option<OpenUpload>,
}

impl Record {
    /// The record of a first attempt that ended `now`.
    pub fn new(change: &ObjectChange, outcome: &Outcome, now: DateTime<Utc>) -> Self {
        let now = text(now);
        let event = change.event.as_str();
        let record = Self {
            v: VERSION,
            key: change.key.clone(),
            provider: change.provider.recorded().map(str::to_owned),
            bucket: change.bucket.clone(),
            event: (!event.is_empty()).then(|| event.to_owned()),
            event_time: change.event_time.clone(),
            etag: change.etag.clone(),
            size: change.size,
            version_id: change.version_id.clone(),
            sequencer: change.sequencer.clone(),
            url: change.url.clone(),
            engine: outcome.engine().as_str().to_owned(),
            attempts: 1,
            ..Self::default()
        };
        match outcome {
            Outcome::Accepted(acceptance) => Self {
                outcome: "accepted".to_owned(),
                accepted_at: Some(now),
                request_id: acceptance.request_id.clone(),
                note: acceptance.note.clone(),
                ..record
            },
            Outcome::Failed(failure) => Self {
                outcome: "failed".to_owned(),
                class: Some(failure.class),
                permanent_failures: u32::from(failure.is_about_the_key()),
                first_failed_at: Some(now.clone()),
                last_failed_at: Some(now),
                error: Some(failure.error.clone()),
                request_id: failure.request_id.clone(),
                upload: failure.open.clone(),
                ..record
            },
        }
    }

    /// The same, of an attempt that began at `began` by the clock of the log bucket.
    #[must_use]
    pub fn begun(self, began: Option<DateTime<Utc>>) -> Self {
        Self { began_at: began.map(text), ..self }
    }

    /// The record of a change that failed again `now`, in place of the `earlier` ones of the same object. It
    /// continues their count of attempts and keeps the time of the first failure, or `since` if none of them
    /// has it.
    pub(crate) fn failed_again(
        change: &ObjectChange,
        failure: &Failure,
        earlier: &[Self],
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        let most = |count: fn(&Self) -> u32| earlier.iter().map(count).max().unwrap_or(0);
        let attempts = most(|record| record.attempts).max(1);
        let permanent = most(|record| record.permanent_failures);
        let open = earlier.iter().rev().find_map(|record| record.upload.clone());
        let before = open.as_ref().map_or(0, |upload| upload.parts);
        // OMS knows nothing about uploads of copies.
        let upload = match failure.engine {
            EngineName::Oms => open,
            EngineName::Copy => failure.open.clone(),
        };
        // A copy that advances does not count towards the dead letters.
        let advanced = upload.as_ref().is_some_and(|upload| upload.parts > before);
        let first = earlier.iter().filter_map(|record| record.first_failed_at.clone()).min();
        let fails = Outcome::Failed(failure.clone());
        Self {
            attempts: attempts.saturating_add(u32::from(!advanced)),
            permanent_failures: permanent.saturating_add(u32::from(failure.is_about_the_key())),
            first_failed_at: Some(first.unwrap_or_else(|| text(since))),
            upload,
            ..Self::new(change, &fails, now)
        }
    }

    /// The record of `key`, which was accepted as this one says, and given up `now` since it did not arrive.
    #[must_use]
    pub fn not_arrived(self, key: &str, error: EngineError, resent: u8, now: DateTime<Utc>) -> Self {
        let now = text(now);
        Self {
            v: VERSION,
            key: key.to_owned(),
            outcome: "failed".to_owned(),
            class: Some(FailureClass::Permanent),
            attempts: self.attempts.max(1).saturating_add(resent.into()),
            first_failed_at: Some(now.clone()),
            last_failed_at: Some(now),
            error: Some(error),
            note: None,
            ..self
        }
    }

    /// When the change happened.
    pub fn event_moment(&self) -> Option<DateTime<Utc>> {
        moment(self.event_time.as_ref())
    }

    /// When it was accepted.
    pub fn accepted_moment(&self) -> Option<DateTime<Utc>> {
        moment(self.accepted_at.as_ref())
    }

    /// The change that the record is about. `key` is what the name of the record says.
    pub fn change(&self, key: &str) -> ObjectChange {
        ObjectChange {
            provider: self.provider(),
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            event: EventName::new(self.event.clone().unwrap_or_default()),
            event_time: self.event_time.clone(),
            etag: self.etag.clone(),
            size: self.size,
            version_id: self.version_id.clone(),
            sequencer: self.sequencer.clone(),
            url: self.url.clone(),
        }
    }

    /// The service that the object lies in.
    pub fn provider(&self) -> Provider {
        Provider::of_record(self.provider.as_deref())
    }

    /// Which engine can forward the change.
    pub fn kind(&self) -> ChangeKind {
        let engine =
            if self.engine == EngineName::Copy.as_str() { EngineName::Copy } else { EngineName::Oms };
        ChangeKind::of_parts(self.is_removal(), self.url.is_some(), self.provider(), engine)
    }

    /// Where the object lies.
    pub fn origin(&self) -> Origin {
        origin(self.provider(), self.bucket.as_deref(), self.url.as_deref())
    }

    /// Whether the change was a removal.
    pub fn is_removal(&self) -> bool {
        self.event.as_ref().is_some_and(|event| EventName::new(event.clone()).is_removal())
    }

    /// Whether the attempt of this success record resolves a failure: one of the same object that was in the
    /// log bucket before the attempt began.
    ///
    /// It never covers a removal: only the source shows whether that still has to be carried over, and a
    /// replay checks it. `origin` is unknown for the vendor's markers, which mean keys for OMS, so it must
    /// have been OMS that accepted the key.
    pub fn covers(&self, written: Option<DateTime<Utc>>, kind: ChangeKind, origin: Option<Origin>) -> bool {
        let began = self.began_at.as_deref().and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let before = began.zip(written).is_some_and(|(began, written)| written + MARGIN <= began);
        let by_oms = self.engine != EngineName::Copy.as_str() && self.url.is_none();
        let same_object = origin.map_or(by_oms, |origin| origin == self.origin());
        before && same_object && kind != ChangeKind::Removal
    }
}

/// Sorts records of one object by its changes, oldest first: by the sequence number of the source, else by
/// the time of the events, else by the time of the failures, depending on which of these all records have. A
/// mixture would be no order.
///
/// If the record of one item was not read, the order stays as it is.
pub(crate) fn sort_by_change<T>(items: &mut [T], record: impl Fn(&T) -> Option<&Record>) {
    let number = |item: &T| {
        let digits = record(item)?.sequencer.as_deref()?.to_ascii_uppercase();
        // As if the shorter one was filled up with zeros at its right: `ObjectChange::order`.
        Some(digits.trim_end_matches('0').to_owned())
    };
    let event = |item: &T| moment(record(item)?.event_time.as_ref());
    if items.iter().any(|item| record(item).is_none()) {
        return;
    }
    if items.iter().all(|item| number(item).is_some()) {
        items.sort_by_cached_key(number);
    } else if items.iter().all(|item| event(item).is_some()) {
        items.sort_by_cached_key(event);
    } else {
        items.sort_by_cached_key(|item| moment(record(item)?.last_failed_at.as_ref()));
    }
}

fn moment(text: Option<&String>) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text?).ok().map(|time| time.to_utc())
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod compatibility;
#[cfg(test)]
mod tests;
