//! A record of the journal: writer and reader of one format.
//!
//! Format rules: a reader ignores unknown members and accepts missing ones, and an empty object is a valid record (the
//! vendor's function writes nothing else). A member that changes its meaning gets a new `v`.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use crate::change::ObjectChange;
use crate::engine::{Acceptance, EngineError, EngineName, Failure, FailureClass, OpenUpload, Outcome};

/// Version of the format that is written.
const VERSION: u32 = 1;

/// What the journal says of one key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record<'a> {
    /// Version of the format; 0 for an empty marker.
    pub v: u32,
    /// Object key.
    pub key: Cow<'a, str>,
    /// The service that the object lies in, if it is not the one that the settings name: `s3`, `cos`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Cow<'a, str>>,
    /// Bucket of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<Cow<'a, str>>,
    /// Name of the event that brought the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<Cow<'a, str>>,
    /// Time of that event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_time: Option<Cow<'a, str>>,
    /// `ETag` of the object at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<Cow<'a, str>>,
    /// Size of the object at that time, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Where the object is read, if not in a bucket of the source: a URL without a query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Cow<'a, str>>,
    /// Engine that was tried last: `oms` or `copy`.
    pub engine: Cow<'a, str>,
    /// `accepted` or `failed`.
    pub outcome: Cow<'a, str>,
    /// Kind of trouble.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    /// Deliveries attempted: an invocation or a replay counts once, however many requests it made.
    pub attempts: u32,
    /// When the engine accepted the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<String>,
    /// When the key failed for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_failed_at: Option<String>,
    /// When it failed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failed_at: Option<String>,
    /// What the service said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<EngineError>,
    /// Request id at the engine's service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Cow<'a, str>>,
    /// What the engine did not do for an accepted key, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Cow<'a, str>>,
    /// What the last copy of a failed key left open at the destination: the next one goes on with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload: Option<OpenUpload>,
}

impl<'a> Record<'a> {
    /// The record of a first attempt that ended `now`.
    pub fn new(change: &'a ObjectChange, outcome: &'a Outcome, now: DateTime<Utc>) -> Self {
        let now = text(now);
        let event = change.event.as_str();
        let record = Self {
            v: VERSION,
            key: Cow::Borrowed(&change.key),
            provider: change.provider.recorded().map(Cow::Borrowed),
            bucket: change.bucket.as_deref().map(Cow::Borrowed),
            event: (!event.is_empty()).then_some(Cow::Borrowed(event)),
            event_time: change.event_time.as_deref().map(Cow::Borrowed),
            etag: change.etag.as_deref().map(Cow::Borrowed),
            size: change.size,
            url: change.url.as_deref().map(Cow::Borrowed),
            engine: Cow::Borrowed(outcome.engine().as_str()),
            attempts: 1,
            ..Self::default()
        };
        match outcome {
            Outcome::Accepted(acceptance) => Self {
                outcome: Cow::Borrowed("accepted"),
                accepted_at: Some(now),
                request_id: acceptance.request_id.as_deref().map(Cow::Borrowed),
                note: acceptance.note.as_deref().map(Cow::Borrowed),
                ..record
            },
            Outcome::Failed(failure) => Self {
                outcome: Cow::Borrowed("failed"),
                class: Some(failure.class),
                first_failed_at: Some(now.clone()),
                last_failed_at: Some(now),
                error: Some(failure.error.clone()),
                request_id: failure.request_id.as_deref().map(Cow::Borrowed),
                upload: failure.open.clone(),
                ..record
            },
        }
    }

    /// Reads a record; an empty body is an empty marker.
    ///
    /// # Errors
    ///
    /// When the body is neither empty nor a JSON object of this form.
    pub fn parse(body: &[u8]) -> serde_json::Result<Record<'static>> {
        if body.trim_ascii().is_empty() { Ok(Record::default()) } else { serde_json::from_slice(body) }
    }

    /// The record of a key that was accepted `now` and of which nothing else is known.
    pub fn accepted(key: &'a str, acceptance: &'a Acceptance, now: DateTime<Utc>) -> Self {
        Self {
            v: VERSION,
            key: Cow::Borrowed(key),
            engine: Cow::Borrowed(acceptance.engine.as_str()),
            outcome: Cow::Borrowed("accepted"),
            attempts: 1,
            accepted_at: Some(text(now)),
            request_id: acceptance.request_id.as_deref().map(Cow::Borrowed),
            note: acceptance.note.as_deref().map(Cow::Borrowed),
            ..Self::default()
        }
    }

    /// The same record after one more attempt that failed `now`. What an empty marker leaves open is filled in: the key,
    /// and `since` as the time of the first failure.
    #[must_use]
    pub fn failed_again(
        self,
        key: &'a str,
        failure: &'a Failure,
        since: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Self {
        let before = self.upload.as_ref().map_or(0, |upload| upload.parts);
        // OMS knows nothing of what a copy left open.
        let upload = match failure.engine {
            EngineName::Oms => self.upload,
            EngineName::Copy => failure.open.clone(),
        };
        // A copy that advances is not on its way to being set aside.
        let advanced = upload.as_ref().is_some_and(|upload| upload.parts > before);
        Self {
            v: VERSION,
            key: Cow::Borrowed(key),
            engine: Cow::Borrowed(failure.engine.as_str()),
            outcome: Cow::Borrowed("failed"),
            class: Some(failure.class),
            attempts: self.attempts.max(1).saturating_add(u32::from(!advanced)),
            first_failed_at: self.first_failed_at.or_else(|| Some(text(since))),
            last_failed_at: Some(text(now)),
            error: Some(failure.error.clone()),
            request_id: failure.request_id.as_deref().map(Cow::Borrowed),
            note: None,
            upload,
            ..self
        }
    }

    /// The record as it is written.
    pub fn to_json(&self) -> Vec<u8> {
        // Only maps with keys that are no strings, and failing `Serialize` implementations, cannot be written.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Attempt;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_700_000_000_123).unwrap()
    }

    fn failed() -> Outcome {
        Outcome::Failed(Failure {
            engine: EngineName::Oms,
            class: FailureClass::Transient,
            error: EngineError { status: Some(503), code: Some("OMS.2004".into()), message: "later".into() },
            request_id: Some("r1".into()),
            attempt: Attempt::Made,
            open: None,
        })
    }

    #[test]
    fn a_failure_is_written_in_the_published_form() {
        let mut change = ObjectChange::of_key("a/b");
        change.bucket = Some("src".into());
        change.size = Some(123);
        let outcome = failed();
        let json = String::from_utf8(Record::new(&change, &outcome, now()).to_json()).unwrap();
        assert_eq!(
            json,
            r#"{"v":1,"key":"a/b","bucket":"src","size":123,"engine":"oms","outcome":"failed","class":"transient","attempts":1,"first_failed_at":"2023-11-14T22:13:20.123Z","last_failed_at":"2023-11-14T22:13:20.123Z","error":{"status":503,"code":"OMS.2004","message":"later"},"request_id":"r1"}"#
        );
    }

    fn cut_short(open: Option<OpenUpload>) -> Failure {
        Failure {
            engine: EngineName::Copy,
            class: FailureClass::Transient,
            error: EngineError::local("time is up"),
            request_id: None,
            attempt: Attempt::Made,
            open,
        }
    }

    fn upload() -> OpenUpload {
        OpenUpload {
            bucket: "mirror".into(),
            key: "p/k".into(),
            id: "u1".into(),
            part_size: 1 << 20,
            etag: Some("e".into()),
            parts: 3,
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let change = ObjectChange::of_key("测\u{1}\"");
        let note = Some("up to date".to_owned());
        for outcome in [
            failed(),
            Outcome::Failed(cut_short(Some(upload()))),
            Outcome::Accepted(Acceptance::default()),
            Outcome::Accepted(Acceptance { engine: EngineName::Copy, request_id: None, note }),
        ] {
            let record = Record::new(&change, &outcome, now());
            assert_eq!(Record::parse(&record.to_json()).unwrap(), record);
        }
    }

    #[test]
    fn engine_note_and_open_upload_are_written_by_their_names() {
        let change = ObjectChange::of_key("k");
        let value = |outcome: &Outcome| -> serde_json::Value {
            serde_json::from_slice(&Record::new(&change, outcome, now()).to_json()).unwrap()
        };
        let failed = value(&Outcome::Failed(cut_short(Some(upload()))));
        assert_eq!(failed["engine"], "copy");
        let upload = r#"{"bucket":"mirror","key":"p/k","id":"u1","part_size":1048576,"etag":"e","parts":3}"#;
        assert_eq!(failed["upload"], serde_json::from_str::<serde_json::Value>(upload).unwrap());
        let acceptance =
            Acceptance { engine: EngineName::Copy, note: Some("up to date".into()), request_id: None };
        let accepted = value(&Outcome::Accepted(acceptance));
        assert_eq!((&accepted["engine"], &accepted["note"]), (&"copy".into(), &"up to date".into()));
    }

    #[test]
    fn only_another_copy_changes_what_is_known_to_be_open() {
        let change = ObjectChange::of_key("k");
        let first = Outcome::Failed(cut_short(Some(upload())));
        let record = || Record::new(&change, &first, now());
        let Outcome::Failed(oms) = failed() else { unreachable!() };
        assert_eq!(record().failed_again("k", &oms, now(), now()).upload, Some(upload()));
        assert_eq!(record().failed_again("k", &cut_short(None), now(), now()).upload, None);
    }

    #[test]
    fn a_copy_that_advances_is_not_counted_against_its_key() {
        let change = ObjectChange::of_key("k");
        let first = Outcome::Failed(cut_short(Some(upload())));
        let after = |parts| {
            let again = cut_short(Some(OpenUpload { parts, ..upload() }));
            Record::new(&change, &first, now()).failed_again("k", &again, now(), now()).attempts
        };
        assert_eq!((after(4), after(3), after(0)), (1, 2, 2));
    }

    #[test]
    fn another_failure_keeps_what_was_known_and_counts() {
        let (change, first) = (ObjectChange { size: Some(7), ..ObjectChange::of_key("k") }, failed());
        let again = Failure {
            engine: EngineName::Oms,
            class: FailureClass::Auth,
            error: EngineError::local("no"),
            request_id: None,
            attempt: Attempt::Made,
            open: None,
        };
        let later = now() + chrono::TimeDelta::minutes(10);
        let record = Record::new(&change, &first, now()).failed_again("k", &again, later, later);
        assert_eq!((record.attempts, record.size, record.class), (2, Some(7), Some(FailureClass::Auth)));
        assert_eq!(record.first_failed_at.as_deref(), Some("2023-11-14T22:13:20.123Z"));
        assert_eq!(record.last_failed_at.as_deref(), Some("2023-11-14T22:23:20.123Z"));
        let marker = Record::default().failed_again("k", &again, now(), later);
        assert_eq!((&*marker.key, marker.attempts), ("k", 2));
        assert_eq!(marker.first_failed_at.as_deref(), Some("2023-11-14T22:13:20.123Z"));
    }

    #[test]
    fn records_of_older_and_newer_writers_can_be_read() {
        assert_eq!(Record::parse(b"").unwrap(), Record::default());
        assert_eq!(Record::parse(b"{}").unwrap(), Record::default());
        let newer = br#"{"v":2,"key":"k","new":{"x":[1]},"error":{"message":"m","hint":1},"class":"auth"}"#;
        let record = Record::parse(newer).unwrap();
        assert_eq!((record.v, &*record.key, record.class), (2, "k", Some(FailureClass::Auth)));
        assert!(Record::parse(b"garbage").is_err());
    }
}
