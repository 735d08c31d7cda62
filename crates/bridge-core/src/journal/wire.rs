//! The JSON of a record, with types of its own: an engine may rename what it likes, the files in users'
//! buckets stay as they are.
//!
//! Rules: a reader ignores unknown members and accepts missing ones, and an empty object is a valid record
//! (the vendor's function writes nothing else). A member that changes its meaning gets a new `v`.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::record::Record;
use object_copy::outcome::{EngineError, FailureClass, OpenUpload, ResumeInfo, VerifiedParts};

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Json<'a> {
    v: u32,
    key: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_time: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequencer: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'a, str>>,
    engine: Cow<'a, str>,
    outcome: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Class>,
    attempts: u32,
    /// Missing in records of 0.1.0, where the class of the last failure counts for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    permanent_failures: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    began_at: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_at: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_failed_at: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failed_at: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<Upload<'a>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    Transient,
    Permanent,
    Auth,
    Throttled,
    /// Of a newer version.
    #[serde(other)]
    Unknown,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Error<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
    message: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct Upload<'a> {
    bucket: Cow<'a, str>,
    key: Cow<'a, str>,
    id: Cow<'a, str>,
    part_size: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    etag: Option<Cow<'a, str>>,
    #[serde(default)]
    parts: usize,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    as_left: Option<Left>,
}

/// State of an upload when it was left.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Left {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verified: Vec<Parts>,
}

/// Consecutive parts.
#[derive(Serialize, Deserialize)]
struct Parts {
    first: u32,
    count: u32,
    digest: String,
    proved: bool,
}

impl Record {
    /// Reads a record; an empty body is an empty marker.
    ///
    /// # Errors
    ///
    /// When the body is neither empty nor a JSON object of this form.
    pub fn parse(body: &[u8]) -> serde_json::Result<Self> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice::<Json<'_>>(body).map(Self::from)
    }

    /// The record as it is written.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        // Only maps with keys that are no strings, and failing `Serialize` implementations, cannot be
        // written.
        serde_json::to_vec(&Json::from(self)).unwrap_or_default()
    }
}

impl<'a> From<&'a Record> for Json<'a> {
    fn from(record: &'a Record) -> Self {
        fn text(text: Option<&String>) -> Option<Cow<'_, str>> {
            text.map(|text| Cow::Borrowed(text.as_str()))
        }
        Self {
            v: record.v,
            key: Cow::Borrowed(&record.key),
            provider: text(record.provider.as_ref()),
            bucket: text(record.bucket.as_ref()),
            destination: text(record.destination.as_ref()),
            event: text(record.event.as_ref()),
            event_time: text(record.event_time.as_ref()),
            etag: text(record.etag.as_ref()),
            size: record.size,
            version_id: text(record.version_id.as_ref()),
            sequencer: text(record.sequencer.as_ref()),
            url: text(record.url.as_ref()),
            engine: Cow::Borrowed(&record.engine),
            outcome: Cow::Borrowed(&record.outcome),
            class: record.class.map(Class::from),
            attempts: record.attempts,
            permanent_failures: (record.permanent_failures > 0
                || record.class == Some(FailureClass::Permanent))
            .then_some(record.permanent_failures),
            began_at: text(record.began_at.as_ref()),
            accepted_at: text(record.accepted_at.as_ref()),
            first_failed_at: text(record.first_failed_at.as_ref()),
            last_failed_at: text(record.last_failed_at.as_ref()),
            error: record.error.as_ref().map(Error::from),
            request_id: text(record.request_id.as_ref()),
            note: text(record.note.as_ref()),
            upload: record.upload.as_ref().map(Upload::from),
        }
    }
}

impl From<Json<'_>> for Record {
    fn from(json: Json<'_>) -> Self {
        fn text(text: Option<Cow<'_, str>>) -> Option<String> {
            text.map(Cow::into_owned)
        }
        let class = json.class.and_then(Class::known);
        let permanent = if class == Some(FailureClass::Permanent) { json.attempts } else { 0 };
        Self {
            v: json.v,
            key: json.key.into_owned(),
            provider: text(json.provider),
            bucket: text(json.bucket),
            destination: text(json.destination),
            event: text(json.event),
            event_time: text(json.event_time),
            etag: text(json.etag),
            size: json.size,
            version_id: text(json.version_id),
            sequencer: text(json.sequencer),
            url: text(json.url),
            engine: json.engine.into_owned(),
            outcome: json.outcome.into_owned(),
            class,
            attempts: json.attempts,
            permanent_failures: json.permanent_failures.unwrap_or(permanent),
            began_at: text(json.began_at),
            accepted_at: text(json.accepted_at),
            first_failed_at: text(json.first_failed_at),
            last_failed_at: text(json.last_failed_at),
            error: json.error.map(EngineError::from),
            request_id: text(json.request_id),
            note: text(json.note),
            upload: json.upload.map(OpenUpload::from),
        }
    }
}

impl From<FailureClass> for Class {
    fn from(class: FailureClass) -> Self {
        match class {
            FailureClass::Transient => Self::Transient,
            FailureClass::Permanent => Self::Permanent,
            FailureClass::Auth => Self::Auth,
            FailureClass::Throttled => Self::Throttled,
        }
    }
}

impl Class {
    fn known(self) -> Option<FailureClass> {
        match self {
            Self::Transient => Some(FailureClass::Transient),
            Self::Permanent => Some(FailureClass::Permanent),
            Self::Auth => Some(FailureClass::Auth),
            Self::Throttled => Some(FailureClass::Throttled),
            Self::Unknown => None,
        }
    }
}

impl<'a> From<&'a EngineError> for Error<'a> {
    fn from(error: &'a EngineError) -> Self {
        let EngineError { status, code, message } = error;
        Self { status: *status, code: code.as_deref().map(Cow::Borrowed), message: Cow::Borrowed(message) }
    }
}

impl From<Error<'_>> for EngineError {
    fn from(error: Error<'_>) -> Self {
        let Error { status, code, message } = error;
        Self { status, code: code.map(Cow::into_owned), message: message.into_owned() }
    }
}

impl<'a> From<&'a OpenUpload> for Upload<'a> {
    fn from(upload: &'a OpenUpload) -> Self {
        let OpenUpload { bucket, key, id, part_size, etag, parts, as_left } = upload;
        Self {
            bucket: Cow::Borrowed(bucket),
            key: Cow::Borrowed(key),
            id: Cow::Borrowed(id),
            part_size: *part_size,
            etag: etag.as_deref().map(Cow::Borrowed),
            parts: *parts,
            as_left: as_left.as_deref().map(Left::from),
        }
    }
}

impl From<Upload<'_>> for OpenUpload {
    fn from(upload: Upload<'_>) -> Self {
        let Upload { bucket, key, id, part_size, etag, parts, as_left } = upload;
        Self {
            bucket: bucket.into_owned(),
            key: key.into_owned(),
            id: id.into_owned(),
            part_size,
            etag: etag.map(Cow::into_owned),
            parts,
            as_left: as_left.map(|left| Box::new(ResumeInfo::from(left))),
        }
    }
}

impl From<&ResumeInfo> for Left {
    fn from(left: &ResumeInfo) -> Self {
        let ResumeInfo { last_modified, metadata, verified } = left;
        let parts = |parts: &VerifiedParts| {
            let VerifiedParts { first, count, digest, proved } = parts.clone();
            Parts { first, count, digest, proved }
        };
        let verified = verified.iter().map(parts).collect();
        Self { last_modified: *last_modified, metadata: metadata.clone(), verified }
    }
}

impl From<Left> for ResumeInfo {
    fn from(left: Left) -> Self {
        let Left { last_modified, metadata, verified } = left;
        let parts = |Parts { first, count, digest, proved }| VerifiedParts { first, count, digest, proved };
        Self { last_modified, metadata, verified: verified.into_iter().map(parts).collect() }
    }
}
