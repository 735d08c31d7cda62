//! Every writer against every reader: the files of `fixtures/records`.
//!
//! | written by | read by today's version | read by 0.1.0 |
//! |---|---|---|
//! | the vendor's function (`v0`) | yes | yes |
//! | 0.1.0 (`v1-0.1.0`) | yes | yes |
//! | today's version (`v1`) | yes, byte for byte | yes, without the members that are new |
//! | a later version (`v2-imagined`) | yes, unknown members and classes left out | a class that it does not know: no |

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::super::name::ChangeKind;
use super::tests::{failure, now};
use super::*;
use crate::engine::Acceptance;
use object_copy::outcome::{ResumeInfo, VerifiedParts};

/// The reader of 0.1.0, kept as it was.
mod v010 {
    use serde::Deserialize;

    #[derive(Default, Deserialize)]
    #[serde(default)]
    pub(super) struct Record {
        pub(super) v: u32,
        pub(super) key: String,
        pub(super) bucket: Option<String>,
        #[serde(rename = "event")]
        pub(super) _event: Option<String>,
        #[serde(rename = "event_time")]
        pub(super) _event_time: Option<String>,
        #[serde(rename = "etag")]
        pub(super) _etag: Option<String>,
        pub(super) size: Option<u64>,
        pub(super) engine: String,
        pub(super) outcome: String,
        pub(super) class: Option<FailureClass>,
        pub(super) attempts: u32,
        #[serde(rename = "accepted_at")]
        pub(super) _accepted_at: Option<String>,
        pub(super) first_failed_at: Option<String>,
        #[serde(rename = "last_failed_at")]
        pub(super) _last_failed_at: Option<String>,
        pub(super) error: Option<EngineError>,
        pub(super) request_id: Option<String>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub(super) enum FailureClass {
        Transient,
        Permanent,
        Auth,
        Throttled,
    }

    #[derive(Default, Deserialize)]
    #[serde(default)]
    pub(super) struct EngineError {
        pub(super) status: Option<u16>,
        pub(super) code: Option<String>,
        pub(super) message: String,
    }

    pub(super) fn parse(body: &[u8]) -> serde_json::Result<Record> {
        if body.trim_ascii().is_empty() { Ok(Record::default()) } else { serde_json::from_slice(body) }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/records")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

/// What today's version writes, by file.
fn written_today() -> [(&'static str, Record); 4] {
    let throttled = Failure {
        error: EngineError {
            status: Some(429),
            code: Some("APIGW.0308".into()),
            message: "slow down".into(),
        },
        ..failure(FailureClass::Throttled)
    };
    let everything = ObjectChange {
        provider: Provider::AmazonS3,
        bucket: Some("src".into()),
        event: EventName::new("ObjectCreated:Put".into()),
        event_time: Some("2026-11-20T07:00:00.000Z".into()),
        etag: Some("e".into()),
        size: Some(123),
        version_id: Some("v".into()),
        sequencer: Some("0A".into()),
        ..ObjectChange::of_key("a/测 1.txt")
    };
    let permanent = Failure { request_id: None, ..failure(FailureClass::Permanent) };
    let verified = VerifiedParts { first: 1, count: 3, digest: "d".into(), proved: true };
    let as_left =
        ResumeInfo { last_modified: Some(now()), metadata: Some("m".into()), verified: vec![verified] };
    let cut_short = Failure {
        engine: EngineName::Copy,
        error: EngineError::local("time is up"),
        request_id: None,
        open: Some(OpenUpload {
            bucket: "mirror".into(),
            key: "p/k".into(),
            id: "u1".into(),
            part_size: 1 << 20,
            etag: Some("e".into()),
            parts: 3,
            as_left: Some(Box::new(as_left)),
        }),
        ..failure(FailureClass::Transient)
    };
    let url = Some("https://example.com/k".to_owned());
    let of_url = ObjectChange { url, ..ObjectChange::of_key("k") };
    let note = Some("up to date".to_owned());
    let accepted = Acceptance { engine: EngineName::Copy, request_id: None, note };
    let of_bucket = ObjectChange { bucket: Some("src".into()), ..ObjectChange::of_key("a/b") };
    let failed = |change, failure| Record::new(change, &Outcome::Failed(failure), now());
    [
        ("v1-failed.json", failed(&everything, throttled)),
        ("v1-failed-permanent.json", failed(&ObjectChange::of_key("k"), permanent)),
        ("v1-failed-upload.json", failed(&of_url, cut_short)),
        ("v1-accepted.json", Record::new(&of_bucket, &Outcome::Accepted(accepted), now()).begun(Some(now()))),
    ]
}

/// File, key, class, attempts, permanent failures and kind, as today's version reads them.
type Read = (&'static str, &'static str, Option<FailureClass>, u32, u32, ChangeKind);

const WRITTEN_BEFORE_AND_AFTER: [Read; 5] = [
    ("v0-marker.json", "", None, 0, 0, ChangeKind::Change),
    ("v0-empty-object.json", "", None, 0, 0, ChangeKind::Change),
    // All failures count as permanent: 0.1.0 did not say how many were.
    ("v1-0.1.0-failed.json", "a/测 1.txt", Some(FailureClass::Permanent), 3, 3, ChangeKind::Change),
    ("v1-0.1.0-accepted.json", "a/b", None, 1, 0, ChangeKind::Change),
    ("v2-imagined.json", "k", None, 2, 0, ChangeKind::Change),
];

#[test]
fn every_file_is_of_a_known_writer() {
    let files: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let today = written_today().into_iter().map(|(name, _)| name.to_owned());
    let others = WRITTEN_BEFORE_AND_AFTER.into_iter().map(|(name, ..)| name.to_owned());
    assert_eq!(files, today.chain(others).collect());
}

#[test]
fn todays_version_writes_its_files_byte_for_byte_and_reads_them_back() {
    for (name, record) in written_today() {
        let file = file(name);
        let written = String::from_utf8(record.to_json()).unwrap();
        assert_eq!(written, String::from_utf8_lossy(file.trim_ascii_end()), "{name}");
        assert_eq!(Record::parse(&file).unwrap(), record, "{name}");
    }
}

#[test]
fn todays_version_reads_files_of_earlier_and_later_ones() {
    for (name, key, class, attempts, permanent, kind) in WRITTEN_BEFORE_AND_AFTER {
        let record = Record::parse(&file(name)).unwrap();
        let read = (&*record.key, record.class, record.attempts, record.permanent_failures, record.kind());
        assert_eq!(read, (key, class, attempts, permanent, kind), "{name}");
    }
    let old = Record::parse(&file("v1-0.1.0-failed.json")).unwrap();
    assert_eq!((old.v, old.size, old.bucket.as_deref()), (1, Some(123), Some("src")));
    assert_eq!(old.first_failed_at.as_deref(), Some("2026-11-20T07:00:01.000Z"));
    assert_eq!(old.error.unwrap().to_string(), "400 OMS.0064 no");
    assert_eq!(Record::parse(&file("v2-imagined.json")).unwrap().v, 2);
}

#[test]
fn version_0_1_0_reads_what_is_written_today() {
    for (name, record) in written_today() {
        let old = v010::parse(&file(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((old.v, &old.key, &old.bucket), (1, &record.key, &record.bucket), "{name}");
        assert_eq!((&old.engine, &old.outcome), (&record.engine, &record.outcome), "{name}");
        assert_eq!((old.attempts, old.size), (record.attempts, record.size), "{name}");
        assert_eq!((&old.first_failed_at, &old.request_id), (&record.first_failed_at, &record.request_id));
        let error = old.error.map(|v010::EngineError { status, code, message }| EngineError {
            status,
            code,
            message,
        });
        assert_eq!(error, record.error, "{name}");
        let class = old.class.map(|class| format!("{class:?}").to_lowercase());
        assert_eq!(class, record.class.map(|class| class.to_string()), "{name}");
    }
    for name in ["v0-marker.json", "v0-empty-object.json", "v1-0.1.0-failed.json", "v1-0.1.0-accepted.json"] {
        assert!(v010::parse(&file(name)).is_ok(), "{name}");
    }
    assert!(v010::parse(&file("v2-imagined.json")).is_err(), "a new class needs a new version of readers");
}
